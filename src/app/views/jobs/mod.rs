//! Jobs: everything that runs or ran, with what it said, and the model that works for them.

mod model;

pub use model::{device, speed};

use crate::app::jobs::{Ask, Entry, State};
use crate::app::theme;
use crate::app::window::Window;
use crate::job::duration;
use egui::{Align, Layout, RichText, Ui};

/// What a person does with a job in the table.
enum Wish {
    Retry(usize),
    Forget(usize),
}

/// From this width on, the model has its place beside the jobs.
const WIDE: f32 = 780.0;

impl Window {
    /// Draws the view.
    pub(in crate::app) fn jobs_ui(&mut self, ui: &mut Ui) {
        if ui.available_width() < WIDE {
            egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                egui::Frame::group(ui.style()).show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    self.model_at_work_ui(ui, false);
                });
                ui.add_space(6.0);
                self.list_ui(ui);
            });
            return;
        }
        let model = egui::Panel::right("model at work")
            .resizable(true)
            .default_size(self.settings.panel("model at work", 410.0))
            .size_range(350.0..=600.0)
            .show(ui, |ui| {
                egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                    self.model_at_work_ui(ui, true);
                });
            });
        self.settings.set_panel("model at work", model.response.rect.width());
        let margin = egui::Margin { left: 0, right: 8, top: 2, bottom: 2 };
        let frame = egui::Frame::new().inner_margin(margin);
        egui::CentralPanel::default().frame(frame).show(ui, |ui| {
            egui::ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| self.list_ui(ui));
        });
    }

    fn list_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            ui.heading("Jobs");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.checkbox(&mut self.quiet_jobs_shown, "Show background jobs");
                if ui.button("Forget what ended").clicked() {
                    self.jobs.all.retain(Entry::is_open);
                }
            });
        });
        ui.separator();
        let worth = |entry: &Entry| {
            self.quiet_jobs_shown || !entry.is_quiet || matches!(entry.state, State::Failed(_))
        };
        if !self.jobs.all.iter().any(worth) {
            ui.add_space(24.0);
            ui.vertical_centered(|ui| {
                ui.label(RichText::new("No job has run yet.").weak());
                ui.label(
                    RichText::new("Opening, writing, measuring and exporting show here.").weak(),
                );
            });
            return;
        }
        let mut wish = None;
        for (ix, entry) in self.jobs.all.iter().enumerate().rev().filter(|(_, e)| worth(e)) {
            ui.push_id(entry.id, |ui| {
                egui::Frame::group(ui.style()).show(ui, |ui| {
                    ui.set_width(ui.available_width());
                    wish = job_ui(ui, ix, entry).or(wish.take());
                });
            });
        }
        match wish {
            Some(Wish::Retry(ix)) => self.retry(ix),
            Some(Wish::Forget(ix)) => {
                self.jobs.all.remove(ix);
            }
            None => {}
        }
    }
}

fn job_ui(ui: &mut Ui, ix: usize, entry: &Entry) -> Option<Wish> {
    let mut wish = None;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            wish = buttons_ui(ui, ix, entry);
            let secs = entry.took_secs.unwrap_or_else(|| entry.asked.elapsed().as_secs_f64());
            ui.label(RichText::new(duration(secs)).weak());
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let (mark, color) = mark(ui, entry);
                ui.label(RichText::new(mark).color(color).strong());
                ui.add(egui::Label::new(&entry.title).truncate());
            });
        });
    });
    if entry.is_open() {
        progress_ui(ui, entry);
    }
    match &entry.state {
        State::Done(said) if !said.is_empty() => {
            ui.add(egui::Label::new(RichText::new(said).weak()).wrap().selectable(true));
        }
        State::Failed(why) => {
            ui.add(egui::Label::new(why).wrap().selectable(true));
        }
        _ => {}
    }
    for warning in entry.watch.warnings().iter().take(20) {
        let text = RichText::new(format!("Warning: {warning}")).color(theme::warning_color(ui));
        ui.add(egui::Label::new(text).wrap().selectable(true));
    }
    wish
}

fn mark(ui: &Ui, entry: &Entry) -> (&'static str, egui::Color32) {
    let plain = ui.visuals().text_color();
    match &entry.state {
        State::Waiting => ("Waiting", ui.visuals().weak_text_color()),
        State::Running if entry.watch.is_cancelled() => ("Stopping", plain),
        State::Running if entry.watch.is_paused() => ("Paused", theme::warning_color(ui)),
        State::Running => ("Running", ui.visuals().hyperlink_color),
        State::Done(_) => ("Done", theme::success_color(ui)),
        State::Cancelled => ("Cancelled", ui.visuals().weak_text_color()),
        State::Failed(_) => ("Failed", theme::error_color(ui)),
    }
}

fn buttons_ui(ui: &mut Ui, ix: usize, entry: &Entry) -> Option<Wish> {
    if entry.is_open() {
        pause_and_cancel_ui(ui, entry);
        return None;
    }
    let mut wish = None;
    if ui.small_button("Forget").on_hover_text("Take it off this list").clicked() {
        wish = Some(Wish::Forget(ix));
    }
    if matches!(entry.state, State::Failed(_) | State::Cancelled) {
        if ui.small_button("Try again").clicked() {
            wish = Some(Wish::Retry(ix));
        }
        if let State::Failed(why) = &entry.state
            && ui.small_button("Copy message").clicked()
        {
            ui.ctx().copy_text(format!("{}: {why}", entry.title));
        }
    }
    wish
}

/// The two buttons of a job that is under way, the right one first.
pub fn pause_and_cancel_ui(ui: &mut Ui, entry: &Entry) {
    if ui.button("Cancel").on_hover_text(entry.ask.when_cancelled()).clicked() {
        entry.watch.cancel();
    }
    // What only serves the drawing is soon over, and others would wait behind it.
    if entry.is_quiet {
        return;
    }
    if entry.watch.is_paused() {
        if ui.button("Resume").clicked() {
            entry.watch.resume();
        }
    } else if ui.button("Pause").clicked() {
        entry.watch.pause();
    }
}

/// Stage, share, rate and time left of a job that is under way.
pub fn progress_ui(ui: &mut Ui, entry: &Entry) {
    let progress = entry.watch.progress();
    let mut words = progress.stage.clone();
    if progress.n_total > 0 {
        let (n_done, n_total) = (progress.n_done, progress.n_total);
        words.push_str(&match entry.ask {
            Ask::Fetch(_) => format!(": {} of {} MB", n_done / 1_000_000, n_total / 1_000_000),
            _ => format!(": {n_done} of {n_total}"),
        });
    }
    if let Some(speed) = entry.pace().as_ref().and_then(speed) {
        words.push_str(&format!(", {speed}"));
    }
    if let Some(secs) = progress.secs_left() {
        words.push_str(&format!(", {} left", duration(secs)));
    }
    if progress.n_total > 0 {
        let share = progress.n_done as f32 / progress.n_total as f32;
        ui.add(egui::ProgressBar::new(share.min(1.0)).desired_height(8.0));
    }
    if !words.is_empty() {
        ui.label(RichText::new(words).weak());
    }
}
