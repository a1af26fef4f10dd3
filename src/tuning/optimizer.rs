//! AdamW (arXiv 1711.05101) over one list of numbers, the learning rate's course, and clipping; as
//! PyTorch computes them.

use super::settings::Settings;

/// The betas of the paper's trainings (`PAPER.md` section 5).
const BETAS: [f64; 2] = [0.9, 0.95];
const EPSILON: f64 = 1e-8;

/// The two moments of every number.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamW {
    /// Updates done.
    pub n_updates: usize,
    /// Running means of the gradients.
    pub first: Vec<f32>,
    /// Running means of their squares.
    pub second: Vec<f32>,
}

impl AdamW {
    /// Before the first update of `n` numbers.
    pub fn new(n: usize) -> Self {
        Self { n_updates: 0, first: vec![0.0; n], second: vec![0.0; n] }
    }

    /// One update.
    pub fn update(&mut self, values: &mut [f32], grads: &[f32], learning_rate: f64, decay: f64) {
        self.n_updates += 1;
        let [beta1, beta2] = BETAS;
        let n = self.n_updates as i32;
        let step = learning_rate / (1.0 - beta1.powi(n));
        let root = (1.0 - beta2.powi(n)).sqrt();
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((value, grad), (first, second)) in values.iter_mut().zip(grads).zip(moments) {
            let (x, g) = (f64::from(*value), f64::from(*grad));
            *first = (f64::from(*first) * beta1 + (1.0 - beta1) * g) as f32;
            *second = (f64::from(*second) * beta2 + (1.0 - beta2) * g * g) as f32;
            let change = step * f64::from(*first) / (f64::from(*second).sqrt() / root + EPSILON);
            *value = (x * (1.0 - learning_rate * decay) - change) as f32;
        }
    }
}

/// The learning rate of step `ix` of `n`: it rises evenly to its peak, which it reaches with the last
/// warm-up step, and falls along half a cosine, which ends behind the last step. No step is lost to a
/// rate of 0.
pub fn learning_rate(settings: &Settings, ix: usize, n: usize) -> f64 {
    let n_warmup = (settings.warmup_ratio * n as f64).ceil() as usize;
    let share = if ix < n_warmup {
        (ix + 1) as f64 / n_warmup as f64
    } else {
        let done = (ix - n_warmup) as f64 / (n - n_warmup).max(1) as f64;
        0.5 * (1.0 + (std::f64::consts::PI * done).cos())
    };
    settings.learning_rate * share
}

/// The norm of `grads`; they are scaled down to `most` where it is larger, as PyTorch's
/// `clip_grad_norm_` does.
pub fn clip(grads: &mut [f32], most: f64) -> f64 {
    let norm = grads.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
    let scale = most / (norm + 1e-6);
    if scale < 1.0 {
        grads.iter_mut().for_each(|g| *g = (f64::from(*g) * scale) as f32);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_update_has_the_size_of_the_learning_rate() {
        let (mut values, mut adam) = ([1.0f32, 1.0], AdamW::new(2));
        adam.update(&mut values, &[0.3, -20.0], 0.01, 0.1);
        assert!((values[0] - (1.0 - 0.001 - 0.01)).abs() < 1e-6, "{values:?}");
        assert!((values[1] - (1.0 - 0.001 + 0.01)).abs() < 1e-6, "{values:?}");
    }

    #[test]
    fn the_rate_rises_to_its_peak_and_falls() {
        let settings = Settings { learning_rate: 1.0, warmup_ratio: 0.2, ..Settings::default() };
        let rates: Vec<f64> = (0..10).map(|ix| learning_rate(&settings, ix, 10)).collect();
        assert_eq!(&rates[..3], [0.5, 1.0, 1.0]);
        assert!(rates[3..].is_sorted_by(|a, b| a > b) && rates[9] > 0.0);
        let none = Settings { warmup_ratio: 0.0, ..settings };
        assert_eq!(learning_rate(&none, 0, 10), 1.0);
    }

    #[test]
    fn large_gradients_are_clipped_and_small_ones_kept() {
        let mut grads = [3.0, 4.0];
        assert_eq!(clip(&mut grads, 10.0), 5.0);
        assert_eq!(grads, [3.0, 4.0]);
        assert_eq!(clip(&mut grads, 1.0), 5.0);
        assert!((grads[0] - 0.6).abs() < 1e-5);
    }
}
