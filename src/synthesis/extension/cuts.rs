//! How long a text is, and where it may be cut.

/// Where a text may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The byte up to which it is kept.
    pub end: usize,
    /// The length of what is kept.
    pub n: u64,
}

/// The length of a text, in the units of a ruler, and its shorter forms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measured {
    /// The length.
    pub n: u64,
    /// Behind its paragraphs but the last, ascending.
    pub paragraphs: Box<[Cut]>,
    /// Behind its sentences but the last of each paragraph, ascending.
    pub sentences: Box<[Cut]>,
}

impl Measured {
    /// Measures a text whose units end at these bytes.
    pub fn new(text: &str, ends: &[usize]) -> Self {
        let cut = |end: usize| Cut { end, n: ends.partition_point(|unit| *unit <= end) as u64 };
        let paragraphs = paragraph_ends(text);
        let of_sentence = sentence_ends(text).into_iter();
        let sentences = of_sentence.filter(|end| paragraphs.binary_search(end).is_err());
        Self {
            n: ends.len() as u64,
            sentences: sentences.map(cut).collect(),
            paragraphs: paragraphs.iter().copied().map(cut).collect(),
        }
    }

    /// The longest form behind a paragraph of at most `room` units.
    pub fn paragraphs_within(&self, room: u64) -> Option<Cut> {
        within(&self.paragraphs, room)
    }

    /// The longest form behind a sentence of at most `room` units.
    pub fn sentences_within(&self, room: u64) -> Option<Cut> {
        within(&self.sentences, room)
    }
}

fn within(cuts: &[Cut], room: u64) -> Option<Cut> {
    cuts.partition_point(|cut| cut.n <= room).checked_sub(1).map(|ix| cuts[ix])
}

/// The ends of the paragraphs, the last left out: behind lines before a blank one, or behind every line
/// where no line is blank.
fn paragraph_ends(text: &str) -> Vec<usize> {
    let mut lines: Vec<(usize, bool)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        lines.push((at + line.trim_end().len(), line.trim().is_empty()));
        at += line.len();
    }
    let is_blank = |ix: usize| lines.get(ix).is_some_and(|(_, blank)| *blank);
    let any_blank = (1..lines.len()).any(is_blank);
    let is_end = |ix: &usize| !is_blank(*ix) && (!any_blank || is_blank(ix + 1));
    let last = (0..lines.len()).rev().find(|ix| !is_blank(*ix)).unwrap_or(0);
    (0..last).filter(is_end).map(|ix| lines[ix].0).collect()
}

/// The ends of the sentences: behind their mark and what closes with it, before white space or, after a
/// mark of Chinese, before anything.
fn sentence_ends(text: &str) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let wide = matches!(c, '。' | '！' | '？');
        if !wide && !matches!(c, '.' | '!' | '?') {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some((next, closing)) = chars.peek().copied()
            && matches!(closing, '"' | '\'' | ')' | ']' | '”' | '’' | '」' | '』' | '）')
        {
            end = next + closing.len_utf8();
            chars.next();
        }
        let follows = chars.peek().map(|(_, c)| *c);
        if follows.is_some_and(|c| wide || c.is_whitespace()) {
            ends.push(end);
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_behind_paragraphs_and_sentences() {
        let paragraphs = |text: &str| -> Vec<String> {
            paragraph_ends(text).into_iter().map(|end| text[..end].to_owned()).collect()
        };
        assert_eq!(paragraphs("A\nb \n\n \nC\n\nD\n\n"), ["A\nb", "A\nb \n\n \nC"]);
        assert_eq!(paragraphs("A\nB\nC\n"), ["A", "A\nB"]);
        assert_eq!(paragraphs("only"), [""; 0]);
        assert_eq!(paragraphs("\n\n\n"), [""; 0]);
        let sentences = |text: &str| -> Vec<String> {
            sentence_ends(text).into_iter().map(|end| text[..end].to_owned()).collect()
        };
        let text = "He said \"No.\" Then 3.5 men (2.) came. End.";
        let ends = ["He said \"No.\"", "He said \"No.\" Then 3.5 men (2.)"];
        assert_eq!(sentences(text), [ends[0], ends[1], "He said \"No.\" Then 3.5 men (2.) came."]);
        assert_eq!(sentences("他来了。她走了！完"), ["他来了。", "他来了。她走了！"]);
    }

    #[test]
    fn the_longest_form_that_fits_is_found() {
        let text = "One two. Three.\n\nFour five six.\n\nSeven";
        let ends: Vec<usize> = text.match_indices([' ', '\n']).map(|(at, _)| at).collect();
        let ends: Vec<usize> = ends.into_iter().chain([text.len()]).collect();
        let measured = Measured::new(text, &ends);
        assert_eq!(measured.paragraphs_within(5).map(|cut| cut.end), Some(15));
        assert_eq!(measured.paragraphs_within(2), None);
        let sentence = measured.sentences_within(2).unwrap();
        assert_eq!((&text[..sentence.end], sentence.n), ("One two.", 2));
        // The end of a paragraph is no cut of a sentence too.
        assert_eq!(measured.sentences.len(), 1);
    }
}
