//! What connections are written and read in. Frames of the protocol are the same for all of them; a dialect turns a
//! server frame into the bytes of WebSocket frames, and what a client wrote into a client frame.
//!
//! A frame for many is encoded once for each [`Dialect`] that somebody here speaks. What a single connection needs beside
//! that, such as the requests that wait for an answer, is kept by its [`Translator`].
//!
//! A dialect maps every kind of frame: its mapping matches without a wildcard (which the linter refuses), or is derived,
//! so that a new kind of event that one of them cannot say does not compile.

use rookery_protocol::client::{ClientFrame, Rejected};
use rookery_protocol::close::CloseCode;
use rookery_protocol::server::{ErrorFrame, ServerFrame};

use crate::frame::Frame;
use crate::reads::Reading;

mod native;
mod shared_frame;
pub mod socketio;

pub use shared_frame::SharedFrame;
pub use socketio::Asked;
use socketio::{Namespace, SocketIo};

/// A form that a frame for many has bytes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JSON in text frames, as docs/protocol.md has it.
    Native,
    /// Packets of Socket.IO, which name their namespace; see docs/socketio.md.
    SocketIo(Namespace),
}

/// What one connection is written and read in.
#[derive(Debug)]
pub enum Translator {
    /// The protocol's own dialect, which needs nothing.
    Native,
    /// Socket.IO.
    SocketIo(Box<SocketIo>),
}

/// What a client said by one text message.
#[derive(Debug)]
pub enum Decoded {
    /// A frame of the protocol or what is wrong with one, and the request that is acknowledged when it is known what has
    /// come of it.
    Frame(Result<ClientFrame, Rejected>, Option<Asked>),
    /// Who it is: its access token, or else the one that came with the upgrade.
    Connect(Option<String>),
    /// Something that is answered by the dialect itself.
    Answer(Frame),
    /// A sign of life.
    Nothing,
    /// It ends the connection.
    Close,
    /// Nothing that the dialect allows there.
    Broken(CloseCode),
}

impl Dialect {
    /// How many there are.
    pub(crate) const COUNT: usize = 3;

    /// The frame's bytes, for as many connections as there are.
    pub fn encode(self, frame: &ServerFrame) -> Frame {
        match self {
            Self::Native => native::encode(frame),
            Self::SocketIo(namespace) => socketio::event(namespace, frame),
        }
    }

    /// Below [`Dialect::COUNT`], another one for each.
    const fn index(self) -> usize {
        match self {
            Self::Native => 0,
            Self::SocketIo(Namespace::Root) => 1,
            Self::SocketIo(Namespace::Path) => 2,
        }
    }
}

impl Translator {
    /// As a label of metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::SocketIo(_) => "socketio",
        }
    }

    /// The form of frames that are not for this connection alone.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Native => Dialect::Native,
            Self::SocketIo(socketio) => Dialect::SocketIo(socketio.namespace()),
        }
    }

    /// What is written before anything else.
    pub fn opening(&self) -> Option<Frame> {
        match self {
            Self::Native => None,
            Self::SocketIo(socketio) => Some(socketio.open()),
        }
    }

    /// Whether a token that came with the upgrade waits until the client says [`Decoded::Connect`].
    pub const fn connects_by_message(&self) -> bool {
        match self {
            Self::Native => false,
            Self::SocketIo(_) => true,
        }
    }

    /// What the client says by one text message. Total: every input means something.
    pub fn decode(&self, text: &str) -> Decoded {
        match self {
            Self::Native => Decoded::Frame(native::decode(text), None),
            Self::SocketIo(socketio) => socketio.decode(text),
        }
    }

    /// The bytes of a frame for this connection alone; none if there is nothing to say.
    fn encode(&self, frame: &ServerFrame) -> Frame {
        match self {
            Self::Native => native::encode(frame),
            Self::SocketIo(socketio) => socketio.encode(frame),
        }
    }

    /// The token that the client sent to renew its own holds from now on: what it is told.
    pub fn renewed(&self) -> Option<Frame> {
        match self {
            Self::Native => None,
            Self::SocketIo(socketio) => socketio.renewed(),
        }
    }

    /// What has come of a request: it was refused by this error, or it is done.
    pub fn acknowledge(&self, asked: Asked, error: Option<&ErrorFrame>) -> Option<Frame> {
        match self {
            Self::Native => None,
            Self::SocketIo(socketio) => Some(socketio.acknowledge(asked, error)),
        }
    }

    /// The error that is sent next is what has come of this request.
    pub fn refuse_next(&self, asked: Asked) {
        match self {
            Self::Native => {}
            Self::SocketIo(socketio) => socketio.refuse_next(asked),
        }
    }

    /// A read mark that was asked for waits for its turn.
    pub fn expect_read(&self, asked: Asked, reading: &Reading) {
        match self {
            Self::Native => {}
            Self::SocketIo(socketio) => socketio.expect_read(asked, reading),
        }
    }

    /// What has come of a read mark, for all requests that it settles.
    pub fn read(&self, reading: &Reading, error: Option<&ErrorFrame>) -> Vec<Frame> {
        match self {
            Self::Native => Vec::new(),
            Self::SocketIo(socketio) => socketio.read(reading, error),
        }
    }

    /// Asks whether the client is still there.
    pub fn ping(&self) -> Frame {
        match self {
            Self::Native => Frame::ping(),
            Self::SocketIo(_) => SocketIo::ping(),
        }
    }

    /// The last frame of a connection that the server ends.
    pub fn close(&self, code: CloseCode) -> Frame {
        match self {
            Self::Native => Frame::close(code),
            Self::SocketIo(socketio) => socketio.close(code),
        }
    }
}

/// What has bytes for every connection.
pub trait Encode {
    /// Its bytes for this one.
    fn encode(&self, translator: &Translator) -> Frame;
}

/// For a single connection.
impl Encode for ServerFrame {
    fn encode(&self, translator: &Translator) -> Frame {
        translator.encode(self)
    }
}

/// For many: the bytes are made once and shared, but for frames that may answer a request of this connection.
impl Encode for SharedFrame {
    fn encode(&self, translator: &Translator) -> Frame {
        match translator {
            Translator::SocketIo(socketio) if socketio::may_answer(self.frame()) => socketio.encode(self.frame()),
            Translator::Native | Translator::SocketIo(_) => self.in_dialect(translator.dialect()).clone(),
        }
    }
}

/// Bytes that are made already.
impl Encode for Frame {
    fn encode(&self, _: &Translator) -> Frame {
        self.clone()
    }
}

#[cfg(test)]
mod tests;
