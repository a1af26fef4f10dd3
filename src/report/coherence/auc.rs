//! AUC: how often the own context beats another one, with intervals.

use super::super::strategies::{color, strategy_title, task_title};
use super::Scene;
use crate::coherence::GroupSummary;
use crate::figure::{Axis, Dash, Figure, Mark, Paint, Panel, Swatch, palette};

/// A share with its interval.
type Auc = fn(&GroupSummary) -> Option<(f64, [f64; 2])>;

/// Two panels (instruction, answer): per task and strategy the share of other contexts that the own
/// one beats, with 95% intervals.
pub(super) fn figure(scene: &Scene<'_>) -> Figure {
    let kinds: [(&str, Auc); 2] = [
        ("Instruction", |group| group.auc_instruction.zip(group.auc_instruction_ci95)),
        ("Answer", |group| group.auc_answer.zip(group.auc_answer_ci95)),
    ];
    let any = !scene.tasks.is_empty();
    let panels = kinds.iter().filter(|_| any).map(|(name, auc)| panel(scene, name, *auc));
    Figure {
        title: "How often the own context beats others".into(),
        caption: format!(
            "Share of {} other context(s) of the same task under which instruction or answer are less likely \
             than under the record's own (AUC, ties count half){}. Dotted: chance. Whiskers: 95% \
             percentile bootstrap intervals over records. No point where all instructions are the same.",
            scene.summary.shuffles,
            scene.scored_by()
        ),
        panels: panels.collect(),
        columns: 2,
        panel_height_in: 1.6,
        legend: scene.legend(|place| Swatch::Point(palette::marker(place))),
        ..Figure::default()
    }
}

fn panel(scene: &Scene<'_>, name: &str, auc: Auc) -> Panel {
    let mut marks = vec![Mark::Rule {
        series: "chance".into(),
        at: 0.5,
        horizontal: true,
        paint: Paint::new([110; 3]).width(0.7).dash(Dash::Dotted),
    }];
    let step = 0.7 / scene.strategies.len().max(1) as f64;
    for (ix, (strategy, place)) in scene.strategies.iter().enumerate() {
        let (mut xy, mut lo, mut hi) = (Vec::new(), Vec::new(), Vec::new());
        for (task_ix, task) in scene.tasks.iter().enumerate() {
            let group =
                scene.summary.groups.iter().find(|g| g.task == *task && g.strategy == *strategy);
            if let Some((share, [least, most])) = group.and_then(auc) {
                xy.push([task_ix as f64 - 0.35 + step * (ix as f64 + 0.5), share]);
                lo.push(least);
                hi.push(most);
            }
        }
        let series = strategy_title(strategy);
        let paint = Paint::new(color(*place));
        marks.push(Mark::ErrorBars {
            series: series.clone(),
            x: xy.iter().map(|[x, _]| *x).collect(),
            lo,
            hi,
            horizontal: false,
            paint: paint.width(0.8),
        });
        let (marker, ids) = (palette::marker(*place), Vec::new());
        marks.push(Mark::Points { series, xy, ids, marker, size_pt: 4.5, paint });
    }
    let names = scene.tasks.iter().map(|task| task_title(task)).collect();
    Panel {
        title: name.to_owned(),
        x: Axis::category("", names),
        y: Axis::linear("AUC", -0.03, 1.03),
        marks,
    }
}
