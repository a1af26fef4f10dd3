//! Backstory: a workbench for long-context instruction data.
//!
//! The rooms, and who may know whom: a module imports only modules to its left, siblings in one
//! cell never import one another (`tests/layering.rs` reads every path and enforces it).
//!
//! | cell | modules | |
//! | --- | --- | --- |
//! | 1 | `job` `seed` `stats` | ground |
//! | 2 | `data` `metrics` `figure` `gpu` | nouns, pure functions |
//! | 3 | `prompt` | words |
//! | 4 | `model` | voice |
//! | 5 | `drive` | the loop |
//! | 6 | `lengths` `checks` `synthesis` `coherence` `longbench` `needle` `tuning` `export` | the science |
//! | 7 | `report` | what to draw |
//! | 8 | `workbench` | doing |
//! | 9 | `cli` `app` | doors |
//!
//! Rooms are built when there is something to put into them; some of the table are not there yet.

pub mod app;
pub mod checks;
pub mod cli;
pub mod coherence;
pub mod data;
pub mod drive;
pub mod export;
pub mod figure;
pub mod gpu;
pub mod job;
pub mod lengths;
pub mod longbench;
pub mod metrics;
pub mod model;
pub mod needle;
pub mod prompt;
pub mod report;
pub mod seed;
pub mod stats;
pub mod synthesis;
pub mod tuning;
pub mod workbench;
