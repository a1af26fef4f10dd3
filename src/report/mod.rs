//! What to draw and to tell: lengths and coherence of strategies side by side, as figures, and paired
//! by seed, as tables.
//!
//! How to draw belongs in `figure`; what the numbers are belongs in `lengths` and `coherence`.

mod coherence;
mod comparison;
mod lengths;
mod selection;
mod strategies;

pub use coherence::coherence_figure;
pub use comparison::{
    Centre, CompareSettings, Comparison, Difference, Quantity, Row, Side, Table, compare,
    dataset_sides, name_sides, row_sides,
};
pub use lengths::{Form, LengthsView, lengths_figure};
pub use selection::{Brushed, Chosen, gains_with_selection, lengths_with_selection};
pub use strategies::{strategy_color, strategy_title, task_title, tasks as ordered_tasks};
