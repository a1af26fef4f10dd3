//! Whether a prediction holds a reference, letter by letter: RULER's and SQuAD's simple metrics.

use super::python_text::words;
use super::token_f1::normalize;

/// 1 if the prediction is one of the references, else 0; case, punctuation and articles do not count
/// (SQuAD's exact match).
pub fn exact_match(prediction: &str, references: &[String]) -> f64 {
    let plain = |text: &str| words(&normalize(text)).collect::<Vec<_>>().join(" ");
    let prediction = plain(prediction);
    f64::from(references.iter().any(|reference| plain(reference) == prediction))
}

/// The share of the references that stand in the prediction, 0 to 1; case does not count (RULER's
/// `string_match_all`). Without references 0.
pub fn string_match_all(prediction: &str, references: &[String]) -> f64 {
    let n = n_found(prediction, references);
    if references.is_empty() { 0.0 } else { n as f64 / references.len() as f64 }
}

/// 1 if any of the references stands in the prediction, else 0; case does not count (RULER's
/// `string_match_part`).
pub fn string_match_part(prediction: &str, references: &[String]) -> f64 {
    f64::from(n_found(prediction, references) > 0)
}

fn n_found(prediction: &str, references: &[String]) -> usize {
    let prediction = prediction.to_lowercase();
    let found = |reference: &&String| prediction.contains(&reference.to_lowercase());
    references.iter().filter(found).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_any_or_the_whole() {
        let references = ["Seven".to_owned(), "12".to_owned(), "x".to_owned(), "".to_owned()];
        assert_eq!(string_match_all("It is SEVEN, or 112", &references[..3]), 2.0 / 3.0);
        assert_eq!(string_match_part("It is SEVEN", &references[..2]), 1.0);
        assert_eq!(string_match_part("It is eight", &references[..2]), 0.0);
        assert_eq!(string_match_all("", &[]), 0.0);
        // Python finds an empty text in every text.
        assert_eq!(string_match_part("It", &references[3..]), 1.0);
        assert_eq!(exact_match("The  seven!", &references), 1.0);
        assert_eq!(exact_match("seven of them", &references), 0.0);
    }
}
