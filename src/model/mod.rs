//! Text in, tokens and log-probabilities out: language models behind one trait.
//!
//! Here belong the bodies of the model, its tokenizer and chat template, sampling, and the catalogue
//! of models that can be fetched. What to ask a model belongs in `prompt` and `synthesis`; the loop
//! that asks it belongs in `drive`.

pub mod adapter;
mod attention;
mod body;
mod candle_model;
pub mod catalogue;
mod chat_template;
mod checkpoint;
pub(crate) mod config;
pub(crate) mod dense;
mod folder;
mod gguf;
mod known;
pub(crate) mod linear;
mod meter;
pub(crate) mod rope;
mod safetensors;
mod sampler;
mod scoring;
mod scripted_model;
pub(crate) mod simd;
mod tiles;
mod tokenizer;
mod wgpu_model;
mod writing;

pub use attention::Heads;
pub use candle_model::{CandleModel, CandleOptions, Precision};
pub use chat_template::{ChatTemplate, Message, Rendered, TemplateError};
pub use known::Known;
pub use meter::{CacheUse, Meter, Pace, Work, kernel_shares};
pub use sampler::Sampling;
pub use scripted_model::ScriptedModel;
pub use tokenizer::{Token, Tokenizer, TokenizerError, Utf8Stream};
pub use wgpu_model::{WgpuModel, WgpuOptions};

use crate::gpu;
use crate::job::{Cancelled, Watch};
use crate::seed::Stream;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What can go wrong between a model file and its numbers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read at all.
    #[error("cannot read the model {path}: {source}; check the path and the permissions")]
    Read {
        /// The model file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not a GGUF model, or a damaged one.
    #[error("the model {path} cannot be used: {reason}")]
    File {
        /// The model file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// An adapter's folder or its configuration cannot be used.
    #[error("the adapter {path} cannot be used: {reason}")]
    Adapter {
        /// The folder or the file in it.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// A safetensors file of a model or an adapter cannot be used.
    #[error("the weights {path} cannot be used: {reason}")]
    Tensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] crate::data::DataError),
    /// The machine has too little free memory.
    #[error(
        "the model {path} needs {needed_mib} MiB of memory and {free_mib} MiB are free; close other \
         programs or take a smaller or more strongly quantized model"
    )]
    Memory {
        /// The model file.
        path: PathBuf,
        /// MiB that the weights need at the least.
        needed_mib: u64,
        /// MiB that are free.
        free_mib: u64,
    },
    /// A request is longer than the model can read.
    #[error("a text of {n_tokens} tokens does not fit the model's window of {window} tokens")]
    TooLong {
        /// Tokens of the request.
        n_tokens: usize,
        /// The model's window.
        window: usize,
    },
    /// A request that no model could answer.
    #[error("a request to the model makes no sense: {0}")]
    Request(String),
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The chat template failed.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A tensor operation failed.
    #[error("the model's arithmetic failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// The graphics adapter failed.
    #[error(transparent)]
    Gpu(gpu::Error),
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<gpu::Error> for Error {
    fn from(error: gpu::Error) -> Self {
        match error {
            gpu::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
            error => Self::Gpu(error),
        }
    }
}

/// What is known of a loaded model.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ModelInfo {
    /// The file's stem or the folder's name; `base+adapter` with an adapter.
    pub name: String,
    /// SHA-256 of the model's files, lowercase hex; with an adapter, of both together.
    pub sha256: String,
    /// `llama`, `qwen2`, `qwen3`, …
    pub architecture: String,
    /// The weight format that most of the weights have, such as `Q4_1`.
    pub quantization: String,
    /// Where it runs, such as `cpu`.
    pub device: String,
    /// Tokens that the model can read at once.
    pub window: usize,
    /// Tokens in the vocabulary.
    pub n_vocab: usize,
    /// Bytes of memory that the weights take.
    pub weight_bytes: u64,
    /// Bytes of memory that each token of a sequence takes.
    pub cache_bytes_per_token: u64,
}

/// A chat as a model reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatTokens {
    /// The rendered text.
    pub text: String,
    /// Byte range of each message's content in the text, the begun turn last.
    pub content: Vec<Range<usize>>,
    /// The whole text at once in tokens; text of contents never becomes a special token.
    pub tokens: Vec<Token>,
}

/// Renders a chat and cuts it into tokens, with the assistant's turn begun by a text, which may be empty. A model that wants a first token gets it where the template does not write it.
///
/// # Errors
/// Those of the template and the tokenizer.
pub fn chat_tokens(
    template: &ChatTemplate,
    tokenizer: &Tokenizer,
    messages: &[Message],
    begun: &str,
) -> Result<ChatTokens, Error> {
    let Rendered { text, content } = template.render_begun(messages, begun)?;
    let mut tokens = tokenizer.encode_prompt(&text, &content)?;
    if let Some(bos) = tokenizer.bos().filter(|_| tokenizer.adds_bos())
        && tokens.first().is_none_or(|first| first.id != bos)
    {
        tokens.insert(0, Token { id: bos, bytes: 0..0 });
    }
    Ok(ChatTokens { text, content, tokens })
}

/// The tokens of a text without a chat template; a model that wants a first token gets it. Strings of
/// special tokens in the text are read as text.
///
/// # Errors
/// That of the tokenizer.
pub fn text_tokens(tokenizer: &Tokenizer, text: &str) -> Result<Vec<Token>, Error> {
    let mut tokens = tokenizer.encode(text)?;
    if let Some(bos) = tokenizer.bos().filter(|_| tokenizer.adds_bos()) {
        tokens.insert(0, Token { id: bos, bytes: 0..0 });
    }
    Ok(tokens)
}

/// The tokenizer in a GGUF model, a `tokenizer.json` or a folder that holds one, and its chat template:
/// that of the model, or of the `chat_template.jinja` or `tokenizer_config.json` beside the other; `None`
/// where there is none.
///
/// # Errors
/// [`Error::Read`] and [`Error::File`] with the path.
pub fn read_tokenizer(path: &Path) -> Result<(Tokenizer, Option<ChatTemplate>), Error> {
    let mut magic = Vec::new();
    let read = |source| Error::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(read)?;
    if path.is_dir() {
        let inside = path.join("tokenizer.json");
        if inside.is_file() {
            return read_tokenizer(&inside);
        }
        let reason = "it is a folder without tokenizer.json; name one that has it, or a .gguf file";
        return Err(Error::File { path: path.to_owned(), reason: reason.into() });
    }
    file.take(4).read_to_end(&mut magic).map_err(read)?;
    if magic == b"GGUF" {
        let (tokenizer, template) = known::words(&checkpoint::Checkpoint::open(path)?)?;
        return Ok((tokenizer, Some(template)));
    }
    let refuse = |path: &Path, reason: String| Error::File { path: path.to_owned(), reason };
    let tokenizer = Tokenizer::from_file(path).map_err(|error| {
        let next = "give a tokenizer.json, a .gguf file or a model of the catalogue";
        refuse(path, format!("{error}; {next}"))
    })?;
    let beside = path.with_file_name("tokenizer_config.json");
    let config: serde_json::Value = match std::fs::read_to_string(&beside) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|error| refuse(&beside, format!("{error}; repair the file or remove it")))?,
        Err(_) => serde_json::Value::Null,
    };
    let token = |key: &str| match &config[key] {
        serde_json::Value::Object(token) => token.get("content").and_then(|t| t.as_str()),
        token => token.as_str(),
    };
    let own = std::fs::read_to_string(path.with_file_name("chat_template.jinja")).ok();
    let source = own.as_deref().or_else(|| config["chat_template"].as_str());
    let template = source.map(|s| ChatTemplate::new(s, token("bos_token"), token("eos_token")));
    Ok((tokenizer, template.transpose()?))
}

/// Which tokens of a sequence to score.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRequest {
    /// The whole sequence.
    pub tokens: Vec<u32>,
    /// Index ranges into `tokens`, ascending and apart; a token is scored given all before it, so
    /// none may begin at 0.
    pub scored: Vec<Range<usize>>,
}

/// The log-probabilities of the scored tokens, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TokenScores {
    /// Natural logarithms (nats), one per scored token.
    pub logprobs: Vec<f32>,
    /// Whether the token was the most likely one.
    pub argmax: Vec<bool>,
}

/// One sequence to write.
#[derive(Clone)]
pub struct GenerateRequest {
    /// The caller's number for it; handed back with each piece.
    pub id: usize,
    /// The prompt, special tokens included.
    pub prompt: Vec<u32>,
    /// How to choose among the likely tokens.
    pub sampling: Sampling,
    /// Where the choices come from.
    pub stream: Stream,
    /// Texts that end the reply; they are not part of it.
    pub stop: Vec<String>,
    /// Tokens that the reply may not hold.
    pub banned: Vec<u32>,
}

/// Why a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// At a stop token or a stop text.
    Stop,
    /// At the limit of new tokens, or at the end of the window.
    Length,
}

/// A finished reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The text, without stop token or stop text.
    pub text: String,
    /// Tokens written, the stop token included.
    pub n_tokens: usize,
    /// Why it ended.
    pub finish: Finish,
}

/// The other end of [`LanguageModel::generate`]: hands out sequences and takes in replies.
pub trait Feed {
    /// The next sequence to begin, asked for whenever one more may run; `None`: nothing waits now.
    fn next(&mut self) -> Option<GenerateRequest>;
    /// More text of a running sequence, and how many tokens were written for it.
    fn piece(&mut self, id: usize, text: &str, n_tokens: usize);
    /// A sequence ended. `Some` goes on in its place: the tokens that the new prompt shares with the
    /// old sequence are not computed again.
    fn done(&mut self, id: usize, reply: Reply) -> Option<GenerateRequest>;
}

/// A model that can score and write.
pub trait LanguageModel: Send {
    /// What is known of the model.
    fn known(&self) -> &Known;
    /// Its name and its sizes.
    fn info(&self) -> &ModelInfo {
        &self.known().info
    }
    /// Its tokenizer.
    fn tokenizer(&self) -> &Tokenizer {
        &self.known().tokenizer
    }
    /// Its chat template.
    fn template(&self) -> &ChatTemplate {
        &self.known().template
    }
    /// What it has done since it was loaded; a clone shows it while the model works.
    fn meter(&self) -> &Meter {
        &self.known().meter
    }
    /// The graphics adapter that it runs on; `None` on the CPU.
    fn adapter(&self) -> Option<&gpu::AdapterInfo> {
        None
    }
    /// Whether its device is gone, so that the model must be loaded again.
    fn is_lost(&self) -> bool {
        false
    }
    /// Measures each kernel from now on, or no more; where there are none, nothing happens.
    ///
    /// # Errors
    /// When the device is gone.
    fn measure_kernels(&mut self, _measures: bool) -> Result<(), Error> {
        Ok(())
    }
    /// What each kernel took since this was asked last, the longest first.
    fn take_kernel_times(&mut self) -> Vec<gpu::KernelTime> {
        Vec::new()
    }
    /// Log-probabilities of the asked tokens; a prefix that several requests share is computed once.
    ///
    /// # Errors
    /// [`Error::TooLong`] for a request longer than the window, [`Error::Cancelled`].
    fn score(
        &mut self,
        requests: &[ScoreRequest],
        watch: &Watch,
    ) -> Result<Vec<TokenScores>, Error>;
    /// Writes what `feed` hands out, up to `n_parallel` sequences at once. A reply does not depend
    /// on `n_parallel` or on what else runs.
    ///
    /// # Errors
    /// [`Error::TooLong`] for a prompt that fills the window, [`Error::Cancelled`].
    fn generate(
        &mut self,
        feed: &mut dyn Feed,
        n_parallel: usize,
        watch: &Watch,
    ) -> Result<(), Error>;
}
