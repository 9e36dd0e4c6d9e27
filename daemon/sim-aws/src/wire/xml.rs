//! XML of the query protocols: elements with text or children.
//!
//! Not here: namespaces beyond one attribute, reading.

use model::Instant;
use quick_xml::escape::escape;

/// One element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    name: String,
    attribute: Option<(&'static str, String)>,
    text: String,
    children: Vec<Self>,
}

/// With children.
pub(crate) fn el(name: impl Into<String>, children: Vec<Element>) -> Element {
    Element {
        name: name.into(),
        attribute: None,
        text: String::new(),
        children,
    }
}

/// With text.
pub(crate) fn leaf(name: impl Into<String>, text: impl std::fmt::Display) -> Element {
    Element {
        text: format!("{text}"),
        ..el(name, Vec::new())
    }
}

/// A list: `member` in the query protocol, `item` in EC2's.
pub(crate) fn list(name: &str, entry: &str, entries: impl IntoIterator<Item = Vec<Element>>) -> Element {
    el(
        name,
        entries.into_iter().map(|children| el(entry, children)).collect(),
    )
}

/// A list of texts.
pub(crate) fn texts<T: std::fmt::Display>(
    name: &str,
    entry: &str,
    entries: impl IntoIterator<Item = T>,
) -> Element {
    el(name, entries.into_iter().map(|text| leaf(entry, text)).collect())
}

/// An instant as XML writes it.
pub(crate) fn time(at: Instant) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|t| t.to_string())
        .unwrap_or_default()
}

impl Element {
    /// With an attribute.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.attribute = Some((name, value.to_owned()));
        self
    }

    /// As a document.
    pub(crate) fn document(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        if let Some((name, value)) = &self.attribute {
            out.extend([" ", name, "=\"", &escape(value), "\""]);
        }
        out.push('>');
        out.push_str(&escape(&self.text));
        for child in &self.children {
            child.write(out);
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let root = el(
            "A",
            vec![leaf("B", "<x a=\"1\">&"), list("C", "item", [vec![leaf("d", 1)]])],
        )
        .with("xmlns", "u");
        let said = root.document();
        assert!(
            said.ends_with(
                "<A xmlns=\"u\"><B>&lt;x a=&quot;1&quot;&gt;&amp;</B><C><item><d>1</d></item></C></A>"
            ),
            "{said}"
        );
    }
}
