//! Which records the table shows: search, filter, task, strategy, selection.

use super::columns::Column;
use super::{Asked, counted, grouped};
use crate::app::jobs::Ask;
use crate::app::theme;
use crate::app::ui::name_field;
use crate::app::window::Window;
use crate::data::filter::Filter;
use crate::report;
use crate::workbench::{Beside, FindJob, Place, Searched, SortBy};
use egui::{Align, Layout, RichText, TextEdit, Ui};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The field for an expression.
#[derive(Default)]
pub struct FilterField {
    /// What is typed.
    pub text: String,
    /// What was typed when it was read last.
    read: String,
    /// The last expression that could be read; `None`: every record.
    filter: Option<Arc<Filter>>,
    /// The last one that asked for nothing that is missing: what the table is narrowed by.
    pub usable: Option<Arc<Filter>>,
    /// Why what is typed cannot be read.
    unreadable: Option<String>,
    /// Why what is typed cannot be used.
    pub refused: Option<String>,
}

impl FilterField {
    fn read(&mut self) {
        if self.read == self.text {
            return;
        }
        self.read.clone_from(&self.text);
        self.unreadable = None;
        let text = self.text.trim();
        match text.is_empty() {
            true => self.filter = None,
            false => match Filter::parse(text) {
                Ok(filter) => self.filter = Some(Arc::new(filter)),
                Err(error) => self.unreadable = Some(error.to_string()),
            },
        }
    }
}

/// Tokens of each record's context, for the table.
#[derive(Default)]
pub struct ContextTokens {
    /// Of which files, how many of them were counted, and by which tokenizer.
    of: Option<(u64, u64, Option<String>)>,
    by_file: BTreeMap<u64, Vec<Option<f64>>>,
}

impl ContextTokens {
    /// Of one record: `None` where nobody has counted, `Some(None)` where there is no context.
    pub fn of(&self, (key, ix): Place) -> Option<Option<f64>> {
        self.by_file.get(&key)?.get(ix).copied()
    }
}

impl Window {
    /// Asks for the records to show when what is asked has changed.
    pub(super) fn find_logic(&mut self) {
        let selection = self.selection();
        self.data.only_selected &= selection.is_some();
        let selection = selection.filter(|_| self.data.only_selected);
        self.data.filter.read();
        let filter = self.data.filter.filter.clone();
        let lacks = filter.as_ref().and_then(|filter| self.lacks(filter));
        let refused = self.data.filter.unreadable.clone().or(lacks);
        // What was last found by stays in force, and under the field stands why.
        if refused.is_none() {
            self.data.filter.usable = filter;
        }
        self.data.filter.refused = refused;
        let filter = self.data.filter.usable.clone().filter(|filter| self.lacks(filter).is_none());
        let mut search = self.data.search_text();
        if search.regex && self.data.regex.refused(search.clone()).is_some() {
            search = self.data.asked.as_ref().map(|asked| asked.search.clone()).unwrap_or_default();
        }
        let needs = filter.as_deref().map(Filter::needs);
        let by = self.data.sort.map(|sort| sort.by);
        let counts_tokens =
            needs.is_some_and(|needs| needs.tokens()) || by == Some(SortBy::ContextTokens);
        if counts_tokens && !self.has_lengths() {
            return;
        }
        self.tokens_logic();
        let measures = needs.is_some_and(|needs| needs.measure().is_some());
        let links = self.links().filter(|_| measures || matches!(by, Some(SortBy::Measure(_))));
        let reviews = needs.is_some_and(|needs| needs.reviews()) || by == Some(SortBy::Review);
        let state = &self.data;
        let wanted = Asked {
            version: self.files.version,
            search,
            task: state.task.clone(),
            strategy: state.strategy.clone(),
            selection: selection.as_ref().map(|(version, _)| *version),
            filter: filter.as_ref().map(|filter| filter.text().to_owned()),
            sort: state.sort,
            linked: links.is_some(),
            reviewed: reviews.then_some(self.reviewing.version),
            measured: counts_tokens.then(|| (self.files.n_measured, self.tokenizer())),
        };
        if self.data.asked.as_ref() == Some(&wanted) {
            return;
        }
        let tokenizer = self.tokenizer();
        let job = FindJob {
            datasets: self.searched(tokenizer.as_ref()),
            search: wanted.search.clone(),
            task: wanted.task.clone(),
            strategy: wanted.strategy.clone(),
            without: BTreeSet::new(),
            only: selection.map(|(_, places)| places),
            filter,
            sort: wanted.sort,
            beside: Beside {
                tokenizer,
                links: links.cloned(),
                reviews: self.reviewing.reviews.clone(),
            },
        };
        self.data.asked = Some(wanted);
        self.start(Ask::Find(job));
    }

    /// The shown datasets as a search takes them; tokens are known where `tokenizer` counted them.
    pub(in crate::app) fn searched(&self, tokenizer: Option<&String>) -> Vec<Searched> {
        let lengths = |file: &crate::app::files::File| {
            let (counted_by, lengths) = file.lengths.as_ref()?;
            (counted_by.as_ref() == tokenizer).then(|| lengths.clone())
        };
        let searched = |file: &crate::app::files::File| Searched {
            key: file.key,
            dataset: file.dataset.clone(),
            n_context_words: file.n_context_words.clone(),
            lengths: lengths(file),
        };
        self.files.shown().map(searched).collect()
    }

    /// Whether tokens of all shown files are counted; asks for it where they are not.
    fn has_lengths(&mut self) -> bool {
        if self.tokenizer().is_none() {
            return true;
        }
        self.ask_lengths();
        let tokenizer = self.tokenizer();
        let is_counted = |file: &crate::app::files::File| {
            file.lengths.as_ref().is_some_and(|(counted_by, _)| *counted_by == tokenizer)
                // Those that could not be counted.
                || file.lengths_asked.is_some() && !self.jobs.has_open(|ask| matches!(ask, Ask::Lengths { .. }))
        };
        self.files.shown().all(is_counted)
    }

    /// Has the tokens of contexts at hand while the table shows them.
    fn tokens_logic(&mut self) {
        if !self.shown_columns().contains(&Column::ContextTokens) {
            return;
        }
        let now = Some((self.files.version, self.files.n_measured, self.tokenizer()));
        // Those of other records, or by another tokenizer, are shown no longer.
        let is_old = |of: &(u64, u64, Option<String>)| {
            now.as_ref().is_some_and(|now| (of.0, &of.2) != (now.0, &now.2))
        };
        if self.data.tokens.of.as_ref().is_some_and(is_old) {
            self.data.tokens = ContextTokens::default();
        }
        if !self.has_lengths() {
            return;
        }
        if self.data.tokens.of == now {
            return;
        }
        let tokenizer = self.tokenizer();
        let searched = self.searched(tokenizer.as_ref());
        let tokens = searched.iter().filter_map(|one| Some((one.key, one.context_tokens()?)));
        self.data.tokens = ContextTokens { of: now, by_file: tokens.collect() };
    }

    /// What an expression asks for and nothing that is open has.
    fn lacks(&self, filter: &Filter) -> Option<String> {
        let needs = filter.needs();
        if let Some(measure) = needs.measure().filter(|_| self.files.rows.is_empty()) {
            return Some(format!(
                "{} is not measured: measure coherence (Ctrl+M), or open a file of coherence rows.",
                measure.name()
            ));
        }
        (needs.tokens() && self.tokenizer().is_none()).then(|| {
            "len_tokens needs the tokenizer of a model: choose one in Synthesize, or use len_words."
                .to_owned()
        })
    }

    /// Whether Data leaves records of the shown files out.
    pub(in crate::app) fn filters(&self) -> bool {
        !self.data.search.trim().is_empty()
            || self.data.filter.usable.is_some()
            || self.data.task.is_some()
            || self.data.strategy.is_some()
            || self.data.only_selected
    }

    /// Draws what narrows the table.
    pub(super) fn narrowing_ui(&mut self, ui: &mut Ui) {
        let width = ui.available_width();
        let choice = if width < 640.0 { 90.0 } else { 130.0 };
        // What the boxes, the count and the buttons leave.
        let search = (width - 2.0 * choice - 290.0).clamp(60.0, 340.0);
        ui.horizontal(|ui| {
            let field = TextEdit::singleline(&mut self.data.search)
                .hint_text("Search instruction, answer, context")
                .desired_width(search);
            let field = ui.add(field);
            name_field(&field, "Search records");
            if std::mem::take(&mut self.data.focus_search) {
                field.request_focus();
            }
            self.search_more_ui(ui, &field);
            let (tasks, strategies) = (self.files.tasks(), self.files.strategies());
            let task = |name: &str| report::task_title(name);
            choice_ui(ui, ("Task", choice), "All tasks", tasks, &mut self.data.task, task);
            let strategy = |name: &str| report::strategy_title(&name.into());
            choice_ui(
                ui,
                ("Strategy", choice),
                "All strategies",
                strategies,
                &mut self.data.strategy,
                strategy,
            );
            let is_narrowed = self.filters() || !self.data.filter.text.is_empty();
            if is_narrowed && ui.button("Clear").on_hover_text("Show all records again").clicked() {
                self.show_all_in_data();
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Export records…").clicked() {
                    self.open_export(false);
                }
            });
        });
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.columns_menu_ui(ui);
                ui.label(RichText::new(self.count_words()).weak());
                let field = TextEdit::singleline(&mut self.data.filter.text)
                    .hint_text("Filter, such as task == \"hotpotqa\" && answer_gain < 0.1 && len_tokens(context) > 4000")
                    .desired_width(f32::INFINITY);
                let field = ui.add(field);
                name_field(&field, "Filter records");
                if self.data.filter.text.is_empty() {
                    field.on_hover_text(HELP);
                }
            });
        });
        self.search_refused_ui(ui);
        let waits = self.waits_for_tokens();
        match &self.data.filter.refused {
            Some(why) => {
                let why = RichText::new(why).color(theme::error_color(ui)).small();
                ui.add(egui::Label::new(why).truncate());
            }
            None if waits => {
                ui.label(RichText::new("Counting tokens…").weak().small());
            }
            None => {}
        }
    }

    /// Whether the search waits until tokens are counted.
    fn waits_for_tokens(&self) -> bool {
        let asks = self.data.filter.usable.as_ref().is_some_and(|filter| filter.needs().tokens());
        asks && self.jobs.has_open(|ask| matches!(ask, Ask::Lengths { .. }))
    }

    fn count_words(&self) -> String {
        let n_all: usize = self.files.shown().map(|file| file.dataset.records.len()).sum();
        let n = self.data.found.as_ref().map_or(0, Vec::len);
        let of = if self.data.only_selected { " selected" } else { "" };
        match n == n_all {
            true => counted(n, "record"),
            false => format!("{}{of} of {}", grouped(n as u64), counted(n_all, "record")),
        }
    }
}

/// What may stand in the field, for those who point at it while it is empty.
const HELP: &str = "Names: task, strategy, instruction, answer, context, n_answers, id, seed_id, file, line, \
    accepted, discarded, rating, extra.COLUMN, and what coherence measures, such as instruction_gain, \
    answer_gain, answer_dependence.\n\
    Functions: len_chars, len_words or len_tokens of context, instruction, answer or prompt; \
    contains(context, \"text\"), has(extra.COLUMN), tag(\"word\").\n\
    Between them: == != < <= > >=, ~ for a regular expression, && || ! and parentheses.";

/// A box to choose one of some names, or all.
fn choice_ui(
    ui: &mut Ui,
    (label, width): (&str, f32),
    all: &str,
    names: BTreeSet<String>,
    chosen: &mut Option<String>,
    title: impl Fn(&str) -> String,
) {
    let shown = chosen.as_deref().map_or(all.to_owned(), &title);
    let combo = egui::ComboBox::from_id_salt(label).selected_text(shown).width(width).truncate();
    let response = combo.show_ui(ui, |ui| {
        ui.selectable_value(chosen, None, all);
        for name in names {
            let words = title(&name);
            ui.selectable_value(chosen, Some(name), words);
        }
    });
    name_field(&response.response, label);
}
