//! Contexts in another language than their instruction.

use super::answers::is_function;
use super::finding::{Check, Finding, Part, Severity, Span};
use super::reading::Reading;
use super::words::{Word, bytes, halves};
use crate::metrics::stands_alone;
use whatlang::{Lang, Script, detect, detect_script};

/// Pieces of a context that are looked at, evenly over its length.
const PIECES: usize = 8;

/// Words of a piece (twice as many characters of a script without spaces): enough to tell a language.
const PIECE_WORDS: usize = 60;

/// Share of pieces in another language from which on the context is.
const MOST_FOREIGN: f64 = 0.25;

/// Share of English function words from which on a text is English: English prose has 0.35 to 0.5,
/// other languages, lists and code under 0.06.
const ENGLISH: f64 = 0.12;

/// Words that an instruction must have for its language to be told by whatlang; of English, a few
/// function words are enough.
const LEAST_WORDS: usize = 8;

/// Confidence that whatlang must have.
const SURE: f64 = 0.9;

/// Share of letters and spaces from which on a text is prose.
const PROSE: f64 = 0.85;

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Written {
    /// In this language.
    In(Lang),
    /// In this script; the language cannot be told.
    With(Script),
}

impl Written {
    fn script(self) -> Script {
        match self {
            Self::In(lang) => script_of(lang),
            Self::With(script) => script,
        }
    }

    fn differs(self, other: Self) -> bool {
        match (self, other) {
            (Self::In(a), Self::In(b)) => a != b,
            _ => family(self.script()) != family(other.script()),
        }
    }

    fn name(self) -> String {
        match self {
            Self::In(lang) => lang.eng_name().to_owned(),
            Self::With(script) => format!("{} letters", script.name()),
        }
    }
}

/// Scripts that one language is written in count as one.
fn family(script: Script) -> Script {
    match script {
        Script::Hiragana | Script::Katakana => Script::Mandarin,
        other => other,
    }
}

fn script_of(lang: Lang) -> Script {
    match lang {
        Lang::Cmn | Lang::Jpn => Script::Mandarin,
        Lang::Rus | Lang::Ukr | Lang::Bul | Lang::Bel | Lang::Mkd | Lang::Srp => Script::Cyrillic,
        Lang::Ara | Lang::Pes | Lang::Urd => Script::Arabic,
        Lang::Heb | Lang::Yid => Script::Hebrew,
        Lang::Hin | Lang::Mar | Lang::Nep => Script::Devanagari,
        Lang::Kor => Script::Hangul,
        Lang::Ell => Script::Greek,
        _ => Script::Latin,
    }
}

/// Whether at least a quarter of the context is in another language than the instruction.
pub fn wrong_language(reading: &Reading<'_>) -> Option<Finding> {
    let instruction = reading.record.instruction.as_str();
    let asked = of_instruction(instruction, &reading.instruction_words)?;
    let pieces: Vec<(&[Word], Option<Written>)> = pieces(&reading.context_words)
        .map(|piece| (piece, of_piece(&reading.context[bytes(piece)], piece)))
        .collect();
    let is_foreign = |written: &Option<Written>| written.is_some_and(|w| w.differs(asked));
    let foreign: Vec<_> = pieces.iter().filter(|(_, written)| is_foreign(written)).collect();
    let share = foreign.len() as f64 / pieces.len().max(1) as f64;
    let (first, written) = foreign.first()?;
    if share < MOST_FOREIGN {
        return None;
    }
    let why = format!(
        "the instruction is in {}, {:.0}% of the context in {}",
        asked.name(),
        100.0 * share,
        (*written)?.name()
    );
    let spans = vec![
        Span::new(Part::Context, bytes(first), (*written)?.name()),
        Span::new(Part::Instruction, 0..instruction.len(), asked.name()),
    ];
    Some(reading.finding(Check::WrongLanguage, Severity::Warning, why, spans))
}

/// Runs of words evenly over a text; of a short one, all of it.
fn pieces(words: &[Word]) -> impl Iterator<Item = &[Word]> {
    let n_halves = halves(&words[..words.len().min(PIECE_WORDS)]).max(1);
    let len = PIECE_WORDS * 2 * words.len().min(PIECE_WORDS) / n_halves;
    let n = (words.len() / len.max(1)).clamp(usize::from(!words.is_empty()), PIECES);
    (0..n).map(move |ix| {
        let start = if n > 1 { (words.len() - len.min(words.len())) * ix / (n - 1) } else { 0 };
        &words[start..(start + len).min(words.len())]
    })
}

fn of_instruction(text: &str, words: &[Word]) -> Option<Written> {
    if words.len() >= 4 && english_share(words) >= ENGLISH {
        return Some(Written::In(Lang::Eng));
    }
    let script = main_script(text)?;
    let sure = detect(text).filter(|info| info.confidence() >= SURE && words.len() >= LEAST_WORDS);
    Some(sure.map_or(Written::With(script), |info| Written::In(info.lang())))
}

/// What a piece of a context is written in; `None` where it is no prose, or that cannot be told.
fn of_piece(text: &str, words: &[Word]) -> Option<Written> {
    if words.len() < LEAST_WORDS || !is_prose(text) {
        return None;
    }
    let english = english_share(words);
    if english >= ENGLISH {
        return Some(Written::In(Lang::Eng));
    }
    let script = main_script(text)?;
    if script != Script::Latin {
        return Some(Written::With(script));
    }
    let sure = detect(text).filter(|info| info.confidence() >= SURE && info.is_reliable())?;
    // English without its function words is a list.
    (sure.lang() != Lang::Eng).then_some(Written::In(sure.lang()))
}

fn english_share(words: &[Word]) -> f64 {
    words.iter().filter(|word| is_function(word)).count() as f64 / words.len().max(1) as f64
}

/// The script of at least two thirds of the letters.
fn main_script(text: &str) -> Option<Script> {
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    let script = family(detect_script(&letters)?);
    let n = letters.chars().count();
    let is_of = |c: &char| match script {
        Script::Latin => c.is_ascii() || ('\u{c0}'..'\u{250}').contains(c),
        Script::Mandarin => stands_alone(*c),
        _ => !c.is_ascii() && !stands_alone(*c),
    };
    (3 * letters.chars().filter(is_of).count() >= 2 * n).then_some(script)
}

/// Letters, spaces and the marks of prose; neither code nor tables.
fn is_prose(text: &str) -> bool {
    let n = text.chars().count();
    let plain =
        |c: &char| c.is_alphabetic() || c.is_whitespace() || ",.;:'\u{2019}，。、；：".contains(*c);
    text.chars().filter(plain).count() as f64 >= PROSE * n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::{context, town};

    const SPANISH: &str = "El pueblo está junto al río y desde hace muchos años los vecinos se reúnen cada \
        domingo en la plaza para hablar de sus cosas. La panadera abre muy temprano, cuando todavía no ha salido \
        el sol, y los niños pasan por su puerta camino de la escuela con la esperanza de que les dé un bollo. \
        Por la tarde, el herrero cierra su taller y se sienta con su mujer a mirar cómo pasan los barcos. ";
    const CHINESE: &str = "这座小镇坐落在河边，多年来居民们每个星期天都会聚集在广场上聊天。面包师很早就开门，那时太阳还没有升起，\
        孩子们上学路过她的门口，希望能得到一个小面包。下午，铁匠关上他的作坊，和妻子一起坐着看船只驶过。";

    fn verdict(instruction: &str, text: &str) -> Option<String> {
        let mut record = context(text);
        record.instruction = instruction.into();
        wrong_language(&Reading::new(&record, None)).map(|finding| finding.why)
    }

    #[test]
    fn other_languages_and_scripts_are_told() {
        let question = "Who opened the bakery before the sun was up?";
        let why = verdict(question, &SPANISH.repeat(3)).unwrap();
        assert!(why.contains("English") && why.contains("Spanish"), "{why}");
        assert!(verdict(question, &CHINESE.repeat(3)).unwrap().contains("Mandarin"));
        assert!(
            verdict("谁在太阳升起之前打开了面包店的门？", &town(300)).unwrap().contains("English")
        );
        // The model went over to Chinese in the middle.
        assert!(verdict(question, &format!("{}\n\n{}", town(200), CHINESE.repeat(4))).is_some());
        let spanish =
            "¿Quién abre la puerta de la panadería antes de que salga el sol por la mañana?";
        assert!(verdict(spanish, &town(300)).is_some());
        assert_eq!(verdict(spanish, &SPANISH.repeat(3)), None);
    }

    #[test]
    fn names_quotes_lists_and_code_are_not_told() {
        let question = "What is the summary of the meeting?";
        let quoted = town(600).replacen("\n\n", &format!("\n\n{}\n\n", &SPANISH[..200]), 1);
        let code = "let total_sum = items.iter().map(|x| x.value()).sum::<f64>(); // der Wert\n"
            .repeat(30);
        let list = "Alderney\nBordeaux\nCopenhagen\nDüsseldorf\nEindhoven\nFirenze\nGöteborg\nHelsinki\nInnsbruck\n"
            .repeat(10);
        let numbers = "12 34 56 78 90 11.5 22.6 total 77 88\n".repeat(30);
        for text in [&town(300), &quoted, &code, &list, &numbers] {
            assert_eq!(verdict(question, text), None, "{text}");
        }
        assert_eq!(verdict("谁打开了门？", CHINESE), None);
        assert_eq!(verdict("Summarize.", &town(100)), None);
        assert_eq!(verdict("", CHINESE), None);
        assert_eq!(verdict("Wer war Mira Holt?", &town(100)), None);
    }
}
