//! What the files of a report are.

use super::super::loading::{self, Inputs};
use super::super::{Named, WorkbenchError, grades, opening};
use super::ReportJob;
use crate::coherence::Coherence;
use crate::data::Dataset;
use crate::job::Watch;
use crate::needle::NeedleRow;
use crate::report::{GapPair, ModelScores};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that was read.
pub(super) struct Gathered {
    pub datasets: Vec<Arc<Dataset>>,
    pub rows: Vec<(PathBuf, Arc<Vec<Coherence>>)>,
    pub models: Vec<ModelScores>,
    pub pairs: Vec<GapPair>,
    pub reference: Option<ModelScores>,
    pub needle: Vec<NeedleRow>,
    pub sources: Vec<SourceFile>,
}

/// A file that a report is made from.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SourceFile {
    pub path: String,
    pub kind: &'static str,
    pub bytes: u64,
    pub sha256: String,
}

impl Gathered {
    pub fn n_skipped(&self) -> usize {
        loading::n_skipped(&self.datasets)
    }
}

pub(super) fn gather(job: &ReportJob, watch: &Watch) -> Result<Gathered, WorkbenchError> {
    watch.stage("reading", job.inputs.files.len() as u64);
    let mut rows = job.rows.by_file();
    let mut models = Vec::new();
    let mut needle = Vec::new();
    let mut sources = Vec::new();
    let mut data = Inputs { files: Vec::new(), ..job.inputs.clone() };
    // What is open may have been moved since: then its records are all that is left of it.
    let open = job.inputs.loaded.iter().map(|dataset| (&dataset.path, "dataset"));
    let open = open.chain(job.rows.parts.iter().map(|part| (&part.path, "coherence rows")));
    for (path, kind) in open.filter(|(path, _)| path.is_file()) {
        sources.push(source(path, kind, watch)?);
    }
    for path in &job.inputs.files {
        watch.check()?;
        let is_result = path.is_dir() || path.file_name().is_some_and(|name| name == "result.json");
        if is_result {
            models.push(Named { name: None, path: path.clone() });
        } else if let Some(found) = opening::read_rows(path, watch)? {
            sources.push(source(path, "coherence rows", watch)?);
            rows.push((path.clone(), Arc::new(found)));
        } else if let Some(found) = grades::read_needle_rows(path, watch)? {
            sources.push(source(path, "needle results", watch)?);
            needle.extend(found.into_iter().map(|answered| answered.row));
        } else {
            sources.push(source(path, "dataset", watch)?);
            data.files.push(path.clone());
        }
        watch.advance(1);
    }
    for join in &job.inputs.join {
        sources.push(source(join, "contexts of a dataset", watch)?);
    }
    models.extend(job.models.iter().cloned());
    for named in
        models.iter().chain(&job.gap.with).chain(&job.gap.without).chain(&job.gap.reference)
    {
        let path =
            if named.path.is_dir() { named.path.join("result.json") } else { named.path.clone() };
        if path.is_file() {
            sources.push(source(&path, "LongBench results", watch)?);
        }
    }
    let (pairs, reference) = match job.gap.with.is_empty() && job.gap.without.is_empty() {
        false => grades::pairs(&job.gap, watch)?,
        true => {
            let reference = job.gap.reference.as_ref();
            (Vec::new(), reference.map(|named| grades::model(named, watch)).transpose()?)
        }
    };
    Ok(Gathered {
        datasets: data.read(watch)?,
        rows,
        models: grades::models(&models, watch)?,
        pairs,
        reference,
        needle,
        sources,
    })
}

fn source(path: &Path, kind: &'static str, watch: &Watch) -> Result<SourceFile, WorkbenchError> {
    let fail = |source| WorkbenchError::File { verb: "read", path: path.to_owned(), source };
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        watch.check()?;
        match file.read(&mut buffer).map_err(fail)? {
            0 => break,
            n => {
                hash.update(&buffer[..n]);
                bytes += n as u64;
            }
        }
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(SourceFile { path: path.display().to_string(), kind, bytes, sha256 })
}
