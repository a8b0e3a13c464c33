//! What must a page be, whatever it shows?

use crate::world::Answer;

/// What a page must be, whatever it shows.
pub fn check_page(path: &str, answer: &Answer) {
    let policy = answer.header("content-security-policy");
    assert_eq!(policy, releve_portal::PAGE_POLICY, "{path}");
    assert!(!policy.contains("unsafe"), "{path}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    let text = answer.text();
    assert!(!text.contains("<script>") && !text.contains(" style=") && !text.contains(" onclick"), "{path}: {text}");
    assert!(text.contains("<main") && text.contains("Skip to the content") && text.contains("<h1>"), "{path}");
    well_formed(path, &text);
}

/// Elements that have no end are closed by themselves; then it has to be a tree.
fn well_formed(path: &str, page: &str) {
    let mut xml = page.strip_prefix("<!DOCTYPE html>").expect("a document type").to_owned();
    for void in ["meta", "link", "input", "br"] {
        let mut parts = xml.split(&format!("<{void}")).map(str::to_owned).collect::<Vec<_>>();
        for part in parts.iter_mut().skip(1) {
            let end = part.find('>').expect("an end");
            part.insert(end, '/');
        }
        xml = parts.join(&format!("<{void}"));
    }
    let tree = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{path}: {error}\n{xml}"));
    for table in tree.descendants().filter(|n| n.has_tag_name("table")) {
        assert!(table.children().any(|n| n.has_tag_name("caption")), "{path}: a table without a caption");
        let heads = tree.descendants().filter(|n| n.has_tag_name("th"));
        assert!(heads.into_iter().all(|n| n.attribute("scope").is_some()), "{path}: a head without a scope");
    }
    for field in tree.descendants().filter(|n| n.has_tag_name("input") && n.attribute("type") != Some("hidden")) {
        let id = field.attribute("id");
        let label = tree.descendants().any(|n| n.has_tag_name("label") && n.attribute("for") == id);
        assert!(id.is_some() && label, "{path}: a field without a label");
    }
}
