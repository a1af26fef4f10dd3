//! The benchmark's rules: how it asks, and the files of grades that its scorer leaves.
//!
//! What a task is called and where it belongs is `prompt`'s; drawing grades belongs in `report`.

mod asking;
mod results;

pub use asking::{AskError, Asking, TestPrompt};
pub use results::{Results, ResultsError, TaskGrade, read_results};
