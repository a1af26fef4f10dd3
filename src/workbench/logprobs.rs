//! The log-probability of every token of a text file: the check of a model against another program.

use super::{Desk, ModelChoice, WorkbenchError};
use crate::job::Watch;
use crate::model::{self, ScoreRequest};
use serde::Serialize;
use std::path::Path;

/// What `backstory logprobs --json` prints.
#[derive(Debug, Serialize)]
pub struct LogprobsReport {
    /// The text's tokens, markers in it read as such.
    pub token_ids: Vec<u32>,
    /// Nats, one for each token but the first.
    pub logprobs: Vec<f32>,
    /// Mean negative log-probability in nats; null for fewer than two tokens.
    pub mean_nll: Option<f64>,
}

pub(super) fn run(
    file: &Path,
    model: &ModelChoice,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<LogprobsReport, WorkbenchError> {
    let read = |source| WorkbenchError::File { verb: "read", path: file.to_owned(), source };
    let bytes = std::fs::read(file).map_err(read)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        WorkbenchError::Refused(format!(
            "{}, line {line}: not UTF-8 (byte {at} of the file); convert the file to UTF-8",
            file.display()
        ))
    })?;
    if text.is_empty() {
        return Err(WorkbenchError::Refused(format!("{} is empty; give a text", file.display())));
    }
    let model = desk.model(model, watch)?;
    let tokens = model.tokenizer().encode_marked(&text).map_err(model::Error::from)?;
    let token_ids: Vec<u32> = tokens.into_iter().map(|token| token.id).collect();
    let n = token_ids.len();
    let request = ScoreRequest { tokens: token_ids.clone(), scored: vec![1..n.max(1)] };
    let scores = model.score(&[request], watch)?;
    let logprobs: Vec<f32> = scores.into_iter().flat_map(|scores| scores.logprobs).collect();
    let total: f64 = logprobs.iter().map(|x| f64::from(*x)).sum();
    let mean_nll = (!logprobs.is_empty()).then(|| -total / logprobs.len() as f64);
    Ok(LogprobsReport { token_ids, logprobs, mean_nll })
}
