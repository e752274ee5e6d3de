//! Which dialect sockets speak: chosen by the address that a test gives its clients, and by nothing else.

/// A dialect of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Frames as `docs/protocol.md` has them.
    Native,
    /// Packets of Socket.IO, as `docs/socketio.md` has them.
    SocketIo,
}

/// Before the scheme of an address whose clients speak Socket.IO.
const SOCKETIO: &str = "sio+";

impl Dialect {
    /// The base address for clients of this dialect.
    pub fn address(self, base: &str) -> String {
        match self {
            Self::Native => base.to_owned(),
            Self::SocketIo => format!("{SOCKETIO}{base}"),
        }
    }

    /// What clients of a base address speak, and the address itself.
    pub fn of(base: &str) -> (Self, &str) {
        match base.strip_prefix(SOCKETIO) {
            Some(base) => (Self::SocketIo, base),
            None => (Self::Native, base),
        }
    }
}
