//! A resolved [`Figure`] in the window: panels that can be zoomed and moved, with legend and caption.
//!
//! The marks are those of the exports, drawn by `figure`'s own code; egui_plot keeps what part of
//! the axes is in view. What does **not** belong here: what a figure shows and in which colours
//! (`report`), how a mark looks (`figure`), when a figure is made (`app`, `workbench`).
//!
//! Drag to move, drag with the second button or Ctrl and wheel to zoom, double click to go back.
//! Where records can be chosen, dragging brushes a range, and Shift and dragging moves.

mod arrange;
mod axes;
mod brush;
mod contents;
mod hover;
mod legend;
mod ruler;
mod told;
mod touch;
mod words;

pub use legend::legend_ui;
pub use touch::Touch;

use crate::figure::{Figure, Panel, Style};
use arrange::Place;
use contents::Contents;
use egui::{
    CursorIcon, Id, Label, Rect, Response, RichText, Role, ScrollArea, Sense, Ui, UiBuilder,
    WidgetInfo, vec2,
};
use egui_plot::{Plot, PlotUi};

/// Height of a panel where the rows do not fit on the screen together.
const SCROLLED_HEIGHT: f32 = 190.0;
/// Between the panels and the words above and below.
const GAP: f32 = 4.0;
/// How far the caption stands back.
const CAPTION_ALPHA: f32 = 0.85;
/// A panel is at most this many times as high as wide.
const TALLEST: f32 = 1.25;

/// Shows a figure in the available width: title, legend, panels, caption. The panels fill the
/// available height; where that is too low for all of them they are scrolled. Each plot's accessible
/// name is "title: y label over x label".
pub fn figure_ui(ui: &mut Ui, id_salt: &str, figure: &Figure) {
    shown_ui(ui, id_salt, figure, None);
}

/// As [`figure_ui`], and records can be chosen: what the person did in this picture.
pub fn brushed_figure_ui(
    ui: &mut Ui,
    id_salt: &str,
    figure: &Figure,
    records: &dyn Records,
) -> Option<Touch> {
    let mut touching = Touching { touch: None, records };
    shown_ui(ui, id_salt, figure, Some(&mut touching));
    touching.touch
}

/// What is known of the records behind a figure.
pub trait Records {
    /// How many a series of a panel has, in a category where the panel has several; where both axes have
    /// categories, in the cell, which are counted row by row.
    fn count(&self, panel: usize, series: &str, category: Option<usize>) -> Option<usize>;

    /// What a person knows the record of an id by.
    fn name(&self, id: &str) -> String;

    /// Whether the horizontal and the vertical axis of a panel measure something of records.
    fn brushable(&self, panel: usize) -> [bool; 2];
}

/// A figure in which records can be chosen.
struct Touching<'a> {
    /// What was done.
    touch: Option<Touch>,
    records: &'a dyn Records,
}

/// `None` where nothing can be chosen.
type Touched<'a, 'b> = Option<&'a mut Touching<'b>>;

fn shown_ui(ui: &mut Ui, id_salt: &str, figure: &Figure, touched: Touched<'_, '_>) {
    let layout = egui::Layout::top_down(egui::Align::Min);
    ui.scope_builder(UiBuilder::new().id_salt(id_salt).layout(layout), |ui| {
        if !figure.title.is_empty() {
            let title = RichText::new(&figure.title).strong().font(words::heading_font(ui));
            ui.add(Label::new(title).wrap());
        }
        legend_ui(ui, figure);
        if !(figure.title.is_empty() && figure.legend.is_empty()) {
            ui.add_space(GAP);
        }
        if figure.panels.is_empty() {
            ui.weak("no data");
        } else {
            panels_ui(ui, figure, touched);
        }
        if !figure.caption.is_empty() {
            let caption = RichText::new(&figure.caption).font(words::label_font(ui));
            let caption = caption.color(ui.visuals().text_color().gamma_multiply(CAPTION_ALPHA));
            ui.add_space(GAP);
            ui.add(Label::new(caption).wrap());
        }
    });
}

/// The colours in which figures are drawn in the window's theme.
fn style(ui: &Ui) -> Style {
    if ui.visuals().dark_mode { Style::ScreenDark } else { Style::ScreenLight }
}

fn panels_ui(ui: &mut Ui, figure: &Figure, touched: Touched<'_, '_>) {
    let id = ui.make_persistent_id("panels");
    let width = ui.available_width();
    let columns = arrange::columns(figure, width);
    let rows = figure.panels.len().div_ceil(columns);
    let free = ui.available_height() - caption_height(ui, figure);
    // An area that is itself scrolled has no end.
    let is_bounded = free.is_finite();
    let fitting = arrange::panel_height(rows, free);
    if is_bounded && fitting >= arrange::LOWEST {
        let height = fitting.min((TALLEST * width / columns as f32).max(arrange::LOWEST));
        grid_ui(ui, id, figure, Rows { n: rows, height, is_scrolled: false }, touched);
    } else if is_bounded {
        ScrollArea::vertical()
            .id_salt("panels")
            .max_height(free.max(SCROLLED_HEIGHT))
            .auto_shrink([false, true])
            .show(ui, |ui| {
                let rows =
                    figure.panels.len().div_ceil(arrange::columns(figure, ui.available_width()));
                grid_ui(ui, id, figure, Rows::scrolled(rows), touched);
            });
    } else {
        grid_ui(ui, id, figure, Rows::scrolled(rows), touched);
    }
}

fn caption_height(ui: &Ui, figure: &Figure) -> f32 {
    if figure.caption.is_empty() {
        return 0.0;
    }
    let width = ui.available_width();
    let galley = words::elided(ui, &figure.caption, words::label_font(ui), width, usize::MAX);
    galley.size().y + GAP + 2.0 * ui.spacing().item_spacing.y
}

/// The rows of panels.
struct Rows {
    n: usize,
    height: f32,
    is_scrolled: bool,
}

impl Rows {
    fn scrolled(n: usize) -> Self {
        Self { n, height: SCROLLED_HEIGHT, is_scrolled: true }
    }
}

fn grid_ui(ui: &mut Ui, id: Id, figure: &Figure, rows: Rows, mut touched: Touched<'_, '_>) {
    let size = vec2(ui.available_width(), arrange::height(rows.n, rows.height));
    let (_, rect) = ui.allocate_space(size);
    let style = style(ui);
    for (ix, place) in
        arrange::arrange(ui, figure, rect, id, rows.is_scrolled).into_iter().enumerate()
    {
        panel_ui(ui, figure, (ix, &place), style, touched.as_deref_mut());
    }
}

fn panel_ui(
    ui: &mut Ui,
    figure: &Figure,
    (ix, place): (usize, &Place<'_>),
    style: Style,
    touched: Touched<'_, '_>,
) {
    let name = || accessible_name(figure, place.panel);
    if !ui.is_rect_visible(place.cell) {
        // Readers of the screen find what is scrolled out of sight.
        let response = ui.interact(place.plot, place.id.with("hidden"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name()));
        return;
    }
    let builder = UiBuilder::new().max_rect(place.cell).id_salt(place.id);
    let ui = &mut ui.new_child(builder);
    title_ui(ui, place);
    let [r, g, b] = style.background();
    ui.painter().rect_filled(place.plot, 0.0, egui::Color32::from_rgb(r, g, b));
    // Where a range can be brushed, moving takes the Shift key.
    let can_brush = |touching: &&mut Touching<'_>| touching.records.brushable(ix).contains(&true);
    let brushes = touched.as_ref().is_some_and(can_brush);
    let moves = !brushes || ui.input(|input| input.modifiers.shift);
    let (response, transform) = plot_ui(ui, place, style, moves);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name()));
    let rulers = contents::rulers(place.panel, &transform);
    let x = axes::below(ui, &rulers[0], place.cell.left(), place.label_room.y);
    let y = axes::beside(ui, &rulers[1], place.label_room.x);
    axes::ticks_ui(ui, place.plot, &x, &y);
    if place.is_measured[0] {
        axes::x_measure_ui(ui, &place.panel.x.label, place.plot, place.x_measure_below);
    }
    if place.is_measured[1] {
        axes::y_measure_ui(ui, &place.panel.y.label, place.plot, place.cell.left());
    }
    let records = touched.as_ref().map(|touching| touching.records);
    hover::hover_ui(ui, &response, (ix, place.panel), &rulers, style, records);
    if let Some(touching) = touched {
        let brushable = touching.records.brushable(ix);
        let touch = touch::touch(ui, &response, (ix, place.panel), &rulers, brushable);
        touching.touch = touch.or(touching.touch.take());
    }
}

fn title_ui(ui: &mut Ui, place: &Place<'_>) {
    if place.panel.title.is_empty() {
        return;
    }
    let font = words::title_font(ui);
    let title = RichText::new(&place.panel.title).strong().font(font);
    let top_left = egui::pos2(place.plot.left(), place.cell.top());
    let rect = Rect::from_min_max(top_left, egui::pos2(place.cell.right(), place.plot.top()));
    let layout = egui::Layout::left_to_right(egui::Align::TOP);
    let builder = UiBuilder::new().max_rect(rect).layout(layout).id_salt("title");
    ui.new_child(builder).add(Label::new(title).truncate());
}

fn plot_ui(
    ui: &mut Ui,
    place: &Place<'_>,
    style: Style,
    moves: bool,
) -> (Response, egui_plot::PlotTransform) {
    let panel = place.panel;
    let [x, y] = [&panel.x, &panel.y].map(crate::figure::Axis::window);
    let sorted = |[from, to]: [f64; 2]| (from.min(to), from.max(to));
    let ((x_lo, x_hi), (y_lo, y_hi)) = (sorted(x), sorted(y));
    let builder = UiBuilder::new().max_rect(place.plot).id_salt("plot");
    let shown = Plot::new("plot")
        .id(place.id)
        .width(place.plot.width())
        .height(place.plot.height())
        .min_size(vec2(1.0, 1.0))
        .default_x_bounds(x_lo, x_hi)
        .default_y_bounds(y_lo, y_hi)
        .invert_x(x[0] > x[1])
        .invert_y(y[0] > y[1])
        .show_axes(false)
        .show_grid(false)
        .show_background(false)
        .show_x(false)
        .show_y(false)
        // Asked for even without a grid.
        .x_grid_spacer(|_| Vec::new())
        .y_grid_spacer(|_| Vec::new())
        // The wheel alone scrolls what is around the plot.
        .allow_scroll(false)
        .allow_drag(moves)
        .show(&mut ui.new_child(builder), |plot| {
            hold(plot, (x_lo, x_hi), (y_lo, y_hi));
            plot.add(Contents::new(panel, style));
        });
    (shown.response.on_hover_cursor(CursorIcon::Crosshair), shown.transform)
}

/// Keeps the view where there is something to see, and numbers exact.
fn hold(plot: &mut PlotUi<'_>, x: (f64, f64), y: (f64, f64)) {
    let bounds = plot.plot_bounds();
    if let Some((lo, hi)) = held(bounds.range_x().into_inner(), x) {
        plot.set_plot_bounds_x(lo..=hi);
    }
    if let Some((lo, hi)) = held(bounds.range_y().into_inner(), y) {
        plot.set_plot_bounds_y(lo..=hi);
    }
}

/// The view to go back to, if one has gone too far from home.
fn held((lo, hi): (f64, f64), (home_lo, home_hi): (f64, f64)) -> Option<(f64, f64)> {
    const WIDEST: f64 = 8.0;
    const NARROWEST: f64 = 1e-6;
    let (size, home) = (hi - lo, home_hi - home_lo);
    let fitting = size.clamp(NARROWEST * home, WIDEST * home);
    let middle = (lo + hi) / 2.0;
    let near = middle.clamp(home_lo - fitting / 2.0, home_hi + fitting / 2.0);
    let is_held = (fitting - size).abs() <= 1e-9 * size && near == middle;
    (!is_held).then_some((near - fitting / 2.0, near + fitting / 2.0))
}

/// "title: y over x", of which any may be missing.
fn accessible_name(figure: &Figure, panel: &Panel) -> String {
    let title = if panel.title.is_empty() { &figure.title } else { &panel.title };
    let measured = match (panel.y.label.as_str(), panel.x.label.as_str()) {
        ("", "") => String::new(),
        (y, "") => y.to_owned(),
        ("", x) => x.to_owned(),
        (y, x) => format!("{y} over {x}"),
    };
    match (title.as_str(), measured.as_str()) {
        ("", "") => "plot".to_owned(),
        ("", measured) => measured.to_owned(),
        (title, "") => title.to_owned(),
        (title, measured) => format!("{title}: {measured}"),
    }
}

#[cfg(test)]
mod tests;
