//! Whether the right class is named, and no other.

/// LongBench's `classification_score`: 1 over the number of classes that the prediction names, if the
/// right one is among them.
///
/// A class that is part of the right one's name is struck out; like LongBench's loop, this one steps
/// on after striking, so that it passes over the class that moved up.
pub(super) fn classification(prediction: &str, right: &str, all_classes: &[String]) -> f64 {
    let mut named: Vec<&str> =
        all_classes.iter().map(String::as_str).filter(|class| prediction.contains(class)).collect();
    let mut at = 0;
    while let Some(&class) = named.get(at) {
        if right.contains(class) && class != right {
            // The first of equal ones goes, as with Python's `remove`.
            named.remove(named.iter().position(|other| *other == class).unwrap_or(at));
        }
        at += 1;
    }
    if named.contains(&right) { 1.0 / named.len() as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grade(prediction: &str, right: &str, classes: &[&str]) -> f64 {
        let classes: Vec<String> = classes.iter().map(|class| (*class).to_owned()).collect();
        classification(prediction, right, &classes)
    }

    #[test]
    fn parts_of_the_right_class_are_struck_out_except_after_another() {
        assert_eq!(grade("Date", "Date", &["Date", "Speed"]), 1.0);
        assert_eq!(grade("Date or Speed", "Date", &["Date", "Speed"]), 0.5);
        assert_eq!(grade("Date of birth", "Date of birth", &["Date", "Date of birth"]), 1.0);
        assert_eq!(grade("Date of birth", "Date", &["Date", "Date of birth"]), 0.5);
        // The second of two neighbours is passed over.
        assert_eq!(grade("x y z", "x y z", &["x", "y", "x y z"]), 0.5);
        assert_eq!(grade("Speed", "Date", &["Date", "Speed"]), 0.0);
    }
}
