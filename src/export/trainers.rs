//! Settings files with which other programs tune the arms of a study on large machines, and the page
//! that tells how to bring the results back.
//!
//! The training sets themselves are written by [`super::write`] and listed by [`super::register`]; which
//! records are in an arm is decided in `tuning`. The settings are the paper's (`PAPER.md` section 5).
//! What it leaves open (records of a step, decay) is left to the trainer or asked of the caller.
//!
//! Sources of the keys: LLaMA-Factory, `src/llamafactory/hparams/data_args.py` and
//! `src/llamafactory/data/processor/supervised.py`; Axolotl, `src/axolotl/utils/schemas/{config,datasets,
//! training}.py`; transformers, `TrainingArguments`.

use super::{Arm, ExportError};
use crate::data;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The name of the set of general records, which has no arms.
pub const GENERAL: &str = "general";

/// How all arms of a study are tuned elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe<'a> {
    /// The base model, as the trainer finds it: a name or a folder.
    pub model: &'a str,
    /// Labels of the datasets; each has a set with contexts and one without.
    pub labels: &'a [String],
    /// Whether a set of general records stands beside them; it is mixed into every arm, and an arm alone.
    pub has_general: bool,
    /// Tuning seeds: every arm is trained once with each.
    pub seeds: &'a [u64],
    /// Tokens of a record or pack; must be more than the longest record has.
    pub max_tokens: usize,
    /// Records, or packs, of a step on one device.
    pub batch: usize,
    /// Whether records are packed, as in the paper. Then arms have the same records and epochs, but not
    /// the same number of steps, as records without contexts are short.
    pub packs: bool,
}

/// A file to write, with its path in the export's folder.
pub type Text = (PathBuf, String);

/// The name of an arm's training set: what its file is called, without `.jsonl`, and what the trainer's
/// list calls it.
pub fn set_name(label: &str, arm: Arm) -> String {
    format!("{label}.{}", arm.name())
}

/// The settings of every arm and seed for both trainers, and `README.md`.
///
/// # Errors
/// [`ExportError::Label`]; [`ExportError::Recipe`] where there is nothing to train with.
pub fn texts(recipe: &Recipe<'_>) -> Result<Vec<Text>, ExportError> {
    check(recipe)?;
    let mut texts = Vec::new();
    for run in runs(recipe) {
        let name = run.name();
        texts.push((Path::new("llamafactory").join(format!("{name}.yaml")), llamafactory(&run)));
        texts.push((Path::new("axolotl").join(format!("{name}.yaml")), axolotl(&run)));
    }
    texts.push((PathBuf::from("README.md"), readme(recipe)));
    Ok(texts)
}

/// Writes [`texts`] into a folder and says which files were written. Files of those names are replaced.
///
/// # Errors
/// As [`texts`]; a folder cannot be made or a file cannot be written.
pub fn write_texts(recipe: &Recipe<'_>, folder: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let mut written = Vec::new();
    for (path, text) in texts(recipe)? {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        data::write_atomic(&path, |file| file.write_all(text.as_bytes()))?;
        written.push(path);
    }
    Ok(written)
}

/// Labels become names of files and of entries in lists that are separated by commas.
fn check(recipe: &Recipe<'_>) -> Result<(), ExportError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut seen = BTreeSet::new();
    for label in recipe.labels {
        let plain =
            label.starts_with(|c: char| c.is_ascii_alphanumeric()) && label.chars().all(fits);
        // Some file systems take names that differ in case for one.
        if !plain || !seen.insert(label.to_ascii_lowercase()) || label.eq_ignore_ascii_case(GENERAL)
        {
            return Err(ExportError::Label { label: label.clone() });
        }
    }
    let lacks = match recipe {
        Recipe { labels: [], .. } => "a dataset",
        Recipe { seeds: [], .. } => "a tuning seed",
        Recipe { max_tokens: 0, .. } => "the tokens of a record",
        Recipe { batch: 0, .. } => "the records of a step",
        _ => return Ok(()),
    };
    Err(ExportError::Recipe { lacks })
}

/// One training.
struct Run<'a> {
    recipe: &'a Recipe<'a>,
    /// The arm's name.
    arm: String,
    /// Names of the training sets.
    sets: Vec<String>,
    seed: u64,
}

impl Run<'_> {
    fn name(&self) -> String {
        format!("{}.seed-{}", self.arm, self.seed)
    }
}

fn runs<'a>(recipe: &'a Recipe<'a>) -> Vec<Run<'a>> {
    let general = || recipe.has_general.then(|| GENERAL.to_owned());
    let mut runs = Vec::new();
    for seed in recipe.seeds.iter().copied() {
        for label in recipe.labels {
            for arm in Arm::ALL {
                let arm = set_name(label, arm);
                let sets = std::iter::once(arm.clone()).chain(general()).collect();
                runs.push(Run { recipe, arm, sets, seed });
            }
        }
        let alone = general().map(|arm| Run { recipe, sets: vec![arm.clone()], arm, seed });
        runs.extend(alone);
    }
    runs
}

/// A text as YAML takes it: JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn llamafactory(run: &Run<'_>) -> String {
    let Recipe { model, max_tokens, batch, packs, .. } = run.recipe;
    let (model, sets, out) =
        (quoted(model), quoted(&run.sets.join(",")), quoted(&format!("tuned/{}", run.name())));
    format!(
        "\
# llamafactory-cli train llamafactory/{name}.yaml   (from this export's folder)
model_name_or_path: {model}
stage: sft
do_train: true
finetuning_type: full

dataset_dir: .
dataset: {sets}
# A longer record loses the end of its prompt, where the question stands.
cutoff_len: {max_tokens}
packing: {packs}
# Packed records do not see one another.
neat_packing: {packs}
train_on_prompt: false

optim: adamw_torch
adam_beta1: 0.9
adam_beta2: 0.95
learning_rate: 2.0e-5
lr_scheduler_type: cosine
warmup_ratio: 0.03
num_train_epochs: 2.0
per_device_train_batch_size: 1
gradient_accumulation_steps: {batch}
gradient_checkpointing: true
bf16: true
seed: {seed}

output_dir: {out}
logging_steps: 1
save_strategy: \"no\"
",
        name = run.name(),
        seed = run.seed,
    )
}

fn axolotl(run: &Run<'_>) -> String {
    let Recipe { model, max_tokens, batch, packs, .. } = run.recipe;
    let (model, out) = (quoted(model), quoted(&format!("tuned/{}", run.name())));
    let datasets = run.sets.iter().fold(String::new(), |mut text, set| {
        let path = quoted(&format!("{set}.jsonl"));
        let _ = write!(
            text,
            "  - path: {path}\n    ds_type: json\n    type: chat_template\n    field_messages: messages\n    \
             roles_to_train: [assistant]\n"
        );
        text
    });
    format!(
        "\
# axolotl train axolotl/{name}.yaml   (from this export's folder)
base_model: {model}

datasets:
{datasets}\
chat_template: tokenizer_default
train_on_inputs: false
sequence_len: {max_tokens}
# A record that is too long ends the run, rather than leaving its arm unnoticed (older versions know only
# `drop` and `truncate`).
excess_length_strategy: raise
sample_packing: {packs}

optimizer: adamw_torch_fused
adam_beta1: 0.9
adam_beta2: 0.95
learning_rate: 2.0e-5
lr_scheduler: cosine
warmup_ratio: 0.03
num_epochs: 2
micro_batch_size: 1
gradient_accumulation_steps: {batch}
gradient_checkpointing: true
bf16: true
seed: {seed}

output_dir: {out}
",
        name = run.name(),
        seed = run.seed,
    )
}

fn readme(recipe: &Recipe<'_>) -> String {
    let mut text = format!(
        "\
# The arms of a tuning gap, to be tuned elsewhere
Each dataset is here twice, with the contexts in its prompts and without. The two files hold the same pairs in
the same order and differ in nothing else. All runs use the paper's settings: AdamW (0.9, 0.95), a peak
learning rate of 2e-5, cosine, 3% warm-up, 2 epochs, loss on answers only. The paper does not tell how many
records a step has: `gradient_accumulation_steps` is {batch} here, on one device. Keep it and the number of
devices equal in all runs.

- A record must fit in {max} tokens with its chat template. LLaMA-Factory cuts the end of a longer prompt,
  where the question stands, without ending the run, so look at its longest record first; Axolotl stops.
- The chat template is the tokenizer's. A base model without one needs `template:` in LLaMA-Factory and
  `chat_template:` in Axolotl; take the same in all runs and when testing.
- {packing}
",
        batch = recipe.batch,
        max = recipe.max_tokens,
        packing = match recipe.packs {
            true =>
                "Records are packed, so the arms without contexts take fewer steps for the same records and \
                 epochs.\n  The trainers' loss is a mean over tokens; LongAlign's loss weights are not in it.",
            false =>
                "Records are not packed, so all arms take the same number of steps; the paper packs them.",
        },
    );
    if recipe.has_general {
        text.push_str(
            "- `general` is mixed into every arm, and tuned alone to tell a gain in format from one in reading.\n",
        );
    }
    text.push_str(
        "\n## 1. Tune\nIn this folder, with LLaMA-Factory (each also stands in `axolotl/`):\n```\n",
    );
    for run in runs(recipe) {
        let _ = writeln!(text, "llamafactory-cli train llamafactory/{}.yaml", run.name());
    }
    text.push_str(
        "```\nModels of 7B and more need several devices: add `deepspeed:` with one of the trainer's own files \
         to every run.\n\n## 2. Test\nAnswer LongBench's tests with each tuned model; the tests keep their \
         documents in all arms. A folder with one \
         `DATASET.jsonl` a task,\nas LongBench's `pred.py` writes it, is what the next step reads; keep it as \
         `results/NAME`, with the name of the run.\n\n## 3. Read the gap\n",
    );
    text.push_str(&drawing(recipe));
    text
}

/// The commands that draw the gap of each seed.
fn drawing(recipe: &Recipe<'_>) -> String {
    let mut text = String::from(
        "In the window: *Scores*, then open the folders of `results`. On the command line, one figure a seed:\n```\n",
    );
    for seed in recipe.seeds {
        let _ = write!(text, "backstory figure gap");
        for label in recipe.labels {
            for (flag, arm) in [("with", Arm::WithContext), ("without", Arm::WithoutContext)] {
                let _ =
                    write!(text, " --{flag} {label}=results/{}.seed-{seed}", set_name(label, arm));
            }
        }
        let _ = writeln!(text, " --out gap.seed-{seed}.svg");
    }
    text.push_str("```\n");
    text
}

#[cfg(test)]
mod tests;
