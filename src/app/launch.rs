//! From the command line to a window on the screen, and its picture.

use super::command::View;
use super::window::{Closing, Window};
use super::{theme, ui};
use crate::data::{RecordId, Review, Reviews, append_reviews, write_atomic};
use crate::figure;
use crate::model::catalogue;
use crate::workbench::{Desk, OpenFile, Opening, Settings};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Opens the window and returns when it is closed.
pub fn run(opening: Opening) -> ExitCode {
    match open(opening) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn open(opening: Opening) -> anyhow::Result<()> {
    let home = home();
    let path = Settings::path_in(&home);
    let reviews_path = Reviews::path_in(&home);
    let mut settings = Settings::read(&path);
    // A picture must not depend on what the window was like before, nor change it.
    if opening.screenshot.is_some() {
        settings = Settings { model: settings.model, ..Settings::default() };
    }
    let view = opening.view.as_deref().and_then(View::find);
    let [width, height] = opening.size.unwrap_or(settings.size);
    if let Some(theme) = &opening.theme {
        settings.theme.clone_from(theme);
    }
    let mut viewport = egui::ViewportBuilder::default()
        .with_title("Backstory")
        .with_app_id("backstory")
        .with_inner_size([width, height])
        .with_min_inner_size([760.0, 480.0]);
    if let Ok(icon) = eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon-256.png"))
    {
        viewport = viewport.with_icon(icon);
    }
    let options = eframe::NativeOptions {
        viewport,
        centered: true,
        renderer: eframe::Renderer::Wgpu,
        system_font_fallback: false,
        ..Default::default()
    };
    let failed: Arc<Mutex<Option<anyhow::Error>>> = Arc::default();
    let failed_there = failed.clone();
    let last: Arc<Mutex<Option<Last>>> = Arc::default();
    let last_there = last.clone();
    let screenshot = opening.screenshot.clone();
    let create = move |creation: &eframe::CreationContext<'_>| {
        let ctx = creation.egui_ctx.clone();
        theme::apply(&ctx);
        ctx.set_zoom_factor(settings.zoom);
        ctx.set_theme(theme::preference(&settings.theme));
        let files = opening.files.iter().enumerate().map(|(ix, path)| OpenFile {
            path: std::path::absolute(path).unwrap_or_else(|_| path.clone()),
            join: opening
                .join
                .get(ix)
                .map(|p| std::path::absolute(p).unwrap_or_else(|_| p.clone())),
            strategy: None,
            map: opening.map.clone(),
        });
        // A picture for each tick of a counter would take the processor from the work, and where the
        // processor itself draws, some pictures a second are enough.
        let software = creation.wgpu_render_state.as_ref().is_some_and(|state| {
            state.adapter.get_info().device_type == eframe::wgpu::DeviceType::Cpu
        });
        let every = Duration::from_millis(if software { 200 } else { 40 });
        let wake = move || ctx.request_repaint_after(every);
        let mut window = Window::new(Desk::default(), settings, home, files.collect(), wake);
        if let Some(view) = view {
            window.show(view);
        }
        if screenshot.is_some() {
            window.remember_nothing();
        }
        let app = App {
            window,
            title: String::new(),
            shot: screenshot.map(Shot::new),
            failed: failed_there,
            last: last_there,
        };
        Ok(Box::new(app) as Box<dyn eframe::App>)
    };
    eframe::run_native("backstory", options, Box::new(create)).map_err(|error| explain(&error))?;
    if let Some(error) = failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error);
    }
    let last = last.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((settings, reviews)) = last {
        if !reviews.is_empty() {
            append_reviews(&reviews_path, &reviews)?;
        }
        settings.write(&path)?;
    }
    Ok(())
}

/// The program's own folder; a temporary one where it cannot be used, so that the window opens.
fn home() -> PathBuf {
    let home = catalogue::home().ok();
    let usable = home.filter(|home| make_folders(home).is_ok());
    usable.unwrap_or_else(|| {
        let home = std::env::temp_dir().join("backstory");
        if let Err(error) = make_folders(&home) {
            eprintln!("warning: no folder for measurements could be made: {error}");
        }
        home
    })
}

/// Where measurements and what is made of the example project go.
fn make_folders(home: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(home.join("coherence"))?;
    std::fs::create_dir_all(home.join("made"))
}

/// The messages of the window system name its source files; ours say what to do.
fn explain(error: &eframe::Error) -> anyhow::Error {
    match error {
        eframe::Error::WinitEventLoop(_) | eframe::Error::Winit(_) => anyhow::anyhow!(
            "no window can be opened: there is no display here that this program can reach; start it in a \
             desktop session (DISPLAY or WAYLAND_DISPLAY), or do the same job without a window: `backstory \
             demo --out out`, `backstory --help`"
        ),
        eframe::Error::Wgpu(error) => anyhow::anyhow!(
            "no window can be drawn: {error}; install a Vulkan or OpenGL driver (on Debian and Ubuntu \
             `mesa-vulkan-drivers` draws without a graphics card)"
        ),
        other => anyhow::anyhow!("no window can be opened: {other}"),
    }
}

/// What is written down when the window has closed: the settings, and reviews that may not be yet.
type Last = (Settings, Vec<(RecordId, Review)>);

/// The window as eframe runs it.
struct App {
    window: Window,
    title: String,
    shot: Option<Shot>,
    failed: Arc<Mutex<Option<anyhow::Error>>>,
    last: Arc<Mutex<Option<Last>>>,
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _: &mut eframe::Frame) {
        self.window.logic(ctx);
        let title = self.window.title();
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
        if let Some(shot) = &mut self.shot
            && let Some(taken) = shot.step(ctx, self.window.is_idle())
        {
            let complaints: Vec<&str> = self.window.complaints().collect();
            let error = match taken {
                Err(error) => Some(error),
                // The picture shows them too, but a script that asked for it sees only the exit code.
                Ok(()) if !complaints.is_empty() => Some(anyhow::anyhow!(complaints.join("; "))),
                Ok(()) => None,
            };
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = error;
            self.window.closing = Closing::Yes;
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        ui::window_ui(&mut self.window, ui);
    }

    fn on_exit(&mut self) {
        if self.shot.is_none() {
            let last = (self.window.settings().clone(), self.window.unsaved_reviews());
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        }
    }
}

/// A picture of the window that is to be taken once nothing changes any more.
struct Shot {
    path: PathBuf,
    asked: Instant,
    /// Pictures drawn since everything was idle; layout needs some to settle.
    n_idle: usize,
    taken: Option<Receiver<Arc<egui::ColorImage>>>,
}

impl Shot {
    fn new(path: PathBuf) -> Self {
        Self { path, asked: Instant::now(), n_idle: 0, taken: None }
    }

    /// Looks whether it is time; `Some` when the picture is written or cannot be.
    fn step(&mut self, ctx: &egui::Context, idle: bool) -> Option<anyhow::Result<()>> {
        const SETTLED: usize = 6;
        const MOST_WAITING: Duration = Duration::from_secs(300);
        ctx.request_repaint();
        if self.asked.elapsed() > MOST_WAITING {
            return Some(Err(anyhow::anyhow!(
                "the window was not at rest after {} s, so no picture was written; open fewer or smaller files",
                MOST_WAITING.as_secs()
            )));
        }
        if let Some(taken) = &self.taken {
            let image = taken.try_recv().ok()?;
            return Some(self.write(&image));
        }
        self.n_idle = if idle { self.n_idle + 1 } else { 0 };
        if self.n_idle >= SETTLED {
            let (sender, receiver) = sync_channel(1);
            let again = ctx.clone();
            ctx.request_screenshot(move |image| {
                // The picture is wanted as long as the window is there.
                let _ = sender.send(image);
                again.request_repaint();
            });
            self.taken = Some(receiver);
        }
        None
    }

    fn write(&self, image: &egui::ColorImage) -> anyhow::Result<()> {
        let [width, height] = image.size;
        let png = figure::rgba_to_png(width as u32, height as u32, image.as_raw())?;
        Ok(write_atomic(&self.path, |out| out.write_all(&png))?)
    }
}
