//! What a run's results depend on. Two runs with the same signature make the same records, so one
//! may go on where the other stopped; batch size, paths and device are left out.

use super::journal::Signed;
use crate::data::Dataset;
use crate::synthesis::Origin;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What a run of a strategy depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// The strategy.
    pub strategy: String,
    /// SHA-256 over the ids of all seeds, those beyond a limit too, so that a run may be made longer.
    pub seeds_sha256: String,
    /// Tries for each record.
    pub attempts: usize,
    /// Model, prompt, sampling, words, seed, version. The device in it does not count.
    pub origin: Origin,
}

impl Signed for Signature {
    fn differences(&self, other: &Self) -> Vec<String> {
        let (a, b) = (&self.origin, &other.origin);
        let pairs = [
            ("strategy", self.strategy != other.strategy),
            ("seeds", self.seeds_sha256 != other.seeds_sha256),
            ("model", a.model_sha256 != b.model_sha256),
            ("prompt", a.prompt_sha256 != b.prompt_sha256),
            ("sampling", a.sampling != b.sampling),
            ("words", a.words != b.words),
            ("seed", a.seed != b.seed),
            ("attempts", self.attempts != other.attempts),
            ("program version", a.version != b.version),
        ];
        pairs.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned()).collect()
    }
}

/// SHA-256 over the ids of the seeds, in order.
pub fn seeds_sha256(datasets: &[Arc<Dataset>]) -> String {
    let mut hash = Sha256::new();
    for dataset in datasets {
        for id in (0..dataset.records.len()).filter_map(|ix| dataset.records.id(ix)) {
            hash.update(id.as_str());
        }
    }
    hex(hash)
}

/// SHA-256 of a text, lowercase hex.
pub fn text_sha256(text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(text);
    hex(hash)
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
