//! What to draw and to tell: lengths and coherence of strategies side by side, as figures, and paired
//! by seed, as tables.
//!
//! How to draw belongs in `figure`; what the numbers are belongs in `lengths` and `coherence`.

mod bars;
mod cards;
mod coherence;
mod comparison;
mod course;
mod lengths;
mod needle;
mod page;
mod scores;
mod selection;
mod strategies;
mod table_text;

pub use cards::{card_markdown, card_table};
pub use coherence::{
    CoherenceForm, coherence_figure, coherence_latex, coherence_panels, coherence_table,
};
pub use comparison::{
    Centre, CompareSettings, Comparison, Difference, Quantity, Row, Side, Table, compare,
    dataset_sides, name_sides, row_sides,
};
pub use course::course_figure;
pub use lengths::{Form, LengthsView, lengths_figure, lengths_panels, lengths_table};
pub use needle::{NeedleCells, NeedleForm, needle_figure, needle_figure_and_cells};
pub use page::{Block, Page, Section};
pub use scores::{
    Against, Behind, BoardCell, BoardRow, GapPair, ModelScores, RecordPairs, ScoreBoard,
    compare_results, gap_figure, gap_groups, gap_study_figure, gap_study_table, gap_table,
    pair_records, score_board, scores_figure, scores_table,
};
pub use selection::{Brushed, Chosen, PanelOf, Value, with_selection};
pub use strategies::{strategy_color, strategy_title, task_title, tasks as ordered_tasks};
