//! What a change does to something that may be absent.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What becomes of something that may be absent. In JSON, null takes it away; a field that is left out, with
/// `#[serde(default)]`, keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It is this from now on.
    Set(T),
}

impl<T> Change<T> {
    /// Whether it stays.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// What there is after the change.
    pub fn applied_to(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }

    /// This change, made after another one.
    #[must_use]
    pub fn after(self, before: Self) -> Self {
        if self.is_keep() { before } else { self }
    }

    /// The same change, with a view of its value.
    pub fn map<'a, U>(&'a self, view: impl FnOnce(&'a T) -> U) -> Change<U> {
        match self {
            Self::Keep => Change::Keep,
            Self::Clear => Change::Clear,
            Self::Set(value) => Change::Set(view(value)),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T: Serialize> Serialize for Change<T> {
    /// Something that stays is to be left out, with [`Change::is_keep`]; alone it is null as well.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fields {
        #[serde(default, skip_serializing_if = "Change::is_keep")]
        field: Change<u8>,
    }

    #[test]
    fn null_is_told_from_what_is_left_out() {
        for (json, field) in
            [("{}", Change::Keep), (r#"{"field":null}"#, Change::Clear), (r#"{"field":7}"#, Change::Set(7))]
        {
            let read: Fields = serde_json::from_str(json).unwrap();
            assert_eq!(read, Fields { field });
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
        }
    }

    #[test]
    fn the_later_change_wins() {
        assert_eq!(Change::Keep.after(Change::Set(1)), Change::Set(1));
        assert_eq!(Change::Clear.after(Change::Set(1)), Change::Clear);
        assert_eq!(Change::Set(2).after(Change::Clear).applied_to(Some(1)), Some(2));
        assert_eq!(Change::Keep.applied_to(Some(1)), Some(1));
        assert_eq!(Change::<u8>::Clear.applied_to(Some(1)), None);
    }
}
