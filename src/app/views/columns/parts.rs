//! Parts of the dialog: a box for each field, and the first rows as a table.

use super::{ANSWER, FIELDS};
use crate::app::theme;
use crate::app::ui::name_field;
use crate::workbench::{Cells, RowRead};
use egui::{Align, Layout, RichText, Ui};

/// A box of the columns for each field, in two columns.
pub(super) fn choices_ui(
    ui: &mut Ui,
    columns: &[String],
    chosen: &mut [Option<String>; FIELDS.len()],
    is_joined: bool,
) {
    let width = (ui.available_width() / 2.0 - 110.0).max(120.0);
    egui::Grid::new("fields").num_columns(4).spacing([10.0, 6.0]).show(ui, |ui| {
        for (ix, (column, (title, _, about))) in chosen.iter_mut().zip(FIELDS).enumerate() {
            ui.label(title).on_hover_text(about);
            // The context of a joined file stands in the other file.
            ui.add_enabled_ui(!(is_joined && ix == 0), |ui| {
                choice_ui(ui, title, width, columns, column);
            });
            if ix % 2 == 1 {
                ui.end_row();
            }
        }
    });
}

fn choice_ui(
    ui: &mut Ui,
    title: &str,
    width: f32,
    columns: &[String],
    column: &mut Option<String>,
) {
    const NONE: &str = "not mapped";
    let shown = column.as_deref().unwrap_or(NONE).to_owned();
    let combo = egui::ComboBox::from_id_salt(title).selected_text(shown).width(width).truncate();
    let combo = combo.show_ui(ui, |ui| {
        ui.selectable_value(column, None, NONE);
        for name in columns {
            ui.selectable_value(column, Some(name.clone()), name);
        }
    });
    name_field(&combo.response, &format!("{title} column"));
}

/// The first rows as records.
pub(super) fn rows_ui(
    ui: &mut Ui,
    rows: &[RowRead],
    chosen: Option<&[Option<String>; FIELDS.len()]>,
) {
    type Of = fn(&Cells) -> String;
    let all: [Of; FIELDS.len()] = [
        |cells| cells.context.clone().unwrap_or_else(|| "none".to_owned()),
        |cells| cells.instruction.clone(),
        |cells| cells.answer.clone(),
        |cells| cells.task.clone(),
        |cells| cells.strategy.clone(),
        |cells| cells.seed.clone(),
    ];
    let is_shown = |ix: &usize| *ix <= ANSWER || chosen.is_some_and(|all| all[*ix].is_some());
    let shown: Vec<usize> = (0..FIELDS.len()).filter(is_shown).collect();
    let room = ui.available_width() - LINE_WIDTH - shown.len() as f32 * GAP;
    // A document needs more room than a name.
    let weight = |ix: usize| if ix <= ANSWER { 2.0 } else { 1.0 };
    let sum: f32 = shown.iter().map(|ix| weight(*ix)).sum();
    let row_ui = |ui: &mut Ui, first: RichText, cells: &[(usize, RichText)]| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            cell_ui(ui, LINE_WIDTH, first);
            for (ix, text) in cells {
                cell_ui(ui, room * weight(*ix) / sum, text.clone());
            }
        });
    };
    let heads: Vec<_> =
        shown.iter().map(|ix| (*ix, RichText::new(FIELDS[*ix].0).strong())).collect();
    row_ui(ui, RichText::new("Line").strong(), &heads);
    for row in rows {
        let line = RichText::new(row.line.to_string()).weak();
        match &row.fields {
            Ok(cells) => {
                let cells: Vec<_> =
                    shown.iter().map(|ix| (*ix, RichText::new(all[*ix](cells)))).collect();
                row_ui(ui, line, &cells);
            }
            Err(why) => {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = GAP;
                    cell_ui(ui, LINE_WIDTH, line);
                    let words = RichText::new(why).color(theme::error_color(ui));
                    ui.add(egui::Label::new(words).truncate()).on_hover_text(why);
                });
            }
        }
    }
}

/// Room for the number of a line.
const LINE_WIDTH: f32 = 36.0;
const GAP: f32 = 8.0;

fn cell_ui(ui: &mut Ui, width: f32, text: RichText) {
    let size = egui::vec2(width, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(width);
        ui.set_max_width(width);
        ui.add(egui::Label::new(text).truncate());
    });
}
