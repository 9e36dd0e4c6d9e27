//! Answers that lack a field, or say something else in it: what a service may do with its next version.
//!
//! By the name on the wire, wherever it stands, in XML and JSON; CBOR stays as it is.

use super::answer::{Answer, CBOR, XML};
use serde_json::Value;
use std::collections::BTreeSet;

/// The answer without the field, or with this value in it.
pub(crate) fn mangled(mut answer: Answer, field: &str, value: Option<&str>) -> Answer {
    if answer.kind == XML {
        let text = String::from_utf8_lossy(&answer.body);
        answer.body = in_xml(&text, field, value).into_bytes();
    } else if answer.kind != CBOR
        && let Ok(mut read) = serde_json::from_slice::<Value>(&answer.body)
    {
        in_json(&mut read, field, value);
        answer.body = read.to_string().into_bytes();
    }
    answer
}

/// Names of the fields in an answer.
pub(crate) fn fields(answer: &Answer) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if answer.kind == XML {
        let text = String::from_utf8_lossy(&answer.body);
        for tag in text.split('<').skip(1) {
            let name = tag.split([' ', '>', '/']).next().unwrap_or_default();
            if !name.is_empty() && !name.starts_with('?') {
                names.insert(name.to_owned());
            }
        }
    } else if let Ok(read) = serde_json::from_slice::<Value>(&answer.body) {
        keys(&read, &mut names);
    }
    names
}

fn keys(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                names.insert(key.clone());
                keys(inner, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, names)),
        _ => {}
    }
}

fn in_xml(text: &str, field: &str, value: Option<&str>) -> String {
    let (open, empty, close) = (format!("<{field}>"), format!("<{field}/>"), format!("</{field}>"));
    let instead = value.map_or_else(String::new, |value| format!("{open}{value}{close}"));
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&open) {
        let (before, inside) = rest.split_at(at);
        let Some(end) = inside.find(&close) else { break };
        done.push_str(before);
        done.push_str(&instead);
        rest = &inside[end + close.len()..];
    }
    done.push_str(rest);
    done.replace(&empty, &instead)
}

fn in_json(value: &mut Value, field: &str, instead: Option<&str>) {
    match value {
        Value::Object(map) => {
            if map.contains_key(field) {
                map.remove(field);
                if let Some(instead) = instead {
                    map.insert(field.to_owned(), Value::String(instead.to_owned()));
                }
            }
            map.values_mut().for_each(|inner| in_json(inner, field, instead));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| in_json(item, field, instead)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_wherever_they_stand() {
        let text = "<a><b>1</b><c/><d><b>2</b></d></a>";
        assert_eq!(in_xml(text, "b", None), "<a><c/><d></d></a>");
        assert_eq!(
            in_xml(text, "c", Some("x")),
            "<a><b>1</b><c>x</c><d><b>2</b></d></a>"
        );
        let mut read = serde_json::json!({"a": {"b": 1}, "c": [{"b": 2, "d": 3}]});
        in_json(&mut read, "b", Some("x"));
        assert_eq!(
            read,
            serde_json::json!({"a": {"b": "x"}, "c": [{"b": "x", "d": 3}]})
        );
    }
}
