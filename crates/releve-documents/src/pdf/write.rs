//! How do marks become a file? PDF/A-3b, the typeface's letters in it, the electronic invoice attached.

use krilla::{
    Document, SerializeSettings,
    color::rgb,
    configure::{Archival, ConfigurationBuilder},
    embed::{AssociationKind, EmbeddedFile, MimeType},
    geom::{Path, PathBuilder},
    image::Image,
    metadata::{DateTime, Metadata},
    num::NormalizedF32,
    page::PageSettings,
    paint::{Fill, FillRule},
    surface::Surface,
    text::{Font, GlyphId, KrillaGlyph},
};

use super::{
    PdfError,
    draw::{Ink, Mark, Sheets},
    face::{self, Faces, Type, Weight},
    points::{moved, of_em, paper, point, rect, scale, size, twips},
    xmp,
};
use crate::{Accent, Brand, Logo};

const PRODUCER: &str = "Relevé";

/// What the file says of itself.
pub(super) struct About<'a> {
    pub title: String,
    pub author: String,
    pub subject: String,
    pub language: &'static str,
    pub id: String,
    /// RFC 3339 in UTC.
    pub issued_at: String,
    pub attached: Option<&'a [u8]>,
    pub brand: &'a Brand,
}

/// Documents come in this colour.
const ACCENT: Accent = Accent { red: 0x0b, green: 0x6e, blue: 0x6e };

/// What marks are painted with.
struct Kit {
    regular: Font,
    strong: Font,
    accent: Accent,
    logo: Option<Image>,
}

pub(super) fn written(sheets: Sheets, about: About<'_>) -> Result<Vec<u8>, PdfError> {
    let font = |bytes: &'static [u8]| Font::new(bytes.into(), 0).ok_or(PdfError::Font);
    // PDF/A forbids to interpolate.
    let image = |logo: &Logo| Image::from_png(logo.shared().into(), false).map_err(PdfError::Logo);
    let kit = Kit {
        regular: font(face::REGULAR)?,
        strong: font(face::STRONG)?,
        accent: about.brand.accent.unwrap_or(ACCENT),
        logo: about.brand.logo.as_ref().map(image).transpose()?,
    };
    let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A3_B).finish();
    let configuration = configuration.map_err(|error| PdfError::Standard(format!("{error:?}")))?;
    let settings = SerializeSettings { configuration, enable_tagging: false, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let issued_at = instant(&about.issued_at).ok_or(PdfError::Instant)?;
    document.set_metadata(
        Metadata::new()
            .title(about.title)
            .authors(vec![about.author])
            .description(about.subject)
            .creator(PRODUCER.to_owned())
            .producer(PRODUCER.to_owned())
            .language(about.language.to_owned())
            .document_id(about.id)
            .creation_date(issued_at),
    );
    if let Some(invoice) = about.attached {
        attach(&mut document, invoice, issued_at)?;
    }
    let (width, height) = paper();
    for page in &sheets.pages {
        let settings = PageSettings::from_wh(width, height).ok_or(PdfError::Paper)?;
        let mut sheet = document.start_page_with(settings);
        let mut surface = sheet.surface();
        surface.push_transform(&scale());
        for mark in page {
            paint(&mut surface, mark, &sheets.faces, &kit);
        }
        surface.pop();
        surface.finish();
        sheet.finish();
    }
    let pdf = document.finish().map_err(|error| PdfError::Standard(format!("{error:?}")))?;
    if about.attached.is_some() { xmp::declared(pdf) } else { Ok(pdf) }
}

/// The invoice that was issued, byte for byte, as an equal of the pages (Factur-X 1.09, 6.2).
fn attach(document: &mut Document, invoice: &[u8], issued_at: DateTime) -> Result<(), PdfError> {
    let file = EmbeddedFile {
        path: xmp::FILE_NAME.to_owned(),
        mime_type: MimeType::new("text/xml"),
        description: Some("Factur-X invoice".to_owned()),
        association_kind: AssociationKind::Alternative,
        data: invoice.to_vec().into(),
        modification_date: Some(issued_at),
        compress: Some(true),
        location: None,
    };
    document.embed_file(file).ok_or(PdfError::Metadata("two files of one name"))
}

fn paint(surface: &mut Surface<'_>, mark: &Mark, faces: &Faces, kit: &Kit) {
    match mark {
        Mark::Text { x, y, of, ink, text } => {
            surface.set_fill(Some(fill(*ink, kit.accent)));
            let font = if of.weight == Weight::Regular { &kit.regular } else { &kit.strong };
            surface.draw_glyphs(point(*x, *y), &glyphs(faces, *of, text), font.clone(), text, twips(of.size), false);
        }
        Mark::Area { x, y, width, height, ink } => {
            surface.set_fill(Some(fill(*ink, kit.accent)));
            if let Some(path) = area((*x, *y), (*width, *height)) {
                surface.draw_path(&path);
            }
        }
        Mark::Logo { x, y, width, height } => {
            if let (Some(logo), Some(size)) = (&kit.logo, size(*width, *height)) {
                surface.push_transform(&moved(*x, *y));
                surface.draw_image(logo.clone(), size);
                surface.pop();
            }
        }
    }
}

fn area(at: (i32, i32), size: (i32, i32)) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(rect(at, size)?);
    path.finish()
}

fn glyphs(faces: &Faces, of: Type, text: &str) -> Vec<KrillaGlyph> {
    let em = faces.units_per_em(of.weight);
    let glyph = |(at, letter): (usize, char)| {
        let shaped = faces.shaped(of.weight, letter);
        KrillaGlyph::new(
            GlyphId::new(shaped.id),
            of_em(shaped.advance, em),
            0.0,
            0.0,
            0.0,
            at..at + letter.len_utf8(),
            None,
        )
    };
    text.char_indices().map(glyph).collect()
}

fn fill(ink: Ink, accent: Accent) -> Fill {
    let (red, green, blue) = match ink {
        Ink::Text => (0x1b, 0x1f, 0x24),
        Ink::Soft => (0x5b, 0x64, 0x70),
        Ink::Accent => (accent.red, accent.green, accent.blue),
        Ink::Line => (0xd9, 0xde, 0xe4),
        Ink::Tint => (0xf2, 0xf5, 0xf7),
    };
    Fill { paint: rgb::Color::new(red, green, blue).into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

fn instant(text: &str) -> Option<DateTime> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u8>().ok();
    let date = DateTime::new(text.get(..4)?.parse().ok()?).month(part(5, 7)?).day(part(8, 10)?);
    Some(date.hour(part(11, 13)?).minute(part(14, 16)?).second(part(17, 19)?).utc_offset_hour(0))
}
