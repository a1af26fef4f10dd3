//! The controlled pilot study: needle tests and training sets at chosen lengths and compositions.
//!
//! [`make`] hides sentences with code numbers in a text of exact length; [`grade`] says which of the
//! numbers a reply holds; a [`NeedleRow`] is one graded answer. The prompt's wording belongs in
//! `prompt`, asking a model in `drive`, reading and writing files in `workbench`, drawing in `report`.

mod asking;
mod depths;
mod error;
mod fitting;
mod haystack;
mod hiding;
mod making;
mod names;
mod row;
mod task;
mod town;

pub use asking::{MOST_ANSWER_TOKENS, NeedleTest};
pub use depths::Depths;
pub use error::NeedleError;
pub use fitting::SLACK;
pub use haystack::Haystack;
pub use making::{Counting, Plan, Sizes, make, parse_length};
pub use row::{Answered, Found, Grade, NeedleRow, grade};
pub use task::NeedleTask;
pub use town::town;
