//! The protocol's own dialect: one JSON object in one text frame, in both directions.

use rookery_protocol::client::{ClientFrame, Rejected};
use rookery_protocol::server::ServerFrame;

use crate::frame::Frame;

/// The mapping of every kind of frame is derived from its type.
pub(super) fn encode(frame: &ServerFrame) -> Frame {
    Frame::text(&frame.to_json())
}

pub(super) fn decode(text: &str) -> Result<ClientFrame, Rejected> {
    ClientFrame::decode(text)
}
