//! A model that writes a text it is given, and waits where the test wants to look.

use backstory::job::Watch;
use backstory::model::{
    ChatTemplate, Error, Feed, Finish, Known, LanguageModel, Reply, ScoreRequest, ScriptedModel,
    TokenScores,
};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// A text that is long and varied enough to be a context.
pub const LONG: &str = "The ferry left the harbour at dawn with forty crates of salt and a brass rule wrapped in \
    cloth while the keeper wrote the thickness of the ice into his book and waited for the mail boat that had not \
    come since the first week of March because nobody dared to cross the sound before the thaw";

/// Before each reply is finished, and before anything is scored, it waits for its gate.
pub struct SlowModel {
    inner: ScriptedModel,
    template: Option<ChatTemplate>,
    gate: Receiver<()>,
    reply: &'static str,
}

/// What the model waits for. It is open for good once this is dropped.
pub struct Gate(SyncSender<()>);

impl Gate {
    /// Lets the model go on to its next halt.
    pub fn pass_once(&self) {
        self.0.send(()).unwrap();
    }
}

/// A model that never writes anything that would do, and scores by its rule.
pub fn quiet_model() -> Box<dyn LanguageModel> {
    let script = Box::new(|_: &str, _| (String::new(), Finish::Stop));
    Box::new(ScriptedModel::new(1_000_000, script).unwrap())
}

impl SlowModel {
    /// A model that answers everything with `reply`, and its gate.
    pub fn new(reply: &'static str) -> (Self, Gate) {
        let script = Box::new(|_: &str, _| (String::new(), Finish::Stop));
        let inner = ScriptedModel::new(1_000_000, script).unwrap();
        let (sender, gate) = sync_channel(16);
        (Self { inner, template: None, gate, reply }, Gate(sender))
    }

    /// The same with its gate open.
    pub fn eager(reply: &'static str) -> Self {
        Self::new(reply).0
    }

    /// The same with a chat template of the test's own.
    pub fn with_template(mut self, template: &str) -> Self {
        self.template = Some(ChatTemplate::new(template, None, None).unwrap());
        self
    }

    fn wait(&self, watch: &Watch) -> Result<(), Error> {
        loop {
            watch.check()?;
            match self.gate.recv_timeout(Duration::from_millis(2)) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(watch.check()?),
            }
        }
    }
}

impl LanguageModel for SlowModel {
    fn known(&self) -> &Known {
        self.inner.known()
    }

    fn template(&self) -> &ChatTemplate {
        self.template.as_ref().unwrap_or(self.inner.template())
    }

    fn score(
        &mut self,
        requests: &[ScoreRequest],
        watch: &Watch,
    ) -> Result<Vec<TokenScores>, Error> {
        self.wait(watch)?;
        self.inner.score(requests, watch)
    }

    /// The first half of each reply comes before the halt, the other after it.
    fn generate(&mut self, feed: &mut dyn Feed, _: usize, watch: &Watch) -> Result<(), Error> {
        let half = self.reply.len() / 2;
        while let Some(mut request) = feed.next() {
            loop {
                feed.piece(request.id, &self.reply[..half], half);
                self.wait(watch)?;
                let n_tokens = self.reply.len();
                feed.piece(request.id, &self.reply[half..], n_tokens - half);
                let text = self.reply.to_owned();
                let reply = Reply { text, n_tokens, finish: Finish::Stop };
                match feed.done(request.id, reply) {
                    Some(next) => request = next,
                    None => break,
                }
            }
        }
        Ok(())
    }
}
