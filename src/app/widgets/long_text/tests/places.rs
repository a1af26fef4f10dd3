//! Offsets of places, the map, and the regions of a text.

use super::*;
use crate::app::widgets::long_text::{Region, RegionKind};

#[test]
fn offsets_are_those_of_counting_from_the_begin() {
    let mut numbers = Numbers(5);
    let letters = ["a", " ", "\n", "字", "\u{1F469}\u{200D}\u{1F4BB}", "ب", "\u{3000}", "x\u{b}"];
    for _ in 0..40 {
        let n = numbers.below(3000);
        let text: String = (0..n).map(|_| letters[numbers.below(letters.len())]).collect();
        let long = LongText::new(Arc::from(text.as_str()), Vec::new());
        assert_eq!(long.n_chars(), text.chars().count());
        assert_eq!(long.n_words(), text.split_whitespace().count());
        for (at, c) in text.char_indices() {
            let offset = long.offset(at);
            assert_eq!(offset.chars, text[..at].chars().count(), "byte {at}");
            // The word that holds the place, or the next one.
            let n_begun = text[..at + c.len_utf8()].split_whitespace().count();
            let words = if c.is_whitespace() { n_begun } else { n_begun - 1 };
            assert_eq!(offset.words, words, "byte {at} of {text:?}");
        }
        let end = long.offset(text.len());
        assert_eq!((end.chars, end.words), (long.n_chars(), long.n_words()));
    }
}

fn mapped(text: &str, regions: Vec<Region>, marks: Vec<Marked>) -> Harness<'static, LongText> {
    let mut window = window(text, marks);
    let new = std::mem::replace(window.state_mut(), LongText::new(Arc::from(""), Vec::new()));
    *window.state_mut() = new.with_map(regions);
    window.run();
    window
}

#[test]
fn the_map_leads_to_any_place() {
    let text = prose(300_000);
    let mut window = mapped(&text, Vec::new(), Vec::new());
    let map = window.get_by_role_and_label(Role::Image, "Map of Context").rect();
    // Dragged to the middle, the middle is in view.
    press(&mut window, map.center_top() + vec2(0.0, 2.0), map.center());
    release(&mut window, map.center());
    window.run();
    let line: usize = rows(&window)
        .iter()
        .find_map(|(row, _)| row.strip_prefix("Line ")?.split(':').next()?.parse().ok())
        .unwrap();
    let share = text.find(&format!("Line {line}: ")).unwrap() as f32 / text.len() as f32;
    assert!((0.4..0.6).contains(&share), "line {line} at {share}");
}

#[test]
fn a_region_tells_its_name_beside_its_rows() {
    let text = prose(20_000);
    let (start, end) = (text.find("Line 2: ").unwrap(), text.find("Line 4: ").unwrap());
    let region = |range, kind, name: &str| Region { range, kind, name: name.into() };
    let regions = vec![
        region(start..end, RegionKind::Gold, "the evidence"),
        region(0..start, RegionKind::Distractor, "another"),
        region(text.len() + 5..text.len() + 9, RegionKind::Own, "nowhere"),
    ];
    let mut window = mapped(&text, regions, Vec::new());
    let shows = |window: &Harness<'_, LongText>, name: &str| {
        window.query_all_by_label_contains(name).next().is_some()
    };
    for (part, name, other) in
        [("Line 0: ", "another", "the evidence"), ("Line 3: ", "the evidence", "another")]
    {
        window.state_mut().jump_to(text.find(part).unwrap());
        window.run();
        let y = top_of(&window, part).unwrap() + 6.0;
        window.hover_at(pos2(bounds(&window).left() + 4.0, y));
        window.run_steps(60);
        assert!(shows(&window, name) && !shows(&window, other), "at {part}");
    }
}
