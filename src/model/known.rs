//! What every body of ours knows of its model, and how that is read from a file.
//!
//! The shape of the model and its header's words are here; the weights belong to the bodies, which
//! hold them each in its own way.

use super::config::{self, Config};
use super::gguf::Gguf;
use super::{ChatTemplate, Error, Meter, ModelInfo, Tokenizer};
use crate::job::Watch;
use std::path::Path;

/// What is known of a loaded model.
pub struct Known {
    /// Name, device and sizes.
    pub info: ModelInfo,
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// The chat template.
    pub template: ChatTemplate,
    /// What it has done so far.
    pub meter: Meter,
}

/// A model file of which the header was read and nothing large.
pub struct Header {
    pub gguf: Gguf,
    pub config: Config,
    tokenizer: Tokenizer,
    template: ChatTemplate,
}

impl Header {
    /// Opens a GGUF file, with a warning for what of its words cannot be used.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::File`]
    pub fn read(path: &Path, watch: &Watch) -> Result<Self, Error> {
        let mut gguf = Gguf::open(path)?;
        let config = Config::read(&mut gguf)?;
        let (tokenizer, template) = words(&gguf)?;
        let (n, n_vocab) = (tokenizer.vocab_size(), config.n_vocab);
        if n > n_vocab {
            return Err(
                gguf.refuse(format!("its vocabulary has {n} tokens, its embedding {n_vocab}"))
            );
        }
        for warning in tokenizer.warnings().iter().map(String::as_str).chain(template.warning()) {
            watch.warn(format!("{}: {warning}", gguf.name()));
        }
        Ok(Self { gguf, config, tokenizer, template })
    }

    /// What is known of the model once it runs on `device`, where its weights take so many bytes.
    /// Reads the whole file for its hash.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Cancelled`]
    pub fn known(
        self,
        device: &str,
        weight_bytes: u64,
        watch: &Watch,
    ) -> Result<(Known, Gguf, Config), Error> {
        let Self { mut gguf, config, tokenizer, template } = self;
        let sha256 = gguf.sha256(watch)?;
        let info = config::info(&gguf, &config, sha256, device, weight_bytes);
        let known = Known { info, tokenizer, template, meter: Meter::default() };
        Ok((known, gguf, config))
    }
}

/// The tokenizer and the chat template of a model file.
///
/// # Errors
/// [`Error::File`]
pub fn words(gguf: &Gguf) -> Result<(Tokenizer, ChatTemplate), Error> {
    let refuse = |reason: String| gguf.refuse(format!("{reason}; fetch the file again"));
    let tokenizer = Tokenizer::from_gguf(&gguf.content, &gguf.name())
        .map_err(|error| refuse(error.to_string()))?;
    let template = ChatTemplate::from_gguf(&gguf.content, &tokenizer)
        .map_err(|error| refuse(error.to_string()))?;
    Ok((tokenizer, template))
}
