//! Comparisons over a few records whose numbers can be told by hand.

use super::*;
use crate::data::{Record, RecordId, Source, StrategyId};

fn id(seed: usize) -> RecordId {
    RecordId::try_from(format!("{seed:016x}")).unwrap()
}

/// A record of a seed whose context is as long as `words` says.
fn record(seed: usize, task: &str, strategy: &str, context: &str) -> Record {
    Record {
        id: id(seed),
        seed_id: id(seed),
        source: Source { path: "a.jsonl".into(), line: 1 },
        task: task.into(),
        strategy: strategy.into(),
        instruction: format!("question {seed}"),
        answers: vec!["yes".into()],
        context: Some(context.into()),
        extra: serde_json::Map::new(),
    }
}

/// Sides of records and their values.
fn sides<'a>(path: &str, records: &'a [(Record, Option<f64>)]) -> Vec<Side<'a>> {
    let (all, values): (Vec<&Record>, Vec<Option<f64>>) =
        records.iter().map(|(record, value)| (record, *value)).unzip();
    dataset_sides(path.as_ref(), &all, &values)
}

fn side<'a>(name: &str, records: &'a [(Record, Option<f64>)]) -> Side<'a> {
    let mut side = sides(name, records).remove(0);
    side.name = name.into();
    side
}

/// Records of one task and strategy with these seeds and values, each with a context of its own.
fn records(task: &str, strategy: &str, values: &[(usize, f64)]) -> Vec<(Record, Option<f64>)> {
    let one = |(ix, (seed, value)): (usize, &(usize, f64))| {
        (record(*seed, task, strategy, &format!("{task} {strategy} {ix}")), Some(*value))
    };
    values.iter().enumerate().map(one).collect()
}

fn compared(baseline: &Side<'_>, other: &Side<'_>) -> Comparison {
    let quantity = Quantity { name: "context_words".into(), title: "context (words)".into() };
    let settings = CompareSettings { seed: 1, n_resamples: 999 };
    compare(&quantity, baseline, other, settings, &Watch::default()).unwrap()
}

#[test]
fn pairs_are_made_by_seed_and_not_by_place() {
    let a = records("qasper", "human", &[(1, 10.0), (2, 20.0), (3, 30.0), (4, 40.0)]);
    let b = records("qasper", "mine", &[(9, 1.0), (4, 41.0), (2, 22.0), (1, 13.0)]);
    let found = compared(&side("a", &a), &side("b", &b));
    let row = &found.rows[0];
    assert_eq!((row.n_pairs, row.n_unpaired_baseline, row.n_unpaired_other), (3, 1, 1));
    // Seeds 1, 2 and 4: 10, 20, 40 and 13, 22, 41.
    let centre = |mean, median| Some(Centre { mean, median });
    assert_eq!(row.baseline, centre(70.0 / 3.0, 20.0));
    assert_eq!(row.other, centre(76.0 / 3.0, 22.0));
    let difference = row.difference.as_ref().unwrap();
    assert_eq!(Some(difference.centre), centre(2.0, 2.0));
    assert_eq!((difference.ci95, difference.ci_method), ([1.0, 3.0], "bca"));
    assert_eq!((difference.p, difference.p_exact, difference.p_holm), (0.25, true, Some(0.25)));
    assert_eq!((difference.cohens_dz, difference.rank_biserial), (Some(2.0), Some(1.0)));
    // 10, 20, 30, 40 and 1, 13, 22, 41, paired or not, in ascending order.
    assert_eq!(row.wasserstein, Some((9.0 + 7.0 + 8.0 + 1.0) / 4.0));
}

#[test]
fn neither_order_nor_names_of_files_change_a_number() {
    let values: Vec<(usize, f64)> = (0..40).map(|i| (i, (i * i % 17) as f64 / 7.0)).collect();
    let mut turned = values.clone();
    turned.reverse();
    let others: Vec<(usize, f64)> = (0..40).map(|i| (i, (i * 5 % 11) as f64 / 3.0)).collect();
    let (a, b) = (records("qasper", "human", &values), records("qasper", "mine", &others));
    let again = records("qasper", "human", &turned);
    let first = compared(&side("a", &a), &side("b", &b)).rows;
    assert!(!first[0].difference.as_ref().unwrap().p_exact);
    assert_eq!(compared(&side("c", &again), &side("d", &b)).rows, first);
}

#[test]
fn several_tasks_are_adjusted_for_and_taken_together() {
    let seeds = |from: usize| move |(ix, v): (usize, &f64)| (from + ix, *v);
    let with = |task: &str, strategy: &str, from, values: &[f64]| {
        let values: Vec<_> = values.iter().enumerate().map(seeds(from)).collect();
        records(task, strategy, &values)
    };
    let zero = [0.0; 6];
    let mut a = with("my own", "human", 20, &zero[..2]);
    a.extend(with("2wikiqa", "human", 0, &zero));
    a.extend(with("qasper", "human", 10, &zero[..5]));
    let mut b = with("2wikimqa", "mine", 0, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    b.extend(with("qasper", "mine", 10, &[-1.0, 2.0, 3.0, 4.0, 5.0]));
    let found = compared(&side("a", &a), &side("b", &b));
    let tasks: Vec<Option<&str>> = found.rows.iter().map(|row| row.task.as_deref()).collect();
    // The paper's order, aliases as one task, called as the baseline does.
    assert_eq!(tasks, [Some("qasper"), Some("2wikiqa"), Some("my own"), None]);
    let ps = |row: &Row| row.difference.as_ref().map(|found| (found.p, found.p_holm));
    assert_eq!(ps(&found.rows[0]), Some((0.125, Some(0.125))));
    assert_eq!(ps(&found.rows[1]), Some((2.0 / 64.0, Some(4.0 / 64.0))));
    assert_eq!(ps(&found.rows[2]), None);
    let all = &found.rows[3];
    assert_eq!((all.n_pairs, all.n_unpaired_baseline), (11, 2));
    let difference = all.difference.as_ref().unwrap();
    assert_eq!((difference.centre.mean, difference.p_holm), (34.0 / 11.0, None));
}

#[test]
fn the_row_over_one_task_is_that_tasks() {
    let values: Vec<(usize, f64)> = (0..30).map(|i| (i, (i * i % 17) as f64)).collect();
    let zeros: Vec<(usize, f64)> = (0..30).map(|i| (i, 8.0)).collect();
    let (a, b) = (records("qasper", "human", &zeros), records("qasper", "mine", &values));
    let rows = compared(&side("a", &a), &side("b", &b)).rows;
    let difference = |ix: usize| rows[ix].difference.clone().unwrap();
    assert_eq!(Difference { p_holm: None, ..difference(0) }, difference(1));
}

#[test]
fn a_seed_is_one_pair_however_often_it_was_used() {
    let a = records("qasper", "human", &[(1, 10.0), (2, 20.0)]);
    let b = records("qasper", "mine", &[(1, 11.0), (1, 15.0), (2, 21.0)]);
    let row = &compared(&side("a", &a), &side("b", &b)).rows[0];
    assert_eq!(row.n_pairs, 2);
    assert_eq!(row.other, Some(Centre { mean: 17.0, median: 17.0 }));
    assert!(row.warnings.iter().any(|w| w.contains("1 seed has several records in b")), "{row:?}");
}

#[test]
fn pairs_that_share_a_text_are_no_witnesses_of_their_own() {
    let values: Vec<(usize, f64)> = (0..25).map(|i| (i, i as f64)).collect();
    let mut a = records("gov_report", "human", &values);
    let mut b = records("gov_report", "mine", &values);
    assert!(compared(&side("a", &a), &side("b", &b)).rows[0].warnings.is_empty());
    for (ix, (record, _)) in a.iter_mut().enumerate() {
        record.instruction = "Sum up.".into();
        record.context = Some(format!("document {}", ix % 3));
    }
    b.iter_mut().for_each(|(record, _)| record.instruction = "Sum up.".into());
    let warnings = compared(&side("a", &a), &side("b", &b)).rows[0].warnings.clone();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("25 pairs have only 3 contexts in a;"), "{warnings:?}");
    let both = "25 pairs have only 1 instruction on both sides;";
    assert!(warnings[1].starts_with(both), "{warnings:?}");
}

#[test]
fn few_pairs_are_named() {
    let told = |n: usize, n_tasks| cautions_of(n, n_tasks).first().cloned().unwrap_or_default();
    assert!(told(5, 1).starts_with("only 5 pairs: p cannot be below 0.062; "), "{}", told(5, 1));
    let adjusted =
        "only 8 pairs: p cannot be below 0.0078, and adjusted for 8 tasks not below 0.062";
    assert!(told(8, 8).starts_with(adjusted), "{}", told(8, 8));
    assert_eq!(told(8, 1), "only 8 pairs: the interval is rather too narrow");
    assert_eq!(told(20, 8), "");
}

fn cautions_of(n: usize, n_tasks: usize) -> Vec<String> {
    let pair = || Pair { baseline: 0.0, other: 1.0, contexts: [None; 2], instructions: [None; 2] };
    let pairs = std::iter::repeat_with(pair).take(n).collect();
    cautions::of_row(&TaskPairs { pairs, ..TaskPairs::default() }, n_tasks, "a", "b")
}

#[test]
fn nothing_paired_is_said_and_still_shows_the_distance() {
    let a = records("qasper", "human", &[(1, 10.0)]);
    let mut b = records("qasper", "mine", &[(2, 30.0)]);
    b.push((record(3, "qasper", "mine", ""), None));
    let found = compared(&side("a", &a), &side("b", &b));
    let row = &found.rows[0];
    assert_eq!((row.n_pairs, &row.difference, row.wasserstein), (0, &None, Some(20.0)));
    assert!(found.warnings[0].contains("1 of 2 records of b have no context_words"), "{found:?}");
    assert!(found.warnings[1].starts_with("nothing is paired: a and b share no seed"), "{found:?}");
    let table = found.table();
    assert_eq!(table.rows[0][5..9], ["-", "-", "-", "-"]);
}

#[test]
fn sides_are_called_by_what_tells_them_apart() {
    let mixed: Vec<(Record, Option<f64>)> = ["mine", "human"]
        .into_iter()
        .map(|strategy| (record(1, "qasper", strategy, "c"), Some(1.0)))
        .collect();
    let named = |paths: &[&str], n: usize| {
        let mut all: Vec<Side<'_>> =
            paths.iter().flat_map(|path| sides(path, &mixed).into_iter().take(n)).collect();
        name_sides(&mut all);
        all.into_iter().map(|side| side.name).collect::<Vec<_>>()
    };
    assert_eq!(named(&["x/one.jsonl"], 2), ["human", "mine"]);
    assert_eq!(named(&["x/one.jsonl", "x/two.jsonl"], 1), ["one", "two"]);
    let both = ["one (human)", "one (mine)", "two (human)", "two (mine)"];
    assert_eq!(named(&["x/one.jsonl", "x/two.jsonl"], 2), both);
    assert_eq!(named(&["x/a.jsonl", "y/a.jsonl"], 1), ["x/a.jsonl (human)", "y/a.jsonl (human)"]);
    let mut one = sides("x/one.jsonl", &mixed).remove(0);
    one.name = "it".into();
    for word in ["it", "human", "x/one.jsonl", "one.jsonl", "one"] {
        assert!(one.is_meant(word), "{word}");
    }
    assert!(!one.is_meant("mine"));
}

#[test]
fn a_table_has_a_cell_for_every_column() {
    let values: Vec<(usize, f64)> = (1..=8).map(|i| (i, 100.0 * i as f64)).collect();
    let longer: Vec<(usize, f64)> = values.iter().map(|(seed, v)| (*seed, v + 10.0)).collect();
    let (a, b) = (records("qasper", "human", &values), records("qasper", "mine", &longer));
    let table = compared(&side("human", &a), &side("mine", &b)).table();
    assert_eq!(table.title, "context (words): mine less human");
    assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
    let expected = [
        "Qasper",
        "8",
        "0 + 0",
        "450.0 (450.0)",
        "460.0 (460.0)",
        "+10.0 [+10.0, +10.0]",
        "0.0078",
        "0.0078",
        "-",
        "+1.00",
        "10.0",
    ];
    assert_eq!(table.rows[0], expected);
    assert_eq!(table.notes, ["Qasper, all tasks: only 8 pairs: the interval is rather too narrow"]);
}

#[test]
fn a_cancelled_comparison_ends() {
    let a = records("qasper", "human", &[(1, 10.0)]);
    let watch = Watch::default();
    watch.cancel();
    let quantity = Quantity { name: "n".into(), title: "n".into() };
    let settings = CompareSettings { seed: 1, n_resamples: 9 };
    let side = side("a", &a);
    assert_eq!(compare(&quantity, &side, &side, settings, &watch), Err(Cancelled));
}

#[test]
fn of_a_row_measured_twice_the_last_counts() {
    let row = |gain: f64, model: &str| -> crate::coherence::Coherence {
        serde_json::from_value(serde_json::json!({
            "id": id(1), "seed_id": id(1), "task": "qasper", "strategy": "human",
            "n_context_tokens": 1, "n_instruction_tokens": 1, "n_answer_tokens": 1,
            "instruction_gain": gain, "truncated": false, "kept_tokens": 1, "tokens_differ": false,
            "model": model,
        }))
        .unwrap()
    };
    let rows = [row(1.0, "small"), row(2.0, "large")];
    let all: Vec<_> = rows.iter().collect();
    let sides = row_sides("c.jsonl".as_ref(), &all, crate::coherence::Measure::InstructionGain);
    assert_eq!(sides.len(), 1);
    assert_eq!((sides[0].n_records, sides[0].points[0].value), (1, 2.0));
    assert!(sides[0].models.iter().eq(["large"].iter()));
    let small =
        row_sides("d.jsonl".as_ref(), &all[..1], crate::coherence::Measure::InstructionGain);
    let found = compared(&small[0], &sides[0]);
    assert!(found.warnings[0].contains("scored by large and small"), "{found:?}");
    let none = row_sides("c.jsonl".as_ref(), &all, crate::coherence::Measure::AnswerGain);
    assert!(none[0].points.is_empty() && none[0].n_records == 1);
    assert_eq!(none[0].strategy, StrategyId::human());
}

#[test]
fn a_sentence_says_who_has_more_and_how_sure_that_is() {
    let seeds = |by: f64| -> Vec<(usize, f64)> {
        (0..24).map(|i| (i, by + (i * i % 7) as f64 / 10.0)).collect()
    };
    let human = records("qasper", "human", &seeds(1.0));
    let made = records("qasper", "context_synthesis", &seeds(3.0));
    let gain = Quantity {
        name: "instruction_gain".into(),
        title: "instruction gain (nats per token)".into(),
    };
    let settings = CompareSettings { seed: 1, n_resamples: 999 };
    let found = |quantity, a: &[_], b: &[_]| {
        let (a, b) = (side("human", a), side("context_synthesis", b));
        compare(quantity, &a, &b, settings, &Watch::default()).unwrap().sentence()
    };
    let clear = found(&gain, &human, &made);
    assert_eq!(
        clear,
        "The instructions of context synthesis depend more on their contexts than human ones: by 2.000 \
         nats per token (95% interval 2.000 to 2.000), p = 0.0020, 24 pairs."
    );
    // The side that has less does not come first, whichever is the baseline.
    let turned = found(&gain, &made, &human);
    assert!(turned.starts_with("Human instructions depend more"), "{turned}");
    assert!(turned.contains("than those of context synthesis: by 2.000 nats"), "{turned}");
    let words = Quantity { name: "context_words".into(), title: "context length (words)".into() };
    let same = found(&words, &human, &human);
    assert!(
        same.ends_with("do not differ: context length (words) is the same in each of 24 pairs.")
    );
    let wide: Vec<(usize, f64)> = (0..24).map(|i| (i, (i * 7 % 24) as f64 / 10.0)).collect();
    let same = found(&words, &human, &records("qasper", "context_synthesis", &wide));
    assert!(
        same.starts_with(
            "These pairs do not show that human contexts are longer than those of context"
        ),
        "{same}"
    );
    let nothing = found(&words, &human, &records("qasper", "mine", &[(99, 1.0)]));
    assert_eq!(nothing, "No seed is paired, so context synthesis and human cannot be compared.");
}

#[test]
fn a_table_becomes_markdown_and_csv() {
    let a = records("qasper", "human", &[(1, 10.0), (2, 20.0)]);
    let b = records("qasper", "mine", &[(1, 13.0), (2, 22.0)]);
    let table = compared(&side("a|x", &a), &side("b, c", &b)).table();
    let markdown = table.to_markdown();
    assert!(markdown.starts_with("## context (words): b, c less a\\|x\n\n| task "), "{markdown}");
    assert!(markdown.contains("---: |") && markdown.contains("a\\|x: mean"), "{markdown}");
    let line = markdown.lines().find(|line| line.starts_with("| Qasper")).unwrap();
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    assert_eq!(cells[1..5], ["Qasper", "2", "0 + 0", "15.00 (15.00)"], "{markdown}");
    assert!(markdown.contains("\n- Qasper, all tasks: only 2 pairs"), "{markdown}");
    let csv = table.to_csv();
    assert_eq!(csv.lines().count(), 3);
    assert!(
        csv.starts_with("task,pairs,unpaired,a|x: mean (median),\"b, c: mean (median)\","),
        "{csv}"
    );
    assert!(csv.contains("\"+2.50 [+2.00, +3.00]\""), "{csv}");
}
