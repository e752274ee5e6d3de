//! What connections are written and read in. Frames of the protocol are the same for all of them; a dialect turns a
//! server frame into the bytes of a WebSocket frame, and what a client wrote into a client frame.
//!
//! A dialect maps every kind of frame: its mapping matches without a wildcard (which the linter refuses), or is derived,
//! so that a new kind of event that one of them cannot say does not compile. A new dialect is a variant of [`Dialect`]
//! and a file beside `native.rs`; the compiler names the rest.

use rookery_protocol::client::{ClientFrame, Rejected};
use rookery_protocol::server::ServerFrame;

use crate::frame::Frame;

mod native;
mod shared_frame;

pub use shared_frame::SharedFrame;

/// How one connection is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JSON in text frames, as docs/protocol.md has it.
    Native,
    /// Another one, to see that they are kept apart.
    #[cfg(test)]
    Shout,
}

impl Dialect {
    /// How many there are.
    pub(crate) const COUNT: usize = if cfg!(test) { 2 } else { 1 };

    /// The frame's bytes.
    pub fn encode(self, frame: &ServerFrame) -> Frame {
        match self {
            Self::Native => native::encode(frame),
            #[cfg(test)]
            Self::Shout => Frame::text(&frame.to_json().to_uppercase()),
        }
    }

    /// What the client says by one text message. Total: every input is a frame or a [`Rejected`].
    ///
    /// # Errors
    /// If it means nothing.
    pub fn decode(self, text: &str) -> Result<ClientFrame, Rejected> {
        match self {
            Self::Native => native::decode(text),
            #[cfg(test)]
            Self::Shout => native::decode(&text.to_lowercase()),
        }
    }

    /// Below [`Dialect::COUNT`], another one for each.
    const fn index(self) -> usize {
        match self {
            Self::Native => 0,
            #[cfg(test)]
            Self::Shout => 1,
        }
    }
}

/// What has bytes in every dialect.
pub trait Encode {
    /// Its bytes in one of them.
    fn encode(&self, dialect: Dialect) -> Frame;
}

/// For a single connection.
impl Encode for ServerFrame {
    fn encode(&self, dialect: Dialect) -> Frame {
        dialect.encode(self)
    }
}

/// For many: the bytes are made once and shared.
impl Encode for SharedFrame {
    fn encode(&self, dialect: Dialect) -> Frame {
        self.in_dialect(dialect).clone()
    }
}

/// Bytes of a test's own.
#[cfg(test)]
impl Encode for Frame {
    fn encode(&self, _: Dialect) -> Frame {
        self.clone()
    }
}

#[cfg(test)]
mod tests;
