//! One layer of a Llama, Qwen2 or Qwen3 model, forwards and backwards.
//!
//! Forwards, a layer keeps what went into it, what stood between its halves, and what attention gave;
//! backwards, it computes the rest again, so that what a pass holds at once is that of one layer. The
//! last product of each half is not needed again and is left out. Layers whose first products of each
//! half were kept too, as far as `body` has room for them, compute the same bits with less work.

use super::attention::{Gradients, Inputs};
use super::kernels::{add, gated, gated_back, rms_norm, rms_norm_back};
use super::lora::{Dropout, Layout, Low, Place};
use crate::model::dense::{DenseLayer, DenseMatrix, DenseWeights};
use crate::model::linear::{Matrix, multiply, product};
use gemm::Parallelism;

/// What is the same for all layers of a pass.
pub struct Pass<'a> {
    pub weights: &'a DenseWeights,
    pub layout: &'a Layout,
    pub values: &'a [f32],
    pub dropout: Option<Dropout>,
    /// Tokens of each sequence.
    pub lens: &'a [usize],
    /// Cosines and sines, `[T, head size / 2]` each.
    pub turn: (Vec<f32>, Vec<f32>),
    /// The same with the sines negated.
    pub turn_back: (Vec<f32>, Vec<f32>),
}

/// What a layer keeps for its backward pass, `[T, width]` each.
#[derive(Default)]
pub struct Kept {
    pub x: Vec<f32>,
    middle: Vec<f32>,
    attended: Vec<f32>,
}

/// The first products of each half of a layer: queries, keys and values before they are rotated, and
/// gate and up.
#[derive(Default)]
pub struct Products {
    qkv: Vec<f32>,
    gate_up: Vec<f32>,
}

/// What is computed anew in every layer.
#[derive(Default)]
pub struct Scratch {
    normed: Vec<f32>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    gated: Vec<f32>,
    low: Low,
    /// Gradients of `normed`, `qkv`, the three parts of it, and the inputs of the two last products.
    d_normed: Vec<f32>,
    d_qkv: Vec<f32>,
    d_q: Vec<f32>,
    d_k: Vec<f32>,
    d_v: Vec<f32>,
    d_input: Vec<f32>,
}

impl Pass<'_> {
    fn layer(&self, ix: usize) -> &DenseLayer {
        &self.weights.layers[ix]
    }

    /// The adapted product of a place.
    fn product(
        &self,
        layer: usize,
        place: Place,
        matrix: &DenseMatrix,
        x: &[f32],
        low: &mut Low,
        out: &mut Vec<f32>,
    ) {
        let n_rows = x.len() / matrix.n_in;
        out.resize(n_rows * matrix.n_out, 0.0);
        product(x, n_rows, &matrix.weights, matrix.n_in, out);
        if let Some(bias) = &matrix.bias {
            for row in out.chunks_exact_mut(matrix.n_out) {
                row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
            }
        }
        let group = self.layout.group(layer, place);
        group.forward(self.layout, self.values, self.dropout, x, low, out);
    }

    /// The gradient of the input of a place's product into `x_grad`, those of A and B added to `grads`.
    /// `low` holds what [`super::lora::Group::lower`] found for `x`.
    #[expect(clippy::too_many_arguments, reason = "the operands of one derivative")]
    fn product_back(
        &self,
        layer: usize,
        place: Place,
        matrix: &DenseMatrix,
        x: &[f32],
        low: &mut Low,
        grad: &[f32],
        x_grad: &mut Vec<f32>,
        grads: &mut [f32],
    ) {
        let n_rows = x.len() / matrix.n_in;
        x_grad.resize(x.len(), 0.0);
        let grad_rows =
            Matrix { data: grad, n_rows, n_cols: matrix.n_out, row_stride: matrix.n_out };
        let weights = Matrix {
            data: &matrix.weights,
            n_rows: matrix.n_out,
            n_cols: matrix.n_in,
            row_stride: matrix.n_in,
        };
        let cores = Parallelism::Rayon(rayon::current_num_threads());
        multiply(grad_rows, weights, x_grad, matrix.n_in, false, cores);
        let group = self.layout.group(layer, place);
        group.backward(self.layout, self.values, self.dropout, x, low, grad, x_grad, grads);
    }

    /// The product of a place, or only what an adapter's gradient needs of it where it is there already.
    #[expect(clippy::too_many_arguments, reason = "the operands of one product")]
    fn product_if(
        &self,
        is_there: bool,
        layer: usize,
        place: Place,
        matrix: &DenseMatrix,
        x: &[f32],
        low: &mut Low,
        out: &mut Vec<f32>,
    ) {
        match is_there {
            true => {
                let group = self.layout.group(layer, place);
                group.lower(self.layout, self.values, self.dropout, x, low);
            }
            false => self.product(layer, place, matrix, x, low, out),
        }
    }

    /// Queries, keys and values of `x [T, D]`, normalized and rotated.
    fn attention_inputs(
        &self,
        ix: usize,
        x: &[f32],
        s: &mut Scratch,
        qkv: &mut Vec<f32>,
        is_there: bool,
    ) {
        let (w, layer) = (self.weights, self.layer(ix));
        let (n_q, n_kv) = (w.config.heads.q_width(), w.config.heads.kv_width());
        rms_norm(x, &layer.attn_norm, w.config.epsilon, &mut s.normed);
        let matrix = &layer.attn_qkv;
        self.product_if(is_there, ix, Place::Qkv, matrix, &s.normed, &mut s.low, qkv);
        columns(qkv, n_q + 2 * n_kv, 0, n_q, &mut s.q);
        columns(qkv, n_q + 2 * n_kv, n_q, n_kv, &mut s.k);
        columns(qkv, n_q + 2 * n_kv, n_q + n_kv, n_kv, &mut s.v);
        for (values, gain) in [(&mut s.q, &layer.attn_q_norm), (&mut s.k, &layer.attn_k_norm)] {
            if let Some(gain) = gain {
                crate::model::simd::rms_norm_in_place(values, gain, w.config.epsilon);
            }
        }
        w.config.rope.rotate(&mut s.q, n_q, &self.turn);
        w.config.rope.rotate(&mut s.k, n_kv, &self.turn);
    }

    /// The gated hidden values of `middle [T, D]`.
    fn feed_forward_inputs(
        &self,
        ix: usize,
        middle: &[f32],
        s: &mut Scratch,
        gate_up: &mut Vec<f32>,
        is_there: bool,
    ) {
        let layer = self.layer(ix);
        rms_norm(middle, &layer.ffn_norm, self.weights.config.epsilon, &mut s.normed);
        let matrix = &layer.ffn_gate_up;
        self.product_if(is_there, ix, Place::GateUp, matrix, &s.normed, &mut s.low, gate_up);
        gated(gate_up, self.weights.config.ff_width, &mut s.gated);
    }

    /// Sends `x [T, D]` through the layer, and keeps what its backward pass needs.
    pub fn forward(
        &self,
        ix: usize,
        x: &mut Vec<f32>,
        s: &mut Scratch,
        products: &mut Products,
        kept: Option<&mut Kept>,
    ) {
        let layer = self.layer(ix);
        let mut unkept = Kept::default();
        let wanted = kept.is_some();
        let kept = kept.unwrap_or(&mut unkept);
        self.attention_inputs(ix, x, s, &mut products.qkv, false);
        let inputs =
            Inputs { heads: self.weights.config.heads, queries: &s.q, keys: &s.k, values: &s.v };
        inputs.forward(self.lens, &mut kept.attended);
        let attended = &kept.attended;
        self.product(ix, Place::Output, &layer.attn_output, attended, &mut s.low, &mut s.d_input);
        if wanted {
            kept.x.clone_from(x);
        }
        add(x, &s.d_input);
        self.feed_forward_inputs(ix, x, s, &mut products.gate_up, false);
        self.product(ix, Place::Down, &layer.ffn_down, &s.gated, &mut s.low, &mut s.d_input);
        if wanted {
            kept.middle.clone_from(x);
        }
        add(x, &s.d_input);
    }

    /// Turns the gradient of the layer's output, `grad [T, D]`, into that of its input, and adds those
    /// of its A's and B's to `grads`. `products` holds the layer's own where `are_there`, and is used
    /// up.
    #[expect(clippy::too_many_arguments, reason = "the state of a pass")]
    pub fn backward(
        &self,
        ix: usize,
        kept: &Kept,
        s: &mut Scratch,
        products: &mut Products,
        are_there: bool,
        grad: &mut [f32],
        grads: &mut [f32],
    ) {
        let Products { qkv, gate_up } = products;
        self.feed_forward_back(ix, &kept.middle, s, gate_up, are_there, grad, grads);
        self.attention_back(ix, kept, s, qkv, are_there, grad, grads);
    }

    #[expect(clippy::too_many_arguments, reason = "the state of a pass")]
    fn feed_forward_back(
        &self,
        ix: usize,
        middle: &[f32],
        s: &mut Scratch,
        gate_up: &mut Vec<f32>,
        is_there: bool,
        grad: &mut [f32],
        grads: &mut [f32],
    ) {
        let (layer, layout) = (self.layer(ix), self.layout);
        self.feed_forward_inputs(ix, middle, s, gate_up, is_there);
        let Scratch { normed, gated, low, d_normed, d_input, .. } = s;
        let down = layout.group(ix, Place::Down);
        let mut down_low = Low::default();
        down.lower(layout, self.values, self.dropout, gated, &mut down_low);
        let matrix = &layer.ffn_down;
        self.product_back(ix, Place::Down, matrix, gated, &mut down_low, grad, d_input, grads);
        gated_back(gate_up, self.weights.config.ff_width, d_input);
        let matrix = &layer.ffn_gate_up;
        self.product_back(ix, Place::GateUp, matrix, normed, low, gate_up, d_normed, grads);
        rms_norm_back(middle, &layer.ffn_norm, self.weights.config.epsilon, d_normed, grad);
    }

    #[expect(clippy::too_many_arguments, reason = "the state of a pass")]
    fn attention_back(
        &self,
        ix: usize,
        kept: &Kept,
        s: &mut Scratch,
        qkv: &mut Vec<f32>,
        is_there: bool,
        grad: &mut [f32],
        grads: &mut [f32],
    ) {
        let (w, layer, layout) = (self.weights, self.layer(ix), self.layout);
        let (n_q, n_kv) = (w.config.heads.q_width(), w.config.heads.kv_width());
        let mut output_low = Low::default();
        let output = layout.group(ix, Place::Output);
        output.lower(layout, self.values, self.dropout, &kept.attended, &mut output_low);
        let (matrix, attended) = (&layer.attn_output, &kept.attended);
        let d_attended = &mut s.d_input;
        self.product_back(
            ix,
            Place::Output,
            matrix,
            attended,
            &mut output_low,
            grad,
            d_attended,
            grads,
        );
        self.attention_inputs(ix, &kept.x, s, qkv, is_there);
        let Scratch { normed, q, k, v, low, d_normed, d_qkv, d_q, d_k, d_v, d_input, .. } = s;
        for (grad, like) in [(&mut *d_q, &*q), (&mut *d_k, &*k), (&mut *d_v, &*v)] {
            grad.resize(like.len(), 0.0);
        }
        let inputs = Inputs { heads: w.config.heads, queries: q, keys: k, values: v };
        let into = Gradients { queries: d_q, keys: d_k, values: d_v };
        inputs.backward(self.lens, d_input, into);
        w.config.rope.rotate(d_q, n_q, &self.turn_back);
        w.config.rope.rotate(d_k, n_kv, &self.turn_back);
        d_qkv.clear();
        d_qkv.resize(qkv.len(), 0.0);
        let stride = n_q + 2 * n_kv;
        let norms = [(q, d_q, &layer.attn_q_norm, 0, n_q), (k, d_k, &layer.attn_k_norm, n_q, n_kv)];
        for (values, grad, gain, first, n) in norms {
            if let Some(gain) = gain {
                columns(qkv, stride, first, n, values);
                let after = std::mem::take(grad);
                grad.resize(after.len(), 0.0);
                rms_norm_back(values, gain, w.config.epsilon, &after, grad);
            }
            put_columns(grad, n, d_qkv, stride, first);
        }
        put_columns(d_v, n_kv, d_qkv, stride, n_q + n_kv);
        let matrix = &layer.attn_qkv;
        self.product_back(ix, Place::Qkv, matrix, normed, low, d_qkv, d_normed, grads);
        rms_norm_back(&kept.x, &layer.attn_norm, w.config.epsilon, d_normed, grad);
    }
}

/// `n` columns of the rows of `x [T, stride]`, from `first` on.
fn columns(x: &[f32], stride: usize, first: usize, n: usize, out: &mut Vec<f32>) {
    out.clear();
    for row in x.chunks_exact(stride) {
        out.extend_from_slice(&row[first..first + n]);
    }
}

fn put_columns(x: &[f32], n: usize, out: &mut [f32], stride: usize, first: usize) {
    for (row, x) in out.chunks_exact_mut(stride).zip(x.chunks_exact(n)) {
        row[first..first + n].copy_from_slice(x);
    }
}
