//! SQS on the wire (awsJson 1.0), as far as a reader of notices needs it: queues that exist or not, and their messages.
//!
//! Source: SQS API reference; a queue is named by its URL, and one that is not there is refused. Not here: FIFO queues,
//! dead letters, what a policy forbids.

use super::answer::{Answer, JSON_1_0};
use super::call::{Call, unknown};
use crate::account::{Account, Messages, NO_QUEUE, Refused};
use serde_json::{Value, json};

/// Most entries of a batch, and most messages of one receive.
const BATCH: usize = 10;

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let body = &call.json;
    let value = match call.action.as_str() {
        "CreateQueue" => {
            let name = named(body)?;
            account.create_queue(&name);
            json!({"QueueUrl": url(account, &name)})
        }
        "ListQueues" => {
            let prefix = text(&body["QueueNamePrefix"]);
            let names = account.queues().filter(|name| name.starts_with(&prefix));
            json!({"QueueUrls": names.map(|name| url(account, name)).collect::<Vec<_>>()})
        }
        "GetQueueUrl" => {
            let name = named(body)?;
            account.queue(&name)?;
            json!({"QueueUrl": url(account, &name)})
        }
        _ => return of_queue(account, call),
    };
    Ok(ok(&value))
}

/// Calls that name their queue by its URL.
fn of_queue(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let body = &call.json;
    let queue = queue_of(body);
    if !matches!(
        call.action.as_str(),
        "GetQueueAttributes"
            | "SetQueueAttributes"
            | "ReceiveMessage"
            | "DeleteMessage"
            | "DeleteMessageBatch"
            | "SendMessage"
            | "DeleteQueue"
            | "PurgeQueue"
    ) {
        return Err(unknown(call));
    }
    account.queue(&queue)?;
    let value = match call.action.as_str() {
        "DeleteQueue" => {
            account.delete_queue(&queue);
            json!({})
        }
        "PurgeQueue" => {
            account.purge_queue(&queue);
            json!({})
        }
        "GetQueueAttributes" => attributes(account.queue(&queue)?, body),
        "SetQueueAttributes" => {
            if let Some(policy) = body["Attributes"]["Policy"].as_str() {
                account.set_queue_policy(&queue, policy);
            }
            json!({})
        }
        "ReceiveMessage" => receive(account, &queue, body)?,
        "DeleteMessage" => {
            account.forget_message(&queue, &receipt(body)?);
            json!({})
        }
        "DeleteMessageBatch" => forget_batch(account, &queue, body)?,
        _ => send(account, &queue, body)?,
    };
    Ok(ok(&value))
}

fn attributes(queue: &Messages, body: &Value) -> Value {
    let asked = |name: &str| {
        let names = body["AttributeNames"].as_array().into_iter().flatten();
        names
            .filter_map(Value::as_str)
            .any(|one| one == name || one == "All")
    };
    let mut attributes = json!({"ApproximateNumberOfMessages": queue.kept.len().to_string()});
    if let Some(policy) = queue.policy.as_ref().filter(|_| asked("Policy")) {
        attributes["Policy"] = json!(policy);
    }
    json!({"Attributes": attributes})
}

fn forget_batch(account: &mut Account, queue: &str, body: &Value) -> Result<Value, Refused> {
    let entries = body["Entries"].as_array().cloned().unwrap_or_default();
    if entries.is_empty() {
        let what = "There should be at least one DeleteMessageBatchRequestEntry in the request.";
        return Err(Refused::new("EmptyBatchRequest", what));
    }
    if entries.len() > BATCH {
        let what = format!(
            "Maximum number of entries per request are {BATCH}. You have sent {}.",
            entries.len()
        );
        return Err(Refused::new("TooManyEntriesInBatchRequest", what));
    }
    for entry in &entries {
        account.forget_message(queue, &text(&entry["ReceiptHandle"]));
    }
    let done: Vec<Value> = entries.iter().map(|entry| json!({"Id": entry["Id"]})).collect();
    Ok(json!({"Successful": done, "Failed": []}))
}

fn send(account: &mut Account, queue: &str, body: &Value) -> Result<Value, Refused> {
    let message = text(&body["MessageBody"]);
    if message.is_empty() {
        let what = "The request must contain the parameter MessageBody.";
        return Err(Refused::new("MissingParameter", what));
    }
    let id = account.send(queue, message);
    Ok(json!({"MessageId": id}))
}

fn receive(account: &mut Account, queue: &str, body: &Value) -> Result<Value, Refused> {
    let most = body["MaxNumberOfMessages"].as_u64().unwrap_or(1);
    let within = usize::try_from(most).ok().filter(|n| (1..=BATCH).contains(n));
    let most = within.ok_or_else(|| {
        let what = format!(
            "Value {most} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and {BATCH}, if provided."
        );
        Refused::new("InvalidParameterValue", what)
    })?;
    let taken = account.receive(queue, most);
    let messages: Vec<Value> = taken
        .into_iter()
        .map(|(id, message)| json!({"MessageId": id, "ReceiptHandle": message.receipt, "Body": message.body}))
        .collect();
    Ok(if messages.is_empty() {
        json!({})
    } else {
        json!({"Messages": messages})
    })
}

/// A refusal; the header beside it is what clients of the older protocol read.
pub(super) fn refused(refused: &Refused, status: u16) -> Answer {
    let code = match refused.code.as_str() {
        NO_QUEUE => "QueueDoesNotExist",
        other => other,
    };
    let said = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": refused.message});
    Answer {
        kind: JSON_1_0,
        error: Some(code.to_owned()),
        ..Answer::json(status, &said)
    }
}

fn ok(value: &Value) -> Answer {
    Answer {
        kind: JSON_1_0,
        ..Answer::json(200, value)
    }
}

fn named(body: &Value) -> Result<String, Refused> {
    let name = text(&body["QueueName"]);
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 80 || !name.chars().all(fits) {
        let what = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
        return Err(Refused::new("InvalidParameterValue", what));
    }
    Ok(name)
}

fn receipt(body: &Value) -> Result<String, Refused> {
    let receipt = text(&body["ReceiptHandle"]);
    if receipt.starts_with("receipt-") {
        return Ok(receipt);
    }
    let what = format!("The input receipt handle \"{receipt}\" is not a valid receipt handle.");
    Err(Refused::new("ReceiptHandleIsInvalid", what))
}

/// Name of the queue of a URL.
pub(crate) fn queue_of(body: &Value) -> String {
    text(&body["QueueUrl"])
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn url(account: &Account, name: &str) -> String {
    format!("http://127.0.0.1/{}/{name}", account.settings.account)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
