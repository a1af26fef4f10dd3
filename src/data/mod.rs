//! What a record is, and how it gets in and out of files.
//!
//! [`read_dataset`] takes a file that somebody else may have written, in any of the shapes listed in
//! `INTERFACE.md`, and gives [`Record`]s with ids; [`write_records`] writes our own JSONL. Files are
//! hostile until read: bad lines become [`Skipped`] with their number, bad files a [`DataError`].
//!
//! What does **not** belong here, and where it goes: what is wrong with a record's content (`checks`),
//! how long it is (`lengths`), aliases of tasks and any wording for a model (`prompt`), making new records
//! (`synthesis`), training formats (`export`), and which files are open (`workbench`).

mod cells;
mod columnar;
mod error;
mod fields;
pub mod filter;
mod first_rows;
mod gather;
mod guess;
mod id;
mod index;
mod join;
mod light;
mod lines;
mod occurrences;
mod read;
mod record;
mod records;
mod review;
mod scan;
mod search;
mod shape;
mod sniff;
mod source;
mod turns;
mod unpack;
mod values;
mod write;

pub use cells::table_cell;
pub use columnar::JSON_COLUMNS;
pub use error::DataError;
pub use first_rows::FirstRows;
pub use id::{InvalidId, RecordId, StrategyId};
pub use occurrences::occurrences;
#[cfg(test)]
pub(crate) use read::read_indexed;
pub use read::{
    Dataset, FIRST_ROWS, Format, OpeningTimes, ReadOptions, Skipped, first_records, read_dataset,
    time_opening,
};
pub use record::{Numbering, Record, Source, assign_ids, record_id};
pub use records::{Records, Row};
pub use review::{BEST_RATING, Review, Reviews, Verdict, append_reviews};
pub use search::{Matcher, SearchText};
pub use write::{write_atomic, write_records};
