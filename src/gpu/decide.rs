//! Which variant of a kernel is taken: pure functions of the shape and the adapter's traits.

use super::format::Format;

/// What decisions need to know of an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// It is a program on the CPU: barriers and workgroup memory are dear, few threads are enough.
    pub is_software: bool,
    /// Threads that a workgroup may have.
    pub max_threads: u32,
    /// Bytes of workgroup memory.
    pub max_shared_bytes: u32,
    /// Bytes that one binding may have.
    pub max_binding_bytes: u64,
    /// Whether kernels may hold half-precision numbers.
    pub has_f16: bool,
    /// Threads of a subgroup, where there are subgroups and all have as many.
    pub subgroup_size: Option<u32>,
}

/// What an adapter is taken for, against what it says of itself: so the ways of other adapters can be
/// gone on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forced {
    /// It is no program on the CPU.
    pub is_hardware: bool,
    /// It has no half-precision numbers.
    pub no_f16: bool,
    /// It has no subgroups.
    pub no_subgroups: bool,
    /// Bytes that one binding may have, if fewer than its own limit.
    pub binding_bytes: Option<u64>,
}

impl Traits {
    /// The traits that decisions shall see.
    pub fn forced(self, forced: Forced) -> Self {
        let most = forced.binding_bytes.unwrap_or(u64::MAX);
        Self {
            is_software: self.is_software && !forced.is_hardware,
            max_binding_bytes: self.max_binding_bytes.min(most),
            has_f16: self.has_f16 && !forced.no_f16,
            subgroup_size: self.subgroup_size.filter(|_| !forced.no_subgroups),
            ..self
        }
    }
}

/// What a pass does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It reads many tokens of few sequences.
    Prompt,
    /// It reads one token each of many sequences.
    Decode,
}

/// How a matrix product is cut into workgroups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatmulTile {
    /// `matmul.wgsl`: each thread for itself, or a few that share their sums.
    Registers(RegisterTile),
    /// `matmul_tile.wgsl`: weights and inputs of all threads lie in workgroup memory.
    Workgroup(WorkgroupTile),
}

/// How `matmul.wgsl` is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegisterTile {
    /// Threads along the outputs; each computes four.
    pub lanes: u32,
    /// Threads that share one output's sum.
    pub slices: u32,
    /// Rows of inputs that a thread multiplies.
    pub tokens: u32,
    /// Groups of four weights that are written out one after the other.
    pub quads: u32,
    /// Threads of a subgroup, if it adds up the slices that lie in it; 1 if workgroup memory does.
    pub subgroup: u32,
}

/// How `matmul_tile.wgsl` is cut; whatever the numbers, each sum is added up in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkgroupTile {
    /// Groups of four rows of inputs that a thread multiplies.
    pub row_quads: u32,
    /// Whether the weights lie in workgroup memory in half precision.
    pub is_half: bool,
}

/// Outputs of a workgroup of `matmul_tile.wgsl`, and its threads in x and y.
const TILE_OUTPUTS: u32 = 64;
const TILE_THREADS: [u32; 2] = [16, 8];

impl MatmulTile {
    /// Outputs that a workgroup computes.
    pub fn outputs(self) -> u32 {
        match self {
            Self::Registers(tile) => 4 * tile.lanes,
            Self::Workgroup(_) => TILE_OUTPUTS,
        }
    }

    /// Rows of inputs that a workgroup multiplies.
    pub fn rows(self) -> u32 {
        match self {
            Self::Registers(tile) => tile.tokens,
            Self::Workgroup(tile) => 4 * tile.row_quads * TILE_THREADS[1],
        }
    }

    /// Threads of a workgroup.
    pub fn threads(self) -> u32 {
        match self {
            Self::Registers(tile) => tile.lanes * tile.slices,
            Self::Workgroup(_) => TILE_THREADS[0] * TILE_THREADS[1],
        }
    }

    /// Bytes of workgroup memory.
    pub fn shared_bytes(self) -> u32 {
        match self {
            Self::Registers(tile) if tile.parts() == 1 => 16,
            Self::Registers(tile) => 16 * tile.parts() * tile.tokens * tile.lanes,
            // 32 weights of each output, and 32 inputs of each row.
            Self::Workgroup(tile) => {
                let weight_bytes = if tile.is_half { 2 } else { 4 };
                32 * (TILE_OUTPUTS * weight_bytes + self.rows() * 4)
            }
        }
    }
}

impl RegisterTile {
    /// Parts of a sum that go through workgroup memory.
    pub fn parts(self) -> u32 {
        if self.subgroup == 1 { self.slices } else { self.lanes * self.slices / self.subgroup }
    }
}

/// The tile for `n_rows` rows of inputs and `n_out` outputs of `n_in` inputs each. In which order a
/// row's sums are added up depends on the mode and the matrix alone, so that its bits do not depend on
/// the rows beside it.
pub fn matmul_tile(
    traits: &Traits,
    mode: Mode,
    format: Format,
    n_rows: usize,
    n_out: usize,
    n_in: usize,
) -> MatmulTile {
    let row_quads = if n_rows <= 32 { 1 } else { 2 };
    let is_half = traits.has_f16 && fits_half(format);
    let tile = MatmulTile::Workgroup(WorkgroupTile { row_quads, is_half });
    // The larger of the two decides, so that few rows take it where many do.
    let largest = MatmulTile::Workgroup(WorkgroupTile { row_quads: 2, is_half });
    let fits = largest.threads() <= traits.max_threads
        && largest.shared_bytes() <= traits.max_shared_bytes;
    if mode == Mode::Prompt && !traits.is_software && fits {
        return tile;
    }
    let tokens = match n_rows {
        0..=1 => 1,
        2 => 2,
        3..=4 => 4,
        _ => 8,
    };
    // Few rows are bound by decoding weights, which wants constant shifts; many by arithmetic, and
    // their code would grow too long.
    let quads = if tokens <= 2 { 8 } else { 1 };
    if traits.is_software {
        let lanes = if n_out >= 512 { 16 } else { 8 };
        return MatmulTile::Registers(RegisterTile {
            lanes,
            slices: 1,
            tokens,
            quads,
            subgroup: 1,
        });
    }
    // Eight neighbouring lanes read a whole sector of memory; a subgroup holds two slices at least.
    let lanes = traits.subgroup_size.map_or(8, |size| (size / 2).clamp(1, 8));
    let slices = slices(traits, lanes, n_in);
    let subgroup = traits.subgroup_size.map_or(1, |size| subgroup(size, lanes, slices));
    MatmulTile::Registers(RegisterTile { lanes, slices, tokens, quads, subgroup })
}

/// Whether half precision is made for such weights: whoever keeps a file in single precision does not
/// want it rounded, and the range of bfloat16 is larger.
fn fits_half(format: Format) -> bool {
    !matches!(format, Format::F32 | Format::BF16)
}

/// Threads that share a sum of `n_in` products. A matrix of a few thousand outputs gives a large
/// adapter too few threads, so that up to 16 share one, each at least two blocks of it.
fn slices(traits: &Traits, lanes: u32, n_in: usize) -> u32 {
    let mut slices = 1;
    while slices < 16
        && slices * 2 * lanes <= traits.max_threads
        && n_in / 32 >= 4 * slices as usize
    {
        slices *= 2;
    }
    // The partial sums of the largest tile, whatever the number of rows.
    while slices > 1 && slices * lanes * 8 * 16 > traits.max_shared_bytes {
        slices /= 2;
    }
    slices
}

/// `size`, if `slices` of `lanes` threads fill whole subgroups of so many and more than one of them lies
/// in each; otherwise 1.
fn subgroup(size: u32, lanes: u32, slices: u32) -> u32 {
    if size > lanes && (lanes * slices).is_multiple_of(size) { size } else { 1 }
}

/// Threads that share a row of a norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NormTile {
    /// How many.
    pub slices: u32,
    /// Threads of a subgroup, if it adds up what lies in it; 1 if workgroup memory does.
    pub subgroup: u32,
}

/// How the rows of a norm are cut.
pub fn norm_tile(traits: &Traits) -> NormTile {
    if traits.is_software {
        return NormTile { slices: 1, subgroup: 1 };
    }
    let slices = 128.min(traits.max_threads);
    NormTile { slices, subgroup: traits.subgroup_size.map_or(1, |size| subgroup(size, 1, slices)) }
}

/// How keys and values lie in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CachePrecision {
    /// Single precision.
    F32,
    /// Half precision; sums over them stay in single precision.
    F16,
}

impl CachePrecision {
    /// What an adapter takes: reading the cache is what bounds attention on hardware; a program on the
    /// CPU is bound by its arithmetic.
    pub fn of(is_software: bool) -> Self {
        if is_software { Self::F32 } else { Self::F16 }
    }

    /// Words that `n` values take, `n` even.
    pub fn words(self, n: usize) -> usize {
        match self {
            Self::F32 => n,
            Self::F16 => n / 2,
        }
    }
}

/// Threads that share a row of logits while its largest are found.
pub fn top_lanes(traits: &Traits) -> u32 {
    if traits.is_software { 64 } else { 256.min(traits.max_threads) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOFTWARE: Traits = Traits {
        is_software: true,
        max_threads: 1024,
        max_shared_bytes: 32768,
        max_binding_bytes: 128 << 20,
        has_f16: true,
        subgroup_size: Some(8),
    };
    const HARDWARE: Traits = Traits { is_software: false, subgroup_size: Some(32), ..SOFTWARE };
    /// What every adapter has at least.
    const LEAST: Traits = Traits {
        max_threads: 128,
        max_shared_bytes: 16384,
        has_f16: false,
        subgroup_size: None,
        ..HARDWARE
    };
    const MATRICES: [(usize, usize); 5] =
        [(576, 576), (49152, 576), (64, 32), (576, 1536), (3584, 18944)];
    const ROWS: [usize; 9] = [1, 2, 3, 7, 31, 32, 33, 128, 500];

    #[test]
    fn gpu_tiles_have_no_barriers_on_software_and_fit_every_adapter() {
        let sizes = [None, Some(4), Some(8), Some(16), Some(32), Some(64), Some(128)];
        let modes = [Mode::Prompt, Mode::Decode].map(|mode| ROWS.map(|n_rows| (mode, n_rows)));
        for (mode, n_rows) in modes.concat() {
            for ((n_out, n_in), format) in MATRICES.into_iter().zip(Format::ALL) {
                let tile = |traits: &Traits| matmul_tile(traits, mode, format, n_rows, n_out, n_in);
                let MatmulTile::Registers(soft) = tile(&SOFTWARE) else {
                    panic!("a barrier is what a software adapter pays for");
                };
                assert_eq!((soft.slices, soft.subgroup), (1, 1));
                for (subgroup_size, has_f16) in sizes.into_iter().zip([false, true].repeat(4)) {
                    for traits in [LEAST, HARDWARE] {
                        let traits = Traits { subgroup_size, has_f16, ..traits };
                        let hard = tile(&traits);
                        assert!(hard.threads() <= traits.max_threads, "{hard:?}");
                        assert!(hard.shared_bytes() <= traits.max_shared_bytes, "{hard:?}");
                        let norm = norm_tile(&traits);
                        assert!(
                            norm.slices <= traits.max_threads
                                && norm.slices.is_multiple_of(norm.subgroup)
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn gpu_prompts_take_workgroup_memory_on_hardware_where_it_fits() {
        let of = |traits: &Traits, mode, format, n_rows| {
            matmul_tile(traits, mode, format, n_rows, 576, 576)
        };
        let tile = |traits: &Traits, mode, n_rows| of(traits, mode, Format::Q4K, n_rows);
        let workgroup =
            |row_quads, is_half| MatmulTile::Workgroup(WorkgroupTile { row_quads, is_half });
        assert_eq!(tile(&LEAST, Mode::Prompt, 32), workgroup(1, false));
        assert_eq!(tile(&LEAST, Mode::Prompt, 33), workgroup(2, false));
        assert_eq!(tile(&HARDWARE, Mode::Prompt, 200), workgroup(2, true));
        for (format, is_half) in
            [(Format::F32, false), (Format::BF16, false), (Format::F16, true), (Format::Q8_0, true)]
        {
            assert_eq!(of(&HARDWARE, Mode::Prompt, format, 200), workgroup(2, is_half));
        }
        assert_eq!(workgroup(2, false).shared_bytes(), 16384);
        assert_eq!(workgroup(2, true).shared_bytes(), 12288);
        let small =
            [Traits { max_threads: 64, ..LEAST }, Traits { max_shared_bytes: 16000, ..LEAST }];
        for n_rows in ROWS {
            let registers = |tile| matches!(tile, MatmulTile::Registers(_));
            assert!(registers(tile(&HARDWARE, Mode::Decode, n_rows)));
            assert!(registers(tile(&SOFTWARE, Mode::Prompt, n_rows)));
            assert!(small.iter().all(|small| registers(tile(small, Mode::Prompt, n_rows))));
        }
    }

    #[test]
    fn gpu_sums_are_sliced_alike_whatever_the_number_of_rows() {
        let decoding = |traits: &Traits, n_rows| {
            matmul_tile(traits, Mode::Decode, Format::Q4K, n_rows, 576, 1536)
        };
        let registers = |traits: &Traits, n_rows| match decoding(traits, n_rows) {
            MatmulTile::Registers(tile) => (tile.lanes, tile.slices, tile.subgroup),
            MatmulTile::Workgroup(_) => panic!("decoding takes registers"),
        };
        for traits in [SOFTWARE, HARDWARE, LEAST] {
            assert!((1..70).all(|n| registers(&traits, n) == registers(&traits, 1)));
        }
        assert_eq!(registers(&LEAST, 1), (8, 16, 1));
        assert_eq!(registers(&HARDWARE, 1), (8, 16, 32));
        let wide = Traits { subgroup_size: Some(64), ..HARDWARE };
        assert_eq!(registers(&wide, 1), (8, 16, 64));
        let narrow = Traits { subgroup_size: Some(8), ..HARDWARE };
        assert_eq!(registers(&narrow, 1), (4, 16, 8));
    }

    #[test]
    fn gpu_subgroups_add_only_what_fills_them() {
        assert_eq!([(8, 4), (8, 2), (8, 16)].map(|(l, s)| subgroup(32, l, s)), [32, 1, 32]);
        assert_eq!(subgroup(8, 8, 4), 1, "no two slices lie in one");
        let tile = RegisterTile { lanes: 8, slices: 16, tokens: 1, quads: 8, subgroup: 32 };
        assert_eq!((tile.parts(), RegisterTile { subgroup: 1, ..tile }.parts()), (4, 16));
        assert_eq!(norm_tile(&HARDWARE), NormTile { slices: 128, subgroup: 32 });
        assert_eq!(norm_tile(&LEAST), NormTile { slices: 128, subgroup: 1 });
        assert_eq!(norm_tile(&SOFTWARE), NormTile { slices: 1, subgroup: 1 });
    }

    #[test]
    fn gpu_an_adapter_can_be_taken_for_less_than_it_is() {
        assert_eq!(SOFTWARE.forced(Forced::default()), SOFTWARE);
        let forced = Forced {
            is_hardware: true,
            no_f16: true,
            no_subgroups: true,
            binding_bytes: Some(1 << 20),
        };
        let traits = SOFTWARE.forced(forced);
        assert!(!traits.is_software && !traits.has_f16 && traits.subgroup_size.is_none());
        assert_eq!(traits.max_binding_bytes, 1 << 20);
        let larger = Forced { binding_bytes: Some(1 << 40), ..Forced::default() };
        assert_eq!(SOFTWARE.forced(larger), SOFTWARE);
        assert_eq!(
            [true, false].map(CachePrecision::of),
            [CachePrecision::F32, CachePrecision::F16]
        );
    }
}
