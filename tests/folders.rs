//! Model folders and PEFT's adapters, through every body, against what PEFT gives.
//!
//! `golden/folders` is made by `golden/make_folders.py`.

use crate::gpu::{drawn, has_adapter, in_single_precision, reply};
use crate::model::{Prompts, golden, ids, numbers};
use backstory::job::Watch;
use backstory::model::{
    CandleModel, CandleOptions, GenerateRequest, LanguageModel, Precision, Sampling, ScoreRequest,
    WgpuModel,
};
use backstory::seed::Stream;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/folders").join(name)
}

type Body = Box<dyn LanguageModel>;

/// The model in every body, with the adapter if one is named.
fn bodies(path: &Path, adapter: Option<&Path>) -> Vec<(&'static str, Body)> {
    let watch = Watch::default();
    let on_cpu = |precision, free_bytes| -> Body {
        let options = CandleOptions { precision, free_bytes };
        Box::new(CandleModel::load_adapted(path, adapter, options, &watch).unwrap())
    };
    let mut all =
        vec![("dense", on_cpu(Precision::Dense, None)), ("fast", on_cpu(Precision::Fast, None))];
    if has_adapter() {
        let model = WgpuModel::load_adapted(path, adapter, in_single_precision(), &watch);
        all.push(("gpu", Box::new(model.unwrap())));
    }
    all
}

fn furthest(ours: &[f32], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(x, y)| (f64::from(*x) - y).abs()).fold(0.0, f64::max)
}

#[test]
fn gpu_and_cpu_give_what_peft_gives_for_folders_and_adapters() {
    let golden = golden(include_str!("golden/folders/logprobs.json"));
    for (file, name) in
        [("llama", "llama"), ("llama.gguf", "llama"), ("qwen2", "qwen2"), ("qwen3", "qwen3")]
    {
        let adapter = folder(name).join("adapter");
        let tokens = ids(&golden[name]["ids"]);
        let mut hashes = Vec::new();
        for (what, adapter) in [("base", None), ("adapted", Some(&*adapter))] {
            let theirs = numbers(&golden[name][what], Value::as_f64);
            for (body, mut model) in bodies(&folder(file), adapter) {
                let request =
                    ScoreRequest { tokens: tokens.clone(), scored: vec![1..tokens.len()] };
                let ours = model.score(&[request], &Watch::default()).unwrap().remove(0);
                let error = furthest(&ours.logprobs, &theirs);
                println!("{file} {what} {body}: {error:.1e}");
                assert!(error < 1e-4, "{file} {what} {body}: {error}");
                let info = model.info();
                let ending = if adapter.is_some() { "+adapter" } else { "" };
                assert_eq!(info.name, format!("{name}{ending}"));
                hashes.push(info.sha256.clone());
            }
        }
        hashes.dedup();
        assert_eq!(hashes.len(), 2, "{file}: one hash without the adapter and one with it");
    }
}

/// Decoding takes other products than prompts do, and a reply may not depend on its company.
#[test]
fn gpu_and_cpu_write_with_an_adapter_what_they_score_highest_alone_and_in_company() {
    for name in ["llama", "qwen2"] {
        let adapter = folder(name).join("adapter");
        for (body, mut model) in bodies(&folder(name), Some(&adapter)) {
            let mut n_written = 0;
            let prompts: Vec<Vec<u32>> =
                (0..5).map(|ix| drawn(9 + ix, 96, &ix.to_string())).collect();
            let greedy = Sampling { temperature: 0.0, max_new_tokens: 12, ..Sampling::default() };
            let request = |(id, prompt): (usize, &Vec<u32>)| GenerateRequest {
                id,
                prompt: prompt.clone(),
                sampling: greedy.clone(),
                stream: Stream::new(9, "folders", "reply"),
                stop: Vec::new(),
                banned: Vec::new(),
            };
            let mut together = Prompts::new(prompts.iter().enumerate().map(request).collect());
            model.generate(&mut together, 5, &Watch::default()).unwrap();
            for (ix, prompt) in prompts.iter().enumerate() {
                let reply = reply(&mut *model, prompt, &greedy);
                assert_eq!(reply, together.replies[&ix], "{name} {body}");
                let mut tokens = prompt.clone();
                tokens.extend(model.tokenizer().encode(&reply).unwrap().iter().map(|t| t.id));
                n_written += tokens.len() - prompt.len();
                if reply.is_empty() {
                    continue;
                }
                let scored = vec![prompt.len()..tokens.len()];
                let request = ScoreRequest { tokens, scored };
                let scores = model.score(&[request], &Watch::default()).unwrap().remove(0);
                assert!(scores.argmax.iter().all(|best| *best), "{name} {body}: {reply}");
            }
            assert!(n_written > 20, "{name} {body}: {n_written} tokens in all");
        }
    }
}

fn refusal(path: &Path, adapter: Option<&Path>) -> String {
    let options = CandleOptions::default();
    let loaded = CandleModel::load_adapted(path, adapter, options, &Watch::default());
    loaded.err().map_or_else(|| panic!("{} is loaded", path.display()), |error| error.to_string())
}

/// A folder as `name`'s, without the adapter.
fn copy(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    copy
}

#[test]
fn bad_folders_are_refused_with_what_is_wrong_and_what_to_do() {
    let config: Value =
        serde_json::from_slice(&std::fs::read(folder("qwen2").join("config.json")).unwrap())
            .unwrap();
    let broken = copy("qwen2");
    for (key, value, part) in [
        ("model_type", "mamba".into(), "`mamba`"),
        ("num_experts", 8.into(), "mixture of experts"),
        ("quantization_config", serde_json::json!({"bits": 4}), "quantized"),
        ("hidden_act", "gelu".into(), "hidden_act"),
        ("use_sliding_window", true.into(), "sliding window"),
        ("hidden_size", Value::Null, "no `hidden_size`"),
        ("num_hidden_layers", "two".into(), "num_hidden_layers"),
        ("num_hidden_layers", 3.into(), "model.layers.2"),
        ("intermediate_size", 63.into(), "gate_proj.weight` is [64, 32]"),
        ("tie_word_embeddings", false.into(), "lm_head.weight"),
        ("rope_parameters", serde_json::json!({"rope_type": "longrope"}), "longrope"),
        ("rope_parameters", serde_json::json!({"rope_type": "yarn"}), "`factor`"),
    ] {
        let mut config = config.clone();
        config[key] = value;
        std::fs::write(broken.path().join("config.json"), config.to_string()).unwrap();
        let error = refusal(broken.path(), None);
        assert!(error.contains(part), "{key}: {error}");
    }
    std::fs::remove_file(broken.path().join("config.json")).unwrap();
    assert!(refusal(broken.path(), None).contains("without config.json"));
    for (name, part) in [
        ("model-00002-of-00003.safetensors", "model-00002-of-00003.safetensors is missing"),
        ("tokenizer.json", "without tokenizer.json"),
    ] {
        let broken = copy("llama");
        std::fs::remove_file(broken.path().join(name)).unwrap();
        let error = refusal(broken.path(), None);
        assert!(error.contains(part), "{error}");
    }
    let broken = copy("llama");
    let shard = broken.path().join("model-00003-of-00003.safetensors");
    let bytes = std::fs::read(&shard).unwrap();
    for n in [4, 40, bytes.len() - 1] {
        std::fs::write(&shard, &bytes[..n]).unwrap();
        let error = refusal(broken.path(), None);
        assert!(error.contains("cut off") && error.contains("00003-of-00003"), "{n}: {error}");
    }
    let adapter = folder("qwen3").join("adapter");
    let error = refusal(&folder("llama"), Some(&adapter));
    assert!(error.contains("q_proj") && error.contains("the model it was made for"), "{error}");
}
