//! From what a person asks for to the jobs of the workbench.

use super::files::File;
use super::jobs::{Ask, Entry, SynthAsk};
use super::window::Window;
use crate::data::{ReadOptions, Reviews, StrategyId};
use crate::lengths::Lengths;
use crate::report::CompareSettings;
use crate::synthesis;
use crate::workbench::{
    CoherenceJob, FigureJob, GapWish, Inputs, Job, JobId, LengthsJob, LinkJob, ModelChoice,
    OpenFile, OpenJob, OpenRows, PictureJob, Place, RESAMPLES, ReportJob, RowsPart, SaveJob,
    Settings, SynthJob, Taken,
};
use std::sync::Arc;

/// Where the model runs: on what there is.
const DEVICE: &str = "auto";

/// Seed of what is random in a report; the default of the command line.
const REPORT_SEED: u64 = 42;

/// Dots per inch of a screen whose points are its dots.
const SCREEN_DPI: f64 = 96.0;

fn choice(model: &str) -> ModelChoice {
    ModelChoice { model: model.to_owned(), device: DEVICE.into(), adapter: None }
}

fn open_job(file: &OpenFile) -> OpenJob {
    let join = file.join.clone();
    let strategy = file.strategy.as_deref().map(StrategyId::from);
    let map = file.map.clone();
    let options = ReadOptions { join, strategy, map, ..ReadOptions::default() };
    OpenJob { path: file.path.clone(), options }
}

impl Window {
    /// Hands a job in; `None` when what it is about has gone.
    pub(super) fn start(&mut self, ask: Ask) -> Option<JobId> {
        let job = self.job(&ask)?;
        // Of what is drawn only the newest counts: the older need not end.
        if ask.is_newest_only() {
            for entry in self.jobs.all.iter().filter(|entry| entry.is_open()) {
                if std::mem::discriminant(&entry.ask) == std::mem::discriminant(&ask) {
                    entry.watch.cancel();
                }
            }
        }
        if let Ask::Open(file) = &ask {
            self.start(Ask::FirstRows(file.clone()));
        }
        let (id, watch) = self.runner.submit(job);
        self.jobs.add(id, ask, watch);
        Some(id)
    }

    /// Reads what was to be shown and is not in memory; one job at a time, as what is looked at changes
    /// faster than it is read.
    pub(super) fn read_missed(&mut self) {
        let missed = self.files.missed();
        let is_reading =
            |entry: &Entry| entry.is_open() && matches!(entry.ask, Ask::ReadRecords(_));
        if !missed.is_empty() && !self.jobs.all.iter().any(is_reading) {
            self.start(Ask::ReadRecords(missed));
        }
    }

    /// Asks again for what failed or was cancelled. Nothing that it has made is thrown away.
    pub(super) fn retry(&mut self, entry_ix: usize) {
        if let Some(mut ask) = self.jobs.all.get(entry_ix).map(|entry: &Entry| entry.ask.clone()) {
            if let Ask::Synth(synth) = &mut ask {
                synth.settings.overwrite = false;
            }
            self.start(ask);
        }
    }

    /// The job that an ask means; `None` when what it is about has gone.
    fn job(&self, ask: &Ask) -> Option<Job> {
        Some(match ask {
            Ask::Open(file) => Job::Open(open_job(file)),
            Ask::FirstRows(file) => Job::FirstRows(open_job(file)),
            Ask::OpenResults(path) => Job::OpenResults(path.clone()),
            Ask::Board(job) => Job::Board(job.clone()),
            Ask::SaveTable(job) => Job::SaveTable(job.clone()),
            Ask::Example => Job::Example { folder: self.home.join("example") },
            Ask::Models => Job::Models,
            Ask::ReadPrompt(path) => Job::ReadPrompt(path.clone()),
            Ask::Describe(model) => Job::Describe(choice(model)),
            Ask::Fetch(name) => Job::Fetch { name: name.clone() },
            Ask::Find(find) => Job::Find(find.clone()),
            Ask::ReadRecords(places) => {
                let of = |place: &Place| Some((self.files.dataset(place.0)?.clone(), place.1));
                Job::ReadRecords(places.iter().filter_map(of).collect())
            }
            Ask::Texts(_, job) => Job::Texts(job.clone()),
            Ask::Tokens(_, job) => Job::Tokens(job.clone()),
            Ask::Columns(job) => Job::Columns(job.clone()),
            Ask::Lengths { dataset, tokenizer } => {
                let inputs = Inputs { loaded: vec![dataset.clone()], ..Inputs::default() };
                let kept = Some(self.home.join("lengths"));
                Job::Lengths(LengthsJob { inputs, tokenizer: tokenizer.clone(), kept })
            }
            Ask::DrawLengths(view) => {
                let of = |file: &File| Some(file.lengths.as_ref()?.1.clone());
                let parts: Vec<Arc<Lengths>> = self.files.shown().filter_map(of).collect();
                let without = self.settings.compare.without.clone();
                Job::Figure(FigureJob::Lengths { parts, view: *view, without })
            }
            Ask::DrawCoherence(form) => Job::Figure(FigureJob::Coherence {
                open: self.open_rows(),
                form: *form,
                thinned: true,
            }),
            Ask::Truncate(job) => Job::Truncate((**job).clone()),
            Ask::Extend(job) => Job::Extend(job.clone()),
            Ask::Check(job) => Job::Check(job.clone()),
            Ask::NeedleMake(job) => Job::NeedleMake(job.clone()),
            Ask::NeedleRun(job) => Job::NeedleRun(job.clone()),
            Ask::Gap(job) => Job::Gap(job.clone()),
            Ask::OpenStudy(path) => Job::OpenStudy(path.clone()),
            Ask::DrawNeedles(job) => Job::DrawNeedles(job.clone()),
            Ask::Compare(job) => Job::Compare((**job).clone()),
            Ask::Select(job) => Job::Select(job.clone()),
            Ask::Link => Job::Link(LinkJob {
                datasets: self.files.all.iter().map(|f| (f.key, f.dataset.clone())).collect(),
                rows: self.rows_parts(),
            }),
            Ask::FindSeeds(job) => Job::FindSeeds(job.clone()),
            Ask::CopyFigure { figure, width_in } => Job::Picture(PictureJob {
                figure: (**figure).clone(),
                width_in: *width_in,
                dpi: 2.0 * SCREEN_DPI,
            }),
            Ask::Synth(ask) => Job::Synth(Box::new(self.synth_job(ask)?)),
            Ask::Coherence(ask) => Job::Coherence(CoherenceJob {
                inputs: Inputs {
                    loaded: ask.datasets.clone(),
                    limit: Some(ask.limit),
                    ..Inputs::default()
                },
                model: choice(&ask.model),
                settings: ask.settings,
                out: ask.out.clone(),
            }),
            Ask::Export(job) => Job::Export(job.clone()),
            Ask::SaveFigure { figure, width_in, out, dpi, replace } => Job::SaveFigure(SaveJob {
                figure: (**figure).clone(),
                out: vec![out.clone()],
                dpi: *dpi,
                width_in: Some(*width_in),
                font_pt: None,
                replace: *replace,
            }),
            Ask::Report => Job::Report(Box::new(self.report_job()?)),
            Ask::Nothing => return None,
            Ask::LookAtFiles => {
                let of =
                    |file: &File| file.stamped().map(std::path::Path::to_owned).collect::<Vec<_>>();
                Job::Stamps(self.files.all.iter().flat_map(of).collect())
            }
            Ask::ReadReviews => Job::ReadReviews(Reviews::path_in(&self.home)),
            Ask::Review(changes) => {
                Job::Review { path: Reviews::path_in(&self.home), changes: changes.clone() }
            }
            Ask::Remember => Job::Remember {
                settings: Box::new(self.settings.clone()),
                path: Settings::path_in(&self.home),
            },
        })
    }

    fn synth_job(&self, ask: &SynthAsk) -> Option<SynthJob> {
        let form = &ask.settings;
        Some(SynthJob {
            strategy: synthesis::strategy(ask.strategy)?,
            seeds: Inputs {
                loaded: vec![ask.seeds.clone()],
                limit: Some(ask.n_seeds),
                ..Inputs::default()
            },
            model: choice(&ask.model),
            out: ask.out.clone(),
            n_words: form.n_words,
            sampling: form.sampling.clone(),
            n_parallel: form.n_parallel,
            n_attempts: form.n_attempts,
            prompt: form.prompt(),
            seed: form.seed,
            overwrite: form.overwrite,
        })
    }

    /// A report of what is shown, beside the first file of it; `None` where nothing is.
    fn report_job(&self) -> Option<ReportJob> {
        let rows = self.open_rows();
        let measured = rows.parts.iter().filter(|part| part.alone).map(|part| &part.path);
        let first = rows.shown.iter().map(|dataset| &dataset.path).chain(measured).next()?;
        let out = first.parent()?.join("report");
        Some(ReportJob {
            inputs: Inputs { loaded: rows.shown.clone(), ..Inputs::default() },
            rows,
            models: Vec::new(),
            gap: GapWish::default(),
            tokenizer: self.tokenizer(),
            baseline: None,
            settings: CompareSettings { seed: REPORT_SEED, n_resamples: RESAMPLES },
            out,
            taken: Taken::Number,
        })
    }

    /// The measurements beside the datasets that are shown.
    pub(super) fn open_rows(&self) -> OpenRows {
        OpenRows {
            parts: self.rows_parts(),
            open: self.files.all.iter().map(|file| file.dataset.clone()).collect(),
            shown: self.files.shown().map(|file| file.dataset.clone()).collect(),
            without: self.settings.compare.without.clone(),
        }
    }

    /// The measurements, and whether each stands by itself. What the program measured belongs to the
    /// records that it measured; rows that a person opened may be of records that are not open.
    fn rows_parts(&self) -> Vec<RowsPart> {
        let part = |rows: &super::files::Rows| RowsPart {
            path: rows.path.clone(),
            rows: rows.rows.clone(),
            alone: !rows.path.starts_with(&self.home),
        };
        self.files.rows.iter().map(part).collect()
    }
}
