//! The grid of panels: how wide a plot can be once every label has its room.

use super::super::spec::{Figure, Panel};
use super::super::text::{self, LINE_HEIGHT};
use super::Sheet;
use super::labels::{self, TickLabels};
use super::primitive::Rect;

/// All panels with their measured text. Plots are equally large; margins are shared by column.
pub(super) struct Grid<'a> {
    columns: Vec<Column>,
    plot_width: f64,
    cells: Vec<Cell<'a>>,
    /// What all panels measure along x, where it is written once below them all.
    pub(super) x_label: Vec<String>,
    title_pt: f64,
    sheet_em: f64,
    tick_depth: f64,
}

#[derive(Clone, Copy, Default)]
struct Column {
    left: f64,
    right: f64,
}

/// One panel with its text broken into lines.
pub(super) struct Cell<'a> {
    pub(super) panel: &'a Panel,
    pub(super) column: usize,
    pub(super) title: Vec<String>,
    pub(super) x_ticks: TickLabels,
    pub(super) y_ticks: TickLabels,
    pub(super) x_label: Vec<String>,
    pub(super) y_label: Vec<String>,
}

/// A row of cells with the room above and below its plots.
pub(super) struct Row<'g, 'a> {
    pub(super) cells: &'g [Cell<'a>],
    pub(super) above: f64,
    pub(super) below: f64,
    /// From the plots' lower edge to the axis labels' top, the same in the whole row.
    pub(super) x_label_below: f64,
}

impl<'a> Grid<'a> {
    /// The most columns, up to those asked for, in which a plot is wide enough to be read and no name
    /// beside it is cut off.
    pub(super) fn fit(figure: &'a Figure, sheet: &Sheet) -> Self {
        let most = figure.columns.clamp(1, figure.panels.len().max(1));
        let mut grid = Self::with_columns(&figure.panels, most, sheet);
        for columns in (1..most).rev() {
            let is_cut = grid.cells.iter().any(|cell| cell.y_ticks.is_cut);
            if grid.plot_width >= 6.0 * sheet.em && !is_cut {
                break;
            }
            grid = Self::with_columns(&figure.panels, columns, sheet);
        }
        grid
    }

    fn with_columns(panels: &'a [Panel], n: usize, sheet: &Sheet) -> Self {
        let mut columns = vec![Column::default(); n];
        let mut plot_width = width_left(&columns, sheet);
        let mut cells = cells(panels, n, plot_width, sheet);
        // Margins depend on how labels stand, which depends on the plot's width, which depends
        // on the margins. They only grow, so this settles in two or three rounds.
        for _ in 0..6 {
            for cell in &cells {
                let column = &mut columns[cell.column];
                column.left = column.left.max(cell.left(sheet));
                column.right = column.right.max(cell.x_ticks.beyond[1]);
            }
            let width = width_left(&columns, sheet);
            let settled = width == plot_width;
            plot_width = width;
            if settled {
                break;
            }
            cells = self::cells(panels, n, plot_width, sheet);
        }
        for cell in &mut cells {
            // A title may reach over the margin up to where the next panel's begins.
            let next = columns.get(cell.column + 1);
            let free = next.map_or(0.0, |c| between(sheet) + c.left - sheet.em);
            let room = plot_width + columns[cell.column].right + free.max(0.0);
            cell.title = text::wrap(&cell.panel.title, sheet.em, true, room);
        }
        let x_label = below_all(&mut cells, n, sheet);
        Self {
            columns,
            plot_width,
            cells,
            x_label,
            title_pt: sheet.em,
            sheet_em: sheet.em,
            tick_depth: sheet.tick_len + 0.25 * sheet.em,
        }
    }

    /// The rows from top to bottom; the last may be short.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_, 'a>> {
        self.cells.chunks(self.columns.len()).map(|cells| {
            let most = |of: &dyn Fn(&Cell<'a>) -> f64| cells.iter().map(of).fold(0.0, f64::max);
            let em = self.sheet_em;
            let titles = most(&|c| c.title.len() as f64) * LINE_HEIGHT * self.title_pt;
            let ticks = self.tick_depth + most(&|c| c.x_ticks.depth);
            let labels = most(&|c| c.x_label.len() as f64) * LINE_HEIGHT * em;
            Row {
                cells,
                above: titles + 0.5 * em,
                below: ticks + labels + 0.7 * em,
                x_label_below: ticks + 0.1 * em,
            }
        })
    }

    /// The height of plots with which all rows fit into `room`; as it is where they do, and never so low
    /// that what is written into panels would meet.
    pub(super) fn fitting_height(&self, room: f64, sheet: &Sheet) -> f64 {
        /// Notes in panels stand as far apart as at the usual height: they bear no more than this.
        const LOWEST: f64 = 0.8;
        let rows: f64 = self.rows().map(|row| row.above + row.below).sum();
        let around = rows + self.x_label_depth();
        let n_rows = self.rows().count().max(1) as f64;
        let usual = sheet.plot_height;
        ((room - around) / n_rows).clamp(LOWEST * usual, usual)
    }

    /// The height of the label below all panels.
    pub(super) fn x_label_depth(&self) -> f64 {
        self.x_label.len() as f64 * LINE_HEIGHT * self.sheet_em
    }

    /// Where a cell's plot stands in a row whose plots begin at `top`.
    pub(super) fn plot(&self, cell: &Cell<'_>, top: f64, sheet: &Sheet) -> Rect {
        let before = self.columns[..cell.column].iter();
        let taken: f64 = before.map(|c| c.left + self.plot_width + c.right + between(sheet)).sum();
        Rect {
            x: sheet.margin + taken + self.columns[cell.column].left,
            y: top,
            w: self.plot_width,
            h: sheet.plot_height,
        }
    }
}

/// Takes the label along x out of the cells where all have the same and it would be broken into lines
/// below narrow plots: it is then written once, across the page.
fn below_all(cells: &mut [Cell<'_>], n_columns: usize, sheet: &Sheet) -> Vec<String> {
    let Some(first) = cells.first().map(|cell| cell.panel.x.label.clone()) else {
        return Vec::new();
    };
    let is_shared = n_columns > 1 && cells.iter().all(|cell| cell.panel.x.label == first);
    if !is_shared || cells.iter().all(|cell| cell.x_label.len() < 2) {
        return Vec::new();
    }
    cells.iter_mut().for_each(|cell| cell.x_label.clear());
    text::wrap(&first, sheet.em, false, sheet.inner_width())
}

fn between(sheet: &Sheet) -> f64 {
    0.8 * sheet.em
}

fn width_left(columns: &[Column], sheet: &Sheet) -> f64 {
    let margins: f64 = columns.iter().map(|c| c.left + c.right).sum();
    let gaps = between(sheet) * (columns.len() - 1) as f64;
    let left = (sheet.inner_width() - margins - gaps) / columns.len() as f64;
    left.max(1.0)
}

impl Cell<'_> {
    fn left(&self, sheet: &Sheet) -> f64 {
        let ticks = sheet.tick_len + 0.25 * sheet.em + self.y_ticks.depth;
        let label = match self.y_label.len() {
            0 => 0.0,
            lines => 0.5 * sheet.em + lines as f64 * LINE_HEIGHT * sheet.em,
        };
        (ticks + label).max(self.x_ticks.beyond[0])
    }
}

fn cells<'a>(panels: &'a [Panel], columns: usize, width: f64, sheet: &Sheet) -> Vec<Cell<'a>> {
    let cell_width = sheet.inner_width() / columns as f64;
    let label = |words: &str, room: f64| text::wrap(words, sheet.em, false, room);
    let measured = panels.iter().enumerate().map(|(ix, panel)| {
        let column = ix % columns;
        // A label that the neighbour repeats is printed once, at the left and at the bottom.
        let left = (column > 0).then(|| &panels[ix - 1].y.label);
        let below = panels.get(ix + columns).map(|p| &p.x.label);
        let once = |own: &'a String, next: Option<&String>| {
            if next == Some(own) { "" } else { own.as_str() }
        };
        let y_room = (0.35 * cell_width).max(5.0 * sheet.em);
        let y_most = (0.55 * cell_width).max(y_room);
        Cell {
            panel,
            column,
            title: Vec::new(),
            x_ticks: labels::below(&panel.x, width, cell_width, sheet),
            y_ticks: labels::beside(&panel.y, sheet.plot_height, [y_room, y_most], sheet),
            x_label: label(once(&panel.x.label, below), width),
            y_label: label(once(&panel.y.label, left), sheet.plot_height),
        }
    });
    measured.collect()
}
