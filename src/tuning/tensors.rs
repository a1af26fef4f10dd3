//! The trained model in candle's tensors, differentiated by candle: for the devices that `body` does
//! not know, and the twin that `body` is tested against.
//!
//! Layers are computed again in the backward pass, one at a time: the gradient of a layer's output,
//! multiplied with the output and summed up, gives those of its inputs.

use super::TuningError;
use super::kernels::Mask;
use super::lora::{Dropout, Group, Layout, Place};
use super::pack::Pack;
use super::trainable::Trainable;
use crate::job::Watch;
use crate::model::dense::{DenseMatrix, DenseWeights};
use candle_core::{D, Device, Result, Tensor, Var};

/// A matrix over an input.
struct Matrix {
    /// `[n_in, n_out]`, a view of the file's `[n_out, n_in]`.
    weights: Tensor,
    bias: Option<Tensor>,
}

struct Layer {
    attn_norm: Tensor,
    attn_q_norm: Option<Tensor>,
    attn_k_norm: Option<Tensor>,
    ffn_norm: Tensor,
    /// By [`Place`].
    matrices: [Matrix; 4],
}

/// The model on a device of candle's.
pub struct Tensors {
    weights: DenseWeights,
    device: Device,
    token_embd: Tensor,
    layers: Vec<Layer>,
    output_norm: Tensor,
    head: Tensor,
}

/// What is the same for all layers of a pass.
struct Pass<'a> {
    layout: &'a Layout,
    values: &'a [f32],
    dropout: Option<Dropout>,
    lens: &'a [usize],
    /// `[T, 1, head size / 2]`
    cos: Tensor,
    sin: Tensor,
}

/// A and B of the adapted projections of one layer, by place and module.
type Vars = Vec<Vec<[Var; 2]>>;

impl Matrix {
    fn new(matrix: &DenseMatrix, device: &Device) -> Result<Self> {
        let weights = Tensor::from_slice(&matrix.weights, (matrix.n_out, matrix.n_in), device)?;
        let bias = matrix.bias.as_ref();
        let bias = bias.map(|bias| Tensor::from_slice(bias, matrix.n_out, device)).transpose()?;
        Ok(Self { weights: weights.t()?, bias })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = x.matmul(&self.weights)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

impl Tensors {
    /// The model on `device`.
    ///
    /// # Errors
    /// Those of the device.
    pub fn new(weights: DenseWeights, device: &Device) -> Result<Self> {
        let vector = |values: &Vec<f32>| Tensor::from_slice(values, values.len(), device);
        let (n_vocab, width) = (weights.config.n_vocab, weights.config.width);
        let words = |values: &[f32]| Tensor::from_slice(values, (n_vocab, width), device);
        let mut layers = Vec::new();
        for layer in &weights.layers {
            let matrix = |matrix| Matrix::new(matrix, device);
            layers.push(Layer {
                attn_norm: vector(&layer.attn_norm)?,
                attn_q_norm: layer.attn_q_norm.as_ref().map(vector).transpose()?,
                attn_k_norm: layer.attn_k_norm.as_ref().map(vector).transpose()?,
                ffn_norm: vector(&layer.ffn_norm)?,
                matrices: [
                    matrix(&layer.attn_qkv)?,
                    matrix(&layer.attn_output)?,
                    matrix(&layer.ffn_gate_up)?,
                    matrix(&layer.ffn_down)?,
                ],
            });
        }
        Ok(Self {
            token_embd: words(&weights.token_embd)?,
            layers,
            output_norm: vector(&weights.output_norm)?,
            head: words(weights.head())?.t()?,
            device: device.clone(),
            weights,
        })
    }

    fn pass<'a>(
        &self,
        layout: &'a Layout,
        values: &'a [f32],
        dropout: Option<Dropout>,
        pack: &'a Pack,
    ) -> Result<Pass<'a>> {
        let positions: Vec<usize> = pack.lens.iter().flat_map(|len| 0..*len).collect();
        let (cos, sin) = self.weights.config.rope.table(&positions);
        let half = self.weights.config.heads.head_size / 2;
        let table = |values| Tensor::from_vec(values, (positions.len(), 1, half), &self.device);
        let (cos, sin) = (table(cos)?, table(sin)?);
        Ok(Pass { layout, values, dropout, lens: &pack.lens, cos, sin })
    }

    fn vars(&self, pass: &Pass<'_>, layer: usize) -> Result<Vars> {
        let var = |values: &[f32], shape| {
            Var::from_tensor(&Tensor::from_slice(values, shape, &self.device)?)
        };
        let of_group = |place: Place| -> Result<Vec<[Var; 2]>> {
            let group = pass.layout.group(layer, place);
            let rank = pass.layout.rank;
            let both = group.modules.iter().map(|module| {
                let a = var(&pass.values[module.a.clone()], (rank, group.n_in))?;
                let b = var(&pass.values[module.b.clone()], (module.n_out, rank))?;
                Ok([a, b])
            });
            both.collect()
        };
        Place::ALL.into_iter().map(of_group).collect()
    }

    /// The adapted product of a place.
    fn product(
        &self,
        pass: &Pass<'_>,
        vars: &Vars,
        layer: usize,
        place: Place,
        x: &Tensor,
    ) -> Result<Tensor> {
        let y = self.layers[layer].matrices[place as usize].forward(x)?;
        let group = pass.layout.group(layer, place);
        match self.change(pass, &vars[place as usize], group, x)? {
            Some(change) => y + change,
            None => Ok(y),
        }
    }

    /// `scale * B A x` of a whole place; `None` where nothing is adapted.
    fn change(
        &self,
        pass: &Pass<'_>,
        vars: &[[Var; 2]],
        group: &Group,
        x: &Tensor,
    ) -> Result<Option<Tensor>> {
        let (n_rows, mut done) = (x.dim(0)?, 0);
        let mut parts = Vec::new();
        let gap = |n: usize| Tensor::zeros((n_rows, n), x.dtype(), &self.device);
        for (module, [a, b]) in group.modules.iter().zip(vars) {
            if module.first > done {
                parts.push(gap(module.first - done)?);
            }
            let x = match pass.dropout {
                Some(dropout) => (x * self.mask(dropout.mask(module), x)?)?,
                None => x.clone(),
            };
            let change = x.matmul(&a.t()?)?.matmul(&b.t()?)?;
            parts.push((change * f64::from(pass.layout.scale))?);
            done = module.first + module.n_out;
        }
        if parts.is_empty() {
            return Ok(None);
        }
        if group.n_out > done {
            parts.push(gap(group.n_out - done)?);
        }
        Tensor::cat(&parts, 1).map(Some)
    }

    fn mask(&self, mask: Mask, like: &Tensor) -> Result<Tensor> {
        let mut kept = Vec::new();
        mask.apply(&vec![1.0; like.elem_count()], &mut kept);
        Tensor::from_vec(kept, like.shape(), &self.device)
    }

    fn layer(&self, pass: &Pass<'_>, vars: &Vars, ix: usize, x: &Tensor) -> Result<Tensor> {
        let config = &self.weights.config;
        let (layer, heads) = (&self.layers[ix], config.heads);
        let epsilon = f64::from(config.epsilon);
        let normed = rms_norm(x, &layer.attn_norm, epsilon)?;
        let qkv = self.product(pass, vars, ix, Place::Qkv, &normed)?;
        let (n_q, n_kv) = (heads.q_width(), heads.kv_width());
        let part = |first, n: usize| {
            let n_heads = n / heads.head_size;
            qkv.narrow(1, first, n)?.reshape((qkv.dim(0)?, n_heads, heads.head_size))
        };
        let turned = |x: Tensor, gain: &Option<Tensor>| {
            let x = match gain {
                Some(gain) => rms_norm(&x, gain, epsilon)?,
                None => x,
            };
            rotate(&x, &pass.cos, &pass.sin, config.rope.halves())
        };
        let q = turned(part(0, n_q)?, &layer.attn_q_norm)?;
        let k = turned(part(n_q, n_kv)?, &layer.attn_k_norm)?;
        let v = part(n_q + n_kv, n_kv)?;
        let attended = attend(&q, &k, &v, pass.lens)?;
        let x = (x + self.product(pass, vars, ix, Place::Output, &attended)?)?;
        let normed = rms_norm(&x, &layer.ffn_norm, epsilon)?;
        let gate_up = self.product(pass, vars, ix, Place::GateUp, &normed)?;
        let (gate, up) = (
            gate_up.narrow(1, 0, config.ff_width)?,
            gate_up.narrow(1, config.ff_width, config.ff_width)?,
        );
        let gated = (gate.contiguous()?.silu()? * up)?;
        x + self.product(pass, vars, ix, Place::Down, &gated)?
    }

    /// `-ln p` of each target after the hidden states `x [T, D]`.
    fn head(&self, x: &Tensor, pack: &Pack) -> Result<Tensor> {
        let rows: Vec<u32> = pack.targets.iter().map(|target| target.row as u32).collect();
        let ids: Vec<u32> = pack.targets.iter().map(|target| target.id).collect();
        let n = rows.len();
        let x = x.index_select(&Tensor::from_vec(rows, n, &self.device)?, 0)?;
        let epsilon = f64::from(self.weights.config.epsilon);
        let logits = rms_norm(&x, &self.output_norm, epsilon)?.matmul(&self.head)?;
        let most = logits.max_keepdim(D::Minus1)?.detach();
        let shifted = logits.broadcast_sub(&most)?;
        let total = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
        let ids = Tensor::from_vec(ids, (n, 1), &self.device)?;
        (total - shifted.gather(&ids, 1)?)?.squeeze(1)
    }

    fn embed(&self, pack: &Pack) -> Result<Tensor> {
        let ids = Tensor::from_slice(&pack.ids, pack.ids.len(), &self.device)?;
        self.token_embd.index_select(&ids, 0)
    }
}

/// Adds the gradient of `var`, if there is one, to `to`.
fn gather(grads: &candle_core::backprop::GradStore, var: &Var, to: &mut [f32]) -> Result<()> {
    let Some(grad) = grads.get(var) else { return Ok(()) };
    let grad = grad.flatten_all()?.to_vec1::<f32>()?;
    to.iter_mut().zip(grad).for_each(|(to, grad)| *to += grad);
    Ok(())
}

fn rms_norm(x: &Tensor, gain: &Tensor, epsilon: f64) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
    x.broadcast_div(&(mean + epsilon)?.sqrt()?)?.broadcast_mul(gain)
}

/// Rotates `x [T, heads, head size]`.
fn rotate(x: &Tensor, cos: &Tensor, sin: &Tensor, halves: bool) -> Result<Tensor> {
    let (n, n_heads, size) = x.dims3()?;
    let half = size / 2;
    let (a, b) = if halves {
        (x.narrow(2, 0, half)?, x.narrow(2, half, half)?)
    } else {
        let pairs = x.reshape((n, n_heads, half, 2))?;
        (pairs.narrow(3, 0, 1)?.squeeze(3)?, pairs.narrow(3, 1, 1)?.squeeze(3)?)
    };
    let first = (a.broadcast_mul(cos)? - b.broadcast_mul(sin)?)?;
    let second = (a.broadcast_mul(sin)? + b.broadcast_mul(cos)?)?;
    if halves {
        return Tensor::cat(&[first, second], 2);
    }
    Tensor::stack(&[first, second], 3)?.reshape((n, n_heads, size))
}

/// Causal attention within each sequence, `[T, H x head size]`.
fn attend(q: &Tensor, k: &Tensor, v: &Tensor, lens: &[usize]) -> Result<Tensor> {
    let (_, n_heads, size) = q.dims3()?;
    let n_kv = k.dim(1)?;
    let mut parts = Vec::new();
    let mut first = 0;
    for len in lens.iter().copied() {
        let of = |x: &Tensor| x.narrow(0, first, len)?.transpose(0, 1)?.contiguous();
        let shared = |x: &Tensor| {
            let repeated = (n_kv, n_heads / n_kv, len, size);
            of(x)?.unsqueeze(1)?.broadcast_as(repeated)?.reshape((n_heads, len, size))
        };
        let scores = (of(q)?.matmul(&shared(k)?.transpose(1, 2)?)? / (size as f64).sqrt())?;
        let hidden: Vec<f32> = (0..len)
            .flat_map(|row| (0..len).map(move |t| if t > row { f32::NEG_INFINITY } else { 0.0 }))
            .collect();
        let scores = scores.broadcast_add(&Tensor::from_vec(hidden, (1, len, len), q.device())?)?;
        let weights = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?.exp()?;
        let weights = weights.broadcast_div(&weights.sum_keepdim(D::Minus1)?)?;
        let out = weights.matmul(&shared(v)?)?.transpose(0, 1)?;
        parts.push(out.reshape((len, n_heads * size))?);
        first += len;
    }
    Tensor::cat(&parts, 0)
}

impl Trainable for Tensors {
    fn weights(&self) -> &DenseWeights {
        &self.weights
    }

    fn losses(
        &mut self,
        layout: &Layout,
        values: &[f32],
        pack: &Pack,
        watch: &Watch,
    ) -> std::result::Result<Vec<f32>, TuningError> {
        let pass = self.pass(layout, values, None, pack)?;
        let mut x = self.embed(pack)?;
        for ix in 0..self.layers.len() {
            watch.check()?;
            let vars = self.vars(&pass, ix)?;
            x = self.layer(&pass, &vars, ix, &x)?.detach();
        }
        Ok(self.head(&x, pack)?.to_vec1()?)
    }

    fn gradients(
        &mut self,
        layout: &Layout,
        values: &[f32],
        dropout: Option<Dropout>,
        pack: &Pack,
        grads: &mut [f32],
        watch: &Watch,
    ) -> std::result::Result<Vec<f32>, TuningError> {
        let pass = self.pass(layout, values, dropout, pack)?;
        let mut inputs = vec![self.embed(pack)?];
        for ix in 0..self.layers.len() {
            watch.check()?;
            let vars = self.vars(&pass, ix)?;
            let x = self.layer(&pass, &vars, ix, &inputs[ix])?.detach();
            inputs.push(x);
        }
        let x = Var::from_tensor(&inputs[self.layers.len()])?;
        let losses = self.head(x.as_tensor(), pack)?;
        let weights: Vec<f32> = pack.targets.iter().map(|target| target.weight).collect();
        let weights = Tensor::from_vec(weights, pack.targets.len(), &self.device)?;
        let back = (&losses * weights)?.sum_all()?.backward()?;
        let no_gradient = || candle_core::Error::Msg("the loss depends on nothing".into());
        let mut grad = back.get(&x).ok_or_else(no_gradient)?.detach();
        for ix in (0..self.layers.len()).rev() {
            watch.check()?;
            let vars = self.vars(&pass, ix)?;
            let x = Var::from_tensor(&inputs[ix])?;
            let y = self.layer(&pass, &vars, ix, x.as_tensor())?;
            let back = (y * &grad)?.sum_all()?.backward()?;
            for (place, vars) in Place::ALL.into_iter().zip(&vars) {
                for (module, [a, b]) in layout.group(ix, place).modules.iter().zip(vars) {
                    gather(&back, a, &mut grads[module.a.clone()])?;
                    gather(&back, b, &mut grads[module.b.clone()])?;
                }
            }
            grad = back.get(&x).ok_or_else(no_gradient)?.detach();
        }
        Ok(losses.to_vec1()?)
    }
}
