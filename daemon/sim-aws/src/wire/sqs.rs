//! SQS on the wire (awsJson 1.0): one queue, as far as a reader of notices needs it.

use super::{Answer, Call, unknown};
use crate::account::{Account, Notice, Refused};
use serde_json::{Value, json};

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let body = &call.json;
    let value = match call.action.as_str() {
        "GetQueueUrl" => {
            let name = body["QueueName"].as_str().unwrap_or_default();
            json!({"QueueUrl": format!("http://127.0.0.1/{}/{name}", account.settings.account)})
        }
        "GetQueueAttributes" => {
            json!({"Attributes": {"ApproximateNumberOfMessages": account.queued().to_string()}})
        }
        "ReceiveMessage" => {
            let most = body["MaxNumberOfMessages"].as_u64().unwrap_or(1).clamp(1, 10);
            let taken = account.receive(usize::try_from(most).unwrap_or(1));
            let messages: Vec<Value> = taken
                .into_iter()
                .map(|(id, message)| json!({"MessageId": id, "ReceiptHandle": message.receipt, "Body": message.body}))
                .collect();
            json!({"Messages": messages})
        }
        "DeleteMessage" => {
            account.forget_message(body["ReceiptHandle"].as_str().unwrap_or_default());
            json!({})
        }
        "DeleteMessageBatch" => {
            let entries = body["Entries"].as_array().cloned().unwrap_or_default();
            for entry in &entries {
                account.forget_message(entry["ReceiptHandle"].as_str().unwrap_or_default());
            }
            let done: Vec<Value> = entries.iter().map(|entry| json!({"Id": entry["Id"]})).collect();
            json!({"Successful": done, "Failed": []})
        }
        "SendMessage" => {
            account.notify(&Notice::Raw(
                body["MessageBody"].as_str().unwrap_or_default().to_owned(),
            ));
            json!({"MessageId": "sent"})
        }
        _ => return Err(unknown(call)),
    };
    Ok(Answer::json(200, &value))
}
