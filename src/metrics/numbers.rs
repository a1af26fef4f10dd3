//! The share of the right number among all numbers of a prediction.

use super::python_text::{is_digit, numbers};

/// LongBench's `count_score`: `right` is compared as text, so `07` is not `7`.
pub(super) fn share_of(prediction: &str, right: &str) -> f64 {
    let (mut n, mut n_right) = (0_usize, 0_usize);
    for number in numbers(prediction) {
        n += 1;
        n_right += usize::from(number == right);
    }
    if n == 0 { 0.0 } else { n_right as f64 / n as f64 }
}

/// The number after the first `before` that has one: `Paragraph 7`, `段落7`.
pub(super) fn after<'a>(before: &str, text: &'a str) -> Option<&'a str> {
    text.match_indices(before).find_map(|(at, _)| {
        let rest = &text[at + before.len()..];
        let end = rest.find(|c| !is_digit(c)).unwrap_or(rest.len());
        (end > 0).then_some(&rest[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_prediction_counts() {
        assert_eq!(share_of("7, not 8 or 07", "7"), 1.0 / 3.0);
        assert_eq!(share_of("seven", "7"), 0.0);
        assert_eq!(after("Paragraph ", "Paragraph x, Paragraph 12, Paragraph 3"), Some("12"));
        assert_eq!(after("Paragraph ", "paragraph 12"), None);
        assert_eq!(after("段落", "段落段落30。"), Some("30"));
    }
}
