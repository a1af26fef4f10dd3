use super::super::axis::Axis;
use super::super::marks::{BoxNumbers, Hatch, Mark, Marker, Paint};
use super::super::palette::lightness;
use super::super::samples;
use super::super::spec::Panel;
use super::*;

fn texts(drawing: &Drawing) -> Vec<&TextRun> {
    let text = |p: &'_ Primitive| matches!(p, Primitive::Text(_));
    drawing
        .primitives
        .iter()
        .filter(|p| text(p))
        .map(|p| match p {
            Primitive::Text(run) => run,
            _ => unreachable!(),
        })
        .collect()
}

/// Corners of a text from its ascent to its descent.
fn corners(run: &TextRun) -> [[f64; 2]; 4] {
    let w = text::width(&run.text, run.size_pt, run.bold);
    let left = match run.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => -w / 2.0,
        Anchor::End => -w,
    };
    let (up, down) = (-0.76 * run.size_pt, 0.24 * run.size_pt);
    let (sin, cos) = run.turn_deg.to_radians().sin_cos();
    [[left, up], [left + w, up], [left + w, down], [left, down]]
        .map(|[x, y]| [run.at[0] + x * cos - y * sin, run.at[1] + x * sin + y * cos])
}

/// Whether two convex quadrilaterals share an area: no side of either separates them.
fn meet(a: &[[f64; 2]; 4], b: &[[f64; 2]; 4]) -> bool {
    let sides = |q: &[[f64; 2]; 4]| [0, 1].map(|i| [q[i][1] - q[i + 1][1], q[i + 1][0] - q[i][0]]);
    sides(a).into_iter().chain(sides(b)).all(|[nx, ny]| {
        let reach = |q: &[[f64; 2]; 4]| {
            let along = q.map(|[x, y]| x * nx + y * ny);
            [along.into_iter().fold(f64::MAX, f64::min), along.into_iter().fold(f64::MIN, f64::max)]
        };
        let ([a0, a1], [b0, b1]) = (reach(a), reach(b));
        let slack = 0.01 * nx.hypot(ny);
        a0 < b1 - slack && b0 < a1 - slack
    })
}

#[test]
fn no_text_is_cut_off_or_meets_another() {
    for figure in samples::all() {
        for width_in in [3.3, 5.5, 6.8] {
            let drawing = layout(&Figure { width_in, ..figure.clone() });
            let boxes: Vec<_> = texts(&drawing).iter().map(|t| (corners(t), &t.text)).collect();
            let name = format!("{} {} pt, {width_in} in", figure.title, figure.font_pt);
            for (i, (quad, words)) in boxes.iter().enumerate() {
                for [x, y] in quad {
                    let inside = (0.0..=drawing.width_pt).contains(x)
                        && (0.0..=drawing.height_pt).contains(y);
                    assert!(inside, "{name}: {words:?} is cut off at {x} {y}");
                }
                for (other, more) in &boxes[..i] {
                    assert!(!meet(quad, other), "{name}: {words:?} meets {more:?}");
                }
            }
        }
    }
}

#[test]
fn marks_stay_in_their_panels() {
    for figure in [samples::hard(), samples::every_mark()] {
        let figure = Figure { legend: Vec::new(), ..figure };
        let drawing = layout(&figure);
        // The colour bar stands above all panels.
        let above = drawing.panels[0].y - 3.0 * figure.font_pt;
        let near = |p: &[f64; 2]| {
            p[1] < above
                || drawing.panels.iter().any(|r| {
                    let ticks = 4.0;
                    Rect { x: r.x - ticks, y: r.y, w: r.w + ticks, h: r.h + ticks }.holds(*p)
                })
        };
        for primitive in &drawing.primitives {
            if let Primitive::Path { runs, stroke, .. } = primitive {
                assert!(runs.iter().flatten().all(near), "{stroke:?}");
            }
        }
    }
}

#[test]
fn panels_are_equal_and_aligned() {
    let drawing = layout(&samples::densities());
    let plots = &drawing.panels;
    assert_eq!(plots.len(), 8);
    for (ix, plot) in plots.iter().enumerate() {
        assert_eq!((plot.w, plot.h), (plots[0].w, 1.1 * 72.0));
        assert_eq!(plot.x, plots[ix % 4].x);
        assert_eq!(plot.y, plots[ix / 4 * 4].y);
    }
    assert_eq!(drawing.width_pt, 6.8 * 72.0);
    // Repeated labels are printed once per row and once per column.
    let count = |word: &str| texts(&drawing).iter().filter(|t| t.text == word).count();
    assert_eq!(count("density"), 2);
    let below: String = texts(&drawing)
        .iter()
        .filter(|t| t.text.starts_with("context length"))
        .map(|t| t.text.as_str())
        .collect();
    assert_eq!(below.matches("context length").count(), 4);
}

#[test]
fn too_many_columns_become_fewer() {
    let figure = Figure { width_in: 2.5, ..samples::densities() };
    let drawing = layout(&figure);
    assert!(drawing.panels[0].w >= 6.0 * figure.font_pt);
    assert!(drawing.panels[1].y > drawing.panels[0].y || drawing.panels[2].y > drawing.panels[0].y);
}

#[test]
fn empty_panels_say_so() {
    let count =
        |figure: &Figure| texts(&layout(figure)).iter().filter(|t| t.text == "no data").count();
    assert_eq!(count(&samples::hard()), 1);
    assert_eq!(count(&samples::every_mark()), 0);
    assert_eq!(count(&Figure { panels: vec![Panel::default(); 3], ..Figure::default() }), 3);
    let gap = Mark::Points {
        ids: Vec::new(),
        series: String::new(),
        xy: vec![[f64::NAN, 0.5]],
        marker: Marker::Circle,
        size_pt: 3.0,
        paint: Paint::new([0; 3]),
    };
    assert_eq!(
        count(&Figure {
            panels: vec![Panel { marks: vec![gap], ..Panel::default() }],
            ..Figure::default()
        }),
        1
    );
}

#[test]
fn a_line_breaks_at_a_gap_and_keeps_lone_points() {
    let xy = vec![
        [0.0, 0.0],
        [0.5, 1.0],
        [f64::NAN, 0.0],
        [0.75, 0.5],
        [1.0, f64::INFINITY],
        [0.8, 0.2],
        [1.0, 0.0],
    ];
    let marks = vec![Mark::Line { series: String::new(), xy, paint: Paint::new([1, 2, 3]) }];
    let drawing =
        layout(&Figure { panels: vec![Panel { marks, ..Panel::default() }], ..Figure::default() });
    let plot = drawing.panels[0];
    assert!(drawing.primitives.iter().any(|p| matches!(p, Primitive::Circle { at, .. }
        if (at[0] - plot.x - 0.75 * plot.w).abs() < 1e-9)));
    let line = drawing.primitives.iter().find_map(|p| match p {
        Primitive::Path { runs, stroke: Some(s), .. } if s.ink.color == [1, 2, 3] => Some(runs),
        _ => None,
    });
    let runs = line.unwrap();
    assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(runs[0], [[plot.x, plot.bottom()], [plot.x + plot.w / 2.0, plot.y]]);
}

#[test]
fn steps_hold_their_value_and_bars_reach_a_log_floor() {
    let paint = Paint::new([1, 2, 3]);
    let marks = vec![
        Mark::Step { series: String::new(), xy: vec![[1.0, 1.0], [4.0, 16.0]], paint },
        Mark::Bars {
            series: String::new(),
            x0: vec![1.0],
            x1: vec![4.0],
            y0: vec![0.0],
            y1: vec![4.0],
            hatch: Hatch::Solid,
            paint,
        },
    ];
    let panel = Panel {
        x: Axis::log2("", 1.0, 16.0),
        y: Axis::log2("", 1.0, 16.0),
        marks,
        ..Panel::default()
    };
    let drawing = layout(&Figure { panels: vec![panel], ..Figure::default() });
    let plot = drawing.panels[0];
    let (half, low) = (plot.x + plot.w / 2.0, plot.bottom());
    assert!(drawing.primitives.iter().any(|p| matches!(p, Primitive::Path { runs, .. }
        if runs[0] == [[plot.x, low], [half, low], [half, plot.y]])));
    assert!(drawing.primitives.iter().any(|p| matches!(p, Primitive::Rect { rect, .. }
        if rect.x == plot.x && rect.w == plot.w / 2.0 && rect.h == plot.h / 2.0 && rect.bottom() == low)));
}

#[test]
fn black_does_not_vanish_on_a_dark_page() {
    assert_eq!(Style::ScreenDark.visible([0, 0, 0]), Style::ScreenDark.ink());
    assert_eq!(Style::ScreenDark.visible([230, 159, 0]), [230, 159, 0]);
    assert_eq!(Style::Paper.visible([0, 0, 0]), [0, 0, 0]);
    assert_eq!(Style::Paper.visible([255, 255, 250]), Style::Paper.ink());
}

#[test]
fn senseless_sizes_still_make_a_page() {
    let figure = Figure {
        width_in: f64::NAN,
        panel_height_in: -1.0,
        font_pt: f64::INFINITY,
        columns: 0,
        ..samples::densities()
    };
    let drawing = layout(&figure);
    assert_eq!(drawing.width_pt, 6.8 * 72.0);
    assert!(drawing.height_pt.is_finite() && drawing.panels.len() == 8);
}

#[test]
fn a_wrapped_legend_lines_up() {
    let drawing = layout(&samples::gains(&["a", "b"]));
    let at = |label: &str| {
        let texts = texts(&drawing);
        texts.iter().find(|t| t.text == label).unwrap().at
    };
    assert_eq!(at("human, own")[0], at("human, shuffled")[0]);
    assert_eq!(at("human, own")[1], at("context synthesis, own")[1]);
    assert!(at("human, own")[0] > at("context synthesis, own")[0]);
    assert!(at("human, own")[1] < drawing.panels[0].y);
}

#[test]
fn names_beside_a_plot_are_broken_and_cut_to_their_slot() {
    let names: Vec<String> = (0..6)
        .map(|i| {
            format!("{i} {}", "a name far too long to stand beside a plot this narrow ".repeat(3))
        })
        .collect();
    let panel = Panel { y: Axis::category("", names), ..Panel::default() };
    let figure = Figure { panels: vec![panel], width_in: 3.3, ..Figure::default() };
    let drawing = layout(&figure);
    let cut = texts(&drawing).iter().filter(|t| t.text.ends_with('\u{2026}')).count();
    assert_eq!(cut, 6);
    assert!(drawing.panels[0].w > 0.55 * drawing.width_pt);
}

/// A figure of one mark over 0 to 10 on both axes.
fn alone(mark: Mark) -> Figure {
    let axis = || Axis::linear("", 0.0, 10.0);
    let panel = Panel { x: axis(), y: axis(), marks: vec![mark], ..Panel::default() };
    Figure { panels: vec![panel], ..Figure::default() }
}

fn grid(n: usize, label: &str) -> Figure {
    let edges: Vec<f64> = (0..=n).map(|i| 10.0 * i as f64 / n as f64).collect();
    alone(Mark::HeatMap {
        series: String::new(),
        x: edges.clone(),
        y: edges,
        values: (0..n * n).map(|i| i as f64).collect(),
        labels: vec![label.into(); n * n],
        colors: Axis::linear("found", 0.0, (n * n - 1) as f64),
    })
}

#[test]
fn cells_are_labelled_where_all_labels_fit() {
    let count = |figure: &Figure, label: &str| {
        texts(&layout(figure)).iter().filter(|t| t.text == label).count()
    };
    assert_eq!(count(&grid(5, "ab"), "ab"), 25);
    assert_eq!(count(&grid(40, "ab"), "ab"), 0);
    assert_eq!(count(&grid(5, &"wide ".repeat(9)), &"wide ".repeat(9)), 0);
}

#[test]
fn labels_of_cells_can_be_read_on_every_colour() {
    let drawing = layout(&grid(8, "ab"));
    // WCAG 2, 1.4.3: the contrast of text and ground.
    let luminance = |color: [u8; 3]| {
        let l = lightness(color);
        if l > 8.0 { ((l + 16.0) / 116.0).powi(3) } else { l * 27.0 / 24389.0 }
    };
    let filled = drawing.primitives.iter().filter_map(|p| match p {
        Primitive::Rect { rect, fill: Some(ink), .. } => Some((*rect, ink.color)),
        _ => None,
    });
    let cells: Vec<_> = filled.collect();
    for run in texts(&drawing).iter().filter(|t| t.text == "ab") {
        let (_, ground) = cells.iter().rfind(|(rect, _)| rect.holds(run.at)).unwrap();
        let [a, b] = [luminance(run.ink.color), luminance(*ground)].map(|v| v + 0.05);
        assert!(a.max(b) / a.min(b) >= 4.4, "{ground:?}");
    }
}

#[test]
fn colours_of_cells_are_those_of_the_bar() {
    let drawing = layout(&grid(5, ""));
    let plot = drawing.panels[0];
    let inks = |inside: bool| {
        let filled = drawing.primitives.iter().skip(1).filter_map(|p| match p {
            Primitive::Rect { rect, fill: Some(ink), .. } => Some((rect, ink.color)),
            _ => None,
        });
        let here = filled.filter(|(r, _)| plot.holds([r.x + 0.1, r.y + 0.1]) == inside);
        here.map(|(_, color)| color).collect::<Vec<_>>()
    };
    let (bar, cells) = (inks(false), inks(true));
    assert_eq!(cells.len(), 25);
    let near = |a: [u8; 3], b: [u8; 3]| (0..3).all(|i| a[i].abs_diff(b[i]) < 8);
    assert!(near(bar[0], cells[0]) && near(bar[bar.len() - 1], cells[24]));
    assert!(cells.iter().all(|cell| bar.iter().any(|piece| near(*piece, *cell))));
    assert!(texts(&drawing).iter().any(|t| t.text == "found" && t.at[1] < drawing.panels[0].y));
}

#[test]
fn one_scale_of_colours_has_one_bar() {
    let [mut one, other] = [grid(5, ""), grid(4, "")];
    one.panels.push(one.panels[0].clone());
    assert_eq!(color_scales(&one).len(), 1);
    one.panels.extend(other.panels);
    assert_eq!(color_scales(&one).len(), 2);
    assert!(color_scales(&samples::hard()).is_empty());
}

#[test]
fn a_box_stands_at_its_numbers() {
    let numbers = BoxNumbers {
        whiskers: [1.0, 9.0],
        quartiles: [2.0, 4.0, 8.0],
        outliers: vec![0.5, f64::NAN, 99.0],
    };
    let drawing = layout(&alone(Mark::Boxes {
        series: String::new(),
        x: vec![5.0],
        width: 2.0,
        boxes: vec![numbers],
        hatch: Hatch::Solid,
        paint: Paint::new([1, 2, 3]),
    }));
    let plot = drawing.panels[0];
    let place = |x: f64, y: f64| [plot.x + x / 10.0 * plot.w, plot.bottom() - y / 10.0 * plot.h];
    let at = |a: [f64; 2], b: [f64; 2]| (0..2).all(|i| (a[i] - b[i]).abs() < 1e-9);
    let is_body = |p: &Primitive| {
        matches!(p, Primitive::Rect { rect, stroke: Some(s), .. } if s.ink.color == [1, 2, 3]
            && at([rect.x, rect.y], place(4.0, 8.0)) && at([rect.right(), rect.bottom()], place(6.0, 2.0)))
    };
    assert_eq!(drawing.primitives.iter().filter(|p| is_body(p)).count(), 1);
    let has_line = |from: [f64; 2], to: [f64; 2]| {
        drawing.primitives.iter().any(|p| match p {
            Primitive::Path { runs, .. } => {
                runs.iter().any(|run| run.len() == 2 && at(run[0], from) && at(run[1], to))
            }
            _ => false,
        })
    };
    assert!(has_line(place(4.0, 4.0), place(6.0, 4.0)), "the median");
    assert!(
        has_line(place(5.0, 2.0), place(5.0, 1.0)) && has_line(place(5.0, 8.0), place(5.0, 9.0))
    );
    let rings = drawing
        .primitives
        .iter()
        .filter(|p| matches!(p, Primitive::Circle { at: c, .. } if at(*c, place(5.0, 0.5))));
    assert_eq!(rings.count(), 1);
    let all = drawing.primitives.iter().filter(|p| matches!(p, Primitive::Circle { .. }));
    assert_eq!(all.count(), 1, "neither gaps nor what is out of the plot");
}

#[test]
fn a_violin_is_as_wide_as_its_density_and_hatched_inside() {
    let drawing = layout(&alone(Mark::Violin {
        series: String::new(),
        at: 5.0,
        y: vec![2.0, 5.0, 8.0],
        half_width: vec![0.0, 3.0, 0.0],
        quartiles: [3.0, 5.0, f64::NAN],
        hatch: Hatch::Rising,
        paint: Paint::new([1, 2, 3]),
    }));
    let plot = drawing.panels[0];
    let value =
        |p: &[f64; 2]| [10.0 * (p[0] - plot.x) / plot.w, 10.0 * (plot.bottom() - p[1]) / plot.h];
    let mut ticks = Vec::new();
    for primitive in &drawing.primitives {
        let Primitive::Path { runs, stroke: Some(stroke), .. } = primitive else { continue };
        for [x, y] in runs.iter().flatten().map(value).filter(|_| stroke.ink.color == [1, 2, 3]) {
            assert!((x - 5.0).abs() <= 3.0 - (y - 5.0).abs() + 1e-6, "{x} {y}");
        }
        let is_level = |run: &&Vec<[f64; 2]>| run.len() == 2 && run[0][1] == run[1][1];
        let inside = runs.iter().filter(is_level).filter(|run| plot.holds(run[0]));
        ticks.extend(inside.map(|run| {
            let [[left, y], [right, _]] = [value(&run[0]), value(&run[1])];
            [y, right - left].map(|v| (v * 100.0).round() / 100.0)
        }));
    }
    assert_eq!(ticks, [[3.0, 2.0], [5.0, 6.0]]);
}

#[test]
fn long_names_beside_a_heat_map_are_printed_in_full() {
    let names = ["SFT1: needle only", "SFT2: needle in a long text", "SFT3: both, long and short"];
    let map = |title: &str| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let edges = |n: u32| (0..=n).map(|ix| f64::from(ix) - 0.5).collect::<Vec<f64>>();
        Panel {
            title: title.into(),
            x: Axis::category("test length", ["0", "1k", "4k", "32k"].map(str::to_owned).to_vec()),
            y: Axis::category("", names),
            marks: vec![Mark::HeatMap {
                series: "accuracy".into(),
                x: edges(4),
                y: edges(3),
                values: vec![50.0; 12],
                labels: Vec::new(),
                colors: Axis::linear("accuracy", 0.0, 100.0),
            }],
        }
    };
    let panels = vec![map("one"), map("two")];
    let (width_in, panel_height_in) = (3.3, 0.85);
    let drawing =
        layout(&Figure { panels, columns: 2, width_in, panel_height_in, ..Figure::default() });
    let words: String = texts(&drawing).iter().map(|run| run.text.as_str()).collect();
    let words: String = words.split_whitespace().collect();
    for name in names {
        let name: String = name.split_whitespace().collect();
        assert_eq!(words.matches(&name).count(), 2, "{name} in {words}");
    }
    assert!(drawing.panels.iter().all(|plot| plot.w >= 48.0), "{:?}", drawing.panels);
}

#[test]
fn a_tall_figure_fits_on_a_page() {
    let eight = samples::densities();
    let tall = Figure { panel_height_in: 1.65, width_in: 3.3, ..eight };
    let drawing = layout(&tall);
    assert!(drawing.height_pt <= PAGE_PT + 0.01, "{} pt", drawing.height_pt);
    // What fits stays as it is.
    let low = layout(&Figure { panel_height_in: 0.9, ..tall });
    assert!(low.panels.iter().all(|plot| (plot.h - 0.9 * 72.0).abs() < 1e-9));
}

#[test]
fn a_label_too_long_for_narrow_panels_is_written_once_across_the_page() {
    let words = "length of the context (tokens of some model)";
    let panel = || Panel { x: Axis::linear(words, 0.0, 9.0), ..Panel::default() };
    let of = |width_in: f64, n: usize| {
        let panels = (0..n).map(|_| panel()).collect();
        layout(&Figure { panels, columns: 3, width_in, ..Figure::default() })
    };
    for n in [3, 5, 7] {
        let drawing = of(3.3, n);
        let labels: Vec<_> = texts(&drawing).into_iter().filter(|t| t.text == words).collect();
        assert_eq!(labels.len(), 1, "{n} panels");
        let inside = |[x, _]: &[f64; 2]| (0.0..=drawing.width_pt).contains(x);
        assert!(corners(labels[0]).iter().all(inside));
        let lowest = drawing.panels.iter().map(Rect::bottom).fold(0.0, f64::max);
        assert!(labels[0].at[1] > lowest + 10.0, "below the tick labels");
    }
    let labels = |drawing: &Drawing| texts(drawing).iter().filter(|t| t.text == words).count();
    assert_eq!(labels(&of(20.0, 3)), 3, "where there is room each panel has its own");
}
