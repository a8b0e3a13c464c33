//! What stands where? Marks on pages, laid out from the top: what has no room goes to the next page.

use super::face::{Faces, Type, Weight};

/// A4 in twips, upright.
pub(super) const PAGE_WIDTH: i32 = 11_906;
pub(super) const PAGE_HEIGHT: i32 = 16_838;
pub(super) const MARGIN: i32 = 1_000;
/// The right and lower edges of what is printed; the foot stands below.
pub(super) const RIGHT: i32 = PAGE_WIDTH - MARGIN;
pub(super) const BOTTOM: i32 = PAGE_HEIGHT - 1_500;
pub(super) const WIDTH: i32 = RIGHT - MARGIN;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ink {
    Text,
    Soft,
    Accent,
    Line,
    Tint,
}

/// One thing on a page, in twips from its upper left corner.
pub(super) enum Mark {
    Text {
        x: i32,
        /// Of the line that the letters stand on.
        y: i32,
        of: Type,
        ink: Ink,
        text: String,
    },
    Area {
        x: i32,
        y: i32,
        width: i32,
        height: i32,
        ink: Ink,
    },
    /// The seller's logo.
    Logo {
        x: i32,
        y: i32,
        width: i32,
        height: i32,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Align {
    Left,
    Right,
}

/// How a text is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub of: Type,
    pub ink: Ink,
    pub align: Align,
}

impl Style {
    const fn new(weight: Weight, size: i32, ink: Ink) -> Self {
        Self { of: Type { weight, size }, ink, align: Align::Left }
    }

    pub(super) const fn right(self) -> Self {
        Self { align: Align::Right, ..self }
    }

    /// From one line to the next.
    pub(super) const fn leading(self) -> i32 {
        self.of.size * 27 / 20
    }
}

pub(super) const TITLE: Style = Style::new(Weight::Strong, 480, Ink::Text);
pub(super) const NUMBER: Style = Style::new(Weight::Strong, 240, Ink::Accent);
pub(super) const AMOUNT: Style = Style::new(Weight::Strong, 400, Ink::Text);
pub(super) const HEADING: Style = Style::new(Weight::Strong, 230, Ink::Text);
pub(super) const STRONG: Style = Style::new(Weight::Strong, 180, Ink::Text);
pub(super) const BODY: Style = Style::new(Weight::Regular, 180, Ink::Text);
pub(super) const SOFT: Style = Style::new(Weight::Regular, 180, Ink::Soft);
pub(super) const LABEL: Style = Style::new(Weight::Regular, 150, Ink::Soft);
pub(super) const SMALL: Style = Style::new(Weight::Regular, 146, Ink::Soft);

/// Pages as they fill.
pub(super) struct Sheets {
    pub faces: Faces,
    pub pages: Vec<Vec<Mark>>,
    /// How far down the last page is filled.
    pub y: i32,
}

impl Sheets {
    pub(super) fn new() -> Self {
        Self { faces: Faces::new(), pages: vec![Vec::new()], y: MARGIN }
    }

    pub(super) fn turn(&mut self) {
        self.pages.push(Vec::new());
        self.y = MARGIN;
    }

    pub(super) const fn has_room(&self, height: i32) -> bool {
        self.y + height <= BOTTOM
    }

    /// Turns the page where so much has no room.
    pub(super) fn need(&mut self, height: i32) {
        if !self.has_room(height) {
            self.turn();
        }
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    pub(super) fn area(&mut self, (x, y): (i32, i32), (width, height): (i32, i32), ink: Ink) {
        self.mark(Mark::Area { x, y, width, height, ink });
    }

    /// A thin line over the whole width, here.
    pub(super) fn rule(&mut self) {
        self.area((MARGIN, self.y), (WIDTH, 10), Ink::Line);
    }

    /// One line of text from `x` (or up to `x`, right-aligned) whose top is `y`, cut to the width.
    pub(super) fn line(&mut self, style: Style, (x, y): (i32, i32), width: i32, text: &str) {
        let text = self.faces.settable(style.of.weight, text);
        let text = self.faces.cut(style.of, &text, width);
        self.set(style, (x, y), text);
    }

    /// A figure that ends at `x`: whole, and smaller where it has no room.
    pub(super) fn figure(&mut self, style: Style, (x, y): (i32, i32), width: i32, text: &str) {
        let text = self.faces.settable(style.of.weight, text);
        let of = self.faces.fitted(style.of, &text, width);
        self.set(Style { of, ..style.right() }, (x, y + style.of.size - of.size), text);
    }

    fn set(&mut self, style: Style, (x, y): (i32, i32), text: String) {
        if text.is_empty() {
            return;
        }
        let x = if style.align == Align::Left { x } else { x - self.faces.width(style.of, &text) };
        self.mark(Mark::Text { x, y: y + style.of.size, of: style.of, ink: style.ink, text });
    }

    /// The lines that a text takes, in letters that can be set.
    pub(super) fn broken(&self, style: Style, width: i32, lines_max: usize, text: &str) -> Vec<String> {
        let text = self.faces.settable(style.of.weight, text);
        self.faces.wrapped(style.of, &text, width, lines_max)
    }

    /// A text in as many lines as it takes, up to a limit; where it ends.
    pub(super) fn block(&mut self, style: Style, (x, y): (i32, i32), width: i32, lines_max: usize, text: &str) -> i32 {
        let mut y = y;
        for line in self.broken(style, width, lines_max, text) {
            self.set(style, (x, y), line);
            y += style.leading();
        }
        y
    }

    /// A text over the whole width, which goes on on the next page.
    pub(super) fn paragraph(&mut self, style: Style, text: &str) {
        for line in self.broken(style, WIDTH, usize::MAX, text) {
            self.need(style.leading());
            self.set(style, (MARGIN, self.y), line);
            self.y += style.leading();
        }
        self.y += 50;
    }
}
