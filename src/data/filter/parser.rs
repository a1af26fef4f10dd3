//! From tokens to a condition whose types fit.

use super::condition::{Comparison, Condition, Operand};
use super::lexer::{self, Placed, Token};
use super::names::Kind;
use super::{FilterError, Name, Needs, Part, Unit};

/// How far parentheses and `!` may nest: far deeper than anybody reads, and far from the end of the stack.
const DEEPEST: usize = 100;

/// The largest regular expression, in bytes when compiled.
const LARGEST_REGEX: usize = 1 << 20;

/// What a test begins with: a value, or something that is a condition already.
enum Begun {
    Value(Operand),
    Condition(Condition),
}

pub fn parse(text: &str) -> Result<(Condition, Needs), FilterError> {
    let tokens = lexer::tokens(text)?;
    let mut parser = Parser { text, tokens, next: 0, depth: 0, needs: Needs::default() };
    let condition = parser.any()?;
    match parser.peek() {
        Token::End => Ok((condition, parser.needs)),
        _ => Err(parser.unexpected("`&&`, `||` or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
    needs: Needs,
}

type Parsed<T> = Result<T, FilterError>;

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(_, token)| token)
    }

    /// Where the next token begins.
    fn place(&self) -> usize {
        self.tokens.get(self.next).map_or(self.text.len(), |(at, _)| *at)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn takes(&mut self, mark: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Mark(next) if *next == mark);
        self.next += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, mark: &str) -> Parsed<()> {
        match self.takes(mark) {
            true => Ok(()),
            false => Err(self.unexpected(&format!("`{mark}`"))),
        }
    }

    fn error<T>(&self, at: usize, problem: impl Into<String>) -> Parsed<T> {
        Err(FilterError::at(self.text, at, problem))
    }

    fn unexpected(&self, expected: &str) -> FilterError {
        let found = match self.peek() {
            Token::Word(word) => format!("`{word}`"),
            Token::Number(number) => format!("the number {number}"),
            Token::Text(_) => "a text".to_owned(),
            Token::Mark(mark) => format!("`{mark}`"),
            Token::End => "the end".to_owned(),
        };
        let hint = match self.peek() {
            Token::Word(word) => match word.to_lowercase().as_str() {
                "and" => "; write `&&` for and",
                "or" => "; write `||` for or",
                "not" => "; write `!` for not",
                _ => "",
            },
            _ => "",
        };
        let problem = format!("{found} stands where {expected} must come{hint}");
        FilterError::at(self.text, self.place(), problem)
    }

    fn any(&mut self) -> Parsed<Condition> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Condition::Any))
    }

    fn all(&mut self) -> Parsed<Condition> {
        let mut parts = vec![self.not()?];
        while self.takes("&&") {
            parts.push(self.not()?);
        }
        Ok(joined(parts, Condition::All))
    }

    fn not(&mut self) -> Parsed<Condition> {
        if self.depth >= DEEPEST {
            let problem =
                format!("more than {DEEPEST} parentheses and `!` in one another; use fewer");
            return self.error(self.place(), problem);
        }
        self.depth += 1;
        let condition = match self.takes("!") {
            true => Condition::Not(Box::new(self.not()?)),
            false => self.test()?,
        };
        self.depth -= 1;
        Ok(condition)
    }

    /// One comparison, or what is true or false without one.
    fn test(&mut self) -> Parsed<Condition> {
        let begins = self.place();
        let left = match self.begun()? {
            Begun::Condition(condition) => return Ok(condition),
            Begun::Value(left) => left,
        };
        let at = self.place();
        let Token::Mark(mark) = *self.peek() else { return self.alone(left, begins) };
        if mark == "~" {
            self.next += 1;
            return self.regex(left, at);
        }
        let Some(comparison) = Comparison::of_mark(mark) else { return self.alone(left, begins) };
        self.next += 1;
        let right_at = self.place();
        let right = match self.begun()? {
            Begun::Value(right) => right,
            Begun::Condition(_) => {
                return self.error(right_at, "a condition cannot be compared; use a value here");
            }
        };
        if let Token::Mark(next) = self.peek()
            && (*next == "~" || Comparison::of_mark(next).is_some())
        {
            return Err(self.unexpected("`&&`, `||` or `)`, for only two values can be compared"));
        }
        self.compared(left, comparison, right, at)
    }

    fn compared(
        &self,
        left: Operand,
        comparison: Comparison,
        right: Operand,
        at: usize,
    ) -> Parsed<Condition> {
        if left.is_fixed() && right.is_fixed() {
            return self.error(at, "both sides are fixed; name a field on one of them");
        }
        for (side, other) in [(&left, &right), (&right, &left)] {
            if *side == Operand::Null {
                let is_null = Condition::IsNull(other.clone());
                return match comparison {
                    Comparison::Equal => Ok(is_null),
                    Comparison::Unequal => Ok(Condition::Not(Box::new(is_null))),
                    _ => self.error(at, "null has no order; use `== null` or `!= null`"),
                };
            }
        }
        let (one, two) = (left.kind(), right.kind());
        if one != two && one != Kind::Any && two != Kind::Any {
            let problem =
                format!("the left side is {one} and the right side {two}; compare like with like");
            return self.error(at, problem);
        }
        let kind = if one == Kind::Any { two } else { one };
        if comparison.is_of_order() && !matches!(kind, Kind::Number | Kind::Any) {
            let problem =
                format!("only numbers have an order, and this is {kind}; use `==`, `!=` or `~`");
            return self.error(at, problem);
        }
        Ok(Condition::Compare(left, comparison, right))
    }

    fn regex(&mut self, left: Operand, at: usize) -> Parsed<Condition> {
        if !matches!(left.kind(), Kind::Text | Kind::Any) || left.is_fixed() {
            let problem = format!(
                "`~` looks into a field of text, and the left side is {}; name one",
                left.kind()
            );
            return self.error(at, problem);
        }
        let pattern_at = self.place();
        let Token::Text(pattern) = self.peek() else {
            return Err(self.unexpected("a regular expression in quotes"));
        };
        let regex = regex::RegexBuilder::new(pattern).size_limit(LARGEST_REGEX).build();
        match regex {
            Ok(regex) => {
                self.next += 1;
                Ok(Condition::Matches(left, regex))
            }
            Err(error) => {
                // The last line says what is wrong; those before it draw where.
                let told = error.to_string();
                let reason = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
                let problem =
                    format!("the regular expression cannot be used ({reason}); write another");
                self.error(pattern_at, problem)
            }
        }
    }

    /// A value with no operator behind it.
    fn alone(&self, value: Operand, at: usize) -> Parsed<Condition> {
        match value {
            Operand::Name(ref name) if matches!(name.kind(), Kind::Bool | Kind::Any) => {
                Ok(Condition::Is(value))
            }
            Operand::Bool(_) => Ok(Condition::Is(value)),
            other => {
                let kind = other.kind();
                self.error(
                    at,
                    format!("this is {kind}, not a condition; compare it, as with `==` or `<`"),
                )
            }
        }
    }

    fn begun(&mut self) -> Parsed<Begun> {
        let at = self.place();
        match self.peek() {
            Token::Number(_) | Token::Text(_) | Token::Word(_) => {}
            Token::Mark("(") => {
                self.next += 1;
                let inner = self.any()?;
                self.expect(")")?;
                return Ok(Begun::Condition(inner));
            }
            _ => return Err(self.unexpected("a name, a number, a text or `(`")),
        }
        Ok(Begun::Value(match self.take() {
            Token::Number(number) => Operand::Number(number),
            Token::Text(text) => Operand::Text(text),
            Token::Word(word) if self.takes("(") => return self.call(&word, at),
            Token::Word(word) => self.word(&word, at)?,
            Token::Mark(_) | Token::End => return Err(self.unexpected("a value")),
        }))
    }

    fn word(&mut self, word: &str, at: usize) -> Parsed<Operand> {
        Ok(match word {
            "true" => Operand::Bool(true),
            "false" => Operand::Bool(false),
            "null" => Operand::Null,
            _ => Operand::Name(self.name(word, at)?),
        })
    }

    fn name(&mut self, word: &str, at: usize) -> Parsed<Name> {
        let Some(name) = Name::of(word) else {
            let known = Name::known();
            return self.error(at, format!("the name `{word}` is unknown; use one of {known}"));
        };
        self.needs.names.insert(name.clone());
        Ok(name)
    }

    fn call(&mut self, function: &str, at: usize) -> Parsed<Begun> {
        let unit = match function {
            "len_chars" => Some(Unit::Chars),
            "len_words" => Some(Unit::Words),
            "len_tokens" => Some(Unit::Tokens),
            "contains" | "has" | "tag" => None,
            _ => {
                let known = "len_chars, len_words, len_tokens, contains, has or tag";
                return self
                    .error(at, format!("the function `{function}` is unknown; use {known}"));
            }
        };
        let begun = match unit {
            Some(unit) => Begun::Value(self.length(unit)?),
            None => Begun::Condition(self.predicate(function)?),
        };
        self.expect(")")?;
        Ok(begun)
    }

    fn length(&mut self, unit: Unit) -> Parsed<Operand> {
        let expected = "context, instruction, answer or prompt";
        let part = match self.peek() {
            Token::Word(word) => Part::of(word),
            _ => None,
        };
        let part = part.ok_or_else(|| self.unexpected(expected))?;
        self.next += 1;
        self.needs.lengths.insert((part, unit));
        Ok(Operand::Length(part, unit))
    }

    fn predicate(&mut self, function: &str) -> Parsed<Condition> {
        if function == "tag" {
            self.needs.tags = true;
            return Ok(Condition::Tag(self.quoted()?));
        }
        let at = self.place();
        let Token::Word(word) = self.peek().clone() else {
            return Err(self.unexpected("the name of a field"));
        };
        self.next += 1;
        let name = self.name(&word, at)?;
        if function == "has" {
            return Ok(Condition::Not(Box::new(Condition::IsNull(Operand::Name(name)))));
        }
        if !matches!(name.kind(), Kind::Text | Kind::Any) {
            let kind = name.kind();
            return self.error(
                at,
                format!("`contains` looks into text, and `{word}` is {kind}; use another"),
            );
        }
        self.expect(",")?;
        Ok(Condition::Contains(name, self.quoted()?))
    }

    fn quoted(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            Token::Text(text) => {
                self.next += 1;
                Ok(text)
            }
            _ => Err(self.unexpected("a text in quotes")),
        }
    }
}

fn joined(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}
