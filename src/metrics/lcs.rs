//! The words of the longest common subsequences of sentences, found as the `rouge` package finds them.

/// A path was longer than Python's stack is deep.
#[derive(Debug, PartialEq)]
pub(super) struct TooDeep;

/// Sentences side by side in one vector of bits: a bit per word and, after each sentence, a bit that
/// stays 0 and so stops the carry.
pub(super) struct Sentences {
    starts: Vec<usize>,
    lens: Vec<usize>,
    /// Places of each word, and the sentence of each place.
    places: Vec<Vec<usize>>,
    sentence_at: Vec<usize>,
    words: Vec<usize>,
    is_word: Vec<u64>,
}

impl Sentences {
    /// Words are numbers below `n_words`.
    pub(super) fn new(sentences: &[Vec<usize>], n_words: usize) -> Self {
        let mut packed = Self {
            starts: Vec::new(),
            lens: Vec::new(),
            places: vec![Vec::new(); n_words],
            sentence_at: Vec::new(),
            words: Vec::new(),
            is_word: Vec::new(),
        };
        for (ix, sentence) in sentences.iter().enumerate() {
            packed.starts.push(packed.words.len());
            packed.lens.push(sentence.len());
            for &word in sentence {
                packed.places[word].push(packed.words.len());
                packed.words.push(word);
                packed.sentence_at.push(ix);
            }
            packed.words.push(usize::MAX);
            packed.sentence_at.push(ix);
        }
        packed.is_word = vec![0; packed.words.len().div_ceil(64)];
        for (at, _) in packed.words.iter().enumerate().filter(|(_, word)| **word != usize::MAX) {
            packed.is_word[at / 64] |= 1 << (at % 64);
        }
        packed
    }

    /// Marks in `found` the words of the longest common subsequence of `other` and each of the
    /// sentences.
    ///
    /// The package walks back through the table of lengths with a function that calls itself; where
    /// that takes more than `most_steps` calls within each other, Python gives up.
    pub(super) fn mark_common(
        &self,
        other: &[usize],
        found: &mut [bool],
        most_steps: usize,
    ) -> Result<(), TooDeep> {
        // What is common and found already adds nothing; only a path that is too long matters then.
        let mut is_of_use: Vec<bool> =
            self.lens.iter().map(|len| len + other.len() > most_steps).collect();
        for &word in other.iter().filter(|word| !found[**word]) {
            self.places[word].iter().for_each(|&at| is_of_use[self.sentence_at[at]] = true);
        }
        if !is_of_use.contains(&true) {
            return Ok(());
        }
        let rows = self.rows(other, most_steps + 1);
        for (ix, _) in is_of_use.iter().enumerate().filter(|(_, of_use)| **of_use) {
            self.walk_back(ix, other, &rows, found, most_steps)?;
        }
        Ok(())
    }

    /// The table of lengths, by rows of `other`, all sentences at once: the bit of a word is 0 where
    /// the length grows from the word before it to this one (Hyyrö, "Bit-parallel LCS-length
    /// computation revisited", 2004).
    fn rows(&self, other: &[usize], n_kept: usize) -> Rows {
        let n_units = self.is_word.len();
        let n_kept = n_kept.min(other.len());
        let mut rows = Rows { n_units, n_kept, bits: vec![0; n_units * n_kept] };
        let mut row = self.is_word.clone();
        let mut equal = vec![0_u64; n_units];
        for (above, &word) in other.iter().enumerate() {
            self.places[word].iter().for_each(|at| equal[at / 64] |= 1 << (at % 64));
            let mut carry = false;
            for unit in 0..n_units {
                let old = row[unit];
                let (sum, over) = old.overflowing_add(old & equal[unit]);
                let (sum, over_too) = sum.overflowing_add(u64::from(carry));
                carry = over || over_too;
                row[unit] = (sum | (old & !equal[unit])) & self.is_word[unit];
            }
            self.places[word].iter().for_each(|at| equal[at / 64] = 0);
            rows.row_mut(above + 1).copy_from_slice(&row);
        }
        rows
    }

    /// From the end of both to the beginning of one, as `_recon_lcs` goes: back in both where the
    /// words are equal, else back in `other` if only so the length is kept.
    fn walk_back(
        &self,
        ix: usize,
        other: &[usize],
        rows: &Rows,
        found: &mut [bool],
        most_steps: usize,
    ) -> Result<(), TooDeep> {
        let start = self.starts[ix];
        let (mut i, mut j) = (other.len(), self.lens[ix]);
        let mut n_steps = 0;
        while i > 0 && j > 0 {
            n_steps += 1;
            let is_equal = other[i - 1] == self.words[start + j - 1];
            // The last call compares numbers of the table, which takes a call more for great ones.
            let is_dear = !is_equal && j == 1 && i > CACHED_INT;
            if n_steps + usize::from(is_dear) > most_steps {
                return Err(TooDeep);
            }
            if is_equal {
                found[other[i - 1]] = true;
                (i, j) = (i - 1, j - 1);
            } else if rows.grows(i, start + j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        Ok(())
    }
}

/// Python keeps one object for each whole number up to this; greater ones that are equal need a call
/// to be found so.
const CACHED_INT: usize = 256;

/// The last rows of the table; the walk back cannot reach others.
struct Rows {
    n_units: usize,
    n_kept: usize,
    bits: Vec<u64>,
}

impl Rows {
    fn row_mut(&mut self, row: usize) -> &mut [u64] {
        let from = row % self.n_kept * self.n_units;
        &mut self.bits[from..from + self.n_units]
    }

    fn grows(&self, row: usize, at: usize) -> bool {
        self.bits[row % self.n_kept * self.n_units + at / 64] >> (at % 64) & 1 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    /// The table of lengths written out, and the walk.
    fn plain(other: &[usize], sentence: &[usize], found: &mut [bool]) {
        let mut table = vec![vec![0; sentence.len() + 1]; other.len() + 1];
        for i in 1..=other.len() {
            for j in 1..=sentence.len() {
                table[i][j] = match other[i - 1] == sentence[j - 1] {
                    true => table[i - 1][j - 1] + 1,
                    false => table[i - 1][j].max(table[i][j - 1]),
                };
            }
        }
        let (mut i, mut j) = (other.len(), sentence.len());
        while i > 0 && j > 0 {
            if other[i - 1] == sentence[j - 1] {
                found[other[i - 1]] = true;
                (i, j) = (i - 1, j - 1);
            } else if table[i - 1][j] > table[i][j - 1] {
                i -= 1;
            } else {
                j -= 1;
            }
        }
    }

    #[test]
    fn bits_find_what_the_table_finds() {
        let mut stream = Stream::new(7, "", "lcs");
        let mut below = |n: usize| stream.bits() as usize % n;
        for case in 0..400 {
            let n_words = 2 + below(40);
            let mut text = |n: usize| -> Vec<usize> { (0..n).map(|_| below(n_words)).collect() };
            let sentences: Vec<Vec<usize>> =
                (0..1 + case % 5).map(|k| text(case % 90 + k)).collect();
            let other = text(1 + case % 130);
            let (mut wanted, mut found) = (vec![false; n_words], vec![false; n_words]);
            sentences.iter().for_each(|sentence| plain(&other, sentence, &mut wanted));
            let packed = Sentences::new(&sentences, n_words);
            packed.mark_common(&other, &mut found, usize::MAX - 1).unwrap();
            assert_eq!(found, wanted, "{sentences:?} {other:?}");
            // A deep stack keeps only the last rows.
            let mut found = vec![false; n_words];
            packed.mark_common(&other, &mut found, 250).unwrap();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_path_may_be_as_long_as_the_stack_is_deep() {
        let sentence: Vec<usize> = (0..100).collect();
        let packed = Sentences::new(std::slice::from_ref(&sentence), 100);
        let mark = |most| packed.mark_common(&sentence, &mut [false; 100], most);
        assert_eq!(mark(100), Ok(()));
        assert_eq!(mark(99), Err(TooDeep));
    }
}
