//! The figure as a file that draws the same picture again.

use serde::{Deserialize, Serialize};

use super::spec::Figure;

/// Written into every file; to be raised when an older program could not read it.
const VERSION: u32 = 1;

/// Why a figure could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// Not JSON, or not a figure.
    #[error("reading a figure: {0}")]
    Read(#[source] serde_json::Error),
    /// A figure of a later program.
    #[error("reading a figure: its format is version {found}, this program knows {VERSION}")]
    Version {
        /// What the file says.
        found: u32,
    },
    /// Could not be written.
    #[error("writing a figure: {0}")]
    Write(#[source] serde_json::Error),
}

#[derive(Serialize)]
struct Outgoing<'a> {
    figure_format: u32,
    figure: &'a Figure,
}

#[derive(Deserialize)]
struct Header {
    figure_format: u32,
}

#[derive(Deserialize)]
struct Incoming {
    figure: Figure,
}

/// Writes the whole figure as JSON. Values that are not finite become `null`.
pub fn to_json(figure: &Figure) -> Result<String, FigureError> {
    let outgoing = Outgoing { figure_format: VERSION, figure };
    let mut text = serde_json::to_string_pretty(&outgoing).map_err(FigureError::Write)?;
    text.push('\n');
    Ok(text)
}

/// Reads what [`to_json`] wrote; the figure draws the same bytes.
pub fn from_json(text: &str) -> Result<Figure, FigureError> {
    // Asked first, so that a later version is named as such and not as a missing field.
    let header: Header = serde_json::from_str(text).map_err(FigureError::Read)?;
    if header.figure_format != VERSION {
        return Err(FigureError::Version { found: header.figure_format });
    }
    let incoming: Incoming = serde_json::from_str(text).map_err(FigureError::Read)?;
    Ok(incoming.figure)
}

#[cfg(test)]
mod tests {
    use super::super::{samples, svg::to_svg};
    use super::*;

    #[test]
    fn a_file_draws_the_same_bytes() {
        for figure in samples::all() {
            let text = to_json(&figure).unwrap();
            let again = from_json(&text).unwrap();
            assert_eq!(to_svg(&again), to_svg(&figure), "{}", figure.title);
            assert_eq!(to_json(&again).unwrap(), text);
        }
    }

    #[test]
    fn bad_files_are_named() {
        let later = r#"{"figure_format": 2, "picture": 7}"#;
        let error = from_json(later).unwrap_err().to_string();
        assert!(error.contains("version 2"), "{error}");
        let error = from_json(r#"{"figure_format": 1}"#).unwrap_err().to_string();
        assert!(error.contains("figure"), "{error}");
        assert!(matches!(from_json("[]"), Err(FigureError::Read(_))));
    }
}
