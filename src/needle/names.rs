//! The keys and values of needles: drawn by the seed, none of them twice in a file.

use super::NeedleError;
use crate::seed::Stream;
use std::collections::BTreeSet;

/// The least value and the number of values: all have seven digits, as RULER's have, so that none
/// stands within another.
const VALUES: (usize, usize) = (1_000_000, 9_000_000);

/// The digits of a value.
const N_DIGITS: usize = 7;

/// Gives out keys and values.
pub struct Names {
    first: Vec<&'static str>,
    second: Vec<&'static str>,
    keys: BTreeSet<String>,
    values: BTreeSet<String>,
}

impl Names {
    /// None are given out yet; what the haystack holds already never will be.
    pub fn new(haystack: &str) -> Self {
        let words = include_str!("../../assets/needle/keys.txt");
        let section = |name: &str| -> Vec<&'static str> {
            let lines = words.lines().skip_while(|line| *line != name).skip(1);
            lines.take_while(|line| !line.is_empty()).flat_map(str::split_whitespace).collect()
        };
        let mut names = Self {
            first: section("[first]"),
            second: section("[second]"),
            keys: BTreeSet::new(),
            values: BTreeSet::new(),
        };
        for (at, _) in haystack.match_indices('-') {
            let (before, after) = (&haystack[..at], &haystack[at + 1..]);
            let second = names.second.iter().find(|word| after.starts_with(**word));
            let first = names.first.iter().filter(|word| before.ends_with(**word));
            if let Some(second) = second {
                names.keys.extend(first.map(|first| format!("{first}-{second}")));
            }
        }
        for digits in haystack.split(|c: char| !c.is_ascii_digit()) {
            let ends = N_DIGITS..=digits.len();
            names.values.extend(ends.map(|end| digits[end - N_DIGITS..end].to_owned()));
        }
        names
    }

    /// New keys for a record.
    ///
    /// # Errors
    /// [`NeedleError::Keys`] when too few are left.
    pub fn keys(&mut self, n: usize, stream: &mut Stream) -> Result<Vec<String>, NeedleError> {
        let n_all = self.first.len() * self.second.len();
        // The last ones would be found by trying for long.
        let most = n_all - n_all / 10;
        if self.keys.len() + n > most {
            return Err(NeedleError::Keys { most });
        }
        let mut keys = Vec::with_capacity(n);
        while keys.len() < n {
            let first = self.first[stream.below(self.first.len())];
            let key = format!("{first}-{}", self.second[stream.below(self.second.len())]);
            if self.keys.insert(key.clone()) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// New values for a record. There are more of them than of keys, so that they do not run out.
    pub fn values(&mut self, n: usize, stream: &mut Stream) -> Vec<String> {
        let mut values = Vec::with_capacity(n);
        while values.len() < n {
            let value = (VALUES.0 + stream.below(VALUES.1)).to_string();
            if self.values.insert(value.clone()) {
                values.push(value);
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_stands_within_another() {
        let names = Names::new("");
        assert!(names.first.len() * names.second.len() > 90_000);
        for (ix, word) in names.first.iter().enumerate() {
            let clash =
                names.first.iter().enumerate().find(|(at, w)| *at != ix && w.ends_with(word));
            assert_eq!(clash, None, "{word}");
        }
        for (ix, word) in names.second.iter().enumerate() {
            let clash =
                names.second.iter().enumerate().find(|(at, w)| *at != ix && w.starts_with(word));
            assert_eq!(clash, None, "{word}");
        }
    }

    #[test]
    fn nothing_is_given_out_twice() {
        let mut names = Names::new("");
        let mut stream = Stream::new(3, "", "");
        let mut keys = BTreeSet::new();
        let error = loop {
            match names.keys(500, &mut stream) {
                Ok(new) => new.into_iter().for_each(|key| assert!(keys.insert(key))),
                Err(error) => break error.to_string(),
            }
        };
        assert!(keys.len() > 80_000 && error.contains("several files"), "{error}");
        let values: BTreeSet<String> = names.values(3000, &mut stream).into_iter().collect();
        assert!(values.len() == 3000 && values.iter().all(|value| value.len() == 7));
    }

    #[test]
    fn what_the_haystack_holds_is_not_given_out() {
        let draw = |haystack: &str| {
            let mut names = Names::new(haystack);
            let mut stream = Stream::new(3, "", "");
            (names.keys(1, &mut stream).unwrap().remove(0), names.values(1, &mut stream).remove(0))
        };
        let (key, value) = draw("");
        let (other_key, other_value) = draw(&format!("There is {key} and {value}1."));
        assert!(key != other_key && value != other_value);
    }
}
