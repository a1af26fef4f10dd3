//! How a byte-level vocabulary wants a text split before anything is merged.
//!
//! The patterns are facts about the vocabularies, named as in the key `tokenizer.ggml.pre`; source:
//! llama.cpp, `src/llama-vocab.cpp`. Its patterns end with `\s+(?!\S)|\s+`. Here that is `\s+` and
//! a [`LastBlank`] rule: without look-ahead the automaton needs no backtracking, so the time is
//! linear in the text, whatever the text is.

use tokenizers::utils::SysRegex;

/// What happens to the last character of a run of white space that other text follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastBlank {
    /// It belongs to the run.
    Stays,
    /// It goes with what follows.
    Leaves,
    /// It goes with what follows, unless it is a line break.
    LeavesUnlessBreak,
}

/// One pass over the text; what the pattern does not match stays a piece of its own.
#[derive(Debug)]
struct Pass {
    pattern: SysRegex,
    last_blank: LastBlank,
}

/// All the passes of a vocabulary, one inside the pieces of the other.
#[derive(Debug)]
pub(super) struct Splitter {
    passes: Vec<Pass>,
}

/// What the name of a pre-tokenizer stands for.
pub(super) struct Recipe {
    passes: &'static [(&'static str, LastBlank)],
    /// The text is put into NFC first.
    pub nfc: bool,
    /// A piece that is a token as it stands is not put together from merges.
    pub whole_pieces: bool,
    /// Whether a sequence starts with BOS when the file does not say.
    pub adds_bos: bool,
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";
const LLAMA3: &str = r"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const QWEN2: &str = r"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const QWEN35: &str = r"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+";
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+";
const DEEPSEEK3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+"##;
const CASED_LETTERS: &str = concat!(
    r"\s?[",
    r"A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}",
    r"\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}",
    r"\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}",
    r"\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}",
    r"\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}",
    r"\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}",
    r"\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}",
    r"\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}",
    r"\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}",
    r"\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}",
    r"\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}",
    r"\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}",
    r"\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}",
    r"\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}",
    r"\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}",
    r"\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}",
    r"\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}",
    r"\x{1E900}-\x{1E943}",
    "]+",
);
const ASIAN_LETTERS: &str = r"[一-龥\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+";

use LastBlank::{Leaves, LeavesUnlessBreak, Stays};

/// The recipe of a name, or none when this program has not heard of it.
pub(super) fn recipe(pre: &str) -> Option<Recipe> {
    let plain = |passes| Recipe { passes, nfc: false, whole_pieces: false, adds_bos: false };
    Some(match pre {
        "default" => plain(&[
            (r"[\p{P}$+<=>^~|]+", Stays),
            (GPT2, Leaves),
            (r"\p{N}+", Stays),
            ("[0-9][0-9][0-9]", Stays),
        ]),
        "gpt-2" | "gpt2" | "phi-2" | "olmo" | "mpt" | "jina-en" | "exaone4" => {
            plain(&[(GPT2, Leaves)])
        }
        // Every digit is on its own, and so is the space before a number.
        "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" => {
            plain(&[(r"\p{N}", Stays), (GPT2, Leaves)])
        }
        "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "pixtral" | "lfm2" => {
            Recipe { whole_pieces: true, adds_bos: true, ..plain(&[(LLAMA3, LeavesUnlessBreak)]) }
        }
        "dbrx" | "smaug-bpe" | "glm4" | "chatglm-bpe" => plain(&[(LLAMA3, LeavesUnlessBreak)]),
        "qwen2" | "deepseek-r1-qwen" => {
            Recipe { nfc: true, ..plain(&[(QWEN2, LeavesUnlessBreak)]) }
        }
        "qwen35" => Recipe { nfc: true, ..plain(&[(QWEN35, LeavesUnlessBreak)]) },
        "stablelm2" | "hunyuan" | "megrez" => plain(&[(QWEN2, LeavesUnlessBreak)]),
        "tekken" => {
            Recipe { whole_pieces: true, adds_bos: true, ..plain(&[(TEKKEN, LeavesUnlessBreak)]) }
        }
        "gpt-4o" | "llama4" => plain(&[(GPT4O, LeavesUnlessBreak)]),
        "deepseek-llm" => plain(&[
            (r"[\r\n]", Stays),
            (CASED_LETTERS, Stays),
            (r"\s?[!-/:-~！-／：-～‘-‟\x{3000}-。]+", Stays),
            (r"\s+$", Stays),
            (ASIAN_LETTERS, Stays),
            (r"\p{N}+", Stays),
        ]),
        "deepseek-coder" => plain(&[
            (r"[\r\n]", Stays),
            (r"\s?\p{L}+", Stays),
            (r"\s?\p{P}+", Stays),
            (ASIAN_LETTERS, Stays),
            (r"\p{N}", Stays),
        ]),
        "deepseek-v3" | "hunyuan-dense" => plain(&[
            (r"\p{N}{1,3}", Stays),
            (r"[一-龥\x{3040}-ゟ゠-ヿ]+", Stays),
            (DEEPSEEK3, LeavesUnlessBreak),
        ]),
        _ => return None,
    })
}

impl Splitter {
    /// Compiles the passes of a recipe.
    pub fn new(recipe: &Recipe) -> Result<Self, String> {
        let passes = recipe.passes.iter().map(|&(pattern, last_blank)| {
            let pattern = SysRegex::new(pattern).map_err(|error| error.to_string())?;
            Ok(Pass { pattern, last_blank })
        });
        Ok(Self { passes: passes.collect::<Result<_, String>>()? })
    }

    /// Hands over the pieces of a text from left to right; together they are the whole text.
    pub fn split<'t>(&self, text: &'t str, sink: &mut dyn FnMut(&'t str)) {
        split_by(&self.passes, text, sink);
    }
}

fn split_by<'t>(passes: &[Pass], text: &'t str, sink: &mut dyn FnMut(&'t str)) {
    let Some((pass, rest)) = passes.split_first() else {
        if !text.is_empty() {
            sink(text);
        }
        return;
    };
    let mut done = 0;
    let mut searched = 0;
    // A search starts anew only where a blank was given back: starting one costs more than
    // going on with it.
    'search: while searched < text.len() {
        let from = searched;
        for (start, end) in pass.pattern.find_iter(&text[from..]) {
            let (start, end) = (from + start, from + end);
            let kept = pass.last_blank.end_of(text, start, end);
            split_by(rest, &text[done..start], sink);
            split_by(rest, &text[start..kept], sink);
            done = kept;
            if kept < end {
                searched = kept;
                continue 'search;
            }
        }
        break;
    }
    split_by(rest, &text[done..], sink);
}

impl LastBlank {
    /// Where a match really ends.
    fn end_of(self, text: &str, start: usize, end: usize) -> usize {
        if self == Stays || end == text.len() {
            return end;
        }
        let matched = &text[start..end];
        let Some(last) = matched.chars().next_back().filter(|last| last.is_whitespace()) else {
            return end;
        };
        let stays = self == LeavesUnlessBreak && matches!(last, '\r' | '\n');
        let before = end - last.len_utf8();
        if stays || before == start || !matched.chars().all(char::is_whitespace) {
            return end;
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces<'t>(pre: &str, text: &'t str) -> Vec<&'t str> {
        let recipe = recipe(pre).expect(pre);
        let mut pieces = Vec::new();
        Splitter::new(&recipe).expect(pre).split(text, &mut |piece| pieces.push(piece));
        pieces
    }

    #[test]
    fn every_recipe_compiles_and_loses_nothing() {
        let text = " Ab's 1234\r\n\n  ½x\t东京 é—“q”  かな,,; \u{1F642}\u{200D} ЖЖ\u{3000}z  ";
        for pre in [
            "default",
            "gpt-2",
            "smollm",
            "llama-bpe",
            "dbrx",
            "qwen2",
            "qwen35",
            "stablelm2",
            "tekken",
            "gpt-4o",
            "deepseek-llm",
            "deepseek-coder",
            "deepseek-v3",
        ] {
            assert_eq!(pieces(pre, text).concat(), text, "{pre}");
            assert!(pieces(pre, "").is_empty(), "{pre}");
        }
        assert!(recipe("no-such-thing").is_none());
    }

    #[test]
    fn gpt2_gives_the_last_blank_to_the_next_word() {
        assert_eq!(pieces("gpt-2", "a  b\n\nc  "), ["a", " ", " b", "\n", "\n", "c", "  "]);
        assert_eq!(pieces("gpt-2", "it's 12"), ["it", "'s", " 12"]);
    }

    #[test]
    fn smollm_splits_digits_first() {
        assert_eq!(pieces("smollm", "in 1931, x"), ["in", " ", "1", "9", "3", "1", ",", " x"]);
    }

    #[test]
    fn llama3_keeps_line_breaks_together() {
        let text = "Hello'Ve world 1234\n\n  foo";
        let expected = ["Hello", "'Ve", " world", " ", "123", "4", "\n\n", " ", " foo"];
        assert_eq!(pieces("llama3", text), expected);
        assert_eq!(pieces("llama3", "a \n \n b"), ["a", " \n \n", " b"]);
    }

    #[test]
    fn qwen2_takes_digits_one_by_one() {
        assert_eq!(pieces("qwen2", "a 12.\n"), ["a", " ", "1", "2", ".\n"]);
    }

    /// The look-ahead that the patterns do without, as the sources have it.
    #[test]
    fn the_rule_for_the_last_blank_equals_the_look_ahead() {
        let blanks = [" ", "\n", "\t", "\r\n", "\u{3000}", "x", "1", "!"];
        for (pattern, pre) in [(GPT2, "gpt-2"), (LLAMA3, "llama3"), (DEEPSEEK3, "deepseek-v3")] {
            let ahead = pattern.strip_suffix(r"\s+").expect(pre).to_owned() + r"\s+(?!\S)|\s+";
            let ahead = SysRegex::new(&ahead).expect(pre);
            let last = recipe(pre).expect(pre).passes.len() - 1;
            let ours = Splitter::new(&recipe(pre).expect(pre)).expect(pre);
            for code in 0..8_usize.pow(5) {
                let text: String = (0..5).map(|ix| blanks[code / 8_usize.pow(ix) % 8]).collect();
                let mut theirs = Vec::new();
                let mut done = 0;
                for (start, end) in ahead.find_iter(&text) {
                    theirs.extend([&text[done..start], &text[start..end]]);
                    done = end;
                }
                theirs.push(&text[done..]);
                theirs.retain(|piece| !piece.is_empty());
                let mut pieces = Vec::new();
                split_by(&ours.passes[last..], &text, &mut |piece| pieces.push(piece));
                assert_eq!(pieces, theirs, "{pre} {text:?}");
            }
        }
    }
}
