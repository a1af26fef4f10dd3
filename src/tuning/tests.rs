//! Gradients against differences of losses and against candle's, and trainings that are killed.

use super::lora::{Dropout, Layout};
use super::optimizer::AdamW;
use super::pack::Pack;
use super::state::State;
use super::{Base, Body, Example, Settings, Tensors, Trainable, Training, TuningError};
use crate::data::RecordId;
use crate::job::Watch;
use crate::model::Heads;
use crate::model::adapter::{self, Adapter, Projection};
use crate::model::config::Config;
use crate::model::dense::{DenseLayer, DenseMatrix, DenseWeights};
use crate::model::rope::Rope;
use crate::seed::Stream;
use candle_core::Device;

const ARCHITECTURES: [&str; 3] = ["llama", "qwen2", "qwen3"];

fn drawn(n: usize, scale: f64, stream: &mut Stream) -> Vec<f32> {
    (0..n).map(|_| ((2.0 * stream.unit() - 1.0) * scale) as f32).collect()
}

/// A tiny model with random weights: grouped heads whose size is not the width divided by their
/// number, biases (Qwen2), head norms (Qwen3), both kinds of rotation.
fn model(architecture: &str) -> DenseWeights {
    let heads = Heads { n_heads: 4, n_kv_heads: 2, head_size: 8 };
    let (width, ff_width, n_vocab, n_layers) = (20, 28, 40, 3);
    let mut s = Stream::new(11, architecture, "tiny model");
    let bias = architecture == "qwen2";
    let matrix = |n_out: usize, n_in: usize, bias: bool, s: &mut Stream| DenseMatrix {
        n_in,
        n_out,
        weights: drawn(n_out * n_in, 2.0 / (n_in as f64).sqrt(), s),
        bias: bias.then(|| drawn(n_out, 0.5, s)),
    };
    let gain = |n: usize, s: &mut Stream| -> Vec<f32> {
        drawn(n, 0.5, s).into_iter().map(|x| 1.0 + x).collect()
    };
    let layers = (0..n_layers).map(|_| DenseLayer {
        attn_norm: gain(width, &mut s),
        attn_qkv: matrix(heads.q_width() + 2 * heads.kv_width(), width, bias, &mut s),
        attn_q_norm: (architecture == "qwen3").then(|| gain(8, &mut s)),
        attn_k_norm: (architecture == "qwen3").then(|| gain(8, &mut s)),
        attn_output: matrix(width, heads.q_width(), false, &mut s),
        ffn_norm: gain(width, &mut s),
        ffn_gate_up: matrix(2 * ff_width, width, false, &mut s),
        ffn_down: matrix(width, ff_width, false, &mut s),
    });
    let layers = layers.collect();
    DenseWeights {
        token_embd: drawn(n_vocab * width, 1.0, &mut s),
        layers,
        output_norm: gain(width, &mut s),
        output: (architecture == "llama").then(|| drawn(n_vocab * width, 0.5, &mut s)),
        config: Config {
            architecture: architecture.into(),
            n_layers,
            width,
            ff_width,
            heads,
            n_vocab,
            window: 512,
            epsilon: 1e-5,
            rope: Rope::plain(1e4, 8, architecture != "llama"),
        },
    }
}

fn example(n_prompt: usize, n_answer: usize, stream: &mut Stream) -> Example {
    let n = n_prompt + n_answer;
    let tokens = (0..n).map(|_| stream.below(40) as u32).collect();
    Example { id: RecordId::unset(), tokens, answer: n_prompt..n, n_cut: 0 }
}

/// Sequences of ragged lengths, one longer than a block of attention's rows.
fn examples() -> Vec<Example> {
    let mut stream = Stream::new(3, "", "examples");
    [(5, 3), (1, 1), (140, 4), (9, 2)].map(|(p, a)| example(p, a, &mut stream)).into()
}

fn pack() -> Pack {
    let mut pack = Pack::default();
    examples().iter().for_each(|example| pack.push(example, 0.25));
    pack
}

/// Values of which no gradient is zero.
fn values(layout: &Layout) -> Vec<f32> {
    drawn(layout.n_values, 0.3, &mut Stream::new(5, "", "values"))
}

fn loss(model: &mut dyn Trainable, layout: &Layout, values: &[f32], pack: &Pack) -> f64 {
    let losses = model.losses(layout, values, pack, &Watch::default()).unwrap();
    let weighted = pack.targets.iter().zip(&losses);
    weighted.map(|(t, loss)| f64::from(t.weight) * f64::from(*loss)).sum()
}

#[test]
fn gradients_of_every_kind_of_parameter_are_differences_of_losses() {
    for architecture in ARCHITECTURES {
        let mut body = Body::new(model(architecture));
        let settings = Settings { rank: 3, alpha: 5.0, ..Settings::default() };
        let layout = Layout::new(body.weights(), &settings);
        let (pack, values) = (pack(), values(&layout));
        let mut grads = vec![0.0; layout.n_values];
        let watch = Watch::default();
        body.gradients(&layout, &values, None, &pack, &mut grads, &watch).unwrap();
        let mut seen = 0;
        for layer in 0..3 {
            for module in layout.layers[layer].iter().flat_map(|group| &group.modules) {
                for (name, range) in [("A", module.a.clone()), ("B", module.b.clone())] {
                    // Along the gradient of one matrix, where the loss changes most.
                    let grad = &grads[range.clone()];
                    let norm = grad.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
                    let mut at = |step: f64| {
                        let mut moved = values.clone();
                        for (value, g) in moved[range.clone()].iter_mut().zip(grad) {
                            *value += (step * f64::from(*g) / norm) as f32;
                        }
                        loss(&mut body, &layout, &moved, &pack)
                    };
                    // The steeper, the shorter: what is wanted is a slope, not a chord.
                    let h = (0.02 / norm).min(0.02);
                    let slope =
                        (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
                    let kind =
                        format!("{architecture} {layer} {} {name}", module.projection.name());
                    assert!(norm > 1e-3, "{kind}: {norm}");
                    assert!((slope / norm - 1.0).abs() < 5e-3, "{kind}: {slope} against {norm}");
                    seen += 1;
                }
            }
        }
        assert_eq!(seen, 3 * 7 * 2);
    }
}

#[test]
fn both_bodies_give_the_same_losses_and_gradients() {
    let watch = Watch::default();
    for architecture in ARCHITECTURES {
        for (targets, dropout) in [
            (Projection::ALL.to_vec(), None),
            (vec![Projection::Q, Projection::V], Some(Dropout { key: 9, rate: 0.2 })),
            (vec![Projection::K, Projection::Up, Projection::Down, Projection::O], None),
        ] {
            let settings =
                Settings { rank: 4, targets: targets.into_iter().collect(), ..Settings::default() };
            let mut body = Body::new(model(architecture));
            let mut twin = Tensors::new(model(architecture), &Device::Cpu).unwrap();
            let layout = Layout::new(body.weights(), &settings);
            let (pack, values) = (pack(), values(&layout));
            let mut found = vec![0.0; layout.n_values];
            let mut exact = found.clone();
            let losses =
                body.gradients(&layout, &values, dropout, &pack, &mut found, &watch).unwrap();
            let expected =
                twin.gradients(&layout, &values, dropout, &pack, &mut exact, &watch).unwrap();
            for (x, y) in losses.iter().zip(&expected) {
                assert!((x - y).abs() < 1e-4, "{architecture}: {losses:?} {expected:?}");
            }
            let size = exact.iter().fold(0.0f32, |most, g| most.max(g.abs()));
            let worst = found.iter().zip(&exact).map(|(x, y)| (x - y).abs()).enumerate();
            let (place, worst) = worst.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            assert!(worst < 2e-4 * size, "{architecture}: {worst} of {size} at {place}");
            // Products that are computed again instead of kept give the same bits.
            let mut again = vec![0.0; layout.n_values];
            let one_layer = 4 * pack.ids.len() * (32 + 2 * 16 + 2 * 28);
            let mut body = body.keeping(one_layer);
            body.gradients(&layout, &values, dropout, &pack, &mut again, &watch).unwrap();
            assert_eq!(again, found);
            if dropout.is_none() {
                let plain = body.losses(&layout, &values, &pack, &watch).unwrap();
                assert_eq!(plain, losses);
            }
        }
    }
}

fn training<'a>(
    examples: &'a [Example],
    settings: &'a Settings,
    folder: &'a std::path::Path,
) -> Training<'a> {
    let base = Base { name: "tiny", sha256: "0" };
    Training { base, examples, held_out: &examples[..1], settings, folder }
}

#[test]
fn a_training_learns_and_goes_on_where_it_was_killed() {
    let watch = Watch::default();
    let examples = examples();
    let settings = Settings {
        epochs: 5,
        batch: 2,
        rank: 2,
        learning_rate: 2e-2,
        dropout: 0.1,
        ..Settings::default()
    };
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut body = Body::new(model("qwen3"));
    let undisturbed = training(&examples, &settings, whole.path());
    let trained = undisturbed.run(&mut body, &mut |_| {}, &watch).unwrap();
    let losses: Vec<f64> = trained.steps.iter().map(|step| step.loss).collect();
    assert_eq!(losses.len(), 10);
    assert!(losses[8] + losses[9] < 0.9 * (losses[0] + losses[1]), "{losses:?}");
    assert!(trained.steps[9].held_out_loss.is_some() && trained.steps[8].held_out_loss.is_none());

    let disturbed = training(&examples, &settings, killed.path());
    for at in [1, 3, 4, 8] {
        let watch = Watch::default();
        let mut hear = |step: &super::Step| {
            if step.step == at {
                watch.cancel();
            }
        };
        let stopped = disturbed.run(&mut body, &mut hear, &watch);
        assert!(matches!(stopped, Err(TuningError::Cancelled(_))), "{stopped:?}");
    }
    let resumed = disturbed.run(&mut body, &mut |_| {}, &watch).unwrap();
    assert!(resumed.n_resumed > 0 && resumed.n_resumed < 10, "{}", resumed.n_resumed);
    assert_eq!(resumed.steps, trained.steps);
    for entry in std::fs::read_dir(whole.path()).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |folder: &tempfile::TempDir| std::fs::read(folder.path().join(&name)).unwrap();
        assert_eq!(read(&whole), read(&killed), "{name:?}");
    }
    // Once more: nothing is left to do. Other settings: the folder is another training's.
    assert_eq!(disturbed.run(&mut body, &mut |_| {}, &watch).unwrap().n_resumed, 10);
    let other = Settings { learning_rate: 1e-3, ..settings.clone() };
    let other = training(&examples, &other, killed.path()).run(&mut body, &mut |_| {}, &watch);
    assert!(matches!(other, Err(TuningError::Other { .. })), "{other:?}");
}

/// The five updates of `tests/golden/make_tuning.py` on a tiny model: losses, norms and adapter.
fn golden(architecture: &str, model: &mut dyn Trainable) {
    let settings = Settings {
        rank: 4,
        alpha: 6.0,
        epochs: 5,
        batch: 6,
        learning_rate: 1e-2,
        weight_decay: 0.1,
        max_grad_norm: 0.5,
        ..Settings::default()
    };
    let lens = [(7, 3), (20, 5), (1, 1), (150, 2), (12, 9), (33, 4)];
    let examples = lens.iter().enumerate().map(|(n, (prompt, answer))| Example {
        id: RecordId::unset(),
        tokens: (0..prompt + answer).map(|i| (17 * i * i + 31 * i + 5 * n as u32) % 256).collect(),
        answer: *prompt as usize..(prompt + answer) as usize,
        n_cut: 0,
    });
    let examples: Vec<Example> = examples.collect();
    let folder = tempfile::tempdir().unwrap();
    let training = Training { held_out: &[], ..training(&examples, &settings, folder.path()) };
    let layout = Layout::new(model.weights(), &settings);
    let begin = State {
        values: golden_values(&layout, &model.weights().config),
        adam: AdamW::new(layout.n_values),
        steps: Vec::new(),
    };
    begin.write(folder.path(), &training.signature().unwrap()).unwrap();
    let trained = training.run(model, &mut |_| {}, &Watch::default()).unwrap();

    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/tuning");
    let steps = std::fs::read_to_string(format!("{golden}/steps.json")).unwrap();
    let steps: serde_json::Value = serde_json::from_str(&steps).unwrap();
    let steps = steps[architecture].as_array().unwrap();
    assert_eq!(steps.len(), trained.steps.len());
    for (found, exact) in trained.steps.iter().zip(steps) {
        for (found, key) in [(found.loss, "loss"), (found.grad_norm, "grad_norm")] {
            let exact = exact[key].as_f64().unwrap();
            assert!((found - exact).abs() < 1e-4 * exact, "{architecture} {key}: {found} {exact}");
        }
    }
    let found = Adapter::read(folder.path()).unwrap();
    let exact = Adapter::read(format!("{golden}/{architecture}").as_ref()).unwrap();
    assert_eq!(found.layers.len(), exact.layers.len());
    let mut n = 0;
    for (found, exact) in found.layers.iter().zip(&exact.layers) {
        assert_eq!(found.len(), 7);
        for ((projection, found), exact) in found.iter().zip(exact.values()) {
            let all = found.a.iter().zip(&exact.a).chain(found.b.iter().zip(&exact.b));
            for (x, y) in all {
                assert!((x - y).abs() < 1e-4, "{architecture} {projection:?}: {x} {y}");
                n += 1;
            }
        }
    }
    assert_eq!(n, layout.n_values);
}

/// What the golden trainings begin with, by a formula.
fn golden_values(layout: &Layout, config: &Config) -> Vec<f32> {
    let mut values = vec![0.0; layout.n_values];
    for (layer, groups) in layout.layers.iter().enumerate() {
        for module in groups.iter().flat_map(|group| &group.modules) {
            let first = 1000 * layer + 100 * module.projection as usize;
            let wave = |first: usize, to: &mut [f32]| {
                for (ix, value) in to.iter_mut().enumerate() {
                    *value = (0.1 * (first as f64 + 0.7 * ix as f64).sin()) as f32;
                }
            };
            wave(first, &mut values[module.a.clone()]);
            let b = &mut values[module.b.clone()];
            wave(first + 50, b);
            adapter::to_file_order(module.projection, config, b, layout.rank);
        }
    }
    values
}

#[test]
fn five_updates_equal_those_of_pytorch_and_peft() {
    for architecture in ARCHITECTURES {
        let file = format!("{}/tests/data/tiny_{architecture}.gguf", env!("CARGO_MANIFEST_DIR"));
        let load = || DenseWeights::load(file.as_ref(), &Watch::default()).unwrap().1;
        golden(architecture, &mut Body::new(load()));
        golden(architecture, &mut Tensors::new(load(), &Device::Cpu).unwrap());
    }
}
