//! The names that may stand in an expression.

use std::fmt;

/// A part of a record that has a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The document.
    Context,
    /// The question or request.
    Instruction,
    /// The first answer.
    Answer,
    /// The whole prompt: the task's prompt, in the chat template where tokens are counted.
    Prompt,
}

/// What lengths are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Unicode characters.
    Chars,
    /// Runs of non-white-space.
    Words,
    /// Tokens.
    Tokens,
}

/// What a coherence row says of a record (`INTERFACE.md`, Coherence).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are the fields of a coherence row")]
pub enum Measure {
    InstructionGain,
    InstructionGainShuffled,
    InstructionDependence,
    AnswerGain,
    AnswerGainShuffled,
    AnswerDependence,
    ContextIfd,
    OwnRank,
    AucInstruction,
    AucAnswer,
    AnswerInContext,
    AnswerPosition,
    InstructionOverlap,
    NContextTokens,
    NInstructionTokens,
    NAnswerTokens,
    KeptTokens,
    Truncated,
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The record's id.
    Id,
    /// The seed's id.
    SeedId,
    /// The task, as the file says it.
    Task,
    /// The strategy.
    Strategy,
    /// The name of the file, without its folder.
    File,
    /// The line in the file, from 1.
    Line,
    /// The number of answers.
    NAnswers,
    /// The text of a part; [`Part::Prompt`] has none.
    Text(Part),
    /// A measurement.
    Measure(Measure),
    /// Whether a person accepted the record.
    Accepted,
    /// Whether a person discarded the record.
    Discarded,
    /// The rating that a person gave it, 1 to 5.
    Rating,
    /// Another column of the file, by its keys: `extra.provenance.model`.
    Extra(Vec<String>),
}

/// What is known of a name's values before there is a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Bool,
    /// Whatever the file has there.
    Any,
    Null,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Any => "any value",
            Self::Null => "null",
        })
    }
}

/// Names of fields, but for `extra.…`.
const NAMES: [(&str, Name); 13] = [
    ("task", Name::Task),
    ("strategy", Name::Strategy),
    ("instruction", Name::Text(Part::Instruction)),
    ("answer", Name::Text(Part::Answer)),
    ("context", Name::Text(Part::Context)),
    ("n_answers", Name::NAnswers),
    ("id", Name::Id),
    ("seed_id", Name::SeedId),
    ("file", Name::File),
    ("line", Name::Line),
    ("accepted", Name::Accepted),
    ("discarded", Name::Discarded),
    ("rating", Name::Rating),
];

impl Measure {
    /// Every measurement by its name in a coherence row.
    pub const ALL: [(&'static str, Self); 18] = [
        ("instruction_gain", Self::InstructionGain),
        ("instruction_gain_shuffled", Self::InstructionGainShuffled),
        ("instruction_dependence", Self::InstructionDependence),
        ("answer_gain", Self::AnswerGain),
        ("answer_gain_shuffled", Self::AnswerGainShuffled),
        ("answer_dependence", Self::AnswerDependence),
        ("context_ifd", Self::ContextIfd),
        ("own_rank", Self::OwnRank),
        ("auc_instruction", Self::AucInstruction),
        ("auc_answer", Self::AucAnswer),
        ("answer_in_context", Self::AnswerInContext),
        ("answer_position", Self::AnswerPosition),
        ("instruction_overlap", Self::InstructionOverlap),
        ("n_context_tokens", Self::NContextTokens),
        ("n_instruction_tokens", Self::NInstructionTokens),
        ("n_answer_tokens", Self::NAnswerTokens),
        ("kept_tokens", Self::KeptTokens),
        ("truncated", Self::Truncated),
    ];

    /// Its name in a coherence row.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, measure)| *measure == self).map_or("", |(name, _)| name)
    }
}

impl Name {
    /// What a word means, if it is a name.
    pub(super) fn of(word: &str) -> Option<Self> {
        if let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == word) {
            return Some(name.clone());
        }
        if let Some((_, measure)) = Measure::ALL.iter().find(|(known, _)| *known == word) {
            return Some(Self::Measure(*measure));
        }
        let keys: Vec<String> =
            word.strip_prefix("extra.")?.split('.').map(str::to_owned).collect();
        keys.iter().all(|key| !key.is_empty()).then_some(Self::Extra(keys))
    }

    /// All that may be written, for messages.
    pub(super) fn known() -> String {
        let names = NAMES.iter().map(|(name, _)| *name);
        let measures = Measure::ALL.iter().map(|(name, _)| *name);
        let names: Vec<&str> = names.chain(measures).collect();
        format!("{}, and extra.KEY for any other column", names.join(", "))
    }

    /// The text that it is.
    pub fn part(&self) -> Option<Part> {
        match self {
            Self::Text(part) => Some(*part),
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Id | Self::SeedId | Self::Task | Self::Strategy | Self::File | Self::Text(_) => {
                Kind::Text
            }
            Self::Measure(Measure::AnswerInContext | Measure::Truncated)
            | Self::Accepted
            | Self::Discarded => Kind::Bool,
            Self::Line | Self::NAnswers | Self::Rating | Self::Measure(_) => Kind::Number,
            Self::Extra(_) => Kind::Any,
        }
    }
}

impl Part {
    /// The part that a word means as the argument of a length.
    pub(super) fn of(word: &str) -> Option<Self> {
        match word {
            "context" => Some(Self::Context),
            "instruction" => Some(Self::Instruction),
            "answer" => Some(Self::Answer),
            "prompt" => Some(Self::Prompt),
            _ => None,
        }
    }
}
