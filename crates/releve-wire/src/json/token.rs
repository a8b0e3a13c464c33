//! Where does a string, a number or a word end, and what does it stand for? RFC 8259, to the letter.

use std::borrow::Cow;

use super::Reader;
use crate::reject::Reject;

/// Where an escaped string is the head or a section, this spares it most of its growing.
const STRING_BYTES_GUESS: usize = 1_024;

/// Which bytes can't stand in a string as they are.
const ENDS_RUN: [bool; 256] = {
    let mut ends = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        ends[control] = true;
        control += 1;
    }
    (ends[0x22], ends[0x5c]) = (true, true); // '"' and '\\'
    ends
};

impl<'a> Reader<'a> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn word(&mut self, word: &str) -> bool {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if found {
            self.at += word.len();
        }
        found
    }

    /// A number as RFC 8259 writes it, and whether it is written as an integer.
    pub(super) fn number(&mut self) -> Result<(&'a str, bool), Reject> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        if self.digits()? > 1 && leading_zero {
            return Err(self.syntax("a number without leading zeros"));
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            (whole, self.at) = (false, self.at + 1);
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            (whole, self.at) = (false, self.at + 1);
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok((self.text.get(start..self.at).unwrap_or_default(), whole))
    }

    fn digits(&mut self) -> Result<usize, Reject> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.syntax("a digit")) } else { Ok(self.at - start) }
    }

    /// A string, whose opening quote is next. Borrowed unless it holds an escape.
    pub(super) fn quoted(&mut self) -> Result<Cow<'a, str>, Reject> {
        self.at += 1;
        let mut out = String::new();
        let mut escaped = false;
        loop {
            let start = self.at;
            let rest = self.text.as_bytes().get(start..).unwrap_or_default();
            let plain = rest.iter().position(|&b| ENDS_RUN[usize::from(b)]);
            self.at += plain.unwrap_or(rest.len());
            let run = self.text.get(start..self.at).unwrap_or_default();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    if !escaped {
                        return Ok(Cow::Borrowed(run));
                    }
                    out.push_str(run);
                    return Ok(Cow::Owned(out));
                }
                Some(b'\\') => {
                    if !escaped {
                        (escaped, out) = (true, String::with_capacity((rest.len() / 2).min(STRING_BYTES_GUESS)));
                    }
                    out.push_str(run);
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return Err(self.syntax("a string without control characters, closed by '\"'")),
            }
        }
    }

    /// What stands for the escape whose letter is next.
    fn escape(&mut self) -> Result<char, Reject> {
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => {
                self.at -= 1;
                return Err(self.syntax("an escape"));
            }
        })
    }

    fn unicode(&mut self) -> Result<char, Reject> {
        let high = self.four_hex()?;
        let low = if (0xd800..0xdc00).contains(&high) && self.word("\\u") { Some(self.four_hex()?) } else { None };
        let both = std::iter::once(high).chain(low);
        let mut chars = char::decode_utf16(both);
        match (chars.next(), chars.next()) {
            (Some(Ok(char)), None) => Ok(char),
            _ => Err(self.syntax("a whole surrogate pair")),
        }
    }

    fn four_hex(&mut self) -> Result<u16, Reject> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let value = value.ok_or_else(|| self.syntax("four hexadecimal digits"))?;
        self.at += 4;
        Ok(value)
    }
}
