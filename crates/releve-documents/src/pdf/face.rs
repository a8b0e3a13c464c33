//! How wide is a text, and where does it break? In twips, twentieths of a point: whole numbers, so that two machines agree.

use skrifa::{FontRef, GlyphId, MetadataProvider, charmap::Charmap, raw::TableProvider, raw::tables::hmtx::Hmtx};

use crate::text::turns;

pub(super) const REGULAR: &[u8] = include_bytes!("fonts/IBMPlexSans-Regular.ttf");
pub(super) const STRONG: &[u8] = include_bytes!("fonts/IBMPlexSans-SemiBold.ttf");

/// Shown for a letter that the fonts don't have: PDF/A forbids a glyph that stands for nothing.
const UNKNOWN: char = '\u{fffd}';
const ELLIPSIS: char = '\u{2026}';

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weight {
    Regular,
    Strong,
}

/// A weight of the typeface at a size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub weight: Weight,
    /// Twips.
    pub size: i32,
}

/// What a glyph takes of a line.
pub(super) struct Shaped {
    pub id: u32,
    /// Units of the em.
    pub advance: u16,
}

struct Face {
    charmap: Charmap<'static>,
    advances: Hmtx<'static>,
    units_per_em: i32,
}

impl Face {
    fn new(bytes: &'static [u8]) -> Self {
        let font = FontRef::new(bytes).expect("the typeface is part of the program");
        let head = font.head().expect("the typeface has a head");
        Self {
            charmap: font.charmap(),
            advances: font.hmtx().expect("the typeface has advances"),
            units_per_em: i32::from(head.units_per_em()),
        }
    }

    fn has(&self, letter: char) -> Option<GlyphId> {
        self.charmap.map(letter)
    }

    fn shaped(&self, letter: char) -> Shaped {
        let glyph = self.has(letter).or_else(|| self.has(UNKNOWN)).unwrap_or(GlyphId::NOTDEF);
        Shaped { id: glyph.to_u32(), advance: self.advances.advance(glyph).unwrap_or_default() }
    }
}

/// Both weights.
pub(super) struct Faces {
    regular: Face,
    strong: Face,
}

impl Faces {
    pub(super) fn new() -> Self {
        Self { regular: Face::new(REGULAR), strong: Face::new(STRONG) }
    }

    fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Strong => &self.strong,
        }
    }

    pub(super) fn units_per_em(&self, weight: Weight) -> i32 {
        self.face(weight).units_per_em
    }

    pub(super) fn shaped(&self, weight: Weight, letter: char) -> Shaped {
        self.face(weight).shaped(letter)
    }

    /// The text in letters that can be set: each other one, and marks that turn the direction of writing, are shown as
    /// such.
    pub(super) fn settable(&self, weight: Weight, text: &str) -> String {
        let letter = |c: char| match c {
            // Narrower than a reader sees between digits.
            '\u{202f}' => '\u{a0}',
            ' ' | '\u{a0}' => c,
            c if c.is_whitespace() => ' ',
            c if turns(c) || self.face(weight).has(c).is_none() => UNKNOWN,
            c => c,
        };
        text.chars().map(letter).collect()
    }

    pub(super) fn width(&self, of: Type, text: &str) -> i32 {
        let face = self.face(of.weight);
        let units: i32 = text.chars().map(|c| i32::from(face.shaped(c).advance)).fold(0, i32::saturating_add);
        units.saturating_mul(of.size) / face.units_per_em
    }

    /// As much as fits, with an ellipsis where something is missing.
    pub(super) fn cut(&self, of: Type, text: &str, width: i32) -> String {
        if self.width(of, text) <= width {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().take(self.fitting(of, text, width)).collect();
        loop {
            let shown: String = kept.iter().collect::<String>().trim_end().to_owned() + &ELLIPSIS.to_string();
            if kept.is_empty() || self.width(of, &shown) <= width {
                return shown;
            }
            kept.pop();
        }
    }

    /// How many letters from the start fit.
    fn fitting(&self, of: Type, text: &str, width: i32) -> usize {
        let face = self.face(of.weight);
        let mut left = width.saturating_mul(face.units_per_em) / of.size;
        let fits = |c: &char| {
            left -= i32::from(face.shaped(*c).advance);
            left >= 0
        };
        text.chars().take_while(fits).count()
    }

    /// The type in which a text fits, smaller where it must be: a figure is never cut.
    pub(super) fn fitted(&self, of: Type, text: &str, width: i32) -> Type {
        let wide = self.width(of, text).max(1);
        if wide <= width { of } else { Type { size: (of.size * width / wide - 1).max(1), ..of } }
    }

    /// In lines no wider than that: parted at spaces, after a slash or hyphen, and in a word where it is longer than a
    /// line. What goes beyond `lines_max` is cut with an ellipsis.
    pub(super) fn wrapped(&self, of: Type, text: &str, width: i32, lines_max: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if lines.len() + 1 == lines_max {
                lines.push(self.cut(of, rest, width));
                break;
            }
            let (line, after) = self.first_line(of, rest, width);
            lines.push(line.trim_end().to_owned());
            rest = after.trim_start();
        }
        lines
    }

    fn first_line<'a>(&self, of: Type, text: &'a str, width: i32) -> (&'a str, &'a str) {
        let fitting = self.fitting(of, text, width).max(1);
        let Some((end, next)) = text.char_indices().nth(fitting) else { return (text, "") };
        if next == ' ' {
            return text.split_at(end);
        }
        let breaks = |(_, c): &(usize, char)| matches!(c, ' ' | '/' | '-');
        let at = text[..end].char_indices().rfind(breaks).map(|(at, c)| at + c.len_utf8());
        text.split_at(at.unwrap_or(end))
    }
}
