//! The bodies of polling requests: Engine.IO packets apart by a separator, and WebSocket frames with one packet each. Pure.
//!
//! Source: the protocol document of engine.io-protocol (revision 4), "HTTP long-polling".

use crate::frame::opcode::{CLOSE, TEXT};

/// Stands between two packets.
const SEPARATOR: char = '\u{1e}';
/// Parts of a frame's header (RFC 6455 §5.2).
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const LENGTH_OF_16_BITS: u8 = 0x7e;
const LENGTH_OF_64_BITS: u8 = 0x7f;
/// The packet that ends a connection.
const CLOSE_PACKET: &str = "1";
/// The packet that says nothing, so that a request that waits has an answer.
const NOOP_PACKET: &str = "6";

/// The body holds no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadPayload;

/// Packets to the client.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Packets(Vec<String>);

/// The frames by which a WebSocket would bring what the body has. Their masks are zeros, which change nothing.
pub(super) fn frames_of(body: &str) -> Result<Vec<u8>, BadPayload> {
    if body.is_empty() {
        return Err(BadPayload);
    }
    let mut frames = Vec::with_capacity(body.len() + 16);
    for packet in body.split(SEPARATOR) {
        frames.push(FINAL | TEXT);
        let length = packet.len();
        if let Some(short) = u8::try_from(length).ok().filter(|length| *length < LENGTH_OF_16_BITS) {
            frames.push(MASKED | short);
        } else if let Ok(length) = u16::try_from(length) {
            frames.push(MASKED | LENGTH_OF_16_BITS);
            frames.extend(length.to_be_bytes());
        } else {
            frames.push(MASKED | LENGTH_OF_64_BITS);
            frames.extend((length as u64).to_be_bytes());
        }
        frames.extend([0; 4]);
        frames.extend(packet.as_bytes());
    }
    Ok(frames)
}

impl Packets {
    /// Takes the whole frames at the front of what the server wrote, as many as fit into one answer, but at least one.
    pub(super) fn take(written: &mut Vec<u8>, bytes_max: usize) -> Self {
        let (mut packets, mut taken, mut bytes) = (Vec::new(), 0, 0);
        while let Some((opcode, payload, size)) = first_frame(&written[taken..]) {
            if bytes > 0 && bytes + payload.len() > bytes_max {
                break;
            }
            match opcode {
                TEXT => packets.push(String::from_utf8_lossy(payload).into_owned()),
                CLOSE => packets.push(CLOSE_PACKET.to_owned()),
                // Answers to pings, which no polling client sends.
                _ => {}
            }
            bytes += payload.len();
            taken += size;
        }
        written.drain(..taken);
        Self(packets)
    }

    /// Nothing but the end.
    pub(super) fn closed() -> Self {
        Self(vec![CLOSE_PACKET.to_owned()])
    }

    /// Nothing.
    pub(super) fn noop() -> Self {
        Self(vec![NOOP_PACKET.to_owned()])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the body of an answer.
    pub(super) fn into_body(self) -> String {
        self.0.join(&SEPARATOR.to_string())
    }
}

/// Opcode, payload and size of the frame at the front, if all of it is there. The server's frames are final and unmasked.
fn first_frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let [first, second, rest @ ..] = bytes else { return None };
    let (length, header) = match *second {
        LENGTH_OF_16_BITS => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
        LENGTH_OF_64_BITS => (u64::from_be_bytes(*rest.first_chunk()?), 10),
        length => (u64::from(length), 2),
    };
    let size = header + usize::try_from(length).ok()?;
    Some((first & 0x0f, bytes.get(header..size)?, size))
}

#[cfg(test)]
mod tests {
    use rookery_protocol::close::CloseCode;

    use super::*;
    use crate::frame::Frame;
    use crate::socket::{Bounds, read_all};

    #[test]
    fn posted_packets_come_out_as_messages() {
        let long = "x".repeat(300);
        let body = format!("40{SEPARATOR}42[\"é\"]{SEPARATOR}{long}");
        let messages = read_all(&frames_of(&body).unwrap(), Bounds::default());
        assert_eq!(messages, ["40".to_owned(), "42[\"é\"]".to_owned(), long]);
        assert_eq!(frames_of(""), Err(BadPayload));
    }

    #[test]
    fn written_frames_become_packets_as_they_are_whole() {
        let frames = [
            Frame::text("2"),
            Frame::text(&"y".repeat(70_000)),
            Frame::pong(&[]),
            Frame::close(CloseCode::Normal),
        ];
        let mut written: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect();
        let last = written.pop().unwrap();
        assert_eq!(Packets::take(&mut written, 10).into_body(), "2");
        assert_eq!(Packets::take(&mut written, 10).into_body().len(), 70_000);
        assert!(Packets::take(&mut written, 10).is_empty(), "the close frame is not whole");
        written.push(last);
        assert_eq!(Packets::take(&mut written, 10).into_body(), "1");
        assert!(written.is_empty());
    }

    #[test]
    fn several_packets_fit_into_one_answer() {
        let mut written = [Frame::text("2"), Frame::text("42[]")].map(|frame| frame.bytes().to_vec()).concat();
        assert_eq!(Packets::take(&mut written, 100).into_body(), "2\u{1e}42[]");
    }
}
