use super::*;
use crate::model::rope::Rope;
use crate::model::{Error, Heads};
use std::path::Path;

fn model(halves: bool) -> Config {
    Config {
        architecture: "llama".into(),
        n_layers: 3,
        width: 8,
        ff_width: 12,
        heads: Heads { n_heads: 2, n_kv_heads: 1, head_size: 4 },
        n_vocab: 10,
        window: 64,
        epsilon: 1e-5,
        rope: Rope::plain(10_000.0, 4, halves),
    }
}

/// Layers 0 and 2 are adapted, with two ranks and two scales.
fn adapter() -> Adapter {
    let low_rank = |projection, rank: usize, scale| {
        let (n_out, n_in) = shape(projection, &model(true));
        let values = |n: usize| (0..n).map(|ix| ix as f32 / 7.0 - 1.0).collect();
        LowRank { rank, scale, a: values(rank * n_in), b: values(n_out * rank) }
    };
    let layers = vec![
        Projection::ALL.map(|p| (p, low_rank(p, 2, 2.0))).into(),
        BTreeMap::new(),
        [(Projection::K, low_rank(Projection::K, 3, 0.7))].into(),
    ];
    let config = AdapterConfig {
        rank: 2,
        alpha: 4.0,
        dropout: 0.05,
        targets: Projection::ALL.into(),
        base_model: "tiny".into(),
    };
    Adapter { config, layers, sha256: String::new() }
}

#[test]
fn an_adapter_comes_back_as_it_was_written_in_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("new/first"), folder.path().join("second"));
    adapter().write(&first).unwrap();
    let found = Adapter::read(&first).unwrap();
    assert_eq!(found.sha256.len(), 64);
    assert_eq!(Adapter { sha256: String::new(), ..found.clone() }, adapter());
    found.write(&second).unwrap();
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
        let read = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert!(read(&first) == read(&second), "{file}");
    }
    assert_eq!(found.check(&model(false)), Ok(()));
    let narrow = Config { ff_width: 11, ..model(false) };
    assert!(found.check(&narrow).unwrap_err().contains("gate_proj"), "{:?}", found.check(&narrow));
    let short = Config { n_layers: 2, ..model(false) };
    assert!(found.check(&short).unwrap_err().contains("layer 2 of a model with 2 layers"));
}

#[test]
fn pefts_ways_to_write_are_read() {
    let folder = tempfile::tempdir().unwrap();
    adapter().write(folder.path()).unwrap();
    let path = folder.path().join("adapter_config.json");
    let mut config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    config["use_rslora"] = true.into();
    config["target_modules"] = "all-linear".into();
    config["rank_pattern"] = serde_json::json!({r"layers\.2\.self_attn\..*": 3});
    config["alpha_pattern"] = serde_json::json!({"k_proj": 9, "layers.2.self_attn.k_proj": 1});
    std::fs::write(&path, config.to_string()).unwrap();
    let found = Adapter::read(folder.path()).unwrap();
    let scale = |layer: usize, projection| found.layers[layer][&projection].scale;
    assert_eq!(scale(0, Projection::Q), 4.0 / 2f32.sqrt());
    assert_eq!(scale(0, Projection::K), 9.0 / 2f32.sqrt());
    // The first pattern that matches counts.
    assert_eq!(scale(2, Projection::K), (9.0 / 3f64.sqrt()) as f32);
}

/// A safetensors file of one header and as many bytes.
fn file(header: &str, n_bytes: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(vec![0; n_bytes]);
    bytes
}

#[test]
fn what_cannot_be_applied_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = || Adapter::read(folder.path()).unwrap_err().to_string();
    assert!(refusal().contains("no adapter_config.json"), "{}", refusal());
    adapter().write(folder.path()).unwrap();
    let path = folder.path().join("adapter_config.json");
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (key, value, part) in [
        ("peft_type", "IA3".into(), "peft_type"),
        ("use_dora", true.into(), "use_dora"),
        ("modules_to_save", serde_json::json!(["lm_head"]), "modules_to_save"),
        ("bias", "lora_only".into(), "bias"),
        ("lora_bias", true.into(), "lora_bias"),
        ("init_lora_weights", "pissa".into(), "pissa"),
        ("r", 4.into(), "rank 4"),
        ("r", 0.into(), "`r`"),
        ("lora_alpha", "high".into(), "lora_alpha"),
        ("rank_pattern", serde_json::json!({"(": 1}), "rank_pattern"),
        ("alpha_pattern", serde_json::json!({"q_proj": null}), "alpha_pattern.q_proj"),
    ] {
        let mut config = config.clone();
        config[key] = value;
        std::fs::write(&path, config.to_string()).unwrap();
        assert!(refusal().contains(part), "{key}: {}", refusal());
    }
    std::fs::write(&path, config.to_string()).unwrap();
    let weights = folder.path().join("adapter_model.safetensors");
    let stem = "base_model.model.model.layers";
    let tensor = |name: &str, shape: &str, to: usize| {
        format!(r#"{{"{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{to}]}}}}"#)
    };
    let a = format!("{stem}.0.self_attn.q_proj.lora_A.weight");
    for (bytes, part) in [
        (vec![1, 2], "cut off"),
        (u64::MAX.to_le_bytes().to_vec(), "header claims"),
        (file("{", 0), "header cannot be read"),
        (file("{}", 0), "no tensor"),
        (file(&tensor(&a, "[2,8]", 64), 60), "cut off"),
        (file(&tensor(&a, "[2,8]", 60), 60), "claims bytes"),
        (file(&tensor(&a, "[4294967296,4294967296,2]", 0), 0), "claims bytes"),
        (file(&tensor(&a, "[2,8]", 64), 64), "one of A and B"),
        (
            file(&tensor(&format!("{stem}.9999.self_attn.q_proj.lora_A.weight"), "[1]", 4), 4),
            "none of",
        ),
        (file(&tensor("base_model.model.lm_head.lora_A.weight", "[1]", 4), 4), "lm_head"),
    ] {
        std::fs::write(&weights, bytes).unwrap();
        assert!(refusal().contains(part) && refusal().contains("adapter_model"), "{}", refusal());
    }
    let mut broken = adapter();
    broken.layers[0].get_mut(&Projection::Q).unwrap().b[3] = f32::NAN;
    broken.write(folder.path()).unwrap();
    assert!(matches!(Adapter::read(folder.path()), Err(Error::Tensors { reason, .. })
        if reason.contains("q_proj.lora_B")));
}

#[test]
fn rows_go_from_order_to_order_and_back() {
    let config = model(false);
    let mut rows: Vec<f32> = (0..16).map(|x| x as f32).collect();
    to_file_order(Projection::Q, &config, &mut rows, 2);
    // Row by row of a head: those of the first half and of the second in turn.
    let expected = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15].map(|x| x as f32);
    assert_eq!(rows, expected);
    to_checkpoint_order(Projection::Q, &config, &mut rows, 2);
    assert!(rows.iter().enumerate().all(|(ix, x)| *x == ix as f32));
    for (projection, config) in [(Projection::V, config), (Projection::K, model(true))] {
        let mut same = expected;
        to_file_order(projection, &config, &mut same, 2);
        assert_eq!(same, expected);
    }
}
