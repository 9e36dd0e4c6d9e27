//! On which line of a YAML document a field stands, for messages about values that were read long ago.
//!
//! Not here: messages about what cannot be read; those know their place already.

use crate::documents::yaml_options;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;

/// Keys by whose values items of a list are called.
const NAMES: [&str; 3] = ["name", "workload", "profile"];

/// Lines of fields by their paths: `limits.max_nodes`, and items of lists by their text or their name: `groups.batch`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(BTreeMap<String, u64>);

impl Lines {
    /// Of a document; empty where it cannot be read.
    pub fn of(bytes: &[u8]) -> Self {
        let mut lines = Self::default();
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        if let Ok(Marked::Map(entries)) = serde_saphyr::from_str_with_options(text, yaml_options()) {
            lines.entries("", &entries);
        }
        lines
    }

    /// The line of a field, or where it does not stand there, of the nearest one that holds it.
    pub fn of_field(&self, field: &str) -> Option<u64> {
        let mut path = field;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            (path, _) = path.rsplit_once('.')?;
        }
    }

    fn entries(&mut self, path: &str, entries: &[(Spanned<String>, Marked)]) {
        for (key, value) in entries {
            let path = match path {
                "" => key.value.clone(),
                path => format!("{path}.{}", key.value),
            };
            self.0.insert(path.clone(), key.referenced.line());
            self.value(&path, value);
        }
    }

    fn value(&mut self, path: &str, value: &Marked) {
        match value {
            Marked::Map(entries) => self.entries(path, entries),
            Marked::List(items) => items.iter().for_each(|item| self.item(path, item)),
            Marked::Text(_) | Marked::Other => {}
        }
    }

    fn item(&mut self, path: &str, item: &Spanned<Marked>) {
        let name = match &item.value {
            Marked::Text(text) => Some(text),
            Marked::Map(entries) => entries.iter().find_map(|(key, value)| match value {
                Marked::Text(text) if NAMES.contains(&key.value.as_str()) => Some(text),
                _ => None,
            }),
            Marked::List(_) | Marked::Other => None,
        };
        if let Some(name) = name {
            let path = format!("{path}.{name}");
            self.0.insert(path.clone(), item.referenced.line());
            self.value(&path, &item.value);
        }
    }
}

/// A value whose parts know their lines.
enum Marked {
    Map(Vec<(Spanned<String>, Self)>),
    List(Vec<Spanned<Self>>),
    Text(String),
    Other,
}

impl<'de> Deserialize<'de> for Marked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Marking)
    }
}

struct Marking;

impl<'de> Visitor<'de> for Marking {
    type Value = Marked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Marked, E> {
        Ok(Marked::Other)
    }

    fn visit_none<E: Error>(self) -> Result<Marked, E> {
        Ok(Marked::Other)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Marked, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Marked, E> {
        Ok(Marked::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Marked, E> {
        Ok(Marked::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Marked, E> {
        Ok(Marked::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Marked, E> {
        Ok(Marked::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Marked, E> {
        Ok(Marked::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Marked, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Marked::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Marked, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Marked::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_know_their_lines() {
        let lines = Lines::of(
            b"# who\nmode: act\n\nlimits:\n  # more\n  max_nodes: 5\n  window: 1m\ngroups:\n  - a\n  - b\nscale:\n  - min: 1\n    workload: Deployment shop/cart\n    max: 9\n",
        );
        for (field, line) in [
            ("mode", Some(2)),
            ("limits.max_nodes", Some(6)),
            ("limits.max_rate", Some(4)),
            ("groups.b", Some(10)),
            ("groups.c", Some(8)),
            ("scale.Deployment shop/cart.max", Some(14)),
            ("scale.Deployment shop/cart.other", Some(12)),
            ("quotas.total.cpu", None),
        ] {
            assert_eq!(lines.of_field(field), line, "{field}");
        }
        assert_eq!(Lines::of(b"mode: [").of_field("mode"), None);
        assert_eq!(Lines::of(b"{\"mode\":\n \"act\"}").of_field("mode"), Some(1));
    }
}
