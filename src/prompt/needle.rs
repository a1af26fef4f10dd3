//! The prompt of the needle tasks (`PAPER.md` section 4), which are none of LongBench's.

use super::{PromptError, TaskPrompt};

/// What the tasks of needle records begin with: `needle_single`, `needle_multi_key` and so on.
const TASKS: &str = "needle_";

const PROMPT: &str = include_str!("../../prompts/tasks/needle.txt");

/// The wording for a task, if it is a needle task.
pub(super) fn wording(task: &str) -> Option<&'static str> {
    task.starts_with(TASKS).then_some(PROMPT)
}

impl TaskPrompt {
    /// Our prompt for needle tests.
    ///
    /// # Errors
    /// None for the prompt that comes with the program; a test reads it.
    pub fn needle() -> Result<Self, PromptError> {
        Self::parse(PROMPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needle_records_are_asked_with_the_needle_prompt() {
        let needle = TaskPrompt::needle().unwrap();
        assert_eq!(TaskPrompt::of("needle_multi_key").unwrap(), needle);
        assert_ne!(TaskPrompt::of("needlework").unwrap(), needle);
        let filled = needle.fill("THE TEXT", "WHICH?").unwrap();
        assert_eq!(&filled.text[filled.range("context").unwrap()], "THE TEXT");
        assert_eq!(&filled.text[filled.range("instruction").unwrap()], "WHICH?");
    }
}
