//! RFC 6455 framing, as much as a load generator needs: text, close, ping and pong, never fragmented.

/// A frame of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its payload; still masked if a client sent it.
    pub(crate) payload: &'a [u8],
    /// The mask of a client.
    pub(crate) mask: Option<[u8; 4]>,
    /// Bytes that it takes, its head included.
    pub(crate) length: usize,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Close,
    Ping,
    Other,
}

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// Any mask does, as long as it changes the bytes.
const MASK: [u8; 4] = [0x5a, 0x13, 0xc4, 0x2f];

/// Opcode of a text frame.
pub(crate) const TEXT: u8 = 1;
/// Opcode of a pong.
pub(crate) const PONG: u8 = 10;

impl Frame<'_> {
    /// The payload as it was meant.
    pub(crate) fn unmasked(&self) -> Vec<u8> {
        match self.mask {
            Some(mask) => masked(self.payload, mask).collect(),
            None => self.payload.to_vec(),
        }
    }
}

/// The first frame of a buffer, if all of it is there.
pub(crate) fn first(buffer: &[u8]) -> Option<Frame<'_>> {
    let (&opcode, &second) = (buffer.first()?, buffer.get(1)?);
    let (length, mut start) = match second & !MASKED {
        0x7e => (usize::from(u16::from_be_bytes(bytes(buffer, 2)?)), 4),
        0x7f => (usize::try_from(u64::from_be_bytes(bytes(buffer, 2)?)).ok()?, 10),
        short => (usize::from(short), 2),
    };
    let mask = if second & MASKED == 0 { None } else { Some(bytes(buffer, start)?) };
    start += mask.map_or(0, |mask| mask.len());
    let payload = buffer.get(start..start.checked_add(length)?)?;
    let kind = match opcode & 0x0f {
        TEXT => Kind::Text,
        8 => Kind::Close,
        9 => Kind::Ping,
        _ => Kind::Other,
    };
    Some(Frame { kind, payload, mask, length: start + length })
}

/// A frame of a client.
pub(crate) fn from_client(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(opcode, payload.len(), MASKED);
    frame.extend(MASK);
    frame.extend(masked(payload, MASK));
    frame
}

/// A frame of a server.
pub(crate) fn from_server(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(opcode, payload.len(), 0);
    frame.extend(payload);
    frame
}

fn head(opcode: u8, length: usize, masked: u8) -> Vec<u8> {
    let mut head = Vec::with_capacity(length + 14);
    head.push(FIN | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => head.push(masked | short),
        (_, Ok(medium)) => {
            head.push(masked | 0x7e);
            head.extend(medium.to_be_bytes());
        }
        (_, Err(_)) => {
            head.push(masked | 0x7f);
            head.extend((length as u64).to_be_bytes());
        }
    }
    head
}

fn masked(payload: &[u8], mask: [u8; 4]) -> impl Iterator<Item = u8> {
    payload.iter().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask)
}

fn bytes<const N: usize>(buffer: &[u8], at: usize) -> Option<[u8; N]> {
    buffer.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_come_back() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let text = vec![b'x'; length];
            for frame in [from_client(TEXT, &text), from_server(TEXT, &text)] {
                assert_eq!(first(&frame[..frame.len() - 1]), None, "{length}");
                let found = first(&frame).unwrap();
                assert_eq!((found.kind, found.length, found.unmasked()), (Kind::Text, frame.len(), text.clone()));
            }
        }
    }
}
