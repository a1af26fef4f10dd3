//! The window: a second door to the jobs of the workbench, for a person with mouse and keyboard.
//!
//! Here belongs what is drawn and clicked. What is measured, made or written belongs in the rooms to
//! the left; this one hands [`crate::workbench::Job`]s in and shows what comes out. The pass that draws
//! reads no file and waits for nothing.

mod asking;
mod command;
mod files;
mod frames;
mod hearing;
mod jobs;
mod launch;
mod picker;
mod reviewing;
mod selection;
mod theme;
mod ui;
mod views;
pub mod widgets;
mod window;

pub use command::{Command, View};
pub use frames::bench_frames;
pub use launch::run;
pub use theme::apply as apply_theme;
pub use ui::window_ui;
pub use window::Window;
