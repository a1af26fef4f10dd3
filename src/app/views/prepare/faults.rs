//! The page of faults: what to look for them with, the checks with their counts, the findings of one, and
//! its evidence.

use super::Field;
use super::evidence::Evidence;
use super::fault_list::{Told, tell};
use super::fields::{Ended, caution_ui, empty_ui, ended_ui, warnings_ui};
use crate::app::files::{File, file_name};
use crate::app::jobs::Ask;
use crate::app::picker::Purpose;
use crate::app::selection::Handed;
use crate::app::ui::name_field;
use crate::app::views::data::counted;
use crate::app::window::{Window, typed_path};
use crate::checks::{At, Check, Finding};
use crate::data::Dataset;
use crate::workbench::{CheckJob, CheckReport, Inputs, Place};
use egui::{Key, RichText, Ui};
use std::path::PathBuf;
use std::sync::Arc;

/// A view narrower than this has its checks in a box instead of a list.
const NARROW: f32 = 640.0;

/// What the page remembers while the window is open.
#[derive(Default)]
pub struct State {
    tests: Vec<PathBuf>,
    test_field: String,
    /// Why the last wish came to nothing.
    pub(super) ended: Option<Ended>,
    checked: Option<Checked>,
    /// The check whose findings are shown; else the first that has some.
    chosen: Option<Check>,
    /// The finding that is shown, among those of the check.
    pub(super) at: usize,
    /// Bring its row into view at the next picture.
    pub(super) scrolls: bool,
    pub(super) evidence: Option<Evidence>,
}

/// What was found.
pub(super) struct Checked {
    job: Box<CheckJob>,
    pub report: CheckReport,
    /// What came of each check.
    pub told: Vec<Told>,
    /// The numbers under which the window reads records of the datasets, then of the tests.
    keys: Vec<u64>,
}

impl Checked {
    /// Where the window reads a record, and what it is in.
    pub fn place(&self, is_test: bool, at: At) -> Option<(Place, &Arc<Dataset>)> {
        let CheckReport { datasets, tests, .. } = &self.report;
        let (sets, first) = if is_test { (tests, datasets.len()) } else { (datasets, 0) };
        let dataset = sets.get(at.dataset as usize)?;
        let key = self.keys.get(first + at.dataset as usize)?;
        Some(((*key, at.record as usize), dataset))
    }

    /// The findings of a check, by their places in the list.
    pub fn of(&self, check: Check) -> &[usize] {
        self.report.by_check.get(&check).map_or(&[], Vec::as_slice)
    }
}

impl State {
    /// Takes a test file.
    pub fn add_test(&mut self, path: PathBuf) {
        if !self.tests.contains(&path) {
            self.tests.push(path);
        }
    }

    /// What was found last.
    pub(super) fn checked(&self) -> Option<&Checked> {
        self.checked.as_ref()
    }

    /// The check whose findings are shown.
    pub(super) fn check(&self) -> Check {
        let has_some = |check: &Check| self.checked().is_some_and(|all| !all.of(*check).is_empty());
        let first = || Check::ALL.into_iter().find(has_some);
        self.chosen.or_else(first).unwrap_or(Check::ALL[0])
    }

    /// Shows the findings of a check.
    pub(super) fn choose(&mut self, check: Check) {
        (self.chosen, self.at, self.scrolls) = (Some(check), 0, true);
    }

    /// The place in the list of the finding that is shown, and the finding.
    pub(super) fn finding(&self) -> Option<(usize, &Finding)> {
        let checked = self.checked()?;
        let ix = *checked.of(self.check()).get(self.at)?;
        Some((ix, checked.report.list.get(ix)?))
    }

    /// Goes to another finding.
    pub fn step(&mut self, by: isize) {
        let n = self.checked().map_or(0, |checked| checked.of(self.check()).len());
        self.at = self.at.saturating_add_signed(by).min(n.saturating_sub(1));
        self.scrolls = true;
    }
}

impl Window {
    /// Takes what was found, and says it in words.
    pub(in crate::app) fn take_checked(&mut self, job: &CheckJob, report: CheckReport) -> String {
        let said = format!(
            "{} in {}",
            counted(report.findings, "finding"),
            counted(report.records, "record")
        );
        let all = report.datasets.iter().chain(&report.tests).cloned();
        let keys = self.files.lay_beside(all);
        let state = &mut self.prepare.faults;
        let (job, told) = (Box::new(job.clone()), tell(&report));
        state.checked = Some(Checked { job, report, told, keys });
        (state.at, state.scrolls, state.evidence) = (0, true, None);
        said
    }

    /// Lets go of findings when all files are closed; prepares the evidence when somebody looks.
    pub(super) fn faults_logic(&mut self) {
        if self.files.all.is_empty() && self.prepare.faults.checked.is_some() {
            self.files.lay_beside([]);
            (self.prepare.faults.checked, self.prepare.faults.evidence) = (None, None);
        }
        if self.view == crate::app::View::Prepare {
            self.prepare_evidence();
        }
    }

    fn checkable(&self) -> impl Iterator<Item = &File> {
        self.files.shown().filter(|file| !file.is_contexts_alone)
    }

    fn check_ask(&self) -> Result<Ask, String> {
        let loaded: Vec<_> = self.checkable().map(|file| file.dataset.clone()).collect();
        if loaded.is_empty() {
            return Err("No shown file has records: open one, or tick one on the left.".into());
        }
        if self.jobs.has_open(|ask| matches!(ask, Ask::Open(_) | Ask::Example)) {
            return Err("Files are still being read: check them when they are there.".into());
        }
        Ok(Ask::Check(Box::new(CheckJob {
            inputs: Inputs { loaded, ..Inputs::default() },
            tests: Inputs { files: self.prepare.faults.tests.clone(), ..Inputs::default() },
            rows: self.files.rows.iter().map(|rows| rows.rows.clone()).collect(),
            ..CheckJob::default()
        })))
    }

    /// Whether other files, rows or tests would be taken now.
    fn is_outdated(&self, job: &CheckJob) -> bool {
        let datasets = self.checkable().map(|file| &file.dataset);
        let same = datasets.count() == job.inputs.loaded.len()
            && self
                .checkable()
                .zip(&job.inputs.loaded)
                .all(|(file, dataset)| Arc::ptr_eq(&file.dataset, dataset))
            && self.files.rows.len() == job.rows.len()
            && self.files.rows.iter().zip(&job.rows).all(|(a, b)| Arc::ptr_eq(&a.rows, b))
            && self.prepare.faults.tests == job.tests.files;
        !same
    }

    /// Draws the page.
    pub(super) fn faults_ui(&mut self, ui: &mut Ui) {
        if !self.under_way_ui(ui, |ask| matches!(ask, Ask::Check(_))) {
            self.check_row_ui(ui);
            ended_ui(ui, self.prepare.faults.ended.as_ref());
        }
        let Some(checked) = self.prepare.faults.checked() else {
            return empty_ui(
                ui,
                "The records are not checked yet.",
                "Check looks for leaked and missing answers, duplicates, loops, remnants of prompts and more, \
                 and shows each fault in its text.",
            );
        };
        if self.is_outdated(&checked.job) {
            caution_ui(ui, "Files, rows or tests have changed since: check again.");
        }
        warnings_ui(ui, &checked.report.warnings);
        ui.add_space(2.0);
        let width = ui.available_width();
        if width < NARROW {
            self.fault_box_ui(ui);
        } else {
            let list = egui::Panel::left("checks")
                .resizable(true)
                .default_size(self.settings.panel("checks", (width * 0.3).min(330.0)))
                .size_range(200.0..=(width - 320.0))
                .show(ui, |ui| self.fault_list_ui(ui));
            self.settings.set_panel("checks", list.response.rect.width());
        }
        // The table begins at its very edge.
        let frame = egui::Frame::NONE.inner_margin(egui::Margin { left: 6, ..Default::default() });
        egui::CentralPanel::default().frame(frame).show(ui, |ui| self.found_ui(ui));
    }

    /// What to check, against which tests, and the button.
    fn check_row_ui(&mut self, ui: &mut Ui) {
        let (mut starts, mut removed) = (false, None);
        ui.horizontal_wrapped(|ui| {
            let again = self.prepare.faults.checked.is_some();
            let words = if again { "Check again" } else { "Check records" };
            starts = ui.button(RichText::new(words).strong()).clicked();
            let n: usize = self.checkable().map(|file| file.dataset.records.len()).sum();
            let n_files = self.checkable().count();
            let words = format!("{} of {}", counted(n, "record"), counted(n_files, "file"));
            ui.label(RichText::new(words).weak());
            let width = if ui.max_rect().width() < NARROW { 130.0 } else { 190.0 };
            let state = &mut self.prepare.faults;
            let field = egui::TextEdit::singleline(&mut state.test_field)
                .hint_text("test file, for contamination")
                .desired_width(width);
            let field = ui.add(field);
            name_field(&field, "Test file");
            let enters = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let add = ui.button("Add");
            name_field(&add, "Add the test file");
            if (add.clicked() || enters)
                && let Some(path) = typed_path(&std::mem::take(&mut state.test_field))
            {
                state.add_test(path);
            }
            let browse = ui.add_enabled(!self.picker.is_open(), egui::Button::new("Browse…"));
            name_field(&browse, "Browse for test files");
            if browse.clicked() {
                self.browse(Purpose::Prepare(Field::Tests), None);
            }
            for (ix, path) in self.prepare.faults.tests.iter().enumerate() {
                let name = file_name(path);
                let button = ui.small_button(format!("{name}  ×"));
                name_field(&button, &format!("Leave out the tests {name}"));
                let about = format!("Tests: {}\nClick to leave them out", path.display());
                if button.on_hover_text(about).clicked() {
                    removed = Some(ix);
                }
            }
        });
        if let Some(ix) = removed {
            self.prepare.faults.tests.remove(ix);
        }
        if starts {
            self.check_records();
        }
    }

    /// Checks what is shown, or says why that cannot be.
    pub(in crate::app) fn check_records(&mut self) {
        self.prepare.show_faults();
        if self.jobs.has_open(|ask| matches!(ask, Ask::Check(_))) {
            return;
        }
        self.prepare.faults.ended = match self.check_ask() {
            Ok(ask) => {
                self.start(ask);
                None
            }
            Err(why) => Some(Ended::Failed(why)),
        };
    }

    /// Shows all records of the chosen check in Data.
    pub(super) fn show_faulty(&mut self) {
        let state = &self.prepare.faults;
        let (Some(checked), check) = (state.checked(), state.check()) else { return };
        let CheckReport { list, datasets, .. } = &checked.report;
        let opened: Vec<Option<u64>> = datasets
            .iter()
            .map(|dataset| self.files.holding(dataset).map(|file| file.key))
            .collect();
        let findings = checked.of(check).iter().filter_map(|ix| list.get(*ix));
        let place = |at: At| Some(((*opened.get(at.dataset as usize)?)?, at.record as usize));
        let mut places: Vec<Place> =
            findings.flat_map(Finding::records).filter_map(place).collect();
        places.sort_unstable();
        places.dedup();
        let datasets = opened.iter().zip(datasets);
        let datasets = datasets.filter_map(|(key, dataset)| Some(((*key)?, dataset.clone())));
        let handed = Handed {
            name: format!("with the fault: {}", check.title()),
            places: Arc::new(places),
            datasets: datasets.collect(),
        };
        self.hand_to_data(handed);
    }

    /// Whether the files of the findings are those that are open and shown.
    pub(super) fn can_show_faulty(&self) -> bool {
        let checked = self.prepare.faults.checked();
        let is_shown =
            |dataset: &Arc<Dataset>| self.files.holding(dataset).is_some_and(|file| file.shown);
        checked.is_some_and(|checked| checked.report.datasets.iter().all(is_shown))
    }
}
