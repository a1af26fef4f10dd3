//! What every body of ours knows of its model, and how that is read from a file.
//!
//! The shape of the model and its header's words are here; the weights belong to the bodies, which
//! hold them each in its own way.

use super::adapter::{self, Adapter};
use super::checkpoint::Checkpoint;
use super::config::{self, Config};
use super::{ChatTemplate, Error, Meter, ModelInfo, Tokenizer};
use crate::job::Watch;
use sha2::{Digest, Sha256};
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

/// A model of which the header was read and nothing large.
pub struct Header {
    pub checkpoint: Checkpoint,
    pub config: Config,
    /// What is to be applied to it; the body takes it out.
    pub adapter: Option<Adapter>,
    /// Name and SHA-256 of the adapter.
    adapted: Option<(String, String)>,
    tokenizer: Tokenizer,
    template: ChatTemplate,
}

impl Header {
    /// Opens a model, with a warning for what of its words cannot be used.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::File`], [`Error::Tensors`]
    pub fn read(path: &Path, watch: &Watch) -> Result<Self, Error> {
        let mut checkpoint = Checkpoint::open(path)?;
        let config = Config::read(&mut checkpoint)?;
        let (tokenizer, template) = words(&checkpoint)?;
        let (n, n_vocab) = (tokenizer.vocab_size(), config.n_vocab);
        if n > n_vocab {
            return Err(checkpoint
                .refuse(format!("its vocabulary has {n} tokens, its embedding {n_vocab}")));
        }
        for warning in tokenizer.warnings().iter().map(String::as_str).chain(template.warning()) {
            watch.warn(format!("{}: {warning}", checkpoint.name()));
        }
        Ok(Self { checkpoint, config, adapter: None, adapted: None, tokenizer, template })
    }

    /// Reads the adapter in a folder too, if one is named, and checks that it fits.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Adapter`], [`Error::Tensors`]
    pub fn with_adapter(mut self, folder: Option<&Path>) -> Result<Self, Error> {
        let Some(folder) = folder else { return Ok(self) };
        let adapter = Adapter::read(folder)?;
        adapter
            .check(&self.config)
            .map_err(|reason| Error::Adapter { path: folder.to_owned(), reason })?;
        self.adapted = Some((adapter::name_of(folder), adapter.sha256.clone()));
        self.adapter = Some(adapter);
        Ok(self)
    }

    /// What is known of the model once it runs on `device`, where its weights take so many bytes.
    /// Reads the whole model for its hash. With an adapter, name and hash are of both together.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Cancelled`]
    pub fn known(
        self,
        device: &str,
        weight_bytes: u64,
        watch: &Watch,
    ) -> Result<(Known, Checkpoint, Config), Error> {
        let Self { mut checkpoint, config, adapted, tokenizer, template, .. } = self;
        let sha256 = checkpoint.sha256(watch)?;
        let mut info = config::info(&checkpoint, &config, sha256, device, weight_bytes);
        if let Some((name, sha256)) = adapted {
            info.name = adapter::adapted_name(&info.name, &name);
            let mut hash = Sha256::new();
            hash.update(format!("{}+{sha256}", info.sha256));
            info.sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        }
        let known = Known { info, tokenizer, template, meter: Meter::default() };
        Ok((known, checkpoint, config))
    }
}

/// The tokenizer and the chat template of a model; of one without a template, that which fits its
/// vocabulary.
///
/// # Errors
/// [`Error::Read`], [`Error::File`]
pub fn words(checkpoint: &Checkpoint) -> Result<(Tokenizer, ChatTemplate), Error> {
    let refuse = |reason: String| checkpoint.refuse(format!("{reason}; fetch the file again"));
    let gguf = match checkpoint {
        Checkpoint::Gguf(gguf) => gguf,
        Checkpoint::Folder(folder) => {
            let (tokenizer, template) = super::read_tokenizer(&folder.path)?;
            let template = match template {
                Some(template) => template,
                None => ChatTemplate::fitting(&tokenizer)?,
            };
            return Ok((tokenizer, template));
        }
    };
    let tokenizer = Tokenizer::from_gguf(&gguf.content, &gguf.name())
        .map_err(|error| refuse(error.to_string()))?;
    let template = ChatTemplate::from_gguf(&gguf.content, &tokenizer)
        .map_err(|error| refuse(error.to_string()))?;
    Ok((tokenizer, template))
}
