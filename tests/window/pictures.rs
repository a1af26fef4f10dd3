//! A few small pictures of the window, dark and light, beside those in `tests/snapshots`.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --release --test backstory window::pictures` takes them anew. They
//! are drawn by a software adapter where there is one; others round a little differently, which the
//! tolerance allows for and which no panel, word or curve that is missing fits into.

use super::stage::{Setup, Stage};
use crate::program::needs;
use backstory::app::View;
use egui::Theme;
use egui_kittest::SnapshotOptions;
use egui_kittest::wgpu::default_wgpu_setup;

/// Pixels whose colours may differ, of almost 400,000.
const MOST_DIFFERENT: usize = 150;

fn options() -> SnapshotOptions {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots");
    SnapshotOptions::new().output_path(folder).max_failed_pixels(MOST_DIFFERENT)
}

/// Whether there is something to draw with.
pub fn has_adapter() -> bool {
    let backends = eframe::wgpu::Backends::all();
    let instance = pollster::block_on(default_wgpu_setup().new_instance());
    !pollster::block_on(instance.enumerate_adapters(backends)).is_empty()
}

/// Takes a picture that shows neither pointer nor focus.
fn take(stage: &mut Stage, name: &str) {
    stage.harness.remove_cursor();
    stage.harness.ctx.memory_mut(|memory| {
        if let Some(focused) = memory.focused() {
            memory.surrender_focus(focused);
        }
    });
    stage.settle();
    stage.harness.snapshot_options(name, &options());
}

fn take_all(theme: Theme, name: &str) {
    if !needs("an adapter to draw with", has_adapter()) {
        return;
    }
    // The smallest window, where there is the least room for a mistake.
    let mut stage = Setup::example().size([776.0, 496.0]).theme(theme).open();
    take(&mut stage, &format!("data_{name}"));
    stage.show(View::Prepare);
    stage.press("Check records");
    take(&mut stage, &format!("prepare_{name}"));
    stage.show(View::Compare);
    take(&mut stage, &format!("compare_{name}"));
    stage.show(View::Synthesize);
    // The usual path is the test's own folder.
    stage.reach(egui::accesskit::Role::TextInput, "File to write");
    stage.fill("File to write", "made.jsonl");
    take(&mut stage, &format!("synthesize_{name}"));
}

#[test]
fn the_window_looks_as_it_did_in_the_dark() {
    take_all(Theme::Dark, "dark");
}

#[test]
fn the_window_looks_as_it_did_in_the_light() {
    take_all(Theme::Light, "light");
}
