//! The integration tests, one module a subject, in one binary so that it is linked once.
//!
//! Tests that need the default model find it through `BACKSTORY_TEST_MODEL`, which `tests/run` sets;
//! without it they say SKIPPED.

mod bad_inputs;
mod block_formats;
mod checks;
mod cli;
mod compare;
mod compare_scores;
mod data_files;
mod evaluate;
mod extend;
mod filter;
mod folders;
mod formats;
mod gpu;
mod layering;
mod metrics;
mod model;
mod needle;
mod outputs;
mod program;
mod reports;
mod runner;
mod runs;
mod science;
mod score;
mod slow_model;
mod statistics;
mod tokenizer;
mod truncation;
mod tuning;
mod window;
