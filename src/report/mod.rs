//! What to draw: lengths and coherence of strategies side by side, as figures.
//!
//! How to draw belongs in `figure`; what the numbers are belongs in `lengths` and `coherence`.

mod coherence;
mod lengths;
mod strategies;

pub use coherence::coherence_figure;
pub use lengths::{Form, LengthsView, lengths_figure};
pub use strategies::{strategy_color, strategy_title, task_title};
