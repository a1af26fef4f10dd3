//! The words that open the window.

use crate::workbench::Opening;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct WindowArguments {
    /// Data files to open in the window; with none, what was open last, else the example project
    pub files: Vec<PathBuf>,
    /// A context file that belongs to FILE line by line (one for each FILE, in the same order)
    #[arg(long)]
    pub join: Vec<PathBuf>,
    /// A column for a field, such as `context=document`; may be given several times
    #[arg(long, value_parser = column)]
    map: Vec<(String, String)>,
    /// The view to show
    #[arg(long, value_enum)]
    view: Option<ViewArgument>,
    /// Write the window's picture to this PNG once nothing changes any more, and leave
    #[arg(long, value_name = "PNG")]
    screenshot: Option<PathBuf>,
    /// The size of the window, such as 1440x900
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<[f32; 2]>,
    /// The colours of the window
    #[arg(long, value_enum)]
    theme: Option<ThemeArgument>,
}

/// A view of the window.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ViewArgument {
    Data,
    Prepare,
    Synthesize,
    Compare,
    Scores,
    Needle,
    Gap,
    Jobs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ThemeArgument {
    Auto,
    Dark,
    Light,
}

/// `1440x900`; a smaller window than the least would show less than there is.
fn size(text: &str) -> Result<[f32; 2], String> {
    let sides = text.split_once(['x', 'X']);
    let side = |text: &str, least| {
        text.trim().parse::<u16>().ok().filter(|side| (least..=16_000).contains(side))
    };
    match sides.and_then(|(width, height)| Some([side(width, 760)?, side(height, 480)?])) {
        Some(sides) => Ok(sides.map(f32::from)),
        None => Err("write width x height, such as 1440x900; at least 760x480".to_owned()),
    }
}

/// `context=document`: a field and its column.
pub fn column(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, column)) if !field.is_empty() && !column.is_empty() => {
            Ok((field.to_owned(), column.to_owned()))
        }
        _ => Err("write FIELD=COLUMN, such as context=document".to_owned()),
    }
}

/// The name of a value on the command line.
pub fn word(value: impl ValueEnum) -> Option<String> {
    Some(value.to_possible_value()?.get_name().to_owned())
}

impl WindowArguments {
    /// What is to be opened, and how.
    pub fn opening(self) -> Opening {
        Opening {
            files: self.files,
            join: self.join,
            map: self.map,
            view: self.view.and_then(word),
            screenshot: self.screenshot,
            size: self.size,
            theme: self.theme.and_then(word),
        }
    }
}
