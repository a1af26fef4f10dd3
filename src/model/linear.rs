//! A weight matrix in the two forms that the CPU wants: dense for prompts, quantized for decoding.
//!
//! Prompts multiply hundreds of rows at once and are bound by arithmetic: dense f32, kept in memory
//! or decoded from the quantized form for each use. Decoding multiplies few rows and is bound by the
//! bytes it reads: the file's own blocks where candle has a fast product for them, else our tiles.
//! How much of it fits into memory is decided in `candle_model`.

use super::adapter::Fused;
use super::tiles::Tiles;
use candle_core::quantized::{GgmlDType, QuantizedType};
use candle_core::{CpuStorage, Error};
use gemm::Parallelism;
use std::borrow::Cow;

/// Which product a matrix multiplication takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Many rows: dense f32.
    Prompt,
    /// Few rows: quantized weights.
    Decode,
}

/// Which forms of the weights are held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Dense f32 for everything: what parity tests compare with.
    DenseOnly,
    /// Dense f32 for prompts and quantized weights for decoding.
    Both,
    /// Quantized weights alone; prompts decode one matrix at a time.
    QuantizedOnly,
}

/// One two-dimensional tensor of a GGUF file, `[n_out, n_in]`, its length checked by the loader.
pub struct Block {
    /// Rows: outputs.
    pub n_out: usize,
    /// Columns: inputs.
    pub n_in: usize,
    /// The weights in the file's own format.
    pub weights: Box<dyn QuantizedType>,
}

impl Block {
    /// The weights as f32, `[n_out, n_in]`.
    pub fn dense(&self) -> Result<Vec<f32>, Error> {
        into_f32(self.weights.dequantize(self.n_out * self.n_in)?)
    }

    /// One row of f32 for each of `ids`, `[ids, n_in]`.
    pub fn rows(&self, ids: &[u32]) -> Result<Vec<f32>, Error> {
        into_f32(self.weights.embedding(ids, self.n_out, self.n_in)?)
    }
}

fn into_f32(storage: CpuStorage) -> Result<Vec<f32>, Error> {
    match storage {
        CpuStorage::F32(values) => Ok(values),
        _ => Err(Error::msg("dequantizing did not give f32")),
    }
}

/// How a weight format is multiplied while decoding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// candle's product over the file's own blocks.
    Blocks,
    /// Our 4-bit tiles, which hold the blocks without loss.
    Tiles4,
    /// Our 8-bit tiles.
    Tiles8,
    /// Dense f32: the file holds floating-point weights, and a person who chose those wants them.
    Dense,
}

/// The decision for a format whose rows are `n_in` long: candle has fast products for the k-quants,
/// and none over several rows for the older 32-value formats.
fn form_of(dtype: GgmlDType, n_in: usize, held: Held) -> Form {
    match dtype {
        GgmlDType::Q2K | GgmlDType::Q3K | GgmlDType::Q4K | GgmlDType::Q5K | GgmlDType::Q6K => {
            Form::Blocks
        }
        _ if !n_in.is_multiple_of(32) => Form::Dense,
        GgmlDType::Q4_0 | GgmlDType::Q4_1 => Form::Tiles4,
        GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 if held != Held::QuantizedOnly => {
            Form::Dense
        }
        _ => Form::Tiles8,
    }
}

/// Bytes that a matrix of `n_out` by `n_in` in this format takes in memory.
pub fn planned_bytes(dtype: GgmlDType, n_out: usize, n_in: usize, held: Held) -> u64 {
    let n = n_out as u64 * n_in as u64;
    let quantized = match form_of(dtype, n_in, held) {
        Form::Blocks => n / dtype.block_size() as u64 * dtype.type_size() as u64,
        Form::Tiles4 => n * 5 / 8,
        Form::Tiles8 => n * 9 / 8,
        Form::Dense => 0,
    };
    match held {
        Held::DenseOnly => 4 * n,
        Held::Both => 4 * n + quantized,
        Held::QuantizedOnly if quantized == 0 => 4 * n,
        Held::QuantizedOnly => quantized,
    }
}

enum Quantized {
    Tiles(Tiles),
    Blocks(Block),
}

/// One or several weight matrices over the same input, their outputs side by side.
pub struct Linear {
    n_in: usize,
    n_out: usize,
    /// Empty where decoding is dense too.
    quantized: Vec<Quantized>,
    /// `[n_out, n_in]`
    dense: Option<Vec<f32>>,
    /// `[n_out]`
    bias: Option<Vec<f32>>,
    /// What an adapter adds.
    change: Option<Change>,
}

/// A and B of an adapter, by columns.
struct Change {
    rank: usize,
    /// `[n_in, rank]`
    a: Vec<f32>,
    /// `[rank, n_out]`
    b: Vec<f32>,
}

impl Change {
    fn new(Fused { rank, a, b }: Fused) -> Self {
        let n_in = a.len() / rank;
        Self { rank, a: transposed(&a, n_in), b: transposed(&b, rank) }
    }
}

/// Rows of `width` numbers with rows and columns exchanged.
fn transposed(rows: &[f32], width: usize) -> Vec<f32> {
    (0..width).flat_map(|column| rows.iter().skip(column).step_by(width).copied()).collect()
}

impl Linear {
    /// The same with what an adapter adds to the products, kept apart from the weights.
    pub fn with_change(self, change: Option<Fused>) -> Self {
        Self { change: change.map(Change::new), ..self }
    }

    /// Brings `parts` into the forms that `held` asks for.
    pub fn new(parts: Vec<Block>, bias: Option<Vec<f32>>, held: Held) -> Result<Self, Error> {
        let n_in = parts.first().map_or(0, |part| part.n_in);
        let n_out = parts.iter().map(|part| part.n_out).sum();
        let forms: Vec<Form> =
            parts.iter().map(|part| form_of(part.weights.dtype(), n_in, held)).collect();
        let decodes_dense = held == Held::DenseOnly || forms.contains(&Form::Dense);
        let mut dense = None;
        if decodes_dense || held == Held::Both {
            let mut weights = Vec::with_capacity(n_out * n_in);
            for part in &parts {
                weights.extend(part.dense()?);
            }
            dense = Some(weights);
        }
        let quantized = if decodes_dense { Vec::new() } else { quantize(parts, &forms, n_in)? };
        Ok(Self { n_in, n_out, quantized, dense, bias, change: None })
    }

    /// `input [n_rows, n_in]` times the weights, plus the bias and the change, into `out [n_rows, n_out]`, which
    /// gets this length.
    pub fn forward(
        &self,
        input: &[f32],
        n_rows: usize,
        path: Path,
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        out.resize(n_rows * self.n_out, 0.0);
        if path == Path::Prompt || self.quantized.is_empty() {
            product(input, n_rows, &self.dense()?, self.n_in, out);
        } else {
            self.decode(input, n_rows, out)?;
        }
        if let Some(bias) = &self.bias {
            for row in out.chunks_exact_mut(self.n_out) {
                row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
            }
        }
        if let Some(Change { rank, a, b }) = &self.change {
            let mut low = vec![0.0; n_rows * rank];
            add_narrow(input, n_rows, a, self.n_in, &mut low);
            add_narrow(&low, n_rows, b, *rank, out);
        }
        Ok(())
    }

    fn decode(&self, input: &[f32], n_rows: usize, out: &mut [f32]) -> Result<(), Error> {
        if let [part] = &self.quantized[..] {
            return part.matmul(input, n_rows, self.n_in, out);
        }
        let mut first = 0;
        for part in &self.quantized {
            let n = part.n_out();
            let mut columns = vec![0.0; n_rows * n];
            part.matmul(input, n_rows, self.n_in, &mut columns)?;
            for (row, columns) in out.chunks_exact_mut(self.n_out).zip(columns.chunks_exact(n)) {
                row[first..first + n].copy_from_slice(columns);
            }
            first += n;
        }
        Ok(())
    }

    /// The dense weights `[n_out, n_in]`, as kept or decoded now.
    pub fn dense(&self) -> Result<Cow<'_, [f32]>, Error> {
        if let Some(dense) = &self.dense {
            return Ok(Cow::Borrowed(dense));
        }
        let mut dense = Vec::with_capacity(self.n_out * self.n_in);
        for part in &self.quantized {
            match part {
                Quantized::Tiles(tiles) => dense.extend(tiles.dense()),
                Quantized::Blocks(block) => dense.extend(block.dense()?),
            }
        }
        Ok(Cow::Owned(dense))
    }
}

/// The parts in their forms; tiles of one form become one matrix, which costs one pass instead of
/// several.
fn quantize(parts: Vec<Block>, forms: &[Form], n_in: usize) -> Result<Vec<Quantized>, Error> {
    if forms.iter().all(|form| *form == Form::Tiles4) {
        return Ok(vec![Quantized::Tiles(four(&parts, n_in))]);
    }
    let mut quantized = Vec::new();
    for (part, form) in parts.into_iter().zip(forms) {
        quantized.push(match form {
            Form::Blocks => Quantized::Blocks(part),
            Form::Tiles4 => Quantized::Tiles(four(&[part], n_in)),
            Form::Tiles8 | Form::Dense => {
                Quantized::Tiles(Tiles::eight(&part.dense()?, part.n_out, n_in))
            }
        });
    }
    Ok(quantized)
}

fn four(parts: &[Block], n_in: usize) -> Tiles {
    let blocks: Vec<_> = parts
        .iter()
        .map(|part| (&*part.weights, part.n_out, part.weights.dtype() == GgmlDType::Q4_1))
        .collect();
    Tiles::four(&blocks, n_in)
}

impl Quantized {
    fn n_out(&self) -> usize {
        match self {
            Self::Tiles(tiles) => tiles.n_out(),
            Self::Blocks(block) => block.n_out,
        }
    }

    fn matmul(&self, x: &[f32], n_rows: usize, n_in: usize, out: &mut [f32]) -> Result<(), Error> {
        match self {
            Self::Tiles(tiles) => {
                tiles.matmul(x, n_rows, out);
                Ok(())
            }
            Self::Blocks(block) => block.weights.matmul_t((n_rows, n_in, block.n_out), x, out),
        }
    }
}

/// `out [n_rows, n_out] = input [n_rows, n_in] x weights [n_out, n_in]^T`, on all cores.
///
/// A single row is computed as two: gemm takes another path for one, with other bits.
pub fn product(input: &[f32], n_rows: usize, weights: &[f32], n_in: usize, out: &mut [f32]) {
    let n_out = weights.len() / n_in.max(1);
    if n_rows == 1 {
        let mut both = vec![0.0; 2 * n_out];
        product(&input.repeat(2), 2, weights, n_in, &mut both);
        out.copy_from_slice(&both[..n_out]);
        return;
    }
    let parallel = Parallelism::Rayon(rayon::current_num_threads());
    let input = Matrix { data: input, n_rows, n_cols: n_in, row_stride: n_in };
    let weights = Matrix { data: weights, n_rows: n_out, n_cols: n_in, row_stride: n_in };
    multiply(input, weights.transposed(), out, n_out, false, parallel);
}

/// `out [n_rows, n_out] += input [n_rows, n_in] x columns [n_in, n_out]`, where a row has the same bits
/// in any company however few the outputs are.
///
/// With up to 64 rows and outputs gemm cuts sums of more than 512 inputs at other places than with
/// more, so it gets no longer ones from here; and it takes yet another path for up to 256 products
/// whose columns lie one after the other, which these do not.
fn add_narrow(input: &[f32], n_rows: usize, columns: &[f32], n_in: usize, out: &mut [f32]) {
    const LONGEST: usize = 512;
    let n_out = columns.len() / n_in.max(1);
    if n_rows == 1 {
        let mut both = out.repeat(2);
        add_narrow(&input.repeat(2), 2, columns, n_in, &mut both);
        out.copy_from_slice(&both[..n_out]);
        return;
    }
    let parallel = Parallelism::Rayon(rayon::current_num_threads());
    for first in (0..n_in).step_by(LONGEST) {
        let n = LONGEST.min(n_in - first);
        let input = Matrix { data: &input[first..], n_rows, n_cols: n, row_stride: n_in };
        let columns = &columns[first * n_out..];
        let columns = Matrix { data: columns, n_rows: n, n_cols: n_out, row_stride: n_out };
        multiply(input, columns, out, n_out, true, parallel);
    }
}

/// A matrix inside a slice; rows lie `row_stride` apart.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    pub data: &'a [f32],
    pub n_rows: usize,
    pub n_cols: usize,
    pub row_stride: usize,
}

/// A matrix read with rows and columns exchanged.
#[derive(Clone, Copy)]
pub struct Transposed<'a>(Matrix<'a>);

impl<'a> Matrix<'a> {
    /// The same numbers with rows and columns exchanged.
    pub fn transposed(self) -> Transposed<'a> {
        Transposed(self)
    }

    fn check(&self) {
        assert!(self.n_cols <= self.row_stride);
        assert!(
            self.n_rows == 0
                || self.data.len() >= (self.n_rows - 1) * self.row_stride + self.n_cols
        );
    }
}

/// A side of [`multiply`]: a matrix as it lies or transposed.
pub trait Operand {
    /// Data, rows, columns, row stride, column stride.
    fn view(&self) -> (&[f32], usize, usize, usize, usize);
}

impl Operand for Matrix<'_> {
    fn view(&self) -> (&[f32], usize, usize, usize, usize) {
        self.check();
        (self.data, self.n_rows, self.n_cols, self.row_stride, 1)
    }
}

impl Operand for Transposed<'_> {
    fn view(&self) -> (&[f32], usize, usize, usize, usize) {
        self.0.check();
        (self.0.data, self.0.n_cols, self.0.n_rows, 1, self.0.row_stride)
    }
}

/// `out = left x right`, or `out += left x right` with `add`; rows of `out` lie `out_stride` apart.
pub fn multiply(
    left: impl Operand,
    right: impl Operand,
    out: &mut [f32],
    out_stride: usize,
    add: bool,
    parallel: Parallelism,
) {
    let (left, m, left_k, left_row, left_col) = left.view();
    let (right, k, n, right_row, right_col) = right.view();
    assert_eq!(left_k, k);
    assert!(n <= out_stride && (m == 0 || out.len() >= (m - 1) * out_stride + n));
    // SAFETY: the three slices hold every place that these shapes and strides reach, as checked.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            add,
            left.as_ptr(),
            left_col as isize,
            left_row as isize,
            right.as_ptr(),
            right_col as isize,
            right_row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallel,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    fn drawn(n: usize, purpose: &str) -> Vec<f32> {
        let mut stream = Stream::new(1, "linear", purpose);
        (0..n).map(|_| (stream.unit() * 2.0 - 1.0) as f32).collect()
    }

    fn block(dtype: GgmlDType, n_out: usize, n_in: usize) -> Block {
        let mut weights = dtype.cpu_zeros(n_out * n_in);
        weights.from_float(&drawn(n_out * n_in, &format!("{dtype:?}{n_out}")));
        Block { n_out, n_in, weights }
    }

    /// Normalized squared error of `found`, and the place of the largest difference.
    fn error(found: &[f32], exact: &[f32]) -> (f64, usize) {
        let differences = found.iter().zip(exact).map(|(x, y)| f64::from(x - y).powi(2));
        let worst = differences.clone().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let energy: f64 = exact.iter().map(|y| f64::from(*y).powi(2)).sum();
        (differences.sum::<f64>() / energy, worst.map_or(0, |(place, _)| place))
    }

    #[test]
    fn every_format_decodes_what_its_dense_form_says() {
        use GgmlDType::*;
        let n_in = 512;
        for dtype in [F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K] {
            for held in [Held::Both, Held::QuantizedOnly, Held::DenseOnly] {
                // Two parts of one format, as gate and up; then of two formats, as in mixed files.
                for second in [dtype, Q8_0] {
                    let parts = || vec![block(dtype, 19, n_in), block(second, 24, n_in)];
                    let exact: Vec<f32> = parts().iter().flat_map(|p| p.dense().unwrap()).collect();
                    let bias = drawn(43, "bias");
                    let linear = Linear::new(parts(), Some(bias.clone()), held).unwrap();
                    for n_rows in [1, 2, 5] {
                        let input = drawn(n_rows * n_in, "x");
                        let mut expected = vec![0.0; n_rows * 43];
                        product(&input, n_rows, &exact, n_in, &mut expected);
                        for row in expected.chunks_exact_mut(43) {
                            row.iter_mut().zip(&bias).for_each(|(x, b)| *x += b);
                        }
                        for (path, most) in [(Path::Prompt, 2e-5), (Path::Decode, 2e-4)] {
                            let mut out = Vec::new();
                            linear.forward(&input, n_rows, path, &mut out).unwrap();
                            let (error, worst) = error(&out, &expected);
                            let case = format!("{dtype:?}+{second:?} {held:?} {path:?} x{n_rows}");
                            assert!(error < most, "{case}: {error}, worst at {worst}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_change_is_added_on_both_paths_with_the_same_bits_in_any_company() {
        let (n_in, n_out) = (576, 130);
        let input = drawn(70 * n_in, "x");
        for rank in [4, 8, 24, 72] {
            let (a, b) = (drawn(rank * n_in, "a"), drawn(n_out * rank, "b"));
            let linear = |change| {
                let parts = vec![block(GgmlDType::Q8_0, n_out, n_in)];
                Linear::new(parts, None, Held::Both).unwrap().with_change(change)
            };
            let (plain, changed) =
                (linear(None), linear(Some(Fused { rank, a: a.clone(), b: b.clone() })));
            for path in [Path::Prompt, Path::Decode] {
                let run = |linear: &Linear, n_rows: usize| {
                    let mut out = Vec::new();
                    linear.forward(&input[..n_rows * n_in], n_rows, path, &mut out).unwrap();
                    out
                };
                let (all, without) = (run(&changed, 70), run(&plain, 70));
                for n_rows in [1, 2, 3, 33] {
                    assert!(run(&changed, n_rows) == all[..n_rows * n_out], "{rank} x{n_rows}");
                }
                let dot = |x: &[f32], y: &[f32]| -> f64 {
                    x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
                };
                for row in [0, 69] {
                    let x = &input[row * n_in..(row + 1) * n_in];
                    let low: Vec<f32> = a.chunks_exact(n_in).map(|a| dot(x, a) as f32).collect();
                    for (out, b) in b.chunks_exact(rank).enumerate() {
                        let exact = f64::from(without[row * n_out + out]) + dot(&low, b);
                        let error = (f64::from(all[row * n_out + out]) - exact).abs();
                        assert!(error < 1e-3, "{rank} {path:?} {row} {out}: {error}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_of_the_dense_product_have_the_same_bits_in_any_company() {
        let (n_in, n_out) = (576, 130);
        let weights = drawn(n_in * n_out, "w");
        let input = drawn(70 * n_in, "x");
        let run = |n_rows: usize| {
            let mut out = vec![0.0; n_rows * n_out];
            product(&input[..n_rows * n_in], n_rows, &weights, n_in, &mut out);
            out
        };
        let all = run(70);
        for n_rows in [1, 2, 3, 17, 64] {
            assert_eq!(run(n_rows), all[..n_rows * n_out], "{n_rows} rows");
        }
    }

    #[test]
    fn a_wrong_product_a_permuted_one_and_a_nan_are_told() {
        let right = [1.0, -2.0, 3.0, 0.5];
        assert!(error(&[1.0, -2.0, 3.0, 0.5], &right).0 < 1e-12);
        assert_eq!(error(&[1.0, -2.0, 2.0, 0.5], &right), (1.0 / 14.25, 2));
        assert!(error(&[-2.0, 1.0, 3.0, 0.5], &right).0 > 0.1);
        let with_nan = error(&[1.0, f32::NAN, 3.0, 0.5], &right).0;
        assert!(with_nan.is_nan(), "a NaN is below no bound");
    }
}
