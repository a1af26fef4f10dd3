//! Figures for this module's tests: the two usual ones, one with every mark, and hard ones.

use super::axis::Axis;
use super::marks::{Anchor, Dash, Hatch, Mark, Marker, Paint};
use super::palette::okabe_ito;
use super::spec::{Figure, LegendEntry, Panel, Style, Swatch};

const TASKS: [&str; 8] = [
    "narrativeqa",
    "qasper",
    "multifieldqa_en",
    "hotpotqa",
    "2wikimqa",
    "gov_report",
    "multi_news",
    "passage_retrieval_en",
];
const KINDS: [&str; 3] = ["context synthesis", "instruction synthesis", "human"];

/// Every figure the tests draw.
pub(crate) fn all() -> Vec<Figure> {
    let mut all = vec![
        every_mark(),
        densities(),
        gains(&TASKS),
        gains(&[
            "上下文长度与任务",
            "阅读理解，多文档",
            "摘要",
            "检索",
            "代码",
            "问答",
            "对话",
            "少样本",
        ]),
        gains(&[
            "a rather long name of a task that nobody would print",
            "an_equally_long_name_without_any_space_in_it",
            "short",
            "another rather long name of a task",
            "x",
            "y",
            "z",
            "the last of the long names of tasks",
        ]),
        hard(),
        Figure::default(),
        Figure { panels: vec![Panel::default()], ..Figure::default() },
    ];
    for (font_pt, style) in [(6.0, Style::ScreenLight), (12.0, Style::ScreenDark)] {
        let more: Vec<Figure> =
            all[..6].iter().map(|f| Figure { font_pt, style, ..f.clone() }).collect();
        all.extend(more);
    }
    all
}

impl Default for Panel {
    fn default() -> Self {
        Panel {
            title: String::new(),
            x: Axis::linear("", 0.0, 1.0),
            y: Axis::linear("", 0.0, 1.0),
            marks: Vec::new(),
        }
    }
}

/// Eight panels of three densities each.
pub(crate) fn densities() -> Figure {
    let panels = TASKS.iter().enumerate().map(|(task, name)| {
        let mut marks = Vec::new();
        for kind in 0..3 {
            let paint = Paint::new(okabe_ito([0, 4, 2][kind]));
            let centre = 11.0 + kind as f64 + 0.3 * (task % 4) as f64;
            let at: Vec<f64> = (0..=60).map(|i| (8.0 + f64::from(i) * 0.15).exp2()).collect();
            let bell = |x: f64| 0.5 * (-(x.log2() - centre).powi(2)).exp();
            let ys: Vec<f64> = at.iter().map(|x| bell(*x)).collect();
            let series = KINDS[kind].to_owned();
            marks.push(Mark::Band {
                series: series.clone(),
                x: at.clone(),
                lo: vec![0.0; at.len()],
                hi: ys.clone(),
                paint: paint.alpha(0.2),
            });
            marks.push(Mark::Line {
                series: series.clone(),
                xy: at.iter().zip(&ys).map(|(x, y)| [*x, *y]).collect(),
                paint,
            });
            marks.push(Mark::Rule {
                series,
                at: centre.exp2(),
                horizontal: false,
                paint: paint.dash(Dash::Dashed),
            });
        }
        Panel {
            title: format!("{name} (n = 120)"),
            x: Axis::log2("context length (tokens)", 256.0, 131_072.0),
            y: Axis::linear("density", 0.0, 0.55),
            marks,
        }
    });
    Figure {
        title: "Length of contexts by task".into(),
        caption: "Kernel densities on a base-2 logarithm; dashed rules are medians.".into(),
        panels: panels.collect(),
        columns: 4,
        panel_height_in: 1.1,
        legend: (0..3)
            .map(|k| LegendEntry {
                label: KINDS[k].into(),
                swatch: Swatch::Line,
                paint: Paint::new(okabe_ito([0, 4, 2][k])),
            })
            .collect(),
        ..Figure::default()
    }
}

/// Grouped bars with intervals, own contexts solid and shuffled ones hatched.
pub(crate) fn gains(tasks: &[&str]) -> Figure {
    let mut marks = vec![Mark::Rule {
        series: "zero".into(),
        at: 0.0,
        horizontal: true,
        paint: Paint::new([0; 3]).width(0.5),
    }];
    let mut legend = Vec::new();
    for kind in 0..3 {
        for (half, hatch) in [Hatch::Solid, Hatch::Rising].into_iter().enumerate() {
            let paint = Paint::new(okabe_ito([0, 4, 2][kind])).width(0.6);
            let series = format!("{}, {}", KINDS[kind], ["own", "shuffled"][half]);
            let x0: Vec<f64> = (0..tasks.len())
                .map(|t| t as f64 - 0.42 + 0.14 * (2 * kind + half) as f64)
                .collect();
            let x1: Vec<f64> = x0.iter().map(|x| x + 0.13).collect();
            let y1: Vec<f64> = (0..tasks.len())
                .map(|t| {
                    (0.9 - 0.2 * kind as f64) / (1.0 + half as f64 * 6.0) - 0.05 * (t % 3) as f64
                })
                .collect();
            let mid: Vec<f64> = x0.iter().map(|x| x + 0.065).collect();
            let [lo, hi] = [-0.06, 0.06].map(|d| y1.iter().map(|y| y + d).collect::<Vec<f64>>());
            legend.push(LegendEntry { label: series.clone(), swatch: Swatch::Patch(hatch), paint });
            marks.push(Mark::Bars {
                series: series.clone(),
                x0,
                x1,
                y0: vec![0.0; y1.len()],
                y1,
                hatch,
                paint,
            });
            marks.push(Mark::ErrorBars {
                series,
                x: mid,
                lo,
                hi,
                horizontal: false,
                paint: Paint::new([0; 3]).width(0.7),
            });
        }
    }
    let names = tasks.iter().map(|t| (*t).to_owned()).collect();
    Figure {
        caption: "Bars are means over records, whiskers 95 % percentile bootstrap intervals. Own: each instruction with its own context; shuffled: with another record's context of the same task.".into(),
        panels: vec![Panel { title: String::new(), x: Axis::category("", names), y: Axis::linear("instruction gain (nats per token)", -0.2, 1.0), marks }],
        legend, ..Figure::default()
    }
}

/// Small numbers that can be checked by hand.
pub(crate) fn every_mark() -> Figure {
    let paint = Paint::new(okabe_ito(4));
    let marks = vec![
        Mark::Line { series: "l".into(), xy: vec![[1.0, 2.0], [2.0, f64::NAN], [3.0, 1.0]], paint },
        Mark::Step { series: "s".into(), xy: vec![[1.0, 0.5], [4.0, 1.0]], paint },
        Mark::Points {
            series: "p".into(),
            xy: vec![[2.0, 1e-9]],
            ids: vec!["1f".into()],
            marker: Marker::Plus,
            size_pt: 4.0,
            paint,
        },
        Mark::Band {
            series: "b".into(),
            x: vec![1.0, 4.0],
            lo: vec![0.0, 0.0],
            hi: vec![1.0, 2.0],
            paint: paint.alpha(0.3),
        },
        Mark::Rule { series: "r".into(), at: 1.5, horizontal: true, paint },
        Mark::Rule {
            series: "r".into(),
            at: 2.5,
            horizontal: false,
            paint: paint.dash(Dash::Dotted),
        },
        Mark::Text {
            series: "t".into(),
            at: [1.0, 2.0],
            text: "<hi> & bye".into(),
            anchor: Anchor::Middle,
            paint,
        },
    ];
    let first = Panel {
        title: "a, \"b\"".into(),
        x: Axis::linear("x", 1.0, 4.0),
        y: Axis::linear("y", 0.0, 2.0),
        marks,
    };
    let names = Axis::category("", vec!["one".into(), "two".into()]);
    let second = Panel {
        title: "horizontal".into(),
        x: Axis::linear("x", 0.0, 6.0),
        y: names,
        marks: vec![
            Mark::Bars {
                series: "h".into(),
                x0: vec![0.0, 0.0],
                x1: vec![3.0, 5.0],
                y0: vec![-0.4, 0.6],
                y1: vec![0.4, 1.4],
                hatch: Hatch::Cross,
                paint,
            },
            Mark::ErrorBars {
                series: "e".into(),
                x: vec![0.0, 1.0],
                lo: vec![2.0, 4.0],
                hi: vec![4.0, 5.5],
                horizontal: true,
                paint: Paint::new([0; 3]),
            },
        ],
    };
    Figure { panels: vec![first, second], columns: 2, ..Figure::default() }
}

/// Three panels in two columns: gaps and infinities, one value alone, nothing but a rule.
pub(crate) fn hard() -> Figure {
    let paint = Paint::new([0, 0, 0]);
    let wild = Panel {
        title: "A title that is far too long for one line above so narrow a panel, so it is broken"
            .into(),
        x: Axis::log2(
            "context length (tokens, a tokenizer with a long name, and then some)",
            0.0,
            4096.0,
        ),
        y: Axis::linear(
            "a label much longer than its axis is high, which must be broken too, or it hits the title",
            -1e7,
            1e7,
        ),
        marks: vec![
            Mark::Line {
                series: "w".into(),
                xy: vec![
                    [64.0, 1e300],
                    [128.0, -1e300],
                    [0.0, 3.0],
                    [512.0, 0.0],
                    [f64::INFINITY, 0.0],
                    [1024.0, 5e6],
                    [2048.0, 5e7],
                ],
                paint,
            },
            Mark::Bars {
                series: "w".into(),
                x0: vec![0.0, f64::NAN],
                x1: vec![32.0, 9.0],
                y0: vec![0.0, 1.0],
                y1: vec![2e6, 2.0],
                hatch: Hatch::Falling,
                paint,
            },
        ],
    };
    let alone = Panel {
        title: "one value".into(),
        x: Axis::linear("x", 3.0, 3.0),
        y: Axis::log10("y", 7.0, 7.0),
        marks: vec![Mark::Line { series: "o".into(), xy: vec![[3.0, 7.0]], paint }],
    };
    let nothing = Panel {
        title: "nothing".into(),
        x: Axis::linear("x", f64::NAN, 1.0),
        marks: vec![Mark::Rule { series: "zero".into(), at: 0.5, horizontal: true, paint }],
        ..Panel::default()
    };
    Figure {
        title: "Hard cases".into(),
        panels: vec![wild, alone, nothing],
        columns: 2,
        panel_height_in: 1.5,
        ..Figure::default()
    }
}
