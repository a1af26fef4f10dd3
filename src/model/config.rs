//! The shape of a model, from its file's header: what every body of ours reads first.

use super::attention::Heads;
use super::gguf::Gguf;
use super::rope::Rope;
use super::{Error, ModelInfo};
use std::collections::BTreeMap;

/// The shape of the model, from the file's header.
pub struct Config {
    pub architecture: String,
    pub n_layers: usize,
    /// Width of the hidden state (D).
    pub width: usize,
    pub ff_width: usize,
    pub heads: Heads,
    pub n_vocab: usize,
    pub window: usize,
    pub epsilon: f32,
    pub rope: Rope,
}

impl Config {
    /// Reads the header and refuses what no body can run.
    pub fn read(gguf: &mut Gguf) -> Result<Self, Error> {
        let architecture = gguf
            .text("general.architecture")
            .ok_or_else(|| gguf.refuse("it names no architecture"))?
            .to_owned();
        if !["llama", "qwen2", "qwen3"].contains(&architecture.as_str()) {
            return Err(gguf.refuse(format!(
                "its architecture is `{architecture}`; llama, qwen2 and qwen3 can be run"
            )));
        }
        let key = |name: &str| format!("{architecture}.{name}");
        if gguf.count(&key("expert_count"))?.unwrap_or(0) > 0 {
            return Err(gguf.refuse(
                "it is a mixture of experts; dense llama, qwen2 and qwen3 models can be run",
            ));
        }
        let width = gguf.size(&key("embedding_length"), 1 << 16)?;
        let n_heads = gguf.size(&key("attention.head_count"), 1 << 10)?;
        let kv_key = key("attention.head_count_kv");
        let n_kv_heads = if gguf.count(&kv_key)?.is_some() {
            gguf.size(&kv_key, n_heads as u64)?
        } else {
            n_heads
        };
        let size_key = key("attention.key_length");
        let head_size = if gguf.count(&size_key)?.is_some() {
            gguf.size(&size_key, 1 << 10)?
        } else {
            width / n_heads
        };
        if !n_heads.is_multiple_of(n_kv_heads) || !head_size.is_multiple_of(2) || head_size == 0 {
            return Err(gguf.refuse(format!(
                "{n_heads} heads over {n_kv_heads} of size {head_size} do not fit together"
            )));
        }
        let heads = Heads { n_heads, n_kv_heads, head_size };
        let n_vocab = match gguf.content.tensor_infos.get("token_embd.weight") {
            Some(info) if info.shape.rank() == 2 => info.shape.dims()[0],
            _ => return Err(gguf.refuse("the tensor `token_embd.weight` is missing")),
        };
        let epsilon = gguf.number(&key("attention.layer_norm_rms_epsilon"))?.unwrap_or(1e-5);
        Ok(Self {
            n_layers: gguf.size(&key("block_count"), 1 << 10)?,
            ff_width: gguf.size(&key("feed_forward_length"), 1 << 20)?,
            window: gguf.size(&key("context_length"), 1 << 30)?,
            rope: Rope::read(gguf, &architecture, head_size)?,
            epsilon: epsilon as f32,
            architecture,
            width,
            heads,
            n_vocab,
        })
    }

    /// Name, outputs and inputs of every matrix.
    pub fn matrices(&self) -> Vec<(String, usize, usize)> {
        let (d, f) = (self.width, self.ff_width);
        let (q, kv) = (self.heads.q_width(), self.heads.kv_width());
        let mut all = vec![("token_embd.weight".to_owned(), self.n_vocab, d)];
        for layer in 0..self.n_layers {
            let per_layer = [
                ("attn_q", q, d),
                ("attn_k", kv, d),
                ("attn_v", kv, d),
                ("attn_output", d, q),
                ("ffn_gate", f, d),
                ("ffn_up", f, d),
                ("ffn_down", d, f),
            ];
            all.extend(
                per_layer
                    .map(|(name, n_out, n_in)| (format!("blk.{layer}.{name}.weight"), n_out, n_in)),
            );
        }
        all
    }
}

/// What is known of the model once it runs on `device`, where its cache takes so many bytes a token.
pub fn info(
    gguf: &Gguf,
    config: &Config,
    sha256: String,
    device: &str,
    weight_bytes: u64,
) -> ModelInfo {
    ModelInfo {
        name: gguf.name(),
        sha256,
        architecture: config.architecture.clone(),
        quantization: main_format(gguf),
        device: device.into(),
        window: config.window,
        n_vocab: config.n_vocab,
        weight_bytes,
        cache_bytes_per_token: (8 * config.heads.kv_width() * config.n_layers) as u64,
    }
}

/// The format that most weights have.
fn main_format(gguf: &Gguf) -> String {
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for info in gguf.content.tensor_infos.values() {
        let n: u64 = info.shape.dims().iter().map(|d| *d as u64).product();
        *sizes.entry(format!("{:?}", info.ggml_dtype)).or_default() += n;
    }
    let name = sizes.into_iter().max_by_key(|(_, n)| *n).map(|(name, _)| name).unwrap_or_default();
    // `Q4K` is written `Q4_K` everywhere else.
    match name.strip_suffix('K') {
        Some(bits) => format!("{bits}_K"),
        None => name,
    }
}
