//! Making tests and training sets: keys, values, filler and depth for each record, at exact length.

use super::fitting::{Fitting, PromptCounter};
use super::hiding::Hidden;
use super::names::Names;
use super::{Depths, Haystack, NeedleError, NeedleTask};
use crate::data::{self, Record, RecordId, Source, StrategyId};
use crate::job::Watch;
use crate::model::{ChatTemplate, Tokenizer};
use crate::seed::Stream;
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Records that are made side by side before they are handed on: as many as keep the processors busy
/// and, at 64k tokens, take some tens of megabytes.
const N_AT_ONCE: usize = 64;

/// What is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sizes {
    /// A test grid: prompts of these many tokens, 0 for the needles alone.
    Tests(Vec<u64>),
    /// A training set: the name of its composition and the tokens of its prompts, 0 for the needles
    /// alone.
    Training(String, u64),
}

/// What to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The tasks, in the order of the records.
    pub tasks: Vec<NeedleTask>,
    /// Tests or training records, and how long.
    pub sizes: Sizes,
    /// Records of each task and length.
    pub n: usize,
    /// Where needles stand.
    pub depths: Depths,
    /// The run's seed.
    pub seed: u64,
}

/// Who counts tokens.
pub struct Counting<'a> {
    /// The tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// The model's chat; without it the prompt is counted alone.
    pub template: Option<&'a ChatTemplate>,
}

/// Reads a number of tokens: `512`, `1k` (1,024), `64k`.
///
/// # Errors
/// A sentence for people.
pub fn parse_length(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1024),
        None => (text, 1),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let n = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    n.filter(|n| is_number && *n <= LONGEST).ok_or_else(|| {
        format!(
            "`{text}` is no length; write tokens such as 512 or 4k (1k is 1024), {LONGEST} at most"
        )
    })
}

/// The longest prompt in tokens; longer ones no model reads.
const LONGEST: u64 = 1 << 24;

impl Sizes {
    /// Reads a composition: `needle`, `needle+1k`, or a length such as `4k`.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn training(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let length = match text {
            "needle" => 0,
            _ => parse_length(text.strip_prefix("needle+").unwrap_or(text)).map_err(|error| {
                format!("{error}; or write a composition: needle, needle+1k, needle+64k")
            })?,
        };
        let name = match length {
            0 => "needle".to_owned(),
            n if n.is_multiple_of(1024) => format!("needle+{}k", n / 1024),
            n => format!("needle+{n}"),
        };
        Ok(Self::Training(name, length))
    }

    fn lengths(&self) -> Vec<u64> {
        match self {
            Self::Tests(lengths) => lengths.clone(),
            Self::Training(_, length) => vec![*length],
        }
    }

    fn strategy(&self) -> StrategyId {
        match self {
            Self::Tests(_) => StrategyId::test(),
            Self::Training(..) => StrategyId::from("needle"),
        }
    }
}

/// Makes the records task by task, length by length, and hands them to `sink` in this order, which
/// does not depend on the number of threads.
///
/// # Errors
/// See [`NeedleError`], and those of the sink.
pub fn make<E: From<NeedleError>>(
    plan: &Plan,
    haystack: &Haystack,
    text: &str,
    counting: &Counting<'_>,
    watch: &Watch,
    sink: &mut dyn FnMut(Record) -> Result<(), E>,
) -> Result<(), E> {
    let wishes = wishes(plan, text)?;
    watch.stage("hiding needles", wishes.len() as u64);
    let maker = Maker { plan, haystack, counter: PromptCounter::new(counting)?, counting };
    for some in wishes.chunks(N_AT_ONCE) {
        let made: Vec<Record> = some
            .par_iter()
            .map(|wish| {
                if watch.is_cancelled() {
                    return Err(NeedleError::Cancelled(crate::job::Cancelled));
                }
                let record = maker.record(wish)?;
                watch.advance(1);
                Ok(record)
            })
            // Of several errors always the first, whichever thread was the fastest.
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Result<_, NeedleError>>()?;
        // Here a pause may be waited for: no thread of others is held.
        watch.check().map_err(NeedleError::from)?;
        made.into_iter().try_for_each(&mut *sink)?;
    }
    Ok(())
}

/// A record before its text is made.
struct Wish {
    task: NeedleTask,
    length: u64,
    /// Its number among those of its task and length.
    number: usize,
    /// Names its streams.
    name: String,
    keys: Vec<String>,
    values: Vec<String>,
}

/// Draws all keys and values, one record after another, for none may come twice.
fn wishes(plan: &Plan, text: &str) -> Result<Vec<Wish>, NeedleError> {
    let mut names = Names::new(text);
    let mut wishes = Vec::new();
    for task in &plan.tasks {
        for length in plan.sizes.lengths() {
            for number in 0..plan.n {
                let name = format!("{}/{length}/{number}", task.name());
                let stream = |purpose| Stream::new(plan.seed, &name, purpose);
                let keys = names.keys(task.n_keys(), &mut stream("needle/keys"))?;
                let values = names.values(task.n_needles(), &mut stream("needle/values"));
                wishes.push(Wish { task: *task, length, number, name, keys, values });
            }
        }
    }
    Ok(wishes)
}

struct Maker<'a> {
    plan: &'a Plan,
    haystack: &'a Haystack,
    counter: PromptCounter<'a>,
    counting: &'a Counting<'a>,
}

impl Maker<'_> {
    fn record(&self, wish: &Wish) -> Result<Record, NeedleError> {
        let Wish { task, keys, values, .. } = wish;
        let stream = |purpose| Stream::new(self.plan.seed, &wish.name, purpose);
        let key_of = |ix: usize| &keys[ix.min(keys.len() - 1)];
        let needles: Vec<String> =
            (0..).zip(values).map(|(ix, value)| task.needle(key_of(ix), value)).collect();
        let depths =
            self.plan.depths.of(wish.number, task.n_needles(), &mut stream("needle/depths"));
        let asked_keys = &keys[..task.n_asked().min(keys.len())];
        let question = task.question(asked_keys);
        let fitting = Fitting {
            haystack: self.haystack,
            counter: &self.counter,
            question: &question,
            needles: &needles,
            depths: &depths,
        };
        let (hidden, n_tokens) = fitting
            .fit(wish.length, &mut stream("needle/haystack"))
            .map_err(|error| error.of_task(task.name()))?;
        let extra = self.extra(wish, &depths, &hidden, n_tokens);
        let mut record = Record {
            id: RecordId::unset(),
            seed_id: RecordId::unset(),
            source: Source { path: PathBuf::new(), line: 0 },
            task: task.record_task(),
            strategy: self.plan.sizes.strategy(),
            instruction: question,
            answers: vec![wish.answer(&hidden)],
            context: Some(hidden.text),
            extra,
        };
        // No key comes twice, so that no two records are equal and each may be named alone.
        data::assign_ids(std::slice::from_mut(&mut record));
        Ok(record)
    }

    fn extra(
        &self,
        wish: &Wish,
        depths: &[f64],
        hidden: &Hidden,
        n_tokens: u64,
    ) -> Map<String, Value> {
        let mut extra = Map::new();
        let mut put = |key: &str, value: Value| drop(extra.insert(key.to_owned(), value));
        let n_asked = wish.task.n_asked();
        if let ([span], 1) = (&hidden.spans[..1], n_asked) {
            put("gold_span", json!([span.start, span.end]));
        }
        match &self.plan.sizes {
            Sizes::Tests(_) => put("test_length", wish.length.into()),
            Sizes::Training(name, length) => {
                put("composition", name.as_str().into());
                put("length", (*length).into());
            }
        }
        put("n_tokens", n_tokens.into());
        put("keys", wish.keys[..n_asked.min(wish.keys.len())].into());
        put("values", wish.asked_values(hidden).into());
        let needle = |ix: usize| {
            let span = &hidden.spans[ix];
            json!({
                "key": wish.keys[ix.min(wish.keys.len() - 1)],
                "value": wish.values[ix],
                "asked": ix < n_asked,
                "span": [span.start, span.end],
                // The needles alone stand where they stand.
                "depth": (wish.length > 0).then_some(depths[ix]),
                "at": hidden.depth(ix).map(|at| (at * 1e4).round() / 1e4),
            })
        };
        put("needles", (0..depths.len()).map(needle).collect());
        put("haystack", self.haystack.name.as_str().into());
        put("tokenizer", self.counting.tokenizer.name().into());
        put("seed", self.plan.seed.into());
        extra
    }
}

impl Wish {
    /// The values that are asked for: in the order of the question's keys, or of the text where the
    /// question has one key.
    fn asked_values(&self, hidden: &Hidden) -> Vec<String> {
        let mut order: Vec<usize> = (0..self.task.n_asked()).collect();
        if self.keys.len() == 1 {
            order.sort_by_key(|ix| hidden.spans[*ix].start);
        }
        order.into_iter().map(|ix| self.values[ix].clone()).collect()
    }

    /// What a model should say.
    fn answer(&self, hidden: &Hidden) -> String {
        self.asked_values(hidden).join(", ")
    }
}
