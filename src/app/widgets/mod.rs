//! What the views are put together from. A widget knows no job, no file and no view.

pub mod figure_view;
pub mod long_text;
