use super::super::layout::layout;
use super::super::samples;
use super::super::svg::to_svg;
use super::*;
use std::collections::BTreeMap;

/// A file's bytes, each as a character.
fn characters(pdf: &[u8]) -> String {
    pdf.iter().map(|byte| char::from(*byte)).collect()
}

/// The object of a number, from behind its `obj` to its `endobj`.
fn object<'a>(pdf: &'a str, number: &str) -> &'a str {
    let begin = pdf.find(&format!("\n{number} 0 obj")).unwrap();
    &pdf[begin..begin + pdf[begin..].find("endobj").unwrap()]
}

/// The number of the object that an entry of an object refers to.
fn reference<'a>(object: &'a str, key: &str) -> &'a str {
    let after = &object[object.find(key).unwrap() + key.len()..];
    after.trim_start().split(' ').next().unwrap()
}

/// An object's unpacked stream.
fn stream(object: &str) -> Vec<u8> {
    let begin = object.find("stream\n").unwrap() + "stream\n".len();
    let end = object.rfind("\nendstream").unwrap();
    let bytes: Vec<u8> = object[begin..end].chars().map(|c| c as u32 as u8).collect();
    match object.contains("/FlateDecode") {
        true => miniz_oxide::inflate::decompress_to_vec_zlib(&bytes).unwrap(),
        false => bytes,
    }
}

/// The fonts of the page by their names.
fn fonts(pdf: &str) -> BTreeMap<String, String> {
    let page = object(pdf, "3");
    let named = page.match_indices("/F").filter_map(|(at, _)| {
        let mut words = page[at + 1..].split_whitespace();
        let (name, number) = (words.next()?, words.next()?);
        number.parse::<u32>().ok()?;
        Some((name.to_owned(), object(pdf, number).to_owned()))
    });
    named.collect()
}

/// What the page's strings say by their fonts' maps, one line a text.
fn lines(pdf: &str) -> String {
    let maps: BTreeMap<String, BTreeMap<u16, String>> =
        fonts(pdf).into_iter().map(|(name, font)| (name, map(pdf, &font))).collect();
    let content = characters(&stream(object(pdf, "4")));
    let mut said = String::new();
    for text in content.split("BT\n").skip(1) {
        let operators = format!("\n{}", &text[..text.find("\nET").unwrap()]);
        for piece in operators.split("\n/F").skip(1) {
            let map = &maps[&format!("F{}", piece.split(' ').next().unwrap())];
            for codes in strings(piece).chunks(2) {
                said += &map[&u16::from_be_bytes([codes[0], codes[1]])];
            }
        }
        said.push('\n');
    }
    said
}

fn map(pdf: &str, font: &str) -> BTreeMap<u16, String> {
    let map = characters(&stream(object(pdf, reference(font, "/ToUnicode"))));
    let pairs = map.lines().filter(|line| line.starts_with('<') && line.contains("> <"));
    let hex = |word: &str| {
        let digits = word.trim_matches(['<', '>']).as_bytes().chunks(4);
        digits
            .map(|four| u16::from_str_radix(std::str::from_utf8(four).unwrap(), 16).unwrap())
            .collect::<Vec<u16>>()
    };
    let words = pairs.filter_map(|line| line.split_once(' ')).filter(|(from, _)| from.len() == 6);
    words.map(|(from, to)| (hex(from)[0], String::from_utf16(&hex(to)).unwrap())).collect()
}

/// The bytes of all strings, in angle brackets or in parentheses.
fn strings(content: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = content;
    while let Some(begin) = rest.find(['<', '(']) {
        let is_hex = rest[begin..].starts_with('<');
        rest = &rest[begin + 1..];
        if is_hex {
            let end = rest.find('>').unwrap();
            let pairs = rest.as_bytes()[..end].chunks(2);
            bytes.extend(
                pairs.map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()),
            );
            rest = &rest[end..];
            continue;
        }
        let mut chars = rest.char_indices();
        // Pairs of parentheses may stand in a string as they are.
        let mut depth = 0;
        while let Some((at, c)) = chars.next() {
            depth += i32::from(c == '(') - i32::from(c == ')');
            match c {
                ')' if depth < 0 => {
                    rest = &rest[at..];
                    break;
                }
                '\\' => bytes.push(match chars.next().unwrap().1 {
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    'b' => 8,
                    'f' => 12,
                    digit @ '0'..='7' => {
                        let three = [digit, chars.next().unwrap().1, chars.next().unwrap().1];
                        three.iter().fold(0, |n, c| 8 * n + (*c as u32 as u8 - b'0'))
                    }
                    other => other as u32 as u8,
                }),
                c => bytes.push(c as u32 as u8),
            }
        }
    }
    bytes
}

fn chinese() -> Figure {
    samples::gains(&["上下文长度", "naïve Übung", "检索 (Qwen3)"])
}

#[test]
fn fonts_are_embedded_subsets_of_truetype() {
    for figure in [samples::densities(), chinese()] {
        let pdf = characters(&to_pdf(&figure).unwrap());
        assert!(!pdf.contains("/FontFile3") && !pdf.contains("/Type1"));
        let fonts = fonts(&pdf);
        assert_eq!(fonts.len(), 2);
        for font in fonts.values() {
            let base = reference(font, "/BaseFont /");
            let (tag, name) = base.trim_end().split_once('+').unwrap();
            assert!(tag.len() == 6 && tag.bytes().all(|b| b.is_ascii_uppercase()), "{base}");
            assert!(name.starts_with("DejaVuSans") || name.starts_with("DroidSansFallback"));
            let descendant = object(&pdf, reference(font, "/DescendantFonts ["));
            assert!(descendant.contains("/CIDFontType2"));
            let descriptor = object(&pdf, reference(descendant, "/FontDescriptor"));
            let program = stream(object(&pdf, reference(descriptor, "/FontFile2")));
            let face = ttf_parser::RawFace::parse(&program, 0).unwrap();
            assert!(face.table(ttf_parser::Tag::from_bytes(b"glyf")).is_some());
            assert!(program.len() < 60_000, "{base} has {} bytes", program.len());
        }
    }
}

#[test]
fn text_can_be_found() {
    for figure in samples::all().into_iter().chain([chinese()]) {
        let pdf = characters(&to_pdf(&figure).unwrap());
        let said = lines(&pdf);
        let mut found: Vec<&str> = said.lines().collect();
        for primitive in layout(&figure).primitives {
            if let Primitive::Text(run) = primitive {
                let place = found.iter().position(|line| *line == run.text);
                found.remove(place.unwrap_or_else(|| panic!("{:?} is not in {said:?}", run.text)));
            }
        }
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn a_text_stands_at_its_anchor() {
    let pdf = characters(&to_pdf(&samples::densities()).unwrap());
    let content = characters(&stream(object(&pdf, "4")));
    let matrices: Vec<&str> = content.lines().filter(|line| line.ends_with(" Tm")).collect();
    let drawing = layout(&samples::densities());
    let turned = drawing.primitives.iter().find_map(|primitive| match primitive {
        Primitive::Text(run) if run.turn_deg == -90.0 => Some(run),
        _ => None,
    });
    // "density", upwards: it begins half of its length below its middle.
    let run = turned.unwrap();
    let length = super::super::text::width("density", run.size_pt, false);
    let expected = [run.at[0], drawing.height_pt - run.at[1] - length / 2.0];
    let near = |line: &str| {
        let numbers: Vec<f64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [turn @ .., x, y] = &numbers[..] else { return false };
        *turn == [0.0, 1.0, -1.0, 0.0] && (x - expected[0]).hypot(y - expected[1]) < 0.3
    };
    assert!(matrices.into_iter().any(near), "{expected:?}");
}

#[test]
fn the_file_tells_its_title_and_no_date_and_is_the_same_again() {
    for figure in samples::all() {
        let pdf = to_pdf(&figure).unwrap();
        assert_eq!(pdf, to_pdf(&figure.clone()).unwrap());
        let text = characters(&pdf);
        assert!(text.starts_with("%PDF-1.4") && text.ends_with("%%EOF"));
        assert!(!text.contains("Date") && !text.contains("/ID"));
        assert!(text.contains("/Title") != figure.title.is_empty());
    }
    let pdf = characters(&to_pdf(&samples::densities()).unwrap());
    assert!(pdf.contains("/Title (Length of contexts by task)"));
    let page = object(&pdf, "3");
    let height = (layout(&samples::densities()).height_pt as f32).to_string();
    assert!(page.contains(&format!("/MediaBox [0 0 489.6 {height}]")), "{page}");
}

#[test]
fn half_transparent_inks_have_their_states() {
    let pdf = characters(&to_pdf(&samples::densities()).unwrap());
    let page = object(&pdf, "3");
    assert!(page.contains("/ca 0.2") && page.contains("/CA 0.2"), "{page}");
    let content = characters(&stream(object(&pdf, "4")));
    assert!(content.contains("/A0 gs") && content.contains("/A1 gs"));
}

/// The time that they take is a bench's; what keeps it short is that points become one path.
#[test]
fn a_hundred_thousand_records_make_no_large_file() {
    let figure = samples::cloud();
    let (n_svg, n_pdf) = (to_svg(&figure).len(), to_pdf(&figure).unwrap().len());
    assert!(n_svg < 2_000_000 && n_pdf < 1_000_000, "{n_svg} {n_pdf}");
}
