//! An adapter's two files as PEFT (github.com/huggingface/peft) writes and reads them:
//! `adapter_config.json` and `adapter_model.safetensors`.
//!
//! Which matrices are adapted is told by the tensors; `target_modules` may be a pattern, and is not
//! read. What PEFT can do beyond plain LoRA is refused by its name.

use super::{Adapter, AdapterConfig, LowRank, Projection};
use crate::data;
use crate::model::Error;
use crate::model::safetensors::Tensors;
use regex::Regex;
use safetensors::tensor::TensorView;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

/// Layers above this are taken for damage.
const MOST_LAYERS: usize = 1 << 10;

/// Fields that change what the tensors mean, whenever they are neither absent nor empty nor false.
const REFUSED: [&str; 15] = [
    "use_dora",
    "modules_to_save",
    "lora_bias",
    "fan_in_fan_out",
    "trainable_token_indices",
    "target_parameters",
    "layer_replication",
    "alora_invocation_tokens",
    "use_qalora",
    "use_bdlora",
    "arrow_config",
    "kasa_config",
    "velora_config",
    "monteclora_config",
    "megatron_config",
];

/// Ways to begin that leave the base model as it is; the others move a part of it into the adapter.
const PLAIN_BEGINNINGS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

impl Adapter {
    /// Reads the adapter in a folder.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Adapter`] and [`Error::Tensors`] with the file, what is wrong, and
    /// what to do.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(CONFIG);
        check_there(folder)?;
        let bytes =
            std::fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let config = Config::read(&path, &bytes)?;
        let weights = folder.join(WEIGHTS);
        let mut tensors = Tensors::open(&weights)?;
        let layers = config.layers(&mut tensors)?;
        let targets = layers.iter().flat_map(|layer| layer.keys().copied()).collect();
        Ok(Self {
            config: AdapterConfig { targets, ..config.about },
            layers,
            sha256: sha256(&bytes, &weights)?,
        })
    }

    /// Writes the adapter into a folder, which is made where there is none. The same adapter makes
    /// the same bytes.
    ///
    /// # Errors
    /// [`Error::Adapter`], [`Error::Write`]
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(WEIGHTS);
        std::fs::create_dir_all(folder).map_err(|cause| {
            let doing = "making the folder";
            data::DataError::Write { path: folder.to_owned(), doing, cause }
        })?;
        let mut parts = Vec::new();
        for (layer, changes) in self.layers.iter().enumerate() {
            for (projection, LowRank { rank, a, b, .. }) in changes {
                let stem = format!("base_model.model.model.layers.{layer}.{}", projection.module());
                parts.push((
                    format!("{stem}.lora_A.weight"),
                    vec![*rank, a.len() / rank],
                    bytes(a),
                ));
                parts.push((
                    format!("{stem}.lora_B.weight"),
                    vec![b.len() / rank, *rank],
                    bytes(b),
                ));
            }
        }
        let broken = |error: safetensors::SafeTensorError| Error::Adapter {
            path: path.clone(),
            reason: format!("its numbers and its rank disagree: {error}"),
        };
        let mut views = Vec::new();
        for (name, shape, bytes) in &parts {
            let view = TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes);
            views.push((name, view.map_err(broken)?));
        }
        let format = [("format".to_owned(), "pt".to_owned())].into();
        let weights = safetensors::serialize(views, Some(format)).map_err(broken)?;
        let config = format!("{:#}\n", self.config());
        data::write_atomic(&path, |file| file.write_all(&weights))?;
        data::write_atomic(&folder.join(CONFIG), |file| file.write_all(config.as_bytes()))?;
        Ok(())
    }

    /// The adapter as PEFT's configuration says it.
    fn config(&self) -> Value {
        let AdapterConfig { rank, alpha, dropout, targets, base_model } = &self.config;
        let (mut ranks, mut alphas) = (Map::new(), Map::new());
        let mut all: BTreeSet<Projection> = targets.clone();
        for (layer, changes) in self.layers.iter().enumerate() {
            for (projection, low_rank) in changes {
                all.insert(*projection);
                let key = format!("layers.{layer}.{}", projection.module());
                if low_rank.rank != *rank {
                    ranks.insert(key.clone(), low_rank.rank.into());
                }
                let own = f64::from(low_rank.scale) * low_rank.rank as f64;
                if (*alpha / low_rank.rank as f64) as f32 != low_rank.scale {
                    alphas.insert(key, number(own));
                }
            }
        }
        let names: Vec<&str> = all.into_iter().map(Projection::name).collect();
        json!({
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base_model,
            "revision": null,
            "inference_mode": true,
            "r": rank,
            "lora_alpha": number(*alpha),
            "lora_dropout": dropout,
            "target_modules": names,
            "bias": "none",
            "fan_in_fan_out": false,
            "init_lora_weights": true,
            "use_rslora": false,
            "use_dora": false,
            "modules_to_save": null,
            "layers_to_transform": null,
            "layers_pattern": null,
            "rank_pattern": ranks,
            "alpha_pattern": alphas,
        })
    }
}

/// Whole numbers without a point, as PEFT's own files have them.
fn number(x: f64) -> Value {
    if x.fract() == 0.0 && x.abs() < 1e15 { json!(x as i64) } else { json!(x) }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A folder that is no adapter gets an answer that helps.
fn check_there(folder: &Path) -> Result<(), Error> {
    let refuse =
        |reason: &str| Err(Error::Adapter { path: folder.to_owned(), reason: reason.into() });
    if folder.is_file() {
        return refuse("it is a file; name the folder that holds adapter_config.json");
    }
    if !folder.is_dir() {
        return refuse("there is no such folder; check the path");
    }
    if !folder.join(CONFIG).is_file() {
        return refuse("it holds no adapter_config.json; name a folder that PEFT or `tune` wrote");
    }
    match (folder.join(WEIGHTS).is_file(), folder.join("adapter_model.bin").is_file()) {
        (true, _) => Ok(()),
        (false, true) => refuse(
            "its weights are in adapter_model.bin; save it again with PEFT's \
             `save_pretrained(…, safe_serialization=True)`",
        ),
        (false, false) => refuse("it holds no adapter_model.safetensors; copy that file too"),
    }
}

/// SHA-256 of the configuration, a zero byte, and the weights.
fn sha256(config: &[u8], weights: &Path) -> Result<String, Error> {
    let read = |source| Error::Read { path: weights.to_owned(), source };
    let mut hash = Sha256::new();
    hash.update(config);
    hash.update([0]);
    let mut file = std::fs::File::open(weights).map_err(read)?;
    std::io::copy(&mut file, &mut hash).map_err(read)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What `adapter_config.json` says.
struct Config {
    path: PathBuf,
    /// Its targets are not known yet.
    about: AdapterConfig,
    /// The change is scaled by alpha / sqrt(rank) (arXiv 2312.03732).
    by_root: bool,
    ranks: Vec<(Regex, f64)>,
    alphas: Vec<(Regex, f64)>,
}

impl Config {
    fn read(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |reason: String| Error::Adapter { path: path.to_owned(), reason };
        let fields: Map<String, Value> = serde_json::from_slice(bytes)
            .map_err(|error| refuse(format!("it is no JSON object ({error}); repair it")))?;
        check_plain(&fields).map_err(refuse)?;
        let real = |key: &str| fields.get(key).and_then(Value::as_f64).filter(|x| x.is_finite());
        let rank =
            fields.get("r").and_then(Value::as_u64).filter(|rank| (1..=1 << 16).contains(rank));
        let rank =
            rank.ok_or_else(|| refuse("`r` is not a rank of 1 to 65536; repair it".into()))?;
        let alpha = real("lora_alpha");
        let alpha =
            alpha.ok_or_else(|| refuse("`lora_alpha` is not a number; repair it".into()))?;
        let base_model = fields.get("base_model_name_or_path").and_then(Value::as_str);
        Ok(Self {
            path: path.to_owned(),
            about: AdapterConfig {
                rank: rank as usize,
                alpha,
                dropout: real("lora_dropout").unwrap_or(0.0),
                targets: BTreeSet::new(),
                base_model: base_model.unwrap_or_default().to_owned(),
            },
            by_root: fields.get("use_rslora").and_then(Value::as_bool).unwrap_or(false),
            ranks: patterns(&fields, "rank_pattern").map_err(refuse)?,
            alphas: patterns(&fields, "alpha_pattern").map_err(refuse)?,
        })
    }

    /// The changes that the tensors hold, by layer.
    fn layers(&self, tensors: &mut Tensors) -> Result<Vec<BTreeMap<Projection, LowRank>>, Error> {
        let mut pairs: BTreeMap<(usize, Projection), [Option<String>; 2]> = BTreeMap::new();
        for name in tensors.infos.keys() {
            let Some((layer, projection, is_b)) = place(name) else {
                return Err(tensors.refuse(format!(
                    "the tensor `{name}` is none of LoRA on q_proj, k_proj, v_proj, o_proj, gate_proj, \
                     up_proj or down_proj of a layer; train an adapter of these alone"
                )));
            };
            pairs.entry((layer, projection)).or_default()[usize::from(is_b)] = Some(name.clone());
        }
        let Some((last, _)) = pairs.keys().next_back() else {
            return Err(tensors.refuse("it holds no tensor; train the adapter again"));
        };
        let mut layers: Vec<BTreeMap<_, _>> = (0..=*last).map(|_| BTreeMap::new()).collect();
        for ((layer, projection), names) in pairs {
            let key = format!("model.layers.{layer}.{}", projection.module());
            let [Some(a), Some(b)] = names else {
                return Err(
                    tensors.refuse(format!("`{key}` has one of A and B; copy the file again"))
                );
            };
            let low_rank = self.low_rank(tensors, &key, &a, &b)?;
            layers[layer].insert(projection, low_rank);
        }
        Ok(layers)
    }

    fn low_rank(
        &self,
        tensors: &mut Tensors,
        key: &str,
        a: &str,
        b: &str,
    ) -> Result<LowRank, Error> {
        let rank = of(&self.ranks, key).unwrap_or(self.about.rank as f64);
        let alpha = of(&self.alphas, key).unwrap_or(self.about.alpha);
        let shape = |name: &str| tensors.infos.get(name).map(|info| info.shape.clone());
        let fits = match (shape(a).as_deref(), shape(b).as_deref()) {
            (Some([a_rank, n_in]), Some([n_out, b_rank])) => {
                *a_rank as f64 == rank && a_rank == b_rank && *n_in > 0 && *n_out > 0
            }
            _ => false,
        };
        if !fits || rank < 1.0 {
            let (a, b) = (shape(a).unwrap_or_default(), shape(b).unwrap_or_default());
            let config = self.path.display();
            return Err(tensors.refuse(format!(
                "A and B of `{key}` are {a:?} and {b:?}, and {config} says rank {rank}; take files that \
                 were written together"
            )));
        }
        let mut values = |name: &str| {
            let values = tensors.values(name)?;
            match values.iter().all(|x| x.is_finite()) {
                true => Ok(values),
                false => Err(tensors.refuse(format!(
                    "tensor `{name}` holds infinite numbers or none; train the adapter again"
                ))),
            }
        };
        let (a, b) = (values(a)?, values(b)?);
        let scale = alpha / if self.by_root { rank.sqrt() } else { rank };
        Ok(LowRank { rank: rank as usize, scale: scale as f32, a, b })
    }
}

/// Refuses what is not plain LoRA.
fn check_plain(fields: &Map<String, Value>) -> Result<(), String> {
    let next = "train a plain LoRA adapter, or merge this one into its model with PEFT";
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    if text("peft_type") != Some("LORA") {
        let kind = fields.get("peft_type").unwrap_or(&Value::Null);
        return Err(format!("its `peft_type` is {kind}, and only \"LORA\" can be applied; {next}"));
    }
    for key in REFUSED {
        let is_off = match fields.get(key) {
            None | Some(Value::Null | Value::Bool(false)) => true,
            Some(Value::Array(all)) => all.is_empty(),
            Some(Value::Object(all)) => all.is_empty(),
            Some(_) => false,
        };
        if !is_off {
            return Err(format!("it uses `{key}`, which cannot be applied; {next}"));
        }
    }
    if text("bias").is_some_and(|bias| bias != "none") {
        return Err(format!("its `bias` is not \"none\", and biases cannot be changed; {next}"));
    }
    match text("init_lora_weights").filter(|begun| !PLAIN_BEGINNINGS.contains(begun)) {
        Some(begun) => Err(format!(
            "its `init_lora_weights` is \"{begun}\", which changes the base model too; convert it with \
             PEFT's `path_initial_model_for_weight_conversion`"
        )),
        None => Ok(()),
    }
}

/// A table of patterns to numbers, in the file's order.
fn patterns(fields: &Map<String, Value>, key: &str) -> Result<Vec<(Regex, f64)>, String> {
    let table = match fields.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(table)) => table,
        Some(_) => return Err(format!("`{key}` is no table; repair it")),
    };
    let mut all = Vec::new();
    for (pattern, value) in table {
        let regex = Regex::new(&format!(r"^(?:.*\.)?(?:{pattern})$"));
        let regex = regex.map_err(|_| {
            format!("`{key}` has the pattern `{pattern}`, which cannot be read; name the modules")
        })?;
        let value = value.as_f64().filter(|x| x.is_finite());
        all.push((
            regex,
            value.ok_or_else(|| format!("`{key}.{pattern}` is not a number; repair it"))?,
        ));
    }
    Ok(all)
}

/// The number of the first pattern that matches, as PEFT chooses it.
fn of(patterns: &[(Regex, f64)], key: &str) -> Option<f64> {
    patterns.iter().find(|(regex, _)| regex.is_match(key)).map(|(_, value)| *value)
}

/// Layer, matrix and whether it is B, from a tensor's name such as
/// `base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight`.
fn place(name: &str) -> Option<(usize, Projection, bool)> {
    let name = name.strip_prefix("base_model.model.").unwrap_or(name);
    let name = name.strip_prefix("model.layers.")?.strip_suffix(".weight")?;
    let (layer, rest) = name.split_once('.')?;
    let rest = rest.strip_suffix(".default").unwrap_or(rest);
    let (module, is_b) = match rest.strip_suffix(".lora_A") {
        Some(module) => (module, false),
        None => (rest.strip_suffix(".lora_B")?, true),
    };
    let projection = Projection::ALL.into_iter().find(|p| p.module() == module)?;
    let layer = layer.parse().ok().filter(|layer| *layer < MOST_LAYERS)?;
    Some((layer, projection, is_b))
}
