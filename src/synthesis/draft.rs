//! The conversation about one seed: stages, attempts, and what they come to.

use super::outcome::{Attempt, Made, NewRecord, Origin, Outcome, Rejected, RejectedRecord};
use super::{Draft, Step, Strategy};
use crate::data::{Record, RecordId};
use crate::drive::{Ask, Heard, Talk, Turn};
use crate::model::{Finish, Message};
use crate::prompt::Conversation;
use serde_json::{Value, json};

/// What is the same for all seeds of a run.
pub struct Plan {
    /// The strategy.
    pub strategy: Box<dyn Strategy>,
    /// Its prompt.
    pub conversation: Conversation,
    /// What goes into the provenance.
    pub origin: Origin,
    /// Tries for each record.
    pub n_attempts: usize,
}

/// The conversation about one seed.
pub struct Drafting<'a> {
    plan: &'a Plan,
    seed: &'a Record,
    /// Trimmed replies of this attempt.
    replies: Vec<String>,
    current: Attempt,
    failed: Vec<Attempt>,
}

fn untried() -> Attempt {
    Attempt {
        replies: Vec::new(),
        rejected: None,
        finish: Finish::Stop,
        tokens_in: 0,
        tokens_out: 0,
    }
}

impl<'a> Drafting<'a> {
    /// A conversation about `seed`.
    pub fn new(plan: &'a Plan, seed: &'a Record) -> Self {
        Self { plan, seed, replies: Vec::new(), current: untried(), failed: Vec::new() }
    }

    fn draft(&self) -> Draft<'_> {
        Draft {
            seed: self.seed,
            n_words: self.plan.origin.words,
            replies: &self.replies,
            conversation: &self.plan.conversation,
            run_seed: self.plan.origin.seed,
        }
    }

    /// What the model would be asked next; for the preview too.
    ///
    /// # Errors
    /// [`Rejected`] when nothing would be asked.
    pub fn ask(&self, values: &[(&'static str, String)]) -> Result<Ask, Rejected> {
        let conversation = &self.plan.conversation;
        let values: Vec<(&str, &str)> =
            values.iter().map(|(name, v)| (*name, v.as_str())).collect();
        let filled = conversation.fill(&values);
        let (system, user) = filled.map_err(|error| Rejected::Prompt(error.to_string()))?;
        let message = |role: &str, content: String| Message { role: role.into(), content };
        let mut messages: Vec<Message> =
            system.into_iter().map(|text| message("system", text)).collect();
        messages.push(message("user", user));
        let replies: Vec<&str> = self.replies.iter().map(String::as_str).collect();
        let stage = self.replies.len();
        let purpose = format!("sample/{}/{stage}", self.failed.len());
        Ok(Ask {
            messages,
            plain: false,
            begun: conversation.begun(&replies),
            stop: stops(conversation, stage),
            // Where nothing is to follow, a label could only begin another part.
            banned: match conversation.stages().len() {
                1 => conversation.labels().to_vec(),
                _ => Vec::new(),
            },
            sampling: self.plan.origin.sampling.clone(),
            stream: self.draft().stream(&purpose),
        })
    }

    fn advance(&mut self) -> Turn<Outcome> {
        let step = self.plan.strategy.step(&self.draft());
        let asked = match step {
            Ok(Step::Done(made)) => return Turn::End(self.made(*made)),
            Ok(Step::Ask { values }) => self.ask(&values),
            Err(rejected) => Err(rejected),
        };
        match asked {
            Ok(ask) => Turn::Ask(Box::new(ask)),
            Err(rejected) => self.reject(rejected),
        }
    }

    /// Ends the attempt; begins the next if the fault lies in the replies and there is one left.
    fn reject(&mut self, rejected: Rejected) -> Turn<Outcome> {
        let mut attempt = std::mem::replace(&mut self.current, untried());
        attempt.rejected = Some(rejected.to_string());
        let hopeless = attempt.replies.is_empty();
        let raw_reply = self
            .plan
            .conversation
            .begun(&attempt.replies.iter().map(String::as_str).collect::<Vec<_>>());
        self.failed.push(attempt);
        self.replies.clear();
        if !hopeless && self.failed.len() < self.plan.n_attempts.max(1) {
            return self.advance();
        }
        if hopeless {
            // Nothing was asked, so there is no attempt to tell of.
            self.failed.pop();
        }
        Turn::End(Outcome::Rejected(Box::new(RejectedRecord {
            seed_id: self.seed.seed_id.clone(),
            task: self.seed.task.clone(),
            strategy: self.plan.strategy.id(),
            source: self.seed.source.path.file_name().unwrap_or_default().to_string_lossy().into(),
            line: self.seed.source.line,
            reason: rejected.to_string(),
            raw_reply: if hopeless { String::new() } else { raw_reply },
            attempts: std::mem::take(&mut self.failed),
            provenance: self.plan.origin.clone(),
        })))
    }

    fn made(&mut self, made: NewRecord) -> Outcome {
        let mut attempts = std::mem::take(&mut self.failed);
        attempts.push(std::mem::replace(&mut self.current, untried()));
        let mut extra = made.extra;
        extra.insert("provenance".into(), provenance(&self.plan.origin, &attempts));
        let record = Record {
            id: RecordId::unset(),
            seed_id: self.seed.seed_id.clone(),
            source: self.seed.source.clone(),
            task: self.seed.task.clone(),
            strategy: self.plan.strategy.id(),
            instruction: made.instruction,
            answers: made.answers,
            context: Some(made.context),
            extra,
        };
        Outcome::Made(Box::new(Made { record, attempts }))
    }
}

/// The provenance of a record as `INTERFACE.md` has it, with the tries that were not taken.
fn provenance(origin: &Origin, attempts: &[Attempt]) -> Value {
    let mut value = json!(origin);
    let (Some(object), Some((taken, failed))) = (value.as_object_mut(), attempts.split_last())
    else {
        return value;
    };
    object.insert("attempts".into(), json!(attempts.len()));
    object.insert("finish".into(), json!(taken.finish));
    object.insert("tokens_in".into(), json!(attempts.iter().map(|a| a.tokens_in).sum::<u64>()));
    object.insert("tokens_out".into(), json!(attempts.iter().map(|a| a.tokens_out).sum::<u64>()));
    if !failed.is_empty() {
        object.insert("rejected_attempts".into(), json!(failed));
    }
    value
}

/// Texts that end the reply of a stage: the marker of the next one, and any label on a new line.
fn stops(conversation: &Conversation, stage: usize) -> Vec<String> {
    let next = conversation.stages().get(stage + 1).map(|stage| stage.marker().to_owned());
    let labels = conversation.labels().iter().map(|label| format!("\n{label}"));
    next.into_iter().filter(|stop| !stop.is_empty()).chain(labels).collect()
}

impl Talk for Drafting<'_> {
    type Outcome = Outcome;

    fn begin(&mut self) -> Turn<Outcome> {
        self.advance()
    }

    fn hear(&mut self, heard: Heard) -> Turn<Outcome> {
        match heard {
            Heard::TooLong { n_prompt, window } => {
                self.reject(Rejected::TooLong { n_tokens: n_prompt, window })
            }
            Heard::Reply { reply, n_prompt } => {
                self.current.tokens_in += n_prompt as u64;
                self.current.tokens_out += reply.n_tokens as u64;
                self.current.finish = reply.finish;
                self.replies.push(reply.text.trim().to_owned());
                self.current.replies.push(reply.text);
                self.advance()
            }
        }
    }
}
