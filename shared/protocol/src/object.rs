//! Objects in JSON that are objects only: what serde derives for a struct takes an array of its fields' values as well, in the
//! order of the source, which is nobody's contract.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A struct that is read from an object, and from nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pair {
        one: u8,
        two: Option<u8>,
    }

    #[test]
    fn arrays_are_no_objects() {
        let read = |json: &str| serde_json::from_str::<Object<Pair>>(json).map(|Object(pair)| pair);
        assert!(serde_json::from_str::<Pair>("[1, 2]").is_ok(), "what this is for");
        assert_eq!(read(r#"{"one": 1}"#).unwrap(), Pair { one: 1, two: None });
        for wrong in ["[1, 2]", "[1]", "[]", "1", "null", r#"{"one": 1, "three": 3}"#, r#"{"one": 1, "one": 2}"#, "{}"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
