//! Every kernel on the device against its twin, over ragged sizes; every variant through the
//! validator, and its WGSL beside what the host says of it.

mod attending;
mod cases;
mod draw;
mod harness;
mod reflection;

pub use draw::Draw;

use super::decide::{Traits, matmul_tile};
use super::{Format, Gpu, choose, shape, twin};
use harness::{Case, Harness};

const N_SHAPES: usize = 200;

/// The device, where there is an adapter; where there must be one, its absence fails.
pub fn device() -> Option<Gpu> {
    match choose() {
        Ok(_) => Some(Gpu::open(None).unwrap()),
        Err(error) if std::env::var_os("REQUIRE_GPU").is_some_and(|value| value == "1") => {
            panic!("{error}")
        }
        Err(_) => {
            println!("SKIPPED: there is no graphics adapter");
            None
        }
    }
}

/// A real adapter's traits: the variants that it would take run here too.
fn hardware() -> Traits {
    Traits {
        is_software: false,
        max_threads: 256,
        max_shared_bytes: 16384,
        max_binding_bytes: 128 << 20,
    }
}

/// Draws the dispatch with this number for an adapter with these traits.
type Draws = fn(&mut Draw, &Traits, usize) -> Case;

fn check(name: &str, case: Draws) {
    let Some(mut harness) = Harness::new() else { return };
    let mut draw = Draw::new(name);
    let own = *harness.gpu.traits();
    for number in 0..N_SHAPES {
        let traits = if number % 4 == 3 { hardware() } else { own };
        let case = case(&mut draw, &traits, number);
        assert_eq!(case.kernel.name(), name);
        if let Err(fault) = harness.check(&case, twin) {
            panic!("case {number}, {:?} {:?} {:?}: {fault}", case.kernel, case.shape, case.groups);
        }
    }
}

#[test]
fn gpu_embedding_equals_its_twin() {
    check("embedding", cases::embedding);
}

#[test]
fn gpu_matmul_equals_its_twin() {
    check("matmul", cases::matmul);
}

#[test]
fn gpu_rms_norm_equals_its_twin() {
    check("rms_norm", cases::rms_norm);
}

#[test]
fn gpu_head_norm_equals_its_twin() {
    check("head_norm", cases::head_norm);
}

#[test]
fn gpu_rope_equals_its_twin() {
    check("rope", attending::rope);
}

#[test]
fn gpu_attention_equals_its_twin() {
    check("attention", attending::attention);
}

#[test]
fn gpu_attention_merge_equals_its_twin() {
    check("attention_merge", attending::attention_merge);
}

#[test]
fn gpu_gated_equals_its_twin() {
    check("gated", cases::gated);
}

#[test]
fn gpu_log_sums_equals_its_twin() {
    check("log_sums", cases::log_sums);
}

#[test]
fn gpu_pick_equals_its_twin() {
    check("pick", cases::pick);
}

#[test]
fn gpu_adjust_equals_its_twin() {
    check("adjust", cases::adjust);
}

#[test]
fn gpu_top_equals_its_twin() {
    check("top", cases::top);
}

#[test]
fn gpu_gather_rows_equals_its_twin() {
    check("gather_rows", cases::gather_rows);
}

#[test]
fn gpu_move_words_equals_its_twin() {
    check("move_words", cases::move_words);
}

#[test]
fn gpu_products_of_a_row_are_the_same_bits_in_any_company() {
    let Some(mut harness) = Harness::new() else { return };
    let mut draw = Draw::new("company");
    for (traits, format) in [(*harness.gpu.traits(), Format::Q4_1), (hardware(), Format::Q8_0)] {
        let (n_in, n_out) = (256, 70);
        let weights = draw.matrix(format, n_out, n_in);
        let inputs = draw.numbers(9 * n_in);
        let mut product = |n_rows: usize| {
            let tile = matmul_tile(&traits, n_rows, n_out, n_in);
            let shape = shape::Matmul {
                n_rows: n_rows as u32,
                n_in: n_in as u32,
                n_out: n_out as u32,
                stride: n_out as u32,
                first: 0,
                has_bias: 0,
                adds: 0,
                words: format.row_words(n_in) as u32,
                first_group: 0,
            };
            let inputs = inputs[..n_rows * n_in].to_vec();
            let buffers = [weights.clone(), vec![0], inputs, vec![0; n_rows * n_out]];
            harness.on_device(&cases::product(format, tile, shape, buffers)).unwrap().swap_remove(3)
        };
        let all = product(9);
        for n_rows in 1..9 {
            assert_eq!(product(n_rows), all[..n_rows * n_out], "{n_rows} rows");
        }
    }
}

/// Whether traits that are not a software adapter's give other variants at all.
#[test]
fn gpu_cases_hold_the_variants_of_real_adapters_too() {
    for case in [cases::matmul as Draws, cases::rms_norm, cases::top] {
        let kernel = |traits: &Traits| case(&mut Draw::new("variants"), traits, 0).kernel;
        assert_ne!(kernel(&hardware()), kernel(&Traits { is_software: true, ..hardware() }));
    }
}
