//! How long the pass that draws takes, without a screen: `backstory bench frames`.

mod narrowing;
mod reading;

use super::command::View;
use super::jobs::State;
use super::window::Window;
use super::{theme, ui};
use crate::workbench::{CompareLook, Desk, FramesWish, OpenFile, Settings};
use cpu_time::ThreadTime;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Pictures of each view that are counted.
const N_FRAMES: usize = 240;
/// Pictures before, in which text is laid out for the first time.
const N_WARM_UP: usize = 12;
/// How long files and figures may take.
const MOST_WAITING: Duration = Duration::from_secs(600);

/// A view's frames.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FrameTimes {
    /// The median.
    pub p50_ms: f64,
    /// One frame in a hundred takes longer.
    pub p99_ms: f64,
}

/// Measures, and prints `{VIEW: {"p50_ms", "p99_ms"}}`.
pub fn bench_frames(wish: &FramesWish) -> ExitCode {
    let printed = measure(wish).and_then(|times| {
        if wish.json {
            println!("{}", serde_json::to_string(&times)?);
        } else {
            for (view, times) in &times {
                println!("{view:15} p50 {:.2} ms, p99 {:.2} ms", times.p50_ms, times.p99_ms);
            }
        }
        Ok(())
    });
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// CPU time of the drawing thread for each view, with the files loaded.
fn measure(wish: &FramesWish) -> anyhow::Result<BTreeMap<&'static str, FrameTimes>> {
    let folder = Folder::new()?;
    let files = wish.files.iter().map(|path| OpenFile {
        path: path.clone(),
        join: None,
        strategy: None,
        map: Vec::new(),
    });
    let compare = CompareLook { coherence: wish.form, ..CompareLook::default() };
    let settings = Settings { model: wish.model.clone(), compare, ..Settings::default() };
    let home = folder.0.clone();
    let mut bench = Bench {
        window: Window::new(Desk::default(), settings, home, files.collect(), || {}),
        ctx: egui::Context::default(),
        began: Instant::now(),
        events: Vec::new(),
    };
    theme::apply(&bench.ctx);
    bench.settle()?;
    bench.check()?;
    let mut all = BTreeMap::new();
    let only = wish.view.as_deref().and_then(View::find);
    for view in View::ALL.into_iter().filter(|view| only.is_none_or(|only| only == *view)) {
        bench.window.show(view);
        if view == View::Prepare {
            bench.window.check_records();
        }
        bench.settle()?;
        if wish.during_synth {
            bench.keep_writing(&folder.0)?;
        }
        for _ in 0..N_WARM_UP {
            bench.frame();
        }
        let mut times: Vec<f64> = Vec::new();
        for ix in 0..N_FRAMES {
            if wish.during_synth {
                // The pictures in which a run ends and another begins count too.
                times.extend(bench.keep_writing(&folder.0)?);
                // As a screen of 60 pictures a second would; events pile up between them.
                std::thread::sleep(Duration::from_millis(16));
            }
            match view {
                View::Compare => bench.brush(ix),
                // As somebody who holds the arrow key down.
                View::Prepare => bench.window.prepare.faults.step(1),
                _ => {}
            }
            times.push(bench.frame());
        }
        if view == View::Compare {
            bench.let_go()?;
        }
        all.insert(view.name(), summary(&times));
        if let Some(search) = wish.search.as_deref().filter(|_| view == View::Data) {
            all.extend(bench.read(search, wish.regex)?);
        }
        if let Some(filter) = wish.filter.as_deref().filter(|_| view == View::Data) {
            all.insert("filtering", summary(&bench.narrow(filter)?));
        }
    }
    bench.window.jobs.all.iter().for_each(|entry| entry.watch.cancel());
    let _ = bench.settle();
    Ok(all)
}

/// The median and the slowest of a hundred.
fn summary(times: &[f64]) -> FrameTimes {
    let sorted = crate::stats::finite_sorted(times);
    let at = |q| crate::stats::quantile(&sorted, q).unwrap_or(f64::NAN);
    FrameTimes { p50_ms: at(0.5), p99_ms: at(0.99) }
}

struct Bench {
    window: Window,
    ctx: egui::Context,
    began: Instant,
    /// What the person does in the next picture.
    events: Vec<egui::Event>,
}

impl Bench {
    /// Draws one picture: milliseconds of this thread's processor time.
    fn frame(&mut self) -> f64 {
        let size = egui::vec2(1440.0, 900.0);
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, size)),
            time: Some(self.began.elapsed().as_secs_f64()),
            events: std::mem::take(&mut self.events),
            ..Default::default()
        };
        let started = ThreadTime::now();
        let window = &mut self.window;
        let mut first = true;
        let output = self.ctx.run_ui(input, |ui| {
            // egui may draw a picture twice when a size was not known.
            if std::mem::take(&mut first) {
                window.logic(&ui.ctx().clone());
            }
            ui::window_ui(window, ui);
        });
        std::hint::black_box(output);
        started.elapsed().as_secs_f64() * 1000.0
    }

    /// Brushes a plot from left to right, a little farther in each picture, again and again: what the
    /// pointer of a person does who looks for something.
    fn brush(&mut self, ix: usize) {
        const N_STEPS: usize = 40;
        // Downwards too, as bars of categories are brushed along their own axis.
        let at = |step: usize| egui::pos2(480.0 + 8.0 * step as f32, 285.0 + 2.0 * step as f32);
        let step = ix % N_STEPS;
        if step == 0 {
            self.press(at(N_STEPS), false);
            self.events.push(egui::Event::PointerMoved(at(0)));
            self.press(at(0), true);
        }
        self.events.push(egui::Event::PointerMoved(at(step)));
        // As fast as a screen draws, so that searches for what is brushed end between the pictures.
        std::thread::sleep(Duration::from_millis(8));
    }

    fn press(&mut self, pos: egui::Pos2, pressed: bool) {
        let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
        self.events.push(egui::Event::PointerButton { pos, button, pressed, modifiers });
    }

    /// Ends the brushing: an error when there was a plot and nothing was chosen in it, as then
    /// something else was measured.
    fn let_go(&mut self) -> anyhow::Result<()> {
        self.press(egui::pos2(800.0, 365.0), false);
        self.settle()?;
        let figure = self.window.shown_figure();
        let has_plot = figure.is_some_and(|figure| !figure.panels.is_empty());
        if has_plot && self.window.compare.selection.places().is_none() {
            anyhow::bail!("the plots of the Compare view were missed; please report this message");
        }
        Ok(())
    }

    /// Draws until nothing is under way.
    fn settle(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut n_idle = 0;
        while n_idle < 4 {
            self.frame();
            n_idle = if self.window.is_idle() { n_idle + 1 } else { 0 };
            std::thread::sleep(Duration::from_millis(2));
            if started.elapsed() > MOST_WAITING {
                anyhow::bail!("the files were not ready after {} s", MOST_WAITING.as_secs());
            }
        }
        Ok(())
    }

    /// An error when a job failed: the pictures would be of something else.
    fn check(&self) -> anyhow::Result<()> {
        let failed = self.window.jobs.all.iter().find_map(|entry| match &entry.state {
            State::Failed(why) => Some(format!("{}: {why}", entry.title)),
            _ => None,
        });
        match failed.or_else(|| self.window.synthesize.refused().map(str::to_owned)) {
            Some(why) => anyhow::bail!("{why}"),
            None => Ok(()),
        }
    }

    /// Starts a synthesis when none runs, and draws until it writes: the times of these pictures.
    fn keep_writing(&mut self, folder: &Path) -> anyhow::Result<Vec<f64>> {
        let mut times = Vec::new();
        let writes = |window: &Window| {
            window.jobs.synthesis().is_some_and(|entry| {
                entry.is_open() && entry.live.as_ref().is_some_and(|live| live.n_tokens > 0)
            })
        };
        if writes(&self.window) {
            return Ok(times);
        }
        let out = folder.join(format!("made-{}.jsonl", self.began.elapsed().as_micros()));
        let view = self.window.view();
        self.window.synthesize.set_out(&out);
        self.window.run_synthesis();
        self.window.show(view);
        let started = Instant::now();
        while !writes(&self.window) {
            times.push(self.frame());
            std::thread::sleep(Duration::from_millis(16));
            self.check()?;
            if started.elapsed() > MOST_WAITING {
                anyhow::bail!("no synthesis wrote after {} s", MOST_WAITING.as_secs());
            }
        }
        Ok(times)
    }
}

/// A temporary folder, gone at the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("backstory-frames-{}", std::process::id()));
        std::fs::create_dir_all(path.join("made"))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It lies in the system's folder for such things if this fails.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
