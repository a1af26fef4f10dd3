//! What a person searches for in texts: words, or a regular expression.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use crate::job::{Cancelled, Watch};

/// A regular expression that would take more memory than this is refused.
const LARGEST_REGEX: usize = 1 << 20;

/// Words or a regular expression, as they were typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchText {
    /// What was typed.
    pub text: String,
    /// Whether it is a regular expression.
    pub regex: bool,
}

impl SearchText {
    /// Words that mean themselves.
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), regex: false }
    }

    /// Whether nothing is searched for.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// What finds it. Upper and lower case are one. Of plain words any run of white space equals any
    /// other, and white space around them does not count; in a regular expression `^` and `$` are the
    /// ends of a line.
    ///
    /// # Errors
    /// Why the regular expression cannot be read, and what to do.
    pub fn matcher(&self) -> Result<Matcher, String> {
        if self.is_empty() {
            return Ok(Matcher(None));
        }
        let pattern = match self.regex {
            true => self.text.clone(),
            false => {
                self.text.split_whitespace().map(regex::escape).collect::<Vec<_>>().join(r"\s+")
            }
        };
        let mut builder = RegexBuilder::new(&pattern);
        builder.case_insensitive(true).multi_line(true).size_limit(LARGEST_REGEX);
        builder.build().map(|regex| Matcher(Some(regex))).map_err(|error| explain(&error))
    }
}

fn explain(error: &regex::Error) -> String {
    if let regex::Error::CompiledTooBig(_) = error {
        return "the regular expression is too large; write a shorter one".to_owned();
    }
    // The last line says what is wrong; those before it draw where.
    let told = error.to_string();
    let reason = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("the regular expression cannot be read ({reason}); write another, or search for words")
}

/// Finds a [`SearchText`].
#[derive(Debug, Clone)]
pub struct Matcher(Option<Regex>);

impl Matcher {
    /// Whether it is in a text; nothing is in every one.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.as_ref().is_none_or(|regex| regex.is_match(text))
    }

    /// The bytes of its places in a text: at most `most`, ascending, of those that overlap the first, and
    /// none that is empty.
    ///
    /// # Errors
    /// The search was cancelled.
    pub fn find(
        &self,
        text: &str,
        most: usize,
        watch: &Watch,
    ) -> Result<Vec<Range<usize>>, Cancelled> {
        let mut found = Vec::new();
        let places = self.0.iter().flat_map(|regex| regex.find_iter(text));
        for (n, place) in places.enumerate() {
            if n % 256 == 0 {
                watch.check()?;
            }
            if found.len() == most {
                break;
            }
            if !place.is_empty() {
                found.push(place.range());
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'a>(text: &'a str, search: &SearchText) -> Vec<&'a str> {
        let matcher = search.matcher().unwrap();
        let places = matcher.find(text, 99, &Watch::default()).unwrap();
        assert_eq!(matcher.is_in(text), !places.is_empty(), "{text:?} {search:?}");
        places.into_iter().map(|place| &text[place]).collect()
    }

    fn regex(text: &str) -> SearchText {
        SearchText { text: text.into(), regex: true }
    }

    #[test]
    fn words_mean_themselves_in_any_case_and_white_space() {
        let plain = SearchText::plain;
        assert_eq!(found("The  Quick\r\n\tfox, the quick fox", &plain(" THE quick ")).len(), 2);
        assert_eq!(found("ΟΔΟΣ οδος οδοσ", &plain("Οδος")).len(), 3);
        for signs in [".*", "[a-z]+", "(", "\\d", "$^", "a|b", "C++", "#", "北京。"] {
            assert_eq!(found(&format!("x {signs} x"), &plain(signs)), [signs]);
            assert!(found("xyz abc 12", &plain(signs)).is_empty(), "{signs}");
        }
    }

    #[test]
    fn regular_expressions_go_by_lines() {
        let text = "One 12\ntwo 345\nthree";
        assert_eq!(found(text, &regex(r"\d+$")), ["12", "345"]);
        assert_eq!(found(text, &regex("^t.*")), ["two 345", "three"]);
        assert_eq!(found(text, &regex("ONE|TWO")), ["One", "two"]);
        assert_eq!(found("他在北京。", &regex(r"\p{Han}{2}")), ["他在", "北京"]);
        // What may be nothing is found where it is something.
        let matcher = regex("x*").matcher().unwrap();
        assert_eq!(matcher.find("axxb", 9, &Watch::default()).unwrap(), [1..3]);
    }

    #[test]
    fn nothing_is_in_every_text_and_nowhere() {
        for search in [SearchText::plain(" \n"), regex(""), SearchText::default()] {
            let matcher = search.matcher().unwrap();
            assert!(
                matcher.is_in("") && matcher.find("a b", 9, &Watch::default()).unwrap().is_empty()
            );
        }
    }

    #[test]
    fn what_cannot_be_read_says_why_and_what_to_do() {
        let why = |text: &str| regex(text).matcher().unwrap_err();
        assert!(why("(").contains("unclosed group") && why("(").contains("write another"));
        assert!(why(r"\p{Klingon}").contains("Unicode"), "{}", why(r"\p{Klingon}"));
        assert!(why("(a{99}){99}{99}").contains("too large"), "{}", why("(a{99}){99}{99}"));
    }

    #[test]
    fn a_cancelled_search_ends() {
        let watch = Watch::default();
        watch.cancel();
        assert!(regex("a").matcher().unwrap().find("aaa", 9, &watch).is_err());
    }
}
