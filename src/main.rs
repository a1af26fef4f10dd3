//! The program: everything it can do is behind a door of the library.

use backstory::app;
use backstory::cli::{self, Asked};
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::main() {
        Asked::Nothing(code) => code,
        Asked::Window(opening) => app::run(opening),
        Asked::Frames(wish) => app::bench_frames(&wish),
    }
}
