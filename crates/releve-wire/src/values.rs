//! How is one value spelled? Each in one way only, so that equal things have equal bytes.

use std::borrow::Cow;

use releve_types::{DeviceId, NodeId, TenantKey, Timestamp, key::TenantKeyError};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use uuid::Uuid;

use crate::{
    json::{Reader, shorten},
    limits::{LABEL_BYTES_MAX, LABELS_LEN_MAX, NAME_BYTES_MAX},
    reject::{Reject, RejectCode},
    report::Digest,
};

impl<'a> Reader<'a> {
    /// Text as a person may see it on an invoice: 1 to 256 bytes, NFC, without control characters.
    pub fn text(&mut self) -> Result<String, Reject> {
        let text = self.string()?;
        if text.is_empty() {
            return Err(self.fail(RejectCode::TextEmpty, "the text is empty: leave the field out, or fill it"));
        }
        self.check_text(&text, NAME_BYTES_MAX)?;
        Ok(text.into_owned())
    }

    fn check_text(&self, text: &str, bytes_max: usize) -> Result<(), Reject> {
        if text.len() > bytes_max {
            return Err(self.fail(RejectCode::TextTooLong, format!("{} bytes, more than {bytes_max}", text.len())));
        }
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            return Err(self.fail(RejectCode::TextControl, format!("holds U+{:04X}", u32::from(control))));
        }
        if !is_nfc(text) {
            return Err(self.fail(RejectCode::TextNotNfc, format!("'{}' is not in NFC", shorten(text))));
        }
        Ok(())
    }

    pub fn labels(&mut self) -> Result<Vec<(String, String)>, Reject> {
        let mut labels = Vec::new();
        let object = self.object()?;
        while let Some(key) = self.key(&object)? {
            if labels.len() == LABELS_LEN_MAX {
                return Err(self.fail(RejectCode::TooMany, format!("more than {LABELS_LEN_MAX} labels")));
            }
            if key.is_empty() {
                return Err(self.fail(RejectCode::TextEmpty, "a label has no name"));
            }
            self.check_text(&key, LABEL_BYTES_MAX)?;
            let value = self.string()?;
            self.check_text(&value, LABEL_BYTES_MAX)?;
            labels.push((key.into_owned(), value.into_owned()));
        }
        Ok(labels)
    }

    pub fn instant(&mut self) -> Result<Timestamp, Reject> {
        let text = self.string()?;
        let instant = if has_instant_shape(&text) { text.parse().ok() } else { None };
        instant.ok_or_else(|| {
            let detail = format!("'{}' is not RFC 3339 with 'Z' and at most milliseconds", shorten(&text));
            self.fail(RejectCode::NotAnInstant, detail)
        })
    }

    pub fn device(&mut self) -> Result<DeviceId, Reject> {
        let text = self.string()?;
        text.parse().map_err(|_| {
            let detail = format!("'{}' is not GPU- or MIG- and a lower-case UUID", shorten(&text));
            self.fail(RejectCode::NotADevice, detail)
        })
    }

    pub fn node(&mut self) -> Result<NodeId, Reject> {
        self.id("nod_ and 32 hexadecimal digits", |text| text.parse().ok())
    }

    pub fn run(&mut self) -> Result<Uuid, Reject> {
        self.id("a lower-case UUID with hyphens", |text| {
            let uuid = Uuid::try_parse(text).ok()?;
            (*uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *text).then_some(uuid)
        })
    }

    pub fn digest(&mut self) -> Result<Digest, Reject> {
        self.id("64 lower-case hexadecimal digits", |text| lower_hex(text).map(Digest))
    }

    /// Sixteen random bytes that keep a guessed text from being confirmed by its digest.
    pub fn salt(&mut self) -> Result<[u8; 16], Reject> {
        self.id("32 lower-case hexadecimal digits", lower_hex)
    }

    /// The CloudEvents id.
    pub fn message_id(&mut self) -> Result<Cow<'a, str>, Reject> {
        let text = self.string()?;
        match lower_hex::<16>(&text) {
            Some(_) => Ok(text),
            None => Err(self.not_an_id(&text, "32 lower-case hexadecimal digits")),
        }
    }

    fn id<T>(&mut self, expected: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, Reject> {
        let text = self.string()?;
        read(&text).ok_or_else(|| self.not_an_id(&text, expected))
    }

    fn not_an_id(&self, text: &str, expected: &str) -> Reject {
        self.fail(RejectCode::NotAnId, format!("'{}' is not {expected}", shorten(text)))
    }

    /// What the node knows a tenant by. A form that is not known here may come from a newer agent's probe; the
    /// caller decides whether such a thing can be.
    pub fn tenant_key(&mut self) -> Result<Result<TenantKey, Reject>, Reject> {
        let text = self.string()?;
        match TenantKey::new(&text) {
            Ok(key) => {
                self.check_text(&text, NAME_BYTES_MAX)?;
                Ok(Ok(key))
            }
            Err(error) => {
                let reject = self.fail(RejectCode::TenantKeyInvalid, error.to_string().escape_debug().to_string());
                let known = ["k8s:", "slurm:", "static:"].iter().any(|scheme| text.starts_with(scheme));
                match error {
                    TenantKeyError::Form(_) if !known && text.contains(':') => Ok(Err(reject)),
                    _ => Err(reject),
                }
            }
        }
    }
}

fn is_nfc(text: &str) -> bool {
    text.is_ascii()
        || match is_nfc_quick(text.chars()) {
            IsNormalized::Yes => true,
            IsNormalized::No => false,
            IsNormalized::Maybe => text.chars().eq(text.nfc()),
        }
}

/// `0000-00-00T00:00:00Z`, with one to three decimals or none, and no leap second: a lenient reader would take
/// shortened forms, and the 60th second for the 59th.
fn has_instant_shape(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((date_time, rest)) = bytes.split_at_checked(19) else { return false };
    let fixed = date_time.iter().zip(b"0000-00-00T00:00:00").all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        punctuation => byte == punctuation,
    });
    let fraction = match rest {
        [b'Z'] => true,
        [b'.', digits @ .., b'Z'] => (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    fixed && fraction && date_time.get(17) != Some(&b'6')
}

pub(crate) fn lower_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (lower && const_hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::lower_hex;

    #[test]
    fn hexadecimal_digits_are_lower_case_and_as_many_as_asked_for() {
        assert_eq!(lower_hex::<2>("0f9a"), Some([0x0f, 0x9a]));
        for bad in ["", "0f9", "0f", "0f9a00", "0f9A", "0f9g", "0f/a", "0f:a", "0f`a", "0f é", "é9a"] {
            assert_eq!(lower_hex::<2>(bad), None, "{bad:?}");
        }
        assert_eq!(lower_hex::<0>(""), Some([]));
    }
}
