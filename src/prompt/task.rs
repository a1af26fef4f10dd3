//! The table of tasks: names, aliases and the prompt that a record of the task is asked with.

use super::{Filled, PromptError, Template, needle};

/// A task of the paper, by its LongBench name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// LongBench's name.
    pub name: &'static str,
    /// How the task is called in print.
    pub title: &'static str,
    /// What kind of task it is.
    pub kind: TaskKind,
    prompt: &'static str,
}

/// The groups in which the paper reports tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskKind {
    /// Questions about one document.
    SingleDocument,
    /// Questions over several documents.
    MultiDocument,
    /// Summaries.
    Summarization,
}

impl TaskKind {
    /// Every kind, in the paper's order.
    pub const ALL: [Self; 3] = [Self::SingleDocument, Self::MultiDocument, Self::Summarization];

    /// What it is called in print.
    pub fn title(self) -> &'static str {
        match self {
            Self::SingleDocument => "Single-document QA",
            Self::MultiDocument => "Multi-document QA",
            Self::Summarization => "Summarization",
        }
    }
}

const MULTI_DOCUMENT_QA: &str = include_str!("../../prompts/tasks/multi_document_qa.txt");

/// The eight tasks of the paper (`PAPER.md` section 2), in its order.
const TASKS: [Task; 8] = [
    Task {
        name: "narrativeqa",
        title: "NarrativeQA",
        kind: TaskKind::SingleDocument,
        prompt: include_str!("../../prompts/tasks/narrativeqa.txt"),
    },
    Task {
        name: "qasper",
        title: "Qasper",
        kind: TaskKind::SingleDocument,
        prompt: include_str!("../../prompts/tasks/qasper.txt"),
    },
    Task {
        name: "hotpotqa",
        title: "HotpotQA",
        kind: TaskKind::MultiDocument,
        prompt: MULTI_DOCUMENT_QA,
    },
    Task {
        name: "2wikimqa",
        title: "2WikiMQA",
        kind: TaskKind::MultiDocument,
        prompt: MULTI_DOCUMENT_QA,
    },
    Task {
        name: "musique",
        title: "MuSiQue",
        kind: TaskKind::MultiDocument,
        prompt: MULTI_DOCUMENT_QA,
    },
    Task {
        name: "gov_report",
        title: "GovReport",
        kind: TaskKind::Summarization,
        prompt: include_str!("../../prompts/tasks/gov_report.txt"),
    },
    Task {
        name: "qmsum",
        title: "QMSum",
        kind: TaskKind::Summarization,
        prompt: include_str!("../../prompts/tasks/qmsum.txt"),
    },
    Task {
        name: "multi_news",
        title: "MultiNews",
        kind: TaskKind::Summarization,
        prompt: include_str!("../../prompts/tasks/multi_news.txt"),
    },
];

impl Task {
    /// The task that a dataset's `task` field means: upper case, `-`, `_` and spaces do not count,
    /// nor does LongBench-E's `_e`.
    pub fn find(name: &str) -> Option<&'static Self> {
        let mut plain: String =
            name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if name.ends_with("_e") {
            plain.pop();
        }
        let plain = match plain.as_str() {
            "2wikiqa" | "2wikimultihopqa" => "2wikimqa",
            other => other,
        };
        TASKS.iter().find(|task| task.name.replace('_', "") == plain)
    }

    /// The one name of what a dataset's `task` field means; an unknown task keeps its own.
    pub fn canonical(name: &str) -> &str {
        Self::find(name).map_or(name, |task| task.name)
    }

    /// Where a task stands in the paper's order; unknown ones come last.
    pub fn rank(name: &str) -> usize {
        let found = Self::find(name);
        TASKS.iter().position(|task| Some(task) == found).unwrap_or(TASKS.len())
    }
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
        ] {
            assert_eq!(Task::find(alias).map(|task| task.name), Some(name));
        }
        assert_eq!(Task::find("my own"), None);
        assert!(Task::rank("qasper") < Task::rank("2wikiqa"));
        assert!(Task::rank("my own") > Task::rank("multinews"));
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
