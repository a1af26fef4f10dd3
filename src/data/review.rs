//! What a person said of records while reading them: accepted or discarded, a rating, tags.
//!
//! Kept apart from the records, which are never edited, and found again by the record's id: a record has
//! the same id in every file that holds it. The file of reviews is only ever added to, a line for each
//! change, so that nothing that was said is lost when the program is killed.

use super::{DataError, RecordId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Whether a record is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Accepted,
    /// It is not.
    Discarded,
}

/// What was said of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Whether it is to be used; `None` where nobody has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// How good it is, 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
    /// Words of the person's own.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
}

/// The highest rating.
pub const BEST_RATING: u8 = 5;

impl Review {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reviews of records, by the records' ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reviews {
    by_id: BTreeMap<u64, Review>,
}

/// A line of the file: from now on this is said of that record.
#[derive(Serialize, Deserialize)]
struct Line {
    id: RecordId,
    #[serde(flatten)]
    review: Review,
}

impl Reviews {
    /// Where they are kept in the program's own folder.
    pub fn path_in(home: &Path) -> PathBuf {
        home.join("reviews.jsonl")
    }

    /// The reviews in a file, none where there is no file, and how many of its lines could not be read.
    ///
    /// # Errors
    /// [`DataError::Read`].
    pub fn read(path: &Path) -> Result<(Self, usize), DataError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(cause) => return Err(DataError::Read { path: path.to_owned(), cause }),
        };
        let (mut reviews, mut n_damaged) = (Self::default(), 0);
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
        {
            match serde_json::from_slice::<Line>(line) {
                Ok(Line { id, mut review }) => {
                    review.rating = review.rating.filter(|n| (1..=BEST_RATING).contains(n));
                    reviews.set(&id, review);
                }
                Err(_) => n_damaged += 1,
            }
        }
        Ok((reviews, n_damaged))
    }

    /// What is said of a record.
    pub fn get(&self, id: &RecordId) -> Option<&Review> {
        self.of_number(id.number())
    }

    /// What is said of the record whose id has these digits, see
    /// [`Records::id_number`](super::Records::id_number).
    pub fn of_number(&self, id: u64) -> Option<&Review> {
        self.by_id.get(&id)
    }

    /// Says this of a record from now on; what was said before comes back.
    pub fn set(&mut self, id: &RecordId, review: Review) -> Review {
        let before = match review.is_empty() {
            true => self.by_id.remove(&id.number()),
            false => self.by_id.insert(id.number(), review),
        };
        before.unwrap_or_default()
    }

    /// Whether nothing is said of any record.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Every tag that some record has.
    pub fn tags(&self) -> BTreeSet<&str> {
        self.by_id.values().flat_map(|review| review.tags.iter().map(String::as_str)).collect()
    }
}

/// Adds what is said from now on to the file, which is made where there is none.
///
/// # Errors
/// [`DataError::Write`].
pub fn append_reviews(path: &Path, changes: &[(RecordId, Review)]) -> Result<(), DataError> {
    let mut lines = Vec::new();
    let fail = |cause| DataError::Write { path: path.to_owned(), doing: "adding a review", cause };
    for (id, review) in changes {
        let line = Line { id: id.clone(), review: review.clone() };
        serde_json::to_writer(&mut lines, &line).map_err(|error| fail(error.into()))?;
        lines.push(b'\n');
    }
    let mut add = || {
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        if ends_torn(&mut file)? {
            lines.insert(0, b'\n');
        }
        // All at once, so that lines of two windows do not mix.
        file.write_all(&lines)?;
        file.sync_data()
    };
    add().map_err(fail)
}

/// Whether the last line has no end, as the program was killed while it was written.
fn ends_torn(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(digit: char) -> RecordId {
        RecordId::try_from(digit.to_string().repeat(16)).unwrap()
    }

    #[test]
    fn the_last_word_on_a_record_counts_and_a_torn_line_costs_only_itself() {
        let path = std::env::temp_dir().join(format!("backstory_reviews_{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        assert_eq!(Reviews::read(&path).unwrap(), (Reviews::default(), 0));
        let good = Review {
            verdict: Some(Verdict::Accepted),
            rating: Some(4),
            tags: BTreeSet::from(["to ask".to_owned()]),
        };
        let bad = Review { verdict: Some(Verdict::Discarded), ..Review::default() };
        append_reviews(&path, &[(id('a'), good.clone()), (id('b'), bad.clone())]).unwrap();
        let mut torn = OpenOptions::new().append(true).open(&path).unwrap();
        torn.write_all(b"{\"id\":\"aaaaaaaa").unwrap();
        append_reviews(&path, &[(id('b'), Review::default()), (id('c'), bad.clone())]).unwrap();
        let (reviews, n_damaged) = Reviews::read(&path).unwrap();
        assert_eq!(n_damaged, 1);
        assert_eq!(reviews.get(&id('a')), Some(&good));
        assert_eq!((reviews.get(&id('b')), reviews.get(&id('c'))), (None, Some(&bad)));
        assert_eq!(reviews.tags(), BTreeSet::from(["to ask"]));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_rating_that_cannot_be_is_none() {
        let path = std::env::temp_dir().join(format!("backstory_ratings_{}", std::process::id()));
        std::fs::write(&path, "{\"id\":\"aaaaaaaaaaaaaaaa\",\"rating\":9,\"tags\":[\"x\"]}\n")
            .unwrap();
        let (reviews, _) = Reviews::read(&path).unwrap();
        assert_eq!(reviews.get(&id('a')).unwrap().rating, None);
        std::fs::remove_file(path).unwrap();
    }
}
