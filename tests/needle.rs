//! The pilot study from end to end: sets of exact length, runs that go on after a kill, figures.

use crate::program::{Folder, records};
use backstory::data::Record;
use backstory::job::Watch;
use backstory::lengths::{Counter, Field, Unit, of_each};
use backstory::model::{Finish, ScriptedModel, read_tokenizer};
use backstory::workbench::{
    self, Desk, Inputs, Job, ModelChoice, NeedleReport, NeedleRunJob, Product,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Its tokens are the bytes, so that prompts are long in tokens.
fn tokenizer() -> String {
    format!("{}/tests/data/tiny_llama.gguf", env!("CARGO_MANIFEST_DIR"))
}

/// Makes a set with the program; what it printed.
fn make(folder: &Folder, out: &str, more: &[&str]) -> serde_json::Value {
    let tokenizer = tokenizer();
    let fixed = ["needle", "make", "--tokenizer", tokenizer.as_str(), "--out", out, "--json"];
    let run = folder.run(&[&fixed[..], more].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

/// The tokens of each prompt as `lengths` counts them, which is other code than `needle`'s.
fn prompt_tokens(records: &[Record]) -> Vec<f64> {
    let (tokenizer, template) = read_tokenizer(Path::new(&tokenizer())).unwrap();
    let counter = Counter { tokenizer: Some(&tokenizer), template: template.as_ref() };
    let records: Vec<&Record> = records.iter().collect();
    let counted = of_each(&records, Field::Prompt, Unit::Tokens, &counter, &Watch::default());
    counted.unwrap().into_iter().flatten().collect()
}

#[test]
fn prompts_have_their_length_and_needles_their_depth() {
    let folder = Folder::new();
    let printed = make(&folder, "t.jsonl", &["--lengths", "0,2k,5000", "--n", "10"]);
    assert_eq!(printed["records"], 120);
    let records = records(&folder.path("t.jsonl"));
    let counted = prompt_tokens(&records);
    assert_eq!((records.len(), counted.len()), (120, 120));
    let (mut keys, mut values) = (BTreeSet::new(), BTreeSet::new());
    for (record, n_tokens) in records.iter().zip(counted) {
        let (context, extra) = (record.context.as_deref().unwrap(), &record.extra);
        let length = extra["test_length"].as_u64().unwrap();
        assert_eq!(extra["n_tokens"].as_f64(), Some(n_tokens), "{}", record.id);
        if length > 0 {
            let n_tokens = n_tokens as u64;
            assert!((length - 24..=length).contains(&n_tokens), "{n_tokens} for {length}");
        }
        let needles = extra["needles"].as_array().unwrap();
        assert_eq!(needles.len(), if record.task == "needle_single" { 1 } else { 4 });
        let mut own_keys = BTreeSet::new();
        for needle in needles {
            let text = |name: &str| needle[name].as_str().unwrap();
            let at = |ix: usize| needle["span"][ix].as_u64().unwrap() as usize;
            let span = &context[at(0)..at(1)];
            assert!(span.contains(text("key")) && span.ends_with(&format!(" {}.", text("value"))));
            assert_eq!(context.matches(span).count(), 1, "{span}");
            assert_eq!(context.matches(text("value")).count(), 1, "{span}");
            assert!(values.insert(text("value").to_owned()), "{span}");
            own_keys.insert(text("key").to_owned());
            // It stands between two sentences.
            let before = context[..at(0)].trim_end();
            assert!(before.is_empty() || before.ends_with('.'), "{before}");
            if length == 0 {
                assert!(needle["depth"].is_null());
                continue;
            }
            let wanted = needle["depth"].as_f64().unwrap();
            let really = at(0) as f64 / (context.len() - span.len()) as f64;
            let off = (really - wanted).abs() * context.len() as f64;
            assert!(off < 200.0, "{off} bytes from {wanted}: {span}");
        }
        own_keys.into_iter().for_each(|key| assert!(keys.insert(key.clone()), "{key} came twice"));
        assert_eq!(record.strategy.as_str(), "test");
        let joined: Vec<&str> =
            extra["values"].as_array().unwrap().iter().filter_map(|value| value.as_str()).collect();
        assert_eq!(record.answers, [joined.join(", ")]);
    }
    assert_eq!((keys.len(), values.len()), (300, 390));
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    let folder = Folder::new();
    let make_with = |threads: &str, out: &str, seed: &str| {
        let status = Command::new(env!("CARGO_BIN_EXE_backstory"))
            .args(["needle", "make", "--task", "multi-value,single", "--lengths", "1k,3k"])
            .args(["--n", "7", "--depths", "uniform", "--seed", seed, "--out", out])
            .args(["--tokenizer", &tokenizer()])
            .current_dir(folder.path(""))
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap()
            .status;
        assert!(status.success());
        folder.read(out)
    };
    let first = make_with("1", "a.jsonl", "3");
    assert_eq!(make_with("4", "b.jsonl", "3"), first);
    assert_ne!(make_with("4", "c.jsonl", "4"), first);
    assert_eq!(first.lines().count(), 28);
}

#[test]
fn training_sets_have_their_composition_and_are_exported_with_the_needle_prompt() {
    let folder = Folder::new();
    for (composition, name, length) in [
        ("needle", "needle", 0_u64),
        ("needle+2k", "needle+2k", 2048),
        ("3000", "needle+3000", 3000),
    ] {
        make(
            &folder,
            "s.jsonl",
            &["--composition", composition, "--n", "2", "--task", "multi-query"],
        );
        let records = records(&folder.path("s.jsonl"));
        assert_eq!((records.len(), records[0].strategy.as_str()), (2, "needle"));
        assert_eq!(records[0].extra["composition"], name);
        let n_tokens = records[0].extra["n_tokens"].as_u64().unwrap();
        assert!(length == 0 || (length - 24..=length).contains(&n_tokens), "{n_tokens}");
    }
    let run = folder.run(&["export", "s.jsonl", "--format", "messages", "--out", "chat.jsonl"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let chat = folder.read("chat.jsonl");
    let first: serde_json::Value = serde_json::from_str(chat.lines().next().unwrap()).unwrap();
    let user = first["messages"][0]["content"].as_str().unwrap();
    assert!(user.starts_with("Code numbers are hidden"), "{user}");
    let answer = first["messages"][1]["content"].as_str().unwrap();
    assert_eq!(answer.split(", ").count(), 4, "{answer}");
}

#[test]
fn any_text_serves_as_haystack_however_it_is_written() {
    let folder = Folder::new()
        .with("words.txt", "word and another ".repeat(1000))
        .with("letters.txt", "\u{e9}".repeat(9000))
        .with("chinese.txt", "\u{4f60}\u{597d}\u{5417}\u{3002}".repeat(1500))
        .with("lines.txt", "- a point\r\n- 1234567 and red-kettle\r\n\r\n".repeat(400));
    for name in ["words.txt", "letters.txt", "chinese.txt", "lines.txt"] {
        let more = ["--lengths", "3000", "--n", "5", "--task", "multi-key", "--haystack", name];
        make(&folder, "h.jsonl", &more);
        for record in records(&folder.path("h.jsonl")) {
            let n_tokens = record.extra["n_tokens"].as_u64().unwrap();
            assert!((2976..=3000).contains(&n_tokens), "{name}: {n_tokens}");
            assert_eq!(record.extra["haystack"], name);
            let value = record.extra["values"][0].as_str().unwrap();
            assert_eq!(record.context.as_deref().unwrap().matches(value).count(), 1, "{name}");
        }
    }
}

#[test]
fn haystacks_and_wishes_that_cannot_be_met_say_why() {
    let folder = Folder::new()
        .with("empty.txt", "")
        .with("short.txt", "One sentence. And another.")
        .with("latin.txt", b"fine\nnot \xff fine")
        .with("needle.txt", "Fine.\nThe code number for x is 7.")
        .with("own.txt", "A text. ".repeat(2000));
    let tokenizer = tokenizer();
    let hay = |name: &'static str| {
        let fixed = ["needle", "make", "--lengths", "2k", "--n", "1", "--out", "out/x.jsonl"];
        [&fixed[..], &["--tokenizer", tokenizer.as_str(), "--haystack", name]].concat()
    };
    folder.refused(&hay("empty.txt"), 1, &["empty.txt", "is empty"]);
    folder.refused(&hay("short.txt"), 1, &["short.txt", "tokens", "not repeated"]);
    folder.refused(&hay("latin.txt"), 1, &["latin.txt", "line 2", "UTF-8"]);
    folder.refused(&hay("needle.txt"), 1, &["needle.txt", "line 2", "code number for"]);
    folder.refused(&hay("nothing.txt"), 1, &["nothing.txt", "no such file"]);
    folder.refused(&hay("out"), 1, &["out", "folder"]);
    assert_eq!(folder.run(&hay("own.txt")).code, 0);
    std::fs::remove_file(folder.path("out/x.jsonl")).unwrap();
    let wish = |more: &[&'static str]| {
        let fixed = ["needle", "make", "--n", "1", "--out", "out/x.jsonl", "--tokenizer"];
        [&fixed[..], &[tokenizer.as_str()], more].concat()
    };
    folder.refused(&wish(&["--lengths", "200"]), 1, &["task single", "greater length"]);
    folder.refused(&wish(&["--lengths", "-1"]), 2, &["--"]);
    folder.refused(&wish(&["--lengths", "1m"]), 2, &["`1m`", "write"]);
    folder.refused(&wish(&["--lengths", "1k", "--depths", "2"]), 2, &["`2` is no depth"]);
    folder.refused(&wish(&["--lengths", "1k", "--task", "double"]), 2, &["use single"]);
    folder.refused(&wish(&["--composition", "essay"]), 2, &["needle+1k"]);
}

/// Tests in a folder: two tasks at two lengths, with byte tokens.
fn tests_in(folder: &Folder) -> PathBuf {
    make(folder, "t.jsonl", &["--task", "single,multi-value", "--lengths", "0,2k", "--n", "3"]);
    folder.path("t.jsonl")
}

/// Answers with the first values that it finds, and asks to be cancelled after `n` answers.
fn answer(
    tests: &Path,
    out: &Path,
    window: usize,
    cancel_after: Option<usize>,
) -> Result<NeedleReport, String> {
    let watch = Watch::default();
    let (canceller, mut n_left) = (watch.clone(), cancel_after);
    let script = move |prompt: &str, _: usize| {
        if let Some(n) = &mut n_left {
            match n.checked_sub(1) {
                Some(less) => *n = less,
                None => canceller.cancel(),
            }
        }
        let value = prompt.split(" is ").nth(1).and_then(|rest| rest.split('.').next());
        (value.unwrap_or("none").to_owned(), Finish::Stop)
    };
    let model = ScriptedModel::new(window, Box::new(script)).unwrap();
    let job = Job::NeedleRun(Box::new(NeedleRunJob {
        tests: Inputs { files: vec![tests.to_owned()], ..Inputs::default() },
        model: ModelChoice::default(),
        out: out.to_owned(),
        name: None,
        n_parallel: 2,
        overwrite: false,
    }));
    let mut desk = Desk::with_model(Box::new(model));
    match workbench::run(job, &mut desk, &watch, &mut |_| {}) {
        Ok(Product::NeedleAnswered(report)) => Ok(*report),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn a_run_goes_on_where_it_was_stopped_and_gives_the_same_bytes() {
    let folder = Folder::new();
    let tests = tests_in(&folder);
    let whole = folder.path("whole.jsonl");
    let report = answer(&tests, &whole, 100_000, None).unwrap();
    assert_eq!((report.answered, report.resumed, report.too_long, report.skipped), (12, 0, 0, 0));
    let expected = folder.read("whole.jsonl");
    let rows: Vec<serde_json::Value> =
        expected.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<String> = records(&tests).iter().map(|record| record.id.to_string()).collect();
    assert!(rows.iter().zip(&ids).all(|(row, id)| row["id"] == id.as_str()), "in the tests' order");
    let single =
        rows.iter().find(|row| row["task"] == "single" && row["test_length"] == 0).unwrap();
    assert_eq!((single["grade"].as_f64(), single["exact"].as_bool()), (Some(1.0), Some(true)));
    let several = rows.iter().rfind(|row| row["task"] == "multi_value").unwrap();
    assert_eq!(several["grade"], 0.25);
    assert_eq!(several["found"].as_array().unwrap().len(), 4);
    let score =
        |task: &str| report.groups.iter().find(|group| group.task == task).unwrap().accuracy;
    assert_eq!((score("single"), score("multi_value")), (1.0, 0.25));

    // Cancelled after some answers, which are kept; then it goes on.
    let halted = folder.path("halted.jsonl");
    assert_eq!(answer(&tests, &halted, 100_000, Some(5)).unwrap_err(), "cancelled");
    let n_kept = folder.read("halted.jsonl").lines().count();
    assert!((1..12).contains(&n_kept), "{n_kept}");
    let report = answer(&tests, &halted, 100_000, None).unwrap();
    assert_eq!((report.resumed, report.answered), (n_kept, 12));
    assert_eq!(folder.read("halted.jsonl"), expected);

    // A journal that was torn by a kill.
    let journal = std::fs::read(whole.with_extension("journal")).unwrap();
    for n_cut in [1, 100, 700] {
        let torn = folder.path("torn.jsonl");
        std::fs::write(torn.with_extension("journal"), &journal[..journal.len() - n_cut]).unwrap();
        let report = answer(&tests, &torn, 100_000, None).unwrap();
        assert!(report.resumed < 12, "{n_cut}");
        assert_eq!(folder.read("torn.jsonl"), expected, "{n_cut} bytes torn off");
    }
}

#[test]
fn prompts_beyond_the_window_are_told_and_count_as_wrong() {
    let folder = Folder::new();
    let tests = tests_in(&folder);
    let report = answer(&tests, &folder.path("short.jsonl"), 1500, None).unwrap();
    assert_eq!((report.answered, report.too_long), (12, 6));
    assert!(report.warnings.iter().any(|warning| warning.contains("6 of 12")), "{report:?}");
    let rows = folder.read("short.jsonl");
    let unread = rows.lines().filter(|row| row.contains("\"too_long\":true")).count();
    assert_eq!(unread, 6);
    let score = report.groups.iter().find(|group| group.test_length == 2048).unwrap();
    assert_eq!(score.accuracy, 0.0);
}

#[test]
fn what_is_no_test_is_told_with_file_line_and_field() {
    let folder = Folder::new();
    let tests = tests_in(&folder);
    let good = folder.read("t.jsonl");
    let first = good.lines().next().unwrap();
    let mixed = [
        first,
        &first.replace("needle_single", "hotpotqa"),
        &first.replace("\"test_length\":0", "\"test_length\":\"long\""),
        "{\"broken\":",
        &first.replace("\"values\":[", "\"values\":[7,"),
    ];
    std::fs::write(&tests, mixed.join("\n")).unwrap();
    let report = answer(&tests, &folder.path("m.jsonl"), 100_000, None).unwrap();
    assert_eq!((report.answered, report.skipped), (1, 4));
    for words in [
        "line 2: skipped, the task `hotpotqa`",
        "line 3: skipped, `test_length`",
        "line 4",
        "line 5: skipped, `values`",
    ] {
        let told = |warning: &String| warning.contains("t.jsonl") && warning.contains(words);
        assert!(report.warnings.iter().any(told), "no `{words}` in {:?}", report.warnings);
    }
    std::fs::write(&tests, "{\"instruction\":\"a\",\"answer\":\"b\"}\n").unwrap();
    let error = answer(&tests, &folder.path("n.jsonl"), 100_000, None).unwrap_err();
    assert!(error.contains("no needle test") && error.contains("line 1"), "{error}");
    let missing = answer(&folder.path("none.jsonl"), &folder.path("o.jsonl"), 100_000, None);
    assert!(missing.unwrap_err().contains("none.jsonl"));
    // A result of unknown origin is not replaced.
    std::fs::write(folder.path("there.jsonl"), "mine").unwrap();
    let refused = answer(&tests, &folder.path("there.jsonl"), 100_000, None).unwrap_err();
    assert!(refused.contains("there.jsonl") && refused.contains("--overwrite"), "{refused}");
    assert_eq!(folder.read("there.jsonl"), "mine");
}

#[test]
fn results_become_a_map_of_lengths_and_depths() {
    let folder = Folder::new();
    let tests = tests_in(&folder);
    answer(&tests, &folder.path("r.jsonl"), 100_000, None).unwrap();
    let draw = ["figure", "needle", "r.jsonl", "--form", "depth", "--out", "f.csv"];
    let run = folder.run(&[&draw[..], &["--out", "f.svg", "--width-in", "3.3"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let csv = folder.read("f.csv");
    for words in ["needle only; 75%,", "2k; 100%,", "multi value"] {
        assert!(csv.contains(words), "no {words}:\n{csv}");
    }
    assert!(folder.read("f.svg").contains("depth of the needle"));
    folder.refused(
        &["figure", "lengths", "t.jsonl", "--form", "depth", "--out", "out/f.svg"],
        2,
        &["use density"],
    );
}
