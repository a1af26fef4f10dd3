//! Text of tests in records: runs of 13 words, as GPT-3 and later work look for them, found exactly and
//! shown on both sides.
//!
//! The tests' words are kept as hashes. Every fourth run of ten words is indexed: each common run of 13
//! words holds four runs of ten that begin one after another, so one of them is in the index, and from it
//! the common run is followed in both directions, word by word.

use super::finding::{At, Check, Finding, Part, Related, Severity, Span};
use super::reading::Reading;
use super::words::{Word, bytes, grams, halves, hash_all, mix, words};
use crate::data::{Record, RecordId};
use rayon::slice::ParallelSliceMut;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// Words of a common run from which on it is told; two characters of a script without spaces count
/// as one word.
pub const RUN_WORDS: usize = 13;

/// Words of the indexed runs, and the step between them: `RUN_WORDS - GRAM + 1`, so that none of the
/// wanted runs slips through.
const GRAM: usize = 10;
const STEP: usize = 4;

/// A run that stands in more of the tests' texts is boilerplate, such as a licence (GPT-3's filter has
/// the same number).
const MOST_TEXTS: u8 = 10;

/// Spans shown on each side.
const MOST_SPANS: usize = 8;

/// Share of a record's own context in common runs from which on the document is the test's.
const SAME_DOCUMENT: f64 = 0.5;

/// A text of a test.
struct Text {
    test: u32,
    part: Part,
    /// Its first word among all.
    start: u32,
}

/// A test, as far as it is told of.
struct Test {
    at: At,
    id: RecordId,
    name: Option<String>,
}

/// Where the tests' words are, given test by test.
#[derive(Default)]
pub struct Tests {
    tests: Vec<Test>,
    texts: Vec<Text>,
    /// Half of the hash of each word of all texts.
    hashes: Vec<u32>,
    starts: Vec<u32>,
    lens: Vec<u8>,
    /// Which test has this question and answer.
    pairs: BTreeMap<(u64, u64), u32>,
    /// Contexts that are there already: a document with many questions is no boilerplate.
    contexts: BTreeMap<u64, ()>,
    grams: Grams,
}

/// The indexed runs: for each hash the place of the first one.
#[derive(Default)]
struct Grams {
    keys: Vec<u64>,
    places: Vec<u32>,
    /// A bit for the hashes that may be among the keys, which spares most searches.
    filter: Vec<u64>,
}

impl Grams {
    fn find(&self, gram: u64) -> Option<usize> {
        let bit = (gram >> 6) as usize % self.filter.len().max(1);
        if self.filter.get(bit)? >> (gram & 63) & 1 == 0 {
            return None;
        }
        self.keys.binary_search(&gram).ok().map(|ix| self.places[ix] as usize)
    }

    /// The index of runs, in any order; of equal ones, the first place counts.
    fn new(mut all: Vec<(u64, u32)>) -> Self {
        all.par_sort_unstable();
        all.dedup_by_key(|(gram, _)| *gram);
        let mut filter = vec![0_u64; (all.len() / 4).max(1)];
        for (gram, _) in &all {
            let bit = (gram >> 6) as usize % filter.len();
            filter[bit] |= 1 << (gram & 63);
        }
        let (keys, places) = all.into_iter().unzip();
        Self { keys, places, filter }
    }
}

impl Tests {
    /// Takes a test's texts in: its context, its instruction, its question with each answer.
    /// Tests beyond 4 thousand million words are left out.
    pub fn add(&mut self, at: At, record: &Record) {
        let test = self.tests.len() as u32;
        let name = record.extra.get("_id").and_then(Value::as_str).map(str::to_owned);
        self.tests.push(Test { at, id: record.id.clone(), name });
        let instruction = words(&record.instruction);
        for answer in &record.answers {
            let pair = (hash_all(&instruction), hash_all(&words(answer)));
            if !instruction.is_empty() {
                self.pairs.entry(pair).or_insert(test);
            }
        }
        self.add_text(test, Part::Instruction, &instruction);
        let context = words(record.context.as_deref().unwrap_or_default());
        if self.contexts.insert(hash_all(&context), ()).is_none() {
            self.add_text(test, Part::Context, &context);
        }
    }

    fn add_text(&mut self, test: u32, part: Part, words: &[Word]) {
        if words.len() < GRAM || self.hashes.len() + words.len() > u32::MAX as usize {
            return;
        }
        self.texts.push(Text { test, part, start: self.hashes.len() as u32 });
        self.hashes.extend(words.iter().map(|word| (word.hash >> 32) as u32));
        self.starts.extend(words.iter().map(|word| word.start));
        self.lens.extend(words.iter().map(|word| (word.end - word.start).min(255) as u8));
    }

    /// Makes the index, after the last test.
    pub fn index(&mut self) {
        let mut counts = Counts::new(self.hashes.len());
        for ix in 0..self.texts.len() {
            for (gram, _) in self.grams_of(ix) {
                counts.add(gram);
            }
        }
        let mut all = Vec::with_capacity(self.hashes.len() / STEP);
        for ix in 0..self.texts.len() {
            let every = self.grams_of(ix).enumerate().filter(|(n, _)| n % STEP == 0);
            all.extend(every.map(|(_, found)| found).filter(|(gram, _)| !counts.is_many(*gram)));
        }
        self.grams = Grams::new(all);
        self.contexts.clear();
    }

    /// Whether there is nothing to compare with.
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    fn range(&self, text: usize) -> Range<usize> {
        let end = self.texts.get(text + 1).map_or(self.hashes.len(), |next| next.start as usize);
        self.texts[text].start as usize..end
    }

    /// The runs of a text, each with the place of its first word.
    fn grams_of(&self, text: usize) -> impl Iterator<Item = (u64, u32)> {
        let range = self.range(text);
        let words: Vec<Word> =
            self.hashes[range.clone()].iter().map(|hash| halved(*hash)).collect();
        let grams: Vec<u64> = grams(&words, GRAM).collect();
        grams.into_iter().zip(range.start as u32..)
    }

    /// The runs that words have in common with tests, in their order, none within another: the words,
    /// and the place of the first one among the tests'.
    fn common(&self, words: &[Word]) -> Vec<(Range<usize>, usize)> {
        let own: Vec<Word> = words.iter().map(|word| halved((word.hash >> 32) as u32)).collect();
        let mut runs: Vec<(Range<usize>, usize)> = Vec::new();
        let mut done = 0;
        for (at, gram) in grams(&own, GRAM).enumerate() {
            if at + GRAM <= done {
                continue;
            }
            let Some(place) = self.grams.find(gram) else { continue };
            let (run, there) = self.follow(&own, at, place);
            if halves(&words[run.clone()]) >= 2 * RUN_WORDS {
                done = run.end;
                runs.push((run, there));
            }
        }
        runs
    }

    /// The whole common run around two places that begin alike.
    fn follow(&self, own: &[Word], at: usize, place: usize) -> (Range<usize>, usize) {
        let range = self.range(self.texts.partition_point(|text| text.start as usize <= place) - 1);
        let is_same = |(word, hash): &(&Word, &u32)| word.hash == halved(**hash).hash;
        let before = own[..at].iter().rev().zip(self.hashes[range.start..place].iter().rev());
        let n_before = before.take_while(is_same).count();
        let n_after =
            own[at..].iter().zip(&self.hashes[place..range.end]).take_while(is_same).count();
        (at - n_before..at + n_after, place - n_before)
    }

    /// The bytes of a run in its text.
    fn bytes(&self, place: usize, n: usize) -> Range<usize> {
        let last = place + n - 1;
        self.starts[place] as usize..self.starts[last] as usize + usize::from(self.lens[last])
    }

    fn related(&self, test: u32, spans: Vec<Span>) -> Box<Related> {
        let Test { at, id, name } = &self.tests[test as usize];
        Box::new(Related { is_test: true, at: *at, id: id.clone(), name: name.clone(), spans })
    }
}

/// A word of which only half of the hash is kept.
fn halved(hash: u32) -> Word {
    Word { hash: mix(u64::from(hash)), start: 0, end: 0 }
}

/// About how many times each hash occurs: never less, and seldom more, than it does.
struct Counts(Vec<u8>);

impl Counts {
    fn new(n: usize) -> Self {
        Self(vec![0; (4 * n).next_power_of_two()])
    }

    fn place(&self, hash: u64) -> usize {
        hash as usize & (self.0.len() - 1)
    }

    fn add(&mut self, hash: u64) {
        let place = self.place(hash);
        self.0[place] = self.0[place].saturating_add(1);
    }

    fn is_many(&self, hash: u64) -> bool {
        self.0[self.place(hash)] > MOST_TEXTS
    }
}

/// Whether a test's question with its answer, or a run of its words, stands in the record.
pub fn contamination(reading: &Reading<'_>, tests: &Tests) -> Option<Finding> {
    same_pair(reading, tests).or_else(|| common_runs(reading, tests))
}

fn same_pair(reading: &Reading<'_>, tests: &Tests) -> Option<Finding> {
    let question = hash_all(&reading.instruction_words);
    let mut answers = reading.answer_words.iter();
    let pair = |answer: &Vec<Word>| tests.pairs.get(&(question, hash_all(answer)));
    let test = *answers.find_map(pair)?;
    let span = |part, text: &str| Span::new(part, 0..text.len(), "the same as the test's");
    let spans = vec![
        span(Part::Instruction, &reading.record.instruction),
        span(Part::Answer, reading.record.answer()),
    ];
    let why = "the question with its answer is a test's".to_owned();
    let mut found = reading.finding(Check::Contamination, Severity::Fault, why, spans);
    found.related = Some(tests.related(test, Vec::new()));
    Some(found)
}

fn common_runs(reading: &Reading<'_>, tests: &Tests) -> Option<Finding> {
    let mut runs = Vec::new();
    for (part, words) in [
        (Part::Context, reading.context_words.as_slice()),
        (Part::Instruction, &reading.instruction_words),
    ] {
        runs.extend(tests.common(words).into_iter().map(|(run, place)| (part, words, run, place)));
    }
    // The longest first, of equals the first.
    runs.sort_by_key(|(_, _, run, _)| std::cmp::Reverse(run.len()));
    let (_, _, longest, place) = runs.first()?;
    let of = |place: usize| tests.texts.partition_point(|text| text.start as usize <= place) - 1;
    let test = tests.texts[of(*place)].test;
    let in_context = runs.iter().filter(|(part, ..)| *part == Part::Context);
    let n_common: usize = in_context.map(|(_, _, run, _)| run.len()).sum();
    let share = n_common as f64 / reading.context_words.len().max(1) as f64;
    let others: std::collections::BTreeSet<u32> =
        runs.iter().map(|(.., place)| tests.texts[of(*place)].test).collect();
    let mut why = format!("{} words in a row are a test's", longest.len());
    if runs.len() > 1 {
        why = format!(
            "{} runs of words are those of {} tests, the longest of {} words",
            runs.len(),
            others.len(),
            longest.len()
        );
    }
    let severity = if share >= SAME_DOCUMENT { Severity::Fault } else { Severity::Warning };
    let shown = runs.iter().take(MOST_SPANS);
    let spans = shown.clone().map(|(part, words, run, _)| {
        Span::new(*part, bytes(&words[run.clone()]), "words of a test")
    });
    let mut found = reading.finding(Check::Contamination, severity, why, spans.collect());
    let theirs = shown.filter(|(.., place)| tests.texts[of(*place)].test == test);
    let theirs = theirs.map(|(_, _, run, place)| {
        Span::new(
            tests.texts[of(*place)].part,
            tests.bytes(*place, run.len()),
            "words of the record",
        )
    });
    found.related = Some(tests.related(test, theirs.collect()));
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::{context, town};
    use serde_json::json;

    fn tests(records: &[Record]) -> Tests {
        let mut tests = Tests::default();
        for (ix, record) in (0..).zip(records) {
            tests.add(At { dataset: 0, record: ix }, record);
        }
        tests.index();
        tests
    }

    /// A test that has a question of its own.
    fn test(text: &str) -> Record {
        Record { instruction: "Which of the tests is it?".into(), ..context(text) }
    }

    fn find(record: &Record, tests: &Tests) -> Option<Finding> {
        contamination(&Reading::new(record, None), tests)
    }

    #[test]
    fn thirteen_words_in_a_row_are_told_with_their_places_and_twelve_are_not() {
        let mut test = test(
            "It is said that nobody ever saw the fox cross the river twice in one night, for it swam.",
        );
        test.extra.insert("_id".into(), json!("t-7"));
        let all = tests(std::slice::from_ref(&test));
        let words: Vec<&str> = test.context.as_deref().unwrap().split(' ').collect();
        let prose = town(80);
        // Wherever the run begins in the test, one of its parts is indexed.
        for start in 0..6 {
            let run = words[start..start + 13].join("  ").to_uppercase();
            let text = format!("{prose} Xx {run} zz");
            let found = find(&context(&text), &all).unwrap_or_else(|| panic!("from word {start}"));
            let [from, to] = found.spans[0].bytes;
            assert_eq!(text[from..to], *run.trim_end_matches(','));
            let related = found.related.unwrap();
            assert_eq!((related.is_test, related.name.as_deref()), (true, Some("t-7")));
            let [from, to] = related.spans[0].bytes;
            let there = &test.context.as_deref().unwrap()[from..to];
            assert_eq!(there, words[start..start + 13].join(" ").trim_end_matches(','));
            let short = words[start..start + 12].join(" ");
            assert_eq!(find(&context(&format!("{prose} xx {short} zz")), &all), None);
        }
    }

    #[test]
    fn questions_with_answers_are_told_and_shared_questions_are_not() {
        let mut test = test("short");
        (test.instruction, test.answers) =
            ("What is it?".into(), vec!["A mill.".into(), "mills".into()]);
        let all = tests(std::slice::from_ref(&test));
        let mut record = context("another text");
        (record.instruction, record.answers) = ("what is it".into(), vec!["Mills".into()]);
        assert_eq!(find(&record, &all).unwrap().severity, Severity::Fault);
        record.answers = vec!["a bridge".into()];
        assert_eq!(find(&record, &all), None);
        assert_eq!(find(&context("short"), &tests(&[])), None);
    }

    #[test]
    fn boilerplate_of_many_tests_counts_for_nothing_and_a_document_of_many_questions_does() {
        let licence = "you may copy this text as long as you name those who wrote it and say what you changed";
        let texts = |n: usize, text: fn(usize, &str) -> String| -> Vec<Record> {
            (0..n).map(|ix| test(&text(ix, licence))).collect()
        };
        let record = context(&format!("{} {licence}", town(50)));
        let many = texts(11, |ix, text| format!("number {ix} {text} {ix}"));
        assert_eq!(find(&record, &tests(&many)), None);
        assert!(find(&record, &tests(&many[..3])).is_some());
        let same = texts(40, |_, text| format!("one {text} two"));
        assert!(find(&record, &tests(&same)).is_some());
    }

    #[test]
    fn chinese_is_compared_by_characters() {
        let text = "这座小镇坐落在河边多年来居民们每个星期天都会聚集在广场上聊天";
        let all = tests(&[test(text)]);
        let chars: Vec<char> = text.chars().collect();
        let part = |n: usize| format!("天地玄黄{}宇宙洪荒", chars[..n].iter().collect::<String>());
        assert!(find(&context(&part(26)), &all).is_some());
        assert_eq!(find(&context(&part(25)), &all), None);
    }
}
