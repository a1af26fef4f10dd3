//! Bytes of tokens into text, as they come.

/// Turns the bytes of tokens into text and holds back a character that is not complete yet.
#[derive(Debug, Default, Clone)]
pub struct Utf8Stream {
    held: Vec<u8>,
}

impl Utf8Stream {
    /// An empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more bytes and gives the text that is complete now. Bytes that can never become a
    /// character come out as U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let mut text = String::new();
        let mut n_used = 0;
        for chunk in self.held.utf8_chunks() {
            text.push_str(chunk.valid());
            n_used += chunk.valid().len();
            let broken = chunk.invalid();
            let may_go_on = n_used + broken.len() == self.held.len() && is_unfinished(broken);
            if broken.is_empty() || may_go_on {
                break;
            }
            text.push(char::REPLACEMENT_CHARACTER);
            n_used += broken.len();
        }
        self.held.drain(..n_used);
        text
    }

    /// The rest, with U+FFFD for what never became a character.
    pub fn finish(&mut self) -> String {
        let rest = String::from_utf8_lossy(&self.held).into_owned();
        self.held.clear();
        rest
    }
}

fn is_unfinished(bytes: &[u8]) -> bool {
    matches!(std::str::from_utf8(bytes), Err(error) if error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_same_text() {
        let text = "a é 东 🙂 \u{301}x";
        for size in 1..=5 {
            let mut stream = Utf8Stream::new();
            let mut out: String =
                text.as_bytes().chunks(size).map(|part| stream.push(part)).collect();
            out.push_str(&stream.finish());
            assert_eq!(out, text);
        }
    }

    #[test]
    fn text_is_not_held_longer_than_needed() {
        let mut stream = Utf8Stream::new();
        assert_eq!(stream.push(b"ab\xF0\x9F"), "ab");
        assert_eq!(stream.push(b"\x99\x82c"), "🙂c");
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn broken_bytes_are_replaced_and_do_not_block() {
        let mut stream = Utf8Stream::new();
        assert_eq!(stream.push(b"\xFFa\xC3"), "\u{FFFD}a");
        assert_eq!(stream.push(b"b"), "\u{FFFD}b");
        assert_eq!(stream.push(b"\xE4\xB8"), "");
        assert_eq!(stream.finish(), "\u{FFFD}");
        assert_eq!(stream.push(b"x"), "x");
    }
}
