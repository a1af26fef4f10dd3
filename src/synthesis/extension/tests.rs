use super::*;
use crate::data::{RecordId, Source, StrategyId, assign_ids};
use crate::job::Watch;
use std::convert::Infallible;

/// Counts words, and one more where two contexts meet, which the parts do not tell.
struct Words;

impl Ruler for Words {
    type Error = Infallible;

    fn ends(&self, text: &str) -> Result<Vec<usize>, Infallible> {
        let end = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize + word.len();
        Ok(text.split_whitespace().map(end).collect())
    }

    fn prompt(&self, record: &Record, context: &str) -> Result<u64, Infallible> {
        let n_meet = context.matches("END\n\nBEGIN").count();
        let words = |text: &str| text.split_whitespace().count();
        Ok((words(context) + words(&record.instruction) + n_meet) as u64)
    }
}

/// A context of this many words, in paragraphs of ten.
fn context(name: usize, n: usize) -> String {
    let mut stream = Stream::new(3, &name.to_string(), "context");
    let mut text = "BEGIN".to_owned();
    for ix in 0..n.saturating_sub(2) {
        text.push_str(if ix % 10 == 9 { ".\n\n" } else { " " });
        text.push_str(&format!("w{}", stream.below(100_000)));
    }
    text + " END"
}

fn record(task: &str, ix: usize, context: String) -> Record {
    Record {
        id: RecordId::unset(),
        seed_id: RecordId::unset(),
        source: Source { path: "f.jsonl".into(), line: ix + 1 },
        task: task.into(),
        strategy: StrategyId::human(),
        instruction: format!("Who is number {ix}?"),
        answers: vec![format!("Person{ix}")],
        context: Some(context),
        extra: Map::new(),
    }
}

fn records(n: usize) -> Vec<Record> {
    let mut stream = Stream::new(9, "", "lengths");
    let one = |ix| record("hotpotqa", ix, context(ix, 60 + stream.below(100)));
    let mut all: Vec<Record> = (0..n).map(one).collect();
    assign_ids(&mut all);
    all
}

fn settings(position: Position) -> Settings {
    Settings { position, allow_answers: false, seed: 5, told: Map::new() }
}

fn outcomes(records: &[Record], wish: PoolWish, size: Size, settings: &Settings) -> Vec<Outcome> {
    let of_pool: Vec<&Record> = records.iter().collect();
    let pool = Pool::new(&of_pool, wish, Some(&Words), &Watch::default()).unwrap().unwrap();
    let extension = Extension { pool: &pool, ruler: &Words, unit: "words", settings };
    records.iter().map(|record| extension.extend(record, size).unwrap()).collect()
}

fn extended(records: &[Record], size: Size, position: Position) -> Vec<Extended> {
    let outcomes = outcomes(records, PoolWish::SameTask, size, &settings(position));
    outcomes.into_iter().map(Result::unwrap).collect()
}

/// The parts of the new context, as its spans tell them; they and blank lines are all there is.
fn parts(extended: &Extended) -> (Vec<(String, String)>, String) {
    let Record { context, extra, .. } = &extended.record;
    let context = context.as_deref().unwrap();
    let text = |span: &Value| {
        let at = |ix: usize| span[ix].as_u64().unwrap() as usize;
        context[at(0)..at(1)].to_owned()
    };
    let ids = extra["distractor_ids"].as_array().unwrap();
    let spans = extra["distractor_spans"].as_array().unwrap();
    let others: Vec<(String, String)> = ids
        .iter()
        .zip(spans)
        .map(|(id, span)| (id.as_str().unwrap().to_owned(), text(span)))
        .collect();
    let own = text(&extra["gold_span"]);
    let mut all: Vec<&str> = others.iter().map(|(_, text)| text.as_str()).collect();
    all.insert(extended.slot, &own);
    assert_eq!(all.join("\n\n"), context);
    (others, own)
}

#[test]
fn the_budget_is_filled_and_never_passed() {
    let records = records(60);
    for most in [300, 1000, 3000] {
        for extended in extended(&records, Size::Prompt(most), Position::Uniform) {
            let after = extended.after.unwrap();
            assert!((most - SLACK..=most).contains(&after), "{after} of {most}");
            let context = extended.record.context.as_deref().unwrap();
            assert_eq!(Words.prompt(&extended.record, context), Ok(after));
        }
    }
}

#[test]
fn contexts_stay_whole_but_for_the_last_which_ends_at_a_paragraph() {
    let records = records(60);
    let by_id = |id: &str| records.iter().find(|record| record.id.as_str() == id).unwrap();
    let mut n_cut = 0;
    for (record, extended) in
        records.iter().zip(extended(&records, Size::Prompt(700), Position::Uniform))
    {
        let (others, own) = parts(&extended);
        assert_eq!(Some(own), record.context);
        for (ix, (id, text)) in others.iter().enumerate() {
            let whole = by_id(id).context.as_deref().unwrap();
            if text != whole {
                n_cut += 1;
                assert_eq!(ix + 1, others.len());
                assert!(whole.starts_with(&format!("{text}\n\n")), "{text:?}");
                let told = &extended.record.extra["provenance"]["extension"]["cut"];
                assert_eq!(told, &json!({"id": id, "of_bytes": whole.len()}));
            }
        }
        let mut ids: Vec<&str> = others.iter().map(|(id, _)| id.as_str()).collect();
        ids.push(record.id.as_str());
        ids.sort_unstable();
        let n = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), n, "one came twice");
    }
    assert!(n_cut > 5, "{n_cut}");
}

#[test]
fn the_own_context_stands_where_it_is_wanted() {
    let records = records(40);
    for (text, slots) in [("start", [0, 0]), ("middle", [5, 5]), ("end", [9, 9]), ("0.33", [3, 3])]
    {
        let position = Position::parse(text).unwrap();
        for extended in extended(&records, Size::Contexts(10), position) {
            assert_eq!(extended.n_distractors, 9);
            assert_eq!([extended.slot; 2], slots, "{text}");
            parts(&extended);
        }
    }
    let mut counts = [0; 10];
    let many: Vec<Record> = (0..20).flat_map(|_| records.clone()).collect();
    let mut many = many;
    assign_ids(&mut many);
    for extended in extended(&many, Size::Contexts(10), Position::Uniform) {
        counts[extended.slot] += 1;
    }
    // 800 records, 80 a slot: five standard deviations.
    assert!(counts.iter().all(|n| (38..=122).contains(n)), "{counts:?}");
    for wrong in ["1.5", "-0.1", "NaN", "", "centre"] {
        assert!(Position::parse(wrong).unwrap_err().contains("use uniform"), "{wrong}");
    }
}

#[test]
fn copies_and_answers_stay_out() {
    let mut all = records(12);
    // A copy, half a copy, one that holds the answer of the first, one of the same seed.
    let own = all[0].context.clone().unwrap();
    all[1].context = Some(own.to_uppercase());
    all[2].context = Some(format!("{own}\n\n{}", context(777, 40)));
    all[3].context = Some(format!("{} It was PERSON0, indeed.", context(778, 60)));
    all[4].seed_id = all[0].seed_id.clone();
    assign_ids(&mut all);
    let ids = |n: usize, allow: bool| -> Vec<String> {
        let settings = Settings { allow_answers: allow, ..settings(Position::Uniform) };
        let outcome = outcomes(&all, PoolWish::SameTask, Size::Contexts(n), &settings).remove(0);
        let extended = outcome.unwrap();
        assert_eq!(extended.ran_out, n > extended.n_distractors + 1);
        let mut ids: Vec<String> = parts(&extended).0.into_iter().map(|(id, _)| id).collect();
        ids.sort();
        ids
    };
    let expected = |from: &[usize]| {
        let mut ids: Vec<String> = from.iter().map(|ix| all[*ix].id.to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(99, false), expected(&[5, 6, 7, 8, 9, 10, 11]));
    assert_eq!(ids(99, true), expected(&[3, 5, 6, 7, 8, 9, 10, 11]));
    // Yes stands everywhere, and keeps nothing out.
    all[0].answers = vec!["yes".into()];
    all[5].context = Some(context(5, 60) + " Yes.");
    let outcome =
        outcomes(&all, PoolWish::SameTask, Size::Contexts(99), &settings(Position::Uniform));
    assert_eq!(outcome[0].as_ref().unwrap().n_distractors, 8);
}

#[test]
fn pools_are_of_the_task_of_others_or_of_all() {
    let mut all = records(9);
    for (ix, record) in all.iter_mut().enumerate() {
        record.task = ["2wikiqa", "2wikimqa", "qasper"][ix % 3].into();
    }
    all[8].strategy = StrategyId::context_synthesis();
    assign_ids(&mut all);
    for (wish, n_first, n_last) in
        [(PoolWish::SameTask, 5, 0), (PoolWish::OtherTask, 2, 0), (PoolWish::Any, 8, 8)]
    {
        let outcomes = outcomes(&all, wish, Size::Contexts(99), &settings(Position::Uniform));
        let n = |ix: usize| outcomes[ix].as_ref().unwrap().n_distractors;
        // Two names of one task are one task.
        assert_eq!((n(0), n(1), n(8)), (n_first, n_first, n_last), "{wish:?}");
    }
}

#[test]
fn what_cannot_be_extended_is_kept_or_left_out() {
    let mut all = records(3);
    all[0].context = Some(" \n".into());
    all[1].instruction = String::new();
    all[2].extra.insert("mine".into(), json!(1));
    let outcomes = |size| outcomes(&all, PoolWish::SameTask, size, &settings(Position::Uniform));
    let by_length = outcomes(Size::Prompt(80));
    assert_eq!(by_length[0], Err(LeftOut::NoContext));
    assert_eq!(by_length[1], Err(LeftOut::NoInstruction));
    let length = Words.prompt(&all[2], all[2].context.as_deref().unwrap()).unwrap();
    let outcome = &outcomes(Size::Prompt(length - 1))[2];
    assert_eq!(outcome, &Err(LeftOut::TooLong { length, most: length - 1, unit: "words" }));
    // Just long enough: its own context alone, in a row like all others.
    for size in [Size::Prompt(length), Size::Contexts(1)] {
        let kept = outcomes(size).remove(2).unwrap();
        let (record, own) = (&kept.record, &all[2]);
        assert_eq!((kept.n_distractors, kept.after, kept.ran_out), (0, Some(length), false));
        assert_eq!((&record.context, &record.extra["mine"]), (&own.context, &json!(1)));
        let whole = own.context.as_deref().unwrap().len();
        assert_eq!(record.extra["gold_span"], json!([0, whole]));
        assert_eq!(record.extra["distractor_ids"], json!([]));
    }
    // Without a question there is a context to extend all the same.
    assert_eq!(outcomes(Size::Contexts(2))[1].as_ref().unwrap().n_distractors, 1);
}

#[test]
fn places_in_the_own_context_move_with_it() {
    let mut all = records(4);
    let own = all[0].context.clone().unwrap();
    let extra = json!({
        "gold_span": [6, 20], "chunk_span": [0, 30], "tags": ["x"],
        "needles": [{"span": [3, 9], "key": "k"}, {"span": "none"}],
        "distractor_ids": ["00000000000000aa"], "distractor_spans": [[22, 30]],
        "provenance": {"model": "m", "extension": {"seed": 1}},
    });
    all[0].extra = extra.as_object().unwrap().clone();
    let extended = extended(&all, Size::Contexts(4), Position::Depth(0.67)).remove(0);
    let context = extended.record.context.as_deref().unwrap();
    let extra = &extended.record.extra;
    let text = |span: &Value| {
        let at = |ix: usize| span[ix].as_u64().unwrap() as usize;
        &context[at(0)..at(1)]
    };
    assert_eq!(text(&extra["own_span"]), own);
    assert_eq!(text(&extra["gold_span"]), &own[6..20]);
    assert_eq!(text(&extra["chunk_span"]), &own[..30]);
    assert_eq!(text(&extra["needles"][0]["span"]), &own[3..9]);
    assert_eq!(extra["needles"][1]["span"], "none");
    assert_eq!(extra["distractor_ids"][2], "00000000000000aa");
    assert_eq!(text(&extra["distractor_spans"][2]), &own[22..30]);
    assert_eq!(extra["distractor_ids"].as_array().unwrap().len(), 4);
    let provenance = &extra["provenance"];
    assert_eq!((&provenance["model"], &extra["tags"]), (&json!("m"), &json!(["x"])));
    assert_eq!(provenance["extension"]["earlier"], json!({"seed": 1}));
    // A span that is not within the context tells nothing.
    all[0].extra.insert("gold_span".into(), json!([0, own.len() + 1]));
    let record = self::extended(&all, Size::Contexts(2), Position::Depth(1.0)).remove(0).record;
    let context = record.context.as_deref().unwrap();
    assert_eq!(record.extra["gold_span"], json!([context.len() - own.len(), context.len()]));
}
