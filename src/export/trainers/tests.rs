use super::*;
use crate::export::{Format, register};

fn recipe<'a>(labels: &'a [String], seeds: &'a [u64]) -> Recipe<'a> {
    Recipe {
        model: "some/base-\"8B\"",
        labels,
        has_general: true,
        seeds,
        max_tokens: 16_384,
        batch: 8,
        packs: true,
    }
}

fn find<'a>(texts: &'a [Text], name: &str) -> &'a str {
    let path = Path::new(name);
    &texts.iter().find(|(of, _)| of == path).unwrap_or_else(|| panic!("no {name}")).1
}

#[test]
fn every_arm_and_seed_has_settings_for_both_trainers() {
    let labels = ["human".to_owned(), "ours".to_owned()];
    let texts = texts(&recipe(&labels, &[0, 3])).unwrap();
    // Two seeds of two datasets' two arms and of the general records, for two trainers, and the page.
    assert_eq!(texts.len(), 2 * (2 * 2 + 1) * 2 + 1);
    let (with, without) = (
        find(&texts, "llamafactory/ours.with-context.seed-3.yaml"),
        find(&texts, "llamafactory/ours.without-context.seed-3.yaml"),
    );
    assert_eq!(with.replace("with-context", "without-context"), without);
    let alone = find(&texts, "llamafactory/general.seed-0.yaml");
    assert!(alone.contains("dataset: \"general\"\n"), "{alone}");
    let page = find(&texts, "README.md");
    let draw = "backstory figure gap --with human=results/human.with-context.seed-3 \
                --without human=results/human.without-context.seed-3 \
                --with ours=results/ours.with-context.seed-3 \
                --without ours=results/ours.without-context.seed-3 --out gap.seed-3.svg\n";
    assert!(page.contains(draw), "{page}");
}

#[test]
fn settings_are_the_papers() {
    let labels = ["human".to_owned()];
    let texts = texts(&recipe(&labels, &[7])).unwrap();
    assert_eq!(
        find(&texts, "llamafactory/human.with-context.seed-7.yaml"),
        r#"# llamafactory-cli train llamafactory/human.with-context.seed-7.yaml   (from this export's folder)
model_name_or_path: "some/base-\"8B\""
stage: sft
do_train: true
finetuning_type: full

dataset_dir: .
dataset: "human.with-context,general"
# A longer record loses the end of its prompt, where the question stands.
cutoff_len: 16384
packing: true
# Packed records do not see one another.
neat_packing: true
train_on_prompt: false

optim: adamw_torch
adam_beta1: 0.9
adam_beta2: 0.95
learning_rate: 2.0e-5
lr_scheduler_type: cosine
warmup_ratio: 0.03
num_train_epochs: 2.0
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
gradient_checkpointing: true
bf16: true
seed: 7

output_dir: "tuned/human.with-context.seed-7"
logging_steps: 1
save_strategy: "no"
"#
    );
    assert_eq!(
        find(&texts, "axolotl/human.without-context.seed-7.yaml"),
        r#"# axolotl train axolotl/human.without-context.seed-7.yaml   (from this export's folder)
base_model: "some/base-\"8B\""

datasets:
  - path: "human.without-context.jsonl"
    ds_type: json
    type: chat_template
    field_messages: messages
    roles_to_train: [assistant]
  - path: "general.jsonl"
    ds_type: json
    type: chat_template
    field_messages: messages
    roles_to_train: [assistant]
chat_template: tokenizer_default
train_on_inputs: false
sequence_len: 16384
# A record that is too long ends the run, rather than leaving its arm unnoticed (older versions know only
# `drop` and `truncate`).
excess_length_strategy: raise
sample_packing: true

optimizer: adamw_torch_fused
adam_beta1: 0.9
adam_beta2: 0.95
learning_rate: 2.0e-5
lr_scheduler: cosine
warmup_ratio: 0.03
num_epochs: 2
micro_batch_size: 1
gradient_accumulation_steps: 8
gradient_checkpointing: true
bf16: true
seed: 7

output_dir: "tuned/human.without-context.seed-7"
"#
    );
}

#[test]
fn labels_that_cannot_name_a_file_or_a_list_entry_are_refused() {
    for bad in ["", "a,b", "../a", ".a", "a b", "General"] {
        let labels = [bad.to_owned()];
        let error = texts(&recipe(&labels, &[0])).unwrap_err();
        assert!(matches!(error, ExportError::Label { .. }), "{bad}: {error}");
    }
    let labels = ["Human".to_owned(), "human".to_owned()];
    assert!(matches!(texts(&recipe(&labels, &[0])), Err(ExportError::Label { .. })));
    let labels = ["human".to_owned()];
    let error = texts(&recipe(&labels, &[])).unwrap_err().to_string();
    assert!(error.contains("a tuning seed"), "{error}");
}

#[test]
fn settings_name_the_sets_as_the_trainers_list_does() {
    let folder = std::env::temp_dir().join(format!("backstory_trainers_{}", std::process::id()));
    let labels = ["human.v2".to_owned()];
    let recipe = Recipe { has_general: false, packs: false, ..recipe(&labels, &[0]) };
    let written = write_texts(&recipe, &folder).unwrap();
    assert!(written.iter().all(|path| path.is_file()), "{written:?}");
    let set = folder.join(format!("{}.jsonl", set_name("human.v2", Arm::WithContext)));
    let list = register(Format::Messages, &set).unwrap().unwrap();
    let list: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(list).unwrap()).unwrap();
    let settings =
        std::fs::read_to_string(folder.join("llamafactory/human.v2.with-context.seed-0.yaml"))
            .unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    assert_eq!(list["human.v2.with-context"]["file_name"], "human.v2.with-context.jsonl");
    assert!(settings.contains("dataset: \"human.v2.with-context\"\n"), "{settings}");
    assert!(settings.contains("neat_packing: false\n"), "{settings}");
}
