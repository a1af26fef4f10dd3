use super::*;
use crate::data::{RecordId, Source};
use crate::model::{ChatTemplate, Tokenizer};
use crate::prompt::PromptPack;
use serde_json::json;

#[test]
fn policies_lose_what_they_say() {
    for (policy, lost) in
        [(Policy::Drop, 0..10), (Policy::Head, 7..10), (Policy::Tail, 0..3), (Policy::Middle, 3..6)]
    {
        assert_eq!(policy.lost(10, 7), lost, "{policy:?}");
        assert!(policy.lost(7, 7).is_empty() && policy.lost(0, 7).is_empty());
        assert_eq!(policy.lost(10, 0).len(), 10);
    }
}

fn record(context: Option<&str>, answers: &[&str], gold: Option<[usize; 2]>) -> Record {
    let mut extra = serde_json::Map::new();
    extra.extend(gold.map(|gold| ("gold_span".to_owned(), json!(gold))));
    Record {
        id: RecordId::unset(),
        seed_id: RecordId::unset(),
        source: Source { path: "t".into(), line: 1 },
        task: "t".into(),
        strategy: StrategyId::human(),
        instruction: " Why? ".into(),
        answers: answers.iter().map(|answer| (*answer).to_owned()).collect(),
        context: context.map(str::to_owned),
        extra,
    }
}

/// Tokens are bytes, and the chat is `[prompt]answer`.
fn sequence_of(record: &Record) -> Option<Sequence> {
    let tokenizer = Tokenizer::bytes("bytes").unwrap();
    let source = "[{{ messages[0].content | trim }}]";
    let template = ChatTemplate::new(source, None, None).unwrap();
    let pack = PromptPack::parse(r#"{"t": "\n<{context}>{input}"}"#).unwrap();
    let prompts = Prompts { pack: &pack, tokenizer: Some(&tokenizer), template: Some(&template) };
    sequence::of(record, &prompts).unwrap()
}

#[test]
fn evidence_is_found_at_its_tokens() {
    // `[<ab Ada Ada.>Why?]Ada`, of which the prompt's begin is trimmed and the context's too.
    let found = sequence_of(&record(Some("  ab Ada Ada. "), &["Ada", "yes"], Some([2, 8])));
    let found = found.unwrap();
    assert_eq!(found.n_tokens, 22);
    assert_eq!(found.gold, Some(2..8));
    assert_eq!(found.answers, [5..8, 9..12]);
    assert_eq!(found.target, 19..22);
    let alone = sequence_of(&record(None, &["yes"], Some([0, 3]))).unwrap();
    assert_eq!((alone.n_tokens, alone.gold, alone.target), (9, None, 6..9));
    let mut nothing = record(Some("c"), &[], None);
    nothing.instruction = " ".into();
    assert_eq!(sequence_of(&nothing), None);
    // A span that is none, or ends behind the context, is no evidence.
    for span in [json!([0, 99]), json!([3, 1]), json!([1]), json!("x")] {
        let mut wrong = record(Some("c d e"), &["a"], None);
        wrong.extra.insert("gold_span".into(), span);
        let found = sequence_of(&wrong).unwrap();
        assert_eq!((found.gold, found.answers.len()), (None, 0));
    }
}

#[test]
fn losses_are_counted() {
    let texts = ["ab Ada Ada.", "Ada", "nothing of it"];
    let sequences: Vec<Sequence> = texts
        .iter()
        .map(|text| sequence_of(&record(Some(text), &["Ada"], Some([0, 3]))).unwrap())
        .collect();
    let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.n_tokens).collect();
    assert_eq!(lengths, [22, 14, 24]);
    let key = (0, "t".to_owned(), StrategyId::human());
    let all = Sequences { groups: BTreeMap::from([(key, sequences)]), n_left_out: 0 };
    let cut = |cutoff, policy| all.cut(cutoff, policy).groups.remove(0);
    let none = cut(24, Policy::Head);
    assert_eq!((none.n, none.over, none.tokens, none.tokens_lost), (3, 0, 60, 0));
    assert_eq!(none.lossless_cutoff, 24);
    // Head: what is trained on goes first.
    let head = cut(11, Policy::Head);
    assert_eq!((head.over, head.tokens_lost), (3, 11 + 3 + 13));
    assert_eq!((head.targets, head.targets_cut_fully, head.targets_cut_partly), (3, 3, 0));
    assert_eq!((head.occurrences, head.occurrences_lost, head.answers_lost), (3, 1, 0));
    assert_eq!((head.with_answer, head.gold_cut_fully, head.gold_cut_partly), (2, 0, 0));
    let head = cut(20, Policy::Head);
    assert_eq!((head.targets_cut_fully, head.targets_cut_partly), (1, 1));
    assert_eq!(head.target_tokens_lost, 2 + 3);
    // Tail: the begin of the context goes.
    let tail = cut(11, Policy::Tail);
    assert_eq!((tail.gold_cut_fully, tail.gold_cut_partly), (2, 1));
    // The first `Ada` of the one, and the only one of the other, whose first letter is gone.
    assert_eq!((tail.occurrences_lost, tail.answers_lost), (3, 2));
    assert_eq!(tail.target_tokens_lost, 0);
    let middle = cut(12, Policy::Middle);
    assert_eq!((middle.over, middle.tokens_lost), (3, 24));
    assert_eq!((middle.gold_cut_fully, middle.gold_cut_partly), (0, 0));
    assert_eq!((middle.occurrences_lost, middle.targets_cut_fully), (2, 0));
    let drop = cut(20, Policy::Drop);
    assert_eq!((drop.over, drop.tokens_lost, drop.targets_cut_fully), (2, 46, 2));
    assert!((drop.share_lost - 46.0 / 60.0).abs() < 1e-12);
}
