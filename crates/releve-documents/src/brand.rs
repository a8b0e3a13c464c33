//! Whose document is it, at first sight? The seller's colour and logo. What a document says does not change by them.

use std::{fmt, io::Cursor, str::FromStr, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};

/// A logo is printed small, and is in every document.
pub const LOGO_BYTES_MAX: usize = 64 * 1024;
/// Of each side, in pixels.
pub const LOGO_SIDE_MAX: u32 = 2_000;
/// How light a colour may be that has to be seen on white paper: luma of Rec. 601, of 255.
pub const LUMA_MAX: u32 = 160;

/// How a seller's documents look. What is none is as documents come.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Brand {
    pub accent: Option<Accent>,
    pub logo: Option<Logo>,
}

/// Why a colour or a logo is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrandError {
    #[error("expected a colour as #rrggbb, in hexadecimal")]
    Colour,
    #[error("{0} can't be read on white paper: take a darker one (luma at most {LUMA_MAX} of 255)")]
    Light(Accent),
    #[error("{found} bytes, at most {LOGO_BYTES_MAX}")]
    Bytes { found: usize },
    #[error("expected a PNG: {0}")]
    Png(String),
    #[error("{width} × {height} pixels, at most {LOGO_SIDE_MAX} a side")]
    Pixels { width: u32, height: u32 },
}

/// The colour of what stands out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accent {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl FromStr for Accent {
    type Err = BrandError;
    fn from_str(text: &str) -> Result<Self, BrandError> {
        let digits = text.strip_prefix('#').ok_or(BrandError::Colour)?;
        let mut rgb = [0; 3];
        hex::decode_to_slice(digits, &mut rgb).map_err(|_| BrandError::Colour)?;
        let [red, green, blue] = rgb;
        let accent = Self { red, green, blue };
        let luma = (299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1_000;
        if luma > LUMA_MAX { Err(BrandError::Light(accent)) } else { Ok(accent) }
    }
}

/// A picture that can be drawn: it was decoded whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    png: Arc<Vec<u8>>,
    width: u32,
    height: u32,
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({} × {}, {} bytes)", self.width, self.height, self.png.len())
    }
}

impl Logo {
    pub fn new(png: Vec<u8>) -> Result<Self, BrandError> {
        if png.len() > LOGO_BYTES_MAX {
            return Err(BrandError::Bytes { found: png.len() });
        }
        let broken = |error: png::DecodingError| BrandError::Png(error.to_string());
        let mut reader = png::Decoder::new(Cursor::new(&png)).read_info().map_err(broken)?;
        let (width, height) = reader.info().size();
        if width.max(height) > LOGO_SIDE_MAX {
            return Err(BrandError::Pixels { width, height });
        }
        let size = reader.output_buffer_size().ok_or(BrandError::Pixels { width, height })?;
        reader.next_frame(&mut vec![0; size]).map_err(broken)?;
        Ok(Self { png: Arc::new(png), width, height })
    }

    pub fn png(&self) -> &[u8] {
        &self.png
    }

    pub(crate) fn shared(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.png)
    }

    /// In pixels.
    pub const fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// As large as it may be in a frame, with its own proportions.
    pub(crate) fn within(&self, (width, height): (i32, i32)) -> (i32, i32) {
        let (wide, high) = (i64::from(self.width.max(1)), i64::from(self.height.max(1)));
        let (width, height) = (i64::from(width), i64::from(height));
        let fitted = if width * high <= height * wide {
            (width, (width * high / wide).max(1))
        } else {
            ((height * wide / high).max(1), height)
        };
        (i32::try_from(fitted.0).unwrap_or(1), i32::try_from(fitted.1).unwrap_or(1))
    }
}

impl Brand {
    /// What a page's style says of it, after ours; nothing, if it is as documents come. On dark paper the colour is lightened, and a
    /// logo stands on white.
    pub(crate) fn style(&self) -> String {
        let mut style = String::new();
        if let Some(accent) = self.accent {
            style.push_str(&format!(
                ":root {{ --accent: {accent}; }}\n@media (prefers-color-scheme: dark) {{ :root {{ --accent: color-mix(in srgb, {accent} \
                 45%, white); }} }}\n"
            ));
        }
        if self.logo.is_some() {
            style.push_str(
                ".logo { margin-bottom: .5rem; }\n\
                 @media (prefers-color-scheme: dark) { .logo { background: #fff; padding: .3rem; border-radius: 4px; } }\n",
            );
        }
        style
    }

    /// The logo in a page, with nothing to load. Beside it stands the name.
    pub(crate) fn img(&self) -> String {
        let img = |logo: &Logo| {
            let png = STANDARD.encode(logo.png());
            let (width, height) = logo.within((256, 64));
            format!(
                "<img class=\"logo\" alt=\"\" width=\"{width}\" height=\"{height}\" \
                 src=\"data:image/png;base64,{png}\">\n"
            )
        };
        self.logo.as_ref().map(img).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().expect("a header");
        let pixels = usize::try_from(width * height).expect("small");
        writer.write_image_data(&vec![0x40; pixels]).expect("pixels");
        writer.finish().expect("written");
        out
    }

    #[test]
    fn a_colour_can_be_read_on_paper() {
        let shown: Vec<String> = ["#0b6e6e", "#0B6E6E", "#ffcc00", "#fff", "0b6e6e", "#0b6e6x", ""]
            .map(|text| text.parse().map_or_else(|error: BrandError| error.to_string(), |a: Accent| a.to_string()))
            .into();
        expect![[r##"
            #0b6e6e
            #0b6e6e
            #ffcc00 can't be read on white paper: take a darker one (luma at most 160 of 255)
            expected a colour as #rrggbb, in hexadecimal
            expected a colour as #rrggbb, in hexadecimal
            expected a colour as #rrggbb, in hexadecimal
            expected a colour as #rrggbb, in hexadecimal"##]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn a_logo_is_a_small_whole_png() {
        let good = png(30, 10);
        assert_eq!(Logo::new(good.clone()).map(|logo| logo.size()), Ok((30, 10)));
        assert!(matches!(Logo::new(good[..good.len() - 20].to_vec()), Err(BrandError::Png(_))), "cut off");
        assert!(matches!(Logo::new(b"GIF89a".to_vec()), Err(BrandError::Png(_))));
        assert!(matches!(Logo::new(vec![0; LOGO_BYTES_MAX + 1]), Err(BrandError::Bytes { .. })));
        assert_eq!(Logo::new(png(2_001, 1)), Err(BrandError::Pixels { width: 2_001, height: 1 }));
    }

    #[test]
    fn a_logo_keeps_its_proportions() {
        for (size, frame, fitted) in [
            ((30, 10), (300, 60), (180, 60)),
            ((100, 10), (300, 60), (300, 30)),
            ((10, 30), (300, 60), (20, 60)),
            ((2_000, 1), (300, 60), (300, 1)),
        ] {
            assert_eq!(Logo::new(png(size.0, size.1)).expect("a logo").within(frame), fitted, "{size:?}");
        }
    }
}
