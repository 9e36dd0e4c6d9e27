//! Whom the policy of a queue lets send: only whether that is anybody.
//!
//! Reads the elements that can open a queue (Effect, Principal, Action, Condition; IAM user guide, "Policy elements").
//! Not here: asking for the policy (`notices`), policies of roles, what a named principal may do beside.

use serde_json::Value;

/// Keys of conditions that confine who sends, or what for.
const CONFINING: [&str; 14] = [
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceip",
    "aws:vpcsourceip",
    "aws:userid",
];

/// How the policy names those whom it lets send without a condition, where that is anybody. What is no policy opens nothing.
pub(super) fn open_to(policy: &str) -> Option<String> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let statements = one_or_more(&policy["Statement"]);
    let mut open = statements.filter(|statement| {
        statement["Effect"].as_str() == Some("Allow") && sends(statement) && !is_confined(statement)
    });
    open.find_map(anybody)
}

fn one_or_more(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(rows) => rows.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
    .iter()
}

fn anybody(statement: &Value) -> Option<String> {
    if !statement["NotPrincipal"].is_null() {
        return Some("all but some principals".to_owned());
    }
    let principal = &statement["Principal"];
    let everybody = |value: &Value| one_or_more(value).any(|one| one.as_str() == Some("*"));
    if everybody(principal) {
        return Some("Principal *".to_owned());
    }
    everybody(&principal["AWS"]).then(|| "Principal AWS: *".to_owned())
}

fn sends(statement: &Value) -> bool {
    // Everything but something else: sending is among it unless it is named.
    let named = |key: &str| {
        one_or_more(&statement[key])
            .filter_map(Value::as_str)
            .any(is_send)
    };
    if statement["NotAction"].is_null() {
        named("Action")
    } else {
        !named("NotAction")
    }
}

/// `sqs:SendMessage`, and patterns of it.
fn is_send(action: &str) -> bool {
    model::selector::glob(&action.to_ascii_lowercase(), "sqs:sendmessage")
}

/// Whether a condition leaves only some. One that holds too where its key is missing, or whose value is anything, does not.
fn is_confined(statement: &Value) -> bool {
    let Some(operators) = statement["Condition"].as_object() else {
        return false;
    };
    let confines = |(operator, keys): (&String, &Value)| {
        let operator = operator.to_ascii_lowercase();
        let positive = ["string", "arn", "ipaddress"].iter().any(|kind| {
            operator
                .rsplit(':')
                .next()
                .is_some_and(|name| name.starts_with(kind))
        }) && !operator.contains("not")
            && !operator.ends_with("ifexists")
            && !operator.starts_with("forallvalues");
        positive
            && keys.as_object().is_some_and(|keys| {
                keys.iter().any(|(key, values)| {
                    CONFINING.contains(&key.to_ascii_lowercase().as_str())
                        && !one_or_more(values).any(|value| is_anything(value.as_str().unwrap_or("*")))
                })
            })
    };
    operators.iter().any(confines)
}

fn is_anything(value: &str) -> bool {
    value.chars().all(|c| "*?".contains(c)) || ["0.0.0.0/0", "::/0", "arn:*", "arn:aws:*"].contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(rest: &str) -> String {
        format!(r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", {rest}}}]}}"#)
    }

    #[test]
    fn a_queue_is_open_where_anybody_may_send_without_a_condition() {
        let open = [
            r#""Principal": "*", "Action": "sqs:SendMessage""#,
            r#""Principal": {"AWS": "*"}, "Action": ["sqs:ReceiveMessage", "SQS:SendMessage"]"#,
            r#""Principal": {"AWS": ["arn:aws:iam::1:root", "*"]}, "Action": "sqs:*""#,
            r#""Principal": "*", "Action": "*""#,
            r#""Principal": "*", "Action": "sqs:Send*""#,
            r#""Principal": "*", "NotAction": "sqs:DeleteQueue""#,
            r#""NotPrincipal": {"AWS": "arn:aws:iam::1:root"}, "Action": "sqs:SendMessage""#,
            r#""Principal": "*", "Action": "sqs:SendMessage", "Condition": {}"#,
            r#""Principal": "*", "Action": "sqs:SendMessage", "Condition": {"Bool": {"aws:SecureTransport": "true"}}"#,
            r#""Principal": "*", "Action": "sqs:SendMessage", "Condition": {"ArnLike": {"aws:SourceArn": "*"}}"#,
            r#""Principal": "*", "Action": "sqs:SendMessage", "Condition": {"StringNotEquals": {"aws:SourceAccount": "1"}}"#,
            r#""Principal": "*", "Action": "sqs:SendMessage", "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": "1"}}"#,
            r#""Principal": "*", "Action": "sqs:SendMessage", "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}"#,
        ];
        for rest in open {
            assert!(open_to(&statement(rest)).is_some(), "{rest}");
        }
    }

    #[test]
    fn a_queue_is_closed_where_somebody_is_named() {
        let closed = [
            r#""Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage""#,
            r#""Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "sqs:*""#,
            r#""Principal": "*", "Action": "sqs:ReceiveMessage""#,
            r#""Principal": "*", "NotAction": "sqs:SendMessage""#,
            r#""Principal": "*", "Action": "sqs:SendMessage", "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:r:1:rule/x"}}"#,
            r#""Principal": "*", "Action": "sqs:SendMessage", "Condition": {"StringEquals": {"AWS:SourceAccount": ["1", "2"]}}"#,
            r#""Principal": "*", "Action": "sqs:SendMessage", "Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}}"#,
        ];
        for rest in closed {
            assert_eq!(open_to(&statement(rest)), None, "{rest}");
        }
        let denied = statement(r#""Principal": "*", "Action": "sqs:SendMessage""#).replace("Allow", "Deny");
        for none in ["", "{", "[]", "{}", denied.as_str()] {
            assert_eq!(open_to(none), None, "{none}");
        }
    }
}
