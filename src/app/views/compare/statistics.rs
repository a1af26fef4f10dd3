//! The comparison in numbers under the figure: what they say in plain words, and the table.

use super::{caution, combo_ui};
use crate::app::jobs::Ask;
use crate::app::ui::name_field;
use crate::app::views::data::grouped;
use crate::app::window::Window;
use crate::coherence::Measure;
use crate::report::{CompareSettings, LengthsView, Table};
use crate::workbench::{
    CompareJob, ComparePage, CompareReport, CompareWish, Inputs, OpenRows, RESAMPLES,
};
use egui::{Align, Layout, RichText, ScrollArea, Ui};
use std::collections::BTreeSet;

/// Of so many records there are fewer resamples, or a change of the view would take minutes.
const MANY_RECORDS: usize = 20_000;
/// So many.
const FEW_RESAMPLES: usize = 999;
/// A seed like the command line's, so that both print the same numbers.
const SEED: u64 = 42;
/// A view lower than this shows either the figure or the table.
const LOW: f32 = 430.0;

/// The comparison as it was computed last.
#[derive(Default)]
pub struct State {
    asked: Option<Key>,
    /// What cannot be the baseline among the files of that version.
    refused: BTreeSet<String>,
    told: Option<Result<Told, String>>,
}

/// Of what the numbers are.
#[derive(Clone, PartialEq)]
struct Key {
    version: u64,
    n_measured: u64,
    page: ComparePage,
    view: LengthsView,
    measure: Measure,
    without: BTreeSet<String>,
    baseline: Option<String>,
}

/// A comparison in words and cells.
struct Told {
    /// What was compared, the baseline first.
    sides: Vec<String>,
    resamples: usize,
    parts: Vec<Part>,
}

struct Part {
    sentence: String,
    cautions: Vec<String>,
    table: Table,
}

impl State {
    /// Takes the numbers.
    pub fn take(&mut self, report: CompareReport) {
        let part = |found: &crate::report::Comparison| Part {
            sentence: found.sentence(),
            cautions: found.cautions(),
            table: found.table(),
        };
        self.told = Some(Ok(Told {
            sides: report.sides.into_iter().map(|side| side.name).collect(),
            resamples: report.resamples,
            parts: report.comparisons.iter().map(part).collect(),
        }));
    }

    /// Takes note that there are none: with this baseline, or at all.
    pub fn refuse(&mut self, baseline: Option<String>, why: String) {
        match baseline {
            Some(baseline) => {
                self.refused.insert(baseline);
                self.asked = None;
            }
            None => self.told = Some(Err(why)),
        }
    }
}

impl Window {
    fn statistics_key(&self) -> Option<Key> {
        let look = &self.settings.compare;
        let page = self.page();
        (page != ComparePage::SameSeed).then(|| Key {
            version: self.files.version,
            n_measured: self.files.n_measured,
            page,
            // Another form is another picture of the same numbers.
            view: LengthsView { form: Default::default(), log: true, ..self.lengths_view() },
            measure: look.measure,
            without: look.without.clone(),
            baseline: self.baseline(),
        })
    }

    /// What the others are compared with.
    fn baseline(&self) -> Option<String> {
        const USUAL: &str = "instruction_synthesis";
        let refused = &self.compare.statistics.refused;
        let strategies = self.files.shown().flat_map(|file| file.strategies());
        let is_clear = strategies.filter(|id| id.as_str() == USUAL).count() == 1;
        let usual = is_clear.then(|| USUAL.to_owned());
        let wished = self.settings.compare.baseline.clone();
        wished.into_iter().chain(usual).find(|name| !refused.contains(name))
    }

    pub(super) fn wants_statistics(&self) -> bool {
        let key = self.statistics_key();
        key.is_some() && self.compare.statistics.asked != key
    }

    pub(super) fn statistics_logic(&mut self) {
        if !self.wants_statistics() {
            return;
        }
        let asked = self.compare.statistics.asked.as_ref();
        if asked.is_some_and(|asked| asked.version != self.files.version) {
            self.compare.statistics.refused.clear();
        }
        let key = self.statistics_key();
        let page = key.as_ref().map(|key| key.page);
        if self.compare.statistics.asked.as_ref().map(|asked| asked.page) != page {
            self.compare.statistics.told = None;
        }
        self.compare.statistics.asked = key;
        match self.compare_job() {
            Ok(job) => drop(self.start(Ask::Compare(Box::new(job)))),
            Err(why) => self.compare.statistics.told = Some(Err(why)),
        }
    }

    fn compare_job(&self) -> Result<CompareJob, String> {
        let tasks: BTreeSet<String> = self.files.all_tasks();
        let left: Vec<String> =
            tasks.iter().filter(|task| self.takes_part(task)).cloned().collect();
        let rows = self.open_rows();
        let is_coherence = self.page() == ComparePage::Coherence;
        let n_records: usize = self.files.shown().map(|file| file.dataset.records.len()).sum();
        let n_resamples = if n_records > MANY_RECORDS { FEW_RESAMPLES } else { RESAMPLES };
        let mut wish = CompareWish { baseline: self.baseline(), ..CompareWish::default() };
        let mut job = CompareJob {
            inputs: Inputs::default(),
            rows: OpenRows::default(),
            counted: Vec::new(),
            wish: CompareWish::default(),
            settings: CompareSettings { seed: SEED, n_resamples },
        };
        if is_coherence {
            let drawn = self.compare.coherence.as_ref();
            if rows.parts.is_empty() || drawn.is_some_and(|drawn| drawn.tasks.is_empty()) {
                return Err(String::new());
            }
            wish.measures = vec![self.settings.compare.measure];
            job.rows = rows;
        } else {
            let n_sides: usize = self.files.shown().map(|file| file.strategies().len()).sum();
            match n_sides {
                _ if left.is_empty() => return Err(String::new()),
                0 => return Err(String::new()),
                1 => return Err("Open a second strategy to compare the two.".into()),
                _ => {}
            }
            let view = self.lengths_view();
            (wish.field, wish.unit) = (Some(view.field), Some(view.unit));
            wish.tokenizer = self.tokenizer();
            // A task that only measurements have is none of the datasets'.
            let of_files: BTreeSet<String> = self.files.tasks();
            let is_left_out = |task: &String| !self.takes_part(task);
            if of_files.iter().any(is_left_out) {
                wish.tasks = of_files.into_iter().filter(|task| self.takes_part(task)).collect();
            }
            let files = || self.files.shown();
            let counted = files().map(|file| Some(file.lengths.as_ref()?.1.clone()));
            job.counted = counted.collect::<Option<_>>().unwrap_or_default();
            job.inputs.loaded = files().map(|file| file.dataset.clone()).collect();
        }
        job.wish = wish;
        Ok(job)
    }

    /// The panel under the figure; whether it leaves room for one.
    pub(super) fn statistics_ui(&mut self, ui: &mut Ui) -> bool {
        let Some(told) = self.compare.statistics.told.take() else { return true };
        let height = ui.available_height();
        let is_low = height < LOW;
        let is_open = self.settings.compare.table.unwrap_or(!is_low) && told.is_ok();
        match &told {
            Err(why) if why.is_empty() => {}
            Err(why) => {
                egui::Panel::bottom("no statistics").resizable(false).show(ui, |ui| {
                    ui.label(RichText::new(why).weak());
                });
            }
            Ok(told) if is_open && is_low => self.told_ui(ui, told, true),
            Ok(told) if is_open => {
                let panel = egui::Panel::bottom("statistics")
                    .resizable(true)
                    .default_size(self.settings.panel("statistics", (height * 0.36).min(290.0)))
                    .size_range(110.0..=(height - 220.0).max(120.0))
                    .show(ui, |ui| self.told_ui(ui, told, true));
                self.settings.set_panel("statistics", panel.response.rect.height());
            }
            Ok(told) => {
                let panel = egui::Panel::bottom("verdict").resizable(false);
                panel.exact_size(if is_low { 68.0 } else { 120.0 }).show(ui, |ui| match is_low {
                    true => self.verdict_ui(ui, told),
                    false => self.told_ui(ui, told, false),
                });
            }
        }
        self.compare.statistics.told = Some(told);
        !(is_open && is_low)
    }

    /// Nothing but what the numbers say, and the way to them.
    fn verdict_ui(&mut self, ui: &mut Ui, told: &Told) {
        ui.horizontal_top(|ui| {
            self.table_button_ui(ui, false);
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| ui.vertical(|ui| sentences_ui(ui, told)));
        });
    }

    fn table_button_ui(&mut self, ui: &mut Ui, is_open: bool) {
        if ui.selectable_label(is_open, "Table").on_hover_text("Task by task").clicked() {
            self.settings.compare.table = Some(!is_open);
        }
    }

    fn told_ui(&mut self, ui: &mut Ui, told: &Told, is_open: bool) {
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| self.choices_ui(ui, told, is_open));
        let scroll = ScrollArea::vertical().id_salt("statistics").auto_shrink([false, false]);
        scroll.show(ui, |ui| {
            sentences_ui(ui, told);
            if is_open {
                told.parts.iter().for_each(|part| table_ui(ui, part));
                let words = format!(
                    "Pairs are records of the same seed. Intervals: bootstrap of the mean difference, {} \
                     resamples; p: sign-flip test of the mean, Holm-adjusted over the tasks.",
                    grouped(told.resamples as u64)
                );
                ui.add(egui::Label::new(RichText::new(words).weak().small()).wrap());
            }
        });
    }

    fn choices_ui(&mut self, ui: &mut Ui, told: &Told, is_open: bool) {
        self.table_button_ui(ui, is_open);
        let look = &mut self.settings.compare;
        if self.compare.statistics.asked.as_ref().is_some_and(|k| k.page == ComparePage::Coherence)
        {
            let all = Measure::ALL.map(|measure| (measure, short(measure)));
            combo_ui(ui, "Value", &all, &look.measure.clone(), |measure| look.measure = measure);
        }
        if let [baseline, ..] = &told.sides[..]
            && told.sides.len() > 1
        {
            ui.label("compared with");
            let mut sides: Vec<(String, &str)> =
                told.sides.iter().map(|side| (side.clone(), side.as_str())).collect();
            sides.sort();
            combo_ui(ui, "Baseline", &sides, baseline, |side| look.baseline = Some(side));
        }
        let all = |text: fn(&Table) -> String| {
            told.parts.iter().map(|part| text(&part.table)).collect::<Vec<String>>().join("\n")
        };
        for (title, name, text) in [
            ("Markdown", "Copy the table as Markdown", Table::to_markdown as fn(&Table) -> String),
            ("CSV", "Copy the table as CSV", Table::to_csv),
        ] {
            let button = ui.small_button(format!("Copy {title}")).on_hover_text(name);
            name_field(&button, name);
            if button.clicked() {
                ui.ctx().copy_text(all(text));
            }
        }
        if self.jobs.has_open(|ask| matches!(ask, Ask::Compare(_))) {
            ui.spinner();
        }
    }
}

/// What each comparison says, and what speaks against believing it.
fn sentences_ui(ui: &mut Ui, told: &Told) {
    for part in &told.parts {
        let words = RichText::new(&part.sentence).strong();
        ui.add(egui::Label::new(words).wrap().selectable(true));
        for words in &part.cautions {
            let words = caution(ui, format!("Caution: {words}."));
            ui.add(egui::Label::new(words.small()).wrap().selectable(true));
        }
    }
}

/// A measure's name without its unit.
fn short(measure: Measure) -> &'static str {
    match measure {
        Measure::InstructionGain => "Instruction gain",
        Measure::AnswerGain => "Answer gain",
        Measure::InstructionDependence => "Instruction: own less other contexts",
        Measure::AnswerDependence => "Answer: own less other contexts",
        Measure::AucInstruction => "Instruction AUC",
        Measure::AucAnswer => "Answer AUC",
    }
}

fn table_ui(ui: &mut Ui, part: &Part) {
    let Table { title, columns, rows, notes } = &part.table;
    ui.add_space(8.0);
    ui.add(egui::Label::new(title).wrap().selectable(true));
    ScrollArea::horizontal().id_salt(title).show(ui, |ui| {
        // The last column takes all that is left over: it is empty.
        let grid = egui::Grid::new(title).num_columns(columns.len() + 1).striped(true);
        grid.spacing([16.0, 3.0]).show(ui, |ui| {
            for (ix, column) in columns.iter().enumerate() {
                // Over two lines, or heads would be wider than what stands below.
                let words = column.replacen(": ", "\n", 1).replacen(" [", "\n[", 1);
                cell_ui(ui, ix, RichText::new(words).strong());
            }
            ui.label("");
            ui.end_row();
            for row in rows {
                let is_last = row.first().is_some_and(|task| task == "all tasks");
                for (ix, cell) in row.iter().enumerate() {
                    let words = RichText::new(cell);
                    cell_ui(ui, ix, if is_last { words.strong() } else { words });
                }
                ui.label("");
                ui.end_row();
            }
        });
    });
    for note in notes {
        let words = RichText::new(note).weak().small();
        ui.add(egui::Label::new(words).wrap().selectable(true));
    }
}

/// Words stand left, numbers right.
fn cell_ui(ui: &mut Ui, column: usize, words: RichText) {
    let align = if column == 0 { Align::Min } else { Align::Max };
    ui.with_layout(Layout::top_down(align), |ui| {
        ui.add(egui::Label::new(words).extend().halign(align).selectable(true));
    });
}
