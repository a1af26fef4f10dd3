//! The viewer as a whole, through egui's own input and accessibility tree.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, Pos2, Rect, UiBuilder, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{By, NodeT, Queryable};

use super::pieces::{MAX_BYTES, cut};
use super::typeset::{Look, Place, Typesetter};
use super::{LongText, MarkKind, Marked, marked};

mod hostile;
mod places;

const SIZE: Vec2 = vec2(600.0, 400.0);

/// Numbers that are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

fn window(text: &str, marks: Vec<Marked>) -> Harness<'static, LongText> {
    let mut window = Harness::builder()
        .with_size(SIZE)
        .with_step_dt(1.0 / 60.0)
        .allow_missing_glyphs()
        .build_ui_state(
            |ui, text: &mut LongText| text.ui(ui, "text", "Context"),
            LongText::new(Arc::from(text), marks),
        );
    window.run();
    window
}

fn bounds(window: &Harness<'_, LongText>) -> Rect {
    window.get_by_role_and_label(Role::Document, "Context").rect()
}

/// The rows that are seen, in part or whole.
fn rows(window: &Harness<'_, LongText>) -> Vec<(String, Rect)> {
    let inside = bounds(window);
    let rows = window.query_all(By::new().role(Role::TextRun));
    let rows =
        rows.map(|row| (row.accesskit_node().data().value().unwrap().to_owned(), row.rect()));
    rows.filter(|(_, row)| row.bottom() > inside.top() && row.top() < inside.bottom()).collect()
}

fn top_of(window: &Harness<'_, LongText>, part: &str) -> Option<f32> {
    rows(window).into_iter().find(|(row, _)| row.contains(part)).map(|(_, rect)| rect.top())
}

fn n_labels(window: &Harness<'_, LongText>) -> usize {
    window.query_all_by_role(Role::Label).count()
}

fn wheel(window: &mut Harness<'_, LongText>, by: f32) {
    window.hover_at(pos2(300.0, 200.0));
    window.event(Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, -by),
        source: egui::MouseWheelSource::Wheel,
        phase: egui::TouchPhase::Move,
        modifiers: Modifiers::NONE,
    });
    window.run_steps(30);
}

fn press(window: &mut Harness<'_, LongText>, from: Pos2, to: Pos2) {
    window.hover_at(from);
    window.step();
    window.drag_at(from);
    window.step();
    window.hover_at(to);
    window.step();
}

fn release(window: &mut Harness<'_, LongText>, at: Pos2) {
    window.drop_at(at);
    window.step();
}

fn copied(window: &mut Harness<'_, LongText>) -> Option<String> {
    window.event(Event::Copy);
    window.step();
    let commands = &window.output().platform_output.commands;
    commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

fn mark(text: &str, part: &str, kind: MarkKind) -> Marked {
    let start = text.find(part).unwrap();
    Marked { range: start..start + part.len(), kind }
}

/// Numbered lines of very different lengths, so that estimates are wrong.
fn prose(n_bytes: usize) -> String {
    let mut numbers = Numbers(3);
    let mut text = String::new();
    for line in 0.. {
        if text.len() >= n_bytes {
            break;
        }
        let words = "The ferry left Harwich in a MIST, iii WWW ";
        text += &format!("Line {line}: {}\n", words.repeat(numbers.below(5) * numbers.below(5)));
    }
    text
}

#[test]
fn pieces_are_the_text() {
    let mut numbers = Numbers(11);
    let letters =
        ["a", " ", "\n", "\r\n", "字", "。", "\u{1F469}\u{200D}\u{1F4BB}", "e\u{301}", "ب"];
    for round in 0..300 {
        let n_kinds = 1 + numbers.below(letters.len());
        let first = numbers.below(letters.len());
        let n = numbers.below(9000);
        let mut text = String::new();
        for _ in 0..n {
            // Line breaks seldom, or there are no long lines.
            let ix = (first + numbers.below(n_kinds)) % letters.len();
            let rare = letters[ix].ends_with('\n') && numbers.below(1500) > 0 && round % 3 > 0;
            text += if rare { "x" } else { letters[ix] };
        }
        let (pieces, _) = cut(&text);
        let mut at = 0;
        for piece in &pieces {
            assert_eq!(piece.range.start, at);
            assert!(!piece.range.is_empty() && piece.range.len() <= MAX_BYTES + 2);
            at = piece.range.end;
            assert!(text.is_char_boundary(at));
            let (before, after) = text.split_at(at);
            assert!(!(before.ends_with('\r') && after.starts_with('\n')));
            assert!(before.ends_with('\n') || !after.starts_with('\n'));
            assert!(!after.starts_with(['\u{301}', '\u{200D}']) && !before.ends_with('\u{200D}'));
        }
        assert_eq!(at, text.len());
    }
}

#[test]
fn pieces_end_where_a_row_may() {
    let lines = "0123456789 abc\n".repeat(1000);
    assert!(cut(&lines).0.iter().all(|piece| lines[..piece.range.end].ends_with('\n')));
    let words = "0123456789 ".repeat(1000);
    assert!(cut(&words).0.iter().all(|piece| words[..piece.range.end].ends_with(' ')));
    let sentences = "他去了北京。".repeat(1000);
    assert!(cut(&sentences).0.iter().all(|piece| sentences[..piece.range.end].ends_with('。')));
    // Text of nothing but marks is cut all the same.
    let marks = "\u{301}".repeat(5000);
    assert!(cut(&marks).0.len() < 10);
    assert!(cut("").0.is_empty());
}

#[test]
fn marks_are_split_where_pieces_are() {
    let text = "字".repeat(3000);
    let kinds = [MarkKind::Answer, MarkKind::Search, MarkKind::Span];
    let mut numbers = Numbers(5);
    for _ in 0..200 {
        let mut at = 0;
        let mut marks = Vec::new();
        for ix in 0.. {
            let start = at + 3 * numbers.below(900);
            let end = start + 3 + 3 * numbers.below(1500);
            if end > text.len() {
                break;
            }
            marks.push(Marked { range: start..end, kind: kinds[ix % 3] });
            at = end;
        }
        assert_eq!(marked::tidy(&text, marks.clone()), marks);
        let (mut together, mut covered): (Vec<Marked>, usize) = (Vec::new(), 0);
        for (range, kind) in
            cut(&text).0.iter().flat_map(|piece| marked::parts(&piece.range, &marks))
        {
            assert!(range.start == covered && range.start < range.end);
            covered = range.end;
            let Some(kind) = kind else {
                continue;
            };
            match together.last_mut() {
                Some(last) if last.range.end == range.start && last.kind == kind => {
                    last.range.end = range.end;
                }
                _ => together.push(Marked { range, kind }),
            }
        }
        assert_eq!(covered, text.len());
        assert_eq!(together, marks);
    }
}

#[test]
fn marks_that_do_not_fit_are_mended() {
    let kind = MarkKind::Span;
    let ranges = [(40, 50), (5, 1), (0, 4), (3, 7), (1, 2), (8, usize::MAX), (7, 8)];
    let marks = ranges.map(|(start, end)| Marked { range: start..end, kind }).to_vec();
    let tidied = marked::tidy("aé字bcd", marks);
    // "aé字bcd" has its boundaries at 0, 1, 3, 6, 7, 8 and 9.
    let ranges: Vec<_> = tidied.into_iter().map(|mark| mark.range).collect();
    assert_eq!(ranges, [0..3, 3..7, 7..8, 8..9]);
}

/// A row as it is seen: where it ends, without white space, and how wide its first word is.
struct SeenRow {
    text: String,
    end: f32,
    first_word: f32,
    /// Whether it ends where a piece does, wherever that is.
    is_cut: bool,
}

impl SeenRow {
    fn of(row: &egui::epaint::text::PlacedRow) -> Self {
        let mut dark = row.glyphs.iter().filter(|glyph| !glyph.chr.is_whitespace());
        let end = dark.next_back().map_or(0.0, |glyph| row.pos.x + glyph.max_x());
        let word = row.glyphs.iter().take_while(|glyph| !glyph.chr.is_whitespace());
        let first_word = word.map(|glyph| glyph.advance_width).sum();
        Self { text: row.text(), end, first_word, is_cut: false }
    }
}

#[test]
fn pieces_of_a_line_share_the_row_between_them() {
    let mut numbers = Numbers(9);
    let words = ["a ", "ferry ", "WWW ", "i, ", "\u{2014} ", "(Harwich) "];
    let words: String = (0..2500).map(|_| words[numbers.below(words.len())]).collect();
    let signs = "字".repeat(4000);
    for (text, width) in [(&words, 300.0), (&words, 77.0), (&signs, 200.0)] {
        let content = LongText::new(Arc::from(text.as_str()), Vec::new()).content;
        assert!(content.pieces.len() > 4 && content.pieces[1].joins);
        let ctx = egui::Context::default();
        let mut rows: Vec<SeenRow> = Vec::new();
        let mut n_high = 0.0;
        let output = ctx.run_ui(egui::RawInput::default(), |ui| {
            let mut setter = Typesetter::new(&ctx, &content, Look::of(ui, width));
            for piece in setter.visible(Place::START, f32::INFINITY) {
                let joins = content.pieces[piece.ix].joins;
                for (ix, row) in piece.galley.rows.iter().enumerate() {
                    let row = SeenRow::of(row);
                    match rows.last_mut() {
                        Some(last) if ix == 0 && joins => {
                            last.text += &row.text;
                            last.end = last.end.max(row.end);
                        }
                        Some(last) if ix == 0 => {
                            last.is_cut = true;
                            rows.push(row);
                        }
                        _ => rows.push(row),
                    }
                }
            }
            let heights = (0..content.pieces.len()).map(|ix| setter.height(ix));
            n_high = heights.collect::<Vec<_>>().iter().sum::<f32>() / setter.measure().row_height;
        });
        output.drop_without_applying_deltas();
        assert_eq!(n_high, rows.len() as f32);
        assert!(rows.iter().map(|row| row.text.as_str()).collect::<String>() == *text);
        let longest = rows.iter().map(|row| row.first_word).fold(width, f32::max);
        for (row, next) in rows.iter().zip(&rows[1..]) {
            assert!(row.end <= longest + 2.0, "too long: {:?}", row.text);
            let more = if text == &signs { 14.0 } else { next.first_word + 5.0 };
            assert!(row.is_cut || row.end + more > width - 2.0, "too short: {:?}", row.text);
        }
    }
}

#[test]
fn marked_letters_stand_out_from_their_background() {
    let luminance = |colour: egui::Color32| {
        let linear = egui::Rgba::from(colour);
        0.2126 * linear.r() + 0.7152 * linear.g() + 0.0722 * linear.b() + 0.05
    };
    for kind in [MarkKind::Answer, MarkKind::Search, MarkKind::Span] {
        for is_dark in [true, false] {
            let colours = kind.colours(is_dark);
            let ratio = luminance(colours.letters) / luminance(colours.ground);
            assert!(ratio.max(1.0 / ratio) > 7.0, "{kind:?} {is_dark} {ratio}");
        }
    }
}

#[test]
fn text_and_region_have_their_names() {
    let window = window("First line\nsecond line\n", Vec::new());
    window.get_by_label("First line\nsecond line");
    assert_eq!(rows(&window).len(), 2);
    assert!(bounds(&window).height() > 300.0);
}

#[test]
fn an_empty_text_says_so() {
    let mut window = window("", Vec::new());
    window.get_by_label("(empty)");
    window.state_mut().jump_to(7);
    window.run();
}

#[test]
fn jumps_bring_bytes_into_view() {
    let text = prose(300_000);
    let mut window = window(&text, Vec::new());
    for line in ["Line 900:", "Line 3:", "Line 1010:", "Line 0:"] {
        assert!(top_of(&window, line).is_none() || line == "Line 0:");
        window.state_mut().jump_to(text.find(line).unwrap());
        window.run();
        assert!(top_of(&window, line).is_some(), "{line}");
    }
    window.state_mut().jump_to(usize::MAX);
    window.run();
    let (_, last) = rows(&window).pop().unwrap();
    assert!((last.bottom() - bounds(&window).bottom()).abs() < 1.0);
}

#[test]
fn a_jump_to_what_is_in_view_moves_nothing() {
    let text = prose(50_000);
    let mut window = window(&text, Vec::new());
    let before = rows(&window);
    window.state_mut().jump_to(text.find("Line 1:").unwrap());
    window.run();
    assert_eq!(rows(&window), before);
}

#[test]
fn scrolling_moves_by_what_was_asked_into_parts_never_laid_out() {
    let text = prose(300_000);
    let mut window = window(&text, Vec::new());
    window.state_mut().jump_to(text.find("Line 500:").unwrap());
    window.run();
    for by in [-60.0, -90.0, 70.0, -50.0, 100.0] {
        let (row, before) = rows(&window).swap_remove(rows(&window).len() / 2);
        wheel(&mut window, by);
        let after = rows(&window).into_iter().find(|(other, _)| *other == row);
        let moved = after.map(|(_, rect)| before.top() - rect.top());
        // Rows of the same words may stand nearby; the numbered ones do not.
        if row.starts_with("Line") {
            assert!(moved.is_some_and(|moved| (moved - by).abs() < 0.01), "{row} {moved:?}");
        }
    }
    // Page by page upwards: what was at the top comes to stand near the bottom.
    window.hover_at(pos2(300.0, 200.0));
    for _ in 0..20 {
        let (row, _) = rows(&window).swap_remove(1);
        window.key_press(Key::PageUp);
        window.run();
        let (_, rect) = rows(&window).into_iter().rfind(|(other, _)| *other == row).unwrap();
        assert!(rect.bottom() > SIZE.y - 80.0, "{row}");
    }
}

#[test]
fn rows_wrapped_elsewhere_keep_the_first_in_view() {
    let text = prose(300_000);
    let mut window = window(&text, Vec::new());
    window.state_mut().jump_to(text.find("Line 700:").unwrap());
    window.run();
    wheel(&mut window, 0.3 * SIZE.y);
    let first = |window: &Harness<'_, LongText>| rows(window)[0].0.clone();
    let wide = first(&window);
    for width in [500.0, 430.0, 333.0, 222.0, 600.0] {
        window.set_size(vec2(width, SIZE.y));
        window.run();
        assert!(first(&window).starts_with(&wide[..8]), "{width}: {wide} {}", first(&window));
    }
    assert_eq!(first(&window), wide);
}

#[test]
fn keys_scroll_when_hovered_or_focused() {
    let text = prose(200_000);
    let mut window = window(&text, Vec::new());
    window.key_press(Key::End);
    window.run();
    assert!(top_of(&window, "Line 0:").is_some(), "neither hovered nor focused");
    window.get_by_role_and_label(Role::Document, "Context").focus();
    window.run();
    window.key_press(Key::End);
    window.run();
    assert!(top_of(&window, text.lines().last().unwrap().split(' ').nth(1).unwrap()).is_some());
    window.key_press(Key::Home);
    window.run();
    let start = top_of(&window, "Line 1:").unwrap();
    window.key_press(Key::ArrowDown);
    window.key_press(Key::ArrowDown);
    window.run();
    assert!(top_of(&window, "Line 1:").unwrap() < start - 30.0);
    assert!(window.get_by_role_and_label(Role::Document, "Context").is_focused());
}

#[test]
fn selections_reach_beyond_the_view_and_are_copied_as_they_are() {
    let text = prose(100_000).replace('\n', "\r\n");
    let mut window = window(&text, Vec::new());
    let first = window.get_by_role_and_label(Role::Document, "Context").rect();
    let from = first.left_top() + vec2(4.0, 5.0);
    press(&mut window, from, from + vec2(100.0, 30.0));
    let below = pos2(200.0, SIZE.y + 60.0);
    window.hover_at(below);
    window.run_steps(200);
    release(&mut window, pos2(200.0, SIZE.y - 4.0));
    assert!(top_of(&window, "Line 0:").is_none(), "it scrolls along");
    let copied = copied(&mut window).unwrap();
    assert!(copied.len() > 5000 && text.starts_with(&copied), "{}", copied.len());
}

#[test]
fn what_is_drawn_over_is_selected_also_where_two_pieces_share_a_row() {
    let mut numbers = Numbers(4);
    let words = ["alpha ", "be ", "gamma, ", "delta-epsilon "];
    let text: String = (0..5000).map(|_| words[numbers.below(words.len())]).collect();
    let mut window = window(&text, Vec::new());
    let mut n_shared = 0;
    for at in [1000, 6000, 9000] {
        window.state_mut().jump_to(at);
        window.run();
        let rows = rows(&window);
        let inside = bounds(&window);
        for (_, rect) in rows.iter().filter(|(_, rect)| inside.contains_rect(*rect)) {
            let y = rect.center().y;
            let left = pos2(inside.left() + 2.0, y);
            press(&mut window, left, pos2(inside.right() - 1.0, y));
            release(&mut window, pos2(inside.right() - 1.0, y));
            let parts = rows.iter().filter(|(_, other)| other.y_range().contains(y));
            let parts: Vec<&str> = parts.map(|(part, _)| part.as_str()).collect();
            n_shared += usize::from(parts.len() > 1);
            assert_eq!(copied(&mut window), Some(parts.concat()));
            // Or the next press would be the second of two.
            window.run_steps(30);
        }
    }
    assert!(n_shared > 2, "{n_shared}");
}

#[test]
fn everything_can_be_selected_and_words_and_lines() {
    let text = prose(3_000_000);
    let mut window = window(&text, Vec::new());
    let at = bounds(&window).left_top() + vec2(12.0, 8.0);
    let click = |window: &mut Harness<'_, LongText>| {
        press(window, at, at);
        release(window, at);
    };
    click(&mut window);
    assert_eq!(copied(&mut window), None);
    click(&mut window);
    assert_eq!(copied(&mut window).as_deref(), Some("Line"));
    click(&mut window);
    assert_eq!(copied(&mut window).as_deref(), text.split_inclusive('\n').next());
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.run();
    assert!(copied(&mut window).as_deref() == Some(&text));
}

#[test]
fn the_menu_copies() {
    let text = prose(30_000);
    let mut window = window(&text, Vec::new());
    window.hover_at(pos2(100.0, 100.0));
    window.run();
    assert_eq!(window.output().platform_output.cursor_icon, egui::CursorIcon::Text);
    for item in ["Select all", "Copy"] {
        window.get_by_role_and_label(Role::Document, "Context").click_secondary();
        window.run();
        let at = window.get_by_label(item).rect().center();
        press(&mut window, at, at);
        let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::NONE);
        window.event(Event::PointerButton { pos: at, button, pressed: false, modifiers });
        window.step();
        let commands = window.output().platform_output.commands.clone();
        window.run();
        assert!(
            item != "Copy" || commands.contains(&egui::OutputCommand::CopyText(text.clone())),
            "{item}"
        );
    }
}

#[test]
fn a_wheel_at_the_end_moves_what_is_around() {
    let text = LongText::new(Arc::from(prose(30_000)), Vec::new());
    let mut window = Harness::builder().with_size(SIZE).build_ui_state(
        |ui, text: &mut LongText| {
            egui::ScrollArea::vertical().show(ui, |ui| {
                let room = UiBuilder::new()
                    .max_rect(Rect::from_min_size(ui.cursor().min, vec2(560.0, 300.0)));
                ui.scope_builder(room, |ui| text.ui(ui, "text", "Context"));
                ui.add_space(700.0);
            });
        },
        text,
    );
    window.run();
    let at = bounds(&window);
    wheel(&mut window, 100.0);
    assert_eq!(bounds(&window), at);
    assert!(top_of(&window, "Line 0:").is_none());
    window.state_mut().jump_to(usize::MAX);
    window.run();
    wheel(&mut window, 100.0);
    assert!((at.top() - bounds(&window).top() - 100.0).abs() < 1.0);
}

#[test]
fn the_bar_reaches_both_ends() {
    let text = prose(500_000);
    let mut window = window(&text, Vec::new());
    let bar = window.get_by_role(Role::ScrollBar).rect();
    press(&mut window, bar.center_top() + vec2(0.0, 5.0), bar.center());
    let middle = rows(&window);
    assert!(top_of(&window, "Line 0:").is_none());
    window.run_steps(5);
    assert_eq!(rows(&window), middle, "nothing moves while the handle is held still");
    window.hover_at(bar.center_bottom() + vec2(0.0, 30.0));
    window.step();
    let (last, rect) = rows(&window).pop().unwrap();
    assert!(text.trim_end().ends_with(last.trim_end()));
    assert!((rect.bottom() - bounds(&window).bottom()).abs() < 1.0);
    window.hover_at(bar.center_top() - vec2(0.0, 30.0));
    window.step();
    release(&mut window, bar.center_top() - vec2(0.0, 30.0));
    assert!(top_of(&window, "Line 0:").is_some());
}

#[test]
fn a_tick_leads_to_its_mark() {
    let text = prose(500_000);
    let marks = ["Line 300:", "Line 1500:"].map(|part| mark(&text, part, MarkKind::Answer));
    let mut window = window(&text, marks.to_vec());
    let share = marks[1].range.start as f32 / text.len() as f32;
    let bar = window.get_by_role(Role::ScrollBar).rect();
    let at = pos2(bar.left() - 5.0, bar.top() + bar.height() * share);
    press(&mut window, at, at);
    release(&mut window, at);
    window.run();
    assert!(top_of(&window, "Line 1500:").is_some());
}

#[test]
fn megabytes_are_drawn_a_page_at_a_time() {
    let line = "word ".repeat(1_000_000);
    let unbroken = "字".repeat(1_700_000);
    let breaks = "\n".repeat(5_000_000);
    let short = "a\n".repeat(2_500_000);
    let pairs = format!("a\n{}\n", "b".repeat(2500)).repeat(2000);
    for text in [prose(5_000_000), line, unbroken, breaks, short, pairs] {
        let mut window = window(&text, Vec::new());
        let most = (SIZE.y / 14.0) as usize + 2;
        for at in [0, text.len() / 3, text.len() / 2, text.len() - 1] {
            let at = text.floor_char_boundary(at);
            window.state_mut().jump_to(at);
            window.step();
            assert!((1..most).contains(&n_labels(&window)), "{}", n_labels(&window));
            wheel(&mut window, -3000.0);
            assert!((1..most).contains(&n_labels(&window)), "{}", n_labels(&window));
            let (_, first) = &rows(&window)[0];
            let (_, last) = rows(&window).pop().unwrap();
            let inside = bounds(&window);
            assert!(first.top() <= inside.top() + 1.0 && last.bottom() >= inside.bottom() - 1.0);
        }
    }
}
