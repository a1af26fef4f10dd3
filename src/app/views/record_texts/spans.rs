//! What a record says of its context: where the evidence is, and where other contexts are
//! (`gold_span`, `own_span`, `distractor_spans` of length extension, the spans of needles; all in bytes).

use crate::app::views::data::grouped;
use crate::app::widgets::long_text::{Region, RegionKind};
use crate::data::Record;
use serde_json::Value;
use std::ops::Range;

/// More contexts than that are no help to anybody.
const MOST_REGIONS: usize = 5000;

/// The stretches of a record's context that it speaks of.
pub fn regions(record: &Record) -> Vec<Region> {
    let extra = |key: &str| record.extra.get(key);
    let list = |key: &str| extra(key).and_then(Value::as_array).into_iter().flatten();
    let mut regions = Vec::new();
    let mut add = |kind: RegionKind, span: Option<Range<usize>>, name: String| {
        if let Some(range) = span.filter(|_| regions.len() < MOST_REGIONS) {
            let (from, to) = (grouped(range.start as u64), grouped(range.end as u64));
            regions.push(Region { range, kind, name: format!("{name}\nbytes {from} to {to}") });
        }
    };
    let gold = match extra("own_span").is_some() || extra("distractor_spans").is_none() {
        true => "Gold span: the evidence",
        false => "Gold span: the record's own context",
    };
    add(RegionKind::Gold, extra("gold_span").and_then(span), gold.to_owned());
    add(RegionKind::Own, extra("own_span").and_then(span), "The record's own context".to_owned());
    for (value, n) in list("needles").zip(1..) {
        let place = value.get("span").and_then(span);
        add(RegionKind::Gold, place, format!("Gold span: needle {n}"));
    }
    let n_others = list("distractor_spans").count();
    let mut ids = list("distractor_ids");
    for (value, n) in list("distractor_spans").zip(1..) {
        let id = ids.next().and_then(Value::as_str).map(|id| format!(", of record {id}"));
        let name = format!("Other context {n} of {n_others}{}", id.unwrap_or_default());
        add(RegionKind::Distractor, span(value), name);
    }
    regions
}

/// A range of bytes as it stands in a record.
fn span(value: &Value) -> Option<Range<usize>> {
    let [start, end] = value.as_array()?.as_slice() else { return None };
    let number = |value: &Value| usize::try_from(value.as_u64()?).ok();
    let range = number(start)?..number(end)?;
    (range.start < range.end).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ReadOptions, read_dataset};
    use serde_json::json;

    fn regions_of(extra: &Value) -> Vec<(RegionKind, Range<usize>, String)> {
        let mut row = json!({"instruction": "I", "answer": "A", "context": "0123456789"});
        row.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let name = format!("backstory_spans_{}_{}", std::process::id(), row.to_string().len());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, row.to_string()).unwrap();
        let dataset = read_dataset(&path, &ReadOptions::default(), &Default::default()).unwrap();
        std::fs::remove_file(&path).unwrap();
        let record = dataset.records.iter().next().unwrap().unwrap();
        regions(&record).into_iter().map(|r| (r.kind, r.range, r.name)).collect()
    }

    #[test]
    fn an_extended_record_tells_its_contexts() {
        let told = regions_of(&json!({
            "gold_span": [4, 6], "distractor_ids": ["aa", "bb"], "distractor_spans": [[0, 2], [8, 9]]
        }));
        assert_eq!(told.len(), 3);
        let (kind, range, name) = &told[0];
        assert_eq!((*kind, range.clone()), (RegionKind::Gold, 4..6));
        assert!(name.contains("own context") && name.contains("bytes 4 to 6"), "{name}");
        assert_eq!(told[2].0, RegionKind::Distractor);
        assert!(told[2].2.contains("2 of 2, of record bb"), "{}", told[2].2);
    }

    #[test]
    fn what_is_no_span_is_left_out() {
        let told = regions_of(&json!({
            "gold_span": [6, 4], "own_span": "4-6", "distractor_spans": [[0], [-1, 2], 7, [1, 2]],
            "needles": [{"span": [3, 5]}, {"key": 1}]
        }));
        let kinds: Vec<_> = told.iter().map(|(kind, range, _)| (*kind, range.clone())).collect();
        assert_eq!(kinds, [(RegionKind::Gold, 3..5), (RegionKind::Distractor, 1..2)]);
    }
}
