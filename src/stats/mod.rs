//! Numbers in, numbers out: summaries, distributions, comparisons.
//!
//! What does **not** belong here: files, text, records, charts. What a number means is the
//! business of `lengths` and `coherence`; how it is drawn is `figure`'s; where randomness
//! comes from is `seed`'s (it is handed in as a closure).
//!
//! No function panics. A NaN is never part of an answer: what needs arithmetic (means,
//! quantiles, intervals, tests, histograms, densities) leaves out every value that is not finite; what only
//! compares (`ecdf`, `auc_paired`, `mean_rank`) leaves out NaN and keeps infinities, which
//! have an order. Where nothing is left the answer is `None` or empty.

mod bootstrap;
mod compare;
mod distribution;
mod normal;
mod paired;
mod rank;
mod summary;
mod tukey;

pub use bootstrap::{
    MeanInterval, NoBca, bca_mean_ci, bootstrap_mean_ci, bootstrap_mean_of_means_ci,
    bootstrap_runs_ci,
};
pub use compare::{auc_paired, mean_rank};
pub use distribution::{
    Histogram, ecdf, histogram, kde, linear_edges, log_edges, silverman_bandwidth, wasserstein,
};
pub use paired::{SignFlip, cohens_dz, holm, rank_biserial, sign_flip_test};
pub use rank::{bootstrap_spearman_ci, spearman};
pub use summary::{Summary, finite_sorted, mean, quantile, summarize};
pub use tukey::{Tukey, tukey};
