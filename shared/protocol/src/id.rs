//! Identifiers and positions. A bare `String` or integer never crosses a module border in their place.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::integer;
use crate::limits::{CLIENT_ID_BYTES_MAX, SLUG_BYTES_MAX};

/// Bytes of a UUID as RFC 9562 writes it.
const HYPHENATED_BYTES: usize = 36;

/// Reads the one form of an id that the documents promise.
struct Hyphenated;

impl serde::de::Visitor<'_> for Hyphenated {
    type Value = Uuid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a UUID")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Uuid, E> {
        let id = Uuid::try_parse(text).ok().filter(|_| text.len() == HYPHENATED_BYTES);
        id.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id whose text sorts by creation time (UUID version 7, RFC 9562).
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// Wraps an id that was read from a store or derived elsewhere.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The id as the stores keep it.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// Reads the one form that the documents promise: 36 characters, with hyphens. Other ways to write a UUID
            /// are for keys and stores, see [`FromStr`].
            pub fn from_hyphenated(text: &str) -> Result<Self, BadId> {
                if text.len() == HYPHENATED_BYTES { text.parse() } else { Err(BadId) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Hyphenated).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::try_parse(text).map(Self).map_err(|_| BadId)
            }
        }
    };
}

uuid_id! {
    /// An account.
    UserId
}
uuid_id! {
    /// A room.
    RoomId
}
uuid_id! {
    /// A message, and by extension any event of a room's timeline.
    MessageId
}
uuid_id! {
    /// One login of one user; all its refresh tokens are one family.
    SessionId
}

uuid_id! {
    /// One life of a gateway: what a process says of presence holds as long as the lease of this name does.
    LeaseId
}

uuid_id! {
    /// Something that is carried out later, see the store's jobs.
    JobId
}

uuid_id! {
    /// A notice in a user's inbox.
    NoticeId
}

uuid_id! {
    /// A message that is sent later.
    ScheduleId
}

uuid_id! {
    /// A file that somebody has uploaded.
    FileId
}

uuid_id! {
    /// A ticket, which opens one socket.
    TicketId
}

/// The text is not an id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct BadId;

impl RoomId {
    /// The direct room of two users is a function of who they are, whoever of them asks: there is one for ever, on every
    /// node (UUID version 8 over SHA-256).
    pub fn of_pair(one: UserId, other: UserId) -> Self {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        let mut input = Vec::with_capacity(64);
        input.extend_from_slice(b"rookery direct 1\0");
        input.extend_from_slice(low.0.as_bytes());
        input.extend_from_slice(high.0.as_bytes());
        let hash = digest(&SHA256, &input);
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

impl MessageId {
    /// The id of a message is a function of who says what where under which name, so a repeat of a send
    /// has the id of the first send on every node and for all time (UUID version 8 over SHA-256).
    pub fn derive(room: RoomId, user: UserId, client_id: &ClientId, content: &str) -> Self {
        let mut input = Vec::with_capacity(64 + content.len());
        input.extend_from_slice(b"rookery message 1\0");
        input.extend_from_slice(room.0.as_bytes());
        input.extend_from_slice(user.0.as_bytes());
        input.extend_from_slice(client_id.as_str().as_bytes());
        input.push(0);
        input.extend_from_slice(content.as_bytes());
        let hash = digest(&SHA256, &input);
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// The name a client gives to one of its messages so that a retry is recognised.
///
/// 1 to 64 bytes of visible ASCII. It must be unique per user; a random UUID is a good choice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

impl ClientId {
    /// A name for a message whose sender gave none.
    pub fn generate() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    /// The name as the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let valid = (1..=CLIENT_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if valid {
            Ok(Self(text))
        } else {
            Err("must be 1 to 64 visible ASCII characters")
        }
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

/// The slug of the room that everybody becomes a member of.
pub const GENERAL: &str = "general";

/// A public room's readable name in addresses: 1 to 64 of `a-z`, `0-9` and `-`, never shaped like a UUID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        let valid = (1..=SLUG_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && Uuid::try_parse(&text).is_err();
        if valid { Ok(Self(text)) } else { Err(BadId) }
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a client names a room: by id or, where the room is public, by slug.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RoomRef {
    /// By id.
    Id(RoomId),
    /// By slug.
    Slug(Slug),
}

impl FromStr for RoomRef {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        match RoomId::from_hyphenated(text) {
            Ok(id) => Ok(Self::Id(id)),
            Err(BadId) => Slug::try_from(text.to_owned()).map(Self::Slug),
        }
    }
}

impl TryFrom<String> for RoomRef {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<RoomRef> for String {
    fn from(room: RoomRef) -> Self {
        room.to_string()
    }
}

impl fmt::Display for RoomRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => slug.fmt(f),
        }
    }
}

/// One incarnation of a partition's counters. `(epoch, seq)` never names two events; written `e1` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let digits = text.strip_prefix('e').ok_or(BadId)?;
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| plain).map(Self).ok_or(BadId)
    }
}

impl Serialize for Epoch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|BadId| serde::de::Error::custom("must look like \"e1\""))
    }
}

/// The number of an event in its room: 1, 2, 3 … without gaps inside one epoch. 0 means "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(into = "u64")]
pub struct Seq(u64);

impl Seq {
    /// Before the first event.
    pub const ZERO: Self = Self(0);
    /// The largest number a JavaScript client can hold exactly (2^53 - 1).
    pub const MAX: Self = Self((1 << 53) - 1);

    /// A number from a store or from Redis; anything above [`Seq::MAX`] becomes [`Seq::MAX`].
    pub const fn new(value: u64) -> Self {
        if value > Self::MAX.0 { Self::MAX } else { Self(value) }
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number that must follow this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::new(self.0.saturating_add(1))
    }
}

impl TryFrom<u64> for Seq {
    type Error = &'static str;

    fn try_from(value: u64) -> Result<Self, Self::Error> {
        if value <= Self::MAX.0 { Ok(Self(value)) } else { Err("must be below 2^53") }
    }
}

impl<'de> Deserialize<'de> for Seq {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(integer::whole(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl From<Seq> for u64 {
    fn from(seq: Seq) -> Self {
        seq.0
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The version of a room's rights; every act that changes who may do what raises it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AclVersion(pub u64);

/// A slice of the rooms whose keys live together; a slot of a Redis Cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(pub u16);

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A place in a partition's log. Positions grow with the log, also across epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogPosition {
    /// Epoch in which the entry was written.
    pub epoch: Epoch,
    /// Milliseconds part of the entry's id.
    pub ms: u64,
    /// Counter part of the entry's id.
    pub n: u64,
}

#[cfg(test)]
mod tests;
