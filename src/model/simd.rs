//! The element-wise pieces of a transformer on the CPU, vectorized for the processor at hand.
//!
//! Each is a plain loop that is compiled several times, for the widest instructions there are. Sums
//! go over 16 lanes, so that the compiler may keep them in registers without changing their order.

/// Defines a function that runs compiled for AVX-512 or for AVX2 with FMA where the processor has
/// them. What its body calls must be `#[inline(always)]` to be compiled so too.
macro_rules! vectorized {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $kind:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$doc])*
        $vis fn $name($($arg: $kind),*) $(-> $out)? {
            #[inline(always)]
            fn plain($($arg: $kind),*) $(-> $out)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
                fn avx512($($arg: $kind),*) $(-> $out)? {
                    plain($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $kind),*) $(-> $out)? {
                    plain($($arg),*)
                }
                let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
                if has_avx2
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                {
                    // SAFETY: the processor has what the function is compiled for.
                    return unsafe { avx512($($arg),*) };
                }
                if has_avx2 {
                    // SAFETY: as above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            plain($($arg),*)
        }
    };
}
pub(crate) use vectorized;

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
fn max(values: &[f32]) -> f32 {
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

vectorized! {
    /// `ln(sum(e^(value - max)))` and the place of the largest value.
    pub fn log_sum_exp(values: &[f32], scratch: &mut Vec<f32>) -> (f32, usize) {
        let largest = max(values);
        scratch.clear();
        scratch.extend_from_slice(values);
        let sum = exp_sum(scratch, largest);
        let place = values.iter().position(|x| *x == largest).unwrap_or(0);
        (largest + sum.ln(), place)
    }
}

/// Root-mean-square normalization of each row of `x [rows, D]`, times `weight [D]`.
pub fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    out.copy_from_slice(x);
    rms_norm_in_place(out, weight, epsilon);
}

vectorized! {
    /// As [`rms_norm`], in place.
    pub fn rms_norm_in_place(x: &mut [f32], weight: &[f32], epsilon: f32) {
        for row in x.chunks_exact_mut(weight.len()) {
            let mean = dot(row, row) / weight.len() as f32;
            let scale = 1.0 / (mean + epsilon).sqrt();
            for (x, w) in row.iter_mut().zip(weight) {
                *x = *x * scale * w;
            }
        }
    }
}

vectorized! {
    /// `silu(gate) * up` of rows `[gate | up]`, `[rows, 2 F]` to `[rows, F]`.
    pub fn silu_mul(gate_up: &[f32], width: usize, out: &mut [f32]) {
        for (row, out) in gate_up.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
            let (gate, up) = row.split_at(width);
            for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                *out = gate / (1.0 + exp(-gate)) * up;
            }
        }
    }
}

vectorized! {
    /// `a += b`
    pub fn add(a: &mut [f32], b: &[f32]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a += b;
        }
    }
}

vectorized! {
    /// Softmax weights of each row of scores, not yet divided by their sum, which goes to `totals`;
    /// row `i` sees its first `n_before + i + 1` places, the others become 0.
    pub fn causal_weights(scores: &mut [f32], n_seen: usize, n_before: usize, scale: f32, totals: &mut [f32]) {
        for (ix, (row, total)) in scores.chunks_exact_mut(n_seen).zip(totals).enumerate() {
            let (seen, hidden) = row.split_at_mut(n_before + ix + 1);
            for x in seen.iter_mut() {
                *x *= scale;
            }
            let largest = max(seen);
            *total = exp_sum(seen, largest);
            hidden.fill(0.0);
        }
    }
}

vectorized! {
    /// The scores of one query against keys `[T, width]`, of which it reads `size` values from
    /// `offset` on, added to `scores`.
    pub fn push_scores(scores: &mut Vec<f32>, query: &[f32], keys: &[f32], width: usize, offset: usize, scale: f32) {
        for key in keys.chunks_exact(width) {
            scores.push(dot(query, &key[offset..offset + query.len()]) * scale);
        }
    }
}

vectorized! {
    /// Turns scores into softmax weights, not yet divided by their sum, which is returned.
    pub fn weights(scores: &mut [f32]) -> f32 {
        let largest = max(scores);
        exp_sum(scores, largest)
    }
}

vectorized! {
    /// `out += sum of weight * value` over values `[T, width]`, read from `offset` on.
    pub fn add_weighted(out: &mut [f32], weights: &[f32], values: &[f32], width: usize, offset: usize) {
        let n = out.len();
        for (value, weight) in values.chunks_exact(width).zip(weights) {
            add_scaled(out, *weight, &value[offset..offset + n]);
        }
    }
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
        assert_eq!(dot(&values, &values), (0..37).map(|i| (i * i) as f32).sum::<f32>());
        assert_eq!(max(&values), 36.0);
        let (lse, place) = log_sum_exp(&[1.0, 3.0, 3.0, -2.0], &mut Vec::new());
        let exact: f64 = [1.0f64, 3.0, 3.0, -2.0].iter().map(|x| x.exp()).sum();
        assert!((f64::from(lse) - exact.ln()).abs() < 1e-6);
        assert_eq!(place, 1);
    }

    #[test]
    fn norm_and_gate_follow_their_formulas() {
        let mut out = [0.0; 2];
        rms_norm(&[3.0, 4.0], &[1.0, 2.0], 0.0, &mut out);
        let rms = 12.5f32.sqrt();
        assert!((out[0] - 3.0 / rms).abs() < 1e-6 && (out[1] - 8.0 / rms).abs() < 1e-6);
        let mut gated = [0.0];
        silu_mul(&[1.5, 2.0], 1, &mut gated);
        assert!((gated[0] - 1.5 / (1.0 + (-1.5f32).exp()) * 2.0).abs() < 1e-6);
    }
}
