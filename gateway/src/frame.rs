//! WebSocket frames as the server writes them (RFC 6455 §5.2): unmasked and final. Copies share the bytes, so that one
//! frame can wait for any number of connections. What a text frame says is up to a dialect.

use hyper::body::Bytes;
use rookery_protocol::close::CloseCode;

/// What a frame is (RFC 6455 §5.2), in both directions.
pub(crate) mod opcode {
    pub(crate) const CONTINUATION: u8 = 0x0;
    pub(crate) const TEXT: u8 = 0x1;
    pub(crate) const BINARY: u8 = 0x2;
    pub(crate) const CLOSE: u8 = 0x8;
    pub(crate) const PING: u8 = 0x9;
    pub(crate) const PONG: u8 = 0xa;
}

use opcode::{BINARY, CLOSE, PING, PONG, TEXT};

const FINAL: u8 = 0x80;
/// Longest payload of a control frame (RFC 6455 §5.5).
pub(crate) const CONTROL_BYTES_MAX: usize = 125;

/// One frame, header and payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// A whole text message.
    pub fn text(text: &str) -> Self {
        Self::new(TEXT, text.as_bytes())
    }

    /// A whole binary message. This protocol has none.
    pub fn binary(bytes: &[u8]) -> Self {
        Self::new(BINARY, bytes)
    }

    /// A ping without payload.
    pub fn ping() -> Self {
        Self::new(PING, &[])
    }

    /// The answer to a ping, with its payload.
    pub fn pong(payload: &[u8]) -> Self {
        Self::new(PONG, &payload[..payload.len().min(CONTROL_BYTES_MAX)])
    }

    /// A close frame of ours.
    pub fn close(code: CloseCode) -> Self {
        let payload = [&code.number().to_be_bytes(), code.reason().as_bytes()].concat();
        Self::new(CLOSE, &payload[..payload.len().min(CONTROL_BYTES_MAX)])
    }

    /// The answer to the client's close frame: its own code, if it gave one.
    pub fn close_echo(code: Option<u16>) -> Self {
        let payload = code.map(u16::to_be_bytes);
        Self::new(CLOSE, payload.as_ref().map_or(&[], |code| code.as_slice()))
    }

    /// Several frames that nothing comes between; empty if there is none.
    pub fn concat(frames: &[Self]) -> Self {
        match frames {
            [only] => only.clone(),
            frames => Self(frames.iter().map(Self::bytes).collect::<Vec<_>>().concat().into()),
        }
    }

    /// Bytes on the wire.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is no frame at all, which is what several frames come to if there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What goes on the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn new(opcode: u8, payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(payload.len() + 10);
        bytes.push(FINAL | opcode);
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(length), _) if length < 126 => bytes.push(length),
            (_, Ok(length)) => {
                bytes.push(126);
                bytes.extend(length.to_be_bytes());
            }
            (_, Err(_)) => {
                bytes.push(127);
                bytes.extend((payload.len() as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(payload);
        Self(bytes.into())
    }
}

#[cfg(test)]
impl Frame {
    /// The text of a text frame.
    pub(crate) fn as_text(&self) -> &str {
        let header = match self.0[1] {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        std::str::from_utf8(&self.0[header..]).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_has_its_header() {
        assert_eq!(Frame::text("hi").bytes(), b"\x81\x02hi");
        assert_eq!(Frame::text(&"x".repeat(125)).bytes()[..2], [0x81, 125]);
        assert_eq!(Frame::text(&"x".repeat(126)).bytes()[..4], [0x81, 126, 0, 126]);
        assert_eq!(Frame::text(&"x".repeat(65_535)).bytes()[..4], [0x81, 126, 0xff, 0xff]);
        assert_eq!(Frame::text(&"x".repeat(65_536)).bytes()[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn control_frames_are_as_the_rfc_has_them() {
        assert_eq!(Frame::ping().bytes(), [0x89, 0]);
        assert_eq!(Frame::pong(b"abc").bytes(), b"\x8a\x03abc");
        assert_eq!(Frame::close_echo(None).bytes(), [0x88, 0]);
        assert_eq!(Frame::close_echo(Some(1_000)).bytes(), [0x88, 2, 0x03, 0xe8]);
        let close = Frame::close(CloseCode::Restart);
        assert_eq!(&close.bytes()[..4], [0x88, close.len().to_le_bytes()[0] - 2, 0x03, 0xf4]);
    }
}
