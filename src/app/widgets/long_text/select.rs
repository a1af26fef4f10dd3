//! Selecting and copying, in bytes of the whole text: an end may be far out of view.

use std::ops::Range;

use egui::{CursorIcon, Event, Key, Modifiers, Pos2, Response, Ui, vec2};

use super::typeset::Visible;

/// No word is longer: in a text without breaks a double click need not take all of it.
const MOST_WORD_CHARS: usize = 200;

/// What is selected.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    first: Range<usize>,
    last: Range<usize>,
    by: Unit,
    press: Press,
    /// Whether the button is still down.
    pub dragging: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Unit {
    Character,
    Word,
    Line,
}

/// When and where the button went down, and how many times one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Press {
    time_secs: f64,
    at: Pos2,
    n: u32,
}

impl Press {
    /// The press of this frame, which may follow another. egui counts too, but only tells when
    /// the button is let go: too late to draw a selection by words.
    fn now(ui: &Ui, at: Pos2, before: Option<Self>) -> Self {
        let time_secs = ui.input(|input| input.time);
        let rules = ui.ctx().options(|options| options.input_options);
        let n = match before {
            Some(before)
                if time_secs - before.time_secs < rules.max_double_click_delay
                    && at.distance(before.at) < rules.max_click_dist =>
            {
                before.n + 1
            }
            _ => 1,
        };
        Self { time_secs, at, n }
    }

    fn unit(self) -> Unit {
        match self.n {
            0 | 1 => Unit::Character,
            2 => Unit::Word,
            _ => Unit::Line,
        }
    }
}

impl Selection {
    /// What a press at a byte selects.
    fn begun(text: &str, at: usize, press: Press) -> Self {
        let by = press.unit();
        let first = unit_at(text, at, by);
        Self { last: first.clone(), first, by, press, dragging: true }
    }

    fn all(text: &str) -> Self {
        let whole = 0..text.len();
        let press = Press { time_secs: f64::NEG_INFINITY, at: Pos2::ZERO, n: 0 };
        Self { first: whole.clone(), last: whole, by: press.unit(), press, dragging: false }
    }

    /// Bytes of the text; empty if nothing is selected.
    pub fn range(&self) -> Range<usize> {
        self.first.start.min(self.last.start)..self.first.end.max(self.last.end)
    }
}

/// Selects with the pointer, and copies. `origin` is where the text's left and the view's top
/// meet.
pub fn select_ui(
    selection: &mut Option<Selection>,
    ui: &Ui,
    region: &Response,
    origin: Pos2,
    visible: &[Visible],
    text: &str,
) {
    if region.hovered() {
        ui.ctx().set_cursor_icon(CursorIcon::Text);
    }
    let pressed_elsewhere =
        ui.input(|input| input.pointer.any_pressed()) && !ui.rect_contains_pointer(region.rect);
    if pressed_elsewhere {
        region.surrender_focus();
    }
    point(selection, ui, region, origin, visible, text);
    let selected = selection.as_ref().map(Selection::range).unwrap_or_default();
    let copied = |event: &Event| matches!(event, Event::Copy | Event::Cut);
    if region.has_focus() && ui.input(|input| input.events.iter().any(copied)) {
        copy(ui, text, &selected);
    }
    if region.has_focus() && ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::A)) {
        *selection = Some(Selection::all(text));
    }
    region.context_menu(|ui| {
        if ui.add_enabled(!selected.is_empty(), egui::Button::new("Copy")).clicked() {
            copy(ui, text, &selected);
        }
        if ui.button("Select all").clicked() {
            *selection = Some(Selection::all(text));
        }
    });
}

fn copy(ui: &Ui, text: &str, selected: &Range<usize>) {
    if !selected.is_empty() {
        ui.ctx().copy_text(text[selected.clone()].to_owned());
    }
}

fn point(
    selection: &mut Option<Selection>,
    ui: &Ui,
    region: &Response,
    origin: Pos2,
    visible: &[Visible],
    text: &str,
) {
    let (pressed, down, shift, touch) = ui.input(|input| {
        let pointer = &input.pointer;
        let touch = input.has_touch_screen();
        (pointer.primary_pressed(), pointer.primary_down(), input.modifiers.shift, touch)
    });
    let held = down && region.is_pointer_button_down_on();
    // A finger scrolls.
    let pointer = region.interact_pointer_pos().filter(|_| held && !touch);
    let at = pointer.and_then(|pointer| Some((pointer, byte_at(origin, visible, pointer)?)));
    match (selection.as_mut(), at) {
        (Some(selection), None) => selection.dragging = false,
        (Some(selection), Some((_, at))) if selection.dragging && !pressed || pressed && shift => {
            selection.last = unit_at(text, at, selection.by);
            selection.dragging = true;
        }
        (before, Some((pointer, at))) if pressed => {
            let press = Press::now(ui, pointer, before.map(|selection| selection.press));
            *selection = Some(Selection::begun(text, at, press));
            region.request_focus();
        }
        _ => {}
    }
}

/// The byte of the text that a pointer is nearest to.
pub fn byte_at(origin: Pos2, visible: &[Visible], pointer: Pos2) -> Option<usize> {
    let point = |piece: &Visible| pointer - origin - vec2(0.0, piece.y);
    let is_it = |piece: &&Visible| point(piece).y >= 0.0 && !piece.is_before(point(piece));
    let piece = visible.iter().rev().find(is_it).or(visible.first())?;
    Some(piece.byte_at(point(piece)))
}

fn unit_at(text: &str, at: usize, by: Unit) -> Range<usize> {
    match by {
        Unit::Character => at..at,
        Unit::Word => word_at(text, at),
        Unit::Line => line_at(text, at),
    }
}

/// The word at a byte, or the run of spaces or of signs.
fn word_at(text: &str, at: usize) -> Range<usize> {
    let (before, after) = text.split_at(at);
    let Some(c) = after.chars().next().or_else(|| before.chars().next_back()) else {
        return at..at;
    };
    let class = class_of(c);
    let same = |c: &char| class_of(*c) == class;
    let len = |chars: &mut dyn Iterator<Item = char>| -> usize {
        chars.take(MOST_WORD_CHARS).take_while(same).map(char::len_utf8).sum()
    };
    at - len(&mut before.chars().rev())..at + len(&mut after.chars())
}

#[derive(PartialEq)]
enum Class {
    Break,
    Space,
    Word,
    Sign,
}

fn class_of(c: char) -> Class {
    match c {
        '\n' | '\r' => Class::Break,
        _ if c.is_whitespace() => Class::Space,
        _ if c.is_alphanumeric() || c == '_' => Class::Word,
        _ => Class::Sign,
    }
}

/// The line at a byte, with its break.
fn line_at(text: &str, at: usize) -> Range<usize> {
    let (before, after) = text.split_at(at);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let end = after.find('\n').map_or(text.len(), |end| at + end + 1);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_lines_are_found_around_a_byte() {
        let text = "one two-three\r\nvier\u{fc}nf  x\n";
        assert_eq!(&text[word_at(text, 5)], "two");
        assert_eq!(&text[word_at(text, 7)], "-");
        assert_eq!(&text[word_at(text, 13)], "\r\n");
        assert_eq!(&text[word_at(text, 16)], "vier\u{fc}nf");
        assert_eq!(&text[word_at(text, text.len())], "\n");
        assert_eq!(&text[line_at(text, 5)], "one two-three\r\n");
        assert_eq!(&text[line_at(text, 15)], "vier\u{fc}nf  x\n");
        assert_eq!(word_at("", 0), 0..0);
        assert_eq!(word_at(&"字".repeat(9000), 9000).len(), 2 * 3 * MOST_WORD_CHARS);
    }

    #[test]
    fn a_selection_holds_the_units_at_both_ends() {
        let text = "one two three";
        let press = Press { time_secs: 0.0, at: Pos2::ZERO, n: 2 };
        let mut selection = Selection::begun(text, 9, press);
        selection.last = unit_at(text, 5, selection.by);
        assert_eq!(&text[selection.range()], "two three");
    }
}
