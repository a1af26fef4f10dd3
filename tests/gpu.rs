//! The model on the GPU against the model on the CPU, and against itself.

use crate::model::{Prompts, golden, ids, model_path, numbers};
use backstory::gpu;
use backstory::job::Watch;
use backstory::model::{
    CandleModel, CandleOptions, GenerateRequest, LanguageModel, Precision, Sampling, ScoreRequest,
    TokenScores, WgpuModel, WgpuOptions,
};
use backstory::seed::Stream;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Whether there is an adapter; where there must be one, its absence fails.
fn has_adapter() -> bool {
    match gpu::choose() {
        Ok(_) => true,
        Err(error) if std::env::var_os("REQUIRE_GPU").is_some_and(|value| value == "1") => {
            panic!("{error}")
        }
        Err(_) => {
            println!("SKIPPED: there is no graphics adapter");
            false
        }
    }
}

fn tiny(architecture: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/tiny_{architecture}.gguf"))
}

fn on_cpu(path: &Path) -> CandleModel {
    let options = CandleOptions { precision: Precision::Dense, free_bytes: None };
    CandleModel::load(path, options, &Watch::default()).unwrap()
}

fn on_gpu(path: &Path) -> WgpuModel {
    WgpuModel::load(path, WgpuOptions::default(), &Watch::default()).unwrap()
}

fn score(model: &mut dyn LanguageModel, tokens: &[u32], from: usize) -> TokenScores {
    let request = ScoreRequest { tokens: tokens.to_vec(), scored: vec![from..tokens.len()] };
    model.score(&[request], &Watch::default()).unwrap().remove(0)
}

fn drawn(n: usize, n_vocab: usize, purpose: &str) -> Vec<u32> {
    let mut stream = Stream::new(4, "gpu", purpose);
    (0..n).map(|_| stream.below(n_vocab) as u32).collect()
}

fn assert_near(ours: &[f32], theirs: &[f32], most: f32, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (place, (x, y)) in ours.iter().zip(theirs).enumerate() {
        assert!((x - y).abs() <= most, "{what}, {place}: {x} for {y}");
    }
}

fn reply(model: &mut dyn LanguageModel, prompt: &[u32], how: &Sampling) -> String {
    let request = GenerateRequest {
        id: 0,
        prompt: prompt.to_vec(),
        sampling: how.clone(),
        stream: Stream::new(9, "gpu", "reply"),
        stop: Vec::new(),
        banned: Vec::new(),
    };
    let mut prompts = Prompts::new(vec![request]);
    model.generate(&mut prompts, 1, &Watch::default()).unwrap();
    prompts.replies.remove(&0).unwrap()
}

#[test]
fn gpu_log_probabilities_and_greedy_text_equal_those_of_the_cpu() {
    if !has_adapter() {
        return;
    }
    for architecture in ["llama", "qwen2", "qwen3"] {
        let path = tiny(architecture);
        let (mut cpu, mut gpu) = (on_cpu(&path), on_gpu(&path));
        assert_eq!(gpu.info().device, "gpu");
        let n = 90.min(cpu.info().window);
        let tokens = drawn(n, cpu.info().n_vocab, architecture);
        let (ours, theirs) = (score(&mut gpu, &tokens, 1), score(&mut cpu, &tokens, 1));
        assert_near(&ours.logprobs, &theirs.logprobs, 1e-3, architecture);
        assert_eq!(ours.argmax, theirs.argmax, "{architecture}");
        let greedy = Sampling { temperature: 0.0, max_new_tokens: 24, ..Sampling::default() };
        let prompt = &tokens[..20];
        assert_eq!(reply(&mut gpu, prompt, &greedy), reply(&mut cpu, prompt, &greedy));
    }
}
