//! Cases of the kernels outside attention. Outputs are `UNWRITTEN` before, or numbers where the kernel
//! adds to them or works in place.

use super::draw::Draw;
use super::harness::Case;
use crate::gpu::decide::{NormTile, RegisterTile, WorkgroupTile};
use crate::gpu::shape::{self, Change, Found, State};
use crate::gpu::{
    Format, Kernel, MatmulTile, Mode, PARTS, Traits, matmul_tile, norm_tile, top_lanes,
};

/// The rows of an embedding from row 5 on; the others are another buffer's.
pub fn embedding(draw: &mut Draw, _: &Traits, number: usize) -> Case {
    let format = Format::ALL[number % Format::ALL.len()];
    let (n_in, n_out, n) = (draw.n_in(format), draw.size(90), draw.size(6));
    let shape = shape::Embedding {
        first: 5,
        n_in: n_in as u32,
        n_out: n_out as u32,
        words: format.row_words(n_in) as u32,
    };
    Case {
        kernel: Kernel::Embedding(format),
        shape: shape.words(),
        groups: [(n_in / 4).div_ceil(64) as u32, n as u32],
        buffers: vec![
            draw.matrix(format, n_out, n_in),
            draw.words(n, n_out + 10),
            draw.unwritten(n * n_in),
        ],
    }
}

/// A product as a dispatch, from `shape.first_group` on.
pub fn product(
    format: Format,
    tile: MatmulTile,
    shape: shape::Matmul,
    buffers: [Vec<u32>; 4],
) -> Case {
    let groups = [
        shape.n_out.div_ceil(tile.outputs()),
        shape.n_rows.div_ceil(tile.rows()) - shape.first_group,
    ];
    let kernel = Kernel::Matmul(format, tile);
    Case { kernel, shape: shape.words(), groups, buffers: buffers.into() }
}

/// A product into columns of wider rows, with and without bias and what was there, sometimes only its
/// later rows.
fn drawn_product(
    draw: &mut Draw,
    number: usize,
    format: Format,
    n_rows: usize,
    tile: impl Fn(usize, usize) -> MatmulTile,
) -> Case {
    let (n_in, n_out) = (draw.n_in(format), draw.size(150));
    let tile = tile(n_out, n_in);
    let stride = n_out + 5;
    let shape = shape::Matmul {
        n_rows: n_rows as u32,
        n_in: n_in as u32,
        n_out: n_out as u32,
        stride: stride as u32,
        first: 3,
        has_bias: number as u32 / 2 % 2,
        adds: number as u32 % 2,
        words: format.row_words(n_in) as u32,
        first_group: (draw.below(2) as u32).min((n_rows as u32 - 1) / tile.rows()),
    };
    let outputs = if shape.adds == 1 {
        draw.numbers(n_rows * stride)
    } else {
        draw.unwritten(n_rows * stride)
    };
    let buffers = [
        draw.matrix(format, n_out, n_in),
        draw.numbers(n_out + 3),
        draw.numbers(n_rows * n_in),
        outputs,
    ];
    product(format, tile, shape, buffers)
}

/// Formats for variants that are many, as each is compiled.
const FEW_FORMATS: [Format; 3] = [Format::F32, Format::Q4_1, Format::Q6K];
const FEW_ROWS: [usize; 8] = [1, 2, 3, 4, 5, 8, 13, 17];

/// Products in registers.
pub fn matmul(draw: &mut Draw, traits: &Traits, number: usize) -> Case {
    let format = match traits.is_software {
        true => Format::ALL[number % Format::ALL.len()],
        false => FEW_FORMATS[number / 4 % 3],
    };
    let n_rows = draw.one_of(&FEW_ROWS);
    let tile = |n_out, n_in| matmul_tile(traits, Mode::Decode, format, n_rows, n_out, n_in);
    drawn_product(draw, number, format, n_rows, tile)
}

/// Tiles in registers that add in subgroups of `size`, for one row.
pub fn subgroup_tiles(size: u32) -> Vec<RegisterTile> {
    let lanes = [1, 2, 4, 8].into_iter().filter(|lanes| *lanes < size);
    let all = lanes.flat_map(|lanes| [2, 4, 8, 16, 32].map(|slices| (lanes, slices)));
    let fit = all.filter(|(lanes, slices)| (lanes * slices).is_multiple_of(size));
    let tile =
        |(lanes, slices)| RegisterTile { lanes, slices, tokens: 1, quads: 8, subgroup: size };
    fit.map(tile).collect()
}

/// Products in registers with sums in subgroups.
pub fn matmul_in_subgroups(draw: &mut Draw, traits: &Traits, number: usize) -> Case {
    let n_rows = draw.one_of(&FEW_ROWS);
    let (tokens, quads) = draw.one_of(&[(1, 8), (2, 8), (4, 1), (8, 1)]);
    let tile = draw.one_of(&subgroup_tiles(traits.subgroup_size.unwrap()));
    let tile = MatmulTile::Registers(RegisterTile { tokens, quads, ..tile });
    drawn_product(draw, number, FEW_FORMATS[number % 3], n_rows, |_, _| tile)
}

/// Products in workgroup memory.
pub fn matmul_tile_of_workgroup(draw: &mut Draw, traits: &Traits, number: usize) -> Case {
    let n_rows = draw.size(100);
    let (row_quads, is_half) = (draw.one_of(&[1, 2]), traits.has_f16);
    let tile = MatmulTile::Workgroup(WorkgroupTile { row_quads, is_half });
    drawn_product(draw, number, Format::ALL[number % Format::ALL.len()], n_rows, |_, _| tile)
}

pub fn rms_norm(draw: &mut Draw, traits: &Traits, _: usize) -> Case {
    drawn_norm(draw, norm_tile(traits))
}

/// Norms with sums in subgroups: one of them, a few, or many.
pub fn rms_norm_in_subgroups(draw: &mut Draw, traits: &Traits, number: usize) -> Case {
    let subgroup = traits.subgroup_size.unwrap();
    let slices = [subgroup, 2 * subgroup, 128.max(subgroup)][number % 3];
    drawn_norm(draw, NormTile { slices, subgroup })
}

fn drawn_norm(draw: &mut Draw, tile: NormTile) -> Case {
    let (n_rows, width) = (draw.size(5), draw.size(300));
    let n = n_rows * width;
    Case {
        kernel: Kernel::RmsNorm(tile),
        shape: shape::RmsNorm { width: width as u32, epsilon: draw.between(0.0, 0.1) }.words(),
        groups: [n_rows as u32, 1],
        buffers: vec![draw.numbers(width), draw.numbers(n), draw.unwritten(n)],
    }
}

/// Heads in the middle of rows.
pub fn head_norm(draw: &mut Draw, _: &Traits, _: usize) -> Case {
    let (n_rows, n_heads, size) = (draw.size(5), draw.size(11), 4 * draw.size(16));
    let stride = n_heads * size + 12;
    let shape = shape::HeadNorm {
        n_rows: n_rows as u32,
        stride: stride as u32,
        first: 7,
        n_heads: n_heads as u32,
        size: size as u32,
        epsilon: draw.between(0.0, 0.1),
    };
    Case {
        kernel: Kernel::HeadNorm,
        shape: shape.words(),
        groups: [n_heads.div_ceil(8) as u32, n_rows as u32],
        buffers: vec![draw.numbers(size), draw.numbers(n_rows * stride)],
    }
}

pub fn gated(draw: &mut Draw, _: &Traits, _: usize) -> Case {
    let (n_rows, width) = (draw.size(5), draw.size(200));
    let inputs = (0..2 * n_rows * width).map(|_| draw.between(-9.0, 9.0).to_bits()).collect();
    Case {
        kernel: Kernel::Gated,
        shape: shape::Gated { width: width as u32 }.words(),
        groups: [width.div_ceil(64) as u32, n_rows as u32],
        buffers: vec![inputs, draw.unwritten(n_rows * width)],
    }
}

/// The first tile of a vocabulary, or one that follows; some threads have seen no logit before.
pub fn log_sums(draw: &mut Draw, _: &Traits, number: usize) -> Case {
    let (n_rows, width) = (draw.size(5), draw.size(200));
    let first = if number.is_multiple_of(2) { 0 } else { draw.size(99) };
    let state = |draw: &mut Draw, part: usize| match part < first {
        true => State {
            largest: draw.between(-9.0, 9.0),
            sum: draw.between(1.0, 4.0),
            entry: draw.below(first) as u32,
            spare: 0,
        },
        false => State { largest: -3.0e38, sum: 0.0, entry: 0, spare: 0 },
    };
    let n_states = n_rows * PARTS as usize;
    let states = match first {
        0 => draw.unwritten(n_states * State::N_WORDS),
        _ => (0..n_states).flat_map(|ix| state(draw, ix % PARTS as usize).words()).collect(),
    };
    let logits = (0..n_rows * width).map(|_| draw.between(-9.0, 9.0).to_bits()).collect();
    Case {
        kernel: Kernel::LogSums,
        shape: shape::LogSums { width: width as u32, first: first as u32 }.words(),
        groups: [n_rows as u32, 1],
        buffers: vec![logits, states],
    }
}

/// Entries of a tile in the middle of a vocabulary, before it and after it.
pub fn pick(draw: &mut Draw, _: &Traits, _: usize) -> Case {
    let (n_rows, width, n) = (draw.size(5), draw.size(200), draw.size(100));
    let first = draw.below(90);
    let targets = (0..n).flat_map(|_| [draw.below(n_rows), draw.below(first + width + 9)]);
    let targets = targets.map(|n| n as u32).collect();
    Case {
        kernel: Kernel::Pick,
        shape: shape::Pick { width: width as u32, first: first as u32, n: n as u32 }.words(),
        groups: [n.div_ceil(64) as u32, 1],
        buffers: vec![draw.numbers(n_rows * width), targets, draw.unwritten(n)],
    }
}

/// No two changes of the same logit.
pub fn adjust(draw: &mut Draw, _: &Traits, _: usize) -> Case {
    let (n_rows, width) = (draw.size(3), draw.size(300));
    let n = draw.size(n_rows * width);
    let places = draw.shuffled(n_rows * width);
    let change = |place: &u32| Change {
        row: place / width as u32,
        entry: place % width as u32,
        factor: draw.one_of(&[0.0, 1.25, 2.0]),
        spare: 0,
    };
    let changes = places[..n].iter().map(change).flat_map(Change::words).collect();
    Case {
        kernel: Kernel::Adjust,
        shape: shape::Adjust { width: width as u32, n: n as u32 }.words(),
        groups: [n.div_ceil(64) as u32, 1],
        buffers: vec![changes, draw.numbers(n_rows * width)],
    }
}

/// Logits apart from one another, or many that are equal and some that are never taken.
pub fn top(draw: &mut Draw, traits: &Traits, number: usize) -> Case {
    let (n_rows, width, n) = (draw.size(3), draw.size(700), draw.one_of(&[1, 5, 64]));
    let lanes = top_lanes(traits);
    let logit = |draw: &mut Draw| match number % 5 {
        // Without the sum there would be two zeros.
        0 => draw.between(-5.0, 5.0).round() + 0.0,
        1 if draw.below(9) == 0 => -3.0e38,
        _ => draw.between(-9.0, 9.0),
    };
    let logits = (0..n_rows * width).map(|_| logit(draw).to_bits()).collect();
    let inverses = (0..n_rows).map(|_| draw.between(0.5, 2.0).to_bits()).collect();
    let n_out = n_rows * (n + lanes as usize) * Found::N_WORDS;
    Case {
        kernel: Kernel::Top { n: n as u32, lanes },
        shape: shape::Top { width: width as u32 }.words(),
        groups: [n_rows as u32, 1],
        buffers: vec![logits, inverses, draw.unwritten(n_out)],
    }
}

pub fn gather_rows(draw: &mut Draw, _: &Traits, _: usize) -> Case {
    let (n_rows, width, n) = (draw.size(5), draw.size(200), draw.size(5));
    Case {
        kernel: Kernel::GatherRows,
        shape: shape::GatherRows { width: width as u32 }.words(),
        groups: [width.div_ceil(64) as u32, n as u32],
        buffers: vec![
            draw.words(n, n_rows),
            draw.numbers(n_rows * width),
            draw.unwritten(n * width),
        ],
    }
}

/// Words to before or behind where they were, once as far as the buffer goes.
pub fn move_words(draw: &mut Draw, _: &Traits, number: usize) -> Case {
    let (n, between, n_spare) = (draw.size(200), draw.below(9), draw.below(9));
    let (source, place) = match number.is_multiple_of(2) {
        true => (n_spare, n_spare + n + between),
        false => (n_spare + n + between, n_spare),
    };
    let shape = shape::MoveWords { source: source as u32, place: place as u32, n: n as u32 };
    Case {
        kernel: Kernel::MoveWords,
        shape: shape.words(),
        groups: [n.div_ceil(64) as u32, 1],
        buffers: vec![draw.numbers(n_spare + n + between + n)],
    }
}
