//! The columns of the table of records: which there are, which are shown, and sorting by them.

use crate::app::ui::name_field;
use crate::app::window::Window;
use crate::data::filter::Measure;
use crate::workbench::{Sort, SortBy};
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Button, PopupCloseBehavior, RichText, Ui};

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Review,
    Line,
    File,
    Strategy,
    Task,
    ContextWords,
    ContextTokens,
    InstructionGain,
    InstructionDependence,
    AnswerGain,
    AnswerDependence,
    Tags,
    Instruction,
    Answer,
}

impl Column {
    /// All columns, from left to right.
    const ALL: [Self; 14] = [
        Self::Review,
        Self::Line,
        Self::File,
        Self::Strategy,
        Self::Task,
        Self::ContextWords,
        Self::ContextTokens,
        Self::InstructionGain,
        Self::InstructionDependence,
        Self::AnswerGain,
        Self::AnswerDependence,
        Self::Tags,
        Self::Instruction,
        Self::Answer,
    ];

    /// Those that are shown where the person has chosen none.
    const USUAL: [Self; 7] = [
        Self::Review,
        Self::Line,
        Self::Strategy,
        Self::Task,
        Self::ContextWords,
        Self::Instruction,
        Self::Answer,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Review => "Review",
            Self::Line => "Line",
            Self::File => "File",
            Self::Strategy => "Strategy",
            Self::Task => "Task",
            Self::ContextWords => "Context words",
            Self::ContextTokens => "Context tokens",
            Self::InstructionGain => "Instruction gain",
            Self::InstructionDependence => "Instruction dependence",
            Self::AnswerGain => "Answer gain",
            Self::AnswerDependence => "Answer dependence",
            Self::Tags => "Tags",
            Self::Instruction => "Instruction",
            Self::Answer => "Answer",
        }
    }

    /// Its first and its least width; the two texts share what the others leave.
    pub fn widths(self) -> (f32, f32) {
        match self {
            Self::Line => (44.0, 36.0),
            Self::Review => (76.0, 44.0),
            Self::Strategy => (150.0, 60.0),
            Self::Task | Self::File | Self::Tags => (90.0, 60.0),
            Self::Instruction | Self::Answer => (0.0, 76.0),
            _ => (100.0, 56.0),
        }
    }

    fn sort_by(self) -> Option<SortBy> {
        Some(match self {
            Self::Review => SortBy::Review,
            Self::Line => SortBy::Line,
            Self::Strategy => SortBy::Strategy,
            Self::Task => SortBy::Task,
            Self::ContextWords => SortBy::ContextWords,
            Self::ContextTokens => SortBy::ContextTokens,
            Self::InstructionGain => SortBy::Measure(Measure::InstructionGain),
            Self::InstructionDependence => SortBy::Measure(Measure::InstructionDependence),
            Self::AnswerGain => SortBy::Measure(Measure::AnswerGain),
            Self::AnswerDependence => SortBy::Measure(Measure::AnswerDependence),
            Self::Instruction => SortBy::Instruction,
            Self::Answer => SortBy::Answer,
            // The order of the files is that of the table, and tags have none.
            Self::File | Self::Tags => return None,
        })
    }

    /// The measurement that it shows.
    pub fn measure(self) -> Option<Measure> {
        match self.sort_by() {
            Some(SortBy::Measure(measure)) => Some(measure),
            _ => None,
        }
    }
}

impl Window {
    /// The columns that are shown, from left to right.
    pub(super) fn shown_columns(&self) -> Vec<Column> {
        let names = &self.settings.columns;
        let shown = |column: &Column| names.iter().any(|name| name == column.title());
        let chosen: Vec<Column> = Column::ALL.into_iter().filter(shown).collect();
        if chosen.is_empty() { Column::USUAL.to_vec() } else { chosen }
    }

    /// The menu in which columns are chosen.
    pub(super) fn columns_menu_ui(&mut self, ui: &mut Ui) {
        let stays = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        MenuButton::new("Columns").config(stays).ui(ui, |ui| {
            let mut shown = self.shown_columns();
            for column in Column::ALL {
                let mut is_shown = shown.contains(&column);
                if ui.checkbox(&mut is_shown, column.title()).changed() {
                    match is_shown {
                        true => shown.push(column),
                        false => shown.retain(|other| *other != column),
                    }
                    self.settings.columns =
                        shown.iter().map(|column| column.title().to_owned()).collect();
                }
            }
            ui.separator();
            if ui.button("The usual ones").clicked() {
                self.settings.columns.clear();
            }
        });
    }

    /// A head of the table: a click sorts by it, the next turns the order, the third takes it away.
    pub(super) fn head_ui(&mut self, ui: &mut Ui, column: Column) {
        let title = column.title();
        let Some(by) = column.sort_by() else {
            ui.strong(title);
            return;
        };
        let sorted = self.data.sort.filter(|sort| sort.by == by);
        let (mark, order) = match sorted {
            None => ("", "Sort by this, the smallest first"),
            Some(Sort { descending: false, .. }) => ("⬆ ", "Sorted: the smallest first"),
            Some(Sort { descending: true, .. }) => ("⬇ ", "Sorted: the largest first"),
        };
        let words = RichText::new(format!("{mark}{title}")).strong();
        let button = ui.add(Button::new(words).frame(false).truncate()).on_hover_text(order);
        name_field(&button, &format!("Sort by {title}"));
        if button.clicked() {
            self.data.sort = match sorted {
                None => Some(Sort { by, descending: false }),
                Some(Sort { descending: false, .. }) => Some(Sort { by, descending: true }),
                Some(_) => None,
            };
        }
    }
}
