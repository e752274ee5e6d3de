//! From the client's bytes to messages (RFC 6455 §5): a pure parser that is given bytes and asked for what they hold.
//!
//! It keeps no more than one incomplete frame and one incomplete message, both within the limit, and refuses a frame
//! by its header, before any of its payload is kept.

use rookery_protocol::close::CloseCode;

use super::{Bounds, Incoming};
use crate::frame::CONTROL_BYTES_MAX;
use crate::frame::opcode::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT};

/// Cuts a stream of bytes into messages.
#[derive(Debug)]
pub(super) struct Reader {
    bounds: Bounds,
    bytes: Vec<u8>,
    /// How many of `bytes` are done with.
    read: usize,
    message: Option<Partial>,
    /// Frames since they were counted.
    frames: u32,
}

/// The fragments of a message so far.
#[derive(Debug, Default)]
struct Partial {
    is_binary: bool,
    bytes: Vec<u8>,
    /// How many bytes are known to be UTF-8.
    valid: usize,
    fragments: u32,
}

#[derive(Clone, Copy)]
struct Header {
    is_final: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Bytes of the header itself.
    size: usize,
    payload: usize,
}

impl Reader {
    /// Begins with what was read before, possibly nothing.
    pub(super) const fn new(bounds: Bounds, bytes: Vec<u8>) -> Self {
        Self { bounds, bytes, read: 0, message: None, frames: 0 }
    }

    /// Takes bytes in the order they came.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.read);
        self.read = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next thing the bytes hold; none if more of them are needed.
    ///
    /// # Errors
    /// The code to close with. Nothing that follows means anything.
    pub(super) fn take(&mut self) -> Result<Option<Incoming>, CloseCode> {
        while let Some(header) = self.header()? {
            let start = self.read + header.size;
            let Some(payload) = self.bytes.get_mut(start..start + header.payload) else { return Ok(None) };
            unmask(payload, header.mask);
            self.read = start + header.payload;
            self.frames = self.frames.saturating_add(1);
            let incoming = match header.opcode {
                PING => Some(Incoming::Ping(self.bytes[start..self.read].to_vec())),
                PONG => Some(Incoming::Pong),
                CLOSE => Some(close_frame(&self.bytes[start..self.read])?),
                _ => self.fragment(header, start)?,
            };
            self.release_buffer();
            if incoming.is_some() {
                return Ok(incoming);
            }
        }
        Ok(None)
    }

    /// What is left.
    pub(super) fn into_unread(mut self) -> Vec<u8> {
        self.bytes.split_off(self.read)
    }

    /// How many frames were taken since this was asked last.
    pub(super) fn count(&mut self) -> u32 {
        std::mem::take(&mut self.frames)
    }

    /// The header at the front, if it is complete and may stand there.
    fn header(&self) -> Result<Option<Header>, CloseCode> {
        let bytes = &self.bytes[self.read..];
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (is_final, opcode, is_masked) = (first & 0x80 != 0, first & 0x0f, second & 0x80 != 0);
        let is_control = matches!(opcode, CLOSE | PING | PONG);
        if first & 0x70 != 0 || !is_masked || !(is_control || matches!(opcode, CONTINUATION | TEXT | BINARY)) {
            return Err(CloseCode::ProtocolError);
        }
        let Some((length, length_size)) = length(second & 0x7f, rest)? else { return Ok(None) };
        if is_control && (!is_final || length > CONTROL_BYTES_MAX as u64) {
            return Err(CloseCode::ProtocolError);
        }
        let payload = if is_control {
            usize::try_from(length).unwrap_or(usize::MAX)
        } else {
            self.admit(opcode, length)?
        };
        let Some(mask) = rest[length_size..].first_chunk::<4>() else { return Ok(None) };
        Ok(Some(Header { is_final, opcode, mask: *mask, size: 2 + length_size + 4, payload }))
    }

    /// Whether a data frame may come now and be this long.
    fn admit(&self, opcode: u8, length: u64) -> Result<usize, CloseCode> {
        match (opcode, &self.message) {
            (TEXT | BINARY, Some(_)) | (CONTINUATION, None) => return Err(CloseCode::ProtocolError),
            _ => {}
        }
        let (before, fragments) =
            self.message.as_ref().map_or((0, 0), |message| (message.bytes.len(), message.fragments));
        let length = usize::try_from(length).map_err(|_| CloseCode::TooBig)?;
        let fits = before.checked_add(length).is_some_and(|bytes| bytes <= self.bounds.message_bytes);
        if fits && fragments < self.bounds.fragments {
            Ok(length)
        } else {
            Err(CloseCode::TooBig)
        }
    }

    /// A data frame: a whole message, or the next piece of one.
    fn fragment(&mut self, header: Header, start: usize) -> Result<Option<Incoming>, CloseCode> {
        let payload = &self.bytes[start..start + header.payload];
        let is_binary = header.opcode == BINARY;
        let mut message = self.message.take().unwrap_or_else(|| Partial { is_binary, ..Partial::default() });
        message.bytes.extend_from_slice(payload);
        message.fragments += 1;
        if header.is_final {
            return message.end().map(Some);
        }
        message.check()?;
        self.message = Some(message);
        Ok(None)
    }

    /// A quiet connection keeps no memory for its bytes.
    fn release_buffer(&mut self) {
        if self.read == self.bytes.len() {
            self.bytes = Vec::new();
            self.read = 0;
        }
    }
}

impl Partial {
    fn end(self) -> Result<Incoming, CloseCode> {
        if self.is_binary {
            return Ok(Incoming::Binary(self.bytes));
        }
        String::from_utf8(self.bytes).map(Incoming::Text).map_err(|_| CloseCode::InvalidUtf8)
    }

    /// Bytes that can never become UTF-8 are refused before the message ends.
    fn check(&mut self) -> Result<(), CloseCode> {
        if self.is_binary {
            return Ok(());
        }
        match std::str::from_utf8(&self.bytes[self.valid..]) {
            Ok(_) => self.valid = self.bytes.len(),
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(CloseCode::InvalidUtf8),
        }
        Ok(())
    }
}

/// Payload length and the bytes of its extended form; none if they are not all there.
fn length(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, CloseCode> {
    let (length, size, least) = match short {
        126 => match rest.first_chunk::<2>() {
            Some(bytes) => (u64::from(u16::from_be_bytes(*bytes)), 2, 126),
            None => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(bytes) => (u64::from_be_bytes(*bytes), 8, 65_536),
            None => return Ok(None),
        },
        short => (u64::from(short), 0, 0),
    };
    // The shortest form is the only one, and lengths have 63 bits.
    if length < least || length >> 63 != 0 {
        Err(CloseCode::ProtocolError)
    } else {
        Ok(Some((length, size)))
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let (chunks, rest) = payload.as_chunks_mut::<4>();
    for chunk in chunks {
        for (byte, key) in chunk.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
    for (byte, key) in rest.iter_mut().zip(mask) {
        *byte ^= key;
    }
}

fn close_frame(payload: &[u8]) -> Result<Incoming, CloseCode> {
    match payload {
        [] => Ok(Incoming::Close(None)),
        [_] => Err(CloseCode::ProtocolError),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            // RFC 6455 §7.4: what may not be sent, and what nobody has defined.
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(CloseCode::ProtocolError);
            }
            std::str::from_utf8(reason).map_err(|_| CloseCode::InvalidUtf8)?;
            Ok(Incoming::Close(Some(code)))
        }
    }
}

#[cfg(test)]
impl Reader {
    /// Bytes of memory held for the connection.
    pub(crate) const fn held(&self) -> usize {
        self.bytes.capacity()
    }
}
