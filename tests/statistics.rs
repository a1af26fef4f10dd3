//! Our statistics beside scipy's, over the inputs of `golden/make_stats.py` (which names the
//! versions in `golden/stats.json`).
//!
//! What needs no chance must agree to rounding. What draws at random is held to four standard
//! errors of the difference between one run of ours and what scipy gives.

use backstory::seed::Stream;
use backstory::stats::{self, NoBca};
use serde_json::Value;

/// Sums in another order round differently.
const EXACT: f64 = 1e-12;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/stats.json")).expect("golden/stats.json")
}

fn numbers(value: &Value) -> Vec<f64> {
    let items = value.as_array().unwrap_or_else(|| panic!("a list, not {value}"));
    items.iter().map(|item| item.as_f64().unwrap_or_else(|| panic!("{item}"))).collect()
}

fn differences(case: &Value) -> Vec<f64> {
    let (before, after) = (numbers(&case["before"]), numbers(&case["after"]));
    before.iter().zip(&after).map(|(b, a)| a - b).collect()
}

/// Calls `check` with the name, the case and its differences; all twenty must be there.
fn each_case(mut check: impl FnMut(&str, &Value, &[f64])) {
    let golden = golden();
    let cases = golden["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 20);
    for case in cases {
        check(case["name"].as_str().expect("a name"), case, &differences(case));
    }
}

#[track_caller]
fn assert_near(name: &str, ours: f64, theirs: f64) {
    let size = theirs.abs().max(1.0);
    assert!((ours - theirs).abs() <= EXACT * size, "{name}: ours {ours}, scipy's {theirs}");
}

/// What both leave out, or a number of both.
#[track_caller]
fn assert_same(name: &str, ours: Option<f64>, theirs: &Value) {
    match (ours, theirs.as_f64()) {
        (Some(ours), Some(theirs)) => assert_near(name, ours, theirs),
        (ours, theirs) => assert_eq!(ours, theirs, "{name}"),
    }
}

#[test]
fn distances_and_effects_are_scipys() {
    each_case(|name, case, differences| {
        let (before, after) = (numbers(&case["before"]), numbers(&case["after"]));
        assert_same(name, stats::wasserstein(&before, &after), &case["wasserstein"]);
        let third = &after[..after.len() / 3 + 1];
        assert_same(name, stats::wasserstein(&before, third), &case["wasserstein_ragged"]);
        assert_same(name, stats::cohens_dz(differences), &case["cohens_dz"]);
        assert_same(name, stats::rank_biserial(differences), &case["rank_biserial"]);
    });
}

#[test]
fn densities_are_scipys_for_the_same_bandwidth() {
    let mut n_held = 0;
    each_case(|name, case, _| {
        let kde = &case["kde"];
        let Some(bandwidth) = kde["bandwidth"].as_f64() else { return };
        let ours = stats::kde(&numbers(&case["after"]), &numbers(&kde["at"]), bandwidth);
        for (ours, theirs) in ours.iter().zip(numbers(&kde["density"])) {
            // Of a density that is all but zero scipy keeps fewer digits.
            assert!((ours - theirs).abs() <= 1e-12 * theirs + 1e-300, "{name}: {ours}, {theirs}");
            n_held += 1;
        }
    });
    assert_eq!(n_held, 20 * 7);
}

#[test]
fn intervals_of_the_same_resamples_are_scipys() {
    let mut n_held = 0;
    each_case(|name, case, differences| {
        let told = &case["told"];
        if told.is_null() {
            return;
        }
        let n = differences.len() as u128;
        let draws: Vec<u64> = numbers(&told["picks"])
            .iter()
            // The least draw that picks this index.
            .map(|pick| ((*pick as u128) << 64).div_ceil(n) as u64)
            .collect();
        let resamples = told["n_resamples"].as_u64().expect("a number") as usize;
        let stream = || {
            let mut draws = draws.clone().into_iter();
            move || draws.next().expect("a draw for each pick")
        };
        let bca = stats::bca_mean_ci(differences, 0.95, resamples, &mut stream()).expect("one");
        assert_eq!(bca.no_bca, None, "{name}");
        let (lo, hi) =
            stats::bootstrap_mean_ci(differences, 0.95, resamples, &mut stream()).expect("one");
        for (ours, theirs) in [(bca.lo, bca.hi), (lo, hi)].iter().zip(["bca", "percentile"]) {
            let theirs = numbers(&told[theirs]);
            assert_near(name, ours.0, theirs[0]);
            assert_near(name, ours.1, theirs[1]);
            n_held += 1;
        }
    });
    assert_eq!(n_held, 8);
}

#[test]
fn random_intervals_are_scipys_within_four_standard_errors() {
    let golden = golden();
    let resamples = golden["resamples"].as_u64().expect("a number") as usize;
    let n_runs = golden["runs"].as_f64().expect("a number");
    each_case(|name, case, differences| {
        let mut stream = Stream::new(1, "", "intervals");
        let mut draw = || stream.bits();
        let (lo, hi) =
            stats::bootstrap_mean_ci(differences, 0.95, resamples, &mut draw).expect("one");
        let bca = stats::bca_mean_ci(differences, 0.95, resamples, &mut draw).expect("one");
        // scipy gives NaN where all differences are equal.
        let is_bca = !case["bca"].is_null();
        assert_eq!(bca.no_bca, (!is_bca).then_some(NoBca::AllEqual), "{name}");
        let bca = is_bca.then_some((bca.lo, bca.hi, &case["bca"]));
        for (lo, hi, theirs) in [Some((lo, hi, &case["percentile"])), bca].into_iter().flatten() {
            let (means, sds) = (numbers(&theirs["mean"]), numbers(&theirs["sd"]));
            for (ours, (mean, sd)) in [lo, hi].into_iter().zip(means.into_iter().zip(sds)) {
                // Of one run of ours and the mean of theirs.
                let error = sd * (1.0 + 1.0 / n_runs).sqrt();
                let off = (ours - mean).abs();
                assert!(off <= 4.0 * error + EXACT, "{name}: ours {ours}, scipy's {mean} ± {sd}");
            }
        }
    });
}

#[test]
fn p_values_are_scipys() {
    let (mut n_exact, mut n_random) = (0, 0);
    each_case(|name, case, differences| {
        let theirs = &case["sign_flip"];
        let p = theirs["p"].as_f64().expect("a number");
        let mut stream = Stream::new(1, "", "signs");
        let resamples = 9999;
        let ours = stats::sign_flip_test(differences, resamples, &mut || stream.bits());
        let ours = ours.expect("a p-value");
        assert_eq!(ours.exact, differences.len() <= 13, "{name}");
        if ours.exact {
            assert_near(name, ours.p, p);
            n_exact += 1;
            return;
        }
        // Twice a share: that of ours, and that of theirs unless they counted all patterns.
        let tail = p / 2.0;
        let is_theirs_random = !theirs["exact"].as_bool().expect("true or false");
        let n_theirs = theirs["n_resamples"].as_f64().expect("a number");
        let shares = 1.0 / resamples as f64 + if is_theirs_random { 1.0 / n_theirs } else { 0.0 };
        let error = 2.0 * (tail * (1.0 - tail) * shares).sqrt();
        // The observed pattern counts once more, so that p is at least 2 / (resamples + 1).
        let added = 2.0 / (resamples + 1) as f64;
        assert!((ours.p - p).abs() <= 4.0 * error + added, "{name}: ours {ours:?}, scipy's {p}");
        n_random += 1;
    });
    assert_eq!((n_exact, n_random), (12, 8));
}

#[test]
fn every_pattern_is_counted_where_that_many_are_allowed() {
    each_case(|name, case, differences| {
        if (14..=18).contains(&differences.len()) {
            let all = 1 << differences.len();
            let ours = stats::sign_flip_test(differences, all, &mut || 0).expect("a p-value");
            assert!(ours.exact);
            assert_same(name, Some(ours.p), &case["sign_flip"]["p"]);
        }
    });
}

#[test]
fn holms_adjustment_follows_its_definition() {
    for list in golden()["holm"].as_array().expect("lists") {
        let adjusted = stats::holm(&numbers(&list["p"]));
        for (ours, theirs) in adjusted.iter().zip(numbers(&list["adjusted"])) {
            assert_near("holm", ours.expect("an adjusted p"), theirs);
        }
    }
}
