//! Forms of ids, times and positions in documents.

use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, Uuid};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, Seq};
use rookery_protocol::position::Position;
use rookery_store::{StoreError, integer};

use crate::error::Failed;

/// An id as the database keeps it.
pub(super) fn key(id: uuid::Uuid) -> Uuid {
    Uuid::from_bytes(id.into_bytes())
}

/// An id from the database.
pub(super) fn uuid_of(key: Uuid) -> uuid::Uuid {
    uuid::Uuid::from_bytes(key.bytes())
}

/// A place as a text that sorts like it, so that the database compares one value.
pub(super) fn order(place: Position) -> String {
    format!("{:020} {:020}", place.epoch.0, place.seq.get())
}

/// The place of such a text.
pub(super) fn place_in_order(text: &str) -> Option<Position> {
    let (epoch, seq) = text.split_once(' ')?;
    Some(Position { epoch: Epoch(epoch.parse().ok()?), seq: Seq::new(seq.parse().ok()?) })
}

/// A time as the database keeps it.
pub(super) fn date(time: UnixMillis) -> DateTime {
    DateTime::from_millis(time.0)
}

/// A time from the database.
pub(super) fn time(date: DateTime) -> UnixMillis {
    UnixMillis(date.timestamp_millis())
}

/// Bytes as the database keeps them.
pub(super) fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

pub(super) fn array<const N: usize>(binary: &Binary) -> Result<[u8; N], Failed> {
    let bytes = binary.bytes.as_slice().try_into();
    Ok(bytes.map_err(|_| StoreError::Inconsistent(format!("{} bytes instead of {N}", binary.bytes.len())))?)
}

/// A text that must satisfy a domain type.
pub(super) fn parsed<T: TryFrom<String>>(text: String, field: &str) -> Result<T, Failed> {
    Ok(T::try_from(text).map_err(|_| StoreError::Inconsistent(format!("{field} breaks its rules")))?)
}

pub(super) fn place(epoch: i64, seq: i64) -> Result<Position, Failed> {
    Ok(Position { epoch: Epoch(integer::read(epoch)?), seq: Seq::new(integer::read(seq)?) })
}

/// A number that is never below zero; one that is counts as none.
pub(super) fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
