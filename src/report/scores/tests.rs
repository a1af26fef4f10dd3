use super::*;
use crate::figure::{Figure, Panel, Scale, to_svg};
use std::path::PathBuf;

fn results(tasks: &[(&str, f64)]) -> Results {
    let grade = |(task, score): &(&str, f64)| {
        // A quarter of the records has no point, the others what makes the mean right.
        let grades = (0..40).map(|i| if i % 4 == 0 { 0.0 } else { score * 4.0 / 3.0 }).collect();
        let records = std::sync::Arc::default();
        TaskGrade { task: (*task).to_owned(), score: *score, grades, records }
    };
    let tasks = tasks.iter().map(grade).collect();
    Results { path: PathBuf::new(), tasks, warnings: Vec::new() }
}

fn model(name: &str, tasks: &[(&str, f64)]) -> ModelScores {
    ModelScores { name: name.into(), results: results(tasks) }
}

const FULL: [(&str, f64); 4] =
    [("narrativeqa", 20.0), ("qasper", 40.0), ("2wikiqa", 30.0), ("trec", 60.0)];

fn names(panel: &Panel) -> Vec<String> {
    match &panel.x.scale {
        Scale::Category(names) => names.clone(),
        _ => panic!("an axis of names"),
    }
}

fn heights(panel: &Panel, name: &str) -> Vec<f64> {
    let of = |mark: &Mark| match mark {
        Mark::Bars { series, y1, .. } if series == name => Some(y1.clone()),
        _ => None,
    };
    panel.marks.iter().find_map(of).unwrap()
}

fn line(figure: &Figure, panel: usize) -> Vec<f64> {
    let of = |mark: &Mark| match mark {
        Mark::Line { xy, .. } => Some(xy.iter().map(|at| at[1]).filter(|y| !y.is_nan()).collect()),
        _ => None,
    };
    figure.panels[panel].marks.iter().find_map(of).unwrap()
}

#[test]
fn scores_stand_in_the_papers_groups_with_their_means() {
    let models = [model("LongAlign", &FULL), model("context_synthesis", &FULL[..3])];
    let human = model("human", &[("qasper", 50.0)]);
    let figure = scores_figure(&models, Some(&human));
    let titles: Vec<&str> = figure.panels.iter().map(|panel| panel.title.as_str()).collect();
    let expected =
        ["Single-document QA", "Multi-document QA", "Few-shot", "All 3 tasks of the paper"];
    assert_eq!(titles, expected);
    assert_eq!(names(&figure.panels[0]), ["NarrativeQA", "Qasper", "mean"]);
    // A mean of one task is that task; of tasks that have nothing in common it says nothing.
    assert_eq!(names(&figure.panels[1]), ["2WikiMQA"]);
    assert_eq!(names(&figure.panels[2]), ["TREC"]);
    for name in ["LongAlign", "context synthesis"] {
        assert_eq!(heights(&figure.panels[0], name), [20.0, 40.0, 30.0]);
        assert_eq!(heights(&figure.panels[3], name), [30.0]);
    }
    assert_eq!(heights(&figure.panels[2], "context synthesis"), [0.0; 0]);
    // A line over the one task that the reference has: its mean would be of that alone.
    assert_eq!(line(&figure, 0), [50.0, 50.0]);
    let whiskers = |panel: &Panel| {
        let of = |mark: &Mark| match mark {
            Mark::ErrorBars { lo, hi, .. } => Some((lo.len(), lo[0], hi[0])),
            _ => None,
        };
        panel.marks.iter().find_map(of)
    };
    let (n, lo, hi) = whiskers(&figure.panels[0]).unwrap();
    assert!(n == 3 && lo < 20.0 && hi > 20.0, "tasks and their mean have intervals");
    assert!(to_svg(&figure).contains("Dashed line: human."));
    let table = scores_table(&models, Some(&human));
    assert_eq!(table.columns, ["task", "LongAlign", "context synthesis", "human"]);
    let firsts: Vec<&str> = table.rows.iter().map(|row| row[0].as_str()).collect();
    let expected = [
        "NarrativeQA",
        "Qasper",
        "Single-document QA: mean",
        "2WikiMQA",
        "TREC",
        "All 3 tasks of the paper: mean",
    ];
    assert_eq!(firsts, expected);
    // Two tasks of 40 records, a quarter of which has no point: by hand the mean's standard error is
    // sqrt(26.67^2 + 53.33^2) * sqrt(3 / 16 / 40) / 2 = 2.04, so about 26 to 34.
    for cell in &table.rows[2][1..3] {
        let ends = cell.strip_prefix("30.00 [").and_then(|rest| rest.strip_suffix(']')).unwrap();
        let (lo, hi) = ends.split_once(", ").unwrap();
        let ends: [f64; 2] = [lo, hi].map(|end| end.parse().unwrap());
        assert!((ends[0] - 26.0).abs() < 0.6 && (ends[1] - 34.0).abs() < 0.6, "{cell}");
    }
    assert_eq!(table.rows[2][3], "-");
    assert!(table.rows[0][1].starts_with("20.00 ["), "{:?}", table.rows[0]);
}

#[test]
fn other_tasks_of_longbench_leave_the_papers_means_alone() {
    let of_paper = |task: &Task| if task.is_of_paper() { 40.0 } else { 90.0 };
    let scores: Vec<(&str, f64)> =
        Task::all().iter().map(|task| (task.name, of_paper(task))).collect();
    let models = [model("all", &scores)];
    let figure = scores_figure(&models, None);
    let titles: Vec<&str> = figure.panels.iter().map(|panel| panel.title.as_str()).collect();
    let expected = [
        "Single-document QA",
        "Multi-document QA",
        "Summarization",
        "Single-document QA, other tasks",
        "Multi-document QA, other tasks",
        "Summarization, other tasks",
        "Few-shot",
        "Synthetic",
        "Code",
        "All 8 tasks of the paper",
    ];
    assert_eq!(titles, expected);
    assert_eq!(heights(&figure.panels[0], "all"), [40.0; 3]);
    assert_eq!(heights(&figure.panels[6], "all"), [90.0; 5]);
    assert_eq!(heights(&figure.panels[9], "all"), [40.0]);
    let pairs = [GapPair {
        name: "context_synthesis".into(),
        without: results(&scores),
        with: results(&scores),
    }];
    let means = names(&gap_figure(&pairs, None).panels[0]);
    assert_eq!(means, [&expected[..3], &["all of these"]].concat());
}

#[test]
fn a_gap_is_with_less_without() {
    let more: Vec<(&str, f64)> = FULL.iter().map(|(task, score)| (*task, score + 10.0)).collect();
    let pairs = [GapPair {
        name: "context_synthesis".into(),
        without: results(&FULL),
        with: results(&more),
    }];
    let figure = gap_figure(&pairs, Some(&model("human", &FULL)));
    assert_eq!(figure.panels.len(), 2);
    let expected = ["Single-document QA", "Multi-document QA", "all of these"];
    assert_eq!(names(&figure.panels[0]), expected);
    let of = |panel: usize, arm: &str| {
        heights(&figure.panels[panel], &format!("context synthesis, {arm} context"))
    };
    assert_eq!(of(0, "without"), [30.0, 30.0, 30.0]);
    assert_eq!(of(1, "with"), [30.0, 50.0, 40.0, 70.0]);
    assert_eq!(line(&figure, 1)[..4], [20.0, 20.0, 40.0, 40.0]);
    let table = gap_table(&pairs, None);
    let row = &table.rows[0];
    assert_eq!(row[..3], ["NarrativeQA: context synthesis", "20.00", "30.00"]);
    assert!(row[3].starts_with("+10.00 [+") && row[4].parse::<f64>().unwrap() < 0.01, "{row:?}");
    // Every record of both tasks gained the same in its task, so that a mean is as sure as they are.
    let mean = table.rows.iter().find(|row| row[0].starts_with("Single-document QA: mean"));
    let mean = mean.unwrap();
    assert!(mean[3].starts_with("+10.00 [+"), "{mean:?}");
    assert!(mean[4].parse::<f64>().unwrap() < 0.01, "{mean:?}");
    // Each task counts the same, however many records it has.
    assert_eq!(gap::evenly(&[vec![1.0], vec![4.0, 8.0, 6.0]]), [2.0, 8.0 / 3.0, 16.0 / 3.0, 4.0]);
    // Grades of another number of records cannot be paired.
    let mut short = pairs.clone();
    short[0].with.tasks[0].grades.pop();
    let row = &gap_table(&short, None).rows[0];
    assert_eq!(row[3..], ["+10.00", "-"]);
}
