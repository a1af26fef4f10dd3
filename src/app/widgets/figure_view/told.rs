//! Values in words, as they are read and not as they are drawn.

use crate::figure::{Axis, Scale};

/// A value with what it measures: "context length: 1,234 tokens", or a category's name.
pub(super) fn value(axis: &Axis, value: f64) -> String {
    if let Scale::Category(names) = &axis.scale {
        let ix = value.round();
        let name = (ix >= 0.0).then(|| names.get(ix as usize)).flatten();
        return name.cloned().unwrap_or_default();
    }
    with_name(axis, &number(value))
}

/// A range with what it measures.
pub(super) fn range(axis: &Axis, ends: [f64; 2]) -> String {
    with_name(axis, &span(ends))
}

/// Two ends of something.
pub(super) fn span([lo, hi]: [f64; 2]) -> String {
    format!("{} to {}", number(lo), number(hi))
}

/// Words for a value, with what it measures.
pub(super) fn with_name(axis: &Axis, words: &str) -> String {
    let (name, unit) = name_and_unit(&axis.label);
    match (name, unit) {
        ("", _) => words.to_owned(),
        (name, "") => format!("{name}: {words}"),
        (name, unit) => format!("{name}: {words} {unit}"),
    }
}

/// "context length (tokens, Qwen3)" is a context length in tokens.
fn name_and_unit(label: &str) -> (&str, &str) {
    match label.split_once(" (") {
        Some((name, rest)) if rest.ends_with(')') => {
            let inside = &rest[..rest.len() - 1];
            (name, inside.split(',').next().unwrap_or(inside).trim())
        }
        _ => (label, ""),
    }
}

/// Three digits or all before the point, thousands set apart.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    let sign = if value < 0.0 { "\u{2212}" } else { "" };
    if !size.is_finite() || size >= 1e15 || (size > 0.0 && size < 1e-4) {
        return format!("{value:.3e}").replace('-', "\u{2212}");
    }
    let decimals = if value.fract() == 0.0 {
        0
    } else {
        (2.0 - size.log10().floor()).clamp(0.0, 7.0) as usize
    };
    let text = format!("{size:.decimals$}");
    let (whole, part) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut apart = String::with_capacity(text.len() + 5);
    for (ix, digit) in whole.char_indices() {
        if ix > 0 && (whole.len() - ix).is_multiple_of(3) {
            apart.push(',');
        }
        apart.push(digit);
    }
    format!("{sign}{apart}{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_whole_thousands_set_apart() {
        assert_eq!(number(1234.0), "1,234");
        assert_eq!(number(1_234_567.8), "1,234,568");
        assert_eq!(number(-0.53712), "\u{2212}0.537");
        assert_eq!(number(12.0), "12");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(999.96), "1,000");
        assert_eq!(number(3e-7), "3.000e\u{2212}7");
    }

    #[test]
    fn units_stand_behind_values() {
        let axis = Axis::log2("context length (tokens, Qwen3)", 1.0, 1e6);
        assert_eq!(value(&axis, 1234.0), "context length: 1,234 tokens");
        assert_eq!(value(&Axis::linear("density", 0.0, 1.0), 0.25), "density: 0.250");
        assert_eq!(value(&Axis::category("", vec!["a".into(), "b".into()]), 1.2), "b");
    }
}
