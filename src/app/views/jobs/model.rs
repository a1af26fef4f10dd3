//! The model that works or worked last: how fast it is, what it holds, where its time goes.

use crate::app::views::data::{counted, grouped};
use crate::app::window::Window;
use crate::job::duration;
use crate::model::{CacheUse, Pace, Work, kernel_shares};
use crate::workbench::LoadedModel;
use egui::{Align, Layout, Rect, RichText, Sense, Ui, Vec2, WidgetInfo};

impl Window {
    /// Draws the section; where there is much room the table of kernels is open at first.
    pub(super) fn model_at_work_ui(&self, ui: &mut Ui, is_wide: bool) {
        let Some(loaded) = &self.loaded else {
            title_ui(ui, "Model");
            ui.add(egui::Label::new(RichText::new("No model has been loaded yet.").weak()).wrap());
            let about = "While one works, its speeds and where its time goes show here.";
            ui.add(egui::Label::new(RichText::new(about).weak()).wrap());
            return;
        };
        let work = loaded.meter.work();
        title_ui(ui, &format!("Model {}", loaded.info.name));
        facts_ui(ui, loaded, &work);
        ui.add_space(4.0);
        if let Some(why) = why_no_kernels(loaded, &work) {
            ui.add(egui::Label::new(RichText::new(why).weak()).wrap());
            return;
        }
        egui::CollapsingHeader::new(RichText::new("Where time goes").strong())
            .default_open(is_wide)
            .show_unindented(ui, |ui| kernels_ui(ui, &work));
    }
}

/// As high as the title of the jobs with its buttons, so that what is below stands at one height.
fn title_ui(ui: &mut Ui, title: &str) {
    ui.horizontal(|ui| {
        ui.set_min_height(ui.spacing().interact_size.y);
        ui.add(egui::Label::new(RichText::new(title).heading()).truncate());
    });
    ui.separator();
}

fn facts_ui(ui: &mut Ui, loaded: &LoadedModel, work: &Work) {
    let adapter = loaded.adapter.as_ref();
    let CacheUse { used, most_used, held } = work.cache;
    let mut rows =
        vec![("Device", device(&loaded.info.device, adapter.map(|adapter| &*adapter.name)))];
    rows.extend(
        [("Prompt", work.reading), ("Decoding", work.writing)]
            .map(|(name, pace)| (name, speed_and_sum(&pace))),
    );
    rows.push(("Cache in use", format!("{} of {} MiB", mib(used), mib(held))));
    rows.push(("Most in use", format!("{} MiB", mib(most_used))));
    egui::Grid::new("model at work").num_columns(2).spacing([16.0, 2.0]).show(ui, |ui| {
        for (name, value) in rows {
            ui.label(RichText::new(name).weak());
            ui.add(egui::Label::new(value).truncate());
            ui.end_row();
        }
    });
}

fn speed_and_sum(pace: &Pace) -> String {
    let sum = counted(pace.n_tokens as usize, "token");
    match speed(pace) {
        Some(speed) => format!("{speed} ({sum} in {})", duration(pace.secs)),
        None => "nothing yet".into(),
    }
}

/// Tokens per second in words; `None` before there was any work.
pub fn speed(pace: &Pace) -> Option<String> {
    let speed = pace.tokens_per_s()?;
    // Of small numbers the first digit behind the point still tells something.
    let number = if speed < 99.95 { format!("{speed:.1}") } else { grouped(speed.round() as u64) };
    Some(format!("{number} tokens/s"))
}

/// Where a model runs, in words.
pub fn device(device: &str, adapter: Option<&str>) -> String {
    match adapter {
        Some(adapter) => format!("{}: {adapter}", device.to_uppercase()),
        None => device.to_uppercase(),
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

/// Why there is no table of kernels; `None` if there is one.
fn why_no_kernels(loaded: &LoadedModel, work: &Work) -> Option<&'static str> {
    if work.kernels.iter().any(|kernel| kernel.secs > 0.0) {
        return None;
    }
    Some(match (&loaded.adapter, work.kernels.is_empty()) {
        (None, _) => "On the CPU there are no kernels to list.",
        (Some(_), true) => "No kernel has run yet.",
        (Some(_), false) => "This adapter does not tell how long its kernels take.",
    })
}

fn kernels_ui(ui: &mut Ui, work: &Work) {
    // Name, share, time and runs need so much; the bar takes what is left.
    let bar = (ui.available_width() - 320.0).clamp(24.0, 160.0);
    let grid = egui::Grid::new("kernels").num_columns(5).spacing([10.0, 3.0]).striped(true);
    grid.show(ui, |ui| {
        ui.label(RichText::new("Kernel").weak());
        ui.label("");
        for (head, width) in [("Share", SHARE), ("Time", TIME), ("Runs", RUNS)] {
            right_ui(ui, width, RichText::new(head).weak());
        }
        ui.end_row();
        for (kernel, share) in kernel_shares(&work.kernels) {
            ui.label(kernel.name);
            share_ui(ui, bar, kernel.name, share);
            right_ui(ui, SHARE, format!("{:.1} %", 100.0 * share));
            right_ui(ui, TIME, time(kernel.secs));
            right_ui(ui, RUNS, grouped(kernel.n_runs));
            ui.end_row();
        }
    });
}

/// Widths of the columns of numbers.
const SHARE: f32 = 50.0;
const TIME: f32 = 64.0;
const RUNS: f32 = 60.0;

fn right_ui(ui: &mut Ui, width: f32, words: impl Into<egui::WidgetText>) {
    let size = Vec2::new(width, ui.text_style_height(&egui::TextStyle::Body));
    ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.add(egui::Label::new(words).extend());
    });
}

/// A thin bar: egui's own draws what is less than its height as large as that.
fn share_ui(ui: &mut Ui, width: f32, kernel: &str, share: f64) {
    let (rect, response) = ui.allocate_exact_size(Vec2::new(width, 6.0), Sense::hover());
    let visuals = ui.visuals();
    let (track, bar) = (visuals.widgets.noninteractive.bg_stroke.color, visuals.hyperlink_color);
    let filled = Rect::from_min_size(rect.min, Vec2::new(width * share as f32, 6.0));
    ui.painter().rect_filled(rect, 2.0, track);
    ui.painter().rect_filled(filled, 2.0, bar);
    response.widget_info(|| {
        let name = format!("Share of {kernel}");
        let mut info = WidgetInfo::labeled(egui::Role::ProgressIndicator, true, name);
        info.value = Some((1000.0 * share).round() / 10.0);
        info
    });
}

/// Like [`duration`], but a kernel may take far less than a job.
fn time(secs: f64) -> String {
    if secs < 1.0 { format!("{:.1} ms", 1000.0 * secs) } else { duration(secs) }
}
