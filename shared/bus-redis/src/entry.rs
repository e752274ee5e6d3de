//! Entries of a partition's log.

use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::Epoch;

/// Entries that are handed out to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The incarnation under which the data's epoch began.
    pub fence: String,
    /// That epoch; all entries of a log belong to one.
    pub epoch: Epoch,
    /// In order; possibly none.
    pub entries: Vec<Entry>,
}

/// One entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id in the stream.
    pub id: String,
    /// Its event; none if it is not understood (a foreign writer, or a newer release).
    pub event: Option<SequencedEvent>,
    /// Where its append is remembered: a key and a field.
    pub result: Option<(String, String)>,
}
