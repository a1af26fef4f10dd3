//! Low-rank adaptation (LoRA, arXiv 2106.09685): beside a frozen matrix W stands `scale * B A`, and
//! only A and B are trained.
//!
//! All A and B of a model lie in one list of numbers, so that optimizer, clipping and checkpoints need
//! to know nothing of them. Files are `model::adapter`'s; the rest of the layer is `layer`'s.

use super::kernels::{Mask, add};
use super::settings::Settings;
use crate::model::adapter::{self, Adapter, AdapterConfig, LowRank, Projection};
use crate::model::dense::DenseWeights;
use crate::model::linear::{Matrix, multiply};
use crate::seed::Stream;
use gemm::Parallelism;
use std::collections::BTreeMap;
use std::ops::Range;

/// The matrices of a layer that are multiplied together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Qkv,
    Output,
    GateUp,
    Down,
}

impl Place {
    pub const ALL: [Self; 4] = [Self::Qkv, Self::Output, Self::GateUp, Self::Down];

    fn projections(self) -> &'static [Projection] {
        match self {
            Self::Qkv => &[Projection::Q, Projection::K, Projection::V],
            Self::Output => &[Projection::O],
            Self::GateUp => &[Projection::Gate, Projection::Up],
            Self::Down => &[Projection::Down],
        }
    }
}

/// A and B of one projection.
pub struct Module {
    pub projection: Projection,
    /// Its first column in the outputs of its place.
    pub first: usize,
    pub n_out: usize,
    /// Where `[rank, n_in]` lies.
    pub a: Range<usize>,
    /// Where `[n_out, rank]` lies.
    pub b: Range<usize>,
}

/// The projections of one place that are adapted.
pub struct Group {
    pub n_in: usize,
    /// Outputs of the whole place.
    pub n_out: usize,
    pub modules: Vec<Module>,
    /// Where all its A's lie, `[modules x rank, n_in]`.
    a: Range<usize>,
}

/// Which numbers are whose.
pub struct Layout {
    pub rank: usize,
    pub scale: f32,
    /// For each layer, by [`Place`]; a group without modules is not adapted.
    pub layers: Vec<[Group; 4]>,
    pub n_values: usize,
}

/// What an adapted product leaves for the backward pass.
#[derive(Default)]
pub struct Low {
    /// `scale * x A^T`, `[T, modules x rank]`
    low: Vec<f32>,
    /// Dropped inputs of one module.
    dropped: Vec<f32>,
    change: Vec<f32>,
}

/// Dropout of one pass through the layers.
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    pub key: u64,
    pub rate: f64,
}

impl Dropout {
    /// The mask of a module: those of two modules have nothing in common, as in PEFT.
    pub fn mask(self, module: &Module) -> Mask {
        let key = self.key ^ (module.a.start as u64).wrapping_mul(0xd6e8_feb8_6659_fd93);
        Mask { key, rate: self.rate }
    }
}

fn all_cores() -> Parallelism {
    Parallelism::Rayon(rayon::current_num_threads())
}

fn rows(data: &[f32], n_cols: usize) -> Matrix<'_> {
    Matrix { data, n_rows: data.len() / n_cols.max(1), n_cols, row_stride: n_cols }
}

/// Some columns of rows that are `stride` wide.
fn columns(data: &[f32], stride: usize, columns: Range<usize>) -> Matrix<'_> {
    let n_rows = data.len() / stride;
    Matrix { data: &data[columns.start..], n_rows, n_cols: columns.len(), row_stride: stride }
}

impl Layout {
    /// The numbers that these settings train in a model.
    pub fn new(weights: &DenseWeights, settings: &Settings) -> Self {
        let mut n_values = 0;
        let mut take = |n: usize| {
            n_values += n;
            n_values - n..n_values
        };
        let rank = settings.rank;
        let mut group = |place: Place| {
            let (mut first, mut modules) = (0, Vec::new());
            let n_in = adapter::shape(place.projections()[0], &weights.config).1;
            for projection in place.projections() {
                let (n_out, _) = adapter::shape(*projection, &weights.config);
                if settings.targets.contains(projection) {
                    let a = take(rank * n_in);
                    modules.push(Module { projection: *projection, first, n_out, a, b: 0..0 });
                }
                first += n_out;
            }
            let a = match (modules.first(), modules.last()) {
                (Some(first), Some(last)) => first.a.start..last.a.end,
                _ => 0..0,
            };
            for module in &mut modules {
                module.b = take(module.n_out * rank);
            }
            Group { n_in, n_out: first, modules, a }
        };
        let layers = weights.layers.iter().map(|_| Place::ALL.map(&mut group)).collect();
        Self { rank, scale: (settings.alpha / rank as f64) as f32, layers, n_values }
    }

    /// The group of a place in a layer.
    pub fn group(&self, layer: usize, place: Place) -> &Group {
        &self.layers[layer][place as usize]
    }

    /// Every module with the number of its layer.
    fn modules(&self) -> impl Iterator<Item = (usize, &Group, &Module)> {
        let groups = self.layers.iter().enumerate();
        let groups =
            groups.flat_map(|(layer, groups)| groups.iter().map(move |group| (layer, group)));
        groups.flat_map(|(layer, group)| {
            group.modules.iter().map(move |module| (layer, group, module))
        })
    }

    /// The numbers before the first step, as PEFT begins: A uniform within `1 / sqrt(n_in)`, B zero,
    /// so that nothing changes at first.
    pub fn begin(&self, seed: u64) -> Vec<f32> {
        let mut values = vec![0.0; self.n_values];
        for (layer, group, module) in self.modules() {
            let name = format!("{layer}.{}", module.projection.name());
            let mut stream = Stream::new(seed, &name, "lora");
            let bound = 1.0 / (group.n_in as f64).sqrt();
            let draw = || ((2.0 * stream.unit() - 1.0) * bound) as f32;
            values[module.a.clone()].fill_with(draw);
        }
        values
    }

    /// The numbers as an adapter, its rows in the order of the checkpoint.
    pub fn adapter(
        &self,
        values: &[f32],
        weights: &DenseWeights,
        config: AdapterConfig,
    ) -> Adapter {
        let mut layers: Vec<BTreeMap<Projection, LowRank>> =
            self.layers.iter().map(|_| BTreeMap::new()).collect();
        for (layer, _, module) in self.modules() {
            let mut b = values[module.b.clone()].to_vec();
            adapter::to_checkpoint_order(module.projection, &weights.config, &mut b, self.rank);
            let a = values[module.a.clone()].to_vec();
            let low_rank = LowRank { rank: self.rank, scale: self.scale, a, b };
            layers[layer].insert(module.projection, low_rank);
        }
        Adapter { config, layers, sha256: String::new() }
    }
}

impl Group {
    fn width(&self, rank: usize) -> usize {
        self.modules.len() * rank
    }

    /// Adds `scale * B A x` for the rows of `x [T, n_in]` to `out [T, n_out]`.
    pub fn forward(
        &self,
        layout: &Layout,
        values: &[f32],
        dropout: Option<Dropout>,
        x: &[f32],
        low: &mut Low,
        out: &mut [f32],
    ) {
        if self.modules.is_empty() {
            return;
        }
        self.lower(layout, values, dropout, x, low);
        let width = self.width(layout.rank);
        for (ix, module) in self.modules.iter().enumerate() {
            let low = columns(&low.low, width, ix * layout.rank..(ix + 1) * layout.rank);
            let b = rows(&values[module.b.clone()], layout.rank).transposed();
            multiply(low, b, &mut out[module.first..], self.n_out, true, all_cores());
        }
    }

    /// `scale * A x` of every module.
    pub fn lower(
        &self,
        layout: &Layout,
        values: &[f32],
        dropout: Option<Dropout>,
        x: &[f32],
        low: &mut Low,
    ) {
        let width = self.width(layout.rank);
        let Low { low, dropped, .. } = low;
        low.resize(x.len() / self.n_in * width, 0.0);
        match dropout {
            None => {
                let a = rows(&values[self.a.clone()], self.n_in).transposed();
                multiply(rows(x, self.n_in), a, low, width, false, all_cores());
            }
            Some(dropout) => {
                for (ix, module) in self.modules.iter().enumerate() {
                    dropout.mask(module).apply(x, dropped);
                    let a = rows(&values[module.a.clone()], self.n_in).transposed();
                    let low = &mut low[ix * layout.rank..];
                    multiply(rows(dropped, self.n_in), a, low, width, false, all_cores());
                }
            }
        }
        low.iter_mut().for_each(|x| *x *= layout.scale);
    }

    /// Adds the gradients of A and B to `grads` and that of `x` to `x_grad [T, n_in]`, where `grad
    /// [T, n_out]` is that of the outputs. `low` is what `lower` found for `x`, and is used up.
    #[expect(clippy::too_many_arguments, reason = "the operands of one derivative")]
    pub fn backward(
        &self,
        layout: &Layout,
        values: &[f32],
        dropout: Option<Dropout>,
        x: &[f32],
        low: &mut Low,
        grad: &[f32],
        x_grad: &mut [f32],
        grads: &mut [f32],
    ) {
        if self.modules.is_empty() {
            return;
        }
        let (rank, width) = (layout.rank, self.width(layout.rank));
        let Low { low, dropped, change } = low;
        for (ix, module) in self.modules.iter().enumerate() {
            let grad = columns(grad, self.n_out, module.first..module.first + module.n_out);
            let of = ix * rank..(ix + 1) * rank;
            let b_grad = &mut grads[module.b.clone()];
            multiply(
                grad.transposed(),
                columns(low, width, of.clone()),
                b_grad,
                rank,
                true,
                all_cores(),
            );
            let b = rows(&values[module.b.clone()], rank);
            multiply(grad, b, &mut low[of.start..], width, false, all_cores());
        }
        low.iter_mut().for_each(|x| *x *= layout.scale);
        let Some(dropout) = dropout else {
            let low = rows(low, width);
            let a_grad = &mut grads[self.a.clone()];
            multiply(low.transposed(), rows(x, self.n_in), a_grad, self.n_in, true, all_cores());
            let a = rows(&values[self.a.clone()], self.n_in);
            multiply(low, a, x_grad, self.n_in, true, all_cores());
            return;
        };
        for (ix, module) in self.modules.iter().enumerate() {
            let mask = dropout.mask(module);
            mask.apply(x, dropped);
            let low = columns(low, width, ix * rank..(ix + 1) * rank);
            let a_grad = &mut grads[module.a.clone()];
            multiply(
                low.transposed(),
                rows(dropped, self.n_in),
                a_grad,
                self.n_in,
                true,
                all_cores(),
            );
            change.resize(x.len(), 0.0);
            let a = rows(&values[module.a.clone()], self.n_in);
            multiply(low, a, change, self.n_in, false, all_cores());
            mask.apply(change, dropped);
            add(x_grad, dropped);
        }
    }
}
