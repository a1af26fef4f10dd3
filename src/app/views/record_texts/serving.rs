//! The jobs that the texts of a record need: places to be marked, and tokens to be counted.

use super::RecordTexts;
use crate::app::jobs::Ask;
use crate::app::window::Window;
use crate::data::SearchText;
use crate::workbench::{TextsJob, TextsRead, TokenEnds, TokensJob};

/// The jobs that some texts want, by their number.
#[derive(Default)]
pub(in crate::app) struct Wanted {
    texts: Vec<(u64, TextsJob)>,
    tokens: Vec<(u64, TokensJob)>,
}

impl Wanted {
    /// Adds what these texts want, for this search and tokenizer.
    pub fn add(&mut self, texts: &mut RecordTexts, search: &SearchText, tokenizer: Option<&str>) {
        let id = texts.id;
        self.texts.extend(texts.wanted(search).map(|job| (id, job)));
        self.tokens.extend(texts.wanted_tokens(tokenizer).map(|job| (id, job)));
    }
}

impl Window {
    /// Starts the jobs that texts want. What was asked for texts that are not shown any more, or for
    /// another search in them, is of no use.
    pub(in crate::app) fn serve_texts(&mut self, wanted: Wanted) {
        let Wanted { texts, tokens } = wanted;
        if texts.is_empty() && tokens.is_empty() {
            return;
        }
        let shown = self.shown_texts();
        let is_old = |ask: &Ask| match ask {
            Ask::Texts(id, _) => !shown.contains(id) || texts.iter().any(|(new, _)| new == id),
            Ask::Tokens(id, _) => !shown.contains(id) || tokens.iter().any(|(new, _)| new == id),
            _ => false,
        };
        let open = self.jobs.all.iter().filter(|entry| entry.is_open());
        open.filter(|entry| is_old(&entry.ask)).for_each(|entry| entry.watch.cancel());
        for (id, job) in texts {
            self.start(Ask::Texts(id, job));
        }
        for (id, job) in tokens {
            self.start(Ask::Tokens(id, job));
        }
    }

    /// The numbers of the texts that are shown.
    fn shown_texts(&mut self) -> Vec<u64> {
        self.all_texts().map(|texts| texts.id).collect()
    }

    fn all_texts(&mut self) -> impl Iterator<Item = &mut RecordTexts> {
        let seed = self.compare.same_seed.texts();
        let evidence = self.prepare.evidence_texts();
        self.data.texts().into_iter().chain(seed).chain(evidence)
    }

    /// Takes the places in some texts.
    pub(in crate::app) fn take_texts(&mut self, id: u64, read: TextsRead) {
        if let Some(texts) = self.all_texts().find(|texts| texts.id == id) {
            texts.take(read);
        }
    }

    /// Takes the tokens of some texts.
    pub(in crate::app) fn take_tokens(&mut self, id: u64, job: &TokensJob, ends: TokenEnds) {
        if let Some(texts) = self.all_texts().find(|texts| texts.id == id) {
            texts.take_tokens(&job.tokenizer, ends);
        }
    }

    /// Goes to the next place of what is searched for, or to one before, in the texts that are shown.
    pub(in crate::app) fn step_hit(&mut self, by: isize) {
        match self.view {
            crate::app::View::Data => {
                self.data.texts().into_iter().for_each(|texts| texts.step_hit(by));
            }
            crate::app::View::Compare => {
                self.compare.same_seed.texts().for_each(|texts| texts.step_hit(by));
            }
            _ => {}
        }
    }
}
