//! One value among others.

/// Share of `others` that `own` beats, ties counted half: 1 beats all, 0.5 is chance, 0 loses
/// to all. NaN among the others is left out; `None` when none is left or `own` is NaN.
pub fn auc_paired(own: f64, others: &[f64]) -> Option<f64> {
    let tally = Tally::of(own, others)?;
    (tally.n > 0).then(|| (tally.beaten as f64 + tally.tied as f64 / 2.0) / tally.n as f64)
}

/// Rank of `own` among itself and `others` by value, largest first: 1 is best, ties share
/// their mean rank. NaN among the others is left out; `None` when `own` is NaN.
pub fn mean_rank(own: f64, others: &[f64]) -> Option<f64> {
    let tally = Tally::of(own, others)?;
    let greater = tally.n - tally.beaten - tally.tied;
    Some(1.0 + greater as f64 + tally.tied as f64 / 2.0)
}

struct Tally {
    n: usize,
    beaten: usize,
    tied: usize,
}

impl Tally {
    fn of(own: f64, others: &[f64]) -> Option<Self> {
        let count = |keep: &dyn Fn(f64) -> bool| others.iter().filter(|v| keep(**v)).count();
        (!own.is_nan()).then(|| Self {
            n: count(&|v| !v.is_nan()),
            beaten: count(&|v| v < own),
            tied: count(&|v| v == own),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auc_counts_ties_half() {
        assert_eq!(auc_paired(2.0, &[1.0, 2.0, 3.0, 0.0]), Some(0.625));
        assert_eq!(auc_paired(9.0, &[1.0, f64::NAN]), Some(1.0));
        assert_eq!(auc_paired(f64::NEG_INFINITY, &[1.0]), Some(0.0));
        assert_eq!(auc_paired(f64::NAN, &[1.0]), None);
        assert_eq!(auc_paired(1.0, &[f64::NAN]), None);
        assert_eq!(auc_paired(1.0, &[]), None);
    }

    #[test]
    fn rank_shares_ties() {
        assert_eq!(mean_rank(5.0, &[1.0, 2.0, 3.0]), Some(1.0));
        assert_eq!(mean_rank(0.0, &[1.0, 2.0, 3.0]), Some(4.0));
        assert_eq!(mean_rank(2.0, &[1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(mean_rank(2.0, &[2.0, 2.0, f64::NAN]), Some(2.0));
        assert_eq!(mean_rank(2.0, &[]), Some(1.0));
        assert_eq!(mean_rank(f64::NAN, &[1.0]), None);
    }

    #[test]
    fn auc_and_rank_say_the_same() {
        let others = [0.2, 0.4, 0.4, 0.9, 1.3];
        for own in [0.1, 0.4, 0.5, 1.3, 2.0] {
            let from_rank = 1.0 - (mean_rank(own, &others).unwrap() - 1.0) / others.len() as f64;
            assert!((auc_paired(own, &others).unwrap() - from_rank).abs() < 1e-12);
        }
    }
}
