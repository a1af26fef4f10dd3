use super::*;
use crate::coherence::summarize;
use crate::figure::{Panel, to_csv};

/// Twelve records of a task and strategy; the i-th has gains of `gain` + i / 100 and a context of
/// 100 (i + 1) tokens.
fn rows(task: &str, strategy: &str, gain: f64) -> Vec<Coherence> {
    let row = |i: u32| {
        let up = gain + f64::from(i) / 100.0;
        let json = serde_json::json!({
            "id": format!("{:08x}{i:08x}", (gain * 100.0) as u32), "seed_id": format!("{i:016x}"),
            "task": task, "strategy": strategy, "n_context_tokens": 100 * (i + 1),
            "n_instruction_tokens": 5, "n_answer_tokens": 2, "instruction_gain": up,
            "instruction_gain_shuffled": 0.1, "answer_gain": up / 2.0, "answer_gain_shuffled": 0.0,
            "instruction_dependence": up - 0.1, "answer_dependence": up / 2.0,
            "own_rank": if i < 9 { 1.0 } else { 3.0 }, "truncated": i == 11, "kept_tokens": 100,
            "tokens_differ": false, "model": "scorer", "shuffles": 4,
            "auc_instruction": if i < 9 { 1.0 } else { 0.5 }, "auc_answer": 0.75,
        });
        serde_json::from_value(json).unwrap()
    };
    (0..12).map(row).collect()
}

fn some() -> Vec<Coherence> {
    let mut all = rows("hotpotqa", "human", 2.0);
    all.extend(rows("hotpotqa", "context_synthesis", 1.0));
    all.extend(rows("qasper", "human", 3.0));
    all
}

fn drawn(form: CoherenceForm, rows: &[Coherence]) -> Figure {
    let rows: Vec<&Coherence> = rows.iter().collect();
    coherence_figure(form, &rows, &summarize(rows.iter().copied(), 1))
}

/// The points of a series: its name, where they are, of what.
type Cloud = (String, Vec<[f64; 2]>, Vec<String>);

fn points(panel: &Panel) -> Vec<Cloud> {
    let of = |mark: &Mark| match mark {
        Mark::Points { series, xy, ids, .. } => Some((series.clone(), xy.clone(), ids.clone())),
        _ => None,
    };
    panel.marks.iter().filter_map(of).collect()
}

#[test]
fn a_scatter_tells_of_which_record_each_point_is() {
    let rows = some();
    let figure = drawn(CoherenceForm::Scatter, &rows);
    let titles: Vec<&str> = figure.panels.iter().map(|panel| panel.title.as_str()).collect();
    assert_eq!(titles, ["Qasper (n = 12)", "HotpotQA (n = 12)"]);
    let clouds = points(&figure.panels[1]);
    let [human, synthetic] = &clouds[..] else { panic!("two strategies") };
    assert_eq!([human.0.as_str(), synthetic.0.as_str()], ["human", "context synthesis"]);
    for (mark, first) in [(human, 0), (synthetic, 12)] {
        for (ix, (at, id)) in mark.1.iter().zip(&mark.2).enumerate() {
            let row = &rows[first + ix];
            assert_eq!(id, row.id.as_str());
            assert_eq!(Some(at[0]), row.instruction_gain);
            assert_eq!(Some(at[1]), row.answer_gain);
        }
    }
    // What a point is of survives the spec and reaches the table.
    let text = crate::figure::to_json(&figure).unwrap();
    assert_eq!(crate::figure::from_json(&text).unwrap(), figure);
    assert!(to_csv(&figure).contains(&format!(",{},\n", rows[0].id)));
}

#[test]
fn gains_over_length_have_means_of_bins_and_tell_of_cut_contexts() {
    let figure = drawn(CoherenceForm::Length, &some());
    assert_eq!((figure.panels.len(), figure.columns), (4, 2));
    assert!(figure.caption.contains("Of 3 records"), "{}", figure.caption);
    let human = figure.panels[1].marks.iter().find_map(|mark| match mark {
        Mark::Line { series, xy, .. } if series == "human, means" => Some(xy),
        _ => None,
    });
    // Twelve records make two bins of six: 100 to 600 and 700 to 1200 tokens.
    let means = human.unwrap();
    assert_eq!(means.len(), 2);
    for (mean, [x, y]) in means.iter().zip([[350.0, 2.025], [950.0, 2.085]]) {
        assert!((mean[0] - x).abs() < 1e-9 && (mean[1] - y).abs() < 1e-9, "{mean:?}");
    }
    let few = drawn(CoherenceForm::Length, &some()[..9]);
    assert!(!few.panels[0].marks.iter().any(|mark| matches!(mark, Mark::Line { .. })));
}

#[test]
fn ranks_climb_to_one_and_stand_beside_chance() {
    let mut rows = some();
    // All instructions of this task are one, so that there is no rank.
    for row in rows.iter_mut().filter(|row| row.task == "qasper") {
        row.auc_instruction = None;
    }
    let figure = drawn(CoherenceForm::Rank, &rows);
    assert_eq!(figure.panels.len(), 1);
    let shares: Vec<f64> = points(&figure.panels[0])[0].1.iter().map(|[_, y]| *y).collect();
    assert_eq!(shares, [0.75, 0.75, 1.0, 1.0, 1.0]);
    let chance = figure.panels[0].marks.iter().find_map(|mark| match mark {
        Mark::Line { series, xy, .. } if series == "chance" => Some(xy),
        _ => None,
    });
    assert_eq!((chance.unwrap()[0], chance.unwrap()[4]), ([1.0, 0.2], [5.0, 1.0]));
    assert!(drawn(CoherenceForm::Rank, &[]).panels.is_empty());
}

#[test]
fn auc_has_its_intervals_and_the_table_its_effects() {
    let rows = some();
    let figure = drawn(CoherenceForm::Auc, &rows);
    let human = &points(&figure.panels[0])[0];
    assert_eq!((human.0.as_str(), human.1.len()), ("human", 2));
    assert_eq!(human.1[1][1], 0.875);
    let rows: Vec<&Coherence> = rows.iter().collect();
    let table = coherence_table(&summarize(rows.iter().copied(), 1));
    let line = &table.rows[2];
    assert_eq!((line[0].as_str(), line[1].as_str()), ("HotpotQA: human", "12"));
    // Own less other is 1.9 to 2.01 in steps of 0.01: mean 1.955, standard deviation 0.03606.
    assert_eq!(line[4], "+54.22");
    assert!(line[5].starts_with("0.88 [") && line[9].starts_with("0.75 ["), "{line:?}");
    assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
    let latex = coherence_latex(&summarize(rows.iter().copied(), 1));
    assert_eq!(latex.matches("\\begin{tabular}{lrrrrr}").count(), 2, "one below the other");
    assert!(latex.contains("\\caption{Coherence of the answer"), "{latex}");
    assert!(latex.contains("54.22") && !latex.contains('+') && !latex.contains("table*"));
}
