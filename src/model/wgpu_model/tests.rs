//! The model under each executor of `gpu`: on the device, by the kernels' twins, and by both.

use super::{WgpuModel, WgpuOptions};
use crate::gpu::{self, Executor, Kernel, Twin, twin};
use crate::job::Watch;
use crate::model::{Feed, GenerateRequest, LanguageModel, Reply, Sampling, ScoreRequest};
use crate::seed::Stream;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

/// Log-probabilities that two orders of sums may differ by.
const NEAR: f32 = 1e-4;

/// A model of two layers with random weights, where there is an adapter.
fn tiny(architecture: &str) -> Option<WgpuModel> {
    match gpu::choose() {
        Ok(_) => {}
        Err(error) if std::env::var_os("REQUIRE_GPU").is_some_and(|value| value == "1") => {
            panic!("{error}")
        }
        Err(_) => {
            println!("SKIPPED: there is no graphics adapter");
            return None;
        }
    }
    let path = format!("{}/tests/data/tiny_{architecture}.gguf", env!("CARGO_MANIFEST_DIR"));
    let options = WgpuOptions::default();
    Some(WgpuModel::load(Path::new(&path), options, &Watch::default()).unwrap())
}

/// Two sequences of which the second goes on from within a page of the first: all but the kernels that
/// only write.
fn score(model: &mut WgpuModel, executor: Executor, twin: Twin) -> Vec<f32> {
    model.gpu.execute_with(executor, twin);
    let mut stream = Stream::new(6, "wgpu_model", "tokens");
    let n_vocab = model.config.n_vocab;
    let mut drawn = |n| (0..n).map(|_| stream.below(n_vocab) as u32).collect::<Vec<_>>();
    let past = drawn(40);
    let request = |new: Vec<u32>| {
        let tokens = [&past[..], &new].concat();
        let scored = vec![past.len()..tokens.len()];
        ScoreRequest { tokens, scored }
    };
    let requests = [request(drawn(30)), request(drawn(7))];
    let scores = model.score(&requests, &Watch::default()).unwrap();
    scores.into_iter().flat_map(|scores| scores.logprobs).collect()
}

/// The largest difference; infinite if something is no number.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(x, y)| (x - y).abs());
    differences.map(|d| if d.is_nan() { f32::INFINITY } else { d }).fold(0.0, f32::max)
}

/// A feed of one prompt.
struct One(Option<GenerateRequest>, String);

impl Feed for One {
    fn next(&mut self) -> Option<GenerateRequest> {
        self.0.take()
    }

    fn piece(&mut self, _: usize, _: &str, _: usize) {}

    fn done(&mut self, _: usize, reply: Reply) -> Option<GenerateRequest> {
        self.1 = reply.text;
        None
    }
}

fn write(model: &mut WgpuModel, executor: Executor, twin: Twin) -> String {
    model.gpu.execute_with(executor, twin);
    let request = GenerateRequest {
        id: 0,
        prompt: (10..50).collect(),
        sampling: Sampling {
            temperature: 0.0,
            repetition_penalty: 1.2,
            max_new_tokens: 12,
            ..Sampling::default()
        },
        stream: Stream::new(6, "wgpu_model", "reply"),
        stop: Vec::new(),
        banned: vec![3],
    };
    let mut feed = One(Some(request), String::new());
    model.generate(&mut feed, 1, &Watch::default()).unwrap();
    feed.1
}

/// Kernels in the order in which scoring runs them first.
const ORDER: [&str; 10] = [
    "embedding",
    "rms_norm",
    "matmul",
    "head_norm",
    "rope",
    "attention",
    "gated",
    "gather_rows",
    "log_sums",
    "pick",
];

/// Kernels whose twins have run.
static SEEN: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

fn noting(kernel: Kernel, shape: &[u32], groups: [u32; 2], buffers: &mut [Vec<u32>]) {
    SEEN.lock().unwrap().insert(kernel.name());
    twin(kernel, shape, groups, buffers);
}

#[test]
fn gpu_log_probabilities_and_text_are_the_same_by_the_twins() {
    for architecture in ["llama", "qwen2", "qwen3"] {
        let Some(mut model) = tiny(architecture) else { return };
        let device = score(&mut model, Executor::Wgpu, twin);
        for executor in [Executor::Twin].into_iter().chain(ORDER.map(Executor::TwinUntil)) {
            let others = score(&mut model, executor, noting);
            let difference = difference(&device, &others);
            assert!(difference < NEAR, "{architecture}, {executor:?}: {difference}");
        }
        let text = write(&mut model, Executor::Wgpu, twin);
        assert_eq!(write(&mut model, Executor::Twin, noting), text, "{architecture}");
    }
    let all = ORDER.into_iter().chain(["move_words", "attention_merge", "adjust", "top"]);
    let left_out: Vec<&str> = all.filter(|name| !SEEN.lock().unwrap().contains(name)).collect();
    assert!(left_out.is_empty(), "no twin ran for {left_out:?}");
}

/// The first kernel on which device and `twin` disagree, as [`Executor`] says.
fn disagreement(model: &mut WgpuModel, twin: Twin) -> Option<&'static str> {
    let device = score(model, Executor::Wgpu, twin);
    ORDER
        .into_iter()
        .find(|&name| difference(&device, &score(model, Executor::TwinUntil(name), twin)) >= NEAR)
}

#[test]
fn gpu_a_kernel_that_differs_from_its_twin_is_found_by_its_name() {
    let wrong: [(&str, Twin); 4] = [
        ("rope", |kernel, shape, groups, buffers| match kernel {
            Kernel::Rope { halves, cache } => {
                twin(Kernel::Rope { halves: !halves, cache }, shape, groups, buffers);
            }
            _ => twin(kernel, shape, groups, buffers),
        }),
        ("attention", |kernel, shape, groups, buffers| match kernel {
            Kernel::Attention { .. } => {
                let mut shape = shape.to_vec();
                shape[3] = 0.3_f32.to_bits();
                twin(kernel, &shape, groups, buffers);
            }
            _ => twin(kernel, shape, groups, buffers),
        }),
        ("gated", |kernel, shape, groups, buffers| {
            twin(kernel, shape, groups, buffers);
            if kernel == Kernel::Gated {
                buffers[1].swap(0, 1);
            }
        }),
        ("log_sums", |kernel, shape, groups, buffers| {
            twin(kernel, shape, groups, buffers);
            if kernel == Kernel::LogSums {
                buffers[1][1] = f32::NAN.to_bits();
            }
        }),
    ];
    let Some(mut model) = tiny("qwen3") else { return };
    assert_eq!(disagreement(&mut model, twin), None);
    for (name, twin) in wrong {
        assert_eq!(disagreement(&mut model, twin), Some(name));
    }
}
