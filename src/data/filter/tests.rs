use super::*;
use crate::data::{Record, RecordId, Source, StrategyId};
use serde_json::json;

fn record() -> Record {
    let extra =
        json!({"tags": ["gut", "x y"], "n": 3, "deep": {"er": "so", "list": [1]}, "none": null});
    Record {
        id: RecordId::try_from("00112233aabbccdd".to_owned()).unwrap(),
        seed_id: RecordId::try_from("ffffffffffffffff".to_owned()).unwrap(),
        source: Source { path: "folder/some.jsonl".into(), line: 7 },
        task: "hotpotqa".into(),
        strategy: StrategyId::human(),
        instruction: "Who \"rang\"?".into(),
        answers: vec!["Ada".into(), "Ada Stone".into()],
        context: Some("Ada rang.\nÉté 北京".into()),
        extra: extra.as_object().unwrap().clone(),
    }
}

fn wants(text: &str) -> bool {
    let record = record();
    let measured = |measure| match measure {
        Measure::AnswerGain => Value::Number(0.05),
        Measure::OwnRank => Value::Number(f64::NAN),
        Measure::AnswerInContext => Value::Bool(true),
        _ => Value::Missing,
    };
    let count = |part, unit| (part == Part::Prompt && unit == Unit::Tokens).then_some(4001.0);
    let row =
        RecordRow { record: &record, measured: Some(&measured), count: Some(&count), review: None };
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).wants(&row)
}

#[test]
fn what_holds_and_what_does_not() {
    for (text, expected) in [
        (r#"task == "hotpotqa" && answer_gain < 0.1 && len_tokens(prompt) > 4000"#, true),
        (r#"task=='hotpotqa'&&len_tokens(prompt)>4001"#, false),
        (r#"task != "qasper""#, true),
        // `&&` binds more than `||`, and `!` most.
        (r#"true || false && false"#, true),
        (r#"(true || false) && false"#, false),
        (r#"!true || true"#, true),
        (r#"!(true || true)"#, false),
        (r#"!!answer_in_context"#, true),
        (r#"answer_in_context == false"#, false),
        (r#"0.05 >= answer_gain"#, true),
        (r#"answer_gain <= 5e-2 && answer_gain > -1.5E+3"#, true),
        (r#"line == 7 && file == "some.jsonl" && n_answers == 2"#, true),
        (r#"id == "00112233aabbccdd" && strategy == "human""#, true),
        (r#"instruction == "Who \"rang\"?" && instruction == 'Who "rang"?'"#, true),
        (r#"context ~ "^Ada\b.*" && context ~ "\p{Han}{2}$""#, true),
        (r#"context ~ "(?i)ADA RANG\.\n""#, true),
        (r#"contains(context, "\nÉté") && !contains(context, "ada")"#, true),
        (r#"len_chars(context) == 16 && len_words(context) == 4 && len_words(answer) == 1"#, true),
        (r#"tag("x y") && !tag("x")"#, true),
        (r#"extra.n > 2 && extra.deep.er == "so" && extra.deep.er ~ "s""#, true),
    ] {
        assert_eq!(wants(text), expected, "{text}");
    }
}

#[test]
fn what_is_missing_compares_with_nothing() {
    for (text, expected) in [
        ("context_ifd < 1", false),
        ("context_ifd >= 1", false),
        ("context_ifd != 1", false),
        ("!(context_ifd < 1)", true),
        ("context_ifd == null && answer_gain != null", true),
        ("null == own_rank", true),
        ("has(answer_gain) && !has(context_ifd)", true),
        ("has(extra.deep) && has(extra.deep.list) && extra.deep != 3", false),
        ("has(extra.deep) && has(extra.deep.list)", true),
        ("has(extra.none) || has(extra.n.x) || has(extra.nothing)", false),
        ("extra.deep == extra.deep", false),
        (r#"extra.n == "3" || extra.n ~ "3" || contains(extra.n, "3")"#, false),
        ("len_chars(prompt) > 0", false),
        ("len_chars(prompt) == null", true),
    ] {
        assert_eq!(wants(text), expected, "{text}");
    }
}

#[test]
fn errors_name_the_character_and_what_was_expected() {
    for (text, column, words) in [
        ("", 1, "the end stands where a name"),
        ("  ", 3, "the end"),
        ("task", 1, "text, not a condition"),
        ("tsk == \"x\"", 1, "`tsk` is unknown; use one of task, strategy"),
        ("task = \"x\"", 6, "write `==`"),
        ("task == \"x", 9, "not closed"),
        ("task == \"x\\", 9, "not closed"),
        ("task == hotpotqa", 9, "`hotpotqa` is unknown"),
        ("task == 3", 6, "the left side is text and the right side a number"),
        ("task < \"b\"", 6, "only numbers have an order"),
        ("answer_gain == \"x\"", 13, "a number and the right side text"),
        ("answer_in_context < true", 19, "only numbers"),
        ("answer_gain < null", 13, "no order"),
        ("3 < 4", 3, "name a field"),
        ("null == null", 6, "name a field"),
        ("line < 4k", 8, "`4k` is no number"),
        ("line < 1.2.3", 8, "no number"),
        ("line < 1e999", 8, "no number"),
        ("line < - 1", 8, "no number"),
        ("line < 1 < 2", 10, "only two values"),
        ("task == \"a\" and line < 2", 13, "write `&&` for and"),
        ("task == \"a\" &", 13, "write `&&`"),
        ("task == \"a\" | true", 13, "write `||`"),
        ("task == “a”", 9, "straight quotes"),
        ("é == 1", 1, "`é` is unknown"),
        ("contains(context, \"ü\") && (line < 2", 36, "`)`"),
        ("line < 2)", 9, "`)` stands where"),
        ("contains(line, \"a\")", 10, "is a number"),
        ("contains(context)", 17, "`,` must come"),
        ("contains(\"a\", \"b\")", 10, "the name of a field"),
        ("tag(x)", 5, "a text in quotes"),
        ("len_tokens(task) > 3", 12, "context, instruction, answer or prompt"),
        ("len_bytes(context) > 3", 1, "the function `len_bytes` is unknown"),
        ("context ~ \"(\"", 11, "unclosed group"),
        ("context ~ 3", 11, "in quotes"),
        ("line ~ \"3\"", 6, "looks into a field of text"),
        ("(line < 2) == true", 12, "`&&`, `||` or the end"),
        ("true == (line < 2)", 9, "cannot be compared"),
        ("extra. == 1", 1, "unknown"),
        ("line < 2; line > 1", 9, "means nothing here"),
    ] {
        let error = Filter::parse(text).unwrap_err();
        assert!(error.problem.contains(words), "{text}: {error}");
        assert_eq!(error.column, column, "{text}: {error}");
    }
}

#[test]
fn hostile_expressions_end_in_a_message() {
    for deep in ["(".repeat(100_000), "!".repeat(100_000), "!(".repeat(50_000)] {
        let error = Filter::parse(&deep).unwrap_err();
        assert!(error.problem.contains("in one another"), "{error}");
    }
    let long = vec!["line < 2"; 50_000].join(" || ");
    assert!(Filter::parse(&long).unwrap().wants(&RecordRow::new(&Record {
        source: Source { path: "f".into(), line: 1 },
        ..record()
    })));
    let error = Filter::parse("context ~ \"(a{1000}){1000}\"").unwrap_err();
    assert!(error.problem.contains("regular expression"), "{error}");
}

#[test]
fn an_expression_says_what_it_needs() {
    let needs = |text: &str| Filter::parse(text).unwrap().needs().clone();
    let cheap = needs(r#"task == "a" && answer_gain < 1 && tag("x")"#);
    assert_eq!((cheap.texts(), cheap.tokens(), cheap.tags), (false, false, true));
    assert_eq!(cheap.measure(), Some(Measure::AnswerGain));
    assert_eq!(cheap.names.len(), 2);
    let texts = needs(r#"contains(context, "a") || len_tokens(answer) < 3"#);
    assert_eq!((texts.texts(), texts.tokens(), texts.measure()), (true, true, None));
}
