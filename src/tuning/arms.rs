//! Arms: training sets of the same instruction-answer pairs in the same order, with and without their
//! contexts (`PAPER.md` section 3), and none of their seeds among the tests.
//!
//! How the arms are asked is `prompt`'s; training them is `train`'s.

use super::TuningError;
use super::example::{Example, Framer};
use crate::data::{Record, RecordId};
use crate::prompt::{PackError, PromptPack};
use crate::seed::Stream;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Records under a name.
#[derive(Debug, Clone)]
pub struct Pool {
    /// What they are called.
    pub label: String,
    /// The records.
    pub records: Vec<Arc<Record>>,
}

/// Records of a pool that are not trained on, by the first reason that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeftOut {
    /// Without instruction, answer or context.
    pub incomplete: usize,
    /// A second record of one seed.
    pub repeated: usize,
    /// Their seed, or their instruction and answer, is among the tests.
    pub among_tests: usize,
    /// Their seed is not in every pool, or is among the tests in another one.
    pub unmatched: usize,
    /// More than were asked for.
    pub beyond: usize,
}

/// Training sets whose n-th records are of one seed.
#[derive(Debug, Clone)]
pub struct Matched {
    /// As many records in each, in one order.
    pub sets: Vec<Pool>,
    /// What was left out of each, in the order of the sets.
    pub left_out: Vec<LeftOut>,
    /// As many records of general data, those of a small file several times.
    pub general: Option<Pool>,
    /// All general data that can be trained on, each record once.
    pub general_usable: Option<Pool>,
    /// What was left out of the general data.
    pub general_left_out: LeftOut,
    /// How many different records there are among the general ones.
    pub n_general: usize,
}

/// Why there are no arms.
#[derive(Debug, thiserror::Error)]
pub enum ArmsError {
    /// No seed is in all pools.
    #[error(
        "no seed is in all of {labels} and not among the tests ({reasons}); give datasets that were made from \
             the same seeds"
    )]
    NoPairs {
        /// The pools.
        labels: String,
        /// What was left out of each.
        reasons: String,
    },
    /// General data without a usable record.
    #[error(
        "there is no usable record in the general data ({reasons}); give records with an instruction and an answer"
    )]
    NoGeneral {
        /// What was left out.
        reasons: String,
    },
    /// A prompt.
    #[error("record {id}: {source}")]
    Pack {
        /// The record.
        id: String,
        /// What is wrong.
        source: PackError,
    },
    /// An example.
    #[error(transparent)]
    Tuning(#[from] TuningError),
}

/// What is known of the tests, so that none of them is trained on.
struct Tests<'a> {
    seeds: BTreeSet<&'a RecordId>,
    pairs: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Tests<'a> {
    fn new(tests: &'a [Arc<Record>]) -> Self {
        Self {
            seeds: tests.iter().map(|test| &test.seed_id).collect(),
            pairs: tests.iter().map(|test| pair(test)).collect(),
        }
    }

    fn has(&self, record: &Record) -> bool {
        self.seeds.contains(&record.seed_id) || self.pairs.contains(&pair(record))
    }
}

fn pair(record: &Record) -> (&str, &str) {
    (record.instruction.trim(), record.answer().trim())
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// At most `most` pairs of which every pool has a record, in an order that the seed decides.
///
/// # Errors
/// [`ArmsError::NoPairs`], [`ArmsError::NoGeneral`].
pub fn matched(
    pools: &[Pool],
    general: Option<&Pool>,
    tests: &[Arc<Record>],
    most: Option<usize>,
    seed: u64,
) -> Result<Matched, ArmsError> {
    let tests = Tests::new(tests);
    let mut left_out = vec![LeftOut::default(); pools.len()];
    let mut leaked: BTreeSet<&RecordId> = BTreeSet::new();
    let mut by_seed: Vec<BTreeMap<&RecordId, &Arc<Record>>> = Vec::new();
    for (pool, out) in pools.iter().zip(&mut left_out) {
        let mut records: BTreeMap<&RecordId, &Arc<Record>> = BTreeMap::new();
        for record in &pool.records {
            let context = record.context.as_deref().unwrap_or_default();
            if is_blank(&record.instruction) || is_blank(record.answer()) || is_blank(context) {
                out.incomplete += 1;
            } else if tests.has(record) {
                leaked.insert(&record.seed_id);
                out.among_tests += 1;
            } else if records.contains_key(&record.seed_id) {
                out.repeated += 1;
            } else {
                records.insert(&record.seed_id, record);
            }
        }
        by_seed.push(records);
    }
    let is_shared = |seed: &RecordId| {
        !leaked.contains(seed) && by_seed.iter().all(|records| records.contains_key(seed))
    };
    let mut shared: Vec<&RecordId> =
        by_seed.iter().take(1).flat_map(BTreeMap::keys).copied().collect();
    shared.retain(|seed| is_shared(seed));
    for (out, records) in left_out.iter_mut().zip(&by_seed) {
        out.unmatched = records.len() - shared.len();
    }
    if shared.is_empty() {
        let labels: Vec<&str> = pools.iter().map(|pool| pool.label.as_str()).collect();
        let reasons = pools.iter().zip(&left_out).map(|(pool, out)| {
            format!("{}: {}", pool.label, out.sentence().unwrap_or_else(|| "no record".into()))
        });
        let reasons = reasons.collect::<Vec<String>>().join("; ");
        return Err(ArmsError::NoPairs { labels: labels.join(", "), reasons });
    }
    Stream::new(seed, "", "gap pairs").shuffle(&mut shared);
    let n_shared = shared.len();
    shared.truncate(most.unwrap_or(n_shared));
    left_out.iter_mut().for_each(|out| out.beyond = n_shared - shared.len());
    let of_pool = |(pool, records): (&Pool, &BTreeMap<&RecordId, &Arc<Record>>)| Pool {
        label: pool.label.clone(),
        records: shared.iter().map(|seed| records[*seed].clone()).collect(),
    };
    let sets = pools.iter().zip(&by_seed).map(of_pool).collect();
    let mut general_left_out = LeftOut::default();
    let usable = general.map(|pool| usable(pool, &tests, seed, &mut general_left_out));
    let usable = usable.transpose()?;
    let n_general = usable.as_ref().map_or(0, |pool| pool.records.len().min(shared.len()));
    if let Some(pool) = &usable {
        general_left_out.beyond = pool.records.len() - n_general;
    }
    let general_usable = usable.clone();
    let general = usable.map(|pool| Pool {
        // Fewer records than pairs come again, so that all arms take the same number of steps.
        records: pool.records.iter().cycle().take(shared.len()).cloned().collect(),
        ..pool
    });
    Ok(Matched { sets, left_out, general, general_usable, general_left_out, n_general })
}

/// The records of general data that can be trained on, in an order that the seed decides.
fn usable(pool: &Pool, tests: &Tests<'_>, seed: u64, out: &mut LeftOut) -> Result<Pool, ArmsError> {
    let mut records = Vec::new();
    for record in &pool.records {
        if is_blank(&record.instruction) || is_blank(record.answer()) {
            out.incomplete += 1;
        } else if tests.has(record) {
            out.among_tests += 1;
        } else {
            records.push(record.clone());
        }
    }
    if records.is_empty() {
        let reasons = out.sentence().unwrap_or_else(|| "it is empty".to_owned());
        return Err(ArmsError::NoGeneral { reasons });
    }
    Stream::new(seed, "", "gap general").shuffle(&mut records);
    Ok(Pool { label: pool.label.clone(), records })
}

impl LeftOut {
    /// "2 without instruction, answer or context, 1 among the tests"; `None` where nothing is left out.
    pub fn sentence(&self) -> Option<String> {
        let told = [
            (self.incomplete, "without instruction, answer or context"),
            (self.among_tests, "among the tests"),
            (self.repeated, "second ones of a seed"),
            (self.unmatched, "not in every dataset"),
            (self.beyond, "more than were asked for"),
        ];
        let told: Vec<String> = told
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, reason)| format!("{n} {reason}"))
            .collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

/// The examples of the arm with contexts or of that without, in the order of its records.
///
/// # Errors
/// [`ArmsError::Pack`]; those of [`Framer::example`].
pub fn examples(
    records: &[Arc<Record>],
    with_context: bool,
    pack: &PromptPack,
    framer: &Framer<'_>,
) -> Result<Vec<Example>, ArmsError> {
    records.iter().map(|record| example(record, with_context, pack, framer)).collect()
}

/// The example of a record, with its context or without.
///
/// # Errors
/// As [`examples`].
pub fn example(
    record: &Record,
    with_context: bool,
    pack: &PromptPack,
    framer: &Framer<'_>,
) -> Result<Example, ArmsError> {
    let (instruction, answer) = pair(record);
    let context = record.context.as_deref();
    let asked = pack
        .ask(&record.task, context, instruction, with_context)
        .map_err(|source| ArmsError::Pack { id: record.id.to_string(), source })?;
    Ok(framer.example(&record.id, &asked, answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Source, StrategyId};
    use crate::model::{ChatTemplate, Tokenizer};

    fn record(seed: &str, instruction: &str, answer: &str, context: &str) -> Arc<Record> {
        Arc::new(Record {
            id: id(seed),
            seed_id: id(seed),
            source: Source { path: "t.jsonl".into(), line: 1 },
            task: "2wikimqa".into(),
            strategy: StrategyId::human(),
            instruction: instruction.into(),
            answers: vec![answer.into()],
            context: (!context.is_empty()).then(|| context.into()),
            extra: serde_json::Map::new(),
        })
    }

    fn id(name: &str) -> RecordId {
        let padded = name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        RecordId::try_from(format!("{padded:0>16}")).unwrap()
    }

    fn pool(label: &str, seeds: &[&str]) -> Pool {
        let of = |seed: &&str| record(seed, &format!("{label} {seed}?"), "yes", "a b c");
        Pool { label: label.into(), records: seeds.iter().map(of).collect() }
    }

    /// The letters of the seeds, in their order.
    fn seeds(pool: &Pool) -> String {
        let letter = |id: &RecordId| u8::from_str_radix(&id.as_str()[14..], 16).unwrap() as char;
        pool.records.iter().map(|record| letter(&record.seed_id)).collect()
    }

    #[test]
    fn arms_are_of_the_same_seeds_in_one_order() {
        let mut human = pool("human", &["a", "b", "c", "d", "e", "e"]);
        human.records.push(record("f", "f?", "", "a"));
        let other = pool("other", &["e", "d", "c", "b", "x"]);
        let pools = [human, other];
        let all = matched(&pools, None, &[], None, 7).unwrap();
        assert_eq!(seeds(&all.sets[0]), seeds(&all.sets[1]));
        let sorted: BTreeSet<char> = seeds(&all.sets[0]).chars().collect();
        assert_eq!(sorted.into_iter().collect::<String>(), "bcde");
        let human = LeftOut { incomplete: 1, repeated: 1, unmatched: 1, ..LeftOut::default() };
        assert_eq!(all.left_out, [human, LeftOut { unmatched: 1, ..LeftOut::default() }]);
        let two = matched(&pools, None, &[], Some(2), 7).unwrap();
        assert_eq!(seeds(&two.sets[1]), seeds(&all.sets[1])[..2]);
        assert_eq!(two.left_out[1].beyond, 2);
        let order = |seed| seeds(&matched(&pools, None, &[], None, seed).unwrap().sets[0]);
        let orders: BTreeSet<String> = (0..20).map(order).collect();
        assert!(orders.len() > 5, "{orders:?}");
    }

    #[test]
    fn nothing_of_the_tests_is_trained_on() {
        // `b` by its seed; `c` by the words of the other pool's record, under another seed.
        let tests = [record("b", "?", "!", "x"), record("z", " other c? ", "yes", "x")];
        let pools = [pool("human", &["a", "b", "c"]), pool("other", &["a", "b", "c"])];
        let general = pool("general", &["b", "k"]);
        let all = matched(&pools, Some(&general), &tests, None, 0).unwrap();
        assert_eq!(seeds(&all.sets[0]), "a");
        let counts: Vec<_> = all.left_out.iter().map(|o| (o.among_tests, o.unmatched)).collect();
        assert_eq!(counts, [(1, 1), (2, 0)]);
        assert_eq!((all.general_left_out.among_tests, all.n_general), (1, 1));
        let none = matched(
            &pools,
            None,
            &[record("a", "", "", ""), tests[0].clone(), tests[1].clone()],
            None,
            0,
        );
        let error = none.unwrap_err().to_string();
        assert!(error.contains("human, other") && error.contains("among the tests"), "{error}");
    }

    #[test]
    fn few_general_records_come_again_and_many_are_cut() {
        let pools = [pool("human", &["a", "b", "c"])];
        let few = matched(&pools, Some(&pool("general", &["k", "l"])), &[], None, 0).unwrap();
        let general = few.general.unwrap();
        assert_eq!((general.records.len(), few.n_general), (3, 2));
        assert_eq!(general.records[0].id, general.records[2].id);
        let more = pool("general", &["k", "l", "m", "n"]);
        let many = matched(&pools, Some(&more), &[], None, 0).unwrap();
        assert_eq!((many.n_general, many.general_left_out.beyond), (3, 1));
    }

    #[test]
    fn arms_differ_in_the_document_and_in_nothing_else() {
        let tokenizer = Tokenizer::bytes("bytes").unwrap();
        let source = "{% for m in messages %}[{{ m.content }}]{% endfor %}";
        let template = ChatTemplate::new(source, None, None).unwrap();
        let framer = Framer::new(&tokenizer, &template, 1000).unwrap();
        let pack =
            PromptPack::parse(r#"{"2wikimqa": "Read.\n\n{context}\n\nQ: {input}\nA:"}"#).unwrap();
        let records = [record("a", " Who? ", " me ", "It was me.")];
        let text = |with_context| {
            let examples = examples(&records, with_context, &pack, &framer).unwrap();
            let ids: Vec<u8> = examples[0].tokens.iter().map(|id| *id as u8).collect();
            String::from_utf8_lossy(&ids).into_owned()
        };
        assert!(text(true).starts_with("[Read.\n\nIt was me.\n\nQ: Who?\nA:]me"));
        assert!(text(false).starts_with("[Read.\n\nQ: Who?\nA:]me"));
    }
}
