//! What the command line asks of the window: the words that both doors know.

use crate::report::CoherenceForm;
use std::path::PathBuf;

/// Open the window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Opening {
    /// The files; with none, what was open last, else the example project.
    pub files: Vec<PathBuf>,
    /// Context files that belong to them line by line: none, or one for each.
    pub join: Vec<PathBuf>,
    /// Which column holds which field, in all of them: field, column.
    pub map: Vec<(String, String)>,
    /// The view to show.
    pub view: Option<String>,
    /// Write the window's picture here once nothing changes any more, and leave.
    pub screenshot: Option<PathBuf>,
    /// Width and height of the window.
    pub size: Option<[f32; 2]>,
    /// `auto`, `dark` or `light`.
    pub theme: Option<String>,
}

/// Measure how long the window's pictures take.
#[derive(Debug, Clone, PartialEq)]
pub struct FramesWish {
    /// The files that are open meanwhile.
    pub files: Vec<PathBuf>,
    /// The model that counts tokens and writes.
    pub model: String,
    /// The only view to draw.
    pub view: Option<String>,
    /// How the Compare view draws coherence.
    pub form: CoherenceForm,
    /// Whether records are written meanwhile.
    pub during_synth: bool,
    /// Type this search in the Data view, and read the first record.
    pub search: Option<String>,
    /// Whether that is a regular expression.
    pub regex: bool,
    /// Type this expression into the filter of the Data view, and scroll through the table.
    pub filter: Option<String>,
    /// Print JSON.
    pub json: bool,
}
