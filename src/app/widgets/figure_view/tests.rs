use super::*;
use crate::figure::{Axis, samples};
use egui::epaint::TextShape;
use egui::{Context, Event, Modifiers, Pos2, RawInput, Shape, Theme, Visuals, pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

fn frame(ctx: &Context, size: [f32; 2], figure: &Figure, events: Vec<Event>) -> Vec<Shape> {
    let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, size.into()));
    let input = RawInput { screen_rect, events, ..RawInput::default() };
    let output = ctx.run_ui(input, |ui| figure_ui(ui, "figure", figure));
    let shapes = output.shapes.iter().map(|clipped| clipped.shape.clone()).collect();
    output.drop_without_applying_deltas();
    shapes
}

fn texts(shapes: &[Shape]) -> Vec<&TextShape> {
    let texts = shapes.iter().filter_map(|shape| match shape {
        Shape::Text(text) => Some(text),
        _ => None,
    });
    texts.filter(|text| !text.galley.text().is_empty()).collect()
}

/// The tick labels and all other words on the screen after a few frames.
fn words_of(ctx: &Context, figure: &Figure, events: Vec<Event>) -> Vec<String> {
    frame(ctx, [1000.0, 650.0], figure, events);
    // The wheel is smoothed over some frames.
    let mut shapes = Vec::new();
    for _ in 0..90 {
        shapes = frame(ctx, [1000.0, 650.0], figure, Vec::new());
    }
    texts(&shapes).iter().map(|text| text.galley.text().to_owned()).collect()
}

fn one_panel() -> Figure {
    let all = samples::densities();
    Figure { panels: all.panels[..1].to_vec(), columns: 1, ..all }
}

#[test]
fn every_sample_is_drawn_in_both_themes() {
    for visuals in [Visuals::dark(), Visuals::light()] {
        let ctx = Context::default();
        ctx.set_visuals(visuals);
        for figure in samples::all() {
            for size in [[1440.0, 900.0], [700.0, 500.0], [120.0, 80.0]] {
                let over = vec![Event::PointerMoved(pos2(size[0] / 3.0, size[1] / 2.0))];
                frame(&ctx, size, &figure, over);
                assert!(
                    !frame(&ctx, size, &figure, Vec::new()).is_empty()
                        || figure == Figure::default()
                );
            }
        }
    }
}

#[test]
fn no_text_is_cut_off_or_meets_another() {
    let ctx = Context::default();
    for figure in samples::all() {
        for size in [[1440.0, 900.0], [1100.0, 700.0], [800.0, 900.0]] {
            frame(&ctx, size, &figure, Vec::new());
            let shapes = frame(&ctx, size, &figure, Vec::new());
            let screen = Rect::from_min_size(Pos2::ZERO, size.into()).expand(1.0);
            let upright = |text: &&&TextShape| text.angle == 0.0 || text.angle < -1.5;
            let texts = texts(&shapes);
            let boxes: Vec<(Rect, &str)> = texts
                .iter()
                .filter(upright)
                .map(|text| (text.visual_bounding_rect(), text.galley.text()))
                .collect();
            for (ix, (rect, words)) in boxes.iter().enumerate() {
                let name = format!("{} at {size:?}", figure.title);
                assert!(screen.contains_rect(*rect), "{name}: {words:?} is cut off: {rect:?}");
                for (other, more) in &boxes[..ix] {
                    let shared = rect.intersect(*other);
                    assert!(!shared.is_positive(), "{name}: {words:?} meets {more:?}");
                }
            }
        }
    }
}

#[test]
fn a_plot_is_found_by_its_label() {
    let figure = samples::densities();
    let mut harness = Harness::builder()
        .with_size([1440.0, 900.0])
        .with_theme(Theme::Dark)
        .build_ui(|ui| figure_ui(ui, "figure", &figure));
    harness.run();
    harness.get_by_label("gov_report (n = 120): density over context length (tokens)");
    harness.get_by_label("instruction synthesis");
    // Also where it is scrolled out of sight.
    harness.set_size([400.0, 500.0].into());
    harness.run();
    harness.get_by_label("gov_report (n = 120): density over context length (tokens)");
}

#[test]
fn the_wheel_zooms_only_with_ctrl_and_a_double_click_goes_back() {
    let ctx = Context::default();
    let figure = one_panel();
    let at = pos2(500.0, 300.0);
    let wheel = |modifiers, y| Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, y),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers,
    };
    let home = words_of(&ctx, &figure, vec![Event::PointerMoved(at)]);
    assert!(home.contains(&"256".to_owned()) && home.contains(&"128k".to_owned()));
    assert_eq!(words_of(&ctx, &figure, vec![wheel(Modifiers::NONE, 200.0)]), home);

    let zoomed = words_of(&ctx, &figure, vec![wheel(Modifiers::CTRL, 400.0)]);
    assert!(!zoomed.contains(&"256".to_owned()), "{zoomed:?}");

    // Another range is another view, and the old one is kept.
    let mut linear = figure.clone();
    linear.panels[0].x = Axis::linear("context length (tokens)", 0.0, 100_000.0);
    let other = words_of(&ctx, &linear, Vec::new());
    assert!(other.contains(&"100k".to_owned()), "{other:?}");
    assert_eq!(words_of(&ctx, &figure, Vec::new()), zoomed);

    let click = |pressed| Event::PointerButton {
        pos: at,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    frame(&ctx, [1000.0, 650.0], &figure, vec![click(true), click(false)]);
    frame(&ctx, [1000.0, 650.0], &figure, vec![click(true), click(false)]);
    assert_eq!(words_of(&ctx, &figure, Vec::new()), home);
}

#[test]
fn views_do_not_get_lost() {
    let home = (0.0, 10.0);
    assert_eq!(held((2.0, 3.0), home), None);
    assert_eq!(held((-5.0, 20.0), home), None);
    assert_eq!(held((50.0, 60.0), home), Some((10.0, 20.0)));
    assert_eq!(held((-5e8, 5e8), home).map(|(lo, hi)| hi - lo), Some(80.0));
    let (lo, hi) = held((5.0, 5.0 + 1e-12), home).unwrap();
    assert!((hi - lo - 1e-5).abs() < 1e-9);
}

#[test]
fn names_leave_out_what_is_missing() {
    let figure = Figure { title: "Gains".into(), ..Figure::default() };
    let panel = |title: &str, x: &str, y: &str| Panel {
        title: title.into(),
        x: Axis::linear(x, 0.0, 1.0),
        y: Axis::linear(y, 0.0, 1.0),
        marks: Vec::new(),
    };
    assert_eq!(accessible_name(&figure, &panel("a", "x", "y")), "a: y over x");
    assert_eq!(accessible_name(&figure, &panel("", "", "y")), "Gains: y");
    assert_eq!(accessible_name(&figure, &panel("", "", "")), "Gains");
    assert_eq!(accessible_name(&Figure::default(), &panel("", "", "")), "plot");
}
