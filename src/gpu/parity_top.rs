//! The kernels that choose tokens against plain Rust.

use super::kernel::Kernel;
use super::parity::{Draw, device, floats, run, words};

#[test]
fn gpu_the_largest_logits_are_those_of_a_sort() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("top");
    for case in 0..200 {
        let lanes = if case % 2 == 0 { 64 } else { 256 };
        let n = [1, 5, 64][case % 3];
        let (n_rows, width) = (draw.size(3), draw.size(700));
        let mut logits = draw.values(n_rows * width);
        if case % 5 == 0 {
            // Many equal ones, and tokens that are never taken.
            for logit in &mut logits {
                *logit = (*logit * 4.0).round() + 0.0;
                if *logit < -3.0 {
                    *logit = -3.0e38;
                }
            }
        }
        let inverses: Vec<f32> = (0..n_rows).map(|row| 1.0 + row as f32).collect();
        let stride = 2 + 2 * n + lanes;
        let before = vec![0; n_rows * stride];
        let kernel = Kernel::Top { n: n as u32, lanes: lanes as u32 };
        let buffers = [words(&logits), words(&inverses), &before];
        let out = run(&mut gpu, kernel, &buffers, &[width as u32], [n_rows as u32, 1]);
        for (row, found) in out[2].chunks_exact(stride).enumerate() {
            let logits = &logits[row * width..][..width];
            let mut sorted: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
            sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            let largest = sorted[0].1;
            // Those that share the last place are in only if all of them are.
            let next = sorted.get(n).map(|next| next.1);
            sorted.truncate(n);
            sorted.retain(|(_, logit)| Some(*logit) != next);
            let pairs = found[2..2 + 2 * n].chunks_exact(2).take(found[0] as usize);
            let mut found_top: Vec<(u32, f32)> =
                pairs.map(|pair| (pair[0], f32::from_bits(pair[1]))).collect();
            found_top.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            assert_eq!(found_top, sorted, "{kernel:?} {width} row {row}");
            assert_eq!(f32::from_bits(found[1]), largest);
            let sum: f64 = floats(&found[2 + 2 * n..]).iter().map(|sum| f64::from(*sum)).sum();
            let weight = |x: &f32| (f64::from(*x - largest) * f64::from(inverses[row])).exp();
            let expected: f64 = logits.iter().map(weight).sum();
            assert!((sum / expected - 1.0).abs() < 1e-5, "{sum} for {expected}");
        }
    }
}

#[test]
fn gpu_logits_are_adjusted_as_in_plain_rust() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("adjust");
    for _ in 0..200 {
        let (n_rows, width) = (draw.size(3), 1 + draw.size(300));
        let logits = draw.values(n_rows * width);
        let mut expected = logits.clone();
        let mut entries: Vec<usize> = (0..n_rows * width).collect();
        draw.0.shuffle(&mut entries);
        entries.truncate(draw.size(n_rows * width));
        let mut changes = Vec::new();
        for (ix, at) in entries.iter().enumerate() {
            let factor: f32 = [0.0, 1.25, 2.0][ix % 3];
            changes.extend([(at / width) as u32, (at % width) as u32, factor.to_bits(), 0]);
            let logit = &mut expected[*at];
            *logit = match factor {
                0.0 => -3.0e38,
                factor if *logit > 0.0 => *logit / factor,
                factor => *logit * factor,
            };
        }
        let shape = [width as u32, entries.len() as u32];
        let groups = [entries.len().div_ceil(64) as u32, 1];
        let buffers = [&changes[..], words(&logits)];
        let out = run(&mut gpu, Kernel::Adjust, &buffers, &shape, groups);
        for (found, expected) in floats(&out[1]).iter().zip(&expected) {
            assert!((found - expected).abs() <= expected.abs() * 1e-6, "{found} for {expected}");
        }
    }
}
