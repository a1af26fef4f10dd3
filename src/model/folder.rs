//! A model folder as Hugging Face's tools write it: `config.json`, the weights in one or several
//! safetensors files, and the tokenizer's files.
//!
//! Tensors answer to their names in GGUF files. Nothing is read into memory before it is asked for.

use super::Error;
use super::safetensors::Tensors;
use crate::job::Watch;
use ::safetensors::Dtype;
use candle_core::quantized::GgmlDType;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

const CONFIG: &str = "config.json";
const INDEX: &str = "model.safetensors.index.json";
const WHOLE: &str = "model.safetensors";

/// What else of a folder decides over the model's answers.
const WORDS: [&str; 3] = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

/// The parts of a layer, in a checkpoint and in GGUF files.
const STEMS: [(&str, &str); 11] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// Where a tensor lies.
struct Place {
    /// Which of the files.
    file: usize,
    /// Its name there.
    name: String,
    dtype: GgmlDType,
}

/// An open model folder.
pub struct Folder {
    pub path: PathBuf,
    /// What `config.json` says.
    pub config: Map<String, Value>,
    files: Vec<Tensors>,
    /// By their names in GGUF files.
    places: BTreeMap<String, Place>,
}

impl Folder {
    /// Opens a folder and reads its headers.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::File`], [`Error::Tensors`]
    pub fn open(path: &Path) -> Result<Self, Error> {
        let config = json(
            path,
            CONFIG,
            "name a .gguf file, or a folder with config.json, \
            tokenizer.json and *.safetensors",
        )?;
        let mut folder =
            Self { path: path.to_owned(), config, files: Vec::new(), places: BTreeMap::new() };
        folder.check_kind()?;
        for name in folder.file_names()? {
            let file = path.join(&name);
            if !file.is_file() {
                return Err(folder.refuse(format!("its file {name} is missing; fetch it too")));
            }
            folder.files.push(Tensors::open(&file)?);
        }
        folder.find_tensors()?;
        Ok(folder)
    }

    /// What the model is called: the folder's name.
    pub fn name(&self) -> String {
        name_of(&self.path)
    }

    fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::File { path: self.path.clone(), reason: reason.into() }
    }

    /// An [`Error::File`] about a tensor that is not there.
    pub fn missing(&self, name: &str) -> Error {
        let own = own_name(name);
        self.refuse(format!("the tensor `{own}` is missing; fetch it again"))
    }

    /// Refuses what no body can run.
    fn check_kind(&self) -> Result<(), Error> {
        let kind = self.text("model_type").unwrap_or_default();
        let is_some = |key: &str| self.config.get(key).is_some_and(|value| !value.is_null());
        let experts = ["num_experts", "num_local_experts", "n_routed_experts"];
        if kind.contains("moe") || experts.into_iter().any(is_some) {
            return Err(self.refuse(
                "it is a mixture of experts; dense llama, qwen2 and qwen3 models can be run",
            ));
        }
        if !["llama", "qwen2", "qwen3"].contains(&kind) {
            return Err(self.refuse(format!(
                "its architecture (`model_type` in config.json) is `{kind}`; llama, qwen2 and qwen3 \
                 can be run"
            )));
        }
        if is_some("quantization_config") {
            return Err(self.refuse(
                "its weights are quantized (`quantization_config` in config.json); take the folder \
                 with the weights as they were trained, or a .gguf file",
            ));
        }
        if self.text("hidden_act").is_some_and(|act| act != "silu") {
            return Err(self.refuse("its `hidden_act` is not silu, and no other can be run"));
        }
        if self.config.get("use_sliding_window") == Some(&Value::Bool(true)) {
            return Err(self.refuse(
                "it attends over a sliding window (`use_sliding_window` in config.json), which cannot \
                 be run",
            ));
        }
        Ok(())
    }

    /// The names of the files with weights, each once.
    fn file_names(&self) -> Result<BTreeSet<String>, Error> {
        if !self.path.join(INDEX).is_file() {
            if self.path.join("pytorch_model.bin").is_file() && !self.path.join(WHOLE).is_file() {
                return Err(self.refuse(
                    "its weights are in pytorch_model.bin; save it again with transformers' \
                     `save_pretrained`, which writes model.safetensors",
                ));
            }
            return Ok([WHOLE.to_owned()].into());
        }
        let index = json(&self.path, INDEX, "fetch it again")?;
        let damaged = || self.refuse(format!("its {INDEX} has no table of files; fetch it again"));
        let table = index.get("weight_map").and_then(Value::as_object).ok_or_else(damaged)?;
        let mut names = BTreeSet::new();
        for name in table.values() {
            let name = name.as_str().filter(|name| !name.contains(['/', '\\']));
            names.insert(name.ok_or_else(damaged)?.to_owned());
        }
        Ok(names)
    }

    fn find_tensors(&mut self) -> Result<(), Error> {
        let ties = self.config.get("tie_word_embeddings").and_then(Value::as_bool);
        for (file, tensors) in self.files.iter().enumerate() {
            for (name, info) in &tensors.infos {
                let Some(known) = gguf_name(name) else { continue };
                // Weights that go unread where the embedding serves as output too.
                if known == "output.weight" && ties == Some(true) {
                    continue;
                }
                let dtype = match info.dtype {
                    Dtype::F32 => GgmlDType::F32,
                    Dtype::F16 => GgmlDType::F16,
                    Dtype::BF16 => GgmlDType::BF16,
                    other => {
                        return Err(tensors.refuse(format!(
                            "tensor `{name}` has the format {other:?}; F32, F16 and BF16 can be read"
                        )));
                    }
                };
                self.places.insert(known, Place { file, name: name.clone(), dtype });
            }
        }
        if ties == Some(false) && !self.places.contains_key("output.weight") {
            return Err(self.refuse("the tensor `lm_head.weight` is missing; fetch it again"));
        }
        Ok(())
    }

    /// SHA-256 over names, lengths and bytes of all files that decide over the model's answers.
    pub fn sha256(&self, watch: &Watch) -> Result<String, Error> {
        const PIECE: usize = 1 << 20;
        let mut paths = vec![self.path.join(CONFIG)];
        paths.extend(
            WORDS.map(|name| self.path.join(name)).into_iter().filter(|path| path.is_file()),
        );
        paths.extend(self.files.iter().map(|file| file.path.clone()));
        let n_bytes = |path: &PathBuf| path.metadata().map_or(0, |meta| meta.len());
        let n_pieces = |path| n_bytes(path).div_ceil(PIECE as u64);
        watch.stage("checking the model's files", paths.iter().map(n_pieces).sum());
        let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE]);
        for path in &paths {
            let read = |source| Error::Read { path: path.clone(), source };
            hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
            hash.update([0]);
            hash.update(n_bytes(path).to_le_bytes());
            let mut file = File::open(path).map_err(read)?;
            loop {
                watch.check()?;
                let n = file.read(&mut piece).map_err(read)?;
                if n == 0 {
                    break;
                }
                hash.update(&piece[..n]);
                watch.advance(1);
            }
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The text behind `key` of `config.json`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.config.get(key).and_then(Value::as_str)
    }

    /// The whole number behind `key`, which must lie in `1..=most`; `None` where there is none.
    pub fn size(&self, key: &str, most: u64) -> Result<Option<usize>, Error> {
        match self.config.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().filter(|n| (1..=most).contains(n)) {
                Some(n) => Ok(Some(n as usize)),
                None => Err(self.refuse(format!(
                    "`{key}` in config.json is {value}, not a whole number of 1 to {most}; repair it"
                ))),
            },
        }
    }

    /// The format of a tensor.
    pub fn dtype(&self, name: &str) -> Option<GgmlDType> {
        self.places.get(name).map(|place| place.dtype)
    }

    /// The shape of a tensor.
    pub fn dims(&self, name: &str) -> Option<&[usize]> {
        self.places.get(name).and_then(|place| self.dims_at(place))
    }

    fn dims_at(&self, place: &Place) -> Option<&[usize]> {
        self.files.get(place.file)?.infos.get(&place.name).map(|info| &info.shape[..])
    }

    /// Format and shape of every tensor.
    pub fn tensors(&self) -> impl Iterator<Item = (GgmlDType, &[usize])> {
        self.places.values().filter_map(|place| Some((place.dtype, self.dims_at(place)?)))
    }

    /// The bytes of the tensor `name`, which must have this shape, in its format.
    pub fn read(&mut self, name: &str, shape: &[usize]) -> Result<(GgmlDType, Vec<u8>), Error> {
        let Some(place) = self.places.get(name) else {
            return Err(self.missing(name));
        };
        let found = self.dims_at(place).unwrap_or_default();
        let file = &self.files[place.file];
        if found != shape {
            return Err(file.refuse(format!(
                "tensor `{}` is {found:?} where config.json asks for {shape:?}; take files that belong \
                 together",
                place.name
            )));
        }
        let bytes = self.files[place.file].bytes(&place.name)?;
        Ok((place.dtype, bytes))
    }
}

/// A folder's name, that of the real one where `.` or a link was named.
pub fn name_of(path: &Path) -> String {
    let real = path.canonicalize();
    let path = if path.file_name().is_some() { path } else { real.as_deref().unwrap_or(path) };
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A JSON object in a folder.
fn json(folder: &Path, name: &str, next: &str) -> Result<Map<String, Value>, Error> {
    let refuse = |reason: String| Error::File { path: folder.to_owned(), reason };
    let path = folder.join(name);
    if !path.is_file() {
        return Err(refuse(format!("it is a folder without {name}; {next}")));
    }
    let bytes = std::fs::read(&path).map_err(|source| Error::Read { path, source })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| refuse(format!("its {name} is no JSON object ({error}); repair it")))
}

/// The name in GGUF files of a checkpoint's tensor; `None` for what no model here reads.
fn gguf_name(name: &str) -> Option<String> {
    match name {
        "model.embed_tokens.weight" => return Some("token_embd.weight".into()),
        "model.norm.weight" => return Some("output_norm.weight".into()),
        "lm_head.weight" => return Some("output.weight".into()),
        _ => {}
    }
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let layer: usize = layer.parse().ok()?;
    let (stem, kind) = rest.rsplit_once('.')?;
    let (_, stem) = STEMS.iter().find(|(own, _)| *own == stem)?;
    Some(format!("blk.{layer}.{stem}.{kind}"))
}

/// The name in a checkpoint of a tensor of GGUF files, for those who look for it there.
fn own_name(name: &str) -> String {
    match name {
        "token_embd.weight" => return "model.embed_tokens.weight".into(),
        "output_norm.weight" => return "model.norm.weight".into(),
        "output.weight" => return "lm_head.weight".into(),
        _ => {}
    }
    let own = |name: &str| {
        let (layer, rest) = name.strip_prefix("blk.")?.split_once('.')?;
        let (stem, kind) = rest.rsplit_once('.')?;
        let (own, _) = STEMS.iter().find(|(_, known)| *known == stem)?;
        Some(format!("model.layers.{layer}.{own}.{kind}"))
    };
    own(name).unwrap_or_else(|| name.to_owned())
}
