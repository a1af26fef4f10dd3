//! The arms of a study as training sets for other programs, with a configuration for each training.

use super::super::loading::check_replaces;
use super::super::{GapSource, WorkbenchError};
use super::{Begun, tell_left_out};
use crate::data::{Dataset, Format as DataFormat, Records};
use crate::export::{self, Arm, Format, GENERAL, Recipe, Wish};
use crate::job::Watch;
use crate::tuning::{LeftOut, Pool};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Write the arms of a study for a trainer.
#[derive(Debug, Clone)]
pub struct GapExportJob {
    /// What the study is made of.
    pub spec: GapSource,
    /// The folder to write into.
    pub out: PathBuf,
    /// Replace an earlier export in the folder.
    pub replace: bool,
}

/// What `backstory gap --export --json` prints.
#[derive(Debug, Serialize)]
pub struct GapExported {
    /// Pairs of each arm.
    pub pairs: usize,
    /// Trainings that there are settings for.
    pub trainings: usize,
    /// What was left out, by the datasets' labels.
    pub left_out: BTreeMap<String, LeftOut>,
    /// The files.
    pub files: Vec<PathBuf>,
    /// Lines of the files that could not be used.
    pub skipped: usize,
    /// What should be known.
    pub warnings: Vec<String>,
}

/// Writes training sets, `dataset_info.json`, settings for both trainers and the commands.
pub fn run(job: &GapExportJob, watch: &Watch) -> Result<GapExported, WorkbenchError> {
    check_replaces(&job.out.join("README.md"), job.replace)?;
    let begun = Begun::read(job.spec.read()?, watch)?;
    tell_left_out(&begun.matched, watch);
    let failed = |source| WorkbenchError::File { verb: "make", path: job.out.clone(), source };
    std::fs::create_dir_all(&job.out).map_err(failed)?;
    let (spec, matched) = (&begun.spec, &begun.matched);
    let mut files = Vec::new();
    for set in &matched.sets {
        for arm in Arm::ALL {
            let name = export::set_name(&set.label, arm);
            files.push(write_set(job, &begun, set, arm, &name, watch)?);
        }
    }
    if let Some(general) = &matched.general_usable {
        files.push(write_set(job, &begun, general, Arm::WithContext, GENERAL, watch)?);
    }
    files.push(job.out.join("dataset_info.json"));
    let labels: Vec<String> = matched.sets.iter().map(|set| set.label.clone()).collect();
    let recipe = Recipe {
        model: spec.export.model.as_deref().unwrap_or(&spec.model),
        labels: &labels,
        has_general: matched.general_usable.is_some(),
        seeds: &spec.seeds,
        max_tokens: spec.export.max_tokens,
        batch: spec.export.batch,
        packs: spec.export.packs,
    };
    files.extend(export::write_texts(&recipe, &job.out)?);
    let mut left_out: BTreeMap<String, LeftOut> =
        labels.iter().cloned().zip(matched.left_out.iter().copied()).collect();
    if recipe.has_general {
        // All of it is written, however few the pairs are.
        let out = LeftOut { beyond: 0, ..matched.general_left_out };
        left_out.insert(GENERAL.to_owned(), out);
    }
    let n_arms = 2 * labels.len() + usize::from(recipe.has_general);
    Ok(GapExported {
        pairs: matched.sets.first().map_or(0, |set| set.records.len()),
        trainings: n_arms * spec.seeds.len(),
        left_out,
        files,
        skipped: begun.n_skipped,
        warnings: watch.warnings(),
    })
}

/// Writes one training file and lists it.
fn write_set(
    job: &GapExportJob,
    begun: &Begun,
    set: &Pool,
    arm: Arm,
    name: &str,
    watch: &Watch,
) -> Result<PathBuf, WorkbenchError> {
    let path = job.out.join(format!("{name}.jsonl"));
    let records: Vec<_> = set.records.iter().map(|record| (**record).clone()).collect();
    let dataset = Dataset {
        path: PathBuf::from(&set.label),
        format: DataFormat::Jsonl,
        bytes: 0,
        columns: BTreeMap::new(),
        records: Records::from(records),
        skipped: Vec::new(),
    };
    // The form that the settings are written for.
    let format = Format::Messages;
    let wish = Wish { format, arm, pack: &begun.pack, tokenizer: None, split: None };
    export::write(&[Arc::new(dataset)], &|_, _| true, &wish, &path, watch)?;
    export::register(format, &path)?;
    Ok(path)
}
