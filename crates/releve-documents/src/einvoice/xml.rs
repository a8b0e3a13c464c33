//! How is an element written? Depth first, with the text escaped and what XML can't hold left out.

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

/// An XML document that is being written. Names and attributes are ours, and texts are anybody's.
pub(super) struct Xml(Writer<Vec<u8>>);

impl Xml {
    pub fn document(root: &str, namespaces: &[(&str, &str)], inside: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(Writer::new_with_indent(Vec::new(), b' ', 1));
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml.group_with(root, namespaces, inside);
        let mut text = String::from_utf8_lossy(&xml.0.into_inner()).into_owned();
        text.push('\n');
        text
    }

    /// An element with elements inside.
    pub fn group(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.group_with(name, &[], inside);
    }

    fn group_with(&mut self, name: &str, attributes: &[(&str, &str)], inside: impl FnOnce(&mut Self)) {
        self.event(Event::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())));
        inside(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// An element with text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.text_with(name, &[], text);
    }

    pub fn text_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
        self.event(Event::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())));
        self.event(Event::Text(BytesText::new(&text)));
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// An element with text, where there is one.
    pub fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    fn event(&mut self, event: Event<'_>) {
        // A vector takes whatever is written to it.
        let _ = self.0.write_event(event);
    }
}
