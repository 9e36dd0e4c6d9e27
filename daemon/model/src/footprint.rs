//! About how many bytes a value takes in memory: what a tenant wrote into an object is counted before it is kept.
//!
//! Counted as serde walks the value, without writing it anywhere: texts and lists with what their buffers and their
//! bookkeeping take, everything else as eight bytes. An `Arc` counts as what it points to. Not here: how much is allowed.

use serde::ser::{self, Serialize, Serializer};
use std::fmt;

/// What a text, a list or a map takes beside what is in it: pointer, length, capacity, and the allocator's share.
const BUFFER: usize = 32;

/// Any other value.
const PLAIN: usize = 8;

/// The footprint of a value.
pub fn of<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut count = Count {
        taken: 0,
        most: usize::MAX,
    };
    // Nothing fails that has no limit.
    let _ = value.serialize(&mut count);
    count.taken
}

/// Whether the footprint of a value is at most so many bytes; no more of it is looked at than these.
pub fn is_within<T: Serialize + ?Sized>(value: &T, most: usize) -> bool {
    value.serialize(&mut Count { taken: 0, most }).is_ok()
}

struct Count {
    taken: usize,
    most: usize,
}

impl Count {
    const fn take(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.taken = self.taken.saturating_add(bytes);
        if self.taken > self.most {
            return Err(TooLarge);
        }
        Ok(())
    }
}

/// Why the walk ended early.
#[derive(Debug)]
struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("larger than what is allowed")
    }
}

impl std::error::Error for TooLarge {}

impl ser::Error for TooLarge {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// Methods for values of a fixed size.
macro_rules! plain {
    ($($method:ident($kind:ty)),* $(,)?) => {
        $(fn $method(self, _: $kind) -> Result<(), TooLarge> {
            self.take(PLAIN)
        })*
    };
}

/// Walks into the parts of a value, whatever they are called.
macro_rules! parts {
    ($($of:ident::$method:ident),* $(,)?) => {
        $(impl ser::$of for &mut Count {
            type Ok = ();
            type Error = TooLarge;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TooLarge> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), TooLarge> {
                Ok(())
            }
        })*
    };
}

parts!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
);

/// The same for parts with names.
macro_rules! fields {
    ($($of:ident),*) => {
        $(impl ser::$of for &mut Count {
            type Ok = ();
            type Error = TooLarge;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), TooLarge> {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result<(), TooLarge> {
                Ok(())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for &mut Count {
    type Ok = ();
    type Error = TooLarge;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), TooLarge> {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TooLarge> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), TooLarge> {
        Ok(())
    }
}

impl Serializer for &mut Count {
    type Ok = ();
    type Error = TooLarge;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    plain!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_char(char),
        serialize_unit_struct(&'static str),
    );

    fn serialize_str(self, text: &str) -> Result<(), TooLarge> {
        self.take(BUFFER.saturating_add(text.len()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), TooLarge> {
        self.take(BUFFER.saturating_add(bytes.len()))
    }

    fn serialize_unit(self) -> Result<(), TooLarge> {
        self.take(PLAIN)
    }

    fn serialize_none(self) -> Result<(), TooLarge> {
        self.take(PLAIN)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), TooLarge> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), TooLarge> {
        self.take(PLAIN)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), TooLarge> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), TooLarge> {
        self.take(PLAIN)?;
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, TooLarge> {
        self.take(BUFFER)?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, TooLarge> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, TooLarge> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, TooLarge> {
        self.take(PLAIN)?;
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, TooLarge> {
        self.take(BUFFER)?;
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, TooLarge> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, TooLarge> {
        self.take(PLAIN)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::PodSpec;
    use crate::selector::{Labels, NodeTerm, Requirement};

    #[test]
    fn more_text_is_more_and_short_texts_are_more_than_they_say() {
        let labelled = |count: usize, length: usize| PodSpec {
            labels: (0..count)
                .map(|n| (format!("key-{n}"), "v".repeat(length)))
                .collect(),
            ..PodSpec::default()
        };
        let none = of(&labelled(0, 0));
        let [short, long] = [1, 63].map(|length| of(&labelled(40, length)) - none);
        assert_eq!(long - short, 40 * 62);
        assert_eq!(
            short,
            (0..40).map(|n| 2 * BUFFER + format!("key-{n}").len() + 1).sum()
        );
    }

    #[test]
    fn a_limit_is_met_to_the_byte() {
        let labels = Labels::from([("a".to_owned(), "b".to_owned())]);
        let all = of(&labels);
        assert_eq!([all, all - 1].map(|most| is_within(&labels, most)), [true, false]);
    }

    /// A hundred terms of node affinity with one value each are 6 KiB of JSON and 30 KiB or more in memory.
    #[test]
    fn rules_count_with_what_their_lists_take() {
        let term = |n| NodeTerm {
            labels: vec![Requirement::equal(format!("key-{n}"), "v")],
            fields: Vec::new(),
        };
        let affinity: Vec<NodeTerm> = (0..100).map(term).collect();
        assert!(of(&affinity) > 15_000, "{}", of(&affinity));
    }

    #[test]
    fn every_kind_of_value_is_counted() {
        #[derive(serde::Serialize)]
        enum Any {
            Unit,
            New(u8),
            Tuple(u8, u8),
            Struct { a: Option<u8> },
        }
        let all = (
            Any::Unit,
            Any::New(1),
            Any::Tuple(1, 2),
            Any::Struct { a: None },
            (),
            true,
            'c',
            1.5_f64,
        );
        assert_eq!(of(&all), PLAIN * 12);
    }
}
