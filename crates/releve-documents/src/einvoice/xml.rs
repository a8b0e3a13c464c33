//! How does a tree of elements become XML? A small builder over quick-xml; a group that holds nothing is not written.

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use rust_decimal::Decimal;

/// Spaces per level, so that a person can read a document and a change shows as its lines.
const INDENT: usize = 2;
/// Decimals of an amount at least; more are written as they are, never cut.
const AMOUNT_DECIMALS: u32 = 2;

/// An element that holds text or other elements.
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    content: Content,
}

enum Content {
    Text(String),
    Children(Vec<Element>),
    /// Written even when there is nothing in it, because the schema wants it.
    Required(Vec<Element>),
}

impl Element {
    pub(super) const fn group(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), content: Content::Children(Vec::new()) }
    }

    pub(super) const fn required(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), content: Content::Required(Vec::new()) }
    }

    pub(super) fn leaf(name: &'static str, text: &str) -> Self {
        Self { name, attributes: Vec::new(), content: Content::Text(legal(text)) }
    }

    pub(super) fn with(mut self, attribute: &'static str, value: &str) -> Self {
        self.attributes.push((attribute, legal(value)));
        self
    }

    /// Adds an element, unless it is a group that came out empty.
    pub(super) fn child(mut self, child: Self) -> Self {
        let empty = matches!(&child.content, Content::Children(inner) if inner.is_empty());
        match &mut self.content {
            Content::Children(children) | Content::Required(children) if !empty => children.push(child),
            _ => {}
        }
        self
    }

    pub(super) fn each(self, children: impl IntoIterator<Item = Self>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// Adds a required text. Even when empty: the rules then say what is missing, instead of the syntax.
    pub(super) fn text(self, name: &'static str, text: &str) -> Self {
        self.child(Self::leaf(name, text))
    }

    /// Adds an optional text; empty is none.
    pub(super) fn some(self, name: &'static str, text: Option<&str>) -> Self {
        match text {
            Some(text) if !text.is_empty() => self.text(name, text),
            _ => self,
        }
    }

    /// The whole document, with this as its root.
    pub(super) fn document(&self) -> String {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', INDENT);
        let declared = writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        declared.and_then(|()| self.write(&mut writer)).expect("memory takes every byte");
        let mut out = String::from_utf8(writer.into_inner()).expect("written from text");
        out.push('\n');
        out
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let attributes = self.attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let element = writer.create_element(self.name).with_attributes(attributes);
        match &self.content {
            Content::Text(text) => element.write_text_content(BytesText::new(text)).map(|_| ()),
            Content::Children(children) | Content::Required(children) => element
                .write_inner_content(|writer| children.iter().try_for_each(|child| child.write(writer)))
                .map(|_| ()),
        }
    }
}

/// XML 1.0 has no place for most control characters, not even escaped (section 2.2); what was there is shown.
fn legal(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' | '\n' | '\r' => c,
        '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// An amount of money: `1234.50`.
pub(super) fn amount(value: Decimal) -> String {
    let mut value = value.normalize();
    if value.scale() < AMOUNT_DECIMALS {
        value.rescale(AMOUNT_DECIMALS);
    }
    value.to_string()
}

/// A quantity, price or rate, without zeros that say nothing: `3600`, `0.5`.
pub(super) fn number(value: Decimal) -> String {
    value.normalize().to_string()
}

/// A text that says something, if there is one.
pub(super) fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_and_nothing_empty_is_written() {
        let inner = Element::group("b").some("none", None).some("empty", Some("")).child(Element::group("c"));
        let root = Element::group("a").with("x", "\"<&>").child(inner).text("d", "<é&\u{1}>").text("e", "");
        assert_eq!(
            root.document(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a x=\"&quot;&lt;&amp;&gt;\">\n  \
             <d>&lt;é&amp;\u{fffd}&gt;</d>\n  <e></e>\n</a>\n"
        );
    }

    #[test]
    fn equal_numbers_are_spelled_alike() {
        let dec = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(["1", "1.0", "1.5000", "1.234"].map(|t| amount(dec(t))), ["1.00", "1.00", "1.50", "1.234"]);
        assert_eq!(["3600", "20.00", "-0.5", "0.000"].map(|t| number(dec(t))), ["3600", "20", "-0.5", "0"]);
        assert_eq!(amount(dec("-0.00")), "0.00");
    }
}
