//! What is wrong with records: leaks, missing evidence, duplicates, loops, remnants, contamination.
//!
//! A [`Checker`] looks at records one by one, on any number of threads; a [`Tally`] puts together what
//! was seen and tells what only all records together show. Both hold a few hundred bytes of a record and
//! never its texts, so records may be a stream. The same records give the same findings in whatever order
//! they are looked at.
//!
//! Thresholds stand beside the checks, each with its reason. What does **not** belong here: reading files
//! (`data`), leaving records out (`workbench`, `export`), what a model is asked (`coherence`).

mod answers;
mod checker;
mod contamination;
mod endings;
mod evidence;
mod finding;
mod language;
mod leak;
mod minhash;
mod phrases;
mod proportions;
mod question;
mod reading;
mod repetition;
mod runs;
mod sentences;
mod tally;
#[cfg(test)]
mod tests;
mod words;

pub use checker::{Checker, Looked, Settings};
pub use contamination::Tests;
pub use finding::{At, Check, Finding, Part, Related, Severity, Span};
pub use reading::Gains;
pub use tally::{Checked, Tally};
