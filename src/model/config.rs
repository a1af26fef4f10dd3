//! The shape of a model, from its file's header: what every body of ours reads first.

use super::attention::Heads;
use super::checkpoint::Checkpoint;
use super::folder::Folder;
use super::gguf::Gguf;
use super::rope::Rope;
use super::{Error, ModelInfo};

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
    pub fn read(checkpoint: &mut Checkpoint) -> Result<Self, Error> {
        match checkpoint {
            Checkpoint::Gguf(gguf) => Self::of_gguf(gguf),
            Checkpoint::Folder(folder) => Self::of_folder(folder),
        }
    }

    /// From the metadata of a GGUF file.
    fn of_gguf(gguf: &mut Gguf) -> Result<Self, Error> {
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
        let heads = Heads { n_heads, n_kv_heads, head_size };
        heads_fit(heads).map_err(|reason| gguf.refuse(reason))?;
        let n_vocab = match gguf.content.tensor_infos.get("token_embd.weight") {
            Some(info) if info.shape.rank() == 2 => info.shape.dims()[0],
            _ => return Err(gguf.refuse("the tensor `token_embd.weight` is missing")),
        };
        let epsilon = gguf.number(&key("attention.layer_norm_rms_epsilon"))?.unwrap_or(1e-5);
        Ok(Self {
            n_layers: gguf.size(&key("block_count"), 1 << 10)?,
            ff_width: gguf.size(&key("feed_forward_length"), 1 << 20)?,
            window: gguf.size(&key("context_length"), 1 << 30)?,
            rope: Rope::of_gguf(gguf, &architecture, head_size)?,
            epsilon: epsilon as f32,
            architecture,
            width,
            heads,
            n_vocab,
        })
    }

    /// From the `config.json` of a folder.
    fn of_folder(folder: &Folder) -> Result<Self, Error> {
        let refuse = |reason: String| Error::File { path: folder.path.clone(), reason };
        let size = |key: &str, most| {
            let missing = || refuse(format!("its config.json has no `{key}`; fetch it again"));
            folder.size(key, most)?.ok_or_else(missing)
        };
        let architecture = folder.text("model_type").unwrap_or_default().to_owned();
        let width = size("hidden_size", 1 << 16)?;
        let n_heads = size("num_attention_heads", 1 << 10)?;
        let n_kv_heads = folder.size("num_key_value_heads", n_heads as u64)?.unwrap_or(n_heads);
        // Where Qwen3 says nothing, it means 128, whatever its width.
        let usual = if architecture == "qwen3" { 128 } else { width / n_heads };
        let head_size = folder.size("head_dim", 1 << 10)?.unwrap_or(usual);
        let heads = Heads { n_heads, n_kv_heads, head_size };
        heads_fit(heads).map_err(refuse)?;
        let n_vocab = match folder.dims("token_embd.weight") {
            Some([n_vocab, _]) => *n_vocab,
            _ => return Err(refuse("the tensor `model.embed_tokens.weight` is missing".into())),
        };
        let epsilon = folder.config.get("rms_norm_eps").and_then(serde_json::Value::as_f64);
        Ok(Self {
            n_layers: size("num_hidden_layers", 1 << 10)?,
            ff_width: size("intermediate_size", 1 << 20)?,
            window: size("max_position_embeddings", 1 << 30)?,
            rope: Rope::of_config(&folder.config, head_size).map_err(refuse)?,
            epsilon: epsilon.unwrap_or(1e-6) as f32,
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

/// Whether heads can be shared out and rotated.
fn heads_fit(Heads { n_heads, n_kv_heads, head_size }: Heads) -> Result<(), String> {
    if !n_heads.is_multiple_of(n_kv_heads) || !head_size.is_multiple_of(2) || head_size == 0 {
        return Err(format!(
            "{n_heads} heads over {n_kv_heads} of size {head_size} do not fit together"
        ));
    }
    Ok(())
}

/// What is known of the model once it runs on `device`, where its cache takes so many bytes a token.
pub fn info(
    checkpoint: &Checkpoint,
    config: &Config,
    sha256: String,
    device: &str,
    weight_bytes: u64,
) -> ModelInfo {
    ModelInfo {
        name: checkpoint.name(),
        sha256,
        architecture: config.architecture.clone(),
        quantization: main_format(checkpoint),
        device: device.into(),
        window: config.window,
        n_vocab: config.n_vocab,
        weight_bytes,
        cache_bytes_per_token: (8 * config.heads.kv_width() * config.n_layers) as u64,
    }
}

/// The format that most weights have.
fn main_format(checkpoint: &Checkpoint) -> String {
    let name = checkpoint
        .formats()
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map(|(name, _)| name)
        .unwrap_or_default();
    // `Q4K` is written `Q4_K` everywhere else.
    match name.strip_suffix('K') {
        Some(bits) => format!("{bits}_K"),
        None => name,
    }
}
