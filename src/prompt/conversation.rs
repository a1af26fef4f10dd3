//! A conversation that makes a synthetic record: what the model is told, and the pattern of its turn.

use super::{PromptError, Template};

/// A prompt file with the parts `[system]`, `[user]` and `[assistant]`.
///
/// The assistant's part is a pattern such as `Question: {instruction}`, newline, `Answer: {answer}`:
/// its plain text is given to the model, its blanks are what the model writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    system: Option<Template>,
    user: Template,
    stages: Vec<Stage>,
    labels: Vec<String>,
}

/// One blank of the assistant's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The text that leads to the blank, such as `Question:`.
    pub lead: String,
    /// The blank's name.
    pub blank: String,
}

impl Stage {
    /// The lead without the line breaks around it: the marker that must not be in a reply.
    pub fn marker(&self) -> &str {
        self.lead.trim()
    }
}

impl Conversation {
    /// Reads a conversation whose user part may use the blanks `given` and whose assistant's part
    /// must have exactly the blanks `written`, in this order.
    ///
    /// # Errors
    /// [`PromptError`] with the line or the blank.
    pub fn parse(text: &str, given: &[&str], written: &[&str]) -> Result<Self, PromptError> {
        let (system, user, assistant) = parts(text)?;
        let system = system.map(|text| Template::parse(&text)).transpose()?;
        let user = Template::parse(&user)?;
        let assistant = Template::parse(&assistant)?;
        for template in system.iter().chain([&user]) {
            check_known(template, given)?;
        }
        check_known(&assistant, written)?;
        let stages: Vec<Stage> = assistant
            .stages()
            .into_iter()
            .map(|(lead, blank)| Stage { lead: lead.trim_end().to_owned(), blank })
            .collect();
        for (ix, name) in written.iter().enumerate() {
            if stages.get(ix).is_none_or(|stage| stage.blank != *name) {
                let name = (*name).to_owned();
                return Err(PromptError::MissingBlank { name, section: "[assistant]" });
            }
        }
        if stages.len() != written.len() {
            return Err(PromptError::UnknownBlank {
                name: stages[written.len()].blank.clone(),
                known: format!("those of [assistant], each once: {}", written.join(", ")),
            });
        }
        let mut labels: Vec<String> = user.labels();
        labels.extend(stages.iter().map(|stage| stage.marker().to_owned()));
        labels.retain(|label| !label.is_empty());
        labels.sort();
        labels.dedup();
        Ok(Self { system, user, stages, labels })
    }

    /// What the model writes, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The markers of the assistant's turn and the labels before the user part's blanks, such as
    /// `Question:`: where one stands in a reply, the model has gone on to write another part.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The system and the user message with their blanks filled.
    ///
    /// # Errors
    /// [`PromptError::UnknownBlank`].
    pub fn fill(&self, values: &[(&str, &str)]) -> Result<(Option<String>, String), PromptError> {
        let system = self.system.as_ref().map(|t| t.fill(values)).transpose()?;
        Ok((system.map(|filled| filled.text), self.user.fill(values)?.text))
    }

    /// The assistant's turn up to the blank number `replies.len()`, with the earlier ones filled.
    pub fn begun(&self, replies: &[&str]) -> String {
        let mut text = String::new();
        for (ix, stage) in self.stages.iter().take(replies.len() + 1).enumerate() {
            text.push_str(&stage.lead);
            if let Some(reply) = replies.get(ix) {
                let glue = if stage.lead.is_empty() { "" } else { " " };
                text.push_str(glue);
                text.push_str(reply);
            }
        }
        text
    }
}

fn check_known(template: &Template, known: &[&str]) -> Result<(), PromptError> {
    match template.blanks().find(|blank| !known.contains(blank)) {
        None => Ok(()),
        Some(name) => {
            Err(PromptError::UnknownBlank { name: name.to_owned(), known: known.join(", ") })
        }
    }
}

/// Cuts a file into its parts: system, user, assistant.
fn parts(text: &str) -> Result<(Option<String>, String, String), PromptError> {
    let mut found: [Option<String>; 3] = [None, None, None];
    let mut current = None;
    for (ix, line) in text.lines().enumerate() {
        let line_no = ix + 1;
        let section = ["[system]", "[user]", "[assistant]"].iter().position(|s| *s == line.trim());
        if let Some(section) = section {
            if current >= Some(section) {
                let what = format!("the part {} comes twice or too late", line.trim());
                return Err(PromptError::Section { line: line_no, what });
            }
            current = Some(section);
            found[section] = Some(String::new());
        } else if let Some(body) = current.and_then(|section| found[section].as_mut()) {
            body.push_str(line);
            body.push('\n');
        } else if !line.trim().is_empty() {
            let what = "text before the first part".to_owned();
            return Err(PromptError::Section { line: line_no, what });
        }
    }
    let line = text.lines().count();
    let trim = |body: String| body.trim().to_owned();
    let [system, user, assistant] = found.map(|body| body.map(trim));
    let missing = |name: &str| PromptError::Section { line, what: format!("there is no {name}") };
    let user = user.ok_or_else(|| missing("[user]"))?;
    let assistant = assistant.ok_or_else(|| missing("[assistant]"))?;
    Ok((system.filter(|text| !text.is_empty()), user, assistant))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[system]\nBe brief.\n\n[user]\nText: {context}\n\n[assistant]\n\
                        Question: {instruction}\nAnswer: {answer}\n";

    #[test]
    fn the_assistants_turn_is_begun_stage_by_stage() {
        let talk = Conversation::parse(TEXT, &["context"], &["instruction", "answer"]).unwrap();
        let (system, user) = talk.fill(&[("context", "C")]).unwrap();
        assert_eq!((system.as_deref(), user.as_str()), (Some("Be brief."), "Text: C"));
        assert_eq!(talk.begun(&[]), "Question:");
        assert_eq!(talk.begun(&["Who?"]), "Question: Who?\nAnswer:");
        assert_eq!(talk.stages()[1].marker(), "Answer:");
        assert_eq!(talk.labels(), ["Answer:", "Question:", "Text:"]);
    }

    #[test]
    fn wrong_parts_and_blanks_are_told() {
        let parse = |text: &str| Conversation::parse(text, &["context"], &["instruction"]);
        for (text, expected) in [
            ("hello\n[user]\nx\n[assistant]\n{instruction}", "line 1"),
            ("[user]\nx\n[user]\ny\n[assistant]\n{instruction}", "line 3"),
            ("[user]\nx", "no [assistant]"),
            ("[user]\n{contxt}\n[assistant]\n{instruction}", "{contxt}"),
            ("[user]\nx\n[assistant]\nQuestion:", "{instruction}"),
            ("[user]\nx\n[assistant]\n{instruction} {instruction}", "each once"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
