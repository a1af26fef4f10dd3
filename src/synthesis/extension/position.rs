//! Where the own context stands among the others.

use crate::seed::Stream;
use std::fmt;

/// Where the own context stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Position {
    /// At any place, each as likely as the other.
    #[default]
    Uniform,
    /// The share of the other contexts that come before it: 0 is the begin, 1 the end.
    Depth(f64),
}

impl Position {
    /// Reads `uniform`, `start`, `middle`, `end` or a depth from 0 to 1.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "uniform" => return Ok(Self::Uniform),
            "start" => return Ok(Self::Depth(0.0)),
            "middle" => return Ok(Self::Depth(0.5)),
            "end" => return Ok(Self::Depth(1.0)),
            _ => {}
        }
        match text.trim().parse::<f64>() {
            Ok(depth) if (0.0..=1.0).contains(&depth) => Ok(Self::Depth(depth)),
            _ => Err(format!(
                "`{text}` is no position; use uniform, start, middle, end or a depth from 0 to 1"
            )),
        }
    }

    /// How many of `n` other contexts come before the own one.
    pub fn slot(self, n: usize, stream: &mut Stream) -> usize {
        match self {
            Self::Uniform => stream.below(n + 1),
            Self::Depth(depth) => ((depth * n as f64).round() as usize).min(n),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Depth(depth) => write!(f, "{depth}"),
        }
    }
}
