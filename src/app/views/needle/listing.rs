//! The tests behind a cell of the figure: what was asked, what was said, how it was graded.

use super::Clicked;
use crate::app::ui::name_field;
use crate::app::views::data::counted;
use crate::app::window::Window;
use crate::figure::{Figure, Panel, Scale};
use crate::needle::Answered;
use egui::{Align, Label, Layout, RichText, Ui};

/// Heights of a row: three lines of text.
const ROW_HEIGHT: f32 = 50.0;

impl Window {
    /// The tests of what was clicked, below the figure; words on how to see them where nothing was.
    pub(super) fn needle_tests_ui(&mut self, ui: &mut Ui) {
        let Some((clicked, drawn)) = self.needle.clicked.clone().zip(self.needle.drawn.as_ref())
        else {
            egui::Panel::bottom("needle hint").show_separator_line(false).show(ui, |ui| {
                let words = "Click a cell or a point to see its tests; drag to move, Ctrl and wheel to zoom.";
                ui.add(Label::new(RichText::new(words).weak().small()).truncate());
            });
            return;
        };
        let title = title(&drawn.figure, &clicked);
        let mut closes = false;
        let panel = egui::Panel::bottom("needle tests")
            .resizable(true)
            .default_size(self.settings.panel("needle tests", 230.0))
            .size_range(110.0..=600.0)
            .show(ui, |ui| {
                let Clicked { panel, series, category } = &clicked;
                let tests: Vec<(&str, &Answered)> =
                    drawn.behind(*panel, series, *category).collect();
                ui.horizontal(|ui| {
                    ui.strong(format!("{title}: {}", counted(tests.len(), "test")));
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        let close = ui.small_button("×").on_hover_text("Close the list of tests");
                        name_field(&close, "Close the list of tests");
                        closes = close.clicked();
                    });
                });
                table_ui(ui, &tests);
            });
        self.settings.set_panel("needle tests", panel.response.rect.height());
        if closes {
            self.needle.clicked = None;
        }
    }
}

/// "single, 1k, 50%": where a place of the figure stands.
fn title(figure: &Figure, clicked: &Clicked) -> String {
    let Some(panel) = figure.panels.get(clicked.panel) else { return String::new() };
    let names = |scale: &Scale| match scale {
        Scale::Category(names) => names.clone(),
        _ => Vec::new(),
    };
    let Panel { title, x, y, .. } = panel;
    let (columns, rows) = (names(&x.scale), names(&y.scale));
    let (column, row) = match rows.is_empty() || columns.is_empty() {
        true => (clicked.category, clicked.series.clone()),
        false => {
            let (row, column) =
                (clicked.category / columns.len(), clicked.category % columns.len());
            (column, rows.get(row).cloned().unwrap_or_default())
        }
    };
    let column = columns.get(column).cloned().unwrap_or_default();
    [title.clone(), column, row]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

const COLUMNS: [&str; 5] = ["Grade", "Question", "Values", "Reply", "Test"];

fn table_ui(ui: &mut Ui, tests: &[(&str, &Answered)]) {
    let width = ui.available_width();
    // Grade and id need little; questions and replies share what is left.
    let free = (width - 70.0 - 130.0 - 4.0 * ui.spacing().item_spacing.x).max(240.0);
    let widths = [70.0, 0.38 * free, 0.22 * free, 0.40 * free, 130.0];
    ui.horizontal(|ui| {
        for (name, width) in COLUMNS.iter().zip(widths) {
            cell_ui(ui, width, 18.0, RichText::new(*name).weak().small(), "");
        }
    });
    egui::ScrollArea::vertical().auto_shrink([false, false]).show_rows(
        ui,
        ROW_HEIGHT,
        tests.len(),
        |ui, range| {
            for (file, test) in tests.get(range).unwrap_or_default() {
                ui.horizontal(|ui| test_ui(ui, widths, file, test));
            }
        },
    );
}

fn test_ui(ui: &mut Ui, widths: [f32; 5], file: &str, test: &Answered) {
    let grade =
        format!("{:.0}%{}", 100.0 * test.row.grade, if test.exact { ", exact" } else { "" });
    let reply = match (test.too_long, test.prediction.trim()) {
        (true, _) => "not asked: longer than the model's window".to_owned(),
        (false, "") => "(empty)".to_owned(),
        (false, said) => said.to_owned(),
    };
    let values = test.values.join(", ");
    let whole = format!("{file}\n{}\n{} tokens", test.id, test.n_tokens);
    let cells = [
        (grade.as_str(), grade.as_str()),
        (test.question.as_str(), test.question.as_str()),
        (values.as_str(), values.as_str()),
        (reply.as_str(), reply.as_str()),
        (test.id.as_str(), whole.as_str()),
    ];
    for ((text, hover), width) in cells.into_iter().zip(widths) {
        cell_ui(ui, width, ROW_HEIGHT, RichText::new(text), hover);
    }
}

/// One cell: as many lines as fit, the whole of it where it is pointed at.
fn cell_ui(ui: &mut Ui, width: f32, height: f32, text: RichText, hover: &str) {
    let layout = Layout::top_down(Align::Min);
    ui.allocate_ui_with_layout(egui::vec2(width, height), layout, |ui| {
        ui.set_min_size(egui::vec2(width, height));
        ui.set_max_height(height);
        ui.shrink_clip_rect(ui.max_rect());
        let label = ui.add(Label::new(text).wrap());
        if !hover.is_empty() {
            label.on_hover_text(hover);
        }
    });
}
