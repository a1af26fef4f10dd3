//! Which variant of a kernel is taken: pure functions of the shape and the adapter's traits.

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
}

/// How a matrix product is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatmulTile {
    /// Threads along the outputs; each computes four.
    pub lanes: u32,
    /// Threads that share one output's sum.
    pub slices: u32,
    /// Rows of inputs that a thread multiplies.
    pub tokens: u32,
    /// Groups of four weights that are written out one after the other.
    pub quads: u32,
}

/// The tile for `n_rows` rows of inputs and `n_out` outputs of `n_in` inputs each. `slices` depends on
/// the matrix alone, so that a row's bits do not depend on the rows beside it.
pub fn matmul_tile(traits: &Traits, n_rows: usize, n_out: usize, n_in: usize) -> MatmulTile {
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
        return MatmulTile { lanes, slices: 1, tokens, quads };
    }
    // A matrix of a few thousand outputs gives a large adapter too few threads, so that up to 16 share
    // a sum, each at least two blocks of it. Eight neighbouring lanes read a whole sector of memory.
    let lanes = 8;
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
    MatmulTile { lanes, slices, tokens, quads }
}

/// Threads that share a row of a norm.
pub fn norm_lanes(traits: &Traits) -> u32 {
    if traits.is_software { 1 } else { 128.min(traits.max_threads) }
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
    };

    #[test]
    fn gpu_tiles_have_no_barriers_on_software_and_fit_every_adapter() {
        for n_rows in [1, 2, 3, 7, 128] {
            for (n_out, n_in) in [(576, 576), (49152, 576), (64, 32), (576, 1536)] {
                let soft = matmul_tile(&SOFTWARE, n_rows, n_out, n_in);
                assert_eq!(soft.slices, 1, "a barrier is what a software adapter pays for");
                let least = Traits {
                    is_software: false,
                    max_threads: 128,
                    max_shared_bytes: 16384,
                    ..SOFTWARE
                };
                let hard = matmul_tile(&least, n_rows, n_out, n_in);
                assert!(hard.lanes * hard.slices <= least.max_threads);
                assert!(hard.lanes * hard.slices * hard.tokens * 16 <= least.max_shared_bytes);
            }
        }
    }

    #[test]
    fn gpu_sums_are_sliced_alike_whatever_the_number_of_rows() {
        let hard = Traits { is_software: false, ..SOFTWARE };
        for traits in [SOFTWARE, hard] {
            let slices = |n| matmul_tile(&traits, n, 576, 1536).slices;
            assert!((1..70).all(|n| slices(n) == slices(1)));
        }
        assert!(matmul_tile(&hard, 1, 576, 1536).slices > 1);
    }
}
