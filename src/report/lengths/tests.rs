use super::*;
use crate::data::StrategyId;
use crate::figure::{Hatch, to_svg};
use crate::stats;

fn group(strategy: &str, task: &str, lengths: &[f64]) -> Group {
    Group {
        strategy: strategy.into(),
        task: task.to_owned(),
        field: Field::Context,
        unit: Unit::Words,
        summary: stats::summarize(lengths).unwrap(),
        lengths: lengths.to_vec(),
        records: Vec::new(),
    }
}

/// Two tasks, strategies of different n, one with a single record.
fn some() -> Lengths {
    let many: Vec<f64> = (0..40).map(|i| f64::from(100 + i * i)).collect();
    Lengths {
        tokenizer: None,
        groups: vec![
            group("human", "hotpotqa", &many),
            group("context_synthesis", "hotpotqa", &[150.0, 160.0, 300.0]),
            group("mine", "hotpotqa", &[400.0]),
            group("human", "qasper", &[90.0, 2000.0]),
        ],
    }
}

fn all_views() -> impl Iterator<Item = LengthsView> {
    [Form::Density, Form::Histogram, Form::Cumulative].into_iter().flat_map(|form| {
        [true, false].map(|log| LengthsView { form, log, ..LengthsView::usual(&some()) })
    })
}

fn view(form: Form, log: bool) -> LengthsView {
    LengthsView { form, log, ..LengthsView::usual(&some()) }
}

/// HotpotQA with three strategies, Qasper with one: the paper's order is the other way round.
fn panels(figure: &Figure) -> [(&Panel, &'static [&'static str]); 2] {
    assert!(figure.panels[0].title.starts_with("Qasper"));
    let [qasper, hotpotqa] = figure.panels.as_slice() else { panic!("two panels") };
    [(hotpotqa, &["human", "context synthesis", "mine"]), (qasper, &["human"])]
}

/// The corners of the line or staircase of a series.
fn line<'a>(panel: &'a Panel, name: &str) -> &'a [[f64; 2]] {
    let found = panel.marks.iter().find_map(|mark| match mark {
        Mark::Line { series, xy, .. } | Mark::Step { series, xy, .. } if series == name => Some(xy),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn every_form_shows_every_strategy_and_its_median() {
    for view in all_views() {
        let figure = lengths_figure(&some(), view);
        assert_eq!(figure.legend.len(), 3);
        assert!(!figure.caption.is_empty() && figure.title.starts_with("Context lengths"));
        for (panel, names) in panels(&figure) {
            assert_eq!(panel.x.label, "context length (words)");
            assert_eq!(panel.x.range, figure.panels[0].x.range);
            assert_eq!(panel.y, figure.panels[0].y);
            for name in names {
                let xy = line(panel, name);
                assert!(xy.iter().flatten().all(|v| v.is_finite()), "{view:?}");
                let median = line(panel, &format!("{name}, median"));
                assert_eq!((median.len(), median[0][0]), (2, median[1][0]), "{view:?}");
            }
        }
    }
}

#[test]
fn shares_of_a_histogram_sum_to_one() {
    for log in [true, false] {
        let figure = lengths_figure(&some(), view(Form::Histogram, log));
        for (panel, names) in panels(&figure) {
            for name in names {
                let mut bars = 0.0;
                for mark in &panel.marks {
                    if let Mark::Bars { series, y1, hatch, .. } = mark
                        && series == name
                    {
                        bars += y1.iter().sum::<f64>();
                        assert_ne!(*hatch, Hatch::Solid);
                    }
                }
                assert!((bars - 1.0).abs() < 1e-12, "{name} {log} {bars}");
                // The outline's first corner stands on the axis, at the first bar's left edge.
                let outline: f64 = line(panel, name).iter().map(|[_, y]| y).sum();
                assert!((outline - 1.0).abs() < 1e-12, "{name} {log} {outline}");
            }
        }
    }
}

#[test]
fn bins_are_the_same_everywhere_and_hold_whole_numbers() {
    let lengths = some();
    let groups: Vec<&Group> = lengths.groups.iter().collect();
    for log in [true, false] {
        let edges = Ruler::of(&groups, log).bins();
        assert!((20..=25).contains(&edges.len()), "{}", edges.len());
        assert!(edges.iter().all(|edge| (edge - edge.floor() - 0.5).abs() < 1e-6), "{edges:?}");
        assert!(edges[0] <= 90.0 && edges[edges.len() - 1] >= 2000.0);
        let figure = lengths_figure(&lengths, view(Form::Histogram, log));
        for panel in &figure.panels {
            let corners = line(panel, "human");
            assert!(corners.iter().all(|[x, _]| edges.contains(x)));
        }
    }
}

#[test]
fn lower_bars_stand_in_front() {
    let figure = lengths_figure(&some(), view(Form::Histogram, true));
    let bars: Vec<(f64, f64)> = (panels(&figure)[0].0.marks.iter())
        .filter_map(|mark| match mark {
            Mark::Bars { x0, y1, .. } => Some(x0.iter().copied().zip(y1.iter().copied())),
            _ => None,
        })
        .flatten()
        .collect();
    for (i, (x, y)) in bars.iter().enumerate() {
        assert!(bars[..i].iter().all(|(before, higher)| before != x || higher >= y));
    }
}

#[test]
fn cumulative_shares_climb_from_zero_to_one() {
    for log in [true, false] {
        let figure = lengths_figure(&some(), view(Form::Cumulative, log));
        assert_eq!(figure.panels[0].y.label, "share of records");
        for name in ["human", "context synthesis", "mine"] {
            let xy = line(panels(&figure)[0].0, name);
            assert_eq!([xy[0][1], xy[xy.len() - 1][1]], [0.0, 1.0]);
            assert!(xy.is_sorted_by(|a, b| a[0] <= b[0] && a[1] <= b[1]), "{name}");
        }
        let half = line(panels(&figure)[1].0, "human");
        assert!(half.contains(&[90.0, 0.5]) && half.contains(&[2000.0, 1.0]));
    }
}

#[test]
fn densities_have_an_area_of_one() {
    for log in [true, false] {
        let figure = lengths_figure(&some(), view(Form::Density, log));
        // Linear: per 1000 words, because the axis reaches over thousands.
        let label = if log { "density" } else { "density per 1k words" };
        assert_eq!(figure.panels[0].y.label, label);
        let measure = |x: f64| if log { x.log2() } else { x / 1000.0 };
        for name in ["human", "context synthesis", "mine"] {
            let area: f64 = line(panels(&figure)[0].0, name)
                .windows(2)
                .map(|p| (measure(p[1][0]) - measure(p[0][0])) * (p[0][1] + p[1][1]) / 2.0)
                .sum();
            // What little is missing lies beyond the axis.
            assert!((0.9..1.001).contains(&area), "{name} {log} {area}");
        }
    }
}

#[test]
fn the_density_of_the_shortest_falls_off_on_both_sides() {
    let short =
        Lengths { tokenizer: None, groups: vec![group("human", "qasper", &[1.0, 1.0, 2.0])] };
    let figure = lengths_figure(&short, view(Form::Density, true));
    let xy = line(&figure.panels[0], "human");
    let highest = xy.iter().fold([0.0, 0.0], |top, at| if at[1] > top[1] { *at } else { top });
    assert!(
        (0.9..1.1).contains(&highest[0]) && xy[0][1] < 0.7 * highest[1],
        "{highest:?} {:?}",
        xy[0]
    );
}

#[test]
fn a_single_record_is_no_needle() {
    let figure = lengths_figure(&some(), view(Form::Density, true));
    let peak = |name| line(panels(&figure)[0].0, name).iter().map(|[_, y]| *y).fold(0.0, f64::max);
    assert!(peak("mine") < 2.0, "{}", peak("mine"));
    for view in all_views() {
        let alone = Lengths { tokenizer: None, groups: vec![group("human", "qasper", &[7.0])] };
        let figure = lengths_figure(&alone, view);
        assert!(figure.panels[0].x.ticks.len() >= 2, "{view:?} {:?}", figure.panels[0].x);
        let svg = to_svg(&figure);
        assert!(svg.contains("(n = 1)") && !svg.contains("no data"), "{view:?}");
    }
}

#[test]
fn ticks_of_short_lengths_are_whole_numbers() {
    for (shortest, longest) in
        [(1, 1), (1, 2), (1, 3), (2, 2), (3, 3), (2, 5), (6, 7), (0, 0), (0, 2)]
    {
        let lengths: Vec<f64> = (shortest..=longest).map(f64::from).collect();
        let short = Lengths { tokenizer: None, groups: vec![group("human", "qasper", &lengths)] };
        for view in all_views() {
            let axis = &lengths_figure(&short, view).panels[0].x;
            let labels: Vec<&str> = axis.ticks.iter().map(|tick| tick.label.as_str()).collect();
            assert!((2..=8).contains(&labels.len()), "{view:?} {lengths:?} {labels:?}");
            assert!(labels.iter().all(|label| label.parse::<u32>().is_ok()), "{labels:?}");
        }
    }
}

#[test]
fn the_view_is_named() {
    let mut lengths = some();
    lengths.groups[0].field = Field::Answer;
    lengths.groups[0].unit = Unit::Tokens;
    let view =
        LengthsView { field: Field::Answer, unit: Unit::Tokens, ..view(Form::Cumulative, false) };
    let figure = lengths_figure(&lengths, view);
    assert_eq!(figure.panels[0].x.label, "answer length (tokens)");
    assert_eq!(figure.title, "Answer lengths, cumulative");
    lengths.tokenizer = Some("smol".into());
    assert_eq!(lengths_figure(&lengths, view).panels[0].x.label, "answer length (tokens, smol)");
    assert_eq!(LengthsView::usual(&lengths).unit, Unit::Tokens);
    let nothing = lengths_figure(&lengths, LengthsView { field: Field::Prompt, ..view });
    assert!(nothing.panels.is_empty() && to_svg(&nothing).contains("no data"));
}

#[test]
fn points_are_for_few_records() {
    let has_points = |figure: &Figure| {
        figure.panels[0].marks.iter().any(|mark| matches!(mark, Mark::Points { .. }))
    };
    let few = lengths_figure(&some(), view(Form::Density, true));
    assert!(has_points(&few) && few.caption.contains("point"));
    assert!(few.panels[0].y.range[0] < 0.0 && few.panels[0].y.ticks[0].at == 0.0);
    let many: Vec<f64> = (1..=1001).map(f64::from).collect();
    let many = Lengths { tokenizer: None, groups: vec![group("human", "qasper", &many)] };
    let many = lengths_figure(&many, view(Form::Density, true));
    assert!(!has_points(&many) && !many.caption.contains("point"));
    assert_eq!(many.panels[0].y.range[0], 0.0);
}

#[test]
fn a_strategy_keeps_its_paint() {
    let paints = |figure: &Figure| {
        let of = |name: &str| figure.legend.iter().find(|e| e.label == name).map(|e| e.paint);
        of("mine").unwrap()
    };
    let mut lengths = some();
    let before = paints(&lengths_figure(&lengths, view(Form::Density, true)));
    lengths.groups.push(group("another", "qasper", &[5.0, 6.0]));
    assert_eq!(paints(&lengths_figure(&lengths, view(Form::Density, true))), before);
    assert_eq!(before.color, crate::report::strategy_color(&StrategyId::from("mine")));
}

#[test]
fn notes_tell_the_median_and_the_distance_to_the_test_set() {
    let mut lengths = some();
    let notes = |lengths: &Lengths, view| -> Vec<(String, String, f64)> {
        let figure = lengths_figure(lengths, view);
        let marks = panels(&figure)[0].0.marks.iter();
        let of = |mark: &Mark| match mark {
            Mark::Text { series, text, at, .. } => Some((series.clone(), text.clone(), at[1])),
            _ => None,
        };
        marks.filter_map(of).collect()
    };
    let before = notes(&lengths, view(Form::Density, true));
    assert_eq!(before[0].1, "median 480");
    // All of `mine` is 400 words long; the human lengths are i^2 + 100 for i under 40.
    let distance = (0..40).map(|i: i32| f64::from((i * i - 300).abs())).sum::<f64>() / 40.0;
    assert_eq!(before[2].1, format!("400, W {distance:.0}"));
    lengths.groups.push(group("test", "hotpotqa", &[500.0]));
    for view in all_views() {
        let with_test = notes(&lengths, view);
        let words: Vec<&str> = with_test.iter().map(|note| note.1.as_str()).collect();
        // The test set stands before strategies of other names.
        let words = [words[3], words[2]];
        assert_eq!(words, ["400, W 100", "median 500"], "{view:?}");
        let figure = lengths_figure(&lengths, view);
        assert!(figure.caption.contains("the lengths of test in words"), "{}", figure.caption);
        // Notes have room above what is drawn, one line each.
        let y = &figure.panels[0].y;
        assert!(with_test.iter().all(|note| (y.range[0]..y.range[1]).contains(&note.2)));
        assert!(with_test.is_sorted_by(|a, b| a.2 > b.2), "{view:?}");
        let marks = figure.panels.iter().flat_map(|panel| &panel.marks);
        let top = marks.map(highest).fold(0.0, f64::max);
        assert!(with_test.iter().all(|note| note.2 > top), "{view:?}");
    }
}

#[test]
fn violins_stand_side_by_side_with_the_distances_below() {
    for log in [true, false] {
        let figure = lengths_figure(&some(), view(Form::Violin, log));
        let [violins, distances] = figure.panels.as_slice() else { panic!("two panels") };
        assert_eq!(violins.y.label, "context length (words)");
        let mut middles = Vec::new();
        for mark in &violins.marks {
            let Mark::Violin { at, y, half_width, quartiles, .. } = mark else {
                panic!("{mark:?}")
            };
            assert_eq!(y.len(), half_width.len());
            assert!(y.is_sorted() && quartiles.is_sorted(), "{log}");
            let most = half_width.iter().copied().fold(0.0, f64::max);
            assert!(most > 0.05 && half_width.iter().all(|half| *half > 0.0));
            // No violin reaches into another's place, nor into another task.
            assert!(middles.iter().all(|(other, theirs)| at - other >= most + theirs));
            assert!((at - at.round()).abs() + most < 0.5);
            middles.push((*at, most));
        }
        assert_eq!(middles.len(), 4);
        let bars: Vec<(&str, usize, f64)> = (distances.marks.iter())
            .filter_map(|mark| match mark {
                Mark::Bars { series, y1, .. } => Some((series.as_str(), y1.len(), y1[0])),
                _ => None,
            })
            .collect();
        // Qasper has human records alone.
        assert_eq!(
            bars.iter().map(|bar| (bar.0, bar.1)).collect::<Vec<_>>(),
            [("context synthesis", 1), ("mine", 1)]
        );
        let expected = stats::wasserstein(&some().groups[0].lengths, &[400.0]).unwrap();
        assert!((bars[1].2 - expected).abs() < 1e-9);
        assert!(to_svg(&figure).contains("Distance from human"));
    }
    let nothing = Lengths { tokenizer: None, groups: Vec::new() };
    assert!(lengths_figure(&nothing, view(Form::Violin, true)).panels.is_empty());
    let alone = Lengths { tokenizer: None, groups: vec![group("human", "qasper", &[7.0])] };
    assert_eq!(lengths_figure(&alone, view(Form::Violin, true)).panels.len(), 1);
}
