//! Answers of every service: a status, a content type and a body.
//!
//! Not here: how services shape their refusals (`wire`).

use super::xml::{Element, el, leaf};
use serde_json::Value;

pub(super) const XML: &str = "text/xml";
pub(super) const JSON: &str = "application/x-amz-json-1.1";
pub(super) const JSON_1_0: &str = "application/x-amz-json-1.0";
pub(super) const CBOR: &str = "application/cbor";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) body: Vec<u8>,
    /// `x-amzn-errortype`, where there is one.
    pub(crate) error: Option<String>,
}

impl Answer {
    pub(super) fn xml(status: u16, root: &Element) -> Self {
        let body = root.document().into_bytes();
        Self {
            status,
            kind: XML,
            body,
            error: None,
        }
    }

    pub(super) fn json(status: u16, value: &Value) -> Self {
        let body = value.to_string().into_bytes();
        Self {
            status,
            kind: JSON,
            body,
            error: None,
        }
    }
}

/// An answer of the query protocol (Auto Scaling, STS).
pub(super) fn query_answer(action: &str, namespace: &str, result: Element) -> Answer {
    let metadata = el(
        "ResponseMetadata",
        vec![leaf("RequestId", "00000000-0000-0000-0000-000000000000")],
    );
    let root = el(format!("{action}Response"), vec![result, metadata]).with("xmlns", namespace);
    Answer::xml(200, &root)
}
