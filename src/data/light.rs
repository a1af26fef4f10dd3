//! One line of JSONL, read for what an index holds: where the long texts are is seen, and they are
//! neither decoded nor copied.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Texts of more bytes are not decoded.
const SHORT_BYTES: usize = 64;

/// What stands for a text that was not decoded.
const LONG: &str = "…";

/// A line that is an object of plain values, each as it stands there.
pub(super) struct LightLine<'a>(Vec<(Cow<'a, str>, &'a str)>);

/// What a plain value is, as far as it decides what a record can be made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plain {
    Null,
    Bool,
    Number,
    EmptyText,
    Text,
}

impl<'a> LightLine<'a> {
    /// Reads a line; `None` where it is not an object of plain values, or is not right in every way:
    /// then it is for the reader of whole lines to say what it is.
    pub fn read(line: &'a [u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let pairs: Pairs<'_> = serde_json::from_str(line).ok()?;
        let is_plain = |raw: &str| !raw.starts_with(['{', '[']);
        let pairs: Vec<_> = pairs.0.into_iter().map(|(key, raw)| (key, raw.get())).collect();
        pairs.iter().all(|(_, raw)| is_plain(raw)).then_some(Self(pairs))
    }

    /// The object, with [`LONG`] for every long text; `None` as for [`LightLine::read`].
    pub fn object(&self) -> Option<Map<String, Value>> {
        let mut object = Map::new();
        for (key, raw) in &self.0 {
            let value = match raw.starts_with('"') && raw.len() > SHORT_BYTES {
                true => {
                    n_chars(raw)?;
                    Value::String(LONG.to_owned())
                }
                false => serde_json::from_str(raw).ok()?,
            };
            object.insert(key.as_ref().to_owned(), value);
        }
        Some(object)
    }

    /// The text of a column as it stands in the line, quotes and escapes included, if it is a long one.
    pub fn long(&self, column: &str) -> Option<&'a str> {
        // Of equal keys the last counts.
        let (_, raw) = self.0.iter().rev().find(|(key, _)| key == column)?;
        Some(*raw).filter(|raw| raw.starts_with('"') && raw.len() > SHORT_BYTES)
    }

    fn raw(&self, ix: Option<usize>) -> Option<&'a str> {
        self.0.get(ix?).map(|(_, raw)| *raw)
    }
}

impl Plain {
    fn of(raw: &str) -> Self {
        match raw.as_bytes() {
            [b'n', ..] => Self::Null,
            [b't' | b'f', ..] => Self::Bool,
            [b'"', b'"'] => Self::EmptyText,
            [b'"', ..] => Self::Text,
            _ => Self::Number,
        }
    }
}

/// Where the fields of a line stand that has the same keys, with values of the same kinds, as one that
/// gave a record: most lines of a file are like the one before.
pub(super) struct Pattern {
    keys: Vec<(String, Plain)>,
    task: Option<usize>,
    strategy: Option<usize>,
    instruction: Option<usize>,
    context: Option<usize>,
}

/// What a line that fits a pattern holds, as it stands there.
pub(super) struct Fitting<'a> {
    pub task: Option<Cow<'a, str>>,
    pub strategy: Option<Cow<'a, str>>,
    pub instruction: Option<&'a str>,
    pub context: Option<&'a str>,
}

impl Pattern {
    /// The pattern of a line that gave a record whose fields came from these columns; `None` where
    /// other lines may look the same and be something else.
    pub fn of(line: &LightLine<'_>, columns: &[(&'static str, String)]) -> Option<Self> {
        let keys: Vec<(String, Plain)> =
            line.0.iter().map(|(key, raw)| (key.as_ref().to_owned(), Plain::of(raw))).collect();
        // A number may be one that cannot be held, or cannot be a name.
        let is_sure = |(ix, (key, plain)): (usize, &(String, Plain))| {
            *plain != Plain::Number && keys.iter().skip(ix + 1).all(|(other, _)| other != key)
        };
        let place = |field: &str| {
            let (_, column) = columns.iter().find(|(name, _)| *name == field)?;
            keys.iter().position(|(key, _)| key == column)
        };
        let (task, strategy) = (place("task"), place("strategy"));
        let (instruction, context) = (place("instruction"), place("context"));
        let is_sure = keys.iter().enumerate().all(is_sure);
        is_sure.then_some(Self { keys, task, strategy, instruction, context })
    }

    /// What a line holds; `None` if it does not fit.
    pub fn fit<'a>(&self, line: &LightLine<'a>) -> Option<Fitting<'a>> {
        let fits = |((key, raw), (wanted, plain)): (&(Cow<'_, str>, &str), &(String, Plain))| {
            key == wanted && Plain::of(raw) == *plain
        };
        if line.0.len() != self.keys.len() || !line.0.iter().zip(&self.keys).all(fits) {
            return None;
        }
        let name = |ix| match line.raw(ix) {
            None => Some(None),
            Some(raw) if raw.contains('\\') => None,
            Some(raw) => Some(raw.get(1..raw.len() - 1).map(Cow::Borrowed)),
        };
        Some(Fitting {
            task: name(self.task)?,
            strategy: name(self.strategy)?,
            instruction: line.raw(self.instruction),
            context: line.raw(self.context),
        })
    }
}

/// The characters of a JSON string with its quotes; `None` where an escape stands for half a
/// character: only decoding tells whether the other half follows.
pub(super) fn n_chars(raw: &str) -> Option<usize> {
    let bytes = raw.as_bytes();
    let inner = bytes.get(1..bytes.len().saturating_sub(1))?;
    let n_begun = bytecount::num_chars(inner);
    let mut n_more = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', inner.get(at..)?) {
        at += found;
        match inner.get(at + 1..at + 4) {
            Some([b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F']) => return None,
            Some([b'u', ..]) => (n_more, at) = (n_more + 5, at + 6),
            _ => (n_more, at) = (n_more + 1, at + 2),
        }
    }
    Some(n_begun - n_more)
}

/// What a byte of a JSON string is where words are counted: a part of a word, a blank, or something that
/// may begin white space of another kind.
const WORD: u8 = 0;
const BLANK: u8 = 1;
const OTHER: u8 = 2;

const KINDS: [u8; 256] = {
    let mut kinds = [WORD; 256];
    kinds[b' ' as usize] = BLANK;
    kinds[b'\\' as usize] = OTHER;
    kinds[0xC2] = OTHER;
    kinds[0xE1] = OTHER;
    kinds[0xE2] = OTHER;
    kinds[0xE3] = OTHER;
    kinds
};

/// The words of a JSON string with its quotes: runs of what is not white space, as
/// `str::split_whitespace` finds them in the decoded text.
pub(super) fn n_words(raw: &[u8]) -> usize {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
    let (mut n_words, mut in_word) = (0, false);
    let mut rest = inner;
    while !rest.is_empty() {
        // No branch at the ends of words: nobody can foretell where they are.
        let mut n_plain = 0;
        for byte in rest {
            let kind = KINDS[*byte as usize];
            if kind == OTHER {
                break;
            }
            let is_word = kind == WORD;
            n_words += usize::from(is_word & !in_word);
            in_word = is_word;
            n_plain += 1;
        }
        rest = rest.get(n_plain..).unwrap_or_default();
        let (is_space, n_bytes) = match rest {
            [] => break,
            [b'\\', escape @ ..] => escaped(escape),
            _ => spread(rest),
        };
        n_words += usize::from(!is_space && !in_word);
        in_word = !is_space;
        rest = rest.get(n_bytes..).unwrap_or_default();
    }
    n_words
}

/// Whether an escape stands for white space, and its bytes; `rest` is what follows the backslash.
fn escaped(rest: &[u8]) -> (bool, usize) {
    match rest {
        [b'n' | b't' | b'r' | b'f', ..] => (true, 2),
        [b'u', digits @ ..] => {
            let digits = digits.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
            let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            (code.and_then(char::from_u32).is_some_and(char::is_whitespace), 6)
        }
        _ => (false, 2),
    }
}

/// Whether a character of two or three bytes is white space, and how many of them to pass.
fn spread(rest: &[u8]) -> (bool, usize) {
    let n_bytes = if rest.first() == Some(&0xC2) { 2 } else { 3 };
    let text = rest.get(..n_bytes).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let is_space = text.and_then(|text| text.chars().next()).is_some_and(char::is_whitespace);
    (is_space, n_bytes)
}

struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
        let mut pairs = Vec::with_capacity(8);
        while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
            pairs.push((key, value));
        }
        Ok(Pairs(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_those_of_the_decoded_text() {
        for text in ["", "plain", "a\nb\t\"c\"\\", "é中文🙂", "\u{1}\u{7f}", "back\\slash\\\\u0041"]
        {
            let raw = serde_json::to_string(text).unwrap();
            assert_eq!(n_chars(&raw), Some(text.chars().count()), "{raw}");
        }
        assert_eq!(n_chars("\"\\u00e9\\/x\""), Some(3));
        assert_eq!(n_chars("\"\\ud83d\\ude42\""), None);
        assert_eq!(n_chars("\"\\uD7FF\""), Some(1));
    }

    #[test]
    fn words_are_those_of_the_decoded_text() {
        for text in [
            "",
            " ",
            "one",
            " a\nb\t\tc \r\n d\u{c}e ",
            "x\u{a0}y\u{2003}z\u{3000}w\u{85}v\u{1680}u",
            "\u{1}\u{b}\u{1f}a\u{200b}b",
            "中文 字，词　三",
            "\"q\" \\ \\n 🙂 é",
        ] {
            let raw = serde_json::to_string(text).unwrap();
            assert_eq!(n_words(raw.as_bytes()), text.split_whitespace().count(), "{raw}");
        }
        assert_eq!(n_words(b"\"a\\u0020b\\u00a0c\\ud83d\\ude42\\u3000d\""), 4);
    }

    #[test]
    fn what_is_not_plain_is_left_to_others() {
        let long = "x".repeat(100);
        for line in [
            "[1]".to_owned(),
            "{\"a\":[]}".into(),
            "{\"a\":{}}".into(),
            "{\"a\":1e999}".into(),
            "{\"a\":1".into(),
            format!("{{\"a\":\"{long}\\ud800\"}}"),
            format!("{{\"a\":\"{long}\u{1}\"}}"),
        ] {
            let light = LightLine::read(line.as_bytes());
            assert!(light.and_then(|light| light.object()).is_none(), "{line}");
        }
        assert!(LightLine::read(b"{\"a\":\"\xFF\"}").is_none());
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let long = "y".repeat(100);
        let line = format!("{{\"a\":\"{long}\",\"b\":null,\"a\":\"z\"}}");
        let light = LightLine::read(line.as_bytes()).unwrap();
        assert_eq!(light.object().unwrap()["a"], "z");
        assert!(light.long("a").is_none());
        let line = format!("{{\"a\":\"z\",\"\\u0061\":\"{long}\"}}");
        let light = LightLine::read(line.as_bytes()).unwrap();
        assert_eq!(light.object().unwrap()["a"], LONG);
        assert_eq!(light.long("a"), Some(&*format!("\"{long}\"")));
        assert!(Pattern::of(&light, &[]).is_none());
    }

    #[test]
    fn lines_with_the_same_keys_and_kinds_fit() {
        let columns = [("task", "t".to_owned()), ("context", "c".to_owned())];
        let first = LightLine::read(b"{\"t\":\"qa\",\"c\":\"x y\",\"n\":null}").unwrap();
        let pattern = Pattern::of(&first, &columns).unwrap();
        let fit = |line: &'static str| {
            let fitting = pattern.fit(&LightLine::read(line.as_bytes()).unwrap())?;
            Some((fitting.task.unwrap().into_owned(), fitting.context.unwrap().to_owned()))
        };
        let found = fit("{\"t\": \"sum\", \"c\": \"\\n\", \"n\": null}");
        assert_eq!(found, Some(("sum".into(), "\"\\n\"".into())));
        for other in [
            "{\"t\":\"qa\",\"c\":\"\",\"n\":null}",
            "{\"t\":\"q\\u0061\",\"c\":\"x\",\"n\":null}",
            "{\"t\":\"qa\",\"c\":\"x\",\"n\":1}",
            "{\"c\":\"x\",\"t\":\"qa\",\"n\":null}",
            "{\"t\":\"qa\",\"c\":\"x\",\"n\":null,\"m\":null}",
        ] {
            assert_eq!(fit(other), None, "{other}");
        }
        assert!(Pattern::of(&LightLine::read(b"{\"a\":1}").unwrap(), &columns).is_none());
    }
}
