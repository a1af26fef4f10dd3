//! A model that answers from a script: for tests of everything around a model, and for pictures of
//! the window that must not change.
//!
//! Its tokens are bytes. It scores by a rule that a test can compute by hand, see `score`, and says of
//! itself that it reads 1,000 tokens a second and writes 100, however fast it is.

use super::{
    ChatTemplate, Error, Feed, Finish, Known, LanguageModel, Meter, ModelInfo, Reply, ScoreRequest,
    TokenScores, Tokenizer,
};
use crate::job::Watch;

/// Gives a reply to a prompt: the rendered prompt and the number of the ask, counted from 0 for
/// each request id.
pub type Script = Box<dyn FnMut(&str, usize) -> (String, Finish) + Send>;

/// A model that answers from a script.
pub struct ScriptedModel {
    known: Known,
    script: Script,
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
        Ok(Self { known: Known { info, tokenizer, template, meter: Meter::default() }, script })
    }

    fn has_read(&self, n_tokens: usize) {
        let secs = n_tokens as f64 / 1000.0;
        self.known.meter.update(|work| work.reading.add(n_tokens as u64, secs));
    }

    fn has_written(&self, n_tokens: usize) {
        let secs = n_tokens as f64 / 100.0;
        self.known.meter.update(|work| work.writing.add(n_tokens as u64, secs));
    }
}

impl LanguageModel for ScriptedModel {
    fn known(&self) -> &Known {
        &self.known
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
            let (n_tokens, window) = (request.tokens.len(), self.known.info.window);
            if n_tokens > window {
                return Err(Error::TooLong { n_tokens, window });
            }
            self.has_read(n_tokens);
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

    fn generate(&mut self, feed: &mut dyn Feed, _: usize, watch: &Watch) -> Result<(), Error> {
        while let Some(mut request) = feed.next() {
            for ask in 0.. {
                watch.check()?;
                let prompt = self.known.tokenizer.decode(&request.prompt);
                let (text, finish) = (self.script)(&prompt, ask);
                self.has_read(request.prompt.len());
                self.has_written(text.len());
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
