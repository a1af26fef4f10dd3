//! The map beside the text: the whole of it on one strip, with a lane for each kind of mark.

use egui::accesskit::Role;
use egui::{Rect, RichText, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use super::Content;
use super::marked::MarkKind;
use super::regions::RegionKind;

/// Width of the strip of a text with a map, and of one without.
pub const MAP_WIDTH: f32 = 30.0;
pub const TICKS_WIDTH: f32 = 8.0;

/// What is not high is drawn so high.
const LEAST_HEIGHT: f32 = 3.0;

/// A region's place on the strip.
pub struct Stretch {
    /// Below the strip's top.
    pub from: f32,
    /// Below the strip's top.
    pub to: f32,
    /// What it is.
    pub kind: RegionKind,
}

/// A mark's tick, or that of several in the same place.
pub struct Tick {
    /// Below the strip's top.
    pub y: f32,
    /// Why it is marked.
    pub kind: MarkKind,
    /// First byte of the first mark.
    pub at: usize,
}

impl Tick {
    /// Each kind has its own place and size, so that it can be told apart without its colour.
    fn rect(&self, strip: Rect) -> Rect {
        let has_lanes = strip.width() > TICKS_WIDTH;
        let (left, right, height) = match (self.kind, has_lanes) {
            (MarkKind::Answer, false) => (0.0, 1.0, 4.0),
            (MarkKind::Search, false) => (0.0, 0.5, 2.0),
            (MarkKind::Current, _) => (0.0, 1.0, 2.0),
            (MarkKind::Span, false) => (0.5, 1.0, 2.0),
            (MarkKind::Answer, true) => (0.38, 0.64, 4.0),
            (MarkKind::Span, true) => (0.38, 0.64, 2.0),
            (MarkKind::Search, true) => (0.72, 1.0, 2.0),
        };
        let x = strip.left() + strip.width() * left..=strip.left() + strip.width() * right;
        let top = (strip.top() + self.y).min(strip.bottom() - height);
        Rect::from_x_y_ranges(x, top..=top + height)
    }
}

/// Draws the strip. `seen` is what of it is in view, below its top.
pub fn paint(ui: &Ui, strip: Rect, stretches: &[Stretch], ticks: &[Tick], seen: Option<[f32; 2]>) {
    let painter = ui.painter_at(strip);
    let is_dark = ui.visuals().dark_mode;
    if strip.width() > TICKS_WIDTH {
        painter.rect_filled(strip, 0.0, ui.visuals().faint_bg_color);
        if let Some([from, to]) = seen {
            let y = strip.top() + from..=strip.top() + to.max(from + LEAST_HEIGHT);
            let fill = ui.visuals().widgets.inactive.fg_stroke.color.gamma_multiply(0.14);
            painter.rect_filled(Rect::from_x_y_ranges(strip.x_range(), y), 0.0, fill);
        }
        for stretch in stretches {
            // The evidence stands out from the many others, and fits into the own context's outline.
            let inset = if stretch.kind == RegionKind::Own { 0.0 } else { 1.5 };
            let x = strip.left() + inset..=strip.left() + strip.width() * 0.34 - inset;
            let to = stretch.to.max(stretch.from + LEAST_HEIGHT);
            let y = strip.top() + stretch.from..=strip.top() + to;
            stretch.kind.paint(&painter, Rect::from_x_y_ranges(x, y), is_dark, true);
        }
    }
    for tick in ticks {
        painter.rect_filled(tick.rect(strip), 0.0, tick.kind.colours(is_dark).line);
    }
}

/// The tick that is meant by a click at a height, if one is near.
pub fn nearest(ticks: &[Tick], y: f32) -> Option<&Tick> {
    const NEAR: f32 = 5.0;
    let nearest = ticks.iter().min_by(|a, b| (a.y - y).abs().total_cmp(&(b.y - y).abs()));
    nearest.filter(|tick| (tick.y - y).abs() <= NEAR)
}

/// What the lanes are, and how many of each there are.
pub fn legend_ui(ui: &mut Ui, content: &Content) {
    ui.label(RichText::new("The whole text; click or drag to go there").weak());
    for kind in RegionKind::ALL.into_iter().rev() {
        let n = content.regions.iter().filter(|region| region.kind == kind).count();
        row_ui(ui, n, kind.title(), |ui, rect| {
            let rect = Rect::from_center_size(rect.center(), vec2(8.0, rect.height() - 2.0));
            kind.paint(ui.painter(), rect, ui.visuals().dark_mode, true);
        });
    }
    for (kind, title, height) in [
        (MarkKind::Answer, "answers", 4.0),
        (MarkKind::Span, "marked parts", 2.0),
        (MarkKind::Search, "search hits", 2.0),
    ] {
        let is_it = |mark: &MarkKind| {
            *mark == kind || kind == MarkKind::Search && *mark == MarkKind::Current
        };
        let n = content.marks.iter().filter(|mark| is_it(&mark.kind)).count();
        row_ui(ui, n, title, |ui, rect| {
            let rect = Rect::from_center_size(rect.center(), vec2(8.0, height));
            ui.painter().rect_filled(rect, 0.0, kind.colours(ui.visuals().dark_mode).line);
        });
    }
    row_ui(ui, 1, "what is in view", |ui, rect| {
        let rect = Rect::from_center_size(rect.center(), vec2(14.0, 10.0));
        let colour = ui.visuals().widgets.inactive.fg_stroke.color;
        ui.painter().rect_filled(rect, 0.0, colour.gamma_multiply(0.14));
        ui.painter().rect_stroke(rect, 0.0, Stroke::new(0.5, colour), StrokeKind::Inside);
    });
}

fn row_ui(ui: &mut Ui, n: usize, title: &str, paint: impl FnOnce(&Ui, Rect)) {
    if n == 0 {
        return;
    }
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(18.0, 14.0), Sense::hover());
        paint(ui, rect);
        ui.label(if n == 1 { title.to_owned() } else { format!("{title} ({n})") });
    });
}

/// Names the strip for screen readers.
pub fn name(ui: &Ui, response: &egui::Response, label: &str) {
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Image, ui.is_enabled(), format!("Map of {label}"))
    });
}

/// Where a pointer is on the strip, 0 at its top and 1 at its bottom.
pub fn share(strip: Rect, pointer: egui::Pos2) -> f64 {
    let y = pointer.y - strip.top();
    f64::from((y / strip.height().max(1.0)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_means_the_nearest_tick_or_none() {
        let tick = |y: f32| Tick { y, kind: MarkKind::Search, at: y as usize };
        let ticks = [tick(10.0), tick(14.0), tick(50.0)];
        let at = |y: f32| nearest(&ticks, y).map(|tick| tick.at);
        assert_eq!([at(9.0), at(13.0), at(30.0), at(54.0)], [Some(10), Some(14), None, Some(50)]);
        assert!(nearest(&[], 3.0).is_none());
    }

    #[test]
    fn no_two_kinds_of_marks_look_the_same_without_colour() {
        let strip = Rect::from_min_size(egui::Pos2::ZERO, vec2(MAP_WIDTH, 100.0));
        let kinds = [MarkKind::Answer, MarkKind::Search, MarkKind::Span, MarkKind::Current];
        let rects = kinds.map(|kind| Tick { y: 5.0, kind, at: 0 }.rect(strip));
        for (ix, rect) in rects.iter().enumerate() {
            assert!(!rects[..ix].contains(rect), "{rect:?}");
        }
    }
}
