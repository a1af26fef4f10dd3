//! How a model wants a conversation written, and where in the result each message stands.
//!
//! Runs the Jinja template that comes with a model. What a message says is for `prompt`; how text
//! becomes tokens is for `tokenizer`, which takes the ranges found here as data.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use candle_core::quantized::gguf_file::{Content, Value as GgufValue};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{Environment, ErrorKind, Value, context};

use super::tokenizer::Tokenizer;

const KEY: &str = "tokenizer.chat_template";
const NAME: &str = "chat_template";

/// A template that needs more steps than this for each message is not one for chats.
const FUEL: u64 = 4_000_000;
/// Deep enough for every template seen; far from the end of the stack.
const DEEPEST_NESTING: usize = 200;
/// The longest known template has about 15 kB.
const LONGEST_TEMPLATE: usize = 1 << 20;

const CHATML: &str = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + \
    '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}\
    {% endif %}";
const LLAMA3: &str = "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m.role + \
    '<|end_header_id|>\n\n' + m.content | trim + '<|eot_id|>' }}{% endfor %}\
    {% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}\
    {% endif %}";
const PLAIN: &str = "{% for m in messages %}{{ m.role + ': ' + m.content + '\n\n' }}{% endfor %}\
    {% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}";

/// Why a template could not be read or run.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The key of the metadata is no text.
    #[error("reading the key `{KEY}` of the GGUF metadata: it is not a text but {0}")]
    Key(String),
    /// The template is too long to be one.
    #[error("reading a chat template: {0} bytes are too many")]
    TooLong(usize),
    /// The template is not Jinja.
    #[error("reading a chat template: {0:#}")]
    Parse(minijinja::Error),
    /// The template failed, refused the messages, or did not come to an end.
    #[error("writing {n_messages} messages with the chat template: {source:#}")]
    Render {
        /// How many messages there were.
        n_messages: usize,
        /// What the template engine said.
        source: minijinja::Error,
    },
    /// The template changes a message beyond recognition.
    #[error("writing message {index} with the chat template: its content is not in the result")]
    Lost {
        /// Which message, from 0.
        index: usize,
    },
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A turn.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

/// A conversation as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The whole text.
    pub text: String,
    /// The bytes of each message's content in the text, in the order of the messages, as far as
    /// the template kept it (some trim). Empty for a message that the template leaves out.
    pub content: Vec<Range<usize>>,
}

/// A model's wire format for conversations.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    source: String,
    bos_token: String,
    eos_token: String,
    warning: Option<String>,
}

type Result<T> = std::result::Result<T, TemplateError>;

impl ChatTemplate {
    /// A template from its Jinja source, with the texts that stand for `bos_token` and
    /// `eos_token` in it.
    pub fn new(source: &str, bos_token: Option<&str>, eos_token: Option<&str>) -> Result<Self> {
        if source.len() > LONGEST_TEMPLATE {
            return Err(TemplateError::TooLong(source.len()));
        }
        let source = without_generation_marks(source);
        let mut environment = environment().map_err(TemplateError::Parse)?;
        environment.add_template_owned(NAME, source.clone()).map_err(TemplateError::Parse)?;
        Ok(Self {
            environment,
            source,
            bos_token: bos_token.unwrap_or_default().to_owned(),
            eos_token: eos_token.unwrap_or_default().to_owned(),
            warning: None,
        })
    }

    /// The template of a model; where its file has none, the one that fits its vocabulary, with a
    /// [`warning`](Self::warning).
    pub fn from_gguf(content: &Content, tokenizer: &Tokenizer) -> Result<Self> {
        let text_of = |id: Option<u32>| id.and_then(|id| tokenizer.token_text(id));
        let (bos, eos) = (text_of(tokenizer.bos()), text_of(tokenizer.eos()));
        match content.metadata.get(KEY) {
            Some(GgufValue::String(source)) => return Self::new(source, bos, eos),
            Some(other) => return Err(TemplateError::Key(format!("{:?}", other.value_type()))),
            None => {}
        }
        Self::fitting(tokenizer)
    }

    /// The template that fits a vocabulary, with a [`warning`](Self::warning): for models without one.
    pub fn fitting(tokenizer: &Tokenizer) -> Result<Self> {
        let text_of = |id: Option<u32>| id.and_then(|id| tokenizer.token_text(id));
        let (bos, eos) = (text_of(tokenizer.bos()), text_of(tokenizer.eos()));
        let (form, source) = if tokenizer.id_of("<|im_start|>").is_some() {
            ("ChatML", CHATML)
        } else if tokenizer.id_of("<|start_header_id|>").is_some() {
            ("the form of Llama 3", LLAMA3)
        } else {
            ("plain `role: content` lines", PLAIN)
        };
        let warning = format!("the model has no chat template: {form} is used instead");
        Ok(Self { warning: Some(warning), ..Self::new(source, bos, eos)? })
    }

    /// What is doubtful about the template.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Writes a conversation, and where asked the beginning of the model's turn.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<Rendered> {
        let write = |messages: &[Message]| self.write(messages, add_generation_prompt);
        let text = write(messages)?;
        let content = locate(&write, &self.source, messages, &text)?;
        Ok(Rendered { text, content })
    }

    /// Writes a conversation and the beginning of the model's turn, which goes on with a given
    /// text. The range of that text is the last one.
    pub fn render_begun(&self, messages: &[Message], assistant_prefix: &str) -> Result<Rendered> {
        let mut rendered = self.render(messages, true)?;
        let start = rendered.text.len();
        rendered.text.push_str(assistant_prefix);
        rendered.content.push(start..rendered.text.len());
        Ok(rendered)
    }

    fn write(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String> {
        let failed = |source| TemplateError::Render { n_messages: messages.len(), source };
        let n_bytes: usize =
            messages.iter().map(|message| message.content.len() + message.role.len()).sum();
        let mut environment = self.environment.clone();
        let for_size = u64::try_from(n_bytes).unwrap_or(u64::MAX);
        environment.set_fuel(Some(FUEL.saturating_add(for_size)));
        let template = environment.get_template(NAME).map_err(failed)?;
        let turns = messages.iter().map(|Message { role, content }| context! { role, content });
        let values = context! {
            messages => turns.collect::<Vec<Value>>(),
            add_generation_prompt,
            bos_token => self.bos_token.as_str(),
            eos_token => self.eos_token.as_str(),
            tools => (),
            documents => (),
        };
        let room = n_bytes.saturating_mul(4).saturating_add(LONGEST_TEMPLATE);
        let mut out = Limited { written: Vec::new(), room };
        template.render_captured_to(values, &mut out).map_err(failed)?;
        String::from_utf8(out.written).map_err(|error| {
            failed(minijinja::Error::new(ErrorKind::WriteFailure, error.to_string()))
        })
    }
}

/// Takes so many bytes and no more.
struct Limited {
    written: Vec<u8>,
    room: usize,
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written.len().saturating_add(bytes.len()) > self.room {
            return Err(io::Error::other("the template writes without an end"));
        }
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The engine as transformers sets it up: templates are written for that.
fn environment() -> std::result::Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_recursion_limit(DEEPEST_NESTING);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function(
        "raise_exception",
        |message: String| -> std::result::Result<Value, _> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        },
    );
    environment.add_function("strftime_now", |format: String| fixed_date(&format));
    environment.add_filter("tojson", tojson);
    Ok(environment)
}

/// Some templates write today's date. The same messages must give the same text on every day, so
/// it is always the date that the templates of Llama 3 name themselves when they have no clock:
/// Friday, 26 July 2024, and midnight.
fn fixed_date(format: &str) -> String {
    let mut date = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            date.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => date.push_str("26"),
            Some('m') => date.push_str("07"),
            Some('b') => date.push_str("Jul"),
            Some('B') => date.push_str("July"),
            Some('Y') => date.push_str("2024"),
            Some('y') => date.push_str("24"),
            Some('a') => date.push_str("Fri"),
            Some('A') => date.push_str("Friday"),
            Some('H' | 'M' | 'S') => date.push_str("00"),
            Some('F') => date.push_str("2024-07-26"),
            Some(other) => date.push(other),
            None => {}
        }
    }
    date
}

/// As Python writes JSON: the engine's own filter, without its care for web pages, which writes
/// `<`, `>`, `&` and `'` as escapes.
fn tojson(value: &Value, kwargs: Kwargs) -> std::result::Result<String, minijinja::Error> {
    let indent: Option<Value> = kwargs.get("indent")?;
    let _: Option<Value> = kwargs.get("ensure_ascii")?;
    let _: Option<Value> = kwargs.get("separators")?;
    let _: Option<Value> = kwargs.get("sort_keys")?;
    kwargs.assert_all_used()?;
    let escaped =
        minijinja::filters::tojson(value, indent, Kwargs::from_iter::<[(String, Value); 0]>([]))?;
    let escaped = escaped.as_str().unwrap_or_default();
    let mut out = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = [("\\u003c", "<"), ("\\u003e", ">"), ("\\u0026", "&"), ("\\u0027", "'")];
        let escape = known.iter().find(|(escape, _)| rest.starts_with(escape));
        // Any other escape stays, the character after the backslash with it: it may be another
        // backslash.
        let n_kept = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
        let (from, to) = escape.copied().unwrap_or((&rest[..n_kept], &rest[..n_kept]));
        out.push_str(to);
        rest = &rest[from.len()..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Transformers has a block of its own, `{% generation %}`, that writes nothing by itself; here it
/// becomes a condition that always holds, which treats the white space around it alike.
fn without_generation_marks(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let Some(n_bytes) = rest[start..].find("%}") else {
            break;
        };
        let end = start + n_bytes;
        let inner = &rest[start + 2..end];
        let name = inner.trim_matches(|c: char| matches!(c, '-' | '+') || c.is_whitespace());
        let inner = match name {
            "generation" => inner.replacen(name, "if true", 1),
            "endgeneration" => inner.replacen(name, "endif", 1),
            _ => inner.to_owned(),
        };
        out.push_str(&rest[..start + 2]);
        out.push_str(&inner);
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

type Write<'w> = dyn Fn(&[Message]) -> Result<String> + 'w;

/// Finds the contents in a rendered text.
///
/// Each content is replaced by a sign of its own that occurs nowhere else. Where the signs stand in
/// that rendering, the contents stand in the real one. How a content really comes out (trimmed,
/// cut at `</think>`, dropped) is what changes in the rendering of the signs when only that
/// content takes the place of its sign.
fn locate(
    write: &Write<'_>,
    source: &str,
    messages: &[Message],
    text: &str,
) -> Result<Vec<Range<usize>>> {
    let Some(signs) = signs(source, messages) else {
        return search(messages, text);
    };
    let mut signed: Vec<Message> = messages
        .iter()
        .zip(&signs)
        .map(|(message, sign)| Message::new(&message.role, *sign))
        .collect();
    // A template may accept the real contents only.
    let Ok(pattern) = write(&signed) else {
        return search(messages, text);
    };
    let plain = messages.iter().zip(&signs).map(|(message, sign)| {
        let at = pattern.find(*sign).map(|start| start..start + sign.len_utf8());
        Edit { at: at.unwrap_or(pattern.len()..pattern.len()), with: message.content.clone() }
    });
    if let Some(ranges) = align(&pattern, plain.collect(), text) {
        return Ok(ranges);
    }
    let mut edits = Vec::new();
    for (ix, message) in messages.iter().enumerate() {
        let sign = std::mem::replace(&mut signed[ix].content, message.content.clone());
        let Ok(changed) = write(&signed) else {
            return search(messages, text);
        };
        signed[ix].content = sign;
        edits.push(Edit::between(&pattern, &changed));
    }
    match align(&pattern, edits, text) {
        Some(ranges) => Ok(ranges),
        None => search(messages, text),
    }
}

/// A character for each message, of the area that Unicode leaves to private use.
fn signs(source: &str, messages: &[Message]) -> Option<Vec<char>> {
    let is_private = |c: &char| matches!(c, '\u{F0000}'..='\u{10FFFD}');
    let texts = messages.iter().flat_map(|message| [&*message.role, &*message.content]);
    let used: std::collections::BTreeSet<char> =
        texts.chain([source]).flat_map(str::chars).filter(is_private).collect();
    let free = ('\u{F0000}'..='\u{10FFFD}').filter(|c| !used.contains(c));
    let signs: Vec<char> = free.take(messages.len()).collect();
    (signs.len() == messages.len()).then_some(signs)
}

/// A stretch of a text and what stands there instead.
struct Edit {
    at: Range<usize>,
    with: String,
}

impl Edit {
    /// The one stretch in which two texts differ.
    fn between(old: &str, new: &str) -> Self {
        let n_same = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
            pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
        };
        let start = n_same(&mut old.chars().zip(new.chars()));
        let (old_rest, new_rest) = (&old[start..], &new[start..]);
        let n_end = n_same(&mut old_rest.chars().rev().zip(new_rest.chars().rev()));
        let with = new_rest[..new_rest.len() - n_end].to_owned();
        Self { at: start..old.len() - n_end, with }
    }
}

/// Makes all edits; the ranges of what they put in, in their order, if the result is the text.
fn align(pattern: &str, edits: Vec<Edit>, text: &str) -> Option<Vec<Range<usize>>> {
    let mut by_place: Vec<(usize, &Edit)> = edits.iter().enumerate().collect();
    by_place.sort_by_key(|(_, edit)| (edit.at.start, edit.at.end));
    let mut ranges = BTreeMap::new();
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for (ix, edit) in by_place {
        result.push_str(pattern.get(done..edit.at.start)?);
        let start = result.len();
        result.push_str(&edit.with);
        ranges.insert(ix, start..result.len());
        done = edit.at.end;
    }
    result.push_str(&pattern[done..]);
    (result == text).then(|| ranges.into_values().collect())
}

/// Looks for the contents one after the other: for templates that write a message differently
/// depending on another one. The last part after `</think>` counts as the content if need be.
fn search(messages: &[Message], text: &str) -> Result<Vec<Range<usize>>> {
    let mut done = 0;
    let find = |(index, message): (usize, &Message)| {
        let content = message.content.as_str();
        let answer = content.rsplit("</think>").next().unwrap_or(content);
        let forms = [content, content.trim(), answer.trim()];
        let found = forms.iter().find_map(|form| {
            let start = done + text[done..].find(form)?;
            Some(start..start + form.len())
        });
        let found = found.ok_or(TemplateError::Lost { index })?;
        done = found.end;
        Ok(found)
    };
    messages.iter().enumerate().map(find).collect()
}

#[cfg(test)]
mod tests;
