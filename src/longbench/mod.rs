//! The benchmark's rules, as far as its results: reading the files of grades that its scorer leaves.
//!
//! What a task is called and where it belongs is `prompt`'s; drawing grades belongs in `report`.

mod results;

pub use results::{Results, ResultsError, TaskGrade, read_results};
