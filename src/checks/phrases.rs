//! What a model says to the person who asked, where it should have written a text: refusals, and words
//! of the prompt.

use super::answers::Sought;
use super::finding::{Check, Finding, Part, Severity, Span};
use super::reading::Reading;
use super::sentences::tail;
use super::words::{Word, words};
use crate::prompt::TaskKind;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// Phrases as one pattern; `None` for one that cannot be compiled, which a test rules out.
type Phrases = LazyLock<Option<Regex>>;

fn any_of(patterns: &[&str]) -> Option<Regex> {
    Regex::new(&format!("(?i){}", patterns.join("|"))).ok()
}

/// What only a model says of itself, wherever it stands.
static SELF: Phrases = LazyLock::new(|| {
    any_of(&[
        r"\bas an? (?:ai|artificial intelligence)(?: language)? (?:model|assistant|chatbot)\b",
        r"\bas an? (?:large )?language model\b",
        r"\bas an ai,? i (?:am|cannot|can['’]t|do not|don['’]t)\b",
        r"\bi(?:['’]m| am) (?:just |only )?an? ai (?:language )?(?:model|assistant)\b",
        r"作为(?:一个|一名|一款|一种)?(?:ai|人工智能)(?:语言)?(?:模型|助手|程序)?[，,]?我",
        r"我(?:只)?是(?:一个|一名|一款)?(?:ai|人工智能)(?:语言)?(?:模型|助手)",
    ])
});

/// A refusal with what is refused: people in stories refuse other things.
static REFUSED: Phrases = LazyLock::new(|| {
    any_of(&[
        concat!(
            r"\b(?:sorry|apologi[sz]e|afraid),? (?:but )?i (?:cannot|can['’]t|am unable to|am not able to)",
            r" (?:assist|help (?:you )?with (?:that|this)|fulfil|comply|provide|generate|create|produce",
            r"|answer|complete|continue with|write)"
        ),
        r"\bi(?:['’]m| am) (?:unable|not able) to (?:assist|fulfil|comply|generate|create|provide|write)\w* ",
        r"\bi (?:cannot|can['’]t) (?:fulfil|comply with|assist with)l? (?:that|this|your|the) ",
        concat!(
            r"(?:抱歉|对不起)，?(?:但)?(?:我|作为)[^。！？\n]{0,12}(?:无法|不能)[^。！？\n]{0,8}",
            r"(?:回答|提供|生成|完成|协助|帮助|撰写|满足|处理|编写)"
        ),
        r"我无法(?:提供|生成|协助|满足|回答)(?:您|你|该|这)",
    ])
});

/// How a refusal begins, at the very beginning of a text.
static BEGINS: Phrases = LazyLock::new(|| {
    any_of(&[
        concat!(
            r"^[\s*_#>]{0,4}(?:i(?:['’]m| am) (?:really |very |so )?sorry|i apologi[sz]e|sorry|unfortunately)",
            r",? (?:but )?(?:i (?:cannot|can['’]t|am unable|am not able|do not have|don['’]t have|could not)",
            r"|as an ai|the (?:provided|given) (?:text|context|passage|document))"
        ),
        concat!(
            r"^[\s*_#>]{0,4}i (?:cannot|can['’]t|am unable to|am not able to) ",
            r"(?:assist|help|answer|provide|fulfil|comply|generate|create|write|determine)"
        ),
        r"^[\s*_#>]{0,4}(?:很|非常)?(?:抱歉|对不起)，?(?:但)?(?:我无法|我没有足够|我不能(?:回答|提供|生成|写)|作为)",
    ])
});

/// Tokens of chat templates and blanks of prompts, wherever they stand.
static TOKENS: Phrases = LazyLock::new(|| {
    any_of(&[
        r"<\|(?:im_start|im_end|endoftext|eot_id|begin_of_text|start_header_id|end_header_id)\|>",
        r"<\|(?:system|user|assistant|end)\|>",
        r"\[/?INST\]",
        r"<</?SYS>>",
        r"<(?:start|end)_of_turn>",
        r"(?m:^)### ?(?:instruction|response|input|assistant|human|user|system|指令|回答) ?:",
        r"\{(?:context|instruction|question|answer|document)\}",
    ])
});

/// Markers of a prompt at the beginning of a line.
static MARKERS: Phrases = LazyLock::new(|| {
    any_of(&[concat!(
        r"(?m:^)[ \t>*_#]{0,6}(?:(?:missing |background |original |synthetic )?",
        r"(?:context|question|answer|instruction|response|output|passage|background|text)",
        r"|上下文|背景|问题|答案|回答|指令|缺失的上下文)[*_]{0,2} ?[:：][*_]{0,2}"
    )])
});

/// What a model says before it writes, at the very beginning of a text.
static OPENERS: Phrases = LazyLock::new(|| {
    any_of(&[
        r"^\W{0,4}(?:sure|certainly|of course|absolutely|okay|ok)(?: thing)?[!,.:]+ ?(?:here|below|i['’]ll|i will|i can)\b",
        concat!(
            r"^\W{0,4}(?:here(?:['’]s| is| are)|below is|the following is) (?:an? |the |your |my |one )?",
            r"(?:(?:possible|missing|background|generated|synthetic|detailed|requested|rewritten|revised",
            r"|fictional|long|plausible|suitable|comprehensive|hypothetical) ){0,4}",
            r"(?:context|passage|document|background|text|question|answer|story|article|response)\b"
        ),
        r"^\W{0,4}(?:好的|当然(?:可以)?|没问题)[，,！!。]\s*(?:以下|这是|下面|我)",
        concat!(
            r"^\W{0,4}以下是(?:为[您你]|我|一段|一个|一份)?(?:缺失的|补充的|生成的|推断的|可能的)+",
            r"(?:上下文|背景|文本|文章|语境)"
        ),
    ])
});

/// What it says after it has written, in a line of its own at the end.
static CLOSERS: Phrases = LazyLock::new(|| {
    any_of(&[
        r"(?m:^)\W{0,4}(?:i hope this helps|(?:please )?let me know if you|feel free to ask)\b",
        r"(?m:^)\W{0,4}note: this (?:context|passage|text|document|story|background) ",
        r"(?m:^)\W{0,4}word count ?: ?\d",
        r"(?m:^)\W{0,4}字数[:：]",
    ])
});

/// Bytes of a text's end in which the last words to the person are looked for.
const END: usize = 600;

/// Whether a model refused to write the context or the answer.
pub fn refusal(reading: &Reading<'_>) -> Option<Finding> {
    let texts = reading.texts().filter(|(part, _)| *part != Part::Instruction);
    let found = |(part, text): (Part, &str)| {
        let first = |phrases: &Phrases| phrases.as_ref()?.find(text).map(|found| found.range());
        let begins = first(&BEGINS).map(|range| (range, Severity::Fault));
        let elsewhere = || {
            let range = first(&SELF).or_else(|| first(&REFUSED))?;
            // Far into a long text it may be quoted.
            let severity = if range.start < END { Severity::Fault } else { Severity::Warning };
            Some((range, severity))
        };
        begins.or_else(elsewhere).map(|(range, severity)| (part, range, severity))
    };
    let (part, range, severity) = texts.filter_map(found).next()?;
    let why = "a model refused instead of writing".to_owned();
    let spans = vec![Span::new(part, range, "a refusal")];
    Some(reading.finding(Check::Refusal, severity, why, spans))
}

/// Whether words of the prompt, or words to the person who asked, were left in a text.
pub fn prompt_remnant(reading: &Reading<'_>) -> Option<Finding> {
    let (part, range, why, severity) = reading.texts().find_map(|(part, text)| {
        let (range, why, severity) = remnant(reading, part, text)?;
        Some((part, range, why, severity))
    })?;
    let spans = vec![Span::new(part, range, why)];
    let why = format!("{why} was left in the text");
    Some(reading.finding(Check::PromptRemnant, severity, why, spans))
}

type Remnant = (Range<usize>, &'static str, Severity);

fn remnant(reading: &Reading<'_>, part: Part, text: &str) -> Option<Remnant> {
    let find = |phrases: &Phrases, text: &str| Some(phrases.as_ref()?.find(text)?.range());
    if let Some(range) = find(&TOKENS, text) {
        return Some((range, "a token of a chat template or a blank of a prompt", Severity::Fault));
    }
    if let Some(range) = find(&OPENERS, text) {
        return Some((range, "what a model says before it writes", Severity::Fault));
    }
    // Examples to go on from are written with such markers.
    let has_examples = matches!(reading.kind, Some(TaskKind::FewShot | TaskKind::Code));
    if let Some(range) = marker(reading, part, text).filter(|_| !has_examples) {
        return Some((range, "a marker of a prompt", Severity::Warning));
    }
    let end = tail(text, END);
    let from = text.len() - end.len();
    let range = find(&CLOSERS, end)?;
    let range = from + range.start..from + range.end;
    Some((range, "what a model says after it has written", Severity::Warning))
}

/// A marker that begins the text, stands in a line of its own, or leads the record's own question or
/// answer: documents may have others, such as an interview's `Question:`.
fn marker(reading: &Reading<'_>, part: Part, text: &str) -> Option<Range<usize>> {
    let starts = text.len() - text.trim_start().len();
    MARKERS.as_ref()?.find_iter(text).map(|found| found.range()).find(|range| {
        let after = &text[range.end..];
        let line = after.split('\n').next().unwrap_or_default();
        let rest = words(line);
        let leads = |sought: &[Word]| {
            let found = Sought::new(sought).and_then(|sought| sought.find(&rest));
            sought.len() > 1 && found.is_some_and(|bytes| bytes.start < 12)
        };
        let is_own = part == Part::Context
            && (leads(&reading.instruction_words) || reading.answer_words.iter().any(|a| leads(a)));
        range.start <= starts || line.trim().is_empty() || is_own
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::{context, town};

    #[test]
    fn every_pattern_compiles() {
        for phrases in [&SELF, &REFUSED, &BEGINS, &TOKENS, &MARKERS, &OPENERS, &CLOSERS] {
            assert!(phrases.is_some());
        }
    }

    #[test]
    fn refusals_are_told_and_stories_and_articles_are_not() {
        let told = |text: &str| refusal(&Reading::new(&context(text), None)).is_some();
        let prose = town(100);
        for text in [
            "As an AI language model, I do not have a context.",
            "I'm sorry, but I cannot write this context.",
            "I\u{2019}m sorry, but I can\u{2019}t assist with that request.",
            "Unfortunately, the provided context does not say so.",
            "抱歉，我无法回答这个问题。",
            "作为一个人工智能语言模型，我不能提供这段文字。",
        ] {
            assert!(told(text), "{text}");
        }
        assert!(told(&format!("{prose}\n\nI am sorry, but I cannot provide more of this.")));
        for text in [
            prose.as_str(),
            "\u{201c}I'm sorry, but I cannot marry you,\u{201d} she said.",
            "As an AI researcher she wrote about language models.",
            "The town was unable to help. I cannot see the river from here.",
            "对不起，我不能嫁给你。",
            "Sorry I am late, he said.",
        ] {
            assert!(!told(text), "{text}");
        }
        let mut record = context(&prose);
        record.answers = vec!["I cannot answer that from the text.".into()];
        assert_eq!(refusal(&Reading::new(&record, None)).unwrap().spans[0].part, Part::Answer);
    }

    #[test]
    fn remnants_are_told_and_documents_are_not() {
        let mut record = context("");
        record.instruction = "Who opened the old mill?".into();
        record.answers = vec!["Mira Holt".into()];
        let mut told = |text: &str| {
            record.context = Some(text.into());
            prompt_remnant(&Reading::new(&record, None)).is_some()
        };
        let prose = town(100);
        for text in [
            format!("Context: {prose}"),
            format!("**Context:**\n{prose}"),
            format!("Sure, here is the context you asked for.\n{prose}"),
            format!("Here is a possible missing context:\n\n{prose}"),
            format!("{prose}<|im_end|>"),
            format!("[INST] {prose}"),
            format!("{prose}\n### Instruction: write on"),
            format!("{prose}\n\nAnswer: Mira Holt"),
            format!("{prose}\nAnswer:\n"),
            format!("{prose}\n\nI hope this helps!"),
            format!("上下文：{prose}"),
            format!("好的，以下是这段文字。{prose}"),
            format!("{prose} {{context}}"),
        ] {
            assert!(told(&text), "{}", &text[..60.min(text.len())]);
        }
        for text in [
            prose.clone(),
            format!("{prose}\n\nQuestion: How did you come to the sea?\nAnswer: By boat, in June."),
            format!("{prose} The context: it was war. The answer: none."),
            format!("Here is the baker's house, and there the mill. {prose}"),
            format!("Sure of himself, he went. {prose}"),
            format!("Of course, the mill was old. {prose}"),
            "f(x) = {x}; a[INSTALL] <s>old</s>".to_owned(),
        ] {
            assert!(!told(&text), "{text}");
        }
    }
}
