//! Compare: the strategies side by side, by the lengths of their texts, by how much instructions and
//! answers depend on their contexts, and seed by seed.
//!
//! Each page has its file; `statistics` stands under the figures of two of them, `brushing` links
//! the figures with one another and with the table of records.

mod brushing;
mod coherence;
mod lengths;
mod same_seed;
mod statistics;

use crate::app::jobs::Ask;
use crate::app::theme;
use crate::app::ui::{name_field, swatch_ui};
use crate::app::widgets::figure_view::{Records, brushed_figure_ui};
use crate::app::window::Window;
use crate::figure::Figure;
use crate::prompt::Task;
use crate::report::{self, CoherenceForm, LengthsView};
use crate::workbench::{ComparePage, Drawn, Links, Picture};
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Align, Layout, PopupCloseBehavior, RichText, Ui};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A view narrower than this has its choices in few rows.
const NARROW: f32 = 620.0;

/// What the view remembers while the window is open; see also
/// [`CompareLook`](crate::workbench::CompareLook).
#[derive(Default)]
pub struct State {
    lengths: Option<Drawn>,
    lengths_asked: Option<LengthsKey>,
    coherence: Option<Drawn>,
    coherence_asked: Option<CoherenceKey>,
    /// Raised with every figure that was drawn.
    n_drawn: u64,
    measuring: coherence::Measuring,
    /// The comparison in numbers.
    pub statistics: statistics::State,
    /// The records that are chosen in a figure.
    pub selection: brushing::State,
    /// One seed under every strategy.
    pub same_seed: same_seed::State,
    /// What belongs together, of the files' version.
    links: Option<(u64, Arc<Links>)>,
    links_asked: Option<u64>,
    /// A figure that is to go to the clipboard.
    pub copied: Option<egui::ColorImage>,
}

/// What the lengths figure is to be drawn from, and how.
type LengthsKey = (u64, u64, LengthsView, BTreeSet<String>);

/// The same of the coherence figure.
type CoherenceKey = (u64, CoherenceForm, BTreeSet<String>);

impl State {
    /// Takes the lengths figure.
    pub fn take_lengths(&mut self, drawn: Drawn) {
        self.lengths = Some(drawn);
        self.n_drawn += 1;
        self.selection.forget_lengths();
    }

    /// Takes the coherence figure.
    pub fn take_coherence(&mut self, drawn: Drawn) {
        self.coherence = Some(drawn);
        self.n_drawn += 1;
        self.selection.forget_coherence();
    }

    /// Whether the figure of coherence has more points than the window draws.
    pub fn is_thinned(&self) -> bool {
        self.coherence.as_ref().is_some_and(|drawn| drawn.is_thinned)
    }

    /// Takes what belongs together.
    pub fn take_links(&mut self, links: Arc<Links>) {
        self.links = self.links_asked.map(|version| (version, links));
    }
}

/// Pixels as egui has them.
pub fn image(picture: &Picture) -> egui::ColorImage {
    let size = [picture.width as usize, picture.height as usize];
    egui::ColorImage::from_rgba_unmultiplied(size, &picture.rgba)
}

impl Window {
    /// The tokenizer to count with, if there is one.
    pub(in crate::app) fn tokenizer(&self) -> Option<String> {
        self.has_model().then(|| self.settings.model.clone())
    }

    /// The page that is shown.
    pub(in crate::app) fn page(&self) -> ComparePage {
        let measured = || match &self.compare.coherence {
            Some(drawn) if !drawn.tasks.is_empty() => ComparePage::Coherence,
            _ => ComparePage::Lengths,
        };
        self.settings.compare.page.unwrap_or_else(measured)
    }

    /// The page of the figure that would be exported.
    pub(in crate::app) fn figure_page(&self) -> ComparePage {
        match self.page() {
            ComparePage::SameSeed => ComparePage::Lengths,
            page => page,
        }
    }

    /// Whether the view still waits for what belongs to what is open.
    pub(in crate::app) fn wants_figures(&self) -> bool {
        self.view == crate::app::View::Compare
            && (self.lengths_wanted().next().is_some()
                || self.compare.lengths_asked.as_ref() != Some(&self.lengths_key())
                || self.compare.coherence_asked.as_ref() != Some(&self.coherence_key())
                || self.wants_statistics()
                || self.wants_selection()
                || self.wants_seeds())
    }

    fn lengths_key(&self) -> LengthsKey {
        let without = self.settings.compare.without.clone();
        (self.files.version, self.files.n_measured, self.lengths_view(), without)
    }

    fn coherence_key(&self) -> CoherenceKey {
        let look = &self.settings.compare;
        (self.files.version, look.coherence, look.without.clone())
    }

    /// What belongs together, as far as it is of what is open now.
    pub(in crate::app) fn links(&self) -> Option<&Arc<Links>> {
        let (version, links) = self.compare.links.as_ref()?;
        (*version == self.files.version).then_some(links)
    }

    /// Asks for lengths, figures and numbers when what is open, shown or chosen has changed. They are
    /// made when somebody looks.
    pub(in crate::app) fn compare_logic(&mut self) {
        self.coherence_logic();
        let opening = self.jobs.has_open(|ask| matches!(ask, Ask::Open(_) | Ask::Example));
        if !opening && self.compare.links_asked != Some(self.files.version) {
            self.compare.links_asked = Some(self.files.version);
            self.start(Ask::Link);
        }
        let describing = self.jobs.has_open(|ask| matches!(ask, Ask::Describe(_)));
        if self.view != crate::app::View::Compare && self.export.is_none() || describing {
            return self.selection_logic();
        }
        self.ask_lengths();
        if opening || self.jobs.has_open(|ask| matches!(ask, Ask::Lengths { .. })) {
            return;
        }
        let wanted = self.lengths_key();
        if self.compare.lengths_asked.as_ref() != Some(&wanted) {
            let view = wanted.2;
            self.compare.lengths_asked = Some(wanted);
            self.start(Ask::DrawLengths(view));
        }
        let wanted = self.coherence_key();
        if self.compare.coherence_asked.as_ref() != Some(&wanted) {
            let form = wanted.1;
            self.compare.coherence_asked = Some(wanted);
            self.start(Ask::DrawCoherence(form));
        }
        self.statistics_logic();
        self.selection_logic();
        self.same_seed_logic();
    }

    /// The figure of the page as it was drawn.
    fn drawn(&self) -> Option<&Drawn> {
        match self.figure_page() {
            ComparePage::Coherence => self.compare.coherence.as_ref(),
            _ => self.compare.lengths.as_ref(),
        }
    }

    /// The figure that is shown: that of Scores, Needle or Gap, or Compare's with the chosen records in it.
    pub(in crate::app) fn shown_figure(&self) -> Option<Arc<Figure>> {
        match self.view {
            crate::app::View::Scores => return self.scores.figure(),
            crate::app::View::Needle => return self.needle.figure(),
            crate::app::View::Gap => return self.gap.figure(),
            _ => {}
        }
        let selected = self.compare.selection.selected();
        match self.figure_page() {
            ComparePage::Coherence => selected
                .and_then(|selected| selected.coherence.clone())
                .or_else(|| self.compare.coherence.as_ref().map(|drawn| drawn.figure.clone())),
            _ => selected
                .and_then(|selected| selected.lengths.clone())
                .or_else(|| self.compare.lengths.as_ref().map(|drawn| drawn.figure.clone())),
        }
    }

    /// Draws the view.
    pub(in crate::app) fn compare_ui(&mut self, ui: &mut Ui) {
        let page = self.page();
        ui.horizontal(|ui| {
            for (other, title) in [
                (ComparePage::Lengths, "Lengths"),
                (ComparePage::Coherence, "Coherence"),
                (ComparePage::SameSeed, "Same seed"),
            ] {
                if ui.selectable_label(page == other, title).clicked() {
                    self.settings.compare.page = Some(other);
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if page != ComparePage::SameSeed {
                    if ui.button("Export figure…").clicked() {
                        self.open_export(true);
                    }
                    let copy = ui.button("Copy figure");
                    if copy.on_hover_text("As the export would write it (Ctrl+Shift+C)").clicked() {
                        self.copy_figure();
                    }
                }
            });
        });
        // The boxes at the left do the same, where there is little room.
        if ui.available_width() >= NARROW {
            ui.horizontal_wrapped(|ui| {
                self.tasks_menu_ui(ui);
                self.datasets_legend_ui(ui);
            });
        }
        ui.separator();
        match page {
            ComparePage::Lengths => self.lengths_ui(ui),
            ComparePage::Coherence => self.coherence_ui(ui),
            ComparePage::SameSeed => self.same_seed_ui(ui),
        }
    }

    /// The tasks beside a page's own choices, where they have no row of their own.
    fn narrow_tasks_ui(&mut self, ui: &mut Ui) {
        if ui.max_rect().width() < NARROW {
            self.tasks_menu_ui(ui);
        }
    }

    /// The tasks, to be left out and taken in.
    fn tasks_menu_ui(&mut self, ui: &mut Ui) {
        let all = report::ordered_tasks(self.files.all_tasks().iter().map(String::as_str));
        let without = &mut self.settings.compare.without;
        let n_shown = all.iter().filter(|task| !without.contains(*task)).count();
        let title = match n_shown {
            n if n == all.len() => "All tasks…".to_owned(),
            n => format!("{n} of {} tasks…", all.len()),
        };
        let stays = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let (button, _) = MenuButton::new(title).config(stays).ui(ui, |ui| {
            ui.horizontal(|ui| {
                if ui.button("All").on_hover_text("Show every task").clicked() {
                    without.clear();
                }
                if ui.button("None").on_hover_text("Leave every task out").clicked() {
                    without.extend(all.iter().cloned());
                }
            });
            ui.separator();
            egui::ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
                for task in &all {
                    let mut shown = !without.contains(task);
                    if ui.checkbox(&mut shown, report::task_title(task)).changed() {
                        match shown {
                            true => drop(without.remove(task)),
                            false => drop(without.insert(task.clone())),
                        }
                    }
                }
            });
        });
        name_field(&button, "Tasks");
    }

    /// Whether a task takes part.
    fn takes_part(&self, task: &str) -> bool {
        !self.settings.compare.without.contains(Task::canonical(task))
    }

    /// The datasets, to be switched on and off.
    fn datasets_legend_ui(&mut self, ui: &mut Ui) {
        let mut switched = None;
        for file in &self.files.all {
            let mut shown = file.shown;
            // As one widget, so that no row ends between the box and the name.
            let words = ui.painter().layout_no_wrap(
                file.name(),
                egui::TextStyle::Body.resolve(ui.style()),
                ui.visuals().text_color(),
            );
            let width = words.size().x + 14.0 * file.strategies().len() as f32 + 30.0;
            let width = width.min(ui.max_rect().width());
            let size = egui::vec2(width, ui.spacing().interact_size.y);
            let layout = Layout::left_to_right(Align::Center);
            ui.allocate_ui_with_layout(size, layout, |ui| {
                ui.set_min_size(size);
                ui.spacing_mut().item_spacing.x = 4.0;
                let check = ui.checkbox(&mut shown, "");
                name_field(&check, &format!("{} in the figure", file.name()));
                if check.changed() {
                    switched = Some((file.key, shown));
                }
                file.strategies().iter().for_each(|id| swatch_ui(ui, id));
                let words = RichText::new(file.name());
                let words = if file.shown { words } else { words.weak() };
                let label = egui::Label::new(words).truncate().sense(egui::Sense::click());
                let mut label = ui.add(label);
                if file.lacks_contexts {
                    label = label.on_hover_text(
                        "Without contexts: join contexts to it on the left, to compare them",
                    );
                }
                if label.clicked() {
                    switched = Some((file.key, !file.shown));
                }
            });
        }
        if let Some((key, shown)) = switched {
            self.files.set_shown(key, shown);
        }
    }

    /// The figure of a page, or why there is none.
    fn drawn_ui(&mut self, ui: &mut Ui, id: &str, empty: &str) {
        let draws = self.jobs.has_open(|ask| {
            let drawing = matches!(ask, Ask::DrawLengths(_) | Ask::DrawCoherence(_));
            drawing || matches!(ask, Ask::Lengths { .. } | Ask::Open(_) | Ask::Example)
        });
        let figure = self.shown_figure();
        match figure {
            Some(figure) if !figure.panels.is_empty() => {
                if let Some(touch) = brushed_figure_ui(ui, id, &figure, self) {
                    self.touched(touch);
                }
            }
            _ => {
                ui.add_space(24.0);
                ui.vertical_centered(|ui| match (figure, draws) {
                    (_, true) => drop(ui.spinner()),
                    (Some(_), false) => drop(ui.label(RichText::new(empty).weak())),
                    (None, false) => {
                        let words = "The figure could not be drawn; Jobs tells why.";
                        ui.label(RichText::new(words).weak());
                    }
                });
            }
        }
    }

    /// What is drawn above the statistics and the words about what is chosen.
    fn figure_page_ui(&mut self, ui: &mut Ui, draw: impl FnOnce(&mut Self, &mut Ui)) {
        if !self.statistics_ui(ui) {
            return;
        }
        egui::CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| {
            self.selection_ui(ui);
            draw(self, ui);
        });
    }
}

impl Records for Window {
    fn count(&self, panel: usize, series: &str, category: Option<usize>) -> Option<usize> {
        self.drawn()?.size(panel, category, series)
    }

    fn name(&self, id: &str) -> String {
        let places = self.links().into_iter().flat_map(|links| links.places_of(id));
        match places.filter_map(|place| self.files.record(place)).next() {
            Some(record) => {
                let beginning: String = record.instruction.chars().take(100).collect();
                beginning.split_whitespace().collect::<Vec<_>>().join(" ")
            }
            None => format!("record {id}, whose file is not open"),
        }
    }

    fn brushable(&self, panel: usize) -> [bool; 2] {
        let of = self.drawn().and_then(|drawn| drawn.panels.get(panel));
        of.map_or([false; 2], |of| [of.x.is_some(), of.y.is_some()])
    }
}

/// Words that warn.
fn caution(ui: &Ui, words: String) -> RichText {
    RichText::new(words).color(theme::warning_color(ui))
}

/// A box to choose one of some values.
fn combo_ui<T: Clone + PartialEq>(
    ui: &mut Ui,
    name: &str,
    all: &[(T, &str)],
    current: &T,
    mut choose: impl FnMut(T),
) {
    let shown = all.iter().find(|(value, _)| value == current).map_or("", |(_, title)| title);
    let combo = egui::ComboBox::from_id_salt(name).selected_text(shown);
    let response = combo.show_ui(ui, |ui| {
        for (value, title) in all {
            if ui.selectable_label(value == current, *title).clicked() {
                choose(value.clone());
            }
        }
    });
    name_field(&response.response, name);
}
