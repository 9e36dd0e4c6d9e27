//! Configurations that nobody means well with: a policy takes each or names what is wrong, and never traps, never loops and
//! never grows without end over one.

use host::{Compiled, Limits, LoadFault};
use model::advice::PolicyFault;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Fields of a schema that are tried one by one.
const FIELDS: usize = 32;
/// Levels of nesting: below what JSON readers refuse unread.
const DEPTH: usize = 100;

/// What became of them.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Tally {
    tried: u32,
    /// Taken; a policy may ignore what it does not know.
    accepted: u32,
    /// Refused in words.
    refused: u32,
}

impl Tally {
    pub(super) const fn survived(&self) -> u32 {
        self.accepted + self.refused
    }
}

/// Tries all of them; what is not survived is an objection.
pub(super) fn configurations(
    compiled: &Compiled,
    schema: Option<&Value>,
    limits: &Limits,
) -> (Tally, Vec<String>) {
    let (mut tally, mut objections) = (Tally::default(), Vec::new());
    for (what, config) in all(schema) {
        tally.tried += 1;
        match compiled.configured(&config, limits).map(|_| ()) {
            Ok(()) => tally.accepted += 1,
            Err(
                LoadFault::ConfigText(_)
                | LoadFault::Config {
                    fault: PolicyFault::Config(_) | PolicyFault::Declined(_),
                    ..
                },
            ) => tally.refused += 1,
            Err(fault) => objections.push(format!("a configuration with {what}: {fault}")),
        }
    }
    (tally, objections)
}

/// What is odd about it, and the configuration.
fn all(schema: Option<&Value>) -> Vec<(String, String)> {
    let mut nested = json!(1);
    for _ in 0..DEPTH {
        nested = json!([nested]);
    }
    let mut odd = vec![
        ("an unknown field".to_owned(), json!({"no_such_field": 1})),
        (
            "a name that steers terminals".to_owned(),
            json!({"\u{1b}[2J\u{202e}": "\u{0}"}),
        ),
        ("deep nesting".to_owned(), json!({"nested": nested})),
        ("a long text".to_owned(), json!({"long": "ä".repeat(100_000)})),
        (
            "many fields".to_owned(),
            Value::Object((0..1000).map(|n| (format!("field-{n}"), json!(n))).collect()),
        ),
    ];
    let fields = schema.and_then(|schema| schema["properties"].as_object());
    for field in fields.into_iter().flat_map(Map::keys).take(FIELDS) {
        for value in [
            json!(null),
            json!([[]]),
            json!({"a": {}}),
            json!(-1e308),
            json!(u64::MAX),
            json!("\u{202e}"),
        ] {
            let what = format!("{field}: {value}");
            odd.push((what, Value::Object(Map::from_iter([(field.clone(), value)]))));
        }
    }
    odd.into_iter()
        .map(|(what, config)| (what, config.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_field_is_tried_with_every_kind_of_value() {
        let schema = json!({"properties": {"pods": {}, "label": {}}});
        assert_eq!(all(None).len() + 12, all(Some(&schema)).len());
        for (what, config) in all(Some(&schema)) {
            let read: Result<Value, _> = serde_json::from_str(&config);
            assert!(read.is_ok_and(|read| read.is_object()), "{what}");
            assert!(config.len() < 256 << 10, "{what}");
        }
    }
}
