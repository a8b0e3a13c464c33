//! How far is that in the library's numbers? The one place with floats: of layout, never of an amount.
#![expect(clippy::disallowed_types, clippy::float_arithmetic, reason = "the library takes lengths as floats")]

use krilla::geom::{Point, Rect, Size, Transform};

use super::draw::{PAGE_HEIGHT, PAGE_WIDTH};

const POINTS_PER_TWIP: f32 = 0.05;

/// All is drawn in whole twips, and made smaller once.
pub(super) fn scale() -> Transform {
    Transform::from_scale(POINTS_PER_TWIP, POINTS_PER_TWIP)
}

/// The paper, in points.
pub(super) fn paper() -> (f32, f32) {
    (twips(PAGE_WIDTH) * POINTS_PER_TWIP, twips(PAGE_HEIGHT) * POINTS_PER_TWIP)
}

pub(super) fn point(x: i32, y: i32) -> Point {
    Point::from_xy(twips(x), twips(y))
}

pub(super) fn rect((x, y): (i32, i32), (width, height): (i32, i32)) -> Option<Rect> {
    Rect::from_xywh(twips(x), twips(y), twips(width), twips(height))
}

/// What is drawn next is drawn from here.
pub(super) fn moved(x: i32, y: i32) -> Transform {
    Transform::from_translate(twips(x), twips(y))
}

pub(super) fn size(width: i32, height: i32) -> Option<Size> {
    Size::from_wh(twips(width), twips(height))
}

/// An advance as a share of the em.
pub(super) fn of_em(advance: u16, units_per_em: i32) -> f32 {
    f32::from(advance) / twips(units_per_em)
}

/// Layout stays on the page, and a page is less than 2^15 twips high.
pub(super) fn twips(of: i32) -> f32 {
    debug_assert!((0..=PAGE_WIDTH.max(PAGE_HEIGHT)).contains(&of), "{of} twips are not on the page");
    f32::from(i16::try_from(of).unwrap_or(i16::MAX))
}
