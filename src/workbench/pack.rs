//! The user's prompt pack, read from its files.

use super::WorkbenchError;
use super::signature::text_sha256;
use super::synth::read_prompt_file;
use crate::prompt::{PackError, PromptPack};
use std::path::Path;

const PROMPTS: &str = "dataset2prompt.json";
const LIMITS: &str = "dataset2maxlen.json";

/// The pack of a `dataset2prompt.json` or of the folder that holds one, with the limits of the
/// `dataset2maxlen.json` beside it where there is one; our own without a path. With it a SHA-256 of all
/// that was read.
///
/// # Errors
/// [`WorkbenchError::Pack`] with the file.
pub(super) fn read(path: Option<&Path>) -> Result<(PromptPack, String), WorkbenchError> {
    let Some(path) = path else { return Ok((PromptPack::own(), text_sha256(""))) };
    let prompts = if path.is_dir() { path.join(PROMPTS) } else { path.to_owned() };
    let limits = prompts.with_file_name(LIMITS);
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |source: PackError| WorkbenchError::Pack { path, source }
    };
    let mut text = read_prompt_file(&prompts)?;
    let mut pack = PromptPack::parse(&text).map_err(refused(&prompts))?;
    if limits.is_file() {
        let more = read_prompt_file(&limits)?;
        pack = pack.with_limits(&more).map_err(refused(&limits))?;
        text.push_str(&more);
    }
    Ok((pack, text_sha256(&text)))
}
