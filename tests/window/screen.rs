//! The window on a screen: the program itself under a virtual display.

use crate::program::{Folder, needs};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A virtual display, gone at the end.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// The server takes a free number and tells it; `None` where there is no server.
    fn open() -> Option<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().ok()?;
        let mut number = String::new();
        let told = server.stdout.take().map(|out| BufReader::new(out).read_line(&mut number));
        let display = Self { server, name: format!(":{}", number.trim()) };
        told.filter(|told| told.as_ref().is_ok_and(|n_bytes| *n_bytes > 1)).map(|_| display)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Waits for a program, and ends it when it does not end by itself.
fn wait(mut program: Child) -> std::process::Output {
    let began = Instant::now();
    while program.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(120) {
            program.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    program.wait_with_output().unwrap()
}

/// Starts the program, which takes its picture: how it ended, and what it told.
fn pictured(folder: &Folder, display: &Option<Display>, words: &[&str]) -> (Option<i32>, String) {
    let program = Command::new(env!("CARGO_BIN_EXE_backstory"))
        .args(["--screenshot", "out.png", "--size", "1100x700", "--theme", "light"])
        .args(words)
        .current_dir(folder.path(""))
        .env("BACKSTORY_HOME", folder.path("home"))
        .env("DISPLAY", display.iter().map(|display| display.name.as_str()).collect::<String>())
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ended = wait(program);
    (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[test]
fn the_window_opens_and_gives_its_picture() {
    let display = Display::open();
    if !needs("a virtual display (Xvfb)", display.is_some())
        || !needs("an adapter to draw with", super::pictures::has_adapter())
    {
        return;
    }
    let folder = Folder::new();
    let (code, told) = pictured(&folder, &display, &["--view", "compare"]);
    assert_eq!(code, Some(0), "{told}");
    let picture =
        eframe::icon_data::from_png_bytes(&std::fs::read(folder.path("out.png")).unwrap());
    let picture = picture.unwrap();
    assert_eq!((picture.width, picture.height), (1100, 700));
    let colors: BTreeSet<&[u8]> = picture.rgba.chunks_exact(4).collect();
    assert!(colors.len() > 200, "{} colours", colors.len());
    // The page is light, and nothing of it is transparent.
    let n_light = picture.rgba.chunks_exact(4).filter(|p| p[..3].iter().all(|c| *c > 230)).count();
    assert!(n_light > 1100 * 700 / 2, "{n_light} light pixels");
    assert!(picture.rgba.chunks_exact(4).all(|pixel| pixel[3] == 255));
    // A picture changes nothing that the window remembers.
    assert!(!folder.path("home/settings.json").exists());
}

#[test]
fn columns_are_named_on_the_command_line_of_the_window() {
    let display = Display::open();
    if !needs("a virtual display (Xvfb)", display.is_some())
        || !needs("an adapter to draw with", super::pictures::has_adapter())
    {
        return;
    }
    let row = "{\"document\":\"Rain fell.\",\"ask\":\"What fell?\",\"reply\":\"Rain\"}\n";
    let folder = Folder::new().with("odd.jsonl", row);
    // Without a word on them the window asks, which a script hears of.
    let (code, told) = pictured(&folder, &display, &["odd.jsonl"]);
    assert!(code == Some(1) && told.contains("not a shape that is known"), "{code:?} {told}");
    let map = ["--map", "instruction=ask", "--map", "answer=reply", "--map", "context=document"];
    let (code, told) = pictured(&folder, &display, &[&["odd.jsonl"], &map[..]].concat());
    assert_eq!(code, Some(0), "{told}");
}
