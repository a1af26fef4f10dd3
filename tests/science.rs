//! Strategies, coherence and lengths over a scripted model, where every number can be told by hand.

use backstory::coherence::{self, Negatives, Settings};
use backstory::data::{Dataset, ReadOptions, read_dataset};
use backstory::drive::{self, Event};
use backstory::job::Watch;
use backstory::lengths::{self, Counter, Field, Unit};
use backstory::model::{Finish, LanguageModel, Sampling, ScriptedModel};
use backstory::report;
use backstory::synthesis::{Drafting, Origin, Outcome, Plan, strategy};
use std::convert::Infallible;
use std::path::PathBuf;

const LONG: &str = "The ferry left the harbour at dawn with forty crates of salt and a brass rule wrapped in cloth \
    while the keeper wrote the thickness of the ice into his book and waited for the mail boat that had not come \
    since the first week of March because nobody dared to cross the sound before the thaw";

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("backstory-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn dataset(name: &str, lines: &[&str]) -> Dataset {
    let folder = folder(name);
    let path = folder.join("hotpotqa.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    let dataset =
        read_dataset(&path, &ReadOptions::default(), &backstory::job::Watch::default()).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    dataset
}

fn pairs() -> Dataset {
    dataset(
        "pairs",
        &[
            r#"{"instruction":"Who kept the ice book?","answer":"the keeper"}"#,
            r#"{"instruction":"When?","answer":"at dawn","context":"short"}"#,
        ],
    )
}

fn plan(name: &str) -> Plan {
    let strategy = strategy(name).unwrap();
    let conversation = strategy.conversation(strategy.prompt_text()).unwrap();
    let origin = Origin {
        model: "scripted".into(),
        model_sha256: "0".into(),
        device: "cpu".into(),
        prompt: name.into(),
        prompt_sha256: "0".into(),
        sampling: Sampling::default(),
        words: 200,
        seed: 1,
        version: "0".into(),
    };
    Plan { strategy, conversation, origin, n_attempts: 3 }
}

/// The outcomes of a run over `seeds`, with the prompts that the model saw.
fn run(
    name: &str,
    seeds: &Dataset,
    replies: &'static [&'static str],
    window: usize,
) -> (Vec<Outcome>, Vec<String>) {
    let prompts = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = prompts.clone();
    let script = Box::new(move |prompt: &str, ask: usize| {
        seen.lock().unwrap().push(prompt.to_owned());
        ((*replies[ask % replies.len()]).to_owned(), Finish::Stop)
    });
    let mut model = ScriptedModel::new(window, script).unwrap();
    let plan = plan(name);
    let records = seeds.records.all().unwrap();
    let talks = records.iter().map(|seed| Drafting::new(&plan, seed)).collect();
    let mut outcomes = Vec::new();
    let mut sink = |event: Event<Outcome>| {
        if let Event::End { outcome, .. } = event {
            outcomes.push(outcome);
        }
        Ok::<(), Infallible>(())
    };
    drive::run(&mut model, talks, 2, &Watch::default(), &mut sink).unwrap();
    let prompts = prompts.lock().unwrap().clone();
    (outcomes, prompts)
}

#[test]
fn context_synthesis_tries_again_and_keeps_every_attempt() {
    let seeds = pairs();
    let (outcomes, prompts) = run("context", &seeds, &["too short", "x Answer: y", LONG], 100_000);
    let Outcome::Made(made) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(made.record.context.as_deref(), Some(LONG));
    assert_eq!(made.record.seed_id, seeds.records.get(0).unwrap().unwrap().seed_id);
    assert_eq!(made.record.instruction, "Who kept the ice book?");
    let provenance = &made.record.extra["provenance"];
    assert_eq!(provenance["attempts"], 3);
    let why: Vec<&str> =
        made.attempts.iter().filter_map(|attempt| attempt.rejected.as_deref()).collect();
    assert!(why[0].contains("2 words") && why[1].contains("Answer:"), "{why:?}");
    assert!(prompts[0].contains("Who kept the ice book?") && prompts[0].ends_with("Context:"));
    assert!(prompts[0].contains("about 200 words"));
}

#[test]
fn a_seed_that_comes_to_nothing_is_told_with_its_reply() {
    let (outcomes, prompts) = run("context", &pairs(), &["nothing"], 100_000);
    let Outcome::Rejected(rejected) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!((rejected.line, rejected.attempts.len()), (2, 3));
    assert_eq!(rejected.raw_reply, "Context: nothing");
    assert_eq!(prompts.len(), 6);
}

#[test]
fn instruction_synthesis_asks_for_the_question_then_for_the_answer() {
    let (outcomes, prompts) = run("instruction", &pairs(), &[" Who?\n", " the keeper "], 100_000);
    // The first seed has no document, so nothing is asked about it.
    let Outcome::Rejected(rejected) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(rejected.reason.contains("--join") && rejected.attempts.is_empty());
    let Outcome::Made(made) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!(made.record.instruction, "Who?");
    assert_eq!(made.record.answers, ["the keeper"]);
    assert_eq!(made.record.context.as_deref(), Some("short"));
    assert_eq!(made.record.extra["chunk_span"], serde_json::json!([0, 5]));
    assert!(prompts[1].ends_with("Question: Who?\nAnswer:"), "{}", prompts[1]);
}

#[test]
fn a_prompt_without_room_is_a_rejection_with_the_numbers() {
    let (outcomes, prompts) = run("context", &pairs(), &[LONG], 300);
    let Outcome::Rejected(rejected) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(rejected.reason.contains("window of 300"), "{}", rejected.reason);
    assert!(prompts.is_empty());
}

#[test]
fn long_documents_are_shown_as_one_chunk_that_the_record_names() {
    let words: Vec<String> = (0..5000).map(|n| format!("w{n}")).collect();
    let line = serde_json::json!({"context": words.join(" ")}).to_string();
    let seeds = dataset("chunk", &[line.as_str()]);
    let (outcomes, prompts) = run("instruction", &seeds, &["Which?", "w9"], 1_000_000);
    let Outcome::Made(made) = &outcomes[0] else { panic!("{outcomes:?}") };
    let span: Vec<usize> = serde_json::from_value(made.record.extra["chunk_span"].clone()).unwrap();
    let shown = &made.record.context.as_deref().unwrap()[span[0]..span[1]];
    assert_eq!(shown.split_whitespace().count(), 3000);
    assert!(prompts[0].contains(shown));
    assert_eq!(made.record.context, seeds.records.get(0).unwrap().unwrap().context);
}

fn triples() -> Dataset {
    dataset(
        "triples",
        &[
            r#"{"instruction":"Who?","answer":"Zed","context":"Quick waxy Zed jumps."}"#,
            r#"{"instruction":"Why?","answer":"no","context":"Nothing here."}"#,
            r#"{"instruction":"How?","answer":"by boat","context":"They came by boat, they left."}"#,
            r#"{"instruction":"Lost","answer":"pair"}"#,
        ],
    )
}

#[test]
fn coherence_follows_its_definitions() {
    let mut model =
        ScriptedModel::new(10_000, Box::new(|_, _| (String::new(), Finish::Stop))).unwrap();
    let settings = Settings { n_shuffles: 2, negatives: Negatives::Random, seed: 1 };
    let watch = Watch::default();
    let measured = coherence::measure(&mut model, &[triples()], settings, &watch).unwrap();
    assert_eq!((measured.rows.len(), measured.n_skipped), (3, 1));
    let row = &measured.rows[0];
    assert_eq!((row.n_instruction_tokens, row.n_answer_tokens), (4, 3));
    // `Z` occurs in the own context only: one of three bytes gains ln(256 / 2).
    let gain = 128f64.ln() / 3.0;
    assert!((row.answer_gain.unwrap() - gain).abs() < 1e-6, "{row:?}");
    assert!(row.answer_gain_shuffled.unwrap().abs() < 1e-6);
    assert!((row.answer_dependence.unwrap() - gain).abs() < 1e-6);
    assert_eq!(row.auc_answer, Some(1.0));
    let (with, without) = (3.0 * 2f64.ln(), 2.0 * 2f64.ln() + 256f64.ln());
    assert!((row.context_ifd.unwrap() - with / without).abs() < 1e-6);
    assert_eq!(row.answer_in_context, Some(true));
    assert_eq!(row.answer_position, Some(2.0 / 3.0));
    assert_eq!(measured.rows[1].answer_in_context, None);
    assert!(!row.truncated && row.truncation.is_none() && !row.tokens_differ);
    let group = &measured.summary.groups[0];
    assert_eq!((group.n, group.task.as_str(), group.strategy.as_str()), (3, "hotpotqa", "human"));
    assert!(measured.summary.warnings.iter().any(|w| w.contains("1 records lack")));
}

#[test]
fn contexts_beyond_the_window_lose_their_middle_and_say_so() {
    let mut model =
        ScriptedModel::new(620, Box::new(|_, _| (String::new(), Finish::Stop))).unwrap();
    let long = format!("BEGIN {} END", "x".repeat(2000));
    let line = serde_json::json!({"instruction": "Who?", "answer": "END", "context": long});
    let seeds = dataset("long", &[line.to_string().as_str()]);
    let settings = Settings { n_shuffles: 1, negatives: Negatives::Nearest, seed: 1 };
    let watch = Watch::default();
    let measured = coherence::measure(&mut model, &[seeds], settings, &watch).unwrap();
    let row = &measured.rows[0];
    assert_eq!(row.n_context_tokens, 2010);
    assert!(row.truncated && row.kept_tokens < 620, "{row:?}");
    assert_eq!(row.truncation.as_deref(), Some("middle"));
    // `E`, `N` and `D` are kept with the two ends.
    assert!(row.answer_gain.is_some());
    assert!(row.instruction_gain_shuffled.is_none(), "there is no other context");
    assert!(watch.warnings().iter().any(|w| w.contains("only 0 other contexts")));
}

#[test]
fn one_shared_instruction_makes_its_auc_null() {
    let lines: Vec<String> = ["alpha", "beta", "gamma"]
        .iter()
        .map(|c| {
            serde_json::json!({"instruction": "Sum up.", "answer": c, "context": c}).to_string()
        })
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut model =
        ScriptedModel::new(10_000, Box::new(|_, _| (String::new(), Finish::Stop))).unwrap();
    let settings = Settings { n_shuffles: 1, negatives: Negatives::Random, seed: 1 };
    let watch = Watch::default();
    let seeds = dataset("shared", &lines);
    let measured = coherence::measure(&mut model, &[seeds], settings, &watch).unwrap();
    assert_eq!(measured.summary.groups[0].auc_instruction, None);
    assert!(measured.summary.groups[0].auc_answer.is_some());
    assert!(watch.warnings().iter().any(|w| w.contains("share one instruction")));
}

#[test]
fn the_length_of_each_record_is_the_one_its_group_has() {
    let model = ScriptedModel::new(10, Box::new(|_, _| (String::new(), Finish::Stop))).unwrap();
    let counter = Counter { tokenizer: Some(model.tokenizer()), template: Some(model.template()) };
    let watch = Watch::default();
    let seeds = triples();
    let held = seeds.records.all().unwrap();
    let records: Vec<_> = held.iter().map(|record| &**record).collect();
    let lengths = lengths::measure(&[triples()], &counter, &watch).unwrap();
    assert_eq!(lengths.groups.len(), 4 * 3);
    for group in &lengths.groups {
        let each = lengths::of_each(&records, group.field, group.unit, &counter, &watch).unwrap();
        assert_eq!(each.iter().flatten().copied().collect::<Vec<_>>(), group.lengths);
        // The last record has no context.
        let lacks = [Field::Context, Field::Prompt].contains(&group.field);
        assert_eq!(each[3].is_none(), lacks, "{:?}", group.field);
    }
    let counter = Counter { tokenizer: None, template: None };
    let tokens = lengths::of_each(&records, Field::Answer, Unit::Tokens, &counter, &watch);
    assert_eq!(tokens.unwrap(), [None; 4]);
}

#[test]
fn lengths_count_characters_words_and_tokens() {
    let model = ScriptedModel::new(10, Box::new(|_, _| (String::new(), Finish::Stop))).unwrap();
    let counter = Counter { tokenizer: Some(model.tokenizer()), template: Some(model.template()) };
    let seeds =
        dataset("lengths", &[r#"{"instruction":"Wer?","answer":"Zoë B","context":"a\u001fb  c"}"#]);
    let lengths = lengths::measure(&[seeds], &counter, &Watch::default()).unwrap();
    let mean = |field: Field, unit: Unit| {
        let group = lengths.groups.iter().find(|g| g.field == field && g.unit == unit).unwrap();
        group.summary.mean
    };
    assert_eq!(mean(Field::Answer, Unit::Chars), 5.0);
    assert_eq!(mean(Field::Answer, Unit::Words), 2.0);
    assert_eq!(mean(Field::Answer, Unit::Tokens), 6.0);
    assert_eq!(mean(Field::Context, Unit::Words), 2.0);
    assert!(mean(Field::Prompt, Unit::Tokens) > 100.0);
    let view = report::LengthsView::usual(&lengths);
    let svg = backstory::figure::to_svg(&report::lengths_figure(&lengths, view));
    for text in ["HotpotQA (n = 1)", "tokens, scripted", "human"] {
        assert!(svg.contains(text), "{text} is not in the figure");
    }
}
