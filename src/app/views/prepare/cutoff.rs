//! The page of cutoffs: what to count with, where to cut and how, and what that would take away.

use super::Field;
use super::fields::{Ended, caution_ui, empty_ui, ended_ui, path_ui, row_ui, text_ui, warnings_ui};
use super::losses::Row;
use crate::app::files::File;
use crate::app::jobs::Ask;
use crate::app::picker::Purpose;
use crate::app::views::data::{counted, grouped};
use crate::app::window::{Window, typed_path};
use crate::lengths::truncation::Policy;
use crate::needle::parse_length;
use crate::workbench::{Inputs, TruncateJob, TruncateReport};
use egui::{RichText, Ui};
use std::path::Path;
use std::sync::Arc;

/// A form wider than this is no easier to fill in.
pub(super) const FORM_WIDTH: f32 = 560.0;

/// What the page remembers while the window is open.
pub struct State {
    tokenizer: String,
    prompts: String,
    cutoffs: String,
    policies: [(Policy, bool); 4],
    /// Why the last wish came to nothing.
    pub(super) ended: Option<Ended>,
    pub(super) simulated: Option<Simulated>,
    /// Only this cutoff.
    pub(super) only_cutoff: Option<usize>,
    /// Only this policy.
    pub(super) only_policy: Option<Policy>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            tokenizer: String::new(),
            prompts: String::new(),
            cutoffs: "2048, 4096, 8192".into(),
            policies: Policy::ALL.map(|policy| (policy, true)),
            ended: None,
            simulated: None,
            only_cutoff: None,
            only_policy: None,
        }
    }
}

/// What cutoffs would take away.
pub(super) struct Simulated {
    job: Box<TruncateJob>,
    pub report: TruncateReport,
    pub rows: Vec<Row>,
}

impl State {
    /// Takes what was found out.
    pub fn take(&mut self, job: &TruncateJob, report: TruncateReport) {
        let (job, rows) = (Box::new(job.clone()), Row::all(&report));
        self.simulated = Some(Simulated { job, report, rows });
        (self.only_cutoff, self.only_policy) = (None, None);
    }

    /// Takes the path of a file dialog.
    pub fn pick(&mut self, field: Field, path: &Path) {
        let path = path.to_string_lossy().into_owned();
        match field {
            Field::Tokenizer => self.tokenizer = path,
            Field::Prompts => self.prompts = path,
            _ => {}
        }
    }
}

impl Simulated {
    /// The smallest cutoff at which nothing of any record is lost, in tokens.
    fn lossless(&self) -> usize {
        self.rows.iter().map(|row| row.loss.lossless_cutoff).max().unwrap_or(0)
    }
}

impl Window {
    fn cuttable(&self) -> impl Iterator<Item = &File> {
        self.files.shown().filter(|file| !file.is_contexts_alone)
    }

    fn truncate_job(&self) -> Result<TruncateJob, String> {
        let state = &self.prepare.cutoff;
        let loaded: Vec<_> = self.cuttable().map(|file| file.dataset.clone()).collect();
        if loaded.is_empty() {
            return Err("No shown file has records: open one, or tick one on the left.".into());
        }
        let cutoffs = state.cutoffs.split(',').map(parse_length);
        let mut cutoffs = cutoffs.collect::<Result<Vec<u64>, String>>()?;
        cutoffs.sort_unstable();
        cutoffs.dedup();
        let ticked = state.policies.iter().filter(|(_, ticked)| *ticked);
        let policies: Vec<Policy> = ticked.map(|(policy, _)| *policy).collect();
        if policies.is_empty() {
            return Err("Tick a policy.".into());
        }
        let tokenizer = self.counter(&state.tokenizer).ok_or(
            "There is no model to count with: name a tokenizer.json or a .gguf file, or choose a model \
             in Synthesize.",
        )?;
        Ok(TruncateJob {
            inputs: Inputs { loaded, ..Inputs::default() },
            tokenizer,
            prompts: typed_path(&state.prompts),
            cutoffs: cutoffs.into_iter().map(|n| n as usize).collect(),
            policies,
        })
    }

    /// Whether other files or settings would be taken now.
    fn is_cut_otherwise(&self, job: &TruncateJob) -> bool {
        // A form that cannot be started says so when it is.
        self.truncate_job().is_ok_and(|now| {
            now.inputs.loaded.len() != job.inputs.loaded.len()
                || !now.inputs.loaded.iter().zip(&job.inputs.loaded).all(|(a, b)| Arc::ptr_eq(a, b))
                || (&now.tokenizer, &now.prompts) != (&job.tokenizer, &job.prompts)
                || (&now.cutoffs, &now.policies) != (&job.cutoffs, &job.policies)
        })
    }

    /// Draws the page.
    pub(super) fn cutoff_ui(&mut self, ui: &mut Ui) {
        self.cutoff_form_ui(ui);
        if !self.under_way_ui(ui, |ask| matches!(ask, Ask::Truncate(_))) {
            self.simulate_ui(ui);
            ended_ui(ui, self.prepare.cutoff.ended.as_ref());
        }
        let Some(simulated) = self.prepare.cutoff.simulated.take() else {
            return empty_ui(
                ui,
                "No cutoff is simulated yet.",
                "Prompt and answer together are cut as trainers cut them; the table tells what that loses.",
            );
        };
        if self.is_cut_otherwise(&simulated.job) {
            caution_ui(ui, "Files or settings have changed since: simulate again.");
        }
        warnings_ui(ui, &simulated.report.warnings);
        let template = if simulated.report.chat_template { "in its chat template" } else { "bare" };
        let words =
            format!("Nothing is lost from {} tokens on.", grouped(simulated.lossless() as u64));
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(words).strong());
            let with = format!("Counted with {}, {template}.", simulated.report.tokenizer);
            ui.label(RichText::new(with).weak());
        });
        self.losses_ui(ui, &simulated);
        self.prepare.cutoff.simulated = Some(simulated);
    }

    fn cutoff_form_ui(&mut self, ui: &mut Ui) {
        let hint = self.counter_hint();
        let state = &mut self.prepare.cutoff;
        let mut asked = None;
        ui.vertical(|ui| {
            ui.set_max_width(FORM_WIDTH.min(ui.available_width()));
            let field = Field::Tokenizer;
            asked = path_ui(ui, "Tokenizer", &mut state.tokenizer, &hint, field);
            let about = "our own wording; or a dataset2prompt.json";
            let picked = path_ui(ui, "Prompts", &mut state.prompts, about, Field::Prompts);
            asked = asked.or(picked);
            let about = "tokens of prompt and answer; 1k is 1024";
            text_ui(ui, "Cutoffs", &mut state.cutoffs, about);
            row_ui(ui, "Policies", |ui| {
                for (policy, ticked) in &mut state.policies {
                    ui.checkbox(ticked, policy.name()).on_hover_text(about_policy(*policy));
                }
            });
        });
        if let Some(field) = asked {
            self.browse(Purpose::Prepare(field), None);
        }
    }

    fn simulate_ui(&mut self, ui: &mut Ui) {
        let mut starts = false;
        ui.horizontal(|ui| {
            let again = self.prepare.cutoff.simulated.is_some();
            let words = if again { "Simulate again" } else { "Simulate" };
            starts = ui.button(RichText::new(words).strong()).clicked();
            let n: usize = self.cuttable().map(|file| file.dataset.records.len()).sum();
            let words =
                format!("{} of {}", counted(n, "record"), counted(self.cuttable().count(), "file"));
            ui.label(RichText::new(words).weak());
        });
        if starts {
            self.prepare.cutoff.ended = match self.truncate_job() {
                Ok(job) => {
                    self.start(Ask::Truncate(Box::new(job)));
                    None
                }
                Err(why) => Some(Ended::Failed(why)),
            };
        }
    }
}

/// What a policy does, for people.
pub(super) fn about_policy(policy: Policy) -> &'static str {
    match policy {
        Policy::Drop => "Leave out records that are longer",
        Policy::Head => "Keep the head: as many tokens from the begin as fit",
        Policy::Tail => "Keep the tail: as many tokens up to the end as fit",
        Policy::Middle => "Take the middle out: keep the first and the last half of what fits",
    }
}
