//! Which glyphs a text is made of, and where they stand: as the PNG has them, by the same code.
//!
//! Ligatures, accents that are put together, right-to-left words and the change to another face for
//! Chinese are usvg's work: it reads the texts as an SVG with nothing else in it.

use resvg::usvg::fontdb::ID;
use resvg::usvg::{self, Group, Node, Text, Tree};

use super::fonts;
use super::layout::TextRun;
use super::svg::{escape, font};
use super::text::FONT_FAMILY;

/// One glyph of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glyph {
    /// The face it is in.
    pub(super) face: ID,
    /// Its number in that face.
    pub(super) id: u16,
    /// Where it stands from the text's place, in points: along the text, and down.
    pub(super) at: [f64; 2],
    /// The characters that it shows.
    pub(super) text: String,
}

/// The glyphs of each text, as if it were not turned.
pub(super) fn shape(runs: &[&TextRun]) -> Result<Vec<Vec<Glyph>>, usvg::Error> {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\" \
         font-family=\"{FONT_FAMILY}\">"
    );
    for (ix, run) in runs.iter().enumerate() {
        svg += &format!("<text id=\"{ix}\"{}>{}</text>", font(run), escape(&run.text));
    }
    svg += "</svg>";
    let tree = Tree::from_str(&svg, &fonts::options())?;
    let mut shaped = vec![Vec::new(); runs.len()];
    collect(tree.root(), &mut shaped);
    Ok(shaped)
}

fn collect(group: &Group, shaped: &mut [Vec<Glyph>]) {
    for node in group.children() {
        match node {
            Node::Group(group) => collect(group, shaped),
            Node::Text(text) => {
                let ix = text.id().parse().ok();
                if let Some(glyphs) = ix.and_then(|ix: usize| shaped.get_mut(ix)) {
                    glyphs.extend(glyphs_of(text));
                }
            }
            Node::Path(_) | Node::Image(_) => {}
        }
    }
}

fn glyphs_of(text: &Text) -> impl Iterator<Item = Glyph> {
    text.layouted().iter().flat_map(|span| &span.positioned_glyphs).map(|glyph| {
        let place = glyph.outline_transform();
        Glyph {
            face: glyph.font,
            id: glyph.id.0,
            at: [f64::from(place.tx), f64::from(place.ty)],
            text: glyph.text.clone(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::layout::Ink;
    use super::super::marks::Anchor;
    use super::super::text::width;
    use super::*;

    fn run(text: &str, anchor: Anchor) -> TextRun {
        TextRun {
            at: [50.0, 70.0],
            text: text.into(),
            size_pt: 10.0,
            anchor,
            turn_deg: -90.0,
            bold: false,
            ink: Ink::opaque([0; 3]),
        }
    }

    #[test]
    fn glyphs_stand_from_the_anchor_on() {
        let runs = [run("10k", Anchor::Start), run("10k", Anchor::End), run(" ", Anchor::Start)];
        let shaped = shape(&runs.each_ref()).unwrap();
        assert_eq!(shaped.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 0]);
        let x = |run: usize, glyph: usize| shaped[run][glyph].at[0];
        assert!(x(0, 0) == 0.0 && (x(0, 1) - 6.362).abs() < 0.001);
        assert!((x(1, 0) + width("10k", 10.0, false)).abs() < 0.01);
        assert!(shaped[0].iter().all(|glyph| glyph.at[1] == 0.0));
        assert_eq!(shaped[0].iter().map(|g| g.text.as_str()).collect::<String>(), "10k");
    }

    #[test]
    fn every_script_finds_its_face() {
        let shaped =
            shape(&[&run("a中<&>", Anchor::Start), &run("e\u{301}", Anchor::Start)]).unwrap();
        let faces: Vec<ID> = shaped[0].iter().map(|glyph| glyph.face).collect();
        assert_eq!(faces.len(), 5);
        assert!(faces[0] != faces[1] && faces[0] == faces[4]);
        assert!(shaped.iter().flatten().all(|glyph| glyph.id != 0));
    }
}
