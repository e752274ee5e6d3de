//! A frame for many connections: said once, and encoded once for each dialect that somebody here speaks.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use rookery_protocol::server::ServerFrame;

use super::Dialect;
use crate::frame::Frame;

/// A server frame whose copies share its bytes in every dialect.
#[derive(Clone)]
pub struct SharedFrame(Arc<Inner>);

struct Inner {
    frame: ServerFrame,
    cost: OnceLock<usize>,
    encoded: [OnceLock<Frame>; Dialect::COUNT],
}

impl SharedFrame {
    /// The frame itself.
    pub fn frame(&self) -> &ServerFrame {
        &self.0.frame
    }

    /// Its bytes in the dialect, made when they are first asked for. After that it is one atomic load.
    pub fn in_dialect(&self, dialect: Dialect) -> &Frame {
        self.0.encoded[dialect.index()].get_or_init(|| dialect.encode(&self.0.frame))
    }

    /// What it counts where frames are kept or replayed, in bytes: its length in a dialect that it is encoded in, or else
    /// that of its JSON. Always the same from the first call on, so that sums of it stay right. In memory the frame
    /// itself and its bytes in each dialect spoken here take about as much each.
    pub fn cost(&self) -> usize {
        *self.0.cost.get_or_init(|| {
            let encoded = self.0.encoded.iter().find_map(OnceLock::get);
            encoded.map_or_else(|| json_len(&self.0.frame), Frame::len)
        })
    }
}

impl From<ServerFrame> for SharedFrame {
    fn from(frame: ServerFrame) -> Self {
        let encoded = [const { OnceLock::new() }; Dialect::COUNT];
        Self(Arc::new(Inner { frame, cost: OnceLock::new(), encoded }))
    }
}

impl PartialEq for SharedFrame {
    fn eq(&self, other: &Self) -> bool {
        self.0.frame == other.0.frame
    }
}

impl Eq for SharedFrame {}

impl fmt::Debug for SharedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.frame.fmt(f)
    }
}

#[cfg(test)]
impl SharedFrame {
    /// Whether somebody has asked for its bytes in the dialect.
    pub(crate) fn is_encoded(&self, dialect: Dialect) -> bool {
        self.0.encoded[dialect.index()].get().is_some()
    }
}

/// Takes most of the time of encoding, so it is only for frames that nobody has needed the bytes of.
fn json_len(frame: &ServerFrame) -> usize {
    let mut counter = Counter(0);
    // Nothing in a frame can fail to serialise.
    serde_json::to_writer(&mut counter, frame).ok();
    counter.0
}

struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
