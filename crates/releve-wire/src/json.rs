//! How is JSON read when it decides money? Strictly, in one pass, and each complaint names the field.
//!
//! A general parser keeps the last of two equal keys, turns integers into floats and forgets where it was. This
//! one refuses the first two and knows the path. What it accepts is RFC 8259; a law holds it against `serde_json`.

mod token;

use std::{borrow::Cow, str::Utf8Error};

use crate::{
    limits::{INTEGER_MAX, JSON_DEPTH_MAX},
    reject::{Reject, RejectCode},
};

/// Where the text being read stands in the message, for paths.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Root {
    Message,
    Head,
    Segments(usize),
    Allocs(usize),
}

#[derive(Clone, Copy)]
enum Step {
    Key(usize),
    Item(usize),
}

/// An object that is being read: where its keys begin.
pub(crate) struct Object(usize);

/// An array that is being read: how many items were begun.
pub(crate) struct Array(usize);

pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    root: Root,
    path: Vec<Step>,
    /// Keys of all open objects, outermost first.
    keys: Vec<Cow<'a, str>>,
    /// The first thing met that only a newer program understands.
    newer: Option<Reject>,
}

/// Up to so many keys, each is compared with the others as it comes; beyond, they are sorted at the end.
const KEYS_COMPARED_MAX: usize = 24;

impl<'a> Reader<'a> {
    /// Begins with bytes from outside.
    pub fn of_bytes(bytes: &'a [u8], bytes_max: usize) -> Result<Self, Reject> {
        if bytes.len() > bytes_max {
            let detail = format!("{} bytes, more than {bytes_max}", bytes.len());
            return Err(Reject::new(RejectCode::MessageTooLarge, "", detail));
        }
        let text = std::str::from_utf8(bytes);
        let no_text = |error: Utf8Error| format!("no UTF-8 at byte {}", error.valid_up_to());
        let text = text.map_err(|error| Reject::new(RejectCode::NotJson, "", no_text(error)))?;
        Ok(Self::new(text, Root::Message))
    }

    pub fn new(text: &'a str, root: Root) -> Self {
        Self { text, at: 0, root, path: Vec::new(), keys: Vec::new(), newer: None }
    }

    /// Nothing but white space may follow. Gives what only a newer program understands, if anything was met.
    pub fn finish(mut self) -> Result<Option<Reject>, Reject> {
        self.space();
        if self.at < self.text.len() { Err(self.syntax("the end")) } else { Ok(self.newer) }
    }

    pub fn object(&mut self) -> Result<Object, Reject> {
        self.opening(b'{', "an object")?;
        Ok(Object(self.keys.len()))
    }

    /// The next key; its value must be read before the next call. None at the object's end.
    pub fn key(&mut self, object: &Object) -> Result<Option<Cow<'a, str>>, Reject> {
        let first = self.keys.len() == object.0;
        if !first {
            self.path.pop();
        }
        self.space();
        match self.peek() {
            Some(b'}') => {
                self.at += 1;
                self.close(object)?;
                return Ok(None);
            }
            Some(b',') if !first => {
                self.at += 1;
                self.space();
            }
            _ if first => {}
            _ => return Err(self.syntax("',' or '}'")),
        }
        if self.peek() != Some(b'"') {
            return Err(self.syntax("a key"));
        }
        let key = self.quoted()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.syntax("':'"));
        }
        self.at += 1;
        let before = self.keys.get(object.0..).unwrap_or_default();
        let twice = before.len() < KEYS_COMPARED_MAX && before.contains(&key);
        self.path.push(Step::Key(self.keys.len()));
        self.keys.push(key.clone());
        if twice { Err(self.fail(RejectCode::DuplicateKey, "the key stands twice")) } else { Ok(Some(key)) }
    }

    fn close(&mut self, object: &Object) -> Result<(), Reject> {
        let own = self.keys.get_mut(object.0..).unwrap_or_default();
        if own.len() > KEYS_COMPARED_MAX {
            own.sort_unstable();
            if let Some(pair) = own.windows(2).find(|pair| pair[0] == pair[1]) {
                let key = shorten(&pair[0]);
                return Err(self.fail_in(&key, RejectCode::DuplicateKey, "the key stands twice"));
            }
        }
        self.keys.truncate(object.0);
        Ok(())
    }

    pub fn array(&mut self) -> Result<Array, Reject> {
        self.opening(b'[', "an array")?;
        Ok(Array(0))
    }

    /// Whether there is a next item; it must be read before the next call.
    pub fn item(&mut self, array: &mut Array) -> Result<bool, Reject> {
        if array.0 > 0 {
            self.path.pop();
        }
        self.space();
        match self.peek() {
            Some(b']') => {
                self.at += 1;
                return Ok(false);
            }
            Some(b',') if array.0 > 0 => self.at += 1,
            _ if array.0 == 0 => {}
            _ => return Err(self.syntax("',' or ']'")),
        }
        self.path.push(Step::Item(array.0));
        array.0 += 1;
        Ok(true)
    }

    pub fn string(&mut self) -> Result<Cow<'a, str>, Reject> {
        self.space();
        if self.peek() == Some(b'"') { self.quoted() } else { Err(self.wrong_type("a string")) }
    }

    pub fn boolean(&mut self) -> Result<bool, Reject> {
        self.space();
        if self.word("true") {
            Ok(true)
        } else if self.word("false") {
            Ok(false)
        } else {
            Err(self.wrong_type("true or false"))
        }
    }

    /// An integer from 0 to 2^53 − 1.
    pub fn natural(&mut self) -> Result<i64, Reject> {
        let value = self.integer()?;
        if value < 0 { Err(self.fail(RejectCode::NegativeInteger, format!("{value} is below 0"))) } else { Ok(value) }
    }

    /// An integer from −(2^53 − 1) to 2^53 − 1, that is one which every JSON reader takes for the same.
    pub fn integer(&mut self) -> Result<i64, Reject> {
        self.space();
        let rest = self.text.get(self.at..).unwrap_or_default();
        if ["NaN", "Infinity", "-Infinity"].iter().any(|word| rest.starts_with(word)) {
            return Err(self.fail(RejectCode::NotAnInteger, "NaN and Infinity are no numbers in JSON"));
        }
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.wrong_type("an integer"));
        }
        let (digits, whole) = self.number()?;
        if !whole {
            return Err(self.fail(RejectCode::NotAnInteger, format!("{} is not written as one", shorten(digits))));
        }
        match digits.parse::<i64>() {
            Ok(value) if (-INTEGER_MAX..=INTEGER_MAX).contains(&value) => Ok(value),
            _ if digits.starts_with('-') => {
                Err(self.fail(RejectCode::NegativeInteger, format!("{} is far below 0", shorten(digits))))
            }
            _ => Err(self.fail(RejectCode::IntegerTooLarge, format!("{} is above 2^53 - 1", shorten(digits)))),
        }
    }

    /// Reads past any value, refusing duplicate keys in it all the same.
    pub fn skip(&mut self) -> Result<(), Reject> {
        self.space();
        match self.peek() {
            Some(b'{') => {
                let object = self.object()?;
                while self.key(&object)?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
            Some(b'[') => {
                let mut array = self.array()?;
                while self.item(&mut array)? {
                    self.skip()?;
                }
                Ok(())
            }
            _ => self.skip_scalar(),
        }
    }

    /// Reads past a string, number, boolean or null.
    pub fn skip_scalar(&mut self) -> Result<(), Reject> {
        self.space();
        match self.peek() {
            Some(b'"') => self.quoted().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            Some(b'{' | b'[') => Err(self.wrong_type("a string, an integer or a boolean")),
            _ if self.word("true") || self.word("false") || self.word("null") => Ok(()),
            _ => Err(self.syntax("a value")),
        }
    }

    /// Notes that the current field is one that only a newer program knows, and reads past it.
    pub fn skip_newer(&mut self) -> Result<(), Reject> {
        self.note_newer(RejectCode::NewerField, "not a field of version 1");
        self.skip()
    }

    pub fn note_newer(&mut self, code: RejectCode, detail: impl Into<String>) {
        if self.newer.is_none() {
            self.newer = Some(self.fail(code, detail));
        }
    }

    /// The value of a required field of the object that was just read.
    pub fn need<T>(&self, value: Option<T>, name: &str) -> Result<T, Reject> {
        value.ok_or_else(|| self.fail_in(name, RejectCode::MissingField, "the field is missing"))
    }

    /// A refusal of the field being read.
    pub fn fail(&self, code: RejectCode, detail: impl Into<String>) -> Reject {
        Reject::new(code, self.field(), detail)
    }

    /// A refusal of a field of the object being read.
    pub fn fail_in(&self, name: &str, code: RejectCode, detail: impl Into<String>) -> Reject {
        let mut field = self.field();
        push_key(&mut field, name);
        Reject::new(code, field, detail)
    }

    fn field(&self) -> String {
        let mut field = match self.root {
            Root::Message => String::new(),
            Root::Head => "data.head".to_owned(),
            Root::Segments(section) => format!("data.sections[{section}].segments"),
            Root::Allocs(section) => format!("data.sections[{section}].allocs"),
        };
        for step in &self.path {
            match *step {
                Step::Key(key) => push_key(&mut field, &shorten(self.keys.get(key).map_or("", |key| key))),
                Step::Item(item) => field.push_str(&format!("[{item}]")),
            }
        }
        field
    }

    fn opening(&mut self, bracket: u8, what: &str) -> Result<(), Reject> {
        self.space();
        if self.peek() != Some(bracket) {
            return Err(self.wrong_type(what));
        }
        if self.path.len() >= JSON_DEPTH_MAX {
            return Err(self.fail(RejectCode::TooDeep, format!("nested deeper than {JSON_DEPTH_MAX}")));
        }
        self.at += 1;
        Ok(())
    }

    fn wrong_type(&self, expected: &str) -> Reject {
        let found = match self.peek() {
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b'"') => "a string",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => return self.syntax(expected),
        };
        self.fail(RejectCode::WrongType, format!("expected {expected}, found {found}"))
    }

    fn syntax(&self, expected: &str) -> Reject {
        self.fail(RejectCode::NotJson, format!("expected {expected} at byte {}", self.at))
    }
}

fn push_key(field: &mut String, key: &str) {
    if !field.is_empty() {
        field.push('.');
    }
    field.push_str(key);
}

/// Foreign text, short and printable enough to be repeated in a complaint.
pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
