//! What of the server's frames counts for a resident.

use serde::Deserialize;

/// Frames of other kinds need not be understood.
const COUNTED_KINDS: [&[u8]; 7] = [
    b"{\"type\":\"subscribed\"",
    b"{\"type\":\"caught_up\"",
    b"{\"type\":\"new_message\"",
    b"{\"type\":\"gap\"",
    b"{\"type\":\"reset\"",
    b"{\"type\":\"error\"",
    b"{\"type\":\"ack\"",
];

/// Where a client stands in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) epoch: String,
    pub(crate) seq: u64,
}

/// What of a frame counts here.
#[derive(Deserialize)]
pub(super) struct FrameView<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) room: Option<&'a str>,
    pub(super) epoch: Option<&'a str>,
    pub(super) seq: Option<u64>,
    pub(super) head: Option<u64>,
    pub(super) to: Option<u64>,
    pub(super) code: Option<&'a str>,
    pub(super) retry_after_ms: Option<u64>,
    pub(super) client_id: Option<&'a str>,
    pub(super) survived: Option<serde::de::IgnoredAny>,
}

impl<'a> FrameView<'a> {
    /// The frame, if it is of a kind that counts.
    pub(super) fn read(text: &'a [u8]) -> Option<Self> {
        COUNTED_KINDS
            .iter()
            .any(|start| text.starts_with(start))
            .then(|| serde_json::from_slice(text).ok())
            .flatten()
    }
}
