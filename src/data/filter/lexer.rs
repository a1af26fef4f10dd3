//! From text to marks and words.

use super::FilterError;

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name, or `true`, `false`, `null`.
    Word(String),
    Number(f64),
    Text(String),
    /// `&&`, `||`, `!`, `==`, `!=`, `<`, `<=`, `>`, `>=`, `~`, `(`, `)`, `,`
    Mark(&'static str),
    End,
}

/// A token and the byte at which it begins.
pub type Placed = (usize, Token);

/// Longer ones first, so that `<=` is not read as `<`.
const MARKS: [&str; 13] = ["&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "~", "(", ")", ","];

/// The tokens of an expression, the end as the last.
pub fn tokens(text: &str) -> Result<Vec<Placed>, FilterError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else {
            tokens.push((at, Token::End));
            return Ok(tokens);
        };
        let (token, n_bytes) = if first == '"' || first == '\'' {
            quoted(text, at, first)?
        } else if first.is_ascii_digit() || first == '-' || first == '.' {
            number(text, at)?
        } else if first.is_alphabetic() || first == '_' {
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            (Token::Word(rest[..end].to_owned()), end)
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            (Token::Mark(mark), mark.len())
        } else {
            return Err(FilterError::at(text, at, unknown(first)));
        };
        tokens.push((at, token));
        at += n_bytes;
    }
}

fn unknown(first: char) -> String {
    let hint = match first {
        '=' => "; write `==` to compare",
        '&' => "; write `&&` for and",
        '|' => "; write `||` for or",
        '“' | '”' | '„' | '’' | '‘' => "; write straight quotes around a text",
        _ => "; write names, numbers, \"texts\", == != < <= > >= ~ && || ! and parentheses",
    };
    format!("`{first}` means nothing here{hint}")
}

/// A text in quotes of either kind, with `\"`, `\'`, `\\`, `\n`, `\t`; any other `\` stands for itself,
/// so that regular expressions are written as usual.
fn quoted(text: &str, at: usize, quote: char) -> Result<(Token, usize), FilterError> {
    let mut value = String::new();
    let mut chars = text[at + 1..].char_indices();
    while let Some((place, c)) = chars.next() {
        match c {
            _ if c == quote => return Ok((Token::Text(value), place + 2)),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, c @ ('"' | '\'' | '\\'))) => value.push(c),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            _ => value.push(c),
        }
    }
    Err(FilterError::at(text, at, "this text is not closed; write a quote at its end"))
}

fn number(text: &str, at: usize) -> Result<(Token, usize), FilterError> {
    let rest = &text[at..];
    let is_part = |(place, c): (usize, char)| {
        let is_sign = matches!(c, '-' | '+') && (place == 0 || rest[..place].ends_with(['e', 'E']));
        c.is_alphanumeric() || c == '.' || c == '_' || is_sign
    };
    let end = rest.char_indices().find(|found| !is_part(*found)).map_or(rest.len(), |(at, _)| at);
    let word = &rest[..end];
    match word.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((Token::Number(number), end)),
        _ => Err(FilterError::at(
            text,
            at,
            format!("`{word}` is no number; write one such as 4000, 0.1 or -1e3"),
        )),
    }
}
