//! The element-wise pieces of a transformer on the CPU, vectorized for the processor at hand.
//!
//! Each is a plain loop that `pulp` compiles for the widest instructions there are. Sums go over 16
//! lanes, so that the compiler may keep them in registers without changing their order.

use pulp::Arch;

const LANES: usize = 16;

/// `sum(a * b)`
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane = a.mul_add(*b, *lane);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sum_lanes(lanes) + rest
}

/// `y += a * x`
#[inline(always)]
pub fn add_scaled(y: &mut [f32], a: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = x.mul_add(a, *y);
    }
}

/// `e^x` with a relative error under 3e-7 (degree-6 polynomial on `[-ln 2 / 2, ln 2 / 2]`);
/// 0 below -87, and no more than `e^88` above.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.0, 88.0);
    let shifted = clamped.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-1.428_606_8e-6, n.mul_add(-0.693_145_75, clamped));
    let mut p = 1.0f32 / 720.0;
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = p.mul_add(r, coefficient);
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x < -87.0 { 0.0 } else { p * power }
}

#[inline(always)]
fn sum_lanes(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for ix in 0..width {
            lanes[ix] += lanes[ix + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// The largest value; negative infinity for none.
#[inline(always)]
pub fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = if *x > *lane { *x } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |m, x| m.max(*x))
}

/// Turns `values` into `e^(value - max)` in place and returns their sum.
#[inline(always)]
pub fn exp_sum(values: &mut [f32], max: f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (chunks, rest) = values.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *x = exp(*x - max);
            *lane += *x;
        }
    }
    let mut sum = sum_lanes(lanes);
    for x in rest {
        *x = exp(*x - max);
        sum += *x;
    }
    sum
}

/// `ln(sum(e^(value - max)))` and the place of the largest value.
pub fn log_sum_exp(values: &[f32], scratch: &mut Vec<f32>) -> (f32, usize) {
    Arch::new().dispatch(|| {
        let largest = max(values);
        scratch.clear();
        scratch.extend_from_slice(values);
        let sum = exp_sum(scratch, largest);
        let place = values.iter().position(|x| *x == largest).unwrap_or(0);
        (largest + sum.ln(), place)
    })
}

/// Root-mean-square normalization of each row of `x [rows, D]`, times `weight [D]`.
pub fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32) -> Vec<f32> {
    let mut out = x.to_vec();
    rms_norm_in_place(&mut out, weight, epsilon);
    out
}

/// As [`rms_norm`], in place.
pub fn rms_norm_in_place(x: &mut [f32], weight: &[f32], epsilon: f32) {
    Arch::new().dispatch(|| {
        for row in x.chunks_exact_mut(weight.len()) {
            let mean = dot(row, row) / weight.len() as f32;
            let scale = 1.0 / (mean + epsilon).sqrt();
            for (x, w) in row.iter_mut().zip(weight) {
                *x = *x * scale * w;
            }
        }
    });
}

/// `silu(gate) * up` of rows `[gate | up]`, `[rows, 2 F]` to `[rows, F]`.
pub fn silu_mul(gate_up: &[f32], width: usize, out: &mut [f32]) {
    Arch::new().dispatch(|| {
        for (row, out) in gate_up.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
            let (gate, up) = row.split_at(width);
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = gate / (1.0 + exp(-gate)) * up;
            }
        }
    });
}

/// `a += b`
pub fn add(a: &mut [f32], b: &[f32]) {
    Arch::new().dispatch(|| {
        for (a, b) in a.iter_mut().zip(b) {
            *a += b;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_close_everywhere() {
        for ix in -8600..8700 {
            let x = ix as f32 / 100.0;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 3e-7, "{x}");
        }
        assert_eq!(exp(-200.0), 0.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
    }

    #[test]
    fn sums_reach_past_the_lanes() {
        let values: Vec<f32> = (0..37).map(|i| i as f32).collect();
        assert_eq!(dot(&values, &values), (0..37).map(|i| (i * i) as f32).sum());
        assert_eq!(max(&values), 36.0);
        let (lse, place) = log_sum_exp(&[1.0, 3.0, 3.0, -2.0], &mut Vec::new());
        let exact: f64 = [1.0f64, 3.0, 3.0, -2.0].iter().map(|x| x.exp()).sum();
        assert!((f64::from(lse) - exact.ln()).abs() < 1e-6);
        assert_eq!(place, 1);
    }

    #[test]
    fn norm_and_gate_follow_their_formulas() {
        let out = rms_norm(&[3.0, 4.0], &[1.0, 2.0], 0.0);
        let rms = 12.5f32.sqrt();
        assert!((out[0] - 3.0 / rms).abs() < 1e-6 && (out[1] - 8.0 / rms).abs() < 1e-6);
        let mut gated = [0.0];
        silu_mul(&[1.5, 2.0], 1, &mut gated);
        assert!((gated[0] - 1.5 / (1.0 + (-1.5f32).exp()) * 2.0).abs() < 1e-6);
    }
}
