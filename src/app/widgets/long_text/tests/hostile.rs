//! Odd texts and no room.

use super::*;

#[test]
fn odd_texts_do_no_harm() {
    let odd = "\t\u{0}\u{7f}\r\r\n\n \u{202E}مرحبا بالعالم لا إله\u{202C} \u{1F1E9}\u{1F1EA} \
               \u{1F469}\u{200D}\u{1F4BB}\u{1F44D}\u{1F3FD} e\u{301}\u{301} \u{200B}字\u{FEFF}";
    for text in [odd.to_owned(), odd.repeat(400), "\u{301}".repeat(3000), "لا".repeat(3000)] {
        let mut window = window(&text, Vec::new());
        let kinds = [MarkKind::Answer, MarkKind::Search, MarkKind::Span];
        let ranges = (0..text.len()).step_by(3).map(|at| at..at + 2);
        let marks = ranges.zip(kinds.into_iter().cycle());
        let marks = marks.map(|(range, kind)| Marked { range, kind }).collect();
        window.state_mut().set_marks(marks);
        for at in (0..text.len()).step_by(1 + text.len() / 40) {
            window.state_mut().jump_to(at);
            let from = pos2((at % 500) as f32, (at % 399) as f32);
            press(&mut window, from, pos2(500.0 - from.x, 300.0));
            release(&mut window, from);
            if let Some(copied) = copied(&mut window) {
                assert!(text.contains(&copied));
            }
        }
    }
}

#[test]
fn a_window_without_room_does_no_harm() {
    for size in [vec2(1.0, 1.0), vec2(30.0, 400.0), vec2(400.0, 10.0), vec2(12.0, 3.0)] {
        let mut window = window(&prose(30_000), Vec::new());
        window.set_size(size);
        window.run();
        wheel(&mut window, 500.0);
    }
}
