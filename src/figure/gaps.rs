//! Numbers out of JSON, where a value that is not finite was written as `null`: it comes back
//! as NaN, which is the same gap.

use serde::{Deserialize, Deserializer};

pub(super) fn one<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Option::deserialize(from).map(fill)
}

pub(super) fn pair<'de, D: Deserializer<'de>>(from: D) -> Result<[f64; 2], D::Error> {
    <[Option<f64>; 2]>::deserialize(from).map(|pair| pair.map(fill))
}

pub(super) fn triple<'de, D: Deserializer<'de>>(from: D) -> Result<[f64; 3], D::Error> {
    <[Option<f64>; 3]>::deserialize(from).map(|triple| triple.map(fill))
}

pub(super) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let list = Vec::<Option<f64>>::deserialize(from)?;
    Ok(list.into_iter().map(fill).collect())
}

pub(super) fn pairs<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<[f64; 2]>, D::Error> {
    let pairs = Vec::<[Option<f64>; 2]>::deserialize(from)?;
    Ok(pairs.into_iter().map(|pair| pair.map(fill)).collect())
}

fn fill(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}
