//! Configurations against the JSON Schema that a policy brings along: the keywords that describe fields, and no others. A
//! schema with a keyword that is not known here is refused, so that nothing is passed over in silence.
//!
//! Own code, because the well-kept library for this brings twenty packages along and has half of the others built with
//! other features. Not here: references, patterns, formats and alternatives.

use serde_json::{Map, Value};

/// What only explains.
const WORDS: [&str; 8] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
];
/// What is checked.
const CHECKED: [&str; 15] = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
];
const TYPES: [&str; 7] = [
    "object", "array", "string", "number", "integer", "boolean", "null",
];
/// Levels of a schema.
const DEPTH: u32 = 32;

/// Whether it is a schema that can be checked here.
///
/// # Errors
/// Where and why not.
pub fn sound(schema: &Value) -> Result<(), String> {
    within(schema, "", 0)
}

fn within(schema: &Value, at: &str, depth: u32) -> Result<(), String> {
    let fail = |why: &str| {
        Err(format!(
            "{}: {why}",
            if at.is_empty() { "the schema" } else { at }
        ))
    };
    let fields = match schema {
        Value::Object(fields) if depth < DEPTH => fields,
        Value::Object(_) => return fail("nested too deep"),
        Value::Bool(_) if depth > 0 => return Ok(()),
        _ => return fail("a JSON object with a JSON Schema is meant"),
    };
    for (keyword, value) in fields {
        let whole = || value.as_u64().is_some();
        let sound = match keyword.as_str() {
            "type" => texts(value).is_some_and(|names| names.iter().all(|name| TYPES.contains(name))),
            "enum" => value.is_array(),
            "required" => value.is_array() && texts(value).is_some(),
            "properties" => value.is_object(),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
            "minLength" | "maxLength" | "minItems" | "maxItems" => whole(),
            other => CHECKED.contains(&other) || WORDS.contains(&other),
        };
        if !sound {
            return fail(&format!(
                "`{keyword}` is not known, or not with this value (known: {})",
                CHECKED.join(", ")
            ));
        }
        let below = |name: &str| format!("{at}/{keyword}{name}");
        match keyword.as_str() {
            "items" | "additionalProperties" => within(value, &below(""), depth + 1)?,
            "properties" => {
                for (name, of) in value.as_object().into_iter().flatten() {
                    within(of, &below(&format!("/{name}")), depth + 1)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is wrong with a value, a line each, which begins with the field that it is about; none where it is as the schema
/// asks. The schema is `sound`.
pub fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(schema, value, "", &mut found);
    found
}

fn look(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let name = if at.is_empty() { "the configuration" } else { at };
    if schema == &Value::Bool(false) {
        found.push(format!("{name}: is not known"));
    }
    let Some(schema) = schema.as_object() else {
        return;
    };
    if let Some(wanted) = schema.get("type").and_then(texts)
        && !wanted.iter().any(|wanted| is(value, wanted))
    {
        found.push(format!("{name}: {} is meant, not {value}", wanted.join(" or ")));
        return;
    }
    let one_of = schema.get("enum").and_then(Value::as_array);
    if one_of.is_some_and(|all| !all.contains(value)) || schema.get("const").is_some_and(|only| only != value)
    {
        found.push(format!("{name}: {value} is none of what is allowed"));
    }
    match value {
        Value::Number(number) => range(schema, number.as_f64().unwrap_or(f64::NAN), name, found),
        Value::String(text) => sized(
            schema,
            text.chars().count(),
            ("Length", "characters"),
            name,
            found,
        ),
        Value::Array(items) => {
            sized(schema, items.len(), ("Items", "entries"), name, found);
            for (place, item) in items.iter().enumerate() {
                let of = schema.get("items").unwrap_or(&Value::Bool(true));
                look(of, item, &format!("{at}[{place}]"), found);
            }
        }
        Value::Object(fields) => inside(schema, fields, at, found),
        Value::Null | Value::Bool(_) => {}
    }
}

fn inside(schema: &Map<String, Value>, fields: &Map<String, Value>, at: &str, found: &mut Vec<String>) {
    let below = |name: &str| {
        if at.is_empty() {
            name.to_owned()
        } else {
            format!("{at}.{name}")
        }
    };
    for name in schema.get("required").and_then(texts).unwrap_or_default() {
        if !fields.contains_key(name) {
            found.push(format!("{}: is missing", below(name)));
        }
    }
    let other = schema.get("additionalProperties").unwrap_or(&Value::Bool(true));
    for (name, value) in fields {
        let known = schema.get("properties").and_then(|known| known.get(name));
        look(known.unwrap_or(other), value, &below(name), found);
    }
}

fn range(schema: &Map<String, Value>, number: f64, name: &str, found: &mut Vec<String>) {
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    for (keyword, broken) in [
        ("minimum", bound("minimum").is_some_and(|least| number < least)),
        ("maximum", bound("maximum").is_some_and(|most| number > most)),
        (
            "exclusiveMinimum",
            bound("exclusiveMinimum").is_some_and(|least| number <= least),
        ),
        (
            "exclusiveMaximum",
            bound("exclusiveMaximum").is_some_and(|most| number >= most),
        ),
    ] {
        if broken {
            found.push(format!(
                "{name}: {number} is beyond the {keyword} of {}",
                schema[keyword]
            ));
        }
    }
}

fn sized(
    schema: &Map<String, Value>,
    size: usize,
    (what, words): (&str, &str),
    name: &str,
    found: &mut Vec<String>,
) {
    let bound = |side: &str| schema.get(&format!("{side}{what}")).and_then(Value::as_u64);
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    if let Some(least) = bound("min").filter(|least| size < *least) {
        found.push(format!("{name}: {size} {words}, at least {least} are meant"));
    }
    if let Some(most) = bound("max").filter(|most| size > *most) {
        found.push(format!("{name}: {size} {words}, at most {most} are meant"));
    }
}

fn is(value: &Value, wanted: &str) -> bool {
    match wanted {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        "boolean" => value.is_boolean(),
        _ => value.is_null(),
    }
}

/// One text or several.
fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(all) => all.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["pods"],
            "properties": {
                "pods": {"type": "integer", "minimum": 0, "maximum": 10},
                "kinds": {"type": "array", "maxItems": 2, "items": {"type": "string", "minLength": 1}},
                "share": {"type": ["number", "null"], "exclusiveMinimum": 0},
                "day": {"enum": ["mon", "tue"]},
                "hours": {"type": "object", "additionalProperties": {"type": "integer"}},
            },
        });
        assert_eq!(sound(&schema), Ok(()));
        for (value, expected) in [
            (
                json!({"pods": 3.0, "share": null, "day": "mon", "hours": {"a": 1}}),
                "",
            ),
            (json!({}), "pods: is missing"),
            (json!([]), "the configuration: object is meant, not []"),
            (json!({"pods": 11}), "pods: 11 is beyond the maximum of 10"),
            (json!({"pods": 1.5}), "pods: integer is meant, not 1.5"),
            (json!({"pods": 1, "pod": 1}), "pod: is not known"),
            (
                json!({"pods": 1, "kinds": ["a", ""]}),
                "kinds[1]: 0 characters, at least 1 are meant",
            ),
            (
                json!({"pods": 1, "kinds": ["a", "b", "c"]}),
                "kinds: 3 entries, at most 2 are meant",
            ),
            (
                json!({"pods": 1, "share": 0}),
                "share: 0 is beyond the exclusiveMinimum of 0",
            ),
            (
                json!({"pods": 1, "day": "wed"}),
                "day: \"wed\" is none of what is allowed",
            ),
            (
                json!({"pods": 1, "hours": {"a": "x"}}),
                "hours.a: integer is meant, not \"x\"",
            ),
        ] {
            assert_eq!(problems(&schema, &value).join("; "), expected, "{value}");
        }
    }

    #[test]
    fn what_could_not_be_checked_is_refused() {
        for (schema, at) in [
            (json!([]), "the schema: a JSON object"),
            (json!({"$ref": "#/x"}), "the schema: `$ref`"),
            (json!({"type": "float"}), "the schema: `type`"),
            (
                json!({"properties": {"a": {"items": {"pattern": "x"}}}}),
                "/properties/a/items: `pattern`",
            ),
            (json!({"minLength": -1}), "the schema: `minLength`"),
        ] {
            let said = sound(&schema).unwrap_err();
            assert!(said.starts_with(at), "{said}");
        }
    }
}
