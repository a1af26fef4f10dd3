//! One seed under every strategy: instruction, answer and context side by side, with their lengths
//! and their coherence.

use super::brushing::unit_title;
use crate::app::files::File;
use crate::app::jobs::Ask;
use crate::app::ui::{name_field, swatch_ui};
use crate::app::views::data::grouped;
use crate::app::views::record_texts::{RecordTexts, Wanted};
use crate::app::window::Window;
use crate::coherence::Coherence;
use crate::data::SearchText;
use crate::lengths::{Field, Unit};
use crate::report;
use crate::workbench::{ComparePage, FindJob, Place, SeedsJob};
use egui::{Align, Layout, RichText, ScrollArea, Ui};
use std::collections::BTreeSet;

/// A column narrower than this is not read: there are as many as fit, and the rest is scrolled.
const NARROWEST: f32 = 250.0;
/// The list of seeds; where the columns leave no room for it, there is none.
const LIST_WIDTH: f32 = 210.0;

/// What the page remembers.
#[derive(Default)]
pub struct State {
    search: String,
    /// The seeds that fit; `None` before the first search.
    pub seeds: Option<Vec<u32>>,
    asked: Option<SeedsKey>,
    /// A record of the seed that the person chose; until then it is the first.
    chosen: Option<Place>,
    columns: Vec<Column>,
    /// Of what the columns are.
    key: Option<Key>,
    /// Bring the chosen seed into view at the next picture.
    scroll: bool,
}

/// What is open, searched and left out, and which selection the seeds have records of.
type SeedsKey = (u64, String, BTreeSet<String>, Option<u64>);

/// What is open and counted, the seed, and the unit of lengths.
type Key = (u64, u64, u32, Unit);

/// A record of the seed.
struct Column {
    texts: RecordTexts,
    /// What tells it from the others: its strategy, and its number where one has several.
    name: String,
    file: String,
    lengths: String,
    gains: Vec<String>,
}

impl State {
    /// The texts that are shown.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut RecordTexts> {
        self.columns.iter_mut().map(|column| &mut column.texts)
    }
}

impl Window {
    /// Shows a record beside the others of its seed.
    pub(in crate::app) fn open_seed(&mut self, place: Place) {
        let state = &mut self.compare.same_seed;
        state.chosen = Some(place);
        state.scroll = true;
        state.search.clear();
        self.settings.compare.page = Some(ComparePage::SameSeed);
        self.show(crate::app::View::Compare);
    }

    fn seeds_key(&self) -> SeedsKey {
        let search = self.compare.same_seed.search.trim().to_owned();
        let selection = self.compare.selection.places().map(|(version, _)| version);
        (self.files.version, search, self.settings.compare.without.clone(), selection)
    }

    pub(super) fn wants_seeds(&self) -> bool {
        let state = &self.compare.same_seed;
        self.page() == ComparePage::SameSeed
            && (self.links().is_none() || state.asked.as_ref() != Some(&self.seeds_key()))
    }

    pub(super) fn same_seed_logic(&mut self) {
        if self.page() != ComparePage::SameSeed {
            return;
        }
        let Some(links) = self.links().cloned() else { return };
        let wanted = self.seeds_key();
        if self.compare.same_seed.asked.as_ref() != Some(&wanted) {
            let (version, text, without, _) = wanted.clone();
            // Numbers of seeds are of one set of links only.
            if self.compare.same_seed.asked.as_ref().is_none_or(|asked| asked.0 != version) {
                self.compare.same_seed.seeds = None;
            }
            self.compare.same_seed.asked = Some(wanted);
            let datasets = self.searched(None);
            let only = self.compare.selection.places().map(|(_, places)| places);
            let search = SearchText::plain(&text);
            let find = FindJob { datasets, search, without, only, ..FindJob::default() };
            self.start(Ask::FindSeeds(SeedsJob { find, links }));
        }
        self.prepare_columns();
    }

    /// The seed that is shown.
    fn seed(&self) -> Option<u32> {
        let state = &self.compare.same_seed;
        let chosen = state.chosen.and_then(|place| self.links()?.seed_of(place));
        chosen.or_else(|| state.seeds.as_ref()?.first().copied())
    }

    /// Goes to another seed of the list.
    pub(in crate::app) fn step_seed(&mut self, by: isize) {
        let Some(seeds) = &self.compare.same_seed.seeds else { return };
        let at = self.seed().map_or(0, |seed| match seeds.binary_search(&seed) {
            Ok(at) => at.saturating_add_signed(by),
            // The chosen seed does not fit the search: the next one that does.
            Err(at) if by < 0 => at.saturating_sub(1),
            Err(at) => at,
        });
        if let Some(seed) = seeds.get(at.min(seeds.len().saturating_sub(1))).copied() {
            self.choose_seed(seed);
            self.compare.same_seed.scroll = true;
        }
    }

    fn choose_seed(&mut self, seed: u32) {
        let first = self.links().and_then(|links| links.members(seed).first().copied());
        self.compare.same_seed.chosen = first.or(self.compare.same_seed.chosen);
    }

    fn prepare_columns(&mut self) {
        let Some(seed) = self.seed() else {
            self.compare.same_seed.columns.clear();
            self.compare.same_seed.key = None;
            return;
        };
        let search = self.compare.same_seed.search.trim().to_owned();
        let unit = self.lengths_view().unit;
        let key = (self.files.version, self.files.n_measured, seed, unit);
        if self.compare.same_seed.key != Some(key) {
            let columns = self.columns(seed, unit);
            // Of a large file they are being read, and looked for again at the next picture.
            let is_whole = columns.len() == self.n_shown(seed);
            self.compare.same_seed.columns = columns;
            self.compare.same_seed.key = Some(key).filter(|_| is_whole);
        }
        let search = SearchText::plain(&search);
        let tokenizer = self.tokenizer();
        let mut wanted = Wanted::default();
        for texts in self.compare.same_seed.texts() {
            wanted.add(texts, &search, tokenizer.as_deref());
        }
        self.serve_texts(wanted);
    }

    fn columns(&self, seed: u32, unit: Unit) -> Vec<Column> {
        let Some(links) = self.links() else { return Vec::new() };
        let mut columns: Vec<Column> = Vec::new();
        for place in links.members(seed) {
            let Some(file) = self.files.get(place.0).filter(|file| file.shown) else { continue };
            let Some(record) = self.files.record(*place) else { continue };
            let texts = RecordTexts::new(file.dataset.clone(), record.clone(), *place);
            let strategy = report::strategy_title(&record.strategy);
            let n_same = columns.iter().filter(|other| other.name.starts_with(&strategy)).count();
            let name = match n_same {
                0 => strategy,
                n => format!("{strategy} ({})", n + 1),
            };
            let file_words = format!("{}, line {}", file.name(), record.source.line);
            let gains = links.row_of(*place).map(gains).unwrap_or_default();
            let lengths = lengths(file, place.1, unit);
            columns.push(Column { texts, name, file: file_words, lengths, gains });
        }
        columns
    }

    pub(super) fn same_seed_ui(&mut self, ui: &mut Ui) {
        self.seeds_bar_ui(ui);
        let n = self.compare.same_seed.columns.len().max(1) as f32;
        if ui.available_width() >= LIST_WIDTH + n * (NARROWEST + ui.spacing().item_spacing.x) {
            egui::Panel::left("seeds")
                .resizable(true)
                .default_size(self.settings.panel("seeds", LIST_WIDTH))
                .size_range(130.0..=360.0)
                .show(ui, |ui| self.seed_list_ui(ui));
        }
        egui::CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| self.columns_ui(ui));
    }

    fn seeds_bar_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let field = egui::TextEdit::singleline(&mut self.compare.same_seed.search)
                .hint_text("Search seeds")
                .desired_width((ui.available_width() - 280.0).clamp(80.0, 240.0));
            let field = ui.add(field);
            name_field(&field, "Search seeds");
            for (title, by, keys) in [("Previous seed", -1, "Alt+Up"), ("Next seed", 1, "Alt+Down")]
            {
                let words = title.split(' ').next().unwrap_or(title);
                let button = ui.button(words).on_hover_text(keys);
                name_field(&button, title);
                if button.clicked() {
                    self.step_seed(by);
                }
            }
            let Some(seeds) = &self.compare.same_seed.seeds else { return };
            let n = grouped(seeds.len() as u64);
            let is_narrowed = self.compare.selection.places().is_some();
            let which = if is_narrowed { " with selected records" } else { "" };
            let words = match self.seed().map(|seed| seeds.binary_search(&seed)) {
                Some(Ok(at)) => format!("Seed {} of {n}{which}", grouped(at as u64 + 1)),
                _ if is_narrowed => format!("{n} seeds fit{which}"),
                _ => format!("{n} seeds fit"),
            };
            if is_narrowed {
                let button =
                    ui.button("All seeds").on_hover_text("Clears the selection in Compare");
                if button.clicked() {
                    self.compare.selection.clear();
                }
            }
            ui.add(egui::Label::new(RichText::new(words).weak()).truncate());
        });
        ui.add_space(2.0);
    }

    /// The list of seeds.
    fn seed_list_ui(&mut self, ui: &mut Ui) {
        // A panel is as wide as what is in it.
        ui.take_available_width();
        let Some(seeds) = self.compare.same_seed.seeds.take() else {
            ui.spinner();
            return;
        };
        let shown = self.seed();
        let mut chosen = None;
        let height = ui.text_style_height(&egui::TextStyle::Body) + 6.0;
        let mut area = ScrollArea::vertical().auto_shrink([false, false]);
        if std::mem::take(&mut self.compare.same_seed.scroll)
            && let Some(Ok(at)) = shown.map(|seed| seeds.binary_search(&seed))
        {
            let row = height + ui.spacing().item_spacing.y;
            let middle = at as f32 * row - (ui.available_height() - row) / 2.0;
            area = area.vertical_scroll_offset(middle.max(0.0));
        }
        area.show_rows(ui, height, seeds.len(), |ui, rows| {
            for seed in &seeds[rows] {
                let words = self.seed_title(*seed);
                let row = egui::Button::selectable(shown == Some(*seed), words.as_str()).truncate();
                let layout = Layout::top_down_justified(Align::Min);
                let size = egui::vec2(ui.available_width(), height);
                let row = ui.allocate_ui_with_layout(size, layout, |ui| ui.add(row)).inner;
                if row.on_hover_text(words).clicked() {
                    chosen = Some(*seed);
                }
            }
        });
        self.compare.same_seed.seeds = Some(seeds);
        if let Some(seed) = chosen {
            self.choose_seed(seed);
        }
    }

    /// How many records of a seed are shown.
    fn n_shown(&self, seed: u32) -> usize {
        let members = self.links().map_or(&[][..], |links| links.members(seed));
        let is_shown = |place: &&Place| self.files.get(place.0).is_some_and(|file| file.shown);
        members.iter().filter(is_shown).count()
    }

    /// "HotpotQA (3): Who wrote …", with the number of its records.
    fn seed_title(&self, seed: u32) -> String {
        let members = self.links().map_or(&[][..], |links| links.members(seed));
        let is_shown = |place: &&Place| self.files.get(place.0).is_some_and(|file| file.shown);
        let n = self.n_shown(seed);
        let first = members.iter().find(is_shown).and_then(|place| self.files.record(*place));
        let Some(record) = first else { return String::new() };
        let beginning: String = record.instruction.chars().take(120).collect();
        let beginning = beginning.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{} ({n}): {beginning}", report::task_title(&record.task))
    }

    fn columns_ui(&mut self, ui: &mut Ui) {
        let columns = &mut self.compare.same_seed.columns;
        if columns.is_empty() {
            ui.add_space(24.0);
            ui.vertical_centered(|ui| {
                let words = match &self.compare.same_seed.seeds {
                    Some(_) => {
                        "No seed fits. Clear search and selection, or choose other files or tasks."
                    }
                    None => "Pairing records…",
                };
                ui.label(RichText::new(words).weak());
            });
            return;
        }
        let gap = ui.spacing().item_spacing.x;
        let n = columns.len() as f32;
        let width = ((ui.available_width() - gap * (n - 1.0)) / n).max(NARROWEST).floor();
        ScrollArea::horizontal().auto_shrink([false, false]).show(ui, |ui| {
            let height = ui.available_height();
            ui.horizontal_top(|ui| {
                for (ix, column) in columns.iter_mut().enumerate() {
                    let size = egui::vec2(width, height);
                    ui.push_id(ix, |ui| {
                        ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
                            ui.set_min_size(size);
                            ui.set_max_size(size);
                            column_ui(ui, column);
                        });
                    });
                }
            });
        });
    }
}

fn column_ui(ui: &mut Ui, column: &mut Column) {
    ui.horizontal(|ui| {
        swatch_ui(ui, &column.texts.record().strategy);
        ui.add(egui::Label::new(RichText::new(&column.name).strong()).truncate());
        ui.add(egui::Label::new(RichText::new(&column.file).weak()).truncate());
    });
    let words = |ui: &mut Ui, text: &str| {
        ui.add(egui::Label::new(RichText::new(text).small()).truncate().selectable(true));
    };
    words(ui, &column.lengths);
    if column.gains.is_empty() {
        ui.label(RichText::new("coherence not measured").weak().small());
    }
    column.gains.iter().for_each(|line| words(ui, line));
    let of = format!(" of {}", column.name);
    let free = ui.available_height();
    let least = 54.0;
    let [instruction, answer] = [(free * 0.18).max(least), (free * 0.16).max(least)];
    let part = |ui: &mut Ui, height: f32, draw: &mut dyn FnMut(&mut Ui)| {
        let size = egui::vec2(ui.available_width(), height);
        ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
            ui.set_max_size(size);
            draw(ui);
        });
    };
    part(ui, instruction, &mut |ui| column.texts.instruction_ui(ui, &of));
    part(ui, answer, &mut |ui| column.texts.answer_ui(ui, &of));
    let rest = ui.available_height().max(least);
    part(ui, rest, &mut |ui| column.texts.context_ui(ui, &of));
}

/// "context 1,681 tokens, instruction 12, answer 3".
fn lengths(file: &File, record: usize, unit: Unit) -> String {
    let groups = file.lengths.iter().flat_map(|(_, lengths)| &lengths.groups);
    let of = |field: Field| {
        let mut found = groups.clone().filter(|group| group.field == field && group.unit == unit);
        found.find_map(|group| {
            let at = group.records.binary_search(&(record as u32)).ok()?;
            group.lengths.get(at).map(|length| grouped(*length as u64))
        })
    };
    let parts = [
        ("context", Field::Context),
        ("instruction", Field::Instruction),
        ("answer", Field::Answer),
    ];
    let all = parts.iter().filter_map(|(name, field)| Some(format!("{name} {}", of(*field)?)));
    match all.collect::<Vec<String>>().join(", ") {
        words if words.is_empty() => words,
        words => format!("{words} {}", unit_title(unit)),
    }
}

/// The gains of a record with its own and other contexts, and what part of the others it beats.
fn gains(row: &Coherence) -> Vec<String> {
    let line = |name: &str, own: Option<f64>, other: Option<f64>, auc: Option<f64>| {
        let mut words = match own {
            Some(own) => format!("{name} gain {own:+.2}"),
            None => return format!("{name} gain: none"),
        };
        if let Some(other) = other {
            words.push_str(&format!(" (other contexts {other:+.2})"));
        }
        if let Some(auc) = auc {
            words.push_str(&format!(", AUC {auc:.2}"));
        }
        words
    };
    vec![
        line(
            "instruction",
            row.instruction_gain,
            row.instruction_gain_shuffled,
            row.auc_instruction,
        ),
        line("answer", row.answer_gain, row.answer_gain_shuffled, row.auc_answer),
    ]
}
