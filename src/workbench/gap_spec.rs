//! What a study of the tuning gap is made of, as a TOML file says it.

use super::WorkbenchError;
use crate::tuning::Settings;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A study, with all paths as they can be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct GapSpec {
    /// The base model: a file, a folder or a name of the catalogue.
    pub model: String,
    /// `auto` or `cpu`.
    pub device: String,
    /// The training sets by their labels.
    pub datasets: BTreeMap<String, GapData>,
    /// Test files; their documents stand in the prompt whatever was trained on.
    pub tests: Vec<PathBuf>,
    /// Only this many tests of each file.
    pub test_limit: Option<usize>,
    /// Records without contexts of their own, for a third arm.
    pub general: Option<PathBuf>,
    /// At most this many pairs.
    pub pairs: Option<usize>,
    /// Decides which pairs, and their order.
    pub seed: u64,
    /// Tuning seeds: every arm is trained once with each.
    pub seeds: Vec<u64>,
    /// Tests of which the loss is measured once an epoch.
    pub held_out: usize,
    /// Tokens of a test's prompt and answer together, if fewer than the model can read.
    pub window: Option<usize>,
    /// A `dataset2prompt.json`, or a folder with one.
    pub prompts: Option<PathBuf>,
    /// Tests answered at the same time.
    pub parallel: usize,
    /// How to tune; its seed is one of `seeds`.
    pub tuning: Settings,
    /// Files of coherence rows by label; what has none is measured.
    pub coherence: BTreeMap<String, PathBuf>,
    /// How the arms are written for other trainers.
    pub export: GapExportSpec,
}

/// A training set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapData {
    /// The records.
    pub path: PathBuf,
    /// A file of contexts that belongs to it line by line.
    pub join: Option<PathBuf>,
}

/// How arms are tuned by other trainers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GapExportSpec {
    /// The base model as the trainer knows it; else the study's.
    pub model: Option<String>,
    /// Tokens of a record or pack.
    pub max_tokens: usize,
    /// Records, or packs, of a step on one device.
    pub batch: usize,
    /// Whether records are packed.
    pub packs: bool,
}

impl Default for GapExportSpec {
    /// Packs as the paper does, in the window of its LLaMA2-7B.
    fn default() -> Self {
        Self { model: None, max_tokens: 65_536, batch: 8, packs: true }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: String,
    #[serde(default = "auto")]
    device: String,
    datasets: BTreeMap<String, Data>,
    tests: Vec<PathBuf>,
    test_limit: Option<usize>,
    general: Option<PathBuf>,
    pairs: Option<usize>,
    #[serde(default)]
    seed: u64,
    #[serde(default = "first_seed")]
    seeds: Vec<u64>,
    #[serde(default = "few")]
    held_out: usize,
    window: Option<usize>,
    prompts: Option<PathBuf>,
    #[serde(default = "few")]
    parallel: usize,
    #[serde(default)]
    tuning: Settings,
    #[serde(default)]
    coherence: BTreeMap<String, PathBuf>,
    #[serde(default)]
    export: GapExportSpec,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a path, or { path = \"…\", join = \"…\" }")]
enum Data {
    Path(PathBuf),
    Joined(Joined),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Joined {
    path: PathBuf,
    join: Option<PathBuf>,
}

fn auto() -> String {
    "auto".to_owned()
}

fn first_seed() -> Vec<u64> {
    vec![0]
}

fn few() -> usize {
    8
}

impl GapSpec {
    /// Reads a spec; paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`WorkbenchError::Refused`] with the file, the line and the key.
    pub fn read(path: &Path) -> Result<Self, WorkbenchError> {
        let failed = |source| WorkbenchError::File { verb: "read", path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, folder).map_err(|(line, reason)| {
            WorkbenchError::Refused(format!("{}, line {line}: {reason}", path.display()))
        })
    }

    /// Reads the text of a spec.
    ///
    /// # Errors
    /// The line, and what is wrong with which key.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, (usize, String)> {
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let line = text[..at].matches('\n').count() + 1;
            (line, told(error.message(), key_of(text, line)))
        })?;
        if let Some((key, reason)) = fault(&file, text) {
            return Err((line_of(text, &key), reason));
        }
        let here = |path: PathBuf| folder.join(path);
        let model = match folder.join(&file.model) {
            path if path.exists() => path.to_string_lossy().into_owned(),
            _ => file.model,
        };
        let data = |data: Data| match data {
            Data::Path(path) => GapData { path: here(path), join: None },
            Data::Joined(Joined { path, join }) => {
                GapData { path: here(path), join: join.map(here) }
            }
        };
        let datasets = file.datasets.into_iter().map(|(label, of)| (label, data(of)));
        Ok(Self {
            model,
            device: file.device,
            datasets: datasets.collect(),
            tests: file.tests.into_iter().map(here).collect(),
            test_limit: file.test_limit,
            general: file.general.map(here),
            pairs: file.pairs,
            seed: file.seed,
            seeds: file.seeds,
            held_out: file.held_out,
            window: file.window,
            prompts: file.prompts.map(here),
            parallel: file.parallel,
            tuning: file.tuning,
            export: file.export,
            coherence: file.coherence.into_iter().map(|(label, at)| (label, here(at))).collect(),
        })
    }
}

/// The parser's words, with the key where they do not name it.
fn told(message: &str, key: Option<&str>) -> String {
    match key {
        Some(key) if !message.contains(&format!("`{key}`")) => format!("`{key}`: {message}"),
        _ => message.to_owned(),
    }
}

/// The key that a line sets.
fn key_of(text: &str, line: usize) -> Option<&str> {
    let (key, _) = text.lines().nth(line - 1)?.split_once('=')?;
    Some(key.trim().trim_matches('"')).filter(|key| !key.is_empty())
}

/// The line that sets a key, the first one where none does.
fn line_of(text: &str, key: &str) -> usize {
    let sets = |line: &str| {
        let begun = line.trim_start().trim_start_matches(['"', '[']);
        let rest = begun.strip_prefix(key).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with(['=', '"', ']']))
    };
    text.lines().position(sets).map_or(1, |ix| ix + 1)
}

/// The first key whose value makes no sense, and why.
fn fault(file: &File, text: &str) -> Option<(String, String)> {
    let bad = |key: &str, reason: String| Some((key.to_owned(), format!("`{key}`: {reason}")));
    if file.datasets.is_empty() {
        return bad("datasets", "there is none; name training sets as LABEL = \"FILE\"".into());
    }
    for label in file.datasets.keys() {
        let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        if label.is_empty() || label.starts_with('.') || !label.chars().all(is_plain) {
            let reason = "a label is the name of a folder; use letters, digits, - and _";
            return bad(label, reason.into());
        }
        if ["base", "general"].contains(&label.as_str()) {
            return bad(label, "this name is taken by the study itself; choose another".into());
        }
    }
    if let Some(label) = file.coherence.keys().find(|label| !file.datasets.contains_key(*label)) {
        return bad(label, "there is no dataset of this label; use one of [datasets]".into());
    }
    for (key, n) in [
        ("pairs", file.pairs),
        ("test_limit", file.test_limit),
        ("window", file.window),
        ("parallel", Some(file.parallel)),
        ("max_tokens", Some(file.export.max_tokens)),
        ("batch", Some(file.export.batch)),
    ] {
        if n == Some(0) {
            return bad(key, "0 makes no study; take 1 or more".into());
        }
    }
    if file.tests.is_empty() {
        return bad("tests", "there is none; name test files".into());
    }
    let distinct: BTreeSet<u64> = file.seeds.iter().copied().collect();
    if distinct.is_empty() || distinct.len() < file.seeds.len() {
        return bad("seeds", "give one or more different seeds, such as [0, 1]".into());
    }
    if sets_tuning_seed(text) {
        return bad("seed", "[tuning] takes its seed from `seeds`; remove it there".into());
    }
    let reason = file.tuning.fault()?;
    let key = reason.split('`').nth(1).unwrap_or("tuning").to_owned();
    Some((key, reason))
}

fn sets_tuning_seed(text: &str) -> bool {
    let table: Option<toml::Table> = toml::from_str(text).ok();
    table
        .is_some_and(|table| table.get("tuning").is_some_and(|tuning| tuning.get("seed").is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "model = \"m.gguf\"\ntests = [\"t.jsonl\"]\n";

    fn spec(more: &str) -> Result<GapSpec, (usize, String)> {
        GapSpec::parse(&format!("{LEAST}{more}"), Path::new("study"))
    }

    #[test]
    fn paths_are_relative_to_the_spec_and_the_rest_is_as_usual() {
        let spec = spec(
            "pairs = 48\nseeds = [3, 1]\n[datasets]\nhuman = \"h.jsonl\"\n\
             own = { path = \"i.jsonl\", join = \"c.jsonl\" }\n[tuning]\nrank = 4\n\
             [coherence]\nhuman = \"/abs/rows\"\n",
        )
        .unwrap();
        assert_eq!(spec.model, "m.gguf");
        assert_eq!(spec.tests, [PathBuf::from("study/t.jsonl")]);
        let own = GapData { path: "study/i.jsonl".into(), join: Some("study/c.jsonl".into()) };
        assert_eq!(spec.datasets["own"], own);
        assert_eq!(spec.coherence["human"], PathBuf::from("/abs/rows"));
        assert_eq!((spec.pairs, spec.seeds), (Some(48), vec![3, 1]));
        assert_eq!(spec.tuning, Settings { rank: 4, ..Settings::default() });
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_key() {
        for (more, line, words) in [
            ("[datasets]\na = \"x\"\n[tuning]\nranks = 3\n", 6, "`ranks`"),
            ("colour = 1\n[datasets]\na = \"x\"\n", 3, "`colour`"),
            ("pairs = \"many\"\n[datasets]\na = \"x\"\n", 3, "`pairs`"),
            ("pairs = 0\n[datasets]\na = \"x\"\n", 3, "`pairs`"),
            ("seeds = [1, 1]\n[datasets]\na = \"x\"\n", 3, "`seeds`"),
            ("[datasets]\na = \"x\"\n[tuning]\nrank = 0\n", 6, "`rank` is 0"),
            ("[datasets]\na = \"x\"\n[tuning]\nseed = 0\n", 6, "`seeds`"),
            ("[datasets]\n\"a/b\" = \"x\"\n", 4, "`a/b`"),
            ("[datasets]\nbase = \"x\"\n", 4, "`base`"),
            ("[datasets]\na = { paht = \"x\" }\n", 4, "`a`"),
            ("[datasets]\na = \"x\"\n[coherence]\nb = \"y\"\n", 6, "`b`"),
            ("[datasets]\n", 3, "`datasets`"),
            ("", 1, "`datasets`"),
            ("[datasets]\na = \"x\"\n[export]\nbatch = 0\n", 6, "`batch`"),
            ("seeds = [\n", 3, ""),
        ] {
            let (at, reason) = spec(more).unwrap_err();
            assert!(reason.contains(words), "{more}: {reason}");
            assert_eq!(at, line, "{more}: {reason}");
        }
    }
}
