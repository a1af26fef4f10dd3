//! The program: everything it can do is behind a door of the library.

fn main() -> std::process::ExitCode {
    backstory::cli::main()
}
