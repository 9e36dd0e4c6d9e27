//! One page of a list, within a budget of bytes: a tenant writes the objects, and five hundred of the largest are more than
//! the daemon has memory for.
//!
//! What is larger is given up while it is read, and asked for again in smaller pages (`watch`). Objects are read one by one
//! and dropped before the next. Not here: what becomes of them.

use crate::body;
use kube::{Client, Error};
use manifest::Tree;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Most bytes of a page: 500 ordinary pods of 10 KB are 5 MB, the largest object that the API server stores some 3.
pub(super) const MOST: usize = 8 << 20;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is larger than [`MOST`].
    TooLarge,
    /// The call failed.
    Failed(Error),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "one object has more than {MOST} bytes"),
            Self::Failed(error) => f.write_str(&super::brief(error)),
        }
    }
}

/// What a page says about itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    #[serde(default)]
    pub(super) resource_version: String,
    #[serde(default, rename = "continue")]
    pub(super) next: String,
}

/// How many objects to ask for next, at most `most`, where so many had so many bytes. Twice as many only where they would
/// fit by what these have: a page that does not is read for nothing.
pub(super) fn next_size(objects: u32, bytes: usize, most: u32) -> u32 {
    if bytes.saturating_mul(2) <= MOST {
        objects.saturating_mul(2).min(most)
    } else {
        objects
    }
}

/// The bytes of a page.
pub(super) async fn read(client: &Client, request: http::Request<Vec<u8>>) -> Result<Vec<u8>, Unread> {
    let body = client.request_stream(request).await.map_err(Unread::Failed)?;
    let read = body::whole(body, MOST).await;
    let read = read.map_err(|error| Unread::Failed(Error::Service(Box::new(error))))?;
    read.ok_or(Unread::TooLarge)
}

/// Tells of every object in turn, and returns what the page says about itself.
pub(super) fn objects(bytes: &[u8], tell: impl FnMut(&Tree)) -> serde_json::Result<Head> {
    let mut page = serde_json::Deserializer::from_slice(bytes);
    Page(tell).deserialize(&mut page)
}

struct Page<F>(F);
struct Items<'f, F>(&'f mut F);

impl<'de, F: FnMut(&Tree)> DeserializeSeed<'de> for Page<F> {
    type Value = Head;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Head, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&Tree)> Visitor<'de> for Page<F> {
    type Value = Head;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Head, A::Error> {
        let mut head = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" => head = Some(map.next_value()?),
                "items" => map.next_value_seed(Items(&mut self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        head.ok_or_else(|| A::Error::missing_field("metadata"))
    }
}

impl<'de, F: FnMut(&Tree)> DeserializeSeed<'de> for Items<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(&Tree)> Visitor<'de> for Items<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects, or null where there are none")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<(), A::Error> {
        while let Some(object) = objects.next_element::<Tree>()? {
            (self.0)(&object);
        }
        Ok(())
    }
}
