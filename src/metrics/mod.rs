//! Prediction and answers in, a grade out.
//!
//! Here belong the metrics of the benchmarks, equal to the scorers that the field uses. What does
//! **not** belong here: models and files; which task is graded by which metric is `prompt`'s table,
//! reading predictions and averaging grades as an edition of a benchmark does is `longbench`'s.

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
}
