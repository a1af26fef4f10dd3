//! Every kernel on the device against its twin, over ragged sizes; every variant through the
//! validator, and its WGSL beside what the host says of it.

mod attending;
mod cases;
mod draw;
mod harness;
mod reflection;

pub use draw::Draw;

use super::decide::{Forced, MatmulTile, Mode, RegisterTile, Traits, WorkgroupTile, matmul_tile};
use super::{CachePrecision, Format, Gpu, Kernel, choose, shape, twin};
use harness::{Case, Harness};

const N_SHAPES: usize = 200;

/// The device, where there is an adapter; where there must be one, its absence fails.
pub fn device() -> Option<Gpu> {
    match choose() {
        Ok(_) => Some(Gpu::open(None, Forced::default()).unwrap()),
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
        has_f16: false,
        subgroup_size: None,
    }
}

/// Draws the dispatch with this number for an adapter with these traits.
type Draws = fn(&mut Draw, &Traits, usize) -> Case;

/// Cases for this adapter, and now and then for a real one.
fn check(name: &str, case: Draws) {
    check_on(name, case, |own, number| Some(if number % 4 == 3 { hardware() } else { *own }));
}

/// Cases for the adapter that it would be, by this adapter's traits and the case's number; where it
/// lacks what they need, there are none.
fn check_on(name: &str, case: Draws, traits: fn(&Traits, usize) -> Option<Traits>) {
    let Some(mut harness) = Harness::new() else { return };
    let mut draw = Draw::new(name);
    let own = *harness.gpu.traits();
    for number in 0..N_SHAPES {
        let Some(traits) = traits(&own, number) else {
            println!("SKIPPED: the adapter lacks what this variant needs");
            return;
        };
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
fn gpu_matmul_in_subgroups_equals_its_twin() {
    check_on("matmul", cases::matmul_in_subgroups, |own, _| own.subgroup_size.map(|_| *own));
}

#[test]
fn gpu_matmul_tile_equals_its_twin() {
    check_on("matmul_tile", cases::matmul_tile_of_workgroup, |_, _| Some(hardware()));
}

#[test]
fn gpu_matmul_tile_in_half_precision_equals_its_twin() {
    check_on("matmul_tile", cases::matmul_tile_of_workgroup, |own, _| own.has_f16.then_some(*own));
}

#[test]
fn gpu_rms_norm_equals_its_twin() {
    check("rms_norm", cases::rms_norm);
}

#[test]
fn gpu_rms_norm_in_subgroups_equals_its_twin() {
    check_on("rms_norm", cases::rms_norm_in_subgroups, |own, _| own.subgroup_size.map(|_| *own));
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
fn gpu_rope_into_halves_equals_its_twin() {
    check("rope", attending::rope_to_halves);
}

#[test]
fn gpu_attention_equals_its_twin() {
    check("attention", attending::attention);
}

#[test]
fn gpu_attention_over_halves_equals_its_twin() {
    check("attention", attending::attention_over_halves);
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

/// A matrix and rows of inputs, of which any number can be multiplied.
struct Rows {
    format: Format,
    weights: Vec<u32>,
    inputs: Vec<u32>,
}

impl Rows {
    const N_IN: usize = 256;
    const N_OUT: usize = 70;

    fn drawn(draw: &mut Draw, format: Format, n_rows: usize) -> Self {
        let weights = draw.matrix(format, Self::N_OUT, Self::N_IN);
        Self { format, weights, inputs: draw.numbers(n_rows * Self::N_IN) }
    }

    /// The products of the first rows.
    fn product(&self, harness: &mut Harness, tile: MatmulTile, n_rows: usize) -> Vec<u32> {
        let shape = shape::Matmul {
            n_rows: n_rows as u32,
            n_in: Self::N_IN as u32,
            n_out: Self::N_OUT as u32,
            stride: Self::N_OUT as u32,
            first: 0,
            has_bias: 0,
            adds: 0,
            words: self.format.row_words(Self::N_IN) as u32,
            first_group: 0,
        };
        let inputs = self.inputs[..n_rows * Self::N_IN].to_vec();
        let outputs = vec![0; n_rows * Self::N_OUT];
        let buffers = [self.weights.clone(), vec![0], inputs, outputs];
        let case = cases::product(self.format, tile, shape, buffers);
        harness.on_device(&case).unwrap().swap_remove(3)
    }
}

#[test]
fn gpu_products_of_a_row_are_the_same_bits_in_any_company() {
    let Some(mut harness) = Harness::new() else { return };
    let mut draw = Draw::new("company");
    let own = *harness.gpu.traits();
    let as_hardware = own.forced(Forced { is_hardware: true, ..Forced::default() });
    for (traits, format) in
        [(own, Format::Q4_1), (hardware(), Format::Q8_0), (as_hardware, Format::Q5K)]
    {
        let rows = Rows::drawn(&mut draw, format, 70);
        for (mode, n_most) in [(Mode::Decode, 9), (Mode::Prompt, 70)] {
            let mut product = |n_rows: usize| {
                let tile = matmul_tile(&traits, mode, format, n_rows, Rows::N_OUT, Rows::N_IN);
                rows.product(&mut harness, tile, n_rows)
            };
            let all = product(n_most);
            for n_rows in [1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 64] {
                if n_rows < n_most {
                    let some = &all[..n_rows * Rows::N_OUT];
                    assert_eq!(product(n_rows), some, "{mode:?} of {n_rows} rows");
                }
            }
        }
    }
}

/// Every sum runs over its inputs in one order.
#[test]
fn gpu_products_are_the_same_bits_in_every_tile_without_slices() {
    let Some(mut harness) = Harness::new() else { return };
    let rows = Rows::drawn(&mut Draw::new("order"), Format::Q6K, 40);
    let workgroup = |row_quads| MatmulTile::Workgroup(WorkgroupTile { row_quads, is_half: false });
    let registers = RegisterTile { lanes: 8, slices: 1, tokens: 8, quads: 1, subgroup: 1 };
    let one = rows.product(&mut harness, workgroup(1), 40);
    assert_eq!(rows.product(&mut harness, workgroup(2), 40), one);
    assert_eq!(rows.product(&mut harness, MatmulTile::Registers(registers), 40), one);
}

#[test]
fn gpu_no_number_in_the_cache_is_infinite() {
    let Some(mut harness) = Harness::new() else { return };
    let cache = CachePrecision::F16;
    // One key head and as many values, in the one row of a cache.
    let mut large = vec![0; 12];
    large[4..].fill(1e6_f32.to_bits());
    large[11] = (-1e6_f32).to_bits();
    let case = harness::Case {
        kernel: Kernel::Rope { halves: false, cache },
        shape: shape::Rope { n_heads: 1, n_kv_heads: 1, size: 4 }.words(),
        groups: [1, 1],
        buffers: vec![
            [1_f32, 0.0].repeat(2).into_iter().map(f32::to_bits).collect(),
            vec![0],
            large,
            vec![0; 2],
            vec![0; 2],
        ],
    };
    let found = harness.on_device(&case).unwrap();
    assert_eq!(found[3], [0x7bff_7bff; 2]);
    assert_eq!(found[4], [0x7bff_7bff, 0xfbff_7bff]);
}

/// Whether traits that are not a software adapter's give other variants at all.
#[test]
fn gpu_cases_hold_the_variants_of_real_adapters_too() {
    for case in [cases::matmul as Draws, cases::rms_norm, cases::top] {
        let kernel = |traits: &Traits| case(&mut Draw::new("variants"), traits, 0).kernel;
        assert_ne!(kernel(&hardware()), kernel(&Traits { is_software: true, ..hardware() }));
    }
}
