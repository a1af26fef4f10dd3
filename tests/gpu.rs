//! The model on the GPU against the model on the CPU, and against itself.

use crate::block_formats::made;
use crate::model::{Prompts, golden, ids, model_path, numbers, three_tokens_each};
use backstory::gpu::{self, CachePrecision, Forced};
use backstory::job::Watch;
use backstory::model::{
    CandleModel, CandleOptions, GenerateRequest, LanguageModel, Precision, Sampling, ScoreRequest,
    TokenScores, WgpuModel, WgpuOptions,
};
use backstory::seed::Stream;
use candle_core::quantized::GgmlDType;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Whether there is an adapter; where there must be one, its absence fails.
pub fn has_adapter() -> bool {
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

pub fn tiny(architecture: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/tiny_{architecture}.gguf"))
}

pub fn on_cpu(path: &Path) -> CandleModel {
    let options = CandleOptions { precision: Precision::Dense, free_bytes: None };
    CandleModel::load(path, options, &Watch::default()).unwrap()
}

pub fn on_gpu(path: &Path) -> WgpuModel {
    on_gpu_with(path, WgpuOptions::default())
}

pub fn on_gpu_with(path: &Path, options: WgpuOptions) -> WgpuModel {
    WgpuModel::load(path, options, &Watch::default()).unwrap()
}

/// What hardware does that has no half-precision numbers, with a cache that is exact.
pub fn in_single_precision() -> WgpuOptions {
    let forced = Forced { is_hardware: true, no_f16: true, ..Forced::default() };
    WgpuOptions { forced, cache: Some(CachePrecision::F32), free_bytes: None }
}

/// What an adapter would do, and how far its log-probabilities may be off.
type Way = (&'static str, WgpuOptions, f32);

/// What other adapters would do.
fn ways() -> Vec<Way> {
    let hardware = Forced { is_hardware: true, ..Forced::default() };
    let no_f16 = Forced { no_f16: true, ..hardware };
    let small = Forced { binding_bytes: Some(160 << 10), ..hardware };
    let with = |forced, cache| WgpuOptions { forced, cache, free_bytes: None };
    let single = Some(CachePrecision::F32);
    vec![
        ("in single precision", in_single_precision(), 1e-3),
        ("without subgroups", with(Forced { no_subgroups: true, ..no_f16 }, single), 1e-3),
        ("weights in half precision", with(hardware, single), 2e-2),
        ("the cache in half precision", with(no_f16, Some(CachePrecision::F16)), 2e-2),
        ("as hardware", with(hardware, None), 2e-2),
        ("with small bindings", with(small, None), 2e-2),
        ("as software", with(Forced::default(), Some(CachePrecision::F16)), 2e-2),
    ]
}

pub fn score(model: &mut dyn LanguageModel, tokens: &[u32], from: usize) -> TokenScores {
    let request = ScoreRequest { tokens: tokens.to_vec(), scored: vec![from..tokens.len()] };
    model.score(&[request], &Watch::default()).unwrap().remove(0)
}

pub fn drawn(n: usize, n_vocab: usize, purpose: &str) -> Vec<u32> {
    let mut stream = Stream::new(4, "gpu", purpose);
    (0..n).map(|_| stream.below(n_vocab) as u32).collect()
}

pub fn assert_near(ours: &[f32], theirs: &[f32], most: f32, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (place, (x, y)) in ours.iter().zip(theirs).enumerate() {
        assert!((x - y).abs() <= most, "{what}, {place}: {x} for {y}");
    }
}

pub fn reply(model: &mut dyn LanguageModel, prompt: &[u32], how: &Sampling) -> String {
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
fn gpu_work_is_metered_with_its_cache_and_its_kernels() {
    if !has_adapter() {
        return;
    }
    let mut model = on_gpu(&tiny("llama"));
    let meter = model.meter().clone();
    let n_vocab = model.info().n_vocab;
    let prompts = [drawn(200, n_vocab, "a"), drawn(20, n_vocab, "b")];
    let n_read = 220;
    model.generate(&mut three_tokens_each(&prompts), 2, &Watch::default()).unwrap();
    let work = meter.work();
    assert_eq!((work.reading.n_tokens, work.writing.n_tokens), (n_read, 4));
    let bytes = model.info().cache_bytes_per_token;
    let (least, cache) = ((n_read + 4) * bytes, work.cache);
    // Pages are whole, so that some of what is in use is empty.
    assert!((least..2 * least).contains(&cache.most_used), "{cache:?} for {least}");
    assert_eq!(cache.used, 0, "every sequence has ended");
    assert!(cache.held >= cache.most_used, "{cache:?}");
    let matmul = work.kernels.iter().find(|kernel| kernel.name == "matmul").unwrap();
    assert!(matmul.n_runs > 20, "{matmul:?}");
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

#[test]
fn gpu_log_probabilities_are_near_those_of_the_cpu_whatever_the_adapter_can_do() {
    if !has_adapter() {
        return;
    }
    for architecture in ["llama", "qwen2", "qwen3"] {
        // The committed one is in single precision, which no tile rounds; its bindings can be small.
        near_in_every_way(&tiny(architecture), ways());
        let path = made(architecture, &format!("ways-{architecture}"), |_| GgmlDType::Q8_0);
        let has_large = |(_, way, _): &Way| way.forced.binding_bytes.is_none();
        near_in_every_way(&path, ways().into_iter().filter(has_large).collect());
        std::fs::remove_file(&path).unwrap();
    }
}

fn near_in_every_way(path: &Path, ways: Vec<Way>) {
    let mut cpu = on_cpu(path);
    let tokens = drawn(90, cpu.info().n_vocab, &cpu.info().architecture);
    let theirs = score(&mut cpu, &tokens, 1);
    let bytes = |model: &WgpuModel| model.info().cache_bytes_per_token;
    let single = bytes(&on_gpu(path));
    for (way, options, most) in ways {
        let what = format!("{} {way}", path.display());
        let mut gpu = on_gpu_with(path, options);
        let ours = score(&mut gpu, &tokens, 1);
        assert_near(&ours.logprobs, &theirs.logprobs, most, &what);
        let half = options.cache != Some(CachePrecision::F32);
        assert_eq!(bytes(&gpu), if half { single / 2 } else { single }, "{what}");
        // Decoding takes other kernels than prompts do.
        let greedy = Sampling { temperature: 0.0, max_new_tokens: 24, ..Sampling::default() };
        if most < 1e-2 {
            assert_eq!(ours.argmax, theirs.argmax, "{what}");
            let prompt = &tokens[..20];
            assert_eq!(reply(&mut gpu, prompt, &greedy), reply(&mut cpu, prompt, &greedy));
        }
    }
}

/// A prompt read at once (in several chunks), continued from a shared prefix, and token by token.
#[test]
fn gpu_chunks_prefixes_and_single_tokens_give_the_same() {
    if !has_adapter() {
        return;
    }
    let path = tiny("llama");
    let mut model = on_gpu(&path);
    let window = model.info().window;
    let tokens = drawn(300.min(window), model.info().n_vocab, "chunks");
    let whole = score(&mut model, &tokens, 1);
    // Both requests share a prefix that ends within a page and are longer than it.
    let mut other = tokens.clone();
    let cut = tokens.len() / 3 + 1;
    other[cut] = (other[cut] + 1) % model.info().n_vocab as u32;
    let request =
        |tokens: &[u32]| ScoreRequest { tokens: tokens.to_vec(), scored: vec![1..tokens.len()] };
    let both = [request(&tokens), request(&other)];
    let together = model.score(&both, &Watch::default()).unwrap();
    assert_near(&together[0].logprobs, &whole.logprobs, 2e-5, "with a shared prefix");
    let alone = score(&mut model, &other, 1);
    assert_near(&together[1].logprobs, &alone.logprobs, 2e-5, "the other one");
    // Greedy text reads token by token what scoring reads at once: each token is its argmax.
    let greedy = Sampling { temperature: 0.0, max_new_tokens: 40, ..Sampling::default() };
    let text = reply(&mut model, &tokens[..9], &greedy);
    let mut cpu = on_cpu(&path);
    assert_eq!(text, reply(&mut cpu, &tokens[..9], &greedy));
}

#[test]
fn gpu_weights_are_split_where_a_binding_is_too_small() {
    if !has_adapter() {
        return;
    }
    let model = |path: &Path, is_hardware: bool, binding_bytes: Option<u64>| {
        let forced = Forced { is_hardware, binding_bytes, ..Forced::default() };
        let options = WgpuOptions { forced, ..WgpuOptions::default() };
        WgpuModel::load(path, options, &Watch::default())
    };
    let path = tiny("qwen3");
    for (path, is_hardware, n_bytes) in [
        (Some(path.clone()), false, 160 << 10),
        (Some(path.clone()), true, 160 << 10),
        (model_path(), false, 1 << 20),
    ] {
        let Some(path) = path else { continue };
        let mut whole = model(&path, is_hardware, None).unwrap();
        let tokens = drawn(40, whole.info().n_vocab, "bindings");
        let expected = score(&mut whole, &tokens, 1);
        let mut split = model(&path, is_hardware, Some(n_bytes)).unwrap();
        assert_eq!(score(&mut split, &tokens, 1), expected);
    }
    let refused = model(&path, false, Some(4096)).err().unwrap().to_string();
    assert!(refused.contains("no 1 MiB left") && refused.contains("--device cpu"), "{refused}");
    let options = WgpuOptions { free_bytes: Some(1 << 10), ..WgpuOptions::default() };
    let refused = WgpuModel::load(&path, options, &Watch::default()).err().unwrap().to_string();
    assert!(refused.contains("MiB are free"), "{refused}");
}

#[test]
fn gpu_heads_that_are_no_whole_vectors_are_refused() {
    let mut bytes = std::fs::read(tiny("qwen3")).unwrap();
    for key in
        ["qwen3.attention.key_length", "qwen3.attention.value_length", "qwen3.rope.dimension_count"]
    {
        let at = bytes.windows(key.len()).position(|name| name == key.as_bytes()).unwrap();
        // The name, the kind of value, the value.
        bytes[at + key.len() + 4] = 18;
    }
    let path = std::env::temp_dir().join(format!("backstory-heads-{}.gguf", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    let refused = WgpuModel::describe(&path).unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert!(refused.contains("18 values") && refused.contains("--device cpu"), "{refused}");
}

/// Sampled text of several lengths, with the sequences in changing company.
#[test]
fn gpu_a_reply_is_the_same_alone_and_among_others_whatever_the_adapter_can_do() {
    if !has_adapter() {
        return;
    }
    let plain = ("as it is", WgpuOptions::default(), 0.0);
    for (way, options, _) in [vec![plain], ways()].concat() {
        let mut model = on_gpu_with(&tiny("qwen2"), options);
        let alone = replies(&mut model, 1);
        assert_eq!(alone.len(), 6);
        assert!(alone.values().all(|text| !text.is_empty()));
        for n_parallel in [2, 4, 6] {
            assert_eq!(alone, replies(&mut model, n_parallel), "{way}, {n_parallel} at once");
        }
    }
}

fn replies(model: &mut WgpuModel, n_parallel: usize) -> BTreeMap<usize, String> {
    let n_vocab = model.info().n_vocab;
    let request = |id: usize| GenerateRequest {
        id,
        prompt: drawn(3 + 11 * id, n_vocab, &id.to_string()),
        sampling: Sampling { max_new_tokens: 10 + 6 * id, ..Sampling::default() },
        stream: Stream::new(3, &id.to_string(), "gpu"),
        stop: Vec::new(),
        banned: Vec::new(),
    };
    let mut prompts = Prompts::new((0..6).map(request).collect());
    model.generate(&mut prompts, n_parallel, &Watch::default()).unwrap();
    assert_eq!(prompts.replies, prompts.streamed);
    prompts.replies
}

#[test]
fn gpu_log_probabilities_of_the_default_model_equal_the_exact_ones() {
    let Some(path) = model_path().filter(|_| has_adapter()) else { return };
    let exact = golden(include_str!("golden/smollm2_135m_exact.json"));
    let texts = golden(include_str!("golden/smollm2_135m_q4_1.json"));
    let hardware = Forced { is_hardware: true, ..Forced::default() };
    let as_hardware = WgpuOptions { forced: hardware, ..WgpuOptions::default() };
    // The variants of hardware are slow here: the shortest text has to do.
    let ways = [
        (WgpuOptions::default(), 4, 2e-4),
        (in_single_precision(), 1, 2e-4),
        (as_hardware, 1, 2e-2),
    ];
    for (options, n_texts, most) in ways {
        let mut model = on_gpu_with(&path, options);
        for text in texts.as_array().unwrap().iter().rev().take(n_texts) {
            let name = text["name"].as_str().unwrap();
            let found = score(&mut model, &ids(&text["token_ids"]), 1).logprobs;
            let exact = numbers(&exact[name], Value::as_f64);
            let off = found.iter().zip(exact).map(|(ours, exact)| (f64::from(*ours) - exact).abs());
            let off = off.fold(0.0, f64::max);
            println!("{name}: off by {off:.1e}");
            assert!(off < most, "{name}, {options:?}: off by {off}");
        }
    }
}

/// Far less than the request takes; other tests run beside it, so how soon exactly is a bench's.
#[test]
fn gpu_cancel_stops_at_once() {
    let Some(path) = model_path().filter(|_| has_adapter()) else { return };
    let mut model = on_gpu(&path);
    let tokens = drawn(1200, model.info().n_vocab, "cancel");
    // The first request teaches the device how fast it is.
    score(&mut model, &tokens[..40], 1);
    let watch = Watch::default();
    let request = ScoreRequest { scored: vec![1..tokens.len()], tokens };
    let (result, late) = std::thread::scope(|scope| {
        let canceller = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(700));
            watch.cancel();
            Instant::now()
        });
        let result = model.score(&[request], &watch);
        let ended = Instant::now();
        (result, ended.duration_since(canceller.join().unwrap()))
    });
    assert_eq!(result.unwrap_err().to_string(), "cancelled");
    assert!(late < Duration::from_secs(2), "{late:?}");
}

/// The cache grows until the memory that was planned with is full.
#[test]
fn gpu_a_full_memory_ends_the_work_and_not_the_model() {
    if !has_adapter() {
        return;
    }
    let path = tiny("llama");
    let info = on_gpu(&path).info().clone();
    let n_bytes = info.weight_bytes * 8 / 7 + 64 * info.cache_bytes_per_token * 16;
    let options = WgpuOptions { free_bytes: Some(n_bytes), ..WgpuOptions::default() };
    let mut model = WgpuModel::load(&path, options, &Watch::default()).unwrap();
    let few = drawn(8, info.n_vocab, "few");
    let before = score(&mut model, &few, 1);
    let requests: Vec<ScoreRequest> = (0..40)
        .map(|ix| {
            let tokens = drawn(200, info.n_vocab, &format!("full {ix}"));
            ScoreRequest { scored: vec![1..tokens.len()], tokens }
        })
        .collect();
    let error = model.score(&requests, &Watch::default()).unwrap_err().to_string();
    assert!(error.contains("MiB left for") && error.contains("--device cpu"), "{error}");
    assert!(!model.is_lost());
    assert_eq!(score(&mut model, &few, 1), before);
}
