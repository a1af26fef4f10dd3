//! What records and strategies are called.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The name of a record: 16 lowercase hex digits, a hash of its values (see [`record_id`](super::record_id)).
///
/// Deserializing checks the digits, so an id read from a file has this form too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordId(String);

/// The text that was to be a [`RecordId`] is not 16 lowercase hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a record id is 16 lowercase hex digits, not {0:?}")]
pub struct InvalidId(String);

impl RecordId {
    /// The id that says "not known yet"; [`assign_ids`](super::assign_ids) replaces it. It is the only one without digits.
    pub fn unset() -> Self {
        Self(String::new())
    }

    /// Whether this is [`RecordId::unset`].
    pub fn is_unset(&self) -> bool {
        self.0.is_empty()
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id that stands for a name given by another program: the digits themselves where it has our
    /// form, else a hash of the name, so that equal names still pair.
    pub(super) fn from_foreign(name: &str) -> Self {
        Self::try_from(name.to_owned()).unwrap_or_else(|_| {
            let mut hasher = Sha256::new();
            hasher.update(b"backstory foreign seed\0");
            hasher.update(name.as_bytes());
            Self::from_hash(hasher)
        })
    }

    pub(super) fn from_hash(hasher: Sha256) -> Self {
        let digest = hasher.finalize();
        Self(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }
}

impl RecordId {
    /// The digits as a number, which takes a third of the room.
    pub(super) fn number(&self) -> u64 {
        u64::from_str_radix(&self.0, 16).unwrap_or_default()
    }

    /// The id of these digits.
    pub(super) fn from_number(number: u64) -> Self {
        Self(format!("{number:016x}"))
    }
}

impl TryFrom<String> for RecordId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 16 && text.bytes().all(is_digit) {
            true => Ok(Self(text)),
            false => Err(InvalidId(text.chars().take(40).collect())),
        }
    }
}

impl From<RecordId> for String {
    fn from(id: RecordId) -> Self {
        id.0
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How a record came to be: one of the four constructors, or a name that the user gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StrategyId(String);

impl StrategyId {
    /// Written by people, context and all.
    pub fn human() -> Self {
        Self::from("human")
    }

    /// The context was written for a given pair.
    pub fn context_synthesis() -> Self {
        Self::from("context_synthesis")
    }

    /// The pair was written for a given document.
    pub fn instruction_synthesis() -> Self {
        Self::from("instruction_synthesis")
    }

    /// A benchmark's record: for measuring, never for training.
    pub fn test() -> Self {
        Self::from("test")
    }

    /// The name, as it stands in files.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for StrategyId {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl From<String> for StrategyId {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl fmt::Display for StrategyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_from_a_file_is_checked() {
        assert!(serde_json::from_str::<RecordId>("\"0123456789abcdef\"").is_ok());
        for bad in ["\"0123456789ABCDEF\"", "\"0123\"", "\"\"", "7"] {
            assert!(serde_json::from_str::<RecordId>(bad).is_err(), "{bad}");
        }
    }
}
