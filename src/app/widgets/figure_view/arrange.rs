//! Where the panels of a figure stand: a grid of equally large plots with room for every label.

use super::axes::{self, TO_LABELS, TO_MEASURE};
use super::ruler::Ruler;
use super::words;
use crate::figure::{Axis, Figure, Panel, Scale};
use egui::{FontId, Id, Rect, Ui, Vec2, pos2, vec2};
use egui_plot::PlotMemory;

/// A panel narrower than this cannot be read.
const NARROWEST: f32 = 235.0;
/// A panel lower than this cannot be read.
pub(super) const LOWEST: f32 = 150.0;
/// Between two panels.
const BETWEEN: Vec2 = vec2(6.0, 8.0);
/// Right of a plot: half of its last tick label.
const RIGHT: f32 = 12.0;
/// Between a title and its plot.
const BELOW_TITLE: f32 = 4.0;
/// How much of a panel tick labels may take away, across and down.
const MOST_LABELS: Vec2 = vec2(0.35, 0.35);

/// How many columns of panels stand side by side in a width.
pub(super) fn columns(figure: &Figure, width: f32) -> usize {
    let n = figure.panels.len().max(1);
    let fitting = ((width + BETWEEN.x) / (NARROWEST + BETWEEN.x)).floor() as usize;
    let rows = n.div_ceil(fitting.clamp(1, figure.columns.clamp(1, n)));
    // No more than the rows need: three and two are better than four and one.
    n.div_ceil(rows)
}

/// The height of rows of panels that are `panel` high.
pub(super) fn height(rows: usize, panel: f32) -> f32 {
    rows as f32 * panel + rows.saturating_sub(1) as f32 * BETWEEN.y
}

/// The height of each panel where all `rows` fit into `height`.
pub(super) fn panel_height(rows: usize, height: f32) -> f32 {
    (height - rows.saturating_sub(1) as f32 * BETWEEN.y) / rows.max(1) as f32
}

/// A panel's plot, and what stands around it.
pub(super) struct Place<'a> {
    pub(super) panel: &'a Panel,
    pub(super) id: Id,
    /// Everything of the panel.
    pub(super) cell: Rect,
    /// What lies between the axes.
    pub(super) plot: Rect,
    /// How wide the vertical axis' tick labels may be, and how deep the horizontal one's.
    pub(super) label_room: Vec2,
    /// Whether it says what its horizontal and vertical axis measure, or a neighbour does.
    pub(super) is_measured: [bool; 2],
    /// From the plot down to what the horizontal axis measures.
    pub(super) x_measure_below: f32,
}

/// Places the panels in `rect`. A label that the neighbour repeats is printed once, at the left
/// and at the bottom; at the bottom of every row if not all rows are on the screen together.
pub(super) fn arrange<'a>(
    ui: &Ui,
    figure: &'a Figure,
    rect: Rect,
    id: Id,
    is_scrolled: bool,
) -> Vec<Place<'a>> {
    let columns = columns(figure, rect.width());
    let rows = figure.panels.len().div_ceil(columns);
    let cell = vec2(rect.width() / columns as f32, panel_height(rows, rect.height()));
    let grid = Grid {
        panels: &figure.panels,
        cells: cells(ui, &figure.panels, id, columns, is_scrolled),
        columns,
        rect,
        cell,
        title: row_height(ui, words::title_font(ui)) + BELOW_TITLE,
        tick: row_height(ui, words::tick_font(ui)),
    };
    let columns = grid.columns(ui);
    let rows = grid.rows(ui, &columns);
    grid.places(&columns, &rows)
}

struct Grid<'a> {
    panels: &'a [Panel],
    cells: Vec<Cell>,
    columns: usize,
    rect: Rect,
    /// A panel's share of the whole.
    cell: Vec2,
    /// Height of a title and of a tick label.
    title: f32,
    tick: f32,
}

/// What is known of a panel before it has a place.
struct Cell {
    id: Id,
    views: [[f64; 2]; 2],
    is_measured: [bool; 2],
}

#[derive(Clone, Copy)]
struct Column {
    /// Where its panels begin, and where their plots do.
    left: f32,
    plot_left: f32,
    plot_width: f32,
}

struct Row {
    above: f32,
    labels: f32,
    measure: f32,
}

impl Row {
    fn below(&self) -> f32 {
        TO_LABELS + self.labels + self.measure
    }
}

fn cells(ui: &Ui, panels: &[Panel], id: Id, columns: usize, is_scrolled: bool) -> Vec<Cell> {
    let all = panels.iter().enumerate().map(|(ix, panel)| {
        let id = id.with((ix, key(panel)));
        let below = panels.get(ix + columns).filter(|_| !is_scrolled);
        let left = (ix % columns > 0).then(|| &panels[ix - 1]);
        let is_measured = [
            below.is_none_or(|other| other.x.label != panel.x.label),
            left.is_none_or(|other| other.y.label != panel.y.label),
        ];
        Cell { id, views: views(ui, panel, id), is_measured }
    });
    all.collect()
}

/// What a plot's view belongs to: when ranges or scales change, the view begins anew.
fn key(panel: &Panel) -> [(u8, u64, u64); 2] {
    [&panel.x, &panel.y].map(|axis| {
        let scale = match axis.scale {
            Scale::Linear => 0,
            Scale::Log2 => 1,
            Scale::Log10 => 2,
            Scale::Category(_) => 3,
        };
        (scale, axis.range[0].to_bits(), axis.range[1].to_bits())
    })
}

/// The parts of a panel's axes that are in view: their own ranges until the user moves the plot.
fn views(ui: &Ui, panel: &Panel, id: Id) -> [[f64; 2]; 2] {
    let homes = [&panel.x, &panel.y].map(Axis::window);
    let Some(memory) = PlotMemory::load(ui.ctx(), id) else {
        return homes;
    };
    let (min, max) = (memory.bounds().min(), memory.bounds().max());
    [0, 1].map(|ix| {
        let [from, to] = homes[ix];
        if from < to { [min[ix], max[ix]] } else { [max[ix], min[ix]] }
    })
}

fn row_height(ui: &Ui, font: FontId) -> f32 {
    ui.fonts_mut(|fonts| fonts.row_height(&font))
}

impl<'a> Grid<'a> {
    fn label_room(&self) -> Vec2 {
        MOST_LABELS * self.cell
    }

    /// Columns with room for the widest label of each.
    fn columns(&self, ui: &Ui) -> Vec<Column> {
        // Good enough to break labels; the exact height depends on what comes of it.
        let about = (self.cell.y - self.title - 3.0 * self.tick).max(20.0);
        let mut margins = vec![0.0_f32; self.columns];
        for (ix, (panel, cell)) in self.panels.iter().zip(&self.cells).enumerate() {
            let ruler = Ruler { axis: &panel.y, view: cell.views[1], ends: [about, 0.0] };
            let labels = axes::beside(ui, &ruler, self.label_room().x).depth;
            let measure = axes::measure(ui, &panel.y.label, about).filter(|_| cell.is_measured[1]);
            let measure = measure.map_or(0.0, |galley| galley.size().y + TO_MEASURE);
            let margin = &mut margins[ix % self.columns];
            *margin = margin.max(measure + labels + TO_LABELS);
        }
        let taken: f32 = margins.iter().map(|margin| margin + RIGHT).sum();
        let gaps = BETWEEN.x * (self.columns - 1) as f32;
        let plot_width = (self.rect.width() - taken - gaps) / self.columns as f32;
        let plot_width = plot_width.floor().max(20.0);
        let mut left = self.rect.left();
        let placed = margins.into_iter().map(|margin| {
            let column = Column { left, plot_left: (left + margin).round(), plot_width };
            left += margin + plot_width + RIGHT + BETWEEN.x;
            column
        });
        placed.collect()
    }

    /// Rows with room for the deepest label of each.
    fn rows(&self, ui: &Ui, columns: &[Column]) -> Vec<Row> {
        let rows = self.panels.chunks(self.columns).zip(self.cells.chunks(self.columns));
        let measured = rows.map(|(panels, cells)| {
            let titled = panels.iter().any(|panel| !panel.title.is_empty());
            // The topmost tick label reaches over the plot's edge.
            let above = if titled { self.title } else { self.tick / 2.0 };
            let mut row = Row { above, labels: 0.0, measure: 0.0 };
            for ((panel, cell), column) in panels.iter().zip(cells).zip(columns) {
                row.labels = row.labels.max(self.x_labels(ui, panel, cell, column));
                if cell.is_measured[0] {
                    let measure = axes::measure(ui, &panel.x.label, column.plot_width);
                    let height = measure.map_or(0.0, |galley| galley.size().y + TO_MEASURE);
                    row.measure = row.measure.max(height);
                }
            }
            row
        });
        measured.collect()
    }

    /// How deep the labels below a plot are. A view that needs less room than the whole axis leaves
    /// the plot as it is.
    fn x_labels(&self, ui: &Ui, panel: &Panel, cell: &Cell, column: &Column) -> f32 {
        let ends = [column.plot_left, column.plot_left + column.plot_width];
        let depth = |view: [f64; 2]| {
            let ruler = Ruler { axis: &panel.x, view, ends };
            axes::below(ui, &ruler, column.left, self.label_room().y).depth
        };
        let (home, view) = (panel.x.window(), cell.views[0]);
        let least = depth(home);
        if view == home { least } else { least.max(depth(view)) }
    }

    fn places(self, columns: &[Column], rows: &[Row]) -> Vec<Place<'a>> {
        let label_room = self.label_room();
        let taken: f32 = rows.iter().map(|row| row.above + row.below()).sum();
        let plot_height = panel_height(rows.len(), self.rect.height() - taken).floor().max(20.0);
        let mut places = Vec::with_capacity(self.panels.len());
        let mut top = self.rect.top();
        let in_rows = self.panels.chunks(self.columns).zip(self.cells.chunks(self.columns));
        for ((panels, cells), row) in in_rows.zip(rows) {
            let bottom = top + row.above + plot_height + row.below();
            for ((panel, cell), column) in panels.iter().zip(cells).zip(columns) {
                let corner = pos2(column.plot_left, (top + row.above).round());
                let right = column.plot_left + column.plot_width + RIGHT;
                places.push(Place {
                    panel,
                    id: cell.id,
                    cell: Rect::from_min_max(pos2(column.left, top), pos2(right, bottom)),
                    plot: Rect::from_min_size(corner, vec2(column.plot_width, plot_height)),
                    label_room,
                    is_measured: cell.is_measured,
                    x_measure_below: TO_LABELS + row.labels + TO_MEASURE,
                });
            }
            top = bottom + BETWEEN.y;
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::samples;

    #[test]
    fn as_many_columns_as_fit_and_no_short_last_row() {
        let eight = samples::densities();
        let at = |width| columns(&eight, width);
        assert_eq!([1440.0, 1000.0, 700.0, 300.0, 10.0].map(at), [4, 4, 2, 1, 1]);
        let five = Figure { panels: eight.panels[..5].to_vec(), ..eight };
        assert_eq!(columns(&five, 1440.0), 3);
        assert_eq!(columns(&Figure::default(), 1440.0), 1);
    }

    #[test]
    fn another_range_or_scale_is_another_view() {
        let panel = Panel { x: Axis::linear("", 1.0, 64.0), ..Panel::default() };
        let log = Panel { x: Axis::log2("", 1.0, 64.0), ..Panel::default() };
        let longer = Panel { x: Axis::linear("", 1.0, 65.0), ..Panel::default() };
        assert_eq!(key(&panel), key(&panel.clone()));
        assert_ne!(key(&panel), key(&log));
        assert_ne!(key(&panel), key(&longer));
    }
}
