//! The own context and the others as one, and the record that holds it.

use super::GLUE;
use super::choosing::Chosen;
use super::pool::Pool;
use crate::data::{Record, RecordId};
use crate::seed::Stream;
use serde_json::{Map, Value, json};
use std::ops::Range;

/// The own context among the others.
pub struct Joined<'a> {
    /// The whole.
    pub text: String,
    /// Where the own context stands in it, in bytes.
    pub own: Range<usize>,
    /// Contexts before the own one.
    pub slot: usize,
    /// The others in their order, with their places.
    others: Vec<(&'a RecordId, Range<usize>)>,
    /// The one that was cut, and its whole length in bytes.
    cut: Option<(&'a RecordId, usize)>,
}

impl<'a> Joined<'a> {
    /// The own context with `slot` of the chosen ones before it; these in random order, a cut one last.
    pub fn new(
        own: &str,
        pool: &'a Pool<'_>,
        chosen: &Chosen,
        slot: usize,
        order: &mut Stream,
    ) -> Self {
        let mut whole: Vec<usize> = chosen.whole.clone();
        order.shuffle(&mut whole);
        let mut parts: Vec<(&'a RecordId, &str)> =
            whole.into_iter().map(|ix| (pool.member(ix).id, pool.member(ix).text)).collect();
        let cut = chosen.cut.map(|(ix, end)| {
            let member = pool.member(ix);
            parts.push((member.id, &member.text[..end]));
            (member.id, member.text.len())
        });
        let n_bytes: usize = parts.iter().map(|(_, text)| text.len() + GLUE.len()).sum();
        let mut text = String::with_capacity(own.len() + n_bytes);
        let mut place = 0..0;
        let mut others = Vec::with_capacity(parts.len());
        let put = |text: &mut String, part: &str| {
            if !text.is_empty() {
                text.push_str(GLUE);
            }
            let start = text.len();
            text.push_str(part);
            start..text.len()
        };
        for (ix, (id, part)) in parts.iter().enumerate() {
            if ix == slot {
                place = put(&mut text, own);
            }
            others.push((*id, put(&mut text, part)));
        }
        if slot >= parts.len() {
            place = put(&mut text, own);
        }
        Self { text, own: place, slot, others, cut }
    }

    /// The record with this context. All that it had stays; what it said of bytes of its context is
    /// moved to where they are now.
    pub fn record(self, record: &Record, told: Map<String, Value>) -> Record {
        let Self { text, own, slot, others, cut } = self;
        let mut extra = record.extra.clone();
        let by = own.start;
        let is_inside = |value: &Value| span(value).is_some_and(|(_, end)| end <= own.len() as u64);
        let has_gold = extra.get("gold_span").is_some_and(is_inside);
        for key in ["gold_span", "chunk_span"] {
            if let Some(span) = extra.get_mut(key) {
                shift(span, by, own.len());
            }
        }
        for needle in extra.get_mut("needles").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(span) = needle.get_mut("span") {
                shift(span, by, own.len());
            }
        }
        // Evidence that was marked within the own context is better told than the whole of it.
        let key = if has_gold { "own_span" } else { "gold_span" };
        extra.insert(key.into(), json!([own.start, own.end]));
        let (mut ids, mut spans) = earlier(&extra);
        spans.iter_mut().for_each(|span| shift(span, by, own.len()));
        let new_ids = others.iter().map(|(id, _)| json!(id.as_str()));
        let new_spans = others.iter().map(|(_, place)| json!([place.start, place.end]));
        // Those of an earlier extension stand in the own context, so between the ones around it.
        insert_around(&mut ids, new_ids.collect(), slot);
        insert_around(&mut spans, new_spans.collect(), slot);
        extra.insert("distractor_ids".into(), ids.into());
        extra.insert("distractor_spans".into(), spans.into());
        tell(&mut extra, told, cut);
        Record {
            id: RecordId::unset(),
            seed_id: record.seed_id.clone(),
            source: record.source.clone(),
            task: record.task.clone(),
            strategy: record.strategy.clone(),
            instruction: record.instruction.clone(),
            answers: record.answers.clone(),
            context: Some(text),
            extra,
        }
    }
}

fn insert_around(inner: &mut Vec<Value>, mut others: Vec<Value>, slot: usize) {
    let after = others.split_off(slot.min(others.len()));
    others.append(inner);
    others.extend(after);
    *inner = others;
}

/// The others of an earlier extension of this record, where ids and spans belong together.
fn earlier(extra: &Map<String, Value>) -> (Vec<Value>, Vec<Value>) {
    let list = |key: &str| extra.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let (ids, spans) = (list("distractor_ids"), list("distractor_spans"));
    match ids.len() == spans.len() {
        true => (ids, spans),
        false => (Vec::new(), Vec::new()),
    }
}

/// A range of bytes as it stands in a record.
fn span(value: &Value) -> Option<(u64, u64)> {
    match value.as_array()?.as_slice() {
        [start, end] => Some((start.as_u64()?, end.as_u64()?)).filter(|(start, end)| start <= end),
        _ => None,
    }
}

/// Moves a range of bytes of a context of `len` bytes; what is no such range stays as it is.
fn shift(value: &mut Value, by: usize, len: usize) {
    if let Some((start, end)) = span(value).filter(|(_, end)| *end <= len as u64) {
        *value = json!([start + by as u64, end + by as u64]);
    }
}

/// What was done stands in the provenance, beside what made the record.
fn tell(
    extra: &mut Map<String, Value>,
    mut told: Map<String, Value>,
    cut: Option<(&RecordId, usize)>,
) {
    if let Some((id, bytes)) = cut {
        told.insert("cut".into(), json!({"id": id.as_str(), "of_bytes": bytes}));
    }
    let provenance = extra.entry("provenance").or_insert_with(|| json!({}));
    match provenance.as_object_mut() {
        Some(provenance) => {
            if let Some(earlier) = provenance.remove("extension") {
                told.insert("earlier".into(), earlier);
            }
            provenance.insert("extension".into(), told.into())
        }
        None => extra.insert("extension".into(), told.into()),
    };
}
