//! Prediction and answers in, a grade out.
//!
//! Here belong the metrics of the benchmarks, equal to the scorers that the field uses. What does
//! **not** belong here: models and files; which task is graded by which metric is `prompt`'s table,
//! reading predictions and averaging grades as an edition of a benchmark does is `longbench`'s.

mod chinese_words;
mod classification;
mod code_similarity;
mod difflib;
mod lcs;
mod numbers;
mod occurrences;
mod python_text;
mod rouge;
mod string_match;
mod terms;
mod token_f1;

pub use occurrences::{Plain, occurrences};
pub use string_match::{exact_match, string_match_all, string_match_part};
pub use terms::{FUNCTION_WORDS, is_yes_no, stands_alone, terms};
pub use token_f1::token_f1;

/// How a prediction of a LongBench data set is graded (`PAPER.md` section 6; LongBench's
/// `dataset2metric`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// F1 over words of the normalized texts.
    QaF1,
    /// F1 over words that jieba finds in Chinese text.
    QaF1Zh,
    /// ROUGE-L, its F.
    RougeL,
    /// ROUGE-L over words that jieba finds in Chinese text.
    RougeLZh,
    /// Whether the right class is named, and no other.
    Classification,
    /// The share of the right number of a paragraph among all numbers.
    Retrieval,
    /// The same for Chinese text.
    RetrievalZh,
    /// The share of the right number among all numbers.
    Count,
    /// How far the next line of code is the right one, letter by letter.
    CodeSimilarity,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 9] = [
        Self::QaF1,
        Self::QaF1Zh,
        Self::RougeL,
        Self::RougeLZh,
        Self::Classification,
        Self::Retrieval,
        Self::RetrievalZh,
        Self::Count,
        Self::CodeSimilarity,
    ];

    /// What LongBench's scorer calls it, without `_score`.
    pub fn name(self) -> &'static str {
        match self {
            Self::QaF1 => "qa_f1",
            Self::QaF1Zh => "qa_f1_zh",
            Self::RougeL => "rouge",
            Self::RougeLZh => "rouge_zh",
            Self::Classification => "classification",
            Self::Retrieval => "retrieval",
            Self::RetrievalZh => "retrieval_zh",
            Self::Count => "count",
            Self::CodeSimilarity => "code_sim",
        }
    }

    /// The grade of a prediction, 0 to 1: the best over the references, 0 without any. `all_classes`
    /// are the names that a classification chooses from; other metrics do not look at them.
    pub fn grade(self, prediction: &str, answers: &[String], all_classes: &[String]) -> f64 {
        let grades = answers.iter().map(|answer| self.grade_one(prediction, answer, all_classes));
        grades.fold(0.0, f64::max)
    }

    fn grade_one(self, prediction: &str, answer: &str, all_classes: &[String]) -> f64 {
        let number_after = |before| {
            numbers::after(before, answer).map_or(0.0, |n| numbers::share_of(prediction, n))
        };
        match self {
            Self::QaF1 => token_f1(prediction, answer),
            Self::QaF1Zh => token_f1::token_f1_zh(prediction, answer),
            Self::RougeL => rouge::rouge_l(prediction, answer),
            Self::RougeLZh => rouge::rouge_l_zh(prediction, answer),
            Self::Classification => classification::classification(prediction, answer, all_classes),
            Self::Retrieval => number_after(PARAGRAPH),
            Self::RetrievalZh => number_after(PARAGRAPH_ZH),
            Self::Count => numbers::share_of(prediction, answer),
            Self::CodeSimilarity => code_similarity::code_similarity(prediction, answer),
        }
    }

    /// What of the references this metric cannot grade by, where LongBench's scorer stops.
    pub fn flaw(self, answers: &[String]) -> Option<&'static str> {
        let (before, flaw) = match self {
            Self::Retrieval => (PARAGRAPH, "holds an answer without `Paragraph` and a number"),
            Self::RetrievalZh => (PARAGRAPH_ZH, "holds an answer without `段落` and a number"),
            _ => return None,
        };
        let is_flawed = answers.iter().any(|answer| numbers::after(before, answer).is_none());
        is_flawed.then_some(flaw)
    }
}

/// What stands before the number of a paragraph.
const PARAGRAPH: &str = "Paragraph ";
const PARAGRAPH_ZH: &str = "段落";
