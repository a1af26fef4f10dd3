//! The benchmark's rules: how it asks, which files hold predictions, how they are graded and averaged, and
//! the results that others leave.
//!
//! How one prediction is graded is `metrics`'; what a task is called and where it belongs is `prompt`'s;
//! drawing grades belongs in `report`.

mod asking;
mod average;
mod harness;
mod joining;
mod predictions;
mod results;
mod score_error;
mod scoring;

pub use asking::{AskError, Asking, TestPrompt};
pub use average::mean_score;
pub use results::{Results, ResultsError, TaskGrade, read_results};
pub use score_error::ScoreError;
pub use scoring::{
    GROUPS_E, Graded, PROMPTS_FILE, PredictionFile, Scored, prediction_files, score_file,
};
