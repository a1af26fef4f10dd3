//! A model that answers from a script: for tests of everything around a model, and for pictures of
//! the window that must not change.
//!
//! Its tokens are bytes. It scores by a rule that a test can compute by hand, see `score`.

use super::{
    ChatTemplate, Error, Feed, Finish, LanguageModel, ModelInfo, Reply, ScoreRequest, TokenScores,
    Tokenizer,
};
use crate::job::Watch;

/// Gives a reply to a prompt: the rendered prompt and the number of the ask, counted from 0 for
/// each request id.
pub type Script = Box<dyn FnMut(&str, usize) -> (String, Finish) + Send>;

/// A model that answers from a script.
pub struct ScriptedModel {
    info: ModelInfo,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    script: Script,
    n_scored: u64,
}

impl ScriptedModel {
    /// A model with a window of `window` byte tokens.
    ///
    /// # Errors
    /// Those of the tokenizer and the chat template.
    pub fn new(window: usize, script: Script) -> Result<Self, Error> {
        let tokenizer = Tokenizer::bytes("scripted")?;
        let template = ChatTemplate::new(
            "{% for m in messages %}[{{ m.role }}]{{ m.content }}\n{% endfor %}\
             {% if add_generation_prompt %}[assistant]{% endif %}",
            None,
            None,
        )?;
        let info = ModelInfo {
            name: "scripted".into(),
            sha256: "0".repeat(64),
            architecture: "script".into(),
            quantization: "none".into(),
            device: "cpu".into(),
            window,
            n_vocab: tokenizer.vocab_size(),
            weight_bytes: 0,
            cache_bytes_per_token: 0,
        };
        Ok(Self { info, tokenizer, template, script, n_scored: 0 })
    }
}

impl LanguageModel for ScriptedModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn template(&self) -> &ChatTemplate {
        &self.template
    }

    /// A byte that has occurred before in the sequence has probability 1/2, a new one 1/256.
    fn score(
        &mut self,
        requests: &[ScoreRequest],
        watch: &Watch,
    ) -> Result<Vec<TokenScores>, Error> {
        let mut all = Vec::new();
        for request in requests {
            watch.check()?;
            if request.tokens.len() > self.info.window {
                let n_tokens = request.tokens.len();
                return Err(Error::TooLong { n_tokens, window: self.info.window });
            }
            self.n_scored += request.tokens.len() as u64;
            let mut scores = TokenScores::default();
            for place in request.scored.iter().flat_map(Clone::clone) {
                let seen = request.tokens[..place].contains(&request.tokens[place]);
                scores.logprobs.push(if seen { 0.5f32.ln() } else { (1.0f32 / 256.0).ln() });
                scores.argmax.push(seen);
            }
            all.push(scores);
        }
        Ok(all)
    }

    fn n_scored_positions(&self) -> u64 {
        self.n_scored
    }

    fn generate(&mut self, feed: &mut dyn Feed, _: usize, watch: &Watch) -> Result<(), Error> {
        while let Some(mut request) = feed.next() {
            for ask in 0.. {
                watch.check()?;
                let prompt = self.tokenizer.decode(&request.prompt);
                let (text, finish) = (self.script)(&prompt, ask);
                feed.piece(request.id, &text, text.len());
                let reply = Reply { n_tokens: text.len(), text, finish };
                match feed.done(request.id, reply) {
                    Some(next) => request = next,
                    None => break,
                }
            }
        }
        Ok(())
    }
}
