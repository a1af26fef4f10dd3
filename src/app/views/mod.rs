//! The views: each file draws one and holds its state.

pub mod columns;
pub mod compare;
pub mod data;
mod destination;
pub mod export;
pub mod gap;
pub mod jobs;
pub mod needle;
pub mod prepare;
mod record_texts;
pub mod scores;
pub mod synthesize;
