//! Launches that a removal waits for, written as ever where there is at most one: nothing, or its id; a list where there
//! are several.
//!
//! Not here: what else a removal says.

use crate::ids::IntentId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    One(IntentId),
    Several(Vec<IntentId>),
}

pub(super) fn serialize<S: Serializer>(ids: &[IntentId], serializer: S) -> Result<S::Ok, S::Error> {
    match ids {
        [] => serializer.serialize_none(),
        [one] => one.serialize(serializer),
        several => several.serialize(serializer),
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IntentId>, D::Error> {
    Ok(match Option::<Written>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Written::One(id)) => vec![id],
        Some(Written::Several(ids)) => ids,
    })
}
