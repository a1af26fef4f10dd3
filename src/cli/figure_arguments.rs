//! The words of `backstory figure`.

use super::arguments::InputOptions;
use super::lengths_arguments::LengthsArguments;
use super::report_arguments::ResultsArguments;
use crate::report::{CoherenceForm, Form, NeedleForm};
use crate::workbench::{DPI, FigureJob, FigureSource, LengthsJob, Named, SaveJob};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct FigureArguments {
    /// What to draw; not needed with --spec
    #[arg(value_enum, required_unless_present = "spec")]
    kind: Option<KindArgument>,
    /// Datasets for `lengths`, coherence rows for `coherence` and `scatter`, LongBench result folders for
    /// `scores`, needle results for `needle`
    #[arg(required_unless_present_any = ["spec", "label", "with"])]
    files: Vec<PathBuf>,
    #[command(flatten)]
    more: InputOptions,
    /// Draw again what an earlier figure's JSON says
    #[arg(long, conflicts_with_all = ["kind", "files"])]
    spec: Option<PathBuf>,
    /// Count tokens: a tokenizer.json, a .gguf file or a model of the catalogue
    #[arg(long)]
    tokenizer: Option<String>,
    /// The file to write: .svg, .pdf, .png, .csv or .json; may be given several times
    #[arg(long, required = true)]
    out: Vec<PathBuf>,
    /// Dots per inch of a PNG
    #[arg(long, default_value_t = DPI)]
    dpi: f64,
    /// Width of the figure in inches
    #[arg(long)]
    width_in: Option<f64>,
    /// Size of the text in points
    #[arg(long)]
    font_pt: Option<f64>,
    /// Drawn how; the first of each kind is the usual one
    #[arg(long, value_enum)]
    form: Option<FormArgument>,
    #[command(flatten)]
    lengths: LengthsArguments,
    #[command(flatten)]
    results: ResultsArguments,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KindArgument {
    /// How long contexts are, per task and strategy
    Lengths,
    /// What the own context does beside others, per task and strategy
    Coherence,
    /// The answer's gain over the instruction's, a point for each record
    Scatter,
    /// Scores of each model per task
    Scores,
    /// Scores with contexts beside those without
    Gap,
    /// Accuracy over test length, by what the model was tuned on
    Needle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FormArgument {
    /// Of lengths: a smooth curve for each strategy
    Density,
    /// Of lengths: shares of records in bins
    Histogram,
    /// Of lengths: shares of records up to each length
    Cumulative,
    /// Of lengths: all tasks in one panel, and the distances below
    Violin,
    /// Of lengths: the same with boxes, whiskers and what lies beyond them
    Box,
    /// Of coherence: mean gains with the own and with other contexts
    Bars,
    /// Of coherence: the share of other contexts that the own one beats
    Auc,
    /// Of coherence: the answer's gain over the instruction's, a point for each record
    Scatter,
    /// Of coherence: the gains over the context's length
    Length,
    /// Of coherence: the share of records whose own context is among the first
    Rank,
    /// Of needle results: accuracy over test length
    Lines,
    /// Of needle results: a colour for each composition and length
    Heat,
    /// Of needle results: a colour for each depth and length
    Depth,
}

impl FormArgument {
    fn of_lengths(self) -> Option<Form> {
        match self {
            Self::Density => Some(Form::Density),
            Self::Histogram => Some(Form::Histogram),
            Self::Cumulative => Some(Form::Cumulative),
            Self::Violin => Some(Form::Violin),
            Self::Box => Some(Form::Box),
            _ => None,
        }
    }

    fn of_needle(self) -> Option<NeedleForm> {
        match self {
            Self::Lines => Some(NeedleForm::Lines),
            Self::Heat => Some(NeedleForm::Heat),
            Self::Depth => Some(NeedleForm::Depth),
            _ => None,
        }
    }

    pub(super) fn of_coherence(self) -> Option<CoherenceForm> {
        match self {
            Self::Bars => Some(CoherenceForm::Bars),
            Self::Auc => Some(CoherenceForm::Auc),
            Self::Scatter => Some(CoherenceForm::Scatter),
            Self::Length => Some(CoherenceForm::Length),
            Self::Rank => Some(CoherenceForm::Rank),
            _ => None,
        }
    }
}

impl FigureArguments {
    /// The job that the words mean.
    pub fn job(self) -> Result<SaveJob, String> {
        self.check()?;
        let form = self.form;
        let figure = match (self.spec, self.kind) {
            (Some(spec), _) => FigureSource::Spec(spec),
            (None, None) => return Err("say what to draw, or give --spec".to_owned()),
            (None, Some(kind)) => FigureSource::Draw(match kind {
                KindArgument::Lengths => FigureJob::LengthsOf {
                    job: LengthsJob {
                        inputs: self.more.inputs(self.files),
                        tokenizer: self.tokenizer,
                        kept: None,
                    },
                    wish: self.lengths.wish(form.and_then(FormArgument::of_lengths)),
                },
                KindArgument::Coherence => FigureJob::CoherenceOf {
                    files: self.files,
                    form: form.and_then(FormArgument::of_coherence).unwrap_or_default(),
                },
                KindArgument::Scores => {
                    let folder = |path| Named { name: None, path };
                    let models =
                        self.files.into_iter().map(folder).chain(self.results.label).collect();
                    FigureJob::Scores { models, reference: self.results.reference }
                }
                KindArgument::Gap => FigureJob::Gap(self.results.gap().1),
                KindArgument::Needle => FigureJob::Needle {
                    files: self.files,
                    form: form.and_then(FormArgument::of_needle).unwrap_or_default(),
                },
                KindArgument::Scatter => {
                    FigureJob::CoherenceOf { files: self.files, form: CoherenceForm::Scatter }
                }
            }),
        };
        let Self { out, dpi, width_in, font_pt, .. } = self;
        Ok(SaveJob { figure, out, dpi, width_in, font_pt, replace: true })
    }

    /// What makes no sense together.
    fn check(&self) -> Result<(), String> {
        let is_lengths = self.kind == Some(KindArgument::Lengths);
        let told = !self.more.is_empty() || self.tokenizer.is_some() || !self.lengths.is_empty();
        if told && !is_lengths {
            return Err("only `figure lengths` takes --tokenizer, --join, --map, --limit, --field, --unit, \
                        --log and --linear"
                .to_owned());
        }
        self.check_results()?;
        let Some(form) = self.form else { return Ok(()) };
        let (fits, known) = match self.kind {
            Some(KindArgument::Lengths) => {
                (form.of_lengths().is_some(), "density, histogram, cumulative, violin or box")
            }
            Some(KindArgument::Needle) => (form.of_needle().is_some(), "lines, heat or depth"),
            Some(KindArgument::Coherence) => {
                (form.of_coherence().is_some(), "bars, auc, scatter, length or rank")
            }
            _ => {
                return Err("use --form with a kind that has several forms".to_owned());
            }
        };
        match fits {
            true => Ok(()),
            false => Err(format!("this kind of figure has no such --form; use {known}")),
        }
    }

    /// Which kinds take which result folders.
    fn check_results(&self) -> Result<(), String> {
        let is = |kind| self.kind == Some(kind);
        let (scores, gap) = (is(KindArgument::Scores), is(KindArgument::Gap));
        let ResultsArguments { label, with, without, reference } = &self.results;
        let arms = !with.is_empty() || !without.is_empty();
        if !scores && !label.is_empty() || !gap && arms {
            return Err(
                "use --label with `figure scores`, and --with and --without with `figure gap`"
                    .to_owned(),
            );
        }
        if reference.is_some() && !scores && !gap {
            return Err("use --reference with `figure scores` or `figure gap`".to_owned());
        }
        if gap && !(self.files.is_empty() && arms) {
            return Err(
                "give the folders of `figure gap` as --with DIR and --without DIR".to_owned()
            );
        }
        match self.files.is_empty() && !gap && !scores && self.spec.is_none() {
            true => Err("name the files that are to be drawn".to_owned()),
            false => Ok(()),
        }
    }
}
