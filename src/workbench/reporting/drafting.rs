//! What goes into a report: its figures and tables, the page around them, and their files.

use super::super::loading::{self, Inputs};
use super::super::{
    CompareJob, CompareWish, OpenRows, RowsPart, WorkbenchError, comparing, figures,
};
use super::ReportJob;
use super::folder::{CONFIGURATION, File};
use super::gathering::Gathered;
use crate::coherence::{self, Coherence, Measure};
use crate::data::Record;
use crate::export;
use crate::figure::Figure;
use crate::job::Watch;
use crate::lengths::{self, Counter, Unit};
use crate::report::{
    self, Block, CoherenceForm, Form, LengthsView, NeedleForm, Page, Section, Table,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// The parts of a report, and the files of its figures, tables and cards.
pub(super) struct Draft {
    pub n_figures: usize,
    pub n_tables: usize,
    sections: Vec<Section>,
    files: Vec<File>,
    /// What counted tokens.
    tokenizer: Option<String>,
}

/// The forms of each figure.
const FORMS: [&str; 5] = ["svg", "pdf", "png", "csv", "json"];

impl Draft {
    pub fn of(job: &ReportJob, gathered: &Gathered, watch: &Watch) -> Result<Self, WorkbenchError> {
        let mut draft = Self {
            n_figures: 0,
            n_tables: 0,
            sections: Vec::new(),
            files: Vec::new(),
            tokenizer: None,
        };
        draft.lengths(job, gathered, watch)?;
        draft.coherence(job, gathered, watch)?;
        draft.results(gathered, watch)?;
        draft.cards(gathered)?;
        Ok(draft)
    }

    fn lengths(
        &mut self,
        job: &ReportJob,
        gathered: &Gathered,
        watch: &Watch,
    ) -> Result<(), WorkbenchError> {
        if gathered.datasets.is_empty() {
            return Ok(());
        }
        let loaded =
            job.tokenizer.as_deref().map(|name| loading::tokenizer(name, watch)).transpose()?;
        let counter = Counter {
            tokenizer: loaded.as_ref().map(|(tokenizer, _)| tokenizer),
            template: loaded.as_ref().and_then(|(_, template)| template.as_ref()),
        };
        let lengths = lengths::measure(&gathered.datasets, &counter, watch)?;
        self.tokenizer.clone_from(&lengths.tokenizer);
        let view = LengthsView::usual(&lengths);
        watch.stage("drawing lengths", 0);
        let mut blocks = Vec::new();
        for (name, form) in [
            ("lengths", Form::Density),
            ("lengths_cumulative", Form::Cumulative),
            ("lengths_violin", Form::Violin),
            ("lengths_box", Form::Box),
        ] {
            let figure = report::lengths_figure(&lengths, LengthsView { form, ..view });
            blocks.extend(self.figure(name, figure, watch)?);
        }
        blocks.push(self.table("lengths", report::lengths_table(&lengths, view.unit)));
        let sides = gathered
            .datasets
            .iter()
            .flat_map(|dataset| dataset.records.rows().map(|row| (&dataset.path, row.strategy)));
        if sides.collect::<BTreeSet<_>>().len() > 1 {
            let inputs = Inputs { loaded: gathered.datasets.clone(), ..Inputs::default() };
            let unit = (view.unit == Unit::Tokens).then_some(view.unit);
            let wish = CompareWish { unit, tokenizer: job.tokenizer.clone(), ..wish(job) };
            let compare = CompareJob {
                inputs,
                rows: OpenRows::default(),
                counted: Vec::new(),
                wish,
                settings: job.settings,
            };
            blocks.extend(self.comparisons("compare_lengths", &compare, watch)?);
        }
        self.section("Lengths", blocks);
        Ok(())
    }

    fn coherence(
        &mut self,
        job: &ReportJob,
        gathered: &Gathered,
        watch: &Watch,
    ) -> Result<(), WorkbenchError> {
        let all: Vec<&Coherence> = gathered.rows.iter().flat_map(|(_, rows)| &**rows).collect();
        if all.is_empty() {
            return Ok(());
        }
        watch.stage("drawing coherence", 0);
        let rows = figures::newest(all);
        let summary = coherence::summarize(rows.iter().copied(), job.settings.seed);
        let mut blocks = Vec::new();
        for (name, form) in [
            ("coherence", CoherenceForm::Bars),
            ("coherence_auc", CoherenceForm::Auc),
            ("coherence_scatter", CoherenceForm::Scatter),
            ("coherence_length", CoherenceForm::Length),
            ("coherence_rank", CoherenceForm::Rank),
        ] {
            let figure = report::coherence_figure(form, &rows, &summary);
            blocks.extend(self.figure(name, figure, watch)?);
        }
        let latex = report::coherence_latex(&summary);
        blocks.push(self.table_with("coherence", report::coherence_table(&summary), latex));
        let sides = gathered
            .rows
            .iter()
            .flat_map(|(path, rows)| rows.iter().map(move |row| (path, &row.strategy)));
        if sides.collect::<BTreeSet<_>>().len() > 1 {
            let measures = vec![
                Measure::InstructionGain,
                Measure::AnswerGain,
                Measure::InstructionDependence,
                Measure::AnswerDependence,
            ];
            let part = |(path, rows): &(PathBuf, Arc<Vec<Coherence>>)| RowsPart {
                path: path.clone(),
                rows: rows.clone(),
                alone: true,
            };
            let parts = gathered.rows.iter().map(part).collect();
            let compare = CompareJob {
                inputs: Inputs::default(),
                rows: OpenRows { parts, ..OpenRows::default() },
                counted: Vec::new(),
                wish: CompareWish { measures, ..wish(job) },
                settings: job.settings,
            };
            blocks.extend(self.comparisons("compare_coherence", &compare, watch)?);
        }
        self.section("Coherence", blocks);
        Ok(())
    }

    fn results(&mut self, gathered: &Gathered, watch: &Watch) -> Result<(), WorkbenchError> {
        watch.stage("drawing results", 0);
        let Gathered { models, pairs, needle, .. } = gathered;
        let reference = gathered.reference.as_ref();
        if !models.is_empty() {
            let figure = report::scores_figure(models, reference);
            let mut blocks = self.figure("scores", figure, watch)?;
            blocks.push(self.table("scores", report::scores_table(models, reference)));
            self.section("LongBench scores", blocks);
        }
        if !pairs.is_empty() {
            let mut blocks = self.figure("gap", report::gap_figure(pairs, reference), watch)?;
            blocks.push(self.table("gap", report::gap_table(pairs, reference)));
            self.section("Tuning gap", blocks);
        }
        if !needle.is_empty() {
            let mut blocks = Vec::new();
            for (name, form) in [
                ("needle", NeedleForm::Lines),
                ("needle_heat", NeedleForm::Heat),
                ("needle_depth", NeedleForm::Depth),
            ] {
                blocks.extend(self.figure(name, report::needle_figure(form, needle), watch)?);
            }
            self.section("Needle tests", blocks);
        }
        Ok(())
    }

    fn cards(&mut self, gathered: &Gathered) -> Result<(), WorkbenchError> {
        let mut blocks = Vec::new();
        for (ix, dataset) in gathered.datasets.iter().enumerate() {
            let card = export::card(dataset)?;
            let name = format!("cards/{:02}_{}.md", ix + 1, safe(&card.title));
            self.files.push((name.clone(), report::card_markdown(&card).into_bytes()));
            let table = report::card_table(&card);
            blocks.push(Block::Facts { title: card.title, facts: card.facts });
            blocks.push(Block::Table { table, files: vec![name] });
        }
        self.section("Dataset cards", blocks);
        Ok(())
    }

    fn section(&mut self, title: &str, blocks: Vec<Block>) {
        if !blocks.is_empty() {
            self.sections.push(Section { title: title.to_owned(), blocks });
        }
    }

    /// A figure and its files; nothing where there is nothing to draw.
    fn figure(
        &mut self,
        name: &str,
        figure: Figure,
        watch: &Watch,
    ) -> Result<Vec<Block>, WorkbenchError> {
        if figure.panels.is_empty() {
            return Ok(Vec::new());
        }
        let mut files = Vec::new();
        for ending in FORMS {
            watch.check()?;
            let Some(bytes) = figures::encode(&figure, ending, figures::DPI)? else { continue };
            let file = format!("figures/{name}.{ending}");
            self.files.push((file.clone(), bytes));
            files.push(file);
        }
        self.n_figures += 1;
        Ok(vec![Block::Figure { figure: Box::new(figure), files }])
    }

    fn table(&mut self, name: &str, table: Table) -> Block {
        let latex = table.to_latex();
        self.table_with(name, table, latex)
    }

    /// A table that LaTeX has in another form.
    fn table_with(&mut self, name: &str, table: Table, latex: String) -> Block {
        let texts = [("md", table.to_markdown()), ("csv", table.to_csv()), ("tex", latex)];
        let files = texts.map(|(ending, text)| {
            let file = format!("tables/{name}.{ending}");
            self.files.push((file.clone(), text.into_bytes()));
            file
        });
        self.n_tables += 1;
        Block::Table { table, files: files.to_vec() }
    }

    fn comparisons(
        &mut self,
        name: &str,
        job: &CompareJob,
        watch: &Watch,
    ) -> Result<Vec<Block>, WorkbenchError> {
        let compared = comparing::run(job, watch)?;
        let tables = compared.comparisons.iter().enumerate();
        let tables =
            tables.map(|(ix, found)| self.table(&format!("{name}_{:02}", ix + 1), found.table()));
        Ok(tables.collect())
    }

    /// All files of the report, the page last.
    pub fn finish(
        mut self,
        job: &ReportJob,
        gathered: &Gathered,
        watch: &Watch,
    ) -> Result<Vec<File>, WorkbenchError> {
        if self.sections.is_empty() {
            return Err(WorkbenchError::Wish(
                "there is nothing to report; name datasets, coherence rows or result folders"
                    .into(),
            ));
        }
        let mut names: Vec<&str> = self.files.iter().map(|(name, _)| name.as_str()).collect();
        names.extend([CONFIGURATION, "index.html"]);
        let configuration = self.configuration(job, gathered, &names, writers(gathered, watch)?);
        let page = Page {
            title: "Backstory report".into(),
            lead: lead(gathered),
            warnings: watch.warnings(),
            sections: self.sections.into_iter().chain([settings(&configuration)]).collect(),
        };
        let text = format!("{configuration:#}\n");
        self.files.push((CONFIGURATION.to_owned(), text.into_bytes()));
        self.files.push(("index.html".to_owned(), page.to_html().into_bytes()));
        Ok(self.files)
    }

    /// Arguments, versions and models; nothing that varies from run to run.
    fn configuration(
        &self,
        job: &ReportJob,
        gathered: &Gathered,
        names: &[&str],
        writers: Vec<Value>,
    ) -> Value {
        let scorers: BTreeSet<&str> = (gathered.rows.iter())
            .flat_map(|(_, rows)| rows.iter().map(|row| row.model.as_str()))
            .filter(|model| !model.is_empty())
            .collect();
        json!({
            "report_format": 1,
            "program": "backstory",
            "version": env!("CARGO_PKG_VERSION"),
            "arguments": {
                "files": paths(&job.inputs.files),
                "join": paths(&job.inputs.join),
                "map": job.inputs.map,
                "limit": job.inputs.limit,
                "tokenizer": job.tokenizer,
                "baseline": job.baseline,
                "seed": job.settings.seed,
                "resamples": job.settings.n_resamples,
            },
            "inputs": gathered.sources,
            "tokenizer": self.tokenizer,
            "scorers": scorers,
            "writers": writers,
            "files": names,
        })
    }
}

fn wish(job: &ReportJob) -> CompareWish {
    CompareWish { baseline: job.baseline.clone(), ..CompareWish::default() }
}

fn paths(paths: &[std::path::PathBuf]) -> Vec<String> {
    paths.iter().map(|path| path.display().to_string()).collect()
}

/// The models that wrote records, each as the records name it.
fn writers(gathered: &Gathered, watch: &Watch) -> Result<Vec<Value>, WorkbenchError> {
    let keys = ["model", "model_sha256", "device", "adapter", "version"];
    let writer = |made: &Value| {
        let of = |key: &str| made.get(key).and_then(Value::as_str).map(str::to_owned);
        keys.map(of)
    };
    let mut all: BTreeSet<[Option<String>; 5]> = BTreeSet::new();
    for dataset in &gathered.datasets {
        let of = |_, record: &Record| Ok(record.extra.get("provenance").map(writer));
        all.extend(dataset.records.par_map::<_, WorkbenchError>(watch, of)?.into_iter().flatten());
    }
    let named = |writer: [Option<String>; 5]| {
        let known = keys.iter().zip(writer).filter_map(|(key, value)| Some((*key, value?)));
        known.map(|(key, value)| (key.to_owned(), Value::from(value))).collect::<Value>()
    };
    Ok(all.into_iter().map(named).collect())
}

/// What the report is of, in a sentence.
fn lead(gathered: &Gathered) -> Vec<String> {
    let n_records: usize = gathered.datasets.iter().map(|dataset| dataset.records.len()).sum();
    let n_rows: usize = gathered.rows.iter().map(|(_, rows)| rows.len()).sum();
    let counted = |n: usize, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{n} {many}")),
    };
    let parts = [
        counted(gathered.datasets.len(), "dataset", "datasets"),
        counted(n_records, "record", "records"),
        counted(n_rows, "coherence row", "coherence rows"),
        counted(
            gathered.models.len() + 2 * gathered.pairs.len(),
            "model with LongBench scores",
            "models with LongBench scores",
        ),
        counted(gathered.needle.len(), "needle result", "needle results"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    vec![format!("Made from {}.", parts.join(", "))]
}

/// The configuration on the page.
fn settings(configuration: &Value) -> Section {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let texts =
                values.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            texts.collect::<Vec<String>>().join(", ")
        }
        other => other.to_string(),
    };
    let facts = |object: &Value| -> Vec<(String, String)> {
        let pairs = object.as_object().into_iter().flatten();
        let told = pairs.filter(|(_, value)| !value.is_null() && **value != json!([]));
        told.map(|(key, value)| (key.clone(), text(value))).collect()
    };
    let inputs = configuration["inputs"].as_array().into_iter().flatten();
    let inputs = inputs.map(|input| {
        let of = |key: &str| text(&input[key]);
        (of("path"), format!("{}, {} bytes, SHA-256 {}", of("kind"), of("bytes"), of("sha256")))
    });
    let writers = configuration["writers"].as_array().into_iter().flatten();
    let writers = writers.map(|writer| {
        let facts = facts(writer).into_iter().map(|(key, value)| format!("{key} {value}"));
        ("writer".to_owned(), facts.collect::<Vec<String>>().join(", "))
    });
    let program = vec![
        ("version".to_owned(), text(&configuration["version"])),
        ("tokenizer".to_owned(), text(&configuration["tokenizer"])),
        ("scorers".to_owned(), text(&configuration["scorers"])),
    ];
    let told = program.into_iter().filter(|(_, value)| !value.is_empty() && value != "null");
    Section {
        title: "Configuration".into(),
        blocks: vec![
            Block::Facts { title: "Arguments".into(), facts: facts(&configuration["arguments"]) },
            Block::Facts { title: "Files".into(), facts: inputs.collect() },
            Block::Facts {
                title: "Program and models".into(),
                facts: told.chain(writers).collect(),
            },
        ],
    }
}

/// A file name that is one everywhere.
fn safe(name: &str) -> String {
    let keep =
        |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    name.chars().take(80).map(keep).collect()
}
