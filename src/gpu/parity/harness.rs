//! The harness: a dispatch on the device and through its twin, and every buffer compared.

use super::device;
use super::reflection::{Binding, reflect};
use crate::gpu::{Dispatch, Gpu, Kernel, Recording};
use crate::job::Watch;
use half::f16;
use std::collections::BTreeMap;
use std::fmt;

/// What stands behind each buffer, where no kernel may write; no number, so that nobody may read it
/// either.
const GUARD: u32 = 0x7fc0_dead;
/// At least so many of them.
const N_GUARDS: usize = 8;
/// Numbers from here on stand for no logit yet.
const HUGE: f64 = 1e30;

/// A dispatch and the words of its buffers.
pub struct Case {
    pub kernel: Kernel,
    pub shape: Vec<u32>,
    pub groups: [u32; 2],
    pub buffers: Vec<Vec<u32>>,
}

/// How a kernel differs from its twin.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It wrote behind a buffer's end, so many words further.
    PastEnd { buffer: String, n_words: usize },
    /// It left other words in a buffer.
    Differs {
        buffer: String,
        /// Normalized mean squared error of the numbers that were written; infinite for words that
        /// should be equal.
        error: f64,
        /// Index of the word with the largest error.
        worst: usize,
        found: u32,
        expected: u32,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PastEnd { buffer, n_words } => {
                write!(f, "`{buffer}` was written {n_words} words behind its end")
            }
            Self::Differs { buffer, error, worst, found, expected } => {
                let [x, y] = [found, expected].map(|word| f32::from_bits(*word));
                write!(
                    f,
                    "`{buffer}` has an error of {error:e}, the largest in word {worst}: \
                     {found:#x} ({x}) for {expected:#x} ({y})"
                )
            }
        }
    }
}

/// The squared error that the precision of numbers explains, in relation to the squared numbers.
fn most(kernel: Kernel, kind: &str) -> f64 {
    match (kernel, kind) {
        (Kernel::Pick | Kernel::GatherRows, _) => 0.0,
        // Rounded up, down or to nothing, as adapters like.
        (_, "f16") => 1e-6,
        _ => 1e-9,
    }
}

pub struct Harness {
    pub gpu: Gpu,
    bindings: BTreeMap<Kernel, Vec<Binding>>,
}

impl Harness {
    pub fn new() -> Option<Self> {
        Some(Self { gpu: device()?, bindings: BTreeMap::new() })
    }

    /// Runs a case on the device and through `twin`, and says the first difference.
    pub fn check(
        &mut self,
        case: &Case,
        twin: impl Fn(Kernel, &[u32], [u32; 2], &mut [Vec<u32>]),
    ) -> Result<(), Fault> {
        let found = self.on_device(case)?;
        let mut expected = case.buffers.clone();
        twin(case.kernel, &case.shape, case.groups, &mut expected);
        for (ix, binding) in self.bindings(case.kernel).iter().enumerate() {
            let words = [&case.buffers[ix], &expected[ix], &found[ix]].map(Vec::as_slice);
            compare(case.kernel, binding, words)?;
        }
        Ok(())
    }

    /// What is in a case's buffers after the device has done it.
    pub fn on_device(&mut self, case: &Case) -> Result<Vec<Vec<u32>>, Fault> {
        let upload = |words: &Vec<u32>| {
            let mut words = words.clone();
            words.resize((words.len() + N_GUARDS).next_multiple_of(4), GUARD);
            self.gpu.upload(&words, "a test").unwrap()
        };
        let buffers: Vec<_> = case.buffers.iter().map(upload).collect();
        let mut recording = Recording::default();
        recording.run(Dispatch {
            kernel: case.kernel,
            buffers: buffers.clone(),
            shape: case.shape.clone(),
            groups: case.groups,
            work: 1,
            cuts: false,
        });
        self.gpu.run(&recording, &Watch::default()).unwrap();
        self.gpu.forget_bindings();
        let mut all = Vec::new();
        for (ix, buffer) in buffers.iter().enumerate() {
            let mut found = self.gpu.read(buffer, 0, buffer.n_words() as usize).unwrap();
            let guards = found.split_off(case.buffers[ix].len());
            if let Some(last) = guards.iter().rposition(|word| *word != GUARD) {
                let buffer = self.bindings(case.kernel)[ix].name.clone();
                return Err(Fault::PastEnd { buffer, n_words: last + 1 });
            }
            all.push(found);
        }
        Ok(all)
    }

    fn bindings(&mut self, kernel: Kernel) -> &[Binding] {
        self.bindings.entry(kernel).or_insert_with(|| reflect(kernel).bindings)
    }
}

/// Compares a buffer's words field by field: integers and what the twin left as it was must be equal,
/// numbers near.
fn compare(kernel: Kernel, binding: &Binding, words: [&[u32]; 3]) -> Result<(), Fault> {
    let n_fields = binding.fields.len();
    for (first, (_, kind)) in binding.fields.iter().enumerate() {
        let kind = if binding.is_written { kind.as_str() } else { "u32" };
        let places = (first..words[0].len()).step_by(n_fields);
        let (error, worst) = error(places, words, kind);
        if error > most(kernel, kind) {
            let (buffer, [_, expected, found]) = (binding.name.clone(), words.map(|w| w[worst]));
            return Err(Fault::Differs { buffer, error, worst, found, expected });
        }
    }
    Ok(())
}

/// Normalized mean squared error at some places, and the place of the largest error; what is no number
/// or should be equal and is not has an infinite one.
fn error(
    places: impl Iterator<Item = usize>,
    [before, expected, found]: [&[u32]; 3],
    kind: &str,
) -> (f64, usize) {
    let (mut errors, mut energy, mut largest, mut worst) = (0.0, 0.0, 0.0, 0);
    for place in
        places.filter(|place| found[*place] != before[*place] || expected[*place] != before[*place])
    {
        let mut square = 0.0;
        for (x, y) in numbers(kind, found[place]).zip(numbers(kind, expected[place])) {
            let is_near = expected[place] != before[place] && y.abs() < HUGE && x.is_finite();
            square += if is_near { (x - y).powi(2) } else { f64::INFINITY };
            energy += if is_near { y * y } else { 0.0 };
        }
        if found[place] == expected[place] {
            square = 0.0;
        } else if kind == "u32" {
            square = f64::INFINITY;
        }
        if square > largest {
            (largest, worst) = (square, place);
        }
        errors += square;
    }
    // Without an error there is none, whatever the numbers are.
    (if errors > 0.0 { errors / energy } else { 0.0 }, worst)
}

/// The numbers in a word; none in an integer.
fn numbers(kind: &str, word: u32) -> impl Iterator<Item = f64> {
    let half = |shift: u32| f16::from_bits((word >> shift) as u16).to_f64();
    let all = match kind {
        "f32" => [Some(f64::from(f32::from_bits(word))), None],
        "f16" => [Some(half(0)), Some(half(16))],
        _ => [None, None],
    };
    all.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::super::draw::Draw;
    use super::super::{cases, hardware};
    use super::*;
    use crate::gpu::{shape, twin};

    fn norm() -> Case {
        cases::rms_norm(&mut Draw::new("harness"), &hardware(), 0)
    }

    /// Buffer, place and error of a difference.
    fn difference(fault: Result<(), Fault>) -> (String, usize, f64) {
        match fault {
            Err(Fault::Differs { buffer, worst, error, .. }) => (buffer, worst, error),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn gpu_a_wrong_twin_is_reported() {
        let Some(mut harness) = Harness::new() else { return };
        assert_eq!(harness.check(&norm(), twin), Ok(()));
        // It takes another epsilon.
        let wrong = |kernel, shape: &[u32], groups, buffers: &mut [Vec<u32>]| {
            let epsilon = f32::from_bits(shape[1]) + 0.001;
            twin(kernel, &[shape[0], epsilon.to_bits()], groups, buffers);
        };
        let (buffer, _, error) = difference(harness.check(&norm(), wrong));
        assert_eq!(buffer, "outputs");
        assert!((1e-8..1e-4).contains(&error), "{error}");
        // It is wrong in one place, and not by much.
        let wrong = |kernel, shape: &[u32], groups, buffers: &mut [Vec<u32>]| {
            twin(kernel, shape, groups, buffers);
            let value = &mut buffers[2][17];
            *value = (f32::from_bits(*value) * 1.01).to_bits();
        };
        assert_eq!(difference(harness.check(&norm(), wrong)).1, 17);
        // It forgets one place, or writes to one of its inputs.
        for (ix, place) in [(2, 5), (1, 6)] {
            let wrong = |kernel, shape: &[u32], groups, buffers: &mut [Vec<u32>]| {
                let before = buffers[2][5];
                twin(kernel, shape, groups, buffers);
                buffers[ix][place] = before;
            };
            let (buffer, worst, error) = difference(harness.check(&norm(), wrong));
            assert_eq!((buffer.as_str(), worst), (["inputs", "outputs"][ix - 1], place));
            assert_eq!(error, f64::INFINITY);
        }
    }

    #[test]
    fn gpu_a_permuted_output_is_reported() {
        let Some(mut harness) = Harness::new() else { return };
        let permuted = |kernel, shape: &[u32], groups, buffers: &mut [Vec<u32>]| {
            twin(kernel, shape, groups, buffers);
            buffers[2].swap(8, 9);
        };
        let (buffer, worst, error) = difference(harness.check(&norm(), permuted));
        assert_eq!(buffer, "outputs");
        assert!([8, 9].contains(&worst) && error > 1e-4, "{worst} {error}");
    }

    #[test]
    fn gpu_a_nan_is_reported() {
        let Some(mut harness) = Harness::new() else { return };
        // Both signs: which one arithmetic gives is not said anywhere.
        for nan in [f32::NAN, -f32::NAN] {
            let mut case = norm();
            let clean = case.buffers[0].clone();
            case.buffers[0][3] = nan.to_bits();
            let healed = |kernel, shape: &[u32], groups, buffers: &mut [Vec<u32>]| {
                let with_nan = std::mem::replace(&mut buffers[0], clean.clone());
                twin(kernel, shape, groups, buffers);
                buffers[0] = with_nan;
            };
            let (buffer, worst, error) = difference(harness.check(&case, healed));
            assert_eq!((buffer.as_str(), error), ("outputs", f64::INFINITY));
            assert_eq!(worst % case.shape[0] as usize, 3);
        }
    }

    #[test]
    fn gpu_a_write_past_the_end_is_reported() {
        let Some(mut harness) = Harness::new() else { return };
        for n_words in 0..N_GUARDS {
            let n = 21 + n_words as u32;
            let case = Case {
                kernel: Kernel::MoveWords,
                shape: shape::MoveWords { source: 0, place: 21, n }.words(),
                groups: [1, 1],
                buffers: vec![Draw::new("end").numbers(42)],
            };
            let found = harness.check(&case, |_, _, _, buffers| buffers[0].copy_within(..21, 21));
            let expected = Fault::PastEnd { buffer: "values".into(), n_words };
            assert_eq!(found, if n_words == 0 { Ok(()) } else { Err(expected) });
        }
    }
}
