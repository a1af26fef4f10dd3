//! Results side by side: the board of scores and its figures, for the window.

use super::WorkbenchError;
use crate::figure::Figure;
use crate::job::Watch;
use crate::longbench::Results;
use crate::report::{self, CompareSettings, GapPair, ModelScores, ScoreBoard};
use std::sync::Arc;

/// Put results side by side.
#[derive(Debug, Clone)]
pub struct BoardJob {
    /// What each model is called, and its results.
    pub models: Vec<(String, Arc<Results>)>,
    /// The one that the others are measured against.
    pub baseline: usize,
    /// Which of them make a tuning gap, if two do.
    pub gap: Option<BoardGap>,
    /// How they are compared.
    pub settings: CompareSettings,
}

/// A tuning gap by places among the models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoardGap {
    /// Tuned with contexts.
    pub with: usize,
    /// Tuned without.
    pub without: usize,
    /// Drawn as a line.
    pub reference: Option<usize>,
}

/// Results side by side.
#[derive(Debug)]
pub struct BoardMade {
    /// The scores.
    pub board: ScoreBoard,
    /// The figure of all scores.
    pub scores: Arc<Figure>,
    /// The figure of the gap, where it was asked for.
    pub gap: Option<Arc<Figure>>,
}

pub(super) fn run(job: &BoardJob, watch: &Watch) -> Result<BoardMade, WorkbenchError> {
    let model = |(name, results): &(String, Arc<Results>)| ModelScores {
        name: name.clone(),
        results: (**results).clone(),
    };
    let models: Vec<ModelScores> = job.models.iter().map(model).collect();
    let n_tasks: usize = models.iter().map(|model| model.results.tasks.len()).sum();
    watch.stage("comparing scores", n_tasks as u64);
    // Each resamples all records on its own.
    let (board, scores) = rayon::join(
        || report::score_board(&models, job.baseline, job.settings, watch),
        || Arc::new(report::scores_figure(&models, None)),
    );
    let board = board?;
    watch.check()?;
    let gap = job.gap.and_then(|gap| {
        let (with, without) = (models.get(gap.with)?, models.get(gap.without)?);
        let pair = GapPair {
            name: with.name.clone(),
            without: without.results.clone(),
            with: with.results.clone(),
        };
        let reference = gap.reference.and_then(|ix| models.get(ix));
        Some(Arc::new(report::gap_figure(&[pair], reference)))
    });
    Ok(BoardMade { board, scores, gap })
}
