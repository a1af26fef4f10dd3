//! One pass of new tokens through all layers, as a recording.

use super::WgpuModel;
use super::cache::Run;
use super::weights::Matrix;
use crate::gpu::shape::{self, Item, Parts};
use crate::gpu::{
    Buffer, Dispatch, Gpu, Kernel, Mode, PARTS, Recording, attention_lanes, matmul_tile, norm_tile,
};
use crate::job::Watch;
use crate::model::Error;
use crate::model::body::New;
use crate::model::config::Config;

/// Keys in a part of split attention; fixed, so that a sequence's sums are cut alike in any company.
const SPLIT_KEYS: usize = 256;

/// A buffer that is made anew when it is too small.
pub struct Growing {
    buffer: Buffer,
    what: &'static str,
}

impl Growing {
    fn new(n_words: usize, what: &'static str, gpu: &mut Gpu) -> Result<Self, Error> {
        Ok(Self { buffer: gpu.buffer(n_words, what)?, what })
    }

    /// The buffer, with room for `n_words`; what was in it may be lost.
    pub fn with_room(&mut self, n_words: usize, gpu: &mut Gpu) -> Result<Buffer, Error> {
        if self.buffer.n_words() < n_words as u64 {
            self.buffer = gpu.buffer(n_words.next_power_of_two(), self.what)?;
            gpu.forget_bindings();
        }
        Ok(self.buffer.clone())
    }

    /// The buffer, with these words in front.
    pub fn holding(&mut self, words: &[u32], gpu: &mut Gpu) -> Result<Buffer, Error> {
        let buffer = self.with_room(words.len(), gpu)?;
        gpu.write(&buffer, words);
        Ok(buffer)
    }
}

/// What the kernels work on.
pub struct Scratch {
    ids: Growing,
    angles: Growing,
    slots: Growing,
    items: Growing,
    pages: Growing,
    parts: Growing,
    /// `[rows, D]`
    x: Growing,
    normed: Growing,
    /// `[rows, (H + 2 K) head size]`
    qkv: Growing,
    /// `[rows, H x head size]`
    attended: Growing,
    partial: Growing,
    /// `[rows, 2 F]`
    gate_up: Growing,
    /// `[rows, F]`
    gated: Growing,
    /// `[rows, rank]`, what an adapter's A gives
    low: Growing,
    pub rows: Growing,
    pub chosen: Growing,
    pub last: Growing,
    pub logits: Growing,
    pub targets: Growing,
    pub picked: Growing,
    pub states: Growing,
    pub changes: Growing,
    pub inverses: Growing,
    pub tops: Growing,
}

impl Scratch {
    pub fn new(config: &Config, gpu: &mut Gpu) -> Result<Self, Error> {
        let d = config.width;
        let mut growing = |n_words: usize, what| Growing::new(n_words, what, gpu);
        Ok(Self {
            ids: growing(64, "token numbers")?,
            angles: growing(64 * config.heads.head_size, "angles")?,
            slots: growing(64, "places in the cache")?,
            items: growing(64 * Item::N_WORDS, "work items")?,
            pages: growing(64, "page numbers")?,
            parts: growing(64, "parts of attention")?,
            x: growing(d, "hidden states")?,
            normed: growing(d, "hidden states")?,
            qkv: growing(d, "queries, keys and values")?,
            attended: growing(d, "attention")?,
            partial: growing(d, "parts of attention")?,
            gate_up: growing(d, "the feed-forward layer")?,
            gated: growing(d, "the feed-forward layer")?,
            low: growing(64, "an adapter")?,
            rows: growing(64, "row numbers")?,
            chosen: growing(d, "hidden states")?,
            last: growing(d, "hidden states")?,
            logits: growing(config.n_vocab, "logits")?,
            targets: growing(64, "asked tokens")?,
            picked: growing(64, "asked logits")?,
            states: growing(64, "sums of logits")?,
            changes: growing(64, "changes of logits")?,
            inverses: growing(64, "temperatures")?,
            tops: growing(64, "the largest logits")?,
        })
    }
}

/// The buffers of one pass, large enough for its rows.
struct Buffers {
    ids: Buffer,
    angles: Buffer,
    slots: Buffer,
    items: Buffer,
    pages: Buffer,
    parts: Buffer,
    x: Buffer,
    normed: Buffer,
    qkv: Buffer,
    attended: Buffer,
    partial: Buffer,
    gate_up: Buffer,
    gated: Buffer,
}

/// What a matrix is multiplied with, `inputs [n_rows, n_in]`, and where the products go.
pub struct Product<'a> {
    pub mode: Mode,
    pub n_rows: usize,
    pub inputs: &'a Buffer,
    pub outputs: &'a Buffer,
    /// Whether the products are added to what is there.
    pub adds: bool,
}

/// What attention of one pass does, the same in every layer.
struct Plan {
    items: Vec<u32>,
    n_items: usize,
    /// For each row its first part and how many there are.
    parts: Vec<u32>,
    n_parts: usize,
    /// Keys that are read, summed over rows.
    n_keys: usize,
}

impl WgpuModel {
    /// Records the pass of the new tokens through all layers; the hidden states before the last norm
    /// come to lie in the buffer, `[rows, D]`. The runs grow by their new tokens.
    pub(super) fn record(
        &mut self,
        news: &mut [New<'_, Run>],
        mode: Mode,
        recording: &mut Recording,
    ) -> Result<Buffer, Error> {
        for New { run, tokens } in news.iter_mut() {
            self.cache.extend(run, tokens.len(), &mut self.gpu, recording)?;
        }
        let (plan, b) = self.fill(news, mode)?;
        let n_rows: usize = news.iter().map(|new| new.tokens.len()).sum();
        let Config { width: d, ff_width: f, heads, epsilon, n_layers, .. } = self.config;
        let (size, n_q) = (heads.head_size, heads.n_heads);
        let n_qkv = (n_q + 2 * heads.n_kv_heads) * size;
        let traits = *self.gpu.traits();
        let rows = n_rows as u32;
        let run =
            |kernel, buffers: Vec<&Buffer>, shape: Vec<u32>, x: usize, work: usize| Dispatch {
                kernel,
                buffers: buffers.into_iter().cloned().collect(),
                shape,
                groups: [x as u32, rows],
                work: work as u64,
                cuts: false,
            };
        let embd = &self.weights.token_embd;
        for part in &embd.parts {
            let shape = shape::Embedding {
                first: part.first as u32,
                n_in: d as u32,
                n_out: part.n_out as u32,
                words: part.format.row_words(d) as u32,
            };
            let buffers = vec![&part.words, &b.ids, &b.x];
            let kernel = Kernel::Embedding(part.format);
            recording.run(run(kernel, buffers, shape.words(), (d / 4).div_ceil(64), n_rows * d));
        }
        let product = |inputs, outputs, adds| Product { mode, n_rows, inputs, outputs, adds };
        for layer in 0..n_layers {
            let w = &self.weights.blk[layer];
            let (keys, values) = (&self.cache.keys[layer], &self.cache.values[layer]);
            let norm = |recording: &mut Recording, gain: &Buffer| {
                let kernel = Kernel::RmsNorm(norm_tile(&traits));
                let shape = shape::RmsNorm { width: d as u32, epsilon }.words();
                let mut norm = run(kernel, vec![gain, &b.x, &b.normed], shape, 1, 8 * n_rows * d);
                norm.groups = [rows, 1];
                recording.run(norm);
            };
            norm(recording, &w.attn_norm);
            self.multiply(recording, &w.attn_qkv, &product(&b.normed, &b.qkv, false));
            let head_norms = [(&w.attn_q_norm, 0, n_q), (&w.attn_k_norm, n_q, heads.n_kv_heads)];
            for (gain, first, n) in head_norms {
                if let Some(gain) = gain {
                    let shape = shape::HeadNorm {
                        n_rows: rows,
                        stride: n_qkv as u32,
                        first: (first * size) as u32,
                        n_heads: n as u32,
                        size: size as u32,
                        epsilon,
                    };
                    let buffers = vec![gain, &b.qkv];
                    let work = 8 * n_rows * n * size;
                    recording.run(run(
                        Kernel::HeadNorm,
                        buffers,
                        shape.words(),
                        n.div_ceil(8),
                        work,
                    ));
                }
            }
            let shape = shape::Rope {
                n_heads: n_q as u32,
                n_kv_heads: heads.n_kv_heads as u32,
                size: size as u32,
            };
            let buffers = vec![&b.angles, &b.slots, &b.qkv, keys, values];
            let (halves, cache) = (self.config.rope.halves(), self.cache.precision);
            let kernel = Kernel::Rope { halves, cache };
            recording.run(run(
                kernel,
                buffers,
                shape.words(),
                (n_qkv / 4).div_ceil(64),
                4 * n_rows * n_qkv,
            ));
            self.attend(recording, &plan, &b, mode, layer);
            self.multiply(recording, &w.attn_output, &product(&b.attended, &b.x, true));
            norm(recording, &w.ffn_norm);
            self.multiply(recording, &w.ffn_gate_up, &product(&b.normed, &b.gate_up, false));
            let buffers = vec![&b.gate_up, &b.gated];
            let (kernel, shape) = (Kernel::Gated, shape::Gated { width: f as u32 }.words());
            recording.run(run(kernel, buffers, shape, f.div_ceil(64), 8 * n_rows * f));
            self.multiply(recording, &w.ffn_down, &product(&b.gated, &b.x, true));
        }
        for New { run, tokens } in news {
            run.tokens.extend_from_slice(tokens);
        }
        Ok(b.x)
    }

    /// Records the product with a whole matrix and with what an adapter adds to it.
    pub(super) fn multiply(
        &self,
        recording: &mut Recording,
        matrix: &Matrix,
        product: &Product<'_>,
    ) {
        for (ix, part) in matrix.parts.iter().enumerate() {
            self.multiply_part(recording, matrix, ix, product, [matrix.n_out, part.first]);
        }
        if let Some(change) = &matrix.change {
            let [a, b] = &**change;
            let low = &self.scratch.low.buffer;
            self.multiply(recording, a, &Product { outputs: low, adds: false, ..*product });
            self.multiply(recording, b, &Product { inputs: low, adds: true, ..*product });
        }
    }

    /// Records the product with one part of a matrix, from column `first` on of outputs
    /// `[n_rows, stride]`.
    pub(super) fn multiply_part(
        &self,
        recording: &mut Recording,
        matrix: &Matrix,
        ix: usize,
        product: &Product<'_>,
        [stride, first]: [usize; 2],
    ) {
        let part = &matrix.parts[ix];
        let Product { mode, n_rows, inputs, outputs, adds } = *product;
        let tile =
            matmul_tile(self.gpu.traits(), mode, part.format, n_rows, part.n_out, matrix.n_in);
        let shape = shape::Matmul {
            n_rows: n_rows as u32,
            n_in: matrix.n_in as u32,
            n_out: part.n_out as u32,
            stride: stride as u32,
            first: first as u32,
            has_bias: u32::from(matrix.bias.is_some()),
            adds: u32::from(adds),
            words: part.format.row_words(matrix.n_in) as u32,
            first_group: 0,
        };
        // Where there is no bias its binding holds something that is never read.
        let bias = matrix.bias.as_ref().unwrap_or(&part.words);
        recording.run(Dispatch {
            kernel: Kernel::Matmul(part.format, tile),
            buffers: vec![part.words.clone(), bias.clone(), inputs.clone(), outputs.clone()],
            shape: shape.words(),
            groups: [
                (part.n_out as u32).div_ceil(tile.outputs()),
                (n_rows as u32).div_ceil(tile.rows()),
            ],
            work: (n_rows * part.n_out * matrix.n_in) as u64,
            cuts: true,
        });
    }

    /// Runs a recording and keeps `watch` in the loop.
    pub(super) fn run(&mut self, recording: &Recording, watch: &Watch) -> Result<(), Error> {
        Ok(self.gpu.run(recording, watch)?)
    }

    fn attend(
        &self,
        recording: &mut Recording,
        plan: &Plan,
        b: &Buffers,
        mode: Mode,
        layer: usize,
    ) {
        let heads = self.config.heads;
        let quads = heads.head_size / 4;
        let group = (heads.n_heads / heads.n_kv_heads) as u32;
        let is_split = mode == Mode::Decode;
        let lanes = attention_lanes(group, is_split);
        let (n_q, n_kv) = (heads.n_heads as u32, heads.n_kv_heads as u32);
        let shape = shape::Attention {
            n_heads: n_q,
            n_kv_heads: n_kv,
            stride: ((heads.n_heads + 2 * heads.n_kv_heads) * heads.head_size) as u32,
            scale: 1.0 / (heads.head_size as f32).sqrt(),
            first_group: 0,
        };
        let out = if is_split { &b.partial } else { &b.attended };
        let (keys, values) = (&self.cache.keys[layer], &self.cache.values[layer]);
        let buffers = [&b.items, &b.pages, &b.qkv, keys, values, out];
        recording.run(Dispatch {
            kernel: Kernel::Attention {
                group,
                quads: quads as u32,
                is_split,
                lanes,
                cache: self.cache.precision,
            },
            buffers: buffers.into_iter().cloned().collect(),
            shape: shape.words(),
            groups: [n_kv, plan.n_items as u32],
            work: (2 * plan.n_keys * heads.q_width()) as u64,
            cuts: true,
        });
        if is_split {
            recording.run(Dispatch {
                kernel: Kernel::AttentionMerge,
                buffers: vec![b.parts.clone(), b.partial.clone(), b.attended.clone()],
                shape: shape::AttentionMerge { n_heads: n_q, quads: quads as u32 }.words(),
                groups: [
                    (heads.n_heads * quads).div_ceil(16) as u32,
                    (plan.parts.len() / Parts::N_WORDS) as u32,
                ],
                work: (plan.n_parts * heads.q_width()) as u64,
                cuts: false,
            });
        }
    }

    /// Makes room for a pass and writes down what its kernels need to know.
    fn fill(&mut self, news: &[New<'_, Run>], mode: Mode) -> Result<(Plan, Buffers), Error> {
        let config = &self.config;
        let heads = config.heads;
        let ids: Vec<u32> = news.iter().flat_map(|new| new.tokens.iter().copied()).collect();
        let mut positions = Vec::new();
        let mut slots = Vec::new();
        for New { run, tokens } in news {
            let first = run.n_tokens();
            positions.extend(first..first + tokens.len());
            slots.extend((first..first + tokens.len()).map(|place| run.slot(place)));
        }
        let (cos, sin) = config.rope.table(&positions);
        let angles: Vec<f32> = cos.into_iter().zip(sin).flat_map(|(c, s)| [c, s]).collect();
        let pages: Vec<u32> = news.iter().flat_map(|new| new.run.page_ids()).collect();
        let group = heads.n_heads / heads.n_kv_heads;
        let plan = plan(news, mode, attention_lanes(group as u32, false) as usize / group);
        let (gpu, s, n) = (&mut self.gpu, &mut self.scratch, ids.len());
        let n_qkv = heads.q_width() + 2 * heads.kv_width();
        s.low.with_room(n * self.weights.widest_change(), gpu)?;
        let buffers = Buffers {
            ids: s.ids.holding(&ids, gpu)?,
            angles: s.angles.holding(bytemuck::cast_slice(&angles), gpu)?,
            slots: s.slots.holding(&slots, gpu)?,
            items: s.items.holding(&plan.items, gpu)?,
            pages: s.pages.holding(&pages, gpu)?,
            parts: s.parts.holding(&plan.parts, gpu)?,
            x: s.x.with_room(n * config.width, gpu)?,
            normed: s.normed.with_room(n * config.width, gpu)?,
            qkv: s.qkv.with_room(n * n_qkv, gpu)?,
            attended: s.attended.with_room(n * heads.q_width(), gpu)?,
            partial: s
                .partial
                .with_room(plan.n_parts * heads.n_heads * (heads.head_size + 4), gpu)?,
            gate_up: s.gate_up.with_room(n * 2 * config.ff_width, gpu)?,
            gated: s.gated.with_room(n * config.ff_width, gpu)?,
        };
        Ok((plan, buffers))
    }

    /// Records the folding of logits of a tile into states, see `log_sums.wgsl`.
    pub(super) fn fold(
        recording: &mut Recording,
        logits: &Buffer,
        states: &Buffer,
        n_rows: usize,
        [width, first]: [usize; 2],
    ) {
        recording.run(Dispatch {
            kernel: Kernel::LogSums,
            buffers: vec![logits.clone(), states.clone()],
            shape: shape::LogSums { width: width as u32, first: first as u32 }.words(),
            groups: [n_rows as u32, 1],
            work: 16 * (n_rows * width.max(PARTS as usize)) as u64,
            cuts: false,
        });
    }
}

/// Cuts a pass into work items of at most `n_rows_each` rows of one sequence.
fn plan(news: &[New<'_, Run>], mode: Mode, n_rows_each: usize) -> Plan {
    let mut plan = Plan { items: Vec::new(), n_items: 0, parts: Vec::new(), n_parts: 0, n_keys: 0 };
    let (mut row, mut table) = (0, 0);
    for New { run, tokens } in news {
        let mut done = 0;
        while done < tokens.len() {
            let n = if mode == Mode::Decode { 1 } else { n_rows_each.min(tokens.len() - done) };
            let position = run.n_tokens() + done;
            let n_keys = position + n;
            let each = if mode == Mode::Decode { SPLIT_KEYS } else { n_keys };
            let parts = Parts { first: plan.n_parts as u32, n: n_keys.div_ceil(each) as u32 };
            plan.parts.extend(parts.words());
            for from in (0..n_keys).step_by(each) {
                let to = (from + each).min(n_keys);
                let item = Item {
                    first_row: (row + done) as u32,
                    n_rows: n as u32,
                    table: table as u32,
                    position: position as u32,
                    from_key: from as u32,
                    to_key: to as u32,
                    part: plan.n_parts as u32,
                    spare: 0,
                };
                plan.items.extend(item.words());
                plan.n_items += 1;
                plan.n_parts += 1;
            }
            plan.n_keys += n * n_keys;
            done += n;
        }
        row += tokens.len();
        table += run.page_ids().count();
    }
    plan
}
