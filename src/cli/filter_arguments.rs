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
    /// Coherence rows, for a filter that asks for what was measured; may be given several times
    #[arg(long, value_name = "FILE", requires = "filter")]
    rows: Vec<PathBuf>,
}

impl FilterArguments {
    /// The inputs with the filter on them; `tokenizer` counts the tokens that it asks for.
    pub fn on(self, inputs: Inputs, tokenizer: Option<String>) -> Inputs {
        let rows = self.rows;
        Inputs {
            filter: self.filter.map(|filter| {
                let (open_rows, reviews) = (Vec::new(), None);
                Box::new(FilterWish { filter, rows, open_rows, tokenizer, reviews })
            }),
            ..inputs
        }
    }
}
