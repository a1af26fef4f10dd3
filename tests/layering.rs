//! Who may know whom: every `crate::` path below `src/` obeys the table of rooms in `lib.rs`' docs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, cell by cell. A room knows the cells to its left, never a sibling in its own.
const TABLE: [&[&str]; 9] = [
    &["job", "seed", "stats"],
    &["data", "metrics", "figure", "gpu"],
    &["prompt"],
    &["model"],
    &["drive"],
    &["lengths", "checks", "synthesis", "coherence", "longbench", "needle", "tuning", "export"],
    &["report"],
    &["workbench"],
    &["cli", "app"],
];

/// The doors: all that `main.rs` may open.
const DOORS: [&str; 2] = ["cli", "app"];

/// Fewer paths than this in the whole source mean that the reader below sees nothing.
const N_PATHS_AT_LEAST: usize = 30;

fn cell_of(room: &str) -> Option<usize> {
    TABLE.iter().position(|cell| cell.contains(&room))
}

fn may_know(room: &str, other: &str) -> bool {
    room == other || cell_of(other).is_some_and(|there| Some(there) < cell_of(room))
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Mark(char),
    /// `::`
    Colons,
}

/// What of Rust's tokens matters for paths; comments, literals and lifetimes are left out.
fn tokens(source: &str) -> Vec<Token> {
    let text: Vec<char> = source.chars().collect();
    let at = |ix: usize| text.get(ix).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let mut ix = 0;
    while ix < text.len() {
        match at(ix) {
            '/' if at(ix + 1) == '/' => ix = find_from(&text, ix, '\n'),
            '/' if at(ix + 1) == '*' => ix = after_block_comment(&text, ix),
            '"' => ix = after_quoted(&text, ix),
            '\'' if at(ix + 1) == '\\' || at(ix + 2) == '\'' => ix = after_quoted(&text, ix),
            '\'' => ix = after_word(&text, ix + 1),
            ':' if at(ix + 1) == ':' => {
                found.push(Token::Colons);
                ix += 2;
            }
            first if first.is_alphanumeric() || first == '_' => {
                let end = after_word(&text, ix);
                let word: String = text[ix..end].iter().collect();
                let raw = ["r", "br", "cr"].contains(&word.as_str());
                let n_hashes = text[end..].iter().take_while(|c| **c == '#').count();
                ix = match at(end + n_hashes) {
                    '"' if raw => after_raw(&text, end + n_hashes, n_hashes),
                    // `r#type` is the word `type`; `b"…"` and `b'…'` need no more than their quotes.
                    _ if raw && n_hashes == 1 => end + 1,
                    _ => {
                        let literal = ["b", "c"].contains(&word.as_str()) && at(end) == '"'
                            || word == "b" && at(end) == '\'';
                        if !literal {
                            found.push(Token::Word(word));
                        }
                        end
                    }
                };
            }
            other => {
                if !other.is_whitespace() {
                    found.push(Token::Mark(other));
                }
                ix += 1;
            }
        }
    }
    found
}

fn find_from(text: &[char], from: usize, wanted: char) -> usize {
    text[from..].iter().position(|c| *c == wanted).map_or(text.len(), |n| from + n)
}

fn after_word(text: &[char], from: usize) -> usize {
    let is_part = |c: &&char| c.is_alphanumeric() || **c == '_';
    from + text[from..].iter().take_while(is_part).count()
}

fn after_block_comment(text: &[char], from: usize) -> usize {
    let (mut ix, mut depth) = (from, 0_usize);
    while ix < text.len() {
        match text[ix..] {
            ['/', '*', ..] => (ix, depth) = (ix + 2, depth + 1),
            ['*', '/', ..] => (ix, depth) = (ix + 2, depth - 1),
            _ => ix += 1,
        }
        if depth == 0 {
            break;
        }
    }
    ix
}

/// The end of a string or character that begins with the quote at `from`.
fn after_quoted(text: &[char], from: usize) -> usize {
    let mut ix = from + 1;
    while ix < text.len() && text[ix] != text[from] {
        ix += if text[ix] == '\\' { 2 } else { 1 };
    }
    (ix + 1).min(text.len())
}

/// The end of a raw string whose opening quote stands at `quote`.
fn after_raw(text: &[char], quote: usize, n_hashes: usize) -> usize {
    let mut ix = quote + 1;
    while ix < text.len() {
        ix = find_from(text, ix, '"') + 1;
        let closing = text.iter().skip(ix).take(n_hashes);
        if closing.filter(|c| **c == '#').count() == n_hashes {
            return ix + n_hashes;
        }
    }
    text.len()
}

/// The names that follow `root::` in `source`, once for every time. `depth` is the number of modules
/// between the crate's root and this file: so many `super::` lead to the root too.
fn names_at_root(source: &str, root: &str, depth: usize) -> Vec<String> {
    let tokens = tokens(source);
    let word = |ix: usize| match tokens.get(ix) {
        Some(Token::Word(word)) => word.as_str(),
        _ => "",
    };
    let mut found = Vec::new();
    let mut is_module = Vec::new();
    let mut ix = 0;
    while ix < tokens.len() {
        match &tokens[ix] {
            Token::Mark('{') => is_module.push(ix >= 2 && word(ix - 2) == "mod"),
            Token::Mark('}') => drop(is_module.pop()),
            Token::Word(name) if name == root && tokens.get(ix + 1) == Some(&Token::Colons) => {
                first_names(&tokens, ix + 2, &mut found);
            }
            // `use crate as other;` would hide what comes after it.
            Token::Word(name) if name == root && word(ix + 1) == "as" => {
                found.push(format!("{root} as {}", word(ix + 2)));
            }
            Token::Word(name) if name == "super" => {
                let mut n_supers = 1;
                while tokens.get(ix + 1) == Some(&Token::Colons) && word(ix + 2) == "super" {
                    n_supers += 1;
                    ix += 2;
                }
                let inner = is_module.iter().filter(|is_module| **is_module).count();
                if n_supers == depth + inner && tokens.get(ix + 1) == Some(&Token::Colons) {
                    first_names(&tokens, ix + 2, &mut found);
                }
            }
            _ => {}
        }
        ix += 1;
    }
    found
}

/// The first name of the path at `ix`, or those of each path of the group at `ix`.
fn first_names(tokens: &[Token], ix: usize, found: &mut Vec<String>) {
    match tokens.get(ix) {
        Some(Token::Word(name)) => found.push(name.clone()),
        Some(Token::Mark('{')) => {
            let mut depth = 0_usize;
            for (ix, token) in tokens.iter().enumerate().skip(ix) {
                match token {
                    Token::Mark('{') => depth += 1,
                    Token::Mark('}') => depth -= 1,
                    _ => {}
                }
                let opens = matches!(token, Token::Mark('{' | ','));
                if opens && depth == 1 && tokens.get(ix + 1) != Some(&Token::Mark('}')) {
                    first_names(tokens, ix + 1, found);
                }
                if depth == 0 {
                    return;
                }
            }
        }
        Some(Token::Mark(mark)) => found.push(mark.to_string()),
        _ => {}
    }
}

/// What `room` may not know of what `source` names, with the number of names seen.
fn judge(room: &str, source: &str, depth: usize) -> (usize, Vec<String>) {
    let names = names_at_root(source, "crate", depth);
    let wrong = names.iter().filter(|name| !may_know(room, name));
    let wrong = wrong.map(|name| format!("`{room}` may not know `{name}`"));
    (names.len(), wrong.collect())
}

struct SourceFile {
    /// Below `src/`.
    path: PathBuf,
    /// The folder or file directly below `src/`.
    room: String,
    /// Modules between the crate's root and this one, itself included.
    depth: usize,
    text: String,
}

fn source_files() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of src/") {
            let path = entry.expect("an entry of src/").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                let path = path.strip_prefix(&root).expect("below src/").to_owned();
                files.push(source_file(path, text));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn source_file(path: PathBuf, text: String) -> SourceFile {
    let stem = path.with_extension("");
    let mut modules: Vec<String> =
        stem.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    modules.pop_if(|last| last == "mod");
    let room = modules.first().cloned().unwrap_or_default();
    SourceFile { path, room, depth: modules.len(), text }
}

fn is_root(file: &SourceFile) -> bool {
    ["lib.rs", "main.rs"].iter().any(|name| file.path == Path::new(name))
}

#[test]
fn rooms_know_only_what_is_left_of_them() {
    let mut n_paths = 0;
    let mut wrong = Vec::new();
    for file in source_files().iter().filter(|file| !is_root(file)) {
        let (n_seen, found) = judge(&file.room, &file.text, file.depth);
        n_paths += n_seen;
        wrong.extend(found.iter().map(|what| format!("src/{}: {what}", file.path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n_paths >= N_PATHS_AT_LEAST, "only {n_paths} crate:: paths seen");
}

#[test]
fn main_opens_only_the_doors() {
    let files = source_files();
    let main = files.iter().find(|file| file.path == Path::new("main.rs")).expect("src/main.rs");
    let names = names_at_root(&main.text, "backstory", 0);
    assert!(!names.is_empty(), "main.rs opens no door");
    for name in names.into_iter().chain(names_at_root(&main.text, "crate", 0)) {
        assert!(DOORS.contains(&name.as_str()), "main.rs may only use cli and app, not `{name}`");
    }
    assert!(!tokens(&main.text).contains(&Token::Word("mod".into())), "main.rs has a module");
}

#[test]
fn every_room_is_in_the_table_and_in_lib() {
    let files = source_files();
    let rooms: BTreeSet<&str> =
        files.iter().filter(|file| !is_root(file)).map(|file| file.room.as_str()).collect();
    assert!(!rooms.is_empty(), "src/ has no rooms");
    let lib = files.iter().find(|file| file.path == Path::new("lib.rs")).expect("src/lib.rs");
    let words = tokens(&lib.text);
    for room in rooms {
        assert!(cell_of(room).is_some(), "src/{room} is not in the table of rooms");
        let declared = [Token::Word("mod".into()), Token::Word(room.into())];
        assert!(words.windows(2).any(|pair| pair == declared), "lib.rs does not declare `{room}`");
    }
}

#[test]
fn the_table_stands_in_the_docs_of_lib() {
    let files = source_files();
    let lib = files.iter().find(|file| file.path == Path::new("lib.rs")).expect("src/lib.rs");
    assert_eq!(documented_table(&lib.text), TABLE, "the docs of src/lib.rs");
}

/// The names in the rows `| 1 | names | … |` of the module docs, which count from 1.
fn documented_table(source: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for line in source.lines() {
        let Some(row) = line.trim_start().strip_prefix("//!") else {
            continue;
        };
        let mut columns = row.trim().split('|').skip(1).map(str::trim);
        if columns.next() == Some((rows.len() + 1).to_string().as_str()) {
            let names = columns.next().unwrap_or_default().replace('`', "");
            rows.push(names.split_whitespace().map(str::to_owned).collect());
        }
    }
    rows
}

#[test]
fn the_table_names_no_room_twice() {
    let rooms = TABLE.concat();
    assert_eq!(rooms.iter().collect::<BTreeSet<_>>().len(), rooms.len());
}

#[test]
fn the_reader_finds_paths_in_code() {
    let cases: [(&str, &[&str]); 15] = [
        ("use crate::job::Watch;", &["job"]),
        ("use crate::{job::Watch, seed::{Stream, Purpose}, stats};", &["job", "seed", "stats"]),
        ("use crate::{\n    data::{self, Record,},\n    figure,\n};", &["data", "figure"]),
        ("pub(in crate::model) fn f(x: &crate::data::Record) {}", &["model", "data"]),
        ("use crate :: seed :: Stream;", &["seed"]),
        ("macro_rules! m { () => { $crate::stats::mean(&[]) } }", &["stats"]),
        ("use crate::*;", &["*"]),
        ("use crate::{*};", &["*"]),
        ("use crate as all;", &["crate as all"]),
        ("fn f<'a>(x: &'a str) -> char { let _ = crate::job::f(x); '\"' }", &["job"]),
        ("let x = ('\\'', '\"', b'\"', crate::seed::X, '\\\\');", &["seed"]),
        (
            "let x = (r\"\\\", crate::data::X, r##\"\"# \"##, b\"\\\"\", crate::job::Y);",
            &["data", "job"],
        ),
        ("/* a /* nested */ crate::model */ use crate::stats; // crate::model", &["stats"]),
        ("use r#crate_like::x; mod a { use crate::r#data; }", &["data"]),
        ("pub(crate) fn f() {} use crates::x; mod crate_x {}", &[]),
    ];
    for (source, expected) in cases {
        assert_eq!(names_at_root(source, "crate", 1), expected, "{source}");
    }
}

#[test]
fn the_reader_skips_comments_and_literals() {
    let sources = [
        "// use crate::model::X;\n/// [`crate::model::X`]\n//! crate::model",
        "/* use crate::model::X; */ /** crate::model */",
        "/* /* */ use crate::model::X; */",
        "let x = \"use crate::model::X;\";",
        "let x = \"\\\" crate::model\";",
        "let x = r#\"say \"crate::model\" \"#;",
        "let x = br\"crate::model\"; let y = b\"crate::model\"; let z = c\"crate::model\";",
    ];
    for source in sources {
        assert_eq!(names_at_root(source, "crate", 1), [""; 0], "{source}");
    }
}

#[test]
fn the_reader_follows_super_to_the_root() {
    let cases: [(&str, usize, &[&str]); 6] = [
        ("use super::model::X;", 1, &["model"]),
        ("use super::{job, model::X};", 1, &["job", "model"]),
        ("use super::record::X;", 2, &[]),
        ("use super::super::model::X;", 2, &["model"]),
        ("mod tests { use super::*; fn f() { if a { super::b() } } }", 1, &[]),
        ("mod tests { use super::super::model; } use super::stats;", 1, &["model", "stats"]),
    ];
    for (source, depth, expected) in cases {
        assert_eq!(names_at_root(source, "crate", depth), expected, "{source}");
    }
}

#[test]
fn the_judge_tells_good_from_bad() {
    let good = [
        ("data", "use crate::{data::Record, job::Watch};"),
        ("synthesis", "use crate::drive::Ask; use crate::{prompt, model, seed::Stream};"),
        ("cli", "use crate::workbench::Job;"),
        ("job", "// use crate::cli;"),
    ];
    for (room, source) in good {
        assert_eq!(judge(room, source, 1).1, [""; 0], "{room}: {source}");
    }
    let bad = [
        ("job", "use crate::seed::Stream;"),
        ("data", "use crate::{job::Watch, figure::Figure};"),
        ("drive", "use crate::{model, synthesis::{self}};"),
        ("model", "fn f() { crate::workbench::run() }"),
        ("cli", "use crate::app::App;"),
        ("data", "use crate::Record;"),
        ("data", "use crate::*;"),
        ("stats", "use super::seed::Stream;"),
        ("attic", "use crate::job::Watch;"),
    ];
    for (room, source) in bad {
        assert_eq!(judge(room, source, 1).1.len(), 1, "{room}: {source}");
    }
}

#[test]
fn depth_and_room_follow_from_the_path() {
    let place = |path: &str| {
        let file = source_file(PathBuf::from(path), String::new());
        (file.room, file.depth)
    };
    assert_eq!(place("job.rs"), ("job".to_owned(), 1));
    assert_eq!(place("data/mod.rs"), ("data".to_owned(), 1));
    assert_eq!(place("data/read.rs"), ("data".to_owned(), 2));
    assert_eq!(place("model/tokenizer/mod.rs"), ("model".to_owned(), 2));
}

#[test]
fn the_documented_table_is_read_row_by_row() {
    let docs =
        "//! | cell | modules |\n//! | --- | --- |\n//! | 1 | `a` `b` | x |\n//! | 2 | c |\n";
    assert_eq!(documented_table(docs), [vec!["a", "b"], vec!["c"]]);
    let none = "// | 1 | a |\n/// | 1 | a |\n//! 1 | a |\n//! | 2 | a |\n";
    assert_eq!(documented_table(none), [[""; 0]; 0]);
}
