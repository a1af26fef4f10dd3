//! Small models with random weights in every block format, made here: on the GPU they give what dense
//! weights of the same values give on the CPU.

use crate::gpu::{
    assert_near, drawn, has_adapter, in_single_precision, on_cpu, on_gpu, on_gpu_with, reply,
    score, tiny,
};
use backstory::model::{LanguageModel, Sampling};
use backstory::seed::Stream;
use candle_core::quantized::gguf_file::{Content, Value, write};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Wide enough for a block of 256 weights.
const WIDTH: usize = 256;
const HEAD_SIZE: usize = WIDTH / 4;

/// A model of this architecture, its matrices in the format that `format` gives for their names; the
/// tokenizer is that of the committed one.
pub fn made(architecture: &str, name: &str, format: impl Fn(&str) -> GgmlDType) -> PathBuf {
    let mut file = std::fs::File::open(tiny(architecture)).unwrap();
    let mut content = Content::read(&mut file).unwrap();
    for (key, value) in [
        ("embedding_length", WIDTH),
        ("feed_forward_length", WIDTH),
        ("rope.dimension_count", HEAD_SIZE),
        ("attention.key_length", HEAD_SIZE),
        ("attention.value_length", HEAD_SIZE),
    ] {
        let key = format!("{architecture}.{key}");
        if content.metadata.contains_key(&key) {
            content.metadata.insert(key, Value::U32(value as u32));
        }
    }
    let mut draw = Stream::new(6, "block formats", name);
    let mut tensors = Vec::new();
    // In one order, so that the numbers that are drawn are the same each time.
    let mut shapes = BTreeMap::new();
    for (name, info) in &content.tensor_infos {
        shapes.insert(name.clone(), info.shape.dims().to_vec());
    }
    shapes.remove("rope_freqs.weight");
    for (name, shape) in &shapes {
        let narrow = ["attn_k.", "attn_v."].iter().any(|part| name.contains(part));
        let n_out = match shape[0] {
            _ if name.contains("token_embd") || name == "output.weight" => shape[0],
            _ if narrow => WIDTH / 2,
            _ if name.contains("attn_q_norm") || name.contains("attn_k_norm") => HEAD_SIZE,
            _ => WIDTH,
        };
        let is_matrix = shape.len() == 2;
        let (n_in, centre, spread) = if is_matrix { (WIDTH, 0.0, 0.12) } else { (1, 1.0, 0.2) };
        let values: Vec<f32> = (0..n_out * n_in)
            .map(|_| (centre + spread * (2.0 * draw.unit() - 1.0)) as f32)
            .collect();
        let shape = if is_matrix { vec![n_out, n_in] } else { vec![n_out] };
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
        let dtype = if is_matrix { format(name) } else { GgmlDType::F32 };
        tensors.push((name.as_str(), QTensor::quantize(&tensor, dtype).unwrap()));
    }
    let mut metadata: Vec<(&str, &Value)> = Vec::new();
    for (key, value) in &content.metadata {
        metadata.push((key, value));
    }
    let tensors: Vec<(&str, &QTensor)> = tensors.iter().map(|(n, tensor)| (*n, tensor)).collect();
    let path = std::env::temp_dir().join(format!("backstory-{name}-{}.gguf", std::process::id()));
    write(&mut std::fs::File::create(&path).unwrap(), &metadata, &tensors).unwrap();
    path
}

fn assert_same_on_both(path: PathBuf, what: &str) {
    let (mut cpu, mut gpu) = (on_cpu(&path), on_gpu(&path));
    let mut hardware = on_gpu_with(&path, in_single_precision());
    std::fs::remove_file(&path).unwrap();
    let tokens = drawn(70, cpu.info().n_vocab, what);
    let (ours, theirs) = (score(&mut gpu, &tokens, 1), score(&mut cpu, &tokens, 1));
    assert_near(&ours.logprobs, &theirs.logprobs, 1e-3, what);
    assert_eq!(ours.argmax, theirs.argmax, "{what}");
    let spread = theirs.logprobs.iter().copied().fold(f32::NEG_INFINITY, f32::max)
        - theirs.logprobs.iter().copied().fold(f32::INFINITY, f32::min);
    assert!(spread > 1.0, "{what}: a model that says nothing proves nothing");
    let greedy = Sampling { temperature: 0.0, max_new_tokens: 16, ..Sampling::default() };
    let text = reply(&mut cpu, &tokens[..20], &greedy);
    assert_eq!(reply(&mut gpu, &tokens[..20], &greedy), text);
    let as_hardware = score(&mut hardware, &tokens, 1);
    assert_near(&as_hardware.logprobs, &theirs.logprobs, 1e-3, what);
    assert_eq!(reply(&mut hardware, &tokens[..20], &greedy), text);
}

#[test]
fn gpu_models_in_every_block_format_equal_dense_ones() {
    if !has_adapter() {
        return;
    }
    let formats = [
        GgmlDType::F32,
        GgmlDType::F16,
        GgmlDType::BF16,
        GgmlDType::Q8_0,
        GgmlDType::Q4_0,
        GgmlDType::Q4_1,
        GgmlDType::Q4K,
        GgmlDType::Q5K,
        GgmlDType::Q6K,
        // Formats that the kernels do not know are made dense.
        GgmlDType::Q5_0,
        GgmlDType::Q3K,
    ];
    for format in formats {
        let name = format!("{format:?}");
        assert_same_on_both(made("llama", &name, |_| format), &name);
    }
}

/// As files of the hub are mixed: large matrices in four bits, those that matter most in six.
#[test]
fn gpu_models_of_mixed_formats_equal_dense_ones() {
    if !has_adapter() {
        return;
    }
    let mixed = |name: &str| match name {
        "token_embd.weight" => GgmlDType::Q4K,
        "output.weight" => GgmlDType::Q6K,
        name if name.contains("attn_v") || name.contains("ffn_down") => GgmlDType::Q6K,
        name if name.contains("ffn_up") => GgmlDType::Q5K,
        _ => GgmlDType::Q4K,
    };
    for architecture in ["llama", "qwen2", "qwen3"] {
        let name = format!("mixed-{architecture}");
        assert_same_on_both(made(architecture, &name, mixed), &name);
    }
}
