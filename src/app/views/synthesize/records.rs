//! The records of the newest run, while they are written and after.

use crate::app::command::View;
use crate::app::jobs::{Ask, Entry, LiveRecord, State as JobState};
use crate::app::theme;
use crate::app::views::jobs::speed;
use crate::app::widgets::long_text::LongText;
use crate::app::window::Window;
use crate::workbench::JobId;
use egui::{RichText, Ui};

impl Window {
    /// The records of the newest run: a list, and the text of one.
    pub(super) fn records_ui(&mut self, ui: &mut Ui) {
        let Some(entry) = self.jobs.synthesis() else {
            ui.add_space(24.0);
            ui.vertical_centered(|ui| {
                let words = "Records show here while they are written. Press Run.";
                ui.label(RichText::new(words).weak());
            });
            return;
        };
        head_ui(ui, entry);
        let ended = !entry.is_open();
        let out = match &entry.ask {
            Ask::Synth(ask) => ask.out.clone(),
            _ => return,
        };
        let made = self.files.all.iter().find(|file| file.origin.path == out).map(|file| file.key);
        if let Some(key) = made.filter(|_| ended) {
            ui.horizontal(|ui| {
                if ui.button("Show in Data").clicked() {
                    self.select((key, 0));
                    self.show(View::Data);
                }
                if ui.button("Compare").clicked() {
                    self.show(View::Compare);
                }
            });
        }
        let Some(entry) = self.jobs.synthesis() else { return };
        let state = &mut self.synthesize;
        if let Some(watched) = written_ui(ui, entry, state.watched, &mut state.text) {
            state.watched = watched;
        }
    }
}

/// The list of a run's records beside the text of one; the record to watch, when another is chosen.
fn written_ui(
    ui: &mut Ui,
    entry: &Entry,
    watched: Option<usize>,
    text: &mut Option<(JobId, usize, usize, LongText)>,
) -> Option<Option<usize>> {
    let (Ask::Synth(ask), Some(live)) = (&entry.ask, &entry.live) else { return None };
    let shown = watched.or(live.newest);
    let mut chosen = None;
    let list = egui::Panel::left("written").resizable(true).default_size(260.0);
    list.size_range(140.0..=480.0).show(ui, |ui| {
        if ui.selectable_label(watched.is_none(), "Follow what is being written").clicked() {
            chosen = Some(None);
        }
        ui.separator();
        let area = egui::ScrollArea::vertical().auto_shrink([false, false]);
        area.show_rows(ui, 22.0, ask.n_seeds, |ui, rows| {
            for ix in rows {
                let seed = ask.seeds.records.peek(ix);
                let words =
                    seed.as_deref().map_or("…", |record| match record.instruction.is_empty() {
                        true => record.context.as_deref().unwrap_or_default(),
                        false => &record.instruction,
                    });
                let (mark, color) = record_mark(ui, live.records.get(&ix), entry.is_open());
                ui.horizontal(|ui| {
                    ui.label(RichText::new(mark).color(color).monospace());
                    let label = egui::Button::selectable(shown == Some(ix), cut(words)).truncate();
                    if ui.add(label).clicked() {
                        chosen = Some(Some(ix));
                    }
                });
            }
        });
    });
    egui::CentralPanel::default().show(ui, |ui| {
        let Some((ix, record)) = shown.and_then(|ix| Some((ix, live.records.get(&ix)?))) else {
            ui.label(RichText::new("Nothing is written yet.").weak());
            return;
        };
        if let Some(Err(why)) = &record.end {
            let words = RichText::new(format!("Rejected: {why}")).color(theme::warning_color(ui));
            ui.add(egui::Label::new(words).wrap());
        }
        let now = (entry.id, ix, record.text.len());
        if text.as_ref().is_none_or(|(id, ix, n, _)| (*id, *ix, *n) != now) {
            let mut laid_out = LongText::new(record.text.trim_start().into(), Vec::new());
            if entry.is_open() {
                // Who watches a record wants to see its end.
                laid_out.jump_to(laid_out.text().len());
            }
            *text = Some((entry.id, ix, now.2, laid_out));
        }
        if let Some((.., laid_out)) = text {
            laid_out.ui(ui, "written text", "Text of the record");
        }
    });
    chosen
}

/// Name, counts and rate of a run.
fn head_ui(ui: &mut Ui, entry: &Entry) {
    ui.horizontal_wrapped(|ui| {
        ui.strong(&entry.title);
        let Some(live) = &entry.live else { return };
        let mut words = format!(
            "{} made, {} rejected, {} tokens written",
            live.n_made, live.n_rejected, live.n_tokens
        );
        match &entry.state {
            JobState::Waiting => words.push_str("; waiting"),
            JobState::Running if entry.watch.is_paused() => words.push_str("; paused"),
            JobState::Running => {
                if let Some(speed) = entry.pace().as_ref().and_then(speed) {
                    words.push_str(&format!("; {speed}"));
                }
            }
            JobState::Done(_) => words.push_str("; done"),
            JobState::Cancelled => words.push_str("; cancelled, what was made is kept"),
            JobState::Failed(why) => words = why.clone(),
        }
        let color = match entry.state {
            JobState::Failed(_) => theme::error_color(ui),
            _ => ui.visuals().weak_text_color(),
        };
        ui.label(RichText::new(words).color(color));
    });
}

fn record_mark(
    ui: &Ui,
    record: Option<&LiveRecord>,
    running: bool,
) -> (&'static str, egui::Color32) {
    match record {
        None => ("·", ui.visuals().weak_text_color()),
        Some(LiveRecord { end: Some(Ok(())), .. }) => ("✔", theme::success_color(ui)),
        Some(LiveRecord { end: Some(Err(_)), .. }) => ("✖", theme::warning_color(ui)),
        Some(_) if running => ("✎", ui.visuals().hyperlink_color),
        Some(_) => ("·", ui.visuals().weak_text_color()),
    }
}

fn cut(text: &str) -> &str {
    let cut = text.char_indices().nth(80).map_or(text.len(), |(at, _)| at);
    text[..cut].lines().next().unwrap_or_default()
}
