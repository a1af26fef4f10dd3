use super::*;
use crate::data::{self, ReadOptions, Review, Verdict};
use crate::lengths::{self, Counter};

/// The same file in memory and as a large one, and a job that searches it.
struct Both {
    held: FindJob,
    indexed: FindJob,
}

fn both(name: &str) -> Both {
    let path = std::env::temp_dir().join(format!("backstory_{}_{name}", std::process::id()));
    let line = |n: usize| {
        let context = match n % 5 {
            0 => String::new(),
            _ => format!("\"context\": \"{}\", ", "wörd ".repeat(n % 7 + 1)),
        };
        let task = if n.is_multiple_of(2) { "qasper" } else { "hotpotqa" };
        format!(
            "{{\"task\": \"{task}\", {context}\"instruction\": \"Was {}?\", \"answer\": \"{n}\", \"level\": {}}}\n",
            "x".repeat(n % 11),
            n % 3
        )
    };
    std::fs::write(&path, (0..60).map(line).collect::<String>()).unwrap();
    let watch = Watch::default();
    let held = data::read_dataset(&path, &ReadOptions::default(), &watch).unwrap();
    let indexed = data::read_indexed(&path);
    let mut reviews = Reviews::default();
    for ix in (0..60).step_by(4) {
        let verdict = if ix % 8 == 0 { Verdict::Accepted } else { Verdict::Discarded };
        let rating = Some((ix % 5) as u8 + 1);
        let tags = BTreeSet::from([format!("t{}", ix % 3)]);
        let review = Review { verdict: Some(verdict), rating, tags };
        reviews.set(&held.records.id(ix).unwrap(), review);
    }
    let reviews = Arc::new(reviews);
    let job = |dataset: Dataset| {
        let n_context_words = Arc::new(dataset.records.context_words(&watch).unwrap());
        let dataset = Arc::new(dataset);
        let counter = Counter { tokenizer: None, template: None };
        let lengths = lengths::measure(std::slice::from_ref(&dataset), &counter, &watch).unwrap();
        let lengths = Some(Arc::new(lengths));
        let datasets = vec![Searched { key: 7, dataset, n_context_words, lengths }];
        let beside = Beside { reviews: reviews.clone(), ..Beside::default() };
        FindJob { datasets, beside, ..FindJob::default() }
    };
    // The indexed one reads the file when it must, so it stays until the process ends.
    Both { held: job(held), indexed: job(indexed) }
}

#[test]
fn a_large_file_answers_as_one_in_memory_does() {
    let Both { held, indexed } = both("find_light");
    for text in [
        "task == \"qasper\"",
        "len_chars(context) > 10 && len_words(context) < 6",
        "len_words(context) == null",
        "len_chars(instruction) >= 10",
        "len_words(instruction) == 2 && len_chars(answer) == 2",
        "accepted || rating == 3",
        "!discarded && line > 20",
        "rating != null && rating < 3",
        "tag(\"t1\")",
        "extra.level == 2 && contains(instruction, \"xx\")",
        "n_answers == 1 && file ~ \"find_light\"",
        "strategy == \"human\" && answer_gain == null",
    ] {
        let filter = Some(Arc::new(Filter::parse(text).unwrap()));
        let of = |job: &FindJob| {
            run(&FindJob { filter: filter.clone(), ..job.clone() }, &Watch::default()).unwrap()
        };
        let found = of(&held);
        assert_eq!(found, of(&indexed), "{text}");
        assert!((1..=60).contains(&found.len()), "{text}: {}", found.len());
    }
}

#[test]
fn what_is_known_needs_no_reading() {
    let Both { indexed, .. } = both("find_gone");
    // Of a file that has changed only what is known can be asked for.
    std::fs::write(&indexed.datasets[0].dataset.path, "{}").unwrap();
    let find = |text: &str, sort| {
        let filter = Some(Arc::new(Filter::parse(text).unwrap()));
        run(&FindJob { filter, sort, ..indexed.clone() }, &Watch::default()).map(|f| f.len())
    };
    let sort = |by| Some(Sort { by, descending: true });
    let light =
        "task == \"qasper\" && !discarded && len_words(context) > 2 && len_chars(answer) > 0";
    assert!(find(light, sort(SortBy::ContextWords)).unwrap() > 3);
    assert!(find("line > 0", sort(SortBy::Review)).unwrap() == 60);
    assert!(find("extra.level == 2", None).is_err());
}

#[test]
fn the_order_is_the_same_for_a_large_file() {
    let Both { held, indexed } = both("find_order");
    for by in [
        SortBy::Line,
        SortBy::Strategy,
        SortBy::Task,
        SortBy::ContextWords,
        SortBy::Instruction,
        SortBy::Answer,
        SortBy::Review,
    ] {
        for descending in [false, true] {
            let of = |job: &FindJob| {
                let sort = Some(Sort { by, descending });
                run(&FindJob { sort, ..job.clone() }, &Watch::default()).unwrap()
            };
            let order = of(&held);
            assert_eq!(order, of(&indexed), "{by:?} {descending}");
            assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), 60);
        }
    }
    let sorted = |by, descending| {
        let sort = Some(Sort { by, descending });
        let places = run(&FindJob { sort, ..held.clone() }, &Watch::default()).unwrap();
        places.into_iter().map(|(_, ix)| ix).collect::<Vec<_>>()
    };
    let words = &held.datasets[0].n_context_words;
    let by_words = sorted(SortBy::ContextWords, true);
    // Those without a context stand last, in both directions.
    assert!(by_words[..48].is_sorted_by(|a, b| words[*a] >= words[*b]));
    assert!(by_words[48..].iter().all(|ix| words[*ix] == 0));
    assert!(sorted(SortBy::ContextWords, false)[48..].iter().all(|ix| words[*ix] == 0));
}
