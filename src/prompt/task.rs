//! The tasks of LongBench: what is known of each, and the prompt that a record of it is asked with.
//! The table itself is `task_table`'s.

use super::task_table::{N_OF_PAPER, TASKS};
use super::{Filled, PromptError, Template, needle};
use crate::metrics::Metric;

/// A data set of LongBench (its first edition), of which the paper uses eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// LongBench's name.
    pub name: &'static str,
    /// How the task is called in print.
    pub title: &'static str,
    /// What kind of task it is.
    pub kind: TaskKind,
    /// What its texts are written in.
    pub language: Language,
    /// How its predictions are graded.
    pub metric: Metric,
    /// The most tokens that an answer may have (LongBench's `dataset2maxlen.json`).
    pub max_answer_tokens: usize,
    /// Whether a model's chat template is applied; LongBench leaves it out where the prompt is
    /// text to be continued.
    pub chat: bool,
    /// Whether only the first line of a prediction is graded, line breaks before it left out.
    pub first_line: bool,
    pub(super) prompt: &'static str,
}

/// What the texts of a task are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// English.
    English,
    /// Chinese.
    Chinese,
    /// Programming languages.
    Code,
}

/// The groups in which tasks are reported: the paper's three, then LongBench's others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskKind {
    /// Questions about one document.
    SingleDocument,
    /// Questions over several documents.
    MultiDocument,
    /// Summaries.
    Summarization,
    /// Examples to go on from.
    FewShot,
    /// Counting and finding paragraphs.
    Synthetic,
    /// Completing programs.
    Code,
}

impl TaskKind {
    /// Every kind, the paper's first and in its order.
    pub const ALL: [Self; 6] = [
        Self::SingleDocument,
        Self::MultiDocument,
        Self::Summarization,
        Self::FewShot,
        Self::Synthetic,
        Self::Code,
    ];

    /// What it is called in print.
    pub fn title(self) -> &'static str {
        match self {
            Self::SingleDocument => "Single-document QA",
            Self::MultiDocument => "Multi-document QA",
            Self::Summarization => "Summarization",
            Self::FewShot => "Few-shot",
            Self::Synthetic => "Synthetic",
            Self::Code => "Code",
        }
    }
}

impl Task {
    /// Every task: the paper's eight in its order (`PAPER.md` section 2), then LongBench's others.
    pub fn all() -> &'static [Self] {
        &TASKS
    }

    /// The task that a dataset's `task` field means: upper case, `-`, `_` and spaces do not count,
    /// nor does LongBench-E's `_e`, nor `longbench_` before it.
    pub fn find(name: &str) -> Option<&'static Self> {
        let mut plain = plain(name);
        if name.ends_with("_e") {
            plain.pop();
        }
        let wanted = match plain.strip_prefix("longbench").unwrap_or(&plain) {
            "2wikiqa" | "2wikimultihopqa" => "2wikimqa",
            other => other,
        };
        TASKS.iter().find(|task| self::plain(task.name) == wanted)
    }

    /// The one name of what a dataset's `task` field means; an unknown task keeps its own.
    pub fn canonical(name: &str) -> &str {
        Self::find(name).map_or(name, |task| task.name)
    }

    /// Where a task stands among all: the paper's in its order, LongBench's others in its own;
    /// unknown ones come last.
    pub fn rank(name: &str) -> usize {
        let found = Self::find(name);
        TASKS.iter().position(|task| Some(task) == found).unwrap_or(TASKS.len())
    }

    /// Whether the paper reports it.
    pub fn is_of_paper(&self) -> bool {
        TASKS[..N_OF_PAPER].contains(self)
    }
}

/// A name without what does not count in it.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The prompt that a record of a task is asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPrompt {
    template: Template,
}

impl TaskPrompt {
    /// Our prompt for the task that `name` means, or the general one.
    ///
    /// # Errors
    /// None for the prompts that come with the program; a test reads them all.
    pub fn of(name: &str) -> Result<Self, PromptError> {
        let ours = Task::find(name).map(|task| task.prompt).or_else(|| needle::wording(name));
        Self::parse(ours.unwrap_or(include_str!("../../prompts/tasks/default.txt")))
    }

    /// A prompt with the blanks `{context}` and, if there is a place for it, `{instruction}`.
    ///
    /// # Errors
    /// [`PromptError`] for bad braces or without `{context}`.
    pub fn parse(text: &str) -> Result<Self, PromptError> {
        let template = Template::parse(text.trim_end())?;
        if !template.has("context") {
            return Err(PromptError::MissingBlank { name: "context".into(), section: "task" });
        }
        Ok(Self { template })
    }

    /// The prompt for a record. One without a place for the instruction gets it, after a blank
    /// line, after the context (`INTERFACE.md`, Coherence).
    ///
    /// # Errors
    /// [`PromptError::UnknownBlank`].
    pub fn fill(&self, context: &str, instruction: &str) -> Result<Filled, PromptError> {
        if self.template.has("instruction") {
            return self.template.fill(&[("context", context), ("instruction", instruction)]);
        }
        let mut parts = self.template.fill(&[("context", context)])?;
        let Some(range) = parts.range("context") else { return Ok(parts) };
        let rest = parts.text.split_off(range.end);
        parts.push_text("\n\n");
        parts.push_blank("instruction", instruction);
        parts.push_text(&rest);
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_find_their_task() {
        for (alias, name) in [
            ("2wikiqa", "2wikimqa"),
            ("2WikiMultihopQA", "2wikimqa"),
            ("govreport", "gov_report"),
            ("multinews", "multi_news"),
            ("HotpotQA", "hotpotqa"),
            ("hotpotqa_e", "hotpotqa"),
            ("longbench_passage_retrieval_en", "passage_retrieval_en"),
            ("RepoBench-P", "repobench-p"),
            ("repobench_p_e", "repobench-p"),
        ] {
            assert_eq!(Task::find(alias).map(|task| task.name), Some(name));
        }
        assert_eq!(Task::find("my own"), None);
        assert!(Task::rank("qasper") < Task::rank("2wikiqa"));
        assert!(Task::rank("multifieldqa_en") > Task::rank("multinews"));
        assert!(Task::rank("my own") > Task::rank("repobench-p"));
        for task in Task::all() {
            assert_eq!(Task::find(task.name), Some(task));
            assert_eq!(Task::canonical(&format!("{}_e", task.name)), task.name);
        }
    }

    #[test]
    fn the_table_says_what_longbench_says() {
        let names = |wanted: fn(&Task) -> bool| {
            let mut names: Vec<&str> =
                Task::all().iter().filter(|task| wanted(task)).map(|task| task.name).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(names(|_| true).len(), 21);
        let paper = ["2wikimqa", "gov_report", "hotpotqa", "multi_news", "musique", "narrativeqa"];
        assert_eq!(names(Task::is_of_paper), [&paper[..], &["qasper", "qmsum"]].concat());
        let continued = ["lcc", "lsht", "repobench-p", "samsum", "trec", "triviaqa"];
        assert_eq!(names(|task| !task.chat), continued);
        assert_eq!(names(|task| task.first_line), ["lsht", "samsum", "trec", "triviaqa"]);
        let chinese = ["dureader", "lsht", "multifieldqa_zh", "passage_retrieval_zh", "vcsum"];
        assert_eq!(names(|task| task.language == Language::Chinese), chinese);
        let long = ["gov_report", "multi_news", "qmsum", "vcsum"];
        assert_eq!(names(|task| task.max_answer_tokens == 512), long);
        let middle = ["dureader", "narrativeqa", "qasper", "samsum"];
        assert_eq!(names(|task| task.max_answer_tokens == 128), middle);
        let short = ["lcc", "lsht", "multifieldqa_en", "multifieldqa_zh", "repobench-p", "trec"];
        assert_eq!(names(|task| task.max_answer_tokens == 64), short);
        assert_eq!(names(|task| task.max_answer_tokens == 32).len(), 7);
        let rouge = ["gov_report", "multi_news", "qmsum", "samsum"];
        assert_eq!(names(|task| task.metric == Metric::RougeL), rouge);
        assert_eq!(names(|task| task.metric == Metric::QaF1).len(), 7);
    }

    #[test]
    fn every_prompt_holds_context_and_instruction() {
        for name in TASKS.iter().map(|task| task.name).chain(["something else"]) {
            let filled = TaskPrompt::of(name).unwrap().fill("THE DOCUMENT", "WHAT?").unwrap();
            assert_eq!(&filled.text[filled.range("context").unwrap()], "THE DOCUMENT");
            assert_eq!(&filled.text[filled.range("instruction").unwrap()], "WHAT?");
        }
    }

    #[test]
    fn a_prompt_without_a_question_gets_it_after_the_context() {
        let filled = TaskPrompt::parse("Report:\n{context}\n\nSum up.").unwrap();
        assert_eq!(filled.fill("C", "I").unwrap().text, "Report:\nC\n\nI\n\nSum up.");
    }
}
