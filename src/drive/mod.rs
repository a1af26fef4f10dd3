//! The only loop around a model: conversations in, outcomes to a sink.
//!
//! It renders chats, keeps several records in flight, and reports progress. It knows no strategy:
//! what is asked and what a reply is worth is decided by the [`Talk`]s; where outcomes go is decided
//! by the sink. Files, resuming and threads belong in `workbench`.

use crate::job::Watch;
use crate::model::{self, Feed, GenerateRequest, LanguageModel, Message, Reply, Sampling};
use crate::seed::Stream;

/// One thing to ask a model.
#[derive(Clone)]
pub struct Ask {
    /// The chat so far.
    pub messages: Vec<Message>,
    /// The messages' texts alone, without the model's chat template: a text to go on with.
    pub plain: bool,
    /// The beginning of the assistant's turn, given to the model.
    pub begun: String,
    /// Texts that end the reply.
    pub stop: Vec<String>,
    /// Words that no line of the reply may begin with: the first token of each is left out.
    pub banned: Vec<String>,
    /// How to choose tokens.
    pub sampling: Sampling,
    /// Where the choices come from.
    pub stream: Stream,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The model's reply, and the tokens of the prompt.
    Reply {
        /// What the model wrote.
        reply: Reply,
        /// Tokens of the prompt.
        n_prompt: usize,
    },
    /// The prompt leaves no room in the model's window; nothing was asked.
    TooLong {
        /// Tokens of the prompt.
        n_prompt: usize,
        /// The model's window in tokens.
        window: usize,
    },
}

/// What a conversation does next.
pub enum Turn<T> {
    /// Ask the model again.
    Ask(Box<Ask>),
    /// The conversation is over.
    End(T),
}

/// A conversation with a model about one record.
pub trait Talk {
    /// What it comes to.
    type Outcome;
    /// The first ask, or the end of a conversation that cannot even begin.
    fn begin(&mut self) -> Turn<Self::Outcome>;
    /// What follows from what came back.
    fn hear(&mut self, heard: Heard) -> Turn<Self::Outcome>;
}

/// A conversation of one ask: what comes back is all there is to it.
pub struct Question(pub Ask);

impl Talk for Question {
    type Outcome = Heard;

    fn begin(&mut self) -> Turn<Heard> {
        Turn::Ask(Box::new(self.0.clone()))
    }

    fn hear(&mut self, heard: Heard) -> Turn<Heard> {
        Turn::End(heard)
    }
}

/// What happens while conversations run.
pub enum Event<T> {
    /// The model is asked, for the first time, for the next part, or for another try.
    Begun {
        /// Place of the conversation in the list.
        ix: usize,
        /// The beginning of the assistant's turn, with the parts that are there already.
        text: String,
    },
    /// More text of a reply.
    Text {
        /// Place of the conversation in the list.
        ix: usize,
        /// The new text.
        text: String,
        /// Tokens that were written for it.
        n_tokens: usize,
    },
    /// A conversation is over.
    End {
        /// Place of the conversation in the list.
        ix: usize,
        /// What it came to.
        outcome: T,
    },
}

/// Tokens that went through the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Tokens of the prompts, each ask counted whole.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
}

/// Why the loop stopped early.
#[derive(Debug, thiserror::Error)]
pub enum DriveError<E: std::error::Error + 'static> {
    /// The model failed.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The sink could not take an outcome.
    #[error(transparent)]
    Sink(E),
}

/// Leads every conversation to its end, `n_parallel` at a time, and hands each outcome to `sink` as
/// soon as there is one. Outcomes do not depend on `n_parallel`; their order does.
///
/// # Errors
/// The model's errors and the sink's; outcomes handed over before stay handed over.
pub fn run<T: Talk, E: std::error::Error + 'static>(
    model: &mut dyn LanguageModel,
    talks: Vec<T>,
    n_parallel: usize,
    watch: &Watch,
    sink: &mut dyn FnMut(Event<T::Outcome>) -> Result<(), E>,
) -> Result<Traffic, DriveError<E>> {
    let chat = Chat {
        template: model.template().clone(),
        tokenizer: model.tokenizer().clone(),
        window: model.info().window,
    };
    let mut talker = Talker {
        chat,
        talks: talks.into_iter().map(Some).collect(),
        n_begun: 0,
        n_prompt: Vec::new(),
        traffic: Traffic::default(),
        watch: watch.clone(),
        sink,
        failed: None,
    };
    talker.n_prompt.resize(talker.talks.len(), 0);
    let generated = model.generate(&mut talker, n_parallel, watch);
    match talker.failed {
        Some(error) => Err(error),
        None => generated.map(|()| talker.traffic).map_err(DriveError::Model),
    }
}

/// What turns an ask into tokens.
struct Chat {
    template: model::ChatTemplate,
    tokenizer: model::Tokenizer,
    window: usize,
}

impl Chat {
    /// The prompt's tokens. Text of data never becomes a special token.
    fn tokens(&self, ask: &Ask) -> Result<Vec<u32>, model::Error> {
        let tokens = match ask.plain {
            true => {
                let text: String = ask.messages.iter().map(|m| m.content.as_str()).collect();
                model::text_tokens(&self.tokenizer, &(text + &ask.begun))?
            }
            false => {
                let Ask { messages, begun, .. } = ask;
                model::chat_tokens(&self.template, &self.tokenizer, messages, begun)?.tokens
            }
        };
        Ok(tokens.into_iter().map(|token| token.id).collect())
    }
}

struct Talker<'a, T: Talk, E: std::error::Error + 'static> {
    chat: Chat,
    talks: Vec<Option<T>>,
    n_begun: usize,
    n_prompt: Vec<usize>,
    traffic: Traffic,
    watch: Watch,
    sink: &'a mut dyn FnMut(Event<T::Outcome>) -> Result<(), E>,
    failed: Option<DriveError<E>>,
}

impl<T: Talk, E: std::error::Error + 'static> Talker<'_, T, E> {
    /// Follows a conversation until it needs the model or is over.
    fn follow(&mut self, ix: usize, mut turn: Turn<T::Outcome>) -> Option<GenerateRequest> {
        loop {
            let ask = match turn {
                Turn::End(outcome) => {
                    self.talks[ix] = None;
                    self.watch.advance(1);
                    self.send(Event::End { ix, outcome });
                    return None;
                }
                Turn::Ask(ask) => ask,
            };
            let prompt = match self.chat.tokens(&ask) {
                Ok(prompt) => prompt,
                Err(error) => {
                    self.fail(DriveError::Model(error));
                    return None;
                }
            };
            let (n_prompt, window) = (prompt.len(), self.chat.window);
            if n_prompt < window {
                self.n_prompt[ix] = n_prompt;
                let Ask { sampling, stream, stop, banned, begun, .. } = *ask;
                self.send(Event::Begun { ix, text: begun });
                let first =
                    |word: &String| Some(self.chat.tokenizer.encode(word).ok()?.first()?.id);
                let banned = banned.iter().filter_map(first).collect();
                return Some(GenerateRequest { id: ix, prompt, sampling, stream, stop, banned });
            }
            turn = self.talks[ix].as_mut()?.hear(Heard::TooLong { n_prompt, window });
        }
    }

    fn send(&mut self, event: Event<T::Outcome>) {
        if self.failed.is_none()
            && let Err(error) = (self.sink)(event)
        {
            self.fail(DriveError::Sink(error));
        }
    }

    /// Remembers the error and stops the model as a cancel would.
    fn fail(&mut self, error: DriveError<E>) {
        self.failed = Some(error);
        self.watch.cancel();
    }
}

impl<T: Talk, E: std::error::Error + 'static> Feed for Talker<'_, T, E> {
    fn next(&mut self) -> Option<GenerateRequest> {
        while self.failed.is_none() && self.n_begun < self.talks.len() {
            let ix = self.n_begun;
            self.n_begun += 1;
            let turn = self.talks[ix].as_mut()?.begin();
            if let Some(request) = self.follow(ix, turn) {
                return Some(request);
            }
        }
        None
    }

    fn piece(&mut self, id: usize, text: &str, n_tokens: usize) {
        self.send(Event::Text { ix: id, text: text.to_owned(), n_tokens });
    }

    fn done(&mut self, id: usize, reply: Reply) -> Option<GenerateRequest> {
        let n_prompt = self.n_prompt[id];
        self.traffic.tokens_in += n_prompt as u64;
        self.traffic.tokens_out += reply.n_tokens as u64;
        let turn = self.talks[id].as_mut()?.hear(Heard::Reply { reply, n_prompt });
        self.follow(id, turn)
    }
}
