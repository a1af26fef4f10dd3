//! What a cutoff takes away, counted again by hand.

use crate::program::Folder;
use backstory::model::{Message, chat_tokens, read_tokenizer};
use backstory::prompt::TaskPrompt;
use serde_json::{Value, json};
use std::path::Path;

/// Its tokens are the bytes.
fn tokenizer() -> String {
    format!("{}/tests/data/tiny_llama.gguf", env!("CARGO_MANIFEST_DIR"))
}

const CONTEXTS: [&str; 3] = [
    "Ada Stone rang the bell at noon. Nobody heard Ada Stone.",
    "  It was told that the bell rang by itself; été, 北京.  ",
    "In the end it was Ada Stone, they say, who rang it.",
];

fn data() -> String {
    let line = |context: &&str| {
        let gold = context.find("rang").unwrap();
        let record = json!({
            "task": "hotpotqa", "instruction": "Who rang the bell?", "answers": ["Ada Stone", "yes"],
            "context": context, "gold_span": [gold, gold + 4], "strategy": "human",
        });
        format!("{record}\n")
    };
    CONTEXTS.iter().map(line).collect()
}

fn truncate(folder: &Folder, code: i32, more: &[&str]) -> Value {
    let tokenizer = tokenizer();
    let fixed = ["truncate", "data.jsonl", "--json", "--tokenizer", tokenizer.as_str()];
    let run = folder.run(&[&fixed[..], more].concat());
    assert_eq!(run.code, code, "{}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

/// The tokens of each sequence: prompt and answer in the chat.
fn sequences() -> Vec<usize> {
    let (tokenizer, template) = read_tokenizer(Path::new(&tokenizer())).unwrap();
    let prompt = TaskPrompt::of("hotpotqa").unwrap();
    CONTEXTS
        .iter()
        .map(|context| {
            let text = prompt.fill(context.trim(), "Who rang the bell?").unwrap().text;
            let user = [Message::new("user", text)];
            let chat = chat_tokens(template.as_ref().unwrap(), &tokenizer, &user, "Ada Stone");
            chat.unwrap().tokens.len()
        })
        .collect()
}

#[test]
fn losses_are_those_of_the_tokens() {
    let folder = Folder::new().with("data.jsonl", data());
    let sequences = sequences();
    let longest = sequences.iter().copied().max().unwrap();
    let total: usize = sequences.iter().sum();
    let cutoffs = format!("{longest},{},10", longest - 1);
    let all = truncate(&folder, 0, &["--cutoff", &cutoffs, "--policy", "drop,head,tail,middle"]);
    let runs = all["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 12);
    for run in runs {
        let (cutoff, policy) = (run["cutoff"].as_u64().unwrap() as usize, &run["policy"]);
        let group = &run["groups"][0];
        let number = |key: &str| group[key].as_u64().unwrap() as usize;
        assert_eq!((number("n"), number("tokens"), number("targets")), (3, total, 3), "{run}");
        assert_eq!((number("with_gold"), number("with_answer")), (3, 2), "{run}");
        assert_eq!((number("occurrences"), number("lossless_cutoff")), (3, longest), "{run}");
        let over = sequences.iter().filter(|n| **n > cutoff).count();
        assert_eq!(number("over"), over, "{run}");
        let lost_of = |n: &usize| match policy == "drop" && *n > cutoff {
            true => *n,
            false => n.saturating_sub(cutoff),
        };
        let lost: usize = sequences.iter().map(lost_of).sum();
        assert_eq!(number("tokens_lost"), lost, "{run}");
        let share = group["share_lost"].as_f64().unwrap();
        assert!((share - lost as f64 / total as f64).abs() < 1e-12);
        match (cutoff, policy.as_str().unwrap()) {
            (10, "drop") => {
                assert_eq!((number("gold_cut_fully"), number("answers_lost")), (3, 2));
                assert_eq!((number("targets_cut_fully"), number("occurrences_lost")), (3, 3));
            }
            // The answer is the end, of nine letters.
            (10, "tail") => {
                assert_eq!((number("targets_cut_fully"), number("targets_cut_partly")), (0, 0));
                assert_eq!((number("gold_cut_fully"), number("occurrences_lost")), (3, 3));
            }
            (10, "head") => {
                assert_eq!((number("targets_cut_fully"), number("answers_lost")), (3, 2))
            }
            (10, _) => assert_eq!((number("targets_cut_partly"), number("gold_cut_fully")), (3, 3)),
            (n, _) if n == longest => assert_eq!(lost, 0),
            (_, "head") => {
                assert_eq!((number("targets_cut_partly"), number("target_tokens_lost")), (1, 1));
                assert_eq!((number("occurrences_lost"), number("gold_cut_partly")), (0, 0));
            }
            (_, "tail") => assert_eq!((number("occurrences_lost"), number("over")), (0, 1)),
            (_, "drop") => assert_eq!((number("targets_cut_fully"), number("over")), (1, 1)),
            // The one token that goes is somewhere in the middle.
            _ => assert_eq!((number("targets_cut_partly"), number("over")), (0, 1)),
        }
    }
}

#[test]
fn an_extended_dataset_shows_what_it_would_lose() {
    let line = |ix: usize| {
        let word = ["ka", "lo", "mi", "re", "su"][ix];
        let context = format!("{word}-{} ", ix + 1).repeat(60);
        let record = json!({
            "task": "qasper", "instruction": format!("Which {ix}?"), "answers": [format!("{word}-{}", ix + 1)],
            "context": context, "strategy": "human",
        });
        format!("{record}\n")
    };
    let folder = Folder::new().with("own.jsonl", (0..5).map(line).collect::<String>());
    let args =
        ["extend", "own.jsonl", "--contexts", "5", "--position", "end", "--out", "data.jsonl"];
    assert_eq!(folder.run(&args).code, 0);
    let tokens = ["--cutoff", "1k", "--policy", "head,tail"];
    let all = truncate(&folder, 0, &tokens);
    let group = |ix: usize, key: &str| all["runs"][ix]["groups"][0][key].clone();
    // The own context is the last one, which a kept head loses and a kept tail keeps.
    assert_eq!((group(0, "gold_cut_fully"), group(0, "answers_lost")), (json!(5), json!(5)));
    assert_eq!((group(1, "gold_cut_fully"), group(1, "gold_cut_partly")), (json!(0), json!(0)));
    assert_eq!((group(1, "answers_lost"), group(1, "occurrences")), (json!(0), json!(300)));
    let people =
        folder.run(&["truncate", "data.jsonl", "--cutoff", "1k", "--tokenizer", &tokenizer()]);
    assert!(people.out.contains("1024 head") && people.out.contains("5+0/5"), "{}", people.out);
}

#[test]
fn what_is_no_training_record_is_left_out_and_said() {
    let lines = data() + "{\"context\":\"A document alone.\"}\n";
    let folder = Folder::new().with("data.jsonl", lines);
    let all = truncate(&folder, 3, &["--cutoff", "9"]);
    assert_eq!(all["left_out"], 1);
    assert!(all["warnings"].to_string().contains("no instruction"));
    let fixed = ["truncate", "data.jsonl", "--tokenizer", "x"];
    let with = |more: &[&'static str]| [&fixed[..], more].concat();
    folder.refused(&with(&["--cutoff", "9", "--policy", "left"]), 2, &["drop, head, tail, middle"]);
    folder.refused(&with(&["--cutoff", "many"]), 2, &["many"]);
    let run = folder.run(&fixed);
    assert!(run.code == 2 && run.err.contains("--cutoff"), "{}", run.err);
}
