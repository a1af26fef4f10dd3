//! The legend: samples and labels in a row that wraps.

use super::brush::{Brush, EM, ENLARGED};
use super::{style, words};
use crate::figure::layout::{swatch, swatch_width};
use crate::figure::{Figure, LegendEntry, Style};
use egui::{Layout, Role, Sense, Ui, WidgetInfo, vec2};

/// Shows what the colours, lines and hatches of a figure mean; nothing without entries.
/// [`figure_ui`](super::figure_ui) shows it too.
pub fn legend_ui(ui: &mut Ui, figure: &Figure) {
    if figure.legend.is_empty() {
        return;
    }
    let style = style(ui);
    let layout = Layout::left_to_right(egui::Align::Center).with_main_wrap(true);
    let size = vec2(ui.available_width(), 0.0);
    ui.allocate_ui_with_layout(size, layout, |ui| {
        ui.spacing_mut().item_spacing = vec2(18.0, 3.0);
        for entry in &figure.legend {
            entry_ui(ui, entry, style);
        }
    });
}

/// Sample and label are one widget, so that no row ends between them.
fn entry_ui(ui: &mut Ui, entry: &LegendEntry, style: Style) {
    let sample = swatch_width(entry.swatch) as f32 * EM as f32 * ENLARGED;
    let gap = 6.0;
    let room = ui.max_rect().width() - sample - gap;
    let galley = words::elided(ui, &entry.label, words::title_font(ui), room, 1);
    let size = vec2(sample + gap + galley.size().x, galley.size().y + 2.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &entry.label));
    let brush = Brush { origin: rect.left_center() };
    let mut shapes = Vec::new();
    for primitive in swatch(entry, [0.0; 2], EM, style) {
        brush.paint(&primitive, &mut shapes);
    }
    let corner = rect.right_center() - vec2(galley.size().x, galley.size().y / 2.0);
    ui.painter().extend(shapes);
    let is_elided = galley.elided;
    ui.painter().galley(corner, galley, ui.visuals().text_color());
    if is_elided {
        response.on_hover_text(&entry.label);
    }
}
