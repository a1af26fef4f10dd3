//! Faults planted by hand among clean records: what `backstory check` finds of them, and what it tells
//! of the clean ones.

use crate::program::Folder;
use backstory::checks::{At, Check, Checked, Checker, Gains, Settings, Tests};
use backstory::data::{ReadOptions, Record, read_dataset};
use backstory::job::Watch;
use backstory::needle::town;
use backstory::seed::Stream;
use backstory::workbench::{self, CheckJob, Desk, Inputs, Job, Product};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const N_CLEAN: usize = 2000;
const N_FAULTS: usize = 24;

/// Kinds of clean records.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Question,
    YesNo,
    Summary,
    Chinese,
}

impl Kind {
    fn of(ix: usize) -> Self {
        [Self::Question, Self::YesNo, Self::Summary, Self::Chinese, Self::Question][ix % 5]
    }
}

/// A name that no other number has.
fn name(n: usize) -> String {
    const FIRST: [&str; 10] = ["Mar", "Tel", "Ro", "Bas", "Kin", "Vol", "Sar", "Pel", "Dun", "Gre"];
    const LAST: [&str; 10] = ["ik", "osa", "un", "eda", "ol", "anne", "ix", "ura", "eb", "ost"];
    let syllable = |n: usize| format!("{}{}", FIRST[n % 10], LAST[n / 10 % 10]);
    format!("{} {}{}", syllable(n), FIRST[n / 100 % 10], LAST[n / 1000 % 10])
}

fn pick<'a>(stream: &mut Stream, list: &'a str) -> &'a str {
    let all: Vec<&str> = list.split('|').collect();
    all[stream.below(all.len())]
}

/// Sentences put together from lists, one part of each.
fn sentences(stream: &mut Stream, n: usize, parts: &[&str], [gap, end]: [&str; 2]) -> String {
    let sentence = |stream: &mut Stream| {
        let parts: Vec<&str> = parts.iter().map(|list| pick(stream, list)).collect();
        parts.join(gap) + end
    };
    let mut text = String::new();
    for ix in 0..n {
        text += &sentence(stream);
        text += if ix % 5 == 4 { "\n\n" } else { gap };
    }
    text.trim_end().to_owned()
}

fn chinese(stream: &mut Stream, n: usize) -> String {
    const PARTS: [&str; 5] = [
        "清晨的时候|去年冬天|集市开张以前|大雨停了以后|那一年的春天|钟声响过之后|船队回来的那天|所有人都睡着时",
        "面包师|老水手|铁匠和他的妻子|磨坊主的儿子|两个年轻的教师|镇上的医生|守夜人|渡船上的女人",
        "在河边的老桥下|在教堂后面的小巷里|在山顶的风车旁|在学校的院子里|在旅店的地窖中|在森林的边上",
        "修好了|卖掉了|找到了|藏起了|借来了|仔细地画下了|打扫了|丢失了",
        "一只木船|那口破钟|三袋面粉|一封没有署名的信|绿色的灯笼|七把银勺子|最长的绳子|一张山谷的地图",
    ];
    sentences(stream, n, &PARTS, ["", "。"])
}

fn spanish(stream: &mut Stream, n: usize) -> String {
    const PARTS: [&str; 4] = [
        "La panadera del pueblo|El viejo marinero|Uno de los herreros|La hija del molinero|El médico de la plaza",
        "llevaba siempre consigo|encontró por fin|quería vender|había perdido|limpió con cuidado",
        "una barca de madera|la campana de la iglesia|tres sacos de harina|una carta sin firma|el reloj más antiguo",
        "cuando dejó de llover|porque nadie más lo haría|después de un largo invierno|mientras los otros dormían",
    ];
    sentences(stream, n, &PARTS, [" ", "."])
}

fn german(stream: &mut Stream, n: usize) -> String {
    const PARTS: [&str; 4] = [
        "Die Bäckerin aus dem Dorf|Der alte Seemann|Einer von den Schmieden|Die Tochter des Müllers",
        "trug immer bei sich|fand am Ende doch noch|wollte schon lange verkaufen|hatte vor Jahren verloren",
        "ein kleines Boot aus Holz|die Glocke der Kirche|drei Säcke mit Mehl|einen Brief ohne Unterschrift",
        "als der Regen aufgehört hatte|weil es sonst niemand tun würde|nach einem langen und kalten Winter",
    ];
    sentences(stream, n, &PARTS, [" ", "."])
}

/// A test's text, of which no sentence is in the clean records.
fn test_text(stream: &mut Stream) -> String {
    const PARTS: [&str; 5] = [
        "The committee on harbours|A report to the council|The second survey of roads|Each of the engineers",
        "recommended in its last chapter|had not yet considered|compared over eleven years|rejected by a small majority",
        "the cost of dredging the northern channel|a levy on goods from abroad|the width of all public bridges",
        "without naming the firms that had been asked|in tables that fill forty pages|as the minister had wished",
        "and left the rest to a later sitting|although the figures were disputed|since no other source was at hand",
    ];
    sentences(stream, 12, &PARTS, [" ", "."])
}

/// Clean records, each of a kind; some look like faults and are none.
struct Clean {
    paragraphs: Vec<String>,
    stream: Stream,
    n: usize,
}

impl Clean {
    fn new() -> Self {
        let text = town(1_100_000).expect("the bundled words");
        let paragraphs = text.split("\n\n").map(str::to_owned).collect();
        Self { paragraphs, stream: Stream::new(5, "checks", "clean"), n: 0 }
    }

    fn paragraphs(&mut self, n: usize) -> Vec<String> {
        self.paragraphs.split_off(self.paragraphs.len() - n)
    }

    /// A record; `looks` lets some look like faults.
    fn next(&mut self, kind: Kind, looks: bool) -> Value {
        let ix = self.n;
        self.n += 1;
        let who = name(ix);
        let thing =
            pick(&mut self.stream, "lantern|kettle|ledger|compass|violin|anchor|mirror").to_owned();
        let mut paragraphs = self.paragraphs(4);
        let fact = format!("It was {who} who kept the {thing} with the mark {ix}.");
        let question = format!("Who kept the {thing} marked {ix} in those days?");
        paragraphs[2] = format!("{} {fact} {}", paragraphs[2], paragraphs[3]);
        paragraphs.pop();
        let disguise = if looks { self.stream.below(12) } else { 11 };
        match (kind, disguise) {
            (Kind::Question, 0) => paragraphs.insert(0, format!("{who}\n{who} was a painter.")),
            (_, 1) => paragraphs.push("- a lantern\n- two kettles\n- rope".into()),
            (_, 2) => {
                paragraphs.push("\u{201c}I'm sorry, but I cannot stay,\u{201d} she said.".into())
            }
            (_, 3) => {
                paragraphs.push("Question: Why did you leave?\nAnswer: The river rose.".into())
            }
            (_, 4) => paragraphs.push("Source: https://example.org/town".into()),
            (_, 5) => {
                paragraphs.push("fn main() {\n    let n = count(&all);\n    show(n);\n}".into())
            }
            (_, 6) => paragraphs.push("Yours,\nMira Holt".into()),
            _ => {}
        }
        let english = paragraphs.join("\n\n");
        let (task, instruction, answer, context) = match kind {
            Kind::Question => ("musique", question, who, english),
            Kind::YesNo => {
                let question = format!("Did they keep a {thing} with the number {ix} there?");
                ("2wikimqa", question, ["yes", "no"][ix % 2].to_owned(), english)
            }
            Kind::Summary => {
                let wanted = format!("Summarize what is told about the {thing} of house {ix}.");
                ("qmsum", wanted, self.paragraphs(1).remove(0), english)
            }
            Kind::Chinese => {
                let who = format!("{}先生", &"赵钱孙李周吴郑王冯陈"[ix % 10 * 3..][..3]);
                let text = chinese(&mut self.stream, 12);
                let fact = format!("第{ix}号信箱是{who}的。");
                let text = format!("{text}{fact}{}", chinese(&mut self.stream, 6));
                ("dureader", format!("第{ix}号信箱是谁的？"), who, text)
            }
        };
        json!({"task": task, "strategy": "context_synthesis", "instruction": instruction, "answers": [answer],
               "context": context, "fact": fact})
    }
}

fn set(record: &mut Value, field: &str, value: impl Into<Value>) {
    record[field] = value.into();
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().expect("a text")
}

/// Puts a sentence between two others in the middle of a text.
fn insert(context: &str, sentence: &str) -> String {
    let middle = context.len() / 2;
    let at = context.match_indices(". ").map(|(at, _)| at + 2).find(|at| *at > middle);
    let (before, after) = context.split_at(at.expect("a sentence's end"));
    format!("{before}{sentence} {after}")
}

/// Plants fault number `n` of a check into a clean record; `before` are the records before it.
fn plant(check: Check, n: usize, record: &mut Value, before: &[Value], tests: &[Value]) {
    let mut stream = Stream::new(9, check.name(), &n.to_string());
    let context = text(record, "context").to_owned();
    let (question, answer) = (text(record, "instruction").to_owned(), record["answers"][0].clone());
    let answer = answer.as_str().expect("a text");
    let other = || text(&before[original(n, before.len())], "context").to_owned();
    let new = match check {
        Check::AnswerLeak => match n % 3 {
            0 => format!("The answer is {answer}. {context}"),
            1 => format!("{answer} is the one whom this is about. {context}"),
            _ => format!("Long ago, as all know, {} had it.\n\n{context}", answer.to_uppercase()),
        },
        Check::QuestionCopied => insert(&context, &question),
        Check::Unanswerable => context.replace(text(record, "fact"), "Nobody knew."),
        Check::DuplicateContext => match n % 2 {
            0 => other(),
            _ => other().to_uppercase().replace('\n', " \n "),
        },
        Check::NearDuplicateContext => {
            let text = other();
            let words = text.split(' ').enumerate();
            let changed = words.map(|(ix, word)| if ix % 90 == 30 { "perhaps" } else { word });
            changed.collect::<Vec<&str>>().join(" ")
        }
        Check::RepeatsItself => match n % 3 {
            0 => format!("{context} {}", "And then they went back to the old mill. ".repeat(9)),
            1 => format!("{context}\n\n{context}"),
            _ => {
                let last = context.rsplit("\n\n").next().expect("a paragraph");
                format!("{context}\n\n{last}\n\n{last}")
            }
        },
        Check::TruncatedEnding if n % 4 == 3 => {
            set(record, "provenance", json!({"finish": "length"}));
            context
        }
        Check::TruncatedEnding => {
            let end = "He told them that on the next morning the two of them would walk";
            let words: Vec<&str> = end.split(' ').collect();
            let cut = words[..6 + stream.below(words.len() - 6)].join(" ");
            format!("{context}{}{cut}", [" ", "\n\n"][n % 2])
        }
        Check::WrongLanguage => match n % 4 {
            0 => spanish(&mut stream, 8),
            1 => german(&mut stream, 8),
            2 => chinese(&mut stream, 20),
            _ => format!("{}\n\n{}", context, chinese(&mut stream, 30)),
        },
        Check::Refusal => match n % 4 {
            0 => format!("I'm sorry, but I cannot write context {n} without more information."),
            1 => format!("As an AI language model, I have no story of my own. {context}"),
            2 => format!("{context}\n\nI\u{2019}m sorry, but I can\u{2019}t provide the rest."),
            _ => format!("抱歉，我无法提供第{n}段文字。"),
        },
        Check::PromptRemnant => match n % 6 {
            0 => format!("Context: {context}"),
            1 => format!("Sure, here is the context you asked for:\n\n{context}"),
            2 => format!("{context}<|im_end|>"),
            3 => format!("Here is the missing background:\n{context}"),
            4 => format!("### Instruction:\n{context}"),
            _ => format!("{context}\n\nAnswer:\n"),
        },
        Check::Contamination if n % 4 == 3 => {
            let test = &tests[n % tests.len()];
            set(record, "instruction", test["instruction"].clone());
            set(record, "answers", test["answers"].clone());
            context
        }
        Check::Contamination => {
            let sentences = text(&tests[n % tests.len()], "context").split(". ");
            insert(&context, &format!("{}.", sentences.clone().nth(n % 4).expect("a sentence")))
        }
        Check::SharedInstruction => {
            set(record, "instruction", "Summarize what is told in this text, please.");
            context
        }
        Check::Empty => {
            let empty = ["instruction", "answers", "context"][n % 3];
            set(record, empty, if empty == "answers" { json!([""]) } else { json!("") });
            if empty == "context" { String::new() } else { context }
        }
        Check::ClosedBook => context,
    };
    set(record, "context", new);
}

/// The number of an earlier record in English.
fn original(n: usize, n_before: usize) -> usize {
    let ix = n * 35 % n_before / 5 * 5 + 2;
    assert!(Kind::of(ix) == Kind::Summary);
    ix
}

/// The kind of record that shows a fault and no other.
fn kind_for(check: Check, n: usize) -> Kind {
    match check {
        Check::AnswerLeak | Check::Unanswerable => Kind::Question,
        Check::Refusal if n % 4 == 3 => Kind::Chinese,
        Check::WrongLanguage | Check::Refusal | Check::Contamination => Kind::YesNo,
        Check::QuestionCopied => [Kind::Question, Kind::YesNo][n % 2],
        _ => Kind::Summary,
    }
}

struct Planted {
    records: Vec<Value>,
    faults: BTreeMap<usize, Check>,
    tests: Vec<Value>,
}

fn planted() -> Planted {
    let mut stream = Stream::new(3, "checks", "tests");
    let tests: Vec<Value> = (0..8)
        .map(|ix| {
            let question = format!("What did survey number {ix} of the harbour come to in the end?");
            json!({"_id": format!("test-{ix}"), "task": "musique", "strategy": "test", "instruction": question,
                   "answers": [format!("a levy of {ix}00 crowns")], "context": test_text(&mut stream)})
        })
        .collect();
    let mut clean = Clean::new();
    let mut records: Vec<Value> = (0..N_CLEAN).map(|ix| clean.next(Kind::of(ix), true)).collect();
    let mut faults = BTreeMap::new();
    for n in 0..N_FAULTS {
        for check in Check::ALL {
            let mut record = clean.next(kind_for(check, n), false);
            plant(check, n, &mut record, &records[..N_CLEAN], &tests);
            faults.insert(records.len(), check);
            records.push(record);
        }
    }
    Planted { records, faults, tests }
}

fn jsonl(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// Rows in which the context helps, but for the records with `closed_book` planted.
fn rows(folder: &Folder, faults: &BTreeMap<usize, Check>) -> Vec<(String, Gains)> {
    let records = held(&folder.path("data.jsonl"));
    let gains = |ix: usize| match faults.get(&ix) {
        Some(Check::ClosedBook) => (0.01, Some(0.95)),
        // The text alone decides.
        Some(Check::Unanswerable) => (-0.02, Some(1.01)),
        _ => (1.4, Some(0.4)),
    };
    let row = |(ix, record): (usize, &Arc<Record>)| {
        let (gain, ifd) = gains(ix);
        let gains =
            Gains { answer_gain: Some(gain), answer_gain_shuffled: Some(0.0), context_ifd: ifd };
        (record.id.as_str().to_owned(), gains)
    };
    records.iter().enumerate().map(row).collect()
}

fn held(path: &std::path::Path) -> Vec<Arc<Record>> {
    let dataset = read_dataset(path, &ReadOptions::default(), &Watch::default()).expect("records");
    dataset.records.all().expect("records")
}

fn row(id: &str, gains: &Gains) -> String {
    let (gain, ifd) = (gains.answer_gain, gains.context_ifd);
    json!({"id": id, "seed_id": id, "task": "t", "strategy": "context_synthesis", "n_context_tokens": 9,
           "n_instruction_tokens": 9, "n_answer_tokens": 3, "instruction_gain": 1.0, "instruction_gain_shuffled": 0.0,
           "answer_gain": gain, "answer_gain_shuffled": gains.answer_gain_shuffled, "instruction_dependence": 1.0,
           "answer_dependence": gain, "context_ifd": ifd, "own_rank": 1.0, "answer_in_context": true,
           "answer_position": 0.5, "instruction_overlap": 0.5, "truncated": false, "truncation": null,
           "kept_tokens": 9, "tokens_differ": false, "model": "m", "shuffles": 1, "auc_instruction": 1.0,
           "auc_answer": 1.0})
    .to_string()
}

#[test]
fn planted_faults_are_found_and_clean_records_are_not() {
    let Planted { records, faults, tests } = planted();
    let folder =
        Folder::new().with("data.jsonl", jsonl(&records)).with("tests.jsonl", jsonl(&tests));
    let rows: Vec<String> =
        rows(&folder, &faults).iter().map(|(id, gains)| row(id, gains)).collect();
    let folder = folder.with("rows.jsonl", rows.join("\n"));
    let args = [
        "check",
        "data.jsonl",
        "--tests",
        "tests.jsonl",
        "--rows",
        "rows.jsonl",
        "--out",
        "f.jsonl",
        "--json",
    ];
    let run = folder.run(&args);
    assert_eq!(run.code, 0, "{}", run.err);
    let report: Value = serde_json::from_str(&run.out).expect("a report");
    let findings: Vec<Value> = folder
        .read("f.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a finding"))
        .collect();
    assert_eq!(report["records"], records.len());
    assert_eq!(report["findings"], findings.len());
    let mut wrong = Vec::new();
    println!("{:24} {:>7} {:>6} {:>9}", "check", "planted", "recall", "precision");
    for check in Check::ALL {
        let of_check = findings.iter().filter(|finding| finding["check"] == check.name());
        let found: BTreeSet<usize> = of_check
            .flat_map(|finding| {
                let group = finding["group"].as_array().into_iter().flatten();
                std::iter::once(finding)
                    .chain(group)
                    .map(|at| at["record"].as_u64().unwrap() as usize)
            })
            .collect();
        let is_planted = |ix: &&usize| faults.get(ix) == Some(&check);
        let n_right = found.iter().filter(is_planted).count();
        let (recall, precision) =
            (n_right as f64 / N_FAULTS as f64, n_right as f64 / found.len().max(1) as f64);
        println!("{:24} {N_FAULTS:>7} {recall:>6.3} {precision:>9.3}", check.name());
        assert_eq!(report["checks"][check.name()]["records"], found.len());
        if recall < 0.95 || precision < 0.9 {
            let missed =
                faults.iter().filter(|(ix, fault)| **fault == check && !found.contains(ix));
            let missed: Vec<usize> = missed.map(|(ix, _)| *ix).collect();
            let more: Vec<&usize> = found.iter().filter(|ix| !is_planted(ix)).take(5).collect();
            wrong.push(format!("{}: missed {missed:?}, not planted {more:?}", check.name()));
            for ix in missed.iter().chain(more.iter().copied()).take(3) {
                let why =
                    findings.iter().find(|f| f["record"] == *ix && f["check"] == check.name());
                println!("{ix} {:?}: {}\n{}", faults.get(ix), json!(why), records[*ix]);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    spans_are_of_the_records(&records, &tests, &findings);
}

/// Each span is a place in its text.
fn spans_are_of_the_records(records: &[Value], tests: &[Value], findings: &[Value]) {
    let check = |of: &Value, spans: &Value| {
        for span in spans.as_array().into_iter().flatten() {
            let text = match span["part"].as_str() {
                Some("answer") => of["answers"][0].as_str(),
                Some(part) => of[part].as_str(),
                None => None,
            };
            let at = |ix: usize| span["bytes"][ix].as_u64().expect("a byte") as usize;
            let found = text.unwrap_or_default().get(at(0)..at(1));
            assert!(found.is_some(), "{span} is no place in {of}");
        }
    };
    let record = |sets: &[Value], at: &Value| {
        sets[at["record"].as_u64().expect("a record") as usize].clone()
    };
    for finding in findings {
        check(&record(records, finding), &finding["spans"]);
        if let Some(related) = finding.get("related") {
            let sets = if related["is_test"] == true { tests } else { records };
            check(&record(sets, related), &related["spans"]);
        }
    }
}

#[test]
fn any_number_of_threads_and_any_order_give_the_same_findings() {
    let Planted { records, tests, .. } = planted();
    let folder = Folder::new()
        .with("data.jsonl", jsonl(&records[N_CLEAN - 300..]))
        .with("tests.jsonl", jsonl(&tests));
    let read = |name: &str| held(&folder.path(name));
    let (records, test_records) = (read("data.jsonl"), read("tests.jsonl"));
    let check = |n_threads: usize, backwards: bool| -> Checked {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads");
        let mut tests = Tests::default();
        for (record, test) in (0..).zip(&test_records) {
            tests.add(At { dataset: 0, record }, test);
        }
        let looked = || {
            use rayon::prelude::*;
            tests.index();
            let checker = Checker::new(&Settings::default(), tests);
            let looked: Vec<_> = records
                .par_iter()
                .enumerate()
                .map(|(ix, record)| {
                    checker.look(At { dataset: 0, record: ix as u32 }, record, None)
                })
                .collect();
            (checker.tally(), looked)
        };
        let (mut tally, mut looked) = pool.install(looked);
        if backwards {
            looked.reverse();
        }
        looked.into_iter().for_each(|looked| tally.add(looked));
        tally.finish()
    };
    let one = check(1, false);
    assert!(one.findings.len() > N_FAULTS * 10, "{} findings", one.findings.len());
    assert_eq!(check(4, true), one);
}

#[test]
fn a_cancelled_check_ends_and_leaves_no_file() {
    let folder = Folder::new().with("data.jsonl", crate::program::PAIR);
    let inputs = Inputs { files: vec![folder.path("data.jsonl")], ..Inputs::default() };
    let out = Some(folder.path("f.jsonl"));
    let job = || {
        Job::Check(Box::new(CheckJob {
            inputs: inputs.clone(),
            out: out.clone(),
            ..CheckJob::default()
        }))
    };
    let run = |watch: &Watch| workbench::run(job(), &mut Desk::default(), watch, &mut |_| {});
    let cancelled = Watch::default();
    cancelled.cancel();
    assert!(run(&cancelled).expect_err("cancelled").is_cancelled());
    assert!(!folder.path("f.jsonl").exists());
    let Ok(Product::Checked(report)) = run(&Watch::default()) else { panic!("no report") };
    assert_eq!((report.records, report.findings), (1, 0));
    assert_eq!(folder.read("f.jsonl"), "");
}

#[test]
fn wrong_use_says_what_to_do() {
    let folder = Folder::new().with("data.jsonl", crate::program::PAIR);
    folder.refused(&["check", "data.jsonl", "--only", "leaks"], 2, &["leaks", "answer_leak"]);
    folder.refused(
        &["check", "data.jsonl", "--only", "contamination"],
        2,
        &["contamination", "--tests"],
    );
    folder.refused(
        &["check", "data.jsonl", "--only", "closed_book"],
        2,
        &["closed_book", "--rows"],
    );
    folder.refused(
        &["check", "data.jsonl", "--rows", "data.jsonl"],
        1,
        &["data.jsonl", "coherence"],
    );
    folder.refused(&["check", "data.jsonl", "--out", "data.jsonl"], 1, &["data.jsonl"]);
    folder.refused(&["check", "none.jsonl"], 1, &["none.jsonl"]);
}
