//! The table of kernels: what each is called, and its WGSL with the constants of a variant.

use super::decide::{CachePrecision, MatmulTile, NormTile};
use super::format::Format;
use std::collections::BTreeMap;

/// Tokens in a page of the cache.
pub const PAGE: u32 = 32;
/// States that a row of logits is folded into.
pub const PARTS: u32 = 64;

/// A kernel and its variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kernel {
    /// `embedding.wgsl`
    Embedding(Format),
    /// `matmul.wgsl` or `matmul_tile.wgsl`
    Matmul(Format, MatmulTile),
    /// `rms_norm.wgsl`
    RmsNorm(NormTile),
    /// `head_norm.wgsl`
    HeadNorm,
    /// `rope.wgsl`
    Rope {
        /// Whether pairs are halves of a head.
        halves: bool,
        /// How the cache holds keys and values.
        cache: CachePrecision,
    },
    /// `attention.wgsl`
    Attention {
        /// Query heads that share a key head.
        group: u32,
        /// Vectors of four values a head.
        quads: u32,
        /// Whether an item holds a part of the keys.
        is_split: bool,
        /// Threads, at least `group`.
        lanes: u32,
        /// How the cache holds keys and values.
        cache: CachePrecision,
    },
    /// `attention_merge.wgsl`
    AttentionMerge,
    /// `gated.wgsl`
    Gated,
    /// `log_sums.wgsl`
    LogSums,
    /// `pick.wgsl`
    Pick,
    /// `adjust.wgsl`
    Adjust,
    /// `top.wgsl`
    Top {
        /// How many of the largest.
        n: u32,
        /// Threads that share a row.
        lanes: u32,
    },
    /// `gather_rows.wgsl`
    GatherRows,
    /// `move_words.wgsl`
    MoveWords,
}

/// Threads of an attention workgroup, of which `group` take one row of queries. Private values of a
/// head fill the registers, so that there are few.
pub fn attention_lanes(group: u32, is_split: bool) -> u32 {
    if is_split { group.next_multiple_of(8) } else { group.next_multiple_of(8).max(32) }
}

macro_rules! shader {
    ($name:literal) => {
        include_str!(concat!("../../shaders/", $name, ".wgsl"))
    };
}

impl Kernel {
    /// The stem of its shader.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedding(_) => "embedding",
            Self::Matmul(_, MatmulTile::Registers(_)) => "matmul",
            Self::Matmul(_, MatmulTile::Workgroup(_)) => "matmul_tile",
            Self::RmsNorm(_) => "rms_norm",
            Self::HeadNorm => "head_norm",
            Self::Rope { .. } => "rope",
            Self::Attention { .. } => "attention",
            Self::AttentionMerge => "attention_merge",
            Self::Gated => "gated",
            Self::LogSums => "log_sums",
            Self::Pick => "pick",
            Self::Adjust => "adjust",
            Self::Top { .. } => "top",
            Self::GatherRows => "gather_rows",
            Self::MoveWords => "move_words",
        }
    }

    /// Its WGSL: the constants of the variant, the shared pieces, the kernel.
    pub fn source(self) -> String {
        let constants = self.constants();
        let mut source = String::new();
        if let Self::Matmul(_, MatmulTile::Workgroup(tile)) = self {
            source.push_str(if tile.is_half {
                "enable f16;\nalias Weight = f16;\n"
            } else {
                "alias Weight = f32;\n"
            });
        }
        for (name, value) in &constants {
            source.push_str(&format!("const {name}: u32 = {value}u;\n"));
        }
        let text = self.pieces() + self.text();
        let lines: Vec<&str> = text.lines().collect();
        write_out(&lines, &constants, &mut source);
        source
    }

    /// The shared pieces that it needs.
    fn pieces(self) -> String {
        let threads = |subgroup: u32| match subgroup {
            1 => shader!("shared/threads"),
            _ => shader!("shared/subgroups"),
        };
        match self {
            Self::Embedding(format) => decoder(format),
            Self::Matmul(format, tile) => {
                let threads = match tile {
                    MatmulTile::Registers(tile) => threads(tile.subgroup),
                    MatmulTile::Workgroup(_) => "",
                };
                decoder(format) + shader!("shared/product") + threads
            }
            Self::RmsNorm(tile) => threads(tile.subgroup).to_owned(),
            Self::Rope { cache, .. } | Self::Attention { cache, .. } => match cache {
                CachePrecision::F32 => shader!("shared/cache_f32").to_owned(),
                CachePrecision::F16 => shader!("shared/cache_f16").to_owned(),
            },
            _ => String::new(),
        }
    }

    /// Its own file.
    fn text(self) -> &'static str {
        match self {
            Self::Embedding(_) => shader!("embedding"),
            Self::Matmul(_, MatmulTile::Registers(_)) => shader!("matmul"),
            Self::Matmul(_, MatmulTile::Workgroup(_)) => shader!("matmul_tile"),
            Self::RmsNorm(_) => shader!("rms_norm"),
            Self::HeadNorm => shader!("head_norm"),
            Self::Rope { .. } => shader!("rope"),
            Self::Attention { .. } => shader!("attention"),
            Self::AttentionMerge => shader!("attention_merge"),
            Self::Gated => shader!("gated"),
            Self::LogSums => shader!("log_sums"),
            Self::Pick => shader!("pick"),
            Self::Adjust => shader!("adjust"),
            Self::Top { .. } => shader!("top"),
            Self::GatherRows => shader!("gather_rows"),
            Self::MoveWords => shader!("move_words"),
        }
    }

    fn constants(self) -> BTreeMap<&'static str, u32> {
        match self {
            Self::Matmul(_, MatmulTile::Registers(tile)) => {
                let parts = tile.parts();
                let n_shared = if parts > 1 { parts * tile.tokens * tile.lanes } else { 1 };
                BTreeMap::from([
                    ("LANES", tile.lanes),
                    ("SLICES", tile.slices),
                    ("TOKENS", tile.tokens),
                    ("QUADS", tile.quads),
                    ("SUBGROUP", tile.subgroup),
                    ("SHARED", n_shared),
                ])
            }
            Self::Matmul(_, MatmulTile::Workgroup(tile)) => {
                BTreeMap::from([("ROW_QUADS", tile.row_quads)])
            }
            Self::RmsNorm(tile) => {
                BTreeMap::from([("LANES", 1), ("SLICES", tile.slices), ("SUBGROUP", tile.subgroup)])
            }
            Self::Rope { halves, .. } => BTreeMap::from([("HALVES", u32::from(halves))]),
            Self::Attention { group, quads, is_split, lanes, .. } => BTreeMap::from([
                ("GROUP", group),
                ("QUADS", quads),
                ("SPLIT", u32::from(is_split)),
                ("LANES", lanes),
                ("PAGE", PAGE),
            ]),
            Self::LogSums => BTreeMap::from([("PARTS", PARTS)]),
            Self::Top { n, lanes } => BTreeMap::from([("TOP", n), ("LANES", lanes)]),
            _ => BTreeMap::new(),
        }
    }
}

fn decoder(format: Format) -> String {
    let k_scales = shader!("shared/k_scales");
    let decoder = match format {
        Format::F32 => shader!("shared/f32").to_owned(),
        Format::F16 => shader!("shared/f16").to_owned(),
        Format::BF16 => shader!("shared/bf16").to_owned(),
        Format::Q8_0 => shader!("shared/q8_0").to_owned(),
        Format::Q4_0 => shader!("shared/q4_0").to_owned(),
        Format::Q4_1 => shader!("shared/q4_1").to_owned(),
        Format::Q4K => format!("{k_scales}{}", shader!("shared/q4_k")),
        Format::Q5K => format!("{k_scales}{}", shader!("shared/q5_k")),
        Format::Q6K => shader!("shared/q6_k").to_owned(),
    };
    shader!("shared/place").to_owned() + &decoder
}

/// Writes `//% repeat v COUNT` … `//% end` out, with `$v` replaced by 0 to COUNT - 1. Arrays and loops
/// would say the same, but some compilers then keep the values in memory instead of registers.
fn write_out(lines: &[&str], constants: &BTreeMap<&str, u32>, out: &mut String) {
    let mut ix = 0;
    while ix < lines.len() {
        let Some(repeat) = lines[ix].strip_prefix("//% repeat ") else {
            out.push_str(lines[ix]);
            out.push('\n');
            ix += 1;
            continue;
        };
        let (name, count) = repeat.split_once(' ').unwrap_or((repeat, "1"));
        let n = constants.get(count).copied().or_else(|| count.parse().ok()).unwrap_or(1);
        let mut depth = 1;
        let mut end = ix + 1;
        while end < lines.len() && depth > 0 {
            if lines[end].starts_with("//% repeat ") {
                depth += 1;
            } else if lines[end] == "//% end" {
                depth -= 1;
            }
            end += 1;
        }
        let body = &lines[ix + 1..end - 1];
        for value in 0..n {
            let value = value.to_string();
            let name = format!("${name}");
            let body: Vec<String> = body.iter().map(|line| line.replace(&name, &value)).collect();
            let body: Vec<&str> = body.iter().map(String::as_str).collect();
            write_out(&body, constants, out);
        }
        ix = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpu_repeats_are_written_out_inside_one_another() {
        let text = "a\n//% repeat i N\nb$i\n//% repeat k 2\nc$i$ku\n//% end\n//% end\nd";
        let lines: Vec<&str> = text.lines().collect();
        let mut out = String::new();
        write_out(&lines, &BTreeMap::from([("N", 2)]), &mut out);
        assert_eq!(out, "a\nb0\nc00u\nc01u\nb1\nc10u\nc11u\nd\n");
    }
}
