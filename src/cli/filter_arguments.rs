//! The words that choose among records.

use crate::data::filter::Filter;
use crate::workbench::{FilterWish, Inputs};
use clap::Args;
use std::path::PathBuf;

/// Which records.
#[derive(Debug, Args)]
pub struct FilterArguments {
    /// Only records of which this holds, such as `task == "hotpotqa" && len_words(context) > 500`
    #[arg(long, value_name = "EXPR", value_parser = Filter::parse)]
    filter: Option<Filter>,
    /// Coherence rows, for a filter that asks for what was measured and for the card of an export; may be given several times
    #[arg(long, value_name = "FILE")]
    rows: Vec<PathBuf>,
}

impl FilterArguments {
    /// The files of coherence rows.
    pub fn rows(&self) -> Vec<PathBuf> {
        self.rows.clone()
    }

    /// The inputs with the filter on them; `tokenizer` counts the tokens that it asks for.
    ///
    /// # Errors
    /// Rows are given and no filter that could ask for them.
    pub fn on(self, inputs: Inputs, tokenizer: Option<String>) -> Result<Inputs, String> {
        match self.filter.is_none() && !self.rows.is_empty() {
            true => Err("--rows serves a filter; give --filter too".to_owned()),
            false => Ok(self.on_with_rows(inputs, tokenizer)),
        }
    }

    /// The same where rows serve something else too.
    pub fn on_with_rows(self, inputs: Inputs, tokenizer: Option<String>) -> Inputs {
        let rows = self.rows;
        let filter = self
            .filter
            .map(|filter| Box::new(FilterWish { filter, rows, tokenizer, reviews: None }));
        Inputs { filter, ..inputs }
    }
}
