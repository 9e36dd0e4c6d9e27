//! A YAML or JSON document as a tree, without the parts of Kubernetes objects that no rule reads.
//!
//! Containers under the keys of `UNREAD` (environments, commands, probes, managed fields …) are skipped while
//! parsing and never held in memory: of a typical Pod a tenth is kept. Not here: what the fields mean.

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// Values of one object; the API server stores objects of at most 1.5 MiB, so this is generous.
const MAX_NODES: u32 = 400_000;

/// Maps and lists under these keys are not read. Scalars are kept: a label may be called `env`.
const UNREAD: [&str; 17] = [
    "managedFields",
    "env",
    "envFrom",
    "args",
    "command",
    "volumeMounts",
    "volumeDevices",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "securityContextConstraints",
    "state",
    "lastState",
    "ephemeralContainerStatuses",
    "images",
    "imagePullSecrets",
];

/// Text under this key repeats the whole object.
const UNREAD_TEXT: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `null`, `~`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Self>),
    /// A mapping, in the order of the document; of a repeated key the last one counts.
    Map(Vec<(String, Self)>),
}

impl Tree {
    /// The value under a key of a mapping; `None` for `null` and for anything that is not a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        let (_, value) = entries.iter().rfind(|(name, _)| name == key)?;
        (!matches!(value, Self::Null)).then_some(value)
    }

    /// The text, where it is text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

impl<'de> serde::Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Room::default().seed().deserialize(deserializer)
    }
}

/// Room for the values of one object, shared by all of its parts that are read one by one.
pub(crate) struct Room {
    left: Cell<u32>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            left: Cell::new(MAX_NODES),
        }
    }
}

impl Room {
    /// Reads a value into it.
    pub(crate) fn seed(&self) -> Seed<'_> {
        Seed {
            room: self,
            unread: false,
        }
    }

    /// Takes the place of one value.
    pub(crate) fn take<E: Error>(&self) -> Result<(), E> {
        let left =
            self.left.get().checked_sub(1).ok_or_else(|| {
                E::custom("an object with more than 400000 values: the API server stores none")
            })?;
        self.left.set(left);
        Ok(())
    }

    /// Values read into it.
    pub(crate) fn used(&self) -> u32 {
        MAX_NODES - self.left.get()
    }
}

/// Reads one value, counting what it holds.
#[derive(Clone, Copy)]
pub(crate) struct Seed<'r> {
    room: &'r Room,
    /// Under a key of `UNREAD`.
    unread: bool,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Int(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "beyond i64 only the magnitude matters")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(i64::try_from(value).map_or(Tree::Float(value as f64), Tree::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        if self.unread {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Tree::Null);
        }
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self)? {
            self.room.take()?;
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        if self.unread {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Tree::Null);
        }
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            self.room.take()?;
            if key == UNREAD_TEXT {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let unread = UNREAD.contains(&key.as_str());
            let value = map.next_value_seed(Seed { unread, ..self })?;
            entries.push((key, value));
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_under_unread_keys_are_dropped_and_scalars_kept() {
        let tree: Tree =
            serde_json::from_str(r#"{"labels":{"env":"prod"},"env":[{"name":"A"}],"lifecycle":{"a":1}}"#)
                .unwrap();
        assert_eq!(
            tree.get("labels").unwrap().get("env").unwrap().text(),
            Some("prod")
        );
        assert_eq!((tree.get("env"), tree.get("lifecycle")), (None, None));
    }

    #[test]
    fn an_endless_object_is_refused() {
        let text = format!("[{}1]", "1,".repeat(500_000));
        let error = serde_json::from_str::<Tree>(&text).unwrap_err().to_string();
        assert!(error.contains("400000 values"), "{error}");
    }
}
