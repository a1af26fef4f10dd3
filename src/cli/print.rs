//! What a command prints: one JSON document with `--json`, else a few lines for people.

use super::{check_arguments, gap_arguments, score_arguments, tune_arguments};
use crate::coherence::{Estimate, GroupSummary};
use crate::export::Exported;
use crate::gpu::KernelTime;
use crate::job::duration;
use crate::lengths::Field;
use crate::model::catalogue::ENTRIES;
use crate::model::{CacheUse, Pace, Work, kernel_shares};
use crate::report::Table;
use crate::workbench::{
    BenchOpenReport, BenchReport, ExtendReport, NeedleGroup, NeedleMade, NeedleReport, NeedleScore,
    Product, SynthReport, TruncateReport,
};
use serde::Serialize;
use serde_json::json;
use std::io::{Result, Write};
use std::path::Path;

/// Prints the catalogue.
pub fn catalogue(as_json: bool, folder: &Path) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let models: Vec<_> = ENTRIES
            .iter()
            .map(|entry| {
                json!({
                    "name": entry.name, "about": entry.about, "megabytes": entry.megabytes,
                    "path": entry.fetched(folder).map(|path| path.display().to_string()),
                })
            })
            .collect();
        return document(&json!({"folder": folder.display().to_string(), "models": models}));
    }
    for entry in &ENTRIES {
        let there = if entry.fetched(folder).is_some() { "here" } else { "" };
        writeln!(out, "{:14} {:>5} MB  {:5} {}", entry.name, entry.megabytes, there, entry.about)?;
    }
    writeln!(out, "Models are kept in {}", folder.display())
}

/// Prints what came out of a job.
pub fn product(product: &Product, as_json: bool) -> Result<()> {
    match product {
        Product::Inspect(report) if as_json => document(report),
        Product::Lengths(report) if as_json => document(report),
        Product::Truncated(report) if as_json => document(report),
        Product::Synth(report) if as_json => document(report),
        Product::Extended(report) if as_json => document(report),
        Product::Coherence(report) if as_json => document(report),
        Product::Checked(report) if as_json => document(report),
        Product::Compared(report) if as_json => document(report),
        Product::Evaluated(report) if as_json => document(report),
        Product::Tuned(report) if as_json => document(report),
        Product::Gap(report) if as_json => document(report),
        Product::GapExported(report) if as_json => document(report),
        Product::Scored(report) if as_json => document(report),
        Product::Logprobs(report) if as_json => document(report),
        Product::Bench(report) if as_json => document(report),
        Product::BenchOpen(report) if as_json => document(report),
        Product::Demo(report) if as_json => document(report),
        Product::Exported(report) if as_json => document(report),
        Product::Saved(saved) if as_json => document(saved),
        Product::Reported(made) if as_json => document(made),
        Product::NeedleMade(made) if as_json => document(made),
        Product::NeedleAnswered(report) if as_json => document(report),
        Product::Fetched(path) if as_json => document(&json!({"path": path.display().to_string()})),
        _ => lines(product),
    }
}

fn document(value: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)
}

fn lines(product: &Product) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match product {
        Product::Inspect(report) => {
            for file in &report.files {
                writeln!(out, "{}: {} records, {} bytes", file.path, file.records, file.bytes)?;
                let list = |counts: &std::collections::BTreeMap<String, usize>| {
                    let all = counts.iter().map(|(name, n)| format!("{name} {n}"));
                    all.collect::<Vec<_>>().join(", ")
                };
                writeln!(out, "  tasks       {}", list(&file.tasks))?;
                writeln!(out, "  strategies  {}", list(&file.strategies))?;
                let columns =
                    file.columns.iter().map(|(field, column)| format!("{field}={column}"));
                writeln!(out, "  columns     {}", columns.collect::<Vec<_>>().join(", "))?;
                for skipped in &file.skipped {
                    writeln!(out, "  line {}: {}", skipped.line, skipped.reason)?;
                }
            }
        }
        Product::Lengths(report) => {
            let head = ("strategy", "task", "field", "unit");
            writeln!(
                out,
                "{:22} {:14} {:12} {:7} {:>6} {:>9} {:>8} {:>8} {:>8}",
                head.0, head.1, head.2, head.3, "n", "mean", "p5", "p50", "p95"
            )?;
            for group in &report.lengths.groups {
                let s = &group.summary;
                let (strategy, field) = (group.strategy.as_str(), name(&group.field));
                let unit = name(&group.unit);
                writeln!(
                    out,
                    "{strategy:22} {:14} {field:12} {unit:7} {:>6} {:>9.1} {:>8.0} {:>8.0} {:>8.0}",
                    group.task, s.n, s.mean, s.p5, s.p50, s.p95
                )?;
            }
        }
        Product::Truncated(report) => truncated(&mut out, report)?,
        Product::Synth(report) => synth(&mut out, "", report)?,
        Product::Extended(report) => extended(&mut out, report)?,
        Product::Coherence(report) => coherence(&mut out, &report.summary.groups)?,
        Product::Checked(report) => table(&mut out, &check_arguments::table(report))?,
        Product::Compared(report) => {
            for (ix, comparison) in report.comparisons.iter().enumerate() {
                if ix > 0 {
                    writeln!(out)?;
                }
                table(&mut out, &comparison.table())?;
            }
        }
        Product::Evaluated(report) => {
            writeln!(out, "before the start: {}", report.estimate.sentence())?;
            writeln!(
                out,
                "{} answered, {} of them by an earlier run, {} prompts cut; {} tokens read, {} written in {}",
                report.answered,
                report.resumed,
                report.truncated,
                report.tokens_in,
                report.tokens_out,
                duration(report.elapsed_secs)
            )?;
            if let Some(scores) = &report.scores {
                table(&mut out, &score_arguments::table(scores))?;
            }
        }
        Product::Tuned(report) => tune_arguments::print(&mut out, report)?,
        Product::Gap(report) => gap_arguments::print(&mut out, report)?,
        Product::GapExported(report) => gap_arguments::print_exported(&mut out, report)?,
        Product::Scored(report) => table(&mut out, &score_arguments::table(report))?,
        Product::Logprobs(report) => {
            let nll = report.mean_nll.map_or("-".to_owned(), |nll| format!("{nll:.5}"));
            writeln!(out, "{} tokens, mean NLL {nll} nats", report.token_ids.len())?;
        }
        Product::Bench(report) => bench(&mut out, report)?,
        Product::BenchOpen(report) => bench_open(&mut out, report)?,
        Product::Fetched(path) => writeln!(out, "{}", path.display())?,
        Product::Exported(report) => exported(&mut out, &report.exported)?,
        Product::Saved(saved) => {
            for path in &saved.files {
                writeln!(out, "{}", path.display())?;
            }
        }
        Product::Reported(made) => writeln!(
            out,
            "{} figures and {} tables in {}",
            made.figures,
            made.tables,
            made.path.join("index.html").display()
        )?,
        Product::NeedleMade(made) => needle_made(&mut out, made)?,
        Product::NeedleAnswered(report) => needle_answered(&mut out, report)?,
        // What only the window asks for is never printed.
        Product::Opened(_)
        | Product::Board(_)
        | Product::Needles(_)
        | Product::Study(_)
        | Product::Example(_)
        | Product::Models(_)
        | Product::Prompt(_)
        | Product::Described(_)
        | Product::Found(_)
        | Product::RecordsRead
        | Product::FirstRows(_)
        | Product::Columns(_)
        | Product::Texts(_)
        | Product::Tokens(_)
        | Product::Figure(_)
        | Product::Selected(_)
        | Product::Linked(_)
        | Product::Seeds(_)
        | Product::Picture(_)
        | Product::Stamps(_)
        | Product::Reviews { .. }
        | Product::Reviewed
        | Product::Remembered => {}
        Product::Demo(report) => {
            synth(&mut out, "context synthesis: ", &report.context_synthesis)?;
            synth(&mut out, "instruction synthesis: ", &report.instruction_synthesis)?;
            for group in report.lengths.groups.iter().filter(|g| g.field == Field::Prompt) {
                if name(&group.unit) == "tokens" {
                    let (task, strategy) = (&group.task, group.strategy.as_str());
                    let median = group.summary.p50;
                    writeln!(out, "{strategy:22} {task:14} median prompt {median:>6.0} tokens")?;
                }
            }
            coherence(&mut out, &report.coherence.groups)?;
            writeln!(out, "{} files in {}", report.files.len(), duration(report.elapsed_secs))?;
        }
    }
    Ok(())
}

fn synth(out: &mut impl Write, what: &str, report: &SynthReport) -> Result<()> {
    writeln!(
        out,
        "{what}{} made, {} rejected, {} from an earlier run; {} tokens read, {} written in {}",
        report.made,
        report.rejected,
        report.resumed,
        report.tokens_in,
        report.tokens_out,
        duration(report.elapsed_secs)
    )
}

fn truncated(out: &mut impl Write, report: &TruncateReport) -> Result<()> {
    writeln!(
        out,
        "{:>8} {:7} {:22} {:14} {:>6} {:>6} {:>7} {:>11} {:>9} {:>11} {:>9}",
        "cutoff",
        "policy",
        "strategy",
        "task",
        "n",
        "over",
        "lost",
        "gold cut",
        "answers",
        "targets cut",
        "lossless"
    )?;
    for run in &report.runs {
        for loss in &run.groups {
            let (gold, targets) = (
                format!("{}+{}/{}", loss.gold_cut_fully, loss.gold_cut_partly, loss.with_gold),
                format!("{}+{}/{}", loss.targets_cut_fully, loss.targets_cut_partly, loss.targets),
            );
            writeln!(
                out,
                "{:>8} {:7} {:22} {:14} {:>6} {:>6} {:>5.1} % {gold:>11} {:>9} {targets:>11} {:>9}",
                run.cutoff,
                run.policy.name(),
                loss.strategy.as_str(),
                loss.task,
                loss.n,
                loss.over,
                100.0 * loss.share_lost,
                format!("{}/{}", loss.answers_lost, loss.with_answer),
                loss.lossless_cutoff
            )?;
        }
    }
    writeln!(
        out,
        "lost: share of all tokens; gold and targets: cut fully + partly / records that have one; answers: \
         records that keep their answer nowhere in the context / records that have it there; lossless: the \
         smallest cutoff that loses nothing"
    )
}

fn extended(out: &mut impl Write, report: &ExtendReport) -> Result<()> {
    let ExtendReport { path, made, kept, rejected, .. } = report;
    writeln!(
        out,
        "{made} made longer, {kept} kept as they are, {rejected} left out: {}",
        path.display()
    )?;
    let spreads = [("tokens", report.prompt_tokens), ("words", report.prompt_words)];
    for (unit, spread) in spreads.into_iter().filter_map(|(unit, spread)| Some((unit, spread?))) {
        let (min, p50, max) = (spread.min, spread.p50, spread.max);
        writeln!(out, "prompts: {min:.0} to {max:.0} {unit}, median {p50:.0}")?;
        if let (Some(before), Some(after)) = (report.distance_before, report.distance_after) {
            writeln!(out, "distance from the target: {before:.0} {unit} before, {after:.0} after")?;
        }
    }
    Ok(())
}

fn coherence(out: &mut impl Write, groups: &[GroupSummary]) -> Result<()> {
    writeln!(
        out,
        "{:22} {:14} {:>4}  {:>22} {:>7} {:>5}  {:>22} {:>7} {:>5}",
        "strategy",
        "task",
        "n",
        "instruction gain [95%]",
        "shuf.",
        "AUC",
        "answer gain [95%]",
        "shuf.",
        "AUC"
    )?;
    for group in groups {
        let gain = |e: &Option<Estimate>| {
            e.map_or("-".to_owned(), |e| {
                format!("{:+.2} [{:+.2}, {:+.2}]", e.mean, e.ci95[0], e.ci95[1])
            })
        };
        let mean = |e: &Option<Estimate>| e.map_or("-".to_owned(), |e| format!("{:+.2}", e.mean));
        let auc = |auc: Option<f64>| auc.map_or("-".to_owned(), |auc| format!("{auc:.2}"));
        writeln!(
            out,
            "{:22} {:14} {:>4}  {:>22} {:>7} {:>5}  {:>22} {:>7} {:>5}",
            group.strategy.as_str(),
            group.task,
            group.n,
            gain(&group.instruction_gain),
            mean(&group.instruction_gain_shuffled),
            auc(group.auc_instruction),
            gain(&group.answer_gain),
            mean(&group.answer_gain_shuffled),
            auc(group.auc_answer)
        )?;
    }
    Ok(())
}

fn needle_made(out: &mut impl Write, made: &NeedleMade) -> Result<()> {
    writeln!(out, "{:12} {:>8} {:>6} {:>9} {:>8}", "task", "length", "n", "shortest", "longest")?;
    for group in &made.groups {
        let NeedleGroup { task, length, n, shortest, longest } = group;
        writeln!(out, "{task:12} {length:>8} {n:>6} {shortest:>9} {longest:>8}")?;
    }
    writeln!(
        out,
        "{} records in {}; tokens of {}, {}",
        made.records,
        made.path.display(),
        made.counted,
        made.tokenizer
    )
}

fn needle_answered(out: &mut impl Write, report: &NeedleReport) -> Result<()> {
    writeln!(out, "{:12} {:>8} {:>6} {:>9} {:>7}", "task", "length", "n", "accuracy", "exact")?;
    for group in &report.groups {
        let NeedleScore { task, test_length, n, accuracy, exact } = group;
        let (accuracy, exact) = (100.0 * accuracy, 100.0 * exact);
        writeln!(out, "{task:12} {test_length:>8} {n:>6} {accuracy:>8.1}% {exact:>6.1}%")?;
    }
    let resumed = match report.resumed {
        0 => String::new(),
        n => format!(", {n} of them by an earlier run"),
    };
    writeln!(
        out,
        "{} tests answered{resumed} in {}: {}",
        report.answered,
        duration(report.elapsed_secs),
        report.path.display()
    )
}

/// A table with its columns in line.
pub(super) fn table(out: &mut impl Write, table: &Table) -> Result<()> {
    writeln!(out, "{}", table.title)?;
    let lines: Vec<&Vec<String>> = std::iter::once(&table.columns).chain(&table.rows).collect();
    let width = |ix: usize| lines.iter().map(|cells| cells[ix].chars().count()).max();
    let widths: Vec<usize> = (0..table.columns.len()).filter_map(width).collect();
    for cells in lines {
        let mut line = String::new();
        for (ix, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            match ix {
                0 => line.push_str(&format!("{cell:width$}")),
                _ => line.push_str(&format!("  {cell:>width$}")),
            }
        }
        writeln!(out, "{line}")?;
    }
    table.notes.iter().try_for_each(|note| writeln!(out, "note: {note}"))
}

/// A unit or field as its JSON has it.
fn name(value: &impl Serialize) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}

fn bench(out: &mut impl Write, report: &BenchReport) -> Result<()> {
    let BenchReport { device, adapter, batch, .. } = report;
    let (prompt, decoding) = (report.prefill_tokens_per_s, report.decode_tokens_per_s);
    writeln!(
        out,
        "{device} ({adapter}): prompt {prompt:.1} tokens/s, decoding {decoding:.1} tokens/s in batches \
         of {batch}; {}",
        cache(report.cache)
    )?;
    kernels(out, "a prompt", &report.prefill_kernels)?;
    kernels(out, "decoding", &report.decode_kernels)
}

fn exported(out: &mut impl Write, exported: &Exported) -> Result<()> {
    let (n, n_left_out) = (exported.n_written, exported.n_left_out);
    writeln!(out, "{n} records in {}, {n_left_out} left out", exported.path.display())?;
    if let Some((path, n)) = &exported.validation {
        writeln!(out, "{n} records for validation in {}", path.display())?;
    }
    Ok(())
}

fn bench_open(out: &mut impl Write, report: &BenchOpenReport) -> Result<()> {
    let BenchOpenReport { bytes, records, first_rows_ms, indexed_ms, .. } = report;
    let (words_ms, named_ms) = (report.words_ms, report.named_ms);
    let mib = report.peak_anon_bytes as f64 / (1 << 20) as f64;
    writeln!(
        out,
        "{records} records in {bytes} bytes: first rows after {first_rows_ms:.1} ms, index {indexed_ms:.0} ms, \
         words {words_ms:.0} ms, ids {named_ms:.0} ms, at most {mib:.0} MiB of anonymous memory"
    )?;
    for (task, of) in &report.tasks {
        let (n, mean) = (of.records, of.mean_context_chars);
        writeln!(out, "{task}: {n} records, {mean:.1} characters of context in the mean")?;
    }
    Ok(())
}

/// Where time went, the longest first; nothing where there are no kernels.
fn kernels(out: &mut impl Write, what: &str, kernels: &[KernelTime]) -> Result<()> {
    if kernels.is_empty() {
        return Ok(());
    }
    writeln!(out, "Where the time of {what} goes:")?;
    writeln!(out, "{:20} {:>7} {:>12} {:>7}", "kernel", "share", "time", "runs")?;
    for (kernel, share) in kernel_shares(kernels) {
        let (share, ms) = (share * 100.0, kernel.secs * 1e3);
        writeln!(out, "{:20} {share:>5.1} % {ms:>9.1} ms {:>7}", kernel.name, kernel.n_runs)?;
    }
    Ok(())
}

fn cache(cache: CacheUse) -> String {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!("at most {:.1} MiB of cache", mib(cache.most_used))
}

/// How fast the model worked, for a job of which that is not the very product.
pub fn work(product: &Product, work: &Work) -> Result<()> {
    if matches!(product, Product::Bench(_)) || speeds(work).is_empty() {
        return Ok(());
    }
    let speeds = speeds(work).join(", ");
    writeln!(std::io::stdout().lock(), "{speeds}; {}", cache(work.cache))
}

/// `prompt … tokens/s` and `decoding … tokens/s`, of what the model has done.
pub fn speeds(work: &Work) -> Vec<String> {
    let speeds = [("prompt", work.reading), ("decoding", work.writing)];
    let told =
        |(what, pace): (&str, Pace)| Some(format!("{what} {:.1} tokens/s", pace.tokens_per_s()?));
    speeds.into_iter().filter_map(told).collect()
}
