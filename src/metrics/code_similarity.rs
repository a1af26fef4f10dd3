//! How far a predicted line of code is the right one.

use super::difflib;
use super::python_text::lines;

/// LongBench's `code_sim_score`: fuzzywuzzy's ratio, in whole percents, of the first line without a
/// back-quote, `#` or `//`. Fuzzywuzzy without python-Levenshtein, which is what LongBench names.
pub(super) fn code_similarity(prediction: &str, right: &str) -> f64 {
    let is_code = |line: &&str| !line.contains(['`', '#']) && !line.contains("//");
    let line = lines(prediction).find(is_code).unwrap_or_default();
    let percent = match (line == right, line.is_empty() || right.is_empty()) {
        (true, _) => 100.0,
        (false, true) => 0.0,
        (false, false) => (100.0 * difflib::ratio(line, right)).round_ties_even(),
    };
    percent / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_code_is_compared() {
        assert_eq!(code_similarity("```python\n# sum\nx = 1\ny = 2", "x = 1"), 1.0);
        assert_eq!(code_similarity("// nothing", "x = 1"), 0.0);
        assert_eq!(code_similarity("// nothing", ""), 1.0);
        assert_eq!(code_similarity("\n\nx = 2", "x = 1"), 0.8);
        assert_eq!(code_similarity("\n \nx = 1", "x = 1"), 0.33);
    }
}
