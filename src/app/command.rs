//! Everything that can be asked for without the mouse: one list behind menus, shortcuts and palette.

use egui::{Key, KeyboardShortcut, Modifiers};

/// The rooms of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum View {
    /// Records.
    #[default]
    Data,
    /// Faults, cutoffs, and records made longer.
    Prepare,
    /// Making records.
    Synthesize,
    /// Lengths and coherence side by side.
    Compare,
    /// Benchmark scores side by side.
    Scores,
    /// Accuracy in needle tests.
    Needle,
    /// What contexts teach: the tuning gap.
    Gap,
    /// What runs and ran.
    Jobs,
}

impl View {
    /// All views, in the order of the tabs.
    pub const ALL: [Self; 8] = [
        Self::Data,
        Self::Prepare,
        Self::Synthesize,
        Self::Compare,
        Self::Scores,
        Self::Needle,
        Self::Gap,
        Self::Jobs,
    ];

    /// The name on its tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Prepare => "Prepare",
            Self::Synthesize => "Synthesize",
            Self::Compare => "Compare",
            Self::Scores => "Scores",
            Self::Needle => "Needle",
            Self::Gap => "Gap",
            Self::Jobs => "Jobs",
        }
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Prepare => "prepare",
            Self::Synthesize => "synthesize",
            Self::Compare => "compare",
            Self::Scores => "scores",
            Self::Needle => "needle",
            Self::Gap => "gap",
            Self::Jobs => "jobs",
        }
    }

    /// The view of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == name)
    }
}

/// Something that a person can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The open dialog.
    Open,
    /// The example project.
    OpenExample,
    /// Close every file.
    CloseAll,
    /// The export dialog, for records.
    ExportDataset,
    /// The export dialog, for the figure that is shown.
    ExportFigure,
    /// The figure that is shown, on the clipboard.
    CopyFigure,
    /// A report of what is open.
    Report,
    /// Leave.
    Quit,
    /// Show a view.
    Show(View),
    /// Put the cursor into the search field.
    Search,
    /// Accept the record.
    Accept,
    /// Discard the record.
    Discard,
    /// Say how good the record is, 1 to 5.
    Rate(u8),
    /// Take the rating back.
    Unrate,
    /// Put the cursor into the field of tags.
    Tag,
    /// Take back what was said of a record.
    Undo,
    /// Say again what was taken back.
    Redo,
    /// The next place of what is searched for.
    NextHit,
    /// The place before.
    PreviousHit,
    /// The next record.
    Next,
    /// The record before.
    Previous,
    /// Start writing records.
    RunSynthesis,
    /// Pause what runs, or let it go on.
    PauseAll,
    /// Cancel what runs.
    CancelAll,
    /// Look for faults.
    CheckRecords,
    /// Measure coherence.
    MeasureCoherence,
    /// From dark to light, or back.
    SwitchTheme,
    /// Everything larger.
    ZoomIn,
    /// Everything smaller.
    ZoomOut,
    /// The usual size.
    ZoomReset,
    /// The list of all commands.
    Palette,
    /// The list of all keys.
    Keys,
}

impl Command {
    /// All commands, in the order of the palette.
    pub const ALL: [Self; 43] = [
        Self::Open,
        Self::OpenExample,
        Self::CloseAll,
        Self::ExportDataset,
        Self::ExportFigure,
        Self::CopyFigure,
        Self::Report,
        Self::Show(View::Data),
        Self::Show(View::Prepare),
        Self::Show(View::Synthesize),
        Self::Show(View::Compare),
        Self::Show(View::Scores),
        Self::Show(View::Needle),
        Self::Show(View::Gap),
        Self::Show(View::Jobs),
        Self::Search,
        Self::Accept,
        Self::Discard,
        Self::Rate(1),
        Self::Rate(2),
        Self::Rate(3),
        Self::Rate(4),
        Self::Rate(5),
        Self::Unrate,
        Self::Tag,
        Self::Undo,
        Self::Redo,
        Self::NextHit,
        Self::PreviousHit,
        Self::Next,
        Self::Previous,
        Self::RunSynthesis,
        Self::CheckRecords,
        Self::MeasureCoherence,
        Self::PauseAll,
        Self::CancelAll,
        Self::SwitchTheme,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomReset,
        Self::Palette,
        Self::Keys,
        Self::Quit,
    ];

    /// The words in menus and palette.
    pub fn title(self) -> &'static str {
        match self {
            Self::Open => "Open files…",
            Self::OpenExample => "Open the example project",
            Self::CloseAll => "Close all files",
            Self::ExportDataset => "Export records…",
            Self::ExportFigure => "Export figure…",
            Self::CopyFigure => "Copy figure",
            Self::Report => "Write a report",
            Self::Quit => "Quit",
            Self::Show(View::Data) => "Show Data",
            Self::Show(View::Prepare) => "Show Prepare",
            Self::Show(View::Synthesize) => "Show Synthesize",
            Self::Show(View::Compare) => "Show Compare",
            Self::Show(View::Scores) => "Show Scores",
            Self::Show(View::Needle) => "Show Needle",
            Self::Show(View::Gap) => "Show Gap",
            Self::Show(View::Jobs) => "Show Jobs",
            Self::Search => "Search records",
            Self::Accept => "Accept the record",
            Self::Discard => "Discard the record",
            Self::Rate(1) => "Rate the record 1 of 5",
            Self::Rate(2) => "Rate the record 2 of 5",
            Self::Rate(3) => "Rate the record 3 of 5",
            Self::Rate(4) => "Rate the record 4 of 5",
            Self::Rate(_) => "Rate the record 5 of 5",
            Self::Unrate => "Take the rating back",
            Self::Tag => "Tag the record",
            Self::Undo => "Undo a review",
            Self::Redo => "Redo a review",
            Self::NextHit => "Next hit of the search",
            Self::PreviousHit => "Previous hit of the search",
            Self::Next => "Next record or seed",
            Self::Previous => "Previous record or seed",
            Self::RunSynthesis => "Run synthesis",
            Self::PauseAll => "Pause or resume jobs",
            Self::CancelAll => "Cancel running jobs",
            Self::CheckRecords => "Check records",
            Self::MeasureCoherence => "Measure coherence",
            Self::SwitchTheme => "Switch between dark and light",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomReset => "Zoom to the usual size",
            Self::Palette => "Command palette…",
            Self::Keys => "Keys…",
        }
    }

    /// The keys that mean it.
    pub fn shortcut(self) -> Option<KeyboardShortcut> {
        let ctrl = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        let shifted = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND | Modifiers::SHIFT, key));
        let plain = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        match self {
            Self::Open => ctrl(Key::O),
            Self::ExportDataset => ctrl(Key::E),
            Self::ExportFigure => shifted(Key::E),
            Self::CopyFigure => shifted(Key::C),
            Self::Report => shifted(Key::R),
            Self::Quit => ctrl(Key::Q),
            Self::Show(View::Data) => ctrl(Key::Num1),
            Self::Show(View::Prepare) => ctrl(Key::Num2),
            Self::Show(View::Synthesize) => ctrl(Key::Num3),
            Self::Show(View::Compare) => ctrl(Key::Num4),
            Self::Show(View::Scores) => ctrl(Key::Num5),
            Self::Show(View::Needle) => ctrl(Key::Num6),
            Self::Show(View::Gap) => ctrl(Key::Num7),
            Self::Show(View::Jobs) => ctrl(Key::Num8),
            Self::Search => ctrl(Key::F),
            Self::Accept => plain(Key::Enter),
            Self::Discard => plain(Key::D),
            Self::Rate(1) => plain(Key::Num1),
            Self::Rate(2) => plain(Key::Num2),
            Self::Rate(3) => plain(Key::Num3),
            Self::Rate(4) => plain(Key::Num4),
            Self::Rate(_) => plain(Key::Num5),
            Self::Unrate => plain(Key::Num0),
            Self::Tag => plain(Key::T),
            Self::Undo => ctrl(Key::Z),
            Self::Redo => shifted(Key::Z),
            Self::NextHit => Some(KeyboardShortcut::new(Modifiers::NONE, Key::F3)),
            Self::PreviousHit => Some(KeyboardShortcut::new(Modifiers::SHIFT, Key::F3)),
            Self::Next => Some(KeyboardShortcut::new(Modifiers::ALT, Key::ArrowDown)),
            Self::Previous => Some(KeyboardShortcut::new(Modifiers::ALT, Key::ArrowUp)),
            Self::RunSynthesis => ctrl(Key::Enter),
            Self::PauseAll => ctrl(Key::P),
            Self::CancelAll => ctrl(Key::Period),
            Self::MeasureCoherence => ctrl(Key::M),
            Self::SwitchTheme => shifted(Key::T),
            Self::ZoomIn => ctrl(Key::Plus),
            Self::ZoomOut => ctrl(Key::Minus),
            Self::ZoomReset => ctrl(Key::Num0),
            Self::Palette => ctrl(Key::K),
            Self::Keys => plain(Key::F1),
            Self::OpenExample | Self::CloseAll | Self::CheckRecords => None,
        }
    }

    /// Whether its keys are those of a text where one is being written, and of other views.
    fn is_of_review(self) -> bool {
        matches!(
            self,
            Self::Accept
                | Self::Discard
                | Self::Rate(_)
                | Self::Unrate
                | Self::Tag
                | Self::Undo
                | Self::Redo
        )
    }

    /// Whether it may be done while a dialog covers the window.
    pub fn works_in_dialogs(self) -> bool {
        matches!(
            self,
            Self::Quit
                | Self::SwitchTheme
                | Self::ZoomIn
                | Self::ZoomOut
                | Self::ZoomReset
                | Self::Palette
                | Self::Keys
        )
    }

    /// The command whose keys were pressed in this frame. The longer combinations are asked first,
    /// as egui lets a shortcut match with more modifiers than it names. `is_reviewing`: records are
    /// shown, and no field or button has the keys.
    pub fn pressed(ctx: &egui::Context, is_reviewing: bool) -> Vec<Self> {
        let mut all: Vec<(Self, KeyboardShortcut)> =
            Self::ALL.iter().filter_map(|c| Some((*c, c.shortcut()?))).collect();
        all.retain(|(command, _)| is_reviewing || !command.is_of_review());
        all.sort_by_key(|(_, keys)| !keys.modifiers.shift);
        // Ctrl and the key of `=` means larger on keyboards where `+` needs Shift.
        let equals = KeyboardShortcut::new(Modifiers::COMMAND, Key::Equals);
        all.push((Self::ZoomIn, equals));
        ctx.input_mut(|input| {
            all.into_iter()
                .filter(|(_, keys)| input.consume_shortcut(keys))
                .map(|(c, _)| c)
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_commands_share_keys_or_words() {
        let keys: Vec<String> =
            Command::ALL.iter().filter_map(|c| Some(format!("{:?}", c.shortcut()?))).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        let titles: BTreeSet<&str> = Command::ALL.iter().map(|c| c.title()).collect();
        assert_eq!(titles.len(), Command::ALL.len());
    }
}
