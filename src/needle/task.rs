//! The four needle tasks, and how their needles and questions are worded.

/// A task of the pilot study (`PAPER.md` section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeedleTask {
    /// One needle, and the question after it.
    Single,
    /// Needles of several keys, and the question after one of them.
    MultiKey,
    /// Needles of several keys, and the question after all of them.
    MultiQuery,
    /// Several needles of one key, and the question after all of its values.
    MultiValue,
}

/// The needles of a test, where there are several: as many as RULER hides.
const SEVERAL: usize = 4;

/// What a record's task begins with, so that it is told apart in a mixed file.
const PREFIX: &str = "needle_";

impl NeedleTask {
    /// Every task, in the paper's order.
    pub const ALL: [Self; 4] = [Self::Single, Self::MultiKey, Self::MultiQuery, Self::MultiValue];

    /// What it is called in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::MultiKey => "multi_key",
            Self::MultiQuery => "multi_query",
            Self::MultiValue => "multi_value",
        }
    }

    /// The task of this name; `-`, `_` and the prefix of records do not count.
    pub fn parse(name: &str) -> Option<Self> {
        let plain = name.to_lowercase().replace('-', "_");
        let plain = plain.strip_prefix(PREFIX).unwrap_or(&plain);
        Self::ALL.into_iter().find(|task| task.name() == plain)
    }

    /// What it is called in records.
    pub fn record_task(self) -> String {
        format!("{PREFIX}{}", self.name())
    }

    /// The task of records that call themselves so; only names with the prefix are needle tasks.
    pub fn of_record(task: &str) -> Option<Self> {
        task.starts_with(PREFIX).then(|| Self::parse(task))?
    }

    /// How many needles are hidden.
    pub fn n_needles(self) -> usize {
        if self == Self::Single { 1 } else { SEVERAL }
    }

    /// How many keys there are.
    pub(super) fn n_keys(self) -> usize {
        if self == Self::MultiValue { 1 } else { self.n_needles() }
    }

    /// How many of the needles are asked for; they are the first ones.
    pub(super) fn n_asked(self) -> usize {
        if self == Self::MultiKey { 1 } else { self.n_needles() }
    }

    /// The sentence that is hidden.
    pub(super) fn needle(self, key: &str, value: &str) -> String {
        match self {
            Self::MultiValue => format!("One of the code numbers for {key} is {value}."),
            _ => format!("The code number for {key} is {value}."),
        }
    }

    /// The question after these keys.
    pub(super) fn question(self, keys: &[String]) -> String {
        match (self, keys) {
            (Self::MultiValue, [key]) => format!("What are all the code numbers for {key}?"),
            (_, [key]) => format!("What is the code number for {key}?"),
            (_, [first @ .., last]) => {
                format!("What are the code numbers for {} and {last}?", first.join(", "))
            }
            (_, []) => String::new(),
        }
    }
}

/// What no haystack may hold: it would be a needle that nobody hid.
pub(super) const MARKS: [&str; 3] = ["code number for", "code numbers for", "special magic number"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_found_under_each_of_their_names() {
        for task in NeedleTask::ALL {
            assert_eq!(NeedleTask::parse(task.name()), Some(task));
            assert_eq!(NeedleTask::parse(&task.name().replace('_', "-")), Some(task));
            assert_eq!(NeedleTask::of_record(&task.record_task()), Some(task));
            assert_eq!(NeedleTask::of_record(task.name()), None);
            let needle = task.needle("a-b", "12");
            assert!(MARKS.iter().any(|mark| needle.to_lowercase().contains(mark)), "{needle}");
        }
        assert_eq!(NeedleTask::parse("double"), None);
    }

    #[test]
    fn questions_name_their_keys() {
        let keys = ["a", "b", "c"].map(str::to_owned);
        let question = NeedleTask::MultiQuery.question(&keys);
        assert_eq!(question, "What are the code numbers for a, b and c?");
        assert_eq!(NeedleTask::Single.question(&keys[..1]), "What is the code number for a?");
    }
}
