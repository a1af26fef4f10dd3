//! The legend: samples and labels in a row that wraps, and below it what the colours of heat maps
//! mean.

use super::brush::{Brush, EM, ENLARGED};
use super::{style, words};
use crate::figure::layout::{
    COLOR_BAR_HEIGHT, Primitive, color_bar, color_scales, swatch, swatch_width,
};
use crate::figure::{Axis, Figure, LegendEntry, Style};
use egui::{Layout, Role, Sense, Ui, WidgetInfo, vec2};

/// Shows what the colours, lines and hatches of a figure mean; nothing where there are none.
/// [`figure_ui`](super::figure_ui) shows it too.
pub fn legend_ui(ui: &mut Ui, figure: &Figure) {
    let style = style(ui);
    if !figure.legend.is_empty() {
        entries_ui(ui, figure, style);
    }
    for colors in color_scales(figure) {
        color_bar_ui(ui, colors, style);
    }
}

fn entries_ui(ui: &mut Ui, figure: &Figure, style: Style) {
    let layout = Layout::left_to_right(egui::Align::Center).with_main_wrap(true);
    let size = vec2(ui.available_width(), 0.0);
    ui.allocate_ui_with_layout(size, layout, |ui| {
        ui.spacing_mut().item_spacing = vec2(18.0, 3.0);
        for entry in &figure.legend {
            entry_ui(ui, entry, style);
        }
    });
}

/// The bar stands right of what it measures.
fn color_bar_ui(ui: &mut Ui, colors: &Axis, style: Style) {
    const LONGEST: f32 = 300.0;
    /// Half of the first and of the last tick label.
    const BESIDE: f32 = 18.0;
    let free = ui.available_width();
    let galley = words::elided(ui, &colors.label, words::title_font(ui), 0.5 * free, 1);
    let left = galley.size().x + BESIDE;
    let length = (free - left - BESIDE).clamp(1.0, LONGEST);
    let height = (COLOR_BAR_HEIGHT * EM) as f32 * ENLARGED;
    let size = vec2(left + length + BESIDE, height.max(galley.size().y));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &colors.label));
    let brush = Brush { origin: rect.left_top() + vec2(left, 0.0) };
    let mut shapes = Vec::new();
    for primitive in color_bar(colors, [0.0; 2], f64::from(length / ENLARGED), EM, style) {
        match primitive {
            Primitive::Text(run) => shapes.push(words::run(ui, &run, &brush)),
            other => brush.paint(&other, &mut shapes),
        }
    }
    ui.painter().extend(shapes);
    let is_elided = galley.elided;
    ui.painter().galley(rect.left_top(), galley, ui.visuals().text_color());
    if is_elided {
        response.on_hover_text(&colors.label);
    }
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
