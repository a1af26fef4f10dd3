//! Figures for this module's tests: the two usual ones, one with every mark, and hard ones.

use super::axis::Axis;
use super::marks::{Anchor, BoxNumbers, Dash, Hatch, Mark, Marker, Paint};
use super::palette::{hatch, okabe_ito};
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
const LONGBENCH: [&str; 21] = [
    "narrativeqa",
    "qasper",
    "multifieldqa_en",
    "multifieldqa_zh",
    "hotpotqa",
    "2wikimqa",
    "musique",
    "dureader",
    "gov_report",
    "qmsum",
    "multi_news",
    "vcsum",
    "trec",
    "triviaqa",
    "samsum",
    "lsht",
    "passage_count",
    "passage_retrieval_en",
    "passage_retrieval_zh",
    "lcc",
    "repobench-p",
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
        gains(&LONGBENCH),
        hard(),
        spreads(),
        heat(),
        Figure::default(),
        Figure { panels: vec![Panel::default()], ..Figure::default() },
    ];
    for (font_pt, style) in [(6.0, Style::ScreenLight), (12.0, Style::ScreenDark)] {
        let more: Vec<Figure> =
            all[..9].iter().map(|f| Figure { font_pt, style, ..f.clone() }).collect();
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
    let third = Panel {
        title: "spreads and cells".into(),
        x: Axis::category("", vec!["one".into(), "two".into(), "three".into()]),
        y: Axis::linear("y", 0.0, 10.0),
        marks: vec![
            Mark::HeatMap {
                series: "m".into(),
                x: vec![-0.5, 0.5, 1.5],
                y: vec![0.0, 1.0],
                values: vec![0.25, f64::NAN],
                labels: vec!["a".into(), "b".into()],
                colors: Axis::linear("share", 0.0, 1.0),
            },
            Mark::Boxes {
                series: "x".into(),
                x: vec![1.0],
                width: 0.5,
                boxes: vec![BoxNumbers {
                    whiskers: [2.0, 7.0],
                    quartiles: [3.0, 4.0, 5.0],
                    outliers: vec![9.0],
                }],
                hatch: Hatch::Rising,
                paint,
            },
            Mark::Violin {
                series: "v".into(),
                at: 2.0,
                y: vec![2.0, 4.0, 6.0],
                half_width: vec![0.0, 0.25, 0.0],
                quartiles: [3.0, 4.0, 5.0],
                hatch: Hatch::Level,
                paint,
            },
        ],
    };
    Figure { panels: vec![first, second, third], columns: 2, ..Figure::default() }
}

/// Boxes of all tasks and strategies above, violins of three tasks below.
pub(crate) fn spreads() -> Figure {
    let paint = |kind: usize| Paint::new(okabe_ito([0, 4, 2][kind])).width(0.8);
    let middle = |task: usize, kind: usize| 11.0 + 0.7 * kind as f64 + 0.4 * (task % 4) as f64;
    let boxes = (0..3).map(|kind| Mark::Boxes {
        series: KINDS[kind].into(),
        x: (0..TASKS.len()).map(|task| task as f64 + 0.27 * (kind as f64 - 1.0)).collect(),
        width: 0.22,
        boxes: (0..TASKS.len())
            .map(|task| {
                let at = |octaves: f64| (middle(task, kind) + octaves).exp2();
                let outliers = (0..kind + task % 3).map(|i| at(2.2 + 0.3 * i as f64));
                BoxNumbers {
                    whiskers: [at(-1.8), at(2.0)],
                    quartiles: [at(-0.6), at(0.1), at(0.7)],
                    outliers: outliers.collect(),
                }
            })
            .collect(),
        hatch: hatch(kind),
        paint: paint(kind),
    });
    let violins =
        (0..3).flat_map(|task| (0..3).map(move |kind| (task, kind))).map(|(task, kind)| {
            let octaves: Vec<f64> = (0..=80).map(|i| -3.0 + 6.0 * f64::from(i) / 80.0).collect();
            let bell = |o: &f64| 0.1 * (-0.7 * o * o).exp() * (1.0 + 0.4 * (3.0 * o).cos());
            let at = |o: f64| (middle(task, kind) + o).exp2();
            Mark::Violin {
                series: KINDS[kind].into(),
                at: task as f64 + 0.3 * (kind as f64 - 1.0),
                half_width: octaves.iter().map(bell).collect(),
                y: octaves.iter().map(|o| at(*o)).collect(),
                quartiles: [at(-0.6), at(0.0), at(0.6)],
                hatch: hatch(kind),
                paint: paint(kind),
            }
        });
    let names = |n: usize| TASKS[..n].iter().map(|name| (*name).to_owned()).collect();
    let panel = |title: &str, n, marks| Panel {
        title: title.into(),
        x: Axis::category("", names(n)),
        y: Axis::log2("context length (tokens)", 256.0, 131_072.0),
        marks,
    };
    Figure {
        title: "Spread of context lengths".into(),
        caption: "Boxes reach from the lower to the upper quartile, whiskers to the last record within 1.5 times that; violins are densities with median and quartiles.".into(),
        panels: vec![
            panel("boxes", TASKS.len(), boxes.collect()),
            panel("violins", 3, violins.collect()),
        ],
        legend: (0..3)
            .map(|kind| LegendEntry {
                label: KINDS[kind].into(),
                swatch: Swatch::PalePatch(hatch(kind)),
                paint: paint(kind),
            })
            .collect(),
        ..Figure::default()
    }
}

/// Labelled cells of tasks and strategies, and many small ones over length and depth.
pub(crate) fn heat() -> Figure {
    let scores = |n: usize| (0..n).map(|i| ((i * 37 + 11) % 100) as f64 / 100.0);
    let edges = |n: usize| (0..=n).map(|i| i as f64 - 0.5).collect::<Vec<f64>>();
    let mut values: Vec<f64> = scores(24).collect();
    values[7] = f64::NAN;
    let labelled = Mark::HeatMap {
        series: "scores".into(),
        x: edges(8),
        y: edges(3),
        labels: values
            .iter()
            .map(|v| if v.is_nan() { "".into() } else { format!("{:.0}", 100.0 * v) })
            .collect(),
        values,
        colors: Axis::linear("score (share of exact matches)", 0.0, 1.0),
    };
    let octaves: Vec<f64> = (0..=16).map(|i| (9.0 + 0.5 * f64::from(i)).exp2()).collect();
    let found = Mark::HeatMap {
        series: "found".into(),
        x: octaves,
        y: (0..=20).map(|i| f64::from(i) / 20.0).collect(),
        values: (0..320)
            .map(|i| {
                1.0 / (1.0
                    + (0.6 * (f64::from(i % 16) - 10.0) + 2.0 * (0.15 * f64::from(i / 16)).sin())
                        .exp())
            })
            .collect(),
        labels: Vec::new(),
        colors: Axis::linear("score (share of exact matches)", 0.0, 1.0),
    };
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
    Figure {
        title: "Scores".into(),
        panels: vec![
            Panel {
                title: "by task".into(),
                x: Axis::category("", names(&TASKS)),
                y: Axis::category("", names(&KINDS)),
                marks: vec![labelled],
            },
            Panel {
                title: "by length and depth".into(),
                x: Axis::log2("length (tokens)", 512.0, 131_072.0),
                y: Axis::linear("depth of the needle", 1.0, 0.0),
                marks: vec![found],
            },
        ],
        ..Figure::default()
    }
}

/// A hundred thousand records as a cloud of points.
pub(crate) fn cloud() -> Figure {
    // Knuth's MMIX generator: any numbers will do that look random.
    let mut state = 1u64;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    let xy = (0..100_000).map(|_| {
        let [a, b, c] = [(); 3].map(|()| next());
        [(9.0 + 3.0 * (a + b)).exp2(), a + 0.6 * c]
    });
    let points = Mark::Points {
        series: "records".into(),
        xy: xy.collect(),
        ids: Vec::new(),
        marker: Marker::Circle,
        size_pt: 2.2,
        paint: Paint::new(okabe_ito(4)).alpha(0.3),
    };
    Figure {
        title: "Gain over length".into(),
        panels: vec![Panel {
            title: String::new(),
            x: Axis::log2("context length (tokens)", 512.0, 32_768.0),
            y: Axis::linear("gain", 0.0, 1.6),
            marks: vec![points],
        }],
        ..Figure::default()
    }
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
