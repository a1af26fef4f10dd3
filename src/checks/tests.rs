//! Records for the tests of the checks, and what the checker does as a whole.

use super::*;
use crate::data::{Record, RecordId, Source, StrategyId, assign_ids};
use crate::seed::Stream;

/// A record with this context.
pub(super) fn context(text: &str) -> Record {
    let mut records = [Record {
        id: RecordId::unset(),
        seed_id: RecordId::unset(),
        source: Source { path: "test.jsonl".into(), line: 1 },
        task: "own".into(),
        strategy: StrategyId::context_synthesis(),
        instruction: "What did they do?".into(),
        answers: vec!["They swam away.".into()],
        context: Some(text.into()),
        extra: serde_json::Map::new(),
    }];
    assign_ids(&mut records);
    records[0].clone()
}

/// At least `n` words of prose, in paragraphs.
pub(super) fn town(n: usize) -> String {
    prose("town", n)
}

/// The same with another story for each name.
pub(super) fn prose(name: &str, n: usize) -> String {
    const WHO: &str = "the baker|an old sailor|her younger sister|the tall smith|a quiet teacher|two of the \
        farmers|the miller's son|our neighbour|the woman from the ferry|his uncle|the night watchman|a group of \
        children|the new doctor|the clerk";
    const DID: &str = "carried|mended|sold|found|painted|lost|borrowed|cleaned|measured|hid|described|gave away|\
        repaired|wanted";
    const WHAT: &str = "a wooden boat|the broken bell|three heavy sacks of flour|an unsigned letter|the church \
        clock|a green lantern|seven silver spoons|the longest rope|a map of the valley|the garden gate|some dry \
        firewood|an iron kettle|the harbour wall|a blue coat";
    const WHERE: &str = "behind the market hall|by the frozen river|in the narrow lane|on top of the hill|near the \
        bridge|at the edge of the forest|under the chestnut tree|outside the school|in the cellar of the inn|next to \
        the well|along the coast road|inside the mill|across the square|before the town gate";
    const WHEN: &str = "when the rain had stopped|because nobody else would|after a long winter|although it was \
        late|while the others slept|as her mother had told her|before the ships came in|without saying a word|for the \
        first time that year|until the lamps were lit|since the road was closed|with great care|in spite of the wind|so \
        that everyone could see it";
    let mut stream = Stream::new(7, name, "prose");
    let mut text = String::new();
    let mut n_sentences = 0;
    while text.split_whitespace().count() < n {
        if n_sentences > 0 {
            text.push_str(if n_sentences % 5 == 0 { "\n\n" } else { " " });
        }
        let mut pick = |list: &'static str| {
            let all: Vec<&str> = list.split('|').collect();
            all[stream.below(all.len())]
        };
        let sentence = [WHO, DID, WHAT, WHERE, WHEN].map(&mut pick).join(" ");
        let (first, rest) = sentence.split_at(1);
        text.push_str(&format!("{}{rest}.", first.to_uppercase()));
        n_sentences += 1;
    }
    text
}

fn check(records: &[Record], order: impl Iterator<Item = usize>) -> Checked {
    let checker = Checker::new(&Settings::default(), Tests::default());
    let mut tally = checker.tally();
    for ix in order {
        tally.add(checker.look(At { dataset: 0, record: ix as u32 }, &records[ix], None));
    }
    tally.finish()
}

#[test]
fn clean_records_have_no_findings_and_the_order_does_not_matter() {
    let mut records: Vec<Record> = (0..40)
        .map(|ix| {
            let mut record = context(&prose(&ix.to_string(), 300));
            record.instruction = format!("What did the clerk number {ix} do?");
            record.answers = vec![format!("The clerk sold boat {ix} to the smith in the end.")];
            record
        })
        .collect();
    assert_eq!(check(&records, 0..40).findings, []);
    records[30].context = records[3].context.clone();
    records[31].context = records[4].context.clone().map(|text| text + " The end.");
    records[32].context = Some(String::new());
    let found = check(&records, 0..40);
    let told: Vec<(u32, Check)> = found.findings.iter().map(|f| (f.at.record, f.check)).collect();
    let expected =
        [(30, Check::DuplicateContext), (31, Check::NearDuplicateContext), (32, Check::Empty)];
    assert_eq!(told, expected);
    assert_eq!(check(&records, (0..40).rev()), found);
    let related = found.findings[0].related.as_ref().unwrap();
    assert_eq!(related.at.record, 3);
}

#[test]
fn strategies_share_contexts_by_design_and_joined_ones_share_parts() {
    let text = prose("a", 200);
    let mut human = context(&text);
    human.strategy = StrategyId::human();
    assert_eq!(check(&[human, context(&text)], 0..2).findings, []);
    // Ten records joined with the same others.
    let others = prose("others", 1000);
    let joined = |ix: usize| {
        let own = prose(&format!("own {ix}"), 100);
        let mut record = context(&format!("{own}\n\n{others}"));
        record.instruction = format!("What did number {ix} do?");
        record.extra.insert("gold_span".into(), serde_json::json!([0, own.len()]));
        record.extra.insert("distractor_ids".into(), serde_json::json!(["0123456789abcdef"]));
        record
    };
    let records: Vec<Record> = (0..10).map(joined).collect();
    assert_eq!(check(&records, 0..10).findings, []);
}

#[test]
fn a_shared_instruction_is_one_finding_with_all_its_records() {
    let mut records: Vec<Record> =
        (0..30).map(|ix| context(&prose(&ix.to_string(), 100))).collect();
    for (ix, record) in records.iter_mut().enumerate().skip(12) {
        record.instruction = format!("What is number {ix} of them?");
    }
    let found = check(&records, 0..30);
    assert_eq!(found.findings.len(), 1);
    assert_eq!(found.findings[0].records().count(), 12);
    assert_eq!(found.counts[&Check::SharedInstruction], 12);
    records[5].extra.insert("distractor_ids".into(), serde_json::json!(["0123456789abcdef"]));
    assert_eq!(check(&records, 0..30).findings[0].severity, Severity::Fault);
    assert_eq!(check(&records[11..], 0..19).findings, []);
}

#[test]
fn evidence_is_missing_leaked_or_not_needed() {
    let told = |record: &Record, gains: Option<Gains>| -> Vec<Check> {
        let settings = Settings { has_gains: true, ..Settings::default() };
        let checker = Checker::new(&settings, Tests::default());
        let looked = checker.look(At { dataset: 0, record: 0 }, record, gains.as_ref());
        looked.findings.iter().map(|finding| finding.check).collect()
    };
    let with = |question: &str, answer: &str, text: String| {
        let mut record = context(&text);
        (record.instruction, record.answers) = (question.into(), vec![answer.into()]);
        record
    };
    let body = town(200);
    let question = "Who rang the bell of the old tower?";
    let told_text =
        |question: &str, answer: &str, text: &str| told(&with(question, answer, text.into()), None);
    let leak = format!("Ada Stone rang it. {body}");
    assert_eq!(told_text(question, "Ada Stone", &leak), [Check::AnswerLeak]);
    assert_eq!(told_text(question, "Ada Stone", &format!("{body} Ada Stone rang it.")), []);
    assert_eq!(told_text(question, "Ada Stone", &body), [Check::Unanswerable]);
    // A document's title and first sentence, and a question that offers its answer.
    let titled = format!("Ada Stone\nAda Stone was a painter.\n\n{body}");
    assert_eq!(told_text(question, "Ada Stone", &titled), []);
    assert_eq!(told_text("Was it Ada Stone or Bob Hill?", "Ada Stone", &leak), []);
    for (answer, asked) in [
        ("yes", question),
        ("Neither.", question),
        ("3", "How many bells were there?"),
        ("B", question),
        ("They rang it because the river had risen in the night", question),
        ("He did", question),
    ] {
        assert_eq!(told_text(asked, answer, &body), [], "{answer}");
    }
    let copied =
        format!("{body} The question was who rang the bell of the old tower. Ada Stone did.");
    assert_eq!(told_text(question, "Ada Stone", &copied), [Check::QuestionCopied]);
    let apart = format!("{body} Ada Stone rang the bell, and the old tower shook.");
    assert_eq!(told_text(question, "Ada Stone", &apart), []);
    let gains = |gain, ifd| {
        Some(Gains { answer_gain: Some(gain), answer_gain_shuffled: None, context_ifd: ifd })
    };
    let missing = with(question, "Ada Stone", body.clone());
    assert_eq!(told(&missing, gains(1.5, Some(0.5))), []);
    assert_eq!(told(&missing, gains(0.02, Some(0.99))), [Check::Unanswerable]);
    let there = with(question, "Ada Stone", format!("{body} Ada Stone rang it."));
    assert_eq!(told(&there, gains(0.02, Some(0.9))), [Check::ClosedBook]);
    // 4 nats without the context: not known.
    assert_eq!(told(&there, gains(0.02, Some(0.995))), []);
    assert_eq!(told(&there, gains(0.0, None)), [Check::ClosedBook]);
    let verdict = with(question, "yes", there.context.clone().unwrap());
    assert_eq!(told(&verdict, gains(0.02, Some(0.9))), []);
}
