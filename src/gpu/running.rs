//! The running of recordings, in pieces.
//!
//! Work is submitted in pieces of some hundredths of a second, measured, so that no driver takes a long
//! piece for a hang; a dispatch that is larger than a piece is cut. Who cancels does not wait for a
//! piece to end: what was submitted ends by itself, before anything that is submitted later.

use super::Error;
use super::device::Gpu;
use super::recording::{Dispatch, Recording, Step};
use super::timing::{MOST_TIMED, Timing};
use crate::job::Watch;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Seconds of work in a submission.
const PIECE_SECS: f64 = 0.03;
/// How long a wait goes on before it looks whether the job was cancelled.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A part of a recording that is submitted in one go.
struct Piece<'a> {
    units: Vec<Unit<'a>>,
    work: u64,
}

/// A step, or some rows of its workgroups.
struct Unit<'a> {
    step: &'a Step,
    groups: Range<u32>,
    work: u64,
}

impl Gpu {
    /// Does the steps in order and waits for the end.
    ///
    /// # Errors
    /// [`Error::Cancelled`] soon after the job was cancelled; what is in the buffers then is neither old
    /// nor new. [`Error::Lost`]
    pub fn run(&mut self, recording: &Recording, watch: &Watch) -> Result<(), Error> {
        #[cfg(test)]
        if self.execution.takes_twins() {
            return self.run_twins(recording, watch);
        }
        for step in &recording.steps {
            if let Step::Run(dispatch) = step {
                watch.check()?;
                self.prepare(dispatch)?;
            }
        }
        let timing = self.times.count(recording);
        let most = (self.work_per_sec * PIECE_SECS) as u64;
        let mut before: Option<(wgpu::SubmissionIndex, u64)> = None;
        let mut since = Instant::now();
        for piece in pieces(recording, most, timing) {
            watch.check()?;
            let began = Instant::now();
            let now = self.submit(&piece, timing == Timing::Timestamps);
            if timing != Timing::Off {
                self.wait_unless_cancelled(now, watch)?;
                self.note(&piece, timing, began.elapsed().as_secs_f64())?;
            } else if let Some((submission, work)) = before.replace((now, piece.work)) {
                // One piece runs while the next is put together.
                self.wait_unless_cancelled(submission, watch)?;
                self.learn(work, &mut since);
            }
        }
        if let Some((submission, work)) = before {
            self.wait_unless_cancelled(submission, watch)?;
            self.learn(work, &mut since);
        }
        self.pipelines.save();
        Ok(())
    }

    fn wait_unless_cancelled(
        &self,
        submission: wgpu::SubmissionIndex,
        watch: &Watch,
    ) -> Result<(), Error> {
        loop {
            let poll = wgpu::PollType::Wait {
                submission_index: Some(submission.clone()),
                timeout: Some(LOOK_AGAIN),
            };
            match self.device.poll(poll) {
                Ok(_) => return self.told(),
                Err(wgpu::PollError::Timeout) if watch.is_cancelled() => watch.check()?,
                Err(wgpu::PollError::Timeout) => self.told()?,
                Err(error) => return Err(self.lost(error.to_string())),
            }
        }
    }

    fn learn(&mut self, work: u64, since: &mut Instant) {
        let secs = since.elapsed().as_secs_f64();
        *since = Instant::now();
        if work > 0 && secs > 1e-4 {
            self.work_per_sec = 0.7 * self.work_per_sec + 0.3 * work as f64 / secs;
        }
    }

    fn note(&mut self, piece: &Piece<'_>, timing: Timing, secs: f64) -> Result<(), Error> {
        let runs = piece.units.iter().filter_map(|unit| match unit.step {
            Step::Run(dispatch) => Some((dispatch, unit.work)),
            Step::Copy { .. } => None,
        });
        if timing == Timing::Submissions {
            for (dispatch, _) in runs {
                self.times.note_submission(dispatch, secs);
            }
            return Ok(());
        }
        let runs: Vec<_> = runs.map(|(dispatch, work)| (dispatch.kernel, work)).collect();
        for ((kernel, work), secs) in runs.iter().zip(self.timestamps(runs.len())?) {
            self.times.note(*kernel, *work, secs);
        }
        Ok(())
    }

    fn submit(&self, piece: &Piece<'_>, is_timed: bool) -> wgpu::SubmissionIndex {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut units = piece.units.iter().peekable();
        let mut n_timed = 0;
        while let Some(unit) = units.next() {
            match unit.step {
                Step::Copy { from, from_word, to, to_word, n } => {
                    let (from_byte, to_byte) = (from_word * 4, to_word * 4);
                    let (from, to) = (&from.inner, &to.inner);
                    encoder.copy_buffer_to_buffer(from, from_byte, to, to_byte, n * 4);
                }
                Step::Run(first) => {
                    let writes = if is_timed { self.times.writes(n_timed) } else { None };
                    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                        label: Some(first.kernel.name()),
                        timestamp_writes: writes,
                    });
                    self.encode(&mut pass, first, &unit.groups);
                    n_timed += 1;
                    if is_timed {
                        continue;
                    }
                    let is_run = |unit: &&Unit<'_>| matches!(unit.step, Step::Run(_));
                    while let Some(unit) = units.next_if(is_run) {
                        if let Step::Run(dispatch) = unit.step {
                            self.encode(&mut pass, dispatch, &unit.groups);
                        }
                    }
                }
            }
        }
        if is_timed {
            self.times.resolve(&mut encoder, n_timed);
        }
        self.queue.submit([encoder.finish()])
    }

    fn encode(&self, pass: &mut wgpu::ComputePass<'_>, dispatch: &Dispatch, groups: &Range<u32>) {
        let Some((pipeline, bound)) = self.pipelines.of(dispatch) else { return };
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, bound, &[]);
        let mut shape = dispatch.shape.clone();
        if let Some(first) = shape.last_mut().filter(|_| dispatch.cuts) {
            *first = groups.start;
        }
        if !shape.is_empty() {
            pass.set_immediates(0, bytemuck::cast_slice(&shape));
        }
        pass.dispatch_workgroups(dispatch.groups[0], groups.end - groups.start, 1);
    }
}

/// Cuts a recording into pieces of about `most` work each.
fn pieces(recording: &Recording, most: u64, timing: Timing) -> Vec<Piece<'_>> {
    let most_units = match timing {
        Timing::Off => usize::MAX,
        Timing::Timestamps => MOST_TIMED,
        Timing::Submissions => 1,
    };
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    for unit in recording.steps.iter().flat_map(|step| units(step, most)) {
        let fits = |piece: &&mut Piece<'_>| {
            piece.units.len() < most_units && piece.work + unit.work <= most
        };
        match pieces.last_mut().filter(fits) {
            Some(piece) => {
                piece.work += unit.work;
                piece.units.push(unit);
            }
            None => pieces.push(Piece { work: unit.work, units: vec![unit] }),
        }
    }
    pieces
}

/// A step as one unit, or as several if it is too much for one piece and can be cut.
fn units(step: &Step, most: u64) -> Vec<Unit<'_>> {
    let Step::Run(dispatch) = step else {
        return vec![Unit { step, groups: 0..0, work: 0 }];
    };
    let (n, work) = (dispatch.groups[1], dispatch.work);
    let n_units = if dispatch.cuts { work.div_ceil(most.max(1)).clamp(1, u64::from(n)) } else { 1 };
    let at = |ix: u64| (u64::from(n) * ix / n_units) as u32;
    (0..n_units).map(|ix| Unit { step, groups: at(ix)..at(ix + 1), work: work / n_units }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::kernel::Kernel;
    use super::*;

    fn dispatch(n_groups: u32, work: u64, cuts: bool) -> Dispatch {
        let (buffers, shape, groups) = (Vec::new(), vec![0], [1, n_groups]);
        Dispatch { kernel: Kernel::Gated, buffers, shape, groups, work, cuts }
    }

    #[test]
    fn gpu_pieces_hold_every_workgroup_once_and_no_more_work_than_asked() {
        let mut recording = Recording::default();
        for (n_groups, work, cuts) in
            [(7, 20, true), (1, 90, true), (64, 1000, true), (3, 500, false), (2, 0, true)]
        {
            recording.run(dispatch(n_groups, work, cuts));
        }
        for most in [1, 64, 100, 10_000] {
            let pieces = pieces(&recording, most, Timing::Off);
            let mut next = vec![0; recording.steps.len()];
            for unit in pieces.iter().flat_map(|piece| &piece.units) {
                let ix = recording.steps.iter().position(|step| std::ptr::eq(step, unit.step));
                let next = &mut next[ix.unwrap()];
                assert_eq!(unit.groups.start, *next);
                assert!(unit.groups.end > *next);
                *next = unit.groups.end;
            }
            assert_eq!(next, [7, 1, 64, 3, 2], "{most}");
            let is_small = |piece: &Piece<'_>| piece.work <= most || piece.units.len() == 1;
            assert!(pieces.iter().all(is_small));
        }
        assert_eq!(pieces(&recording, 10_000, Timing::Off).len(), 1);
        assert_eq!(pieces(&recording, 10_000, Timing::Submissions).len(), 5);
    }
}
