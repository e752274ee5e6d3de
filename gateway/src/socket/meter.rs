//! Counts the frames of a client as their bytes come in, before anything is decoded.
//!
//! The WebSocket library joins fragments and answers pings on its own, and tells of neither; a client that sends
//! nothing but empty fragments would keep it busy without a word. Too many frames end the stream with [`Flood`].

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// How often frames may come.
#[derive(Clone, Copy, Debug)]
pub struct FrameRate {
    /// In a second.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// More frames came than may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more frames than anybody needs")]
pub(super) struct Flood;

/// A byte stream whose incoming frames are counted.
#[derive(Debug)]
pub(super) struct Metered<S> {
    stream: S,
    place: Place,
    bucket: Bucket,
}

/// Where in a frame the next byte lies (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Opcode,
    Length,
    /// So many more bytes of the length, and what they said so far.
    MoreLength {
        left: u8,
        length: u64,
        masked: bool,
    },
    /// So many bytes of mask and payload.
    Payload(u64),
}

/// The generic cell rate algorithm: one instant says how much was used.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    full_at: Instant,
    cost: Duration,
    depth: Duration,
}

impl<S> Metered<S> {
    /// `read_before` are bytes that did not come through this stream, but belong to its frames.
    pub(super) fn new(stream: S, rate: FrameRate, read_before: &[u8]) -> Self {
        let cost = Duration::from_secs(1) / rate.per_second.max(1);
        let bucket = Bucket { full_at: Instant::now(), cost, depth: cost * rate.burst };
        let mut metered = Self { stream, place: Place::Opcode, bucket };
        // At most one request head; it fits the burst, and what comes next is counted on top of it.
        metered.count(read_before).ok();
        metered
    }

    pub(super) const fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    fn count(&mut self, bytes: &[u8]) -> Result<(), Flood> {
        match self.place.pass(bytes) {
            0 => Ok(()),
            frames => self.bucket.spend(frames, Instant::now()),
        }
    }
}

impl Place {
    /// Moves over bytes and returns how many frames began in them.
    fn pass(&mut self, mut bytes: &[u8]) -> u32 {
        let mut begun = 0_u32;
        while let [byte, rest @ ..] = bytes {
            *self = match *self {
                Self::Opcode => {
                    begun = begun.saturating_add(1);
                    Self::Length
                }
                Self::Length => Self::after_length(*byte),
                Self::MoreLength { left, length, masked } => {
                    let length = (length << 8) | u64::from(*byte);
                    if left > 1 {
                        Self::MoreLength { left: left - 1, length, masked }
                    } else {
                        Self::payload(length, masked)
                    }
                }
                Self::Payload(left) => {
                    let skipped = left.min(bytes.len() as u64);
                    bytes = bytes.get(usize::try_from(skipped).unwrap_or(usize::MAX)..).unwrap_or_default();
                    *self = Self::after_payload(left - skipped);
                    continue;
                }
            };
            bytes = rest;
        }
        begun
    }

    const fn after_length(byte: u8) -> Self {
        let masked = byte & 0x80 != 0;
        match byte & 0x7f {
            126 => Self::MoreLength { left: 2, length: 0, masked },
            127 => Self::MoreLength { left: 8, length: 0, masked },
            length => Self::payload(length as u64, masked),
        }
    }

    const fn payload(length: u64, masked: bool) -> Self {
        let mask = if masked { 4 } else { 0 };
        Self::after_payload(length.saturating_add(mask))
    }

    const fn after_payload(left: u64) -> Self {
        if left == 0 { Self::Opcode } else { Self::Payload(left) }
    }
}

impl Bucket {
    fn spend(&mut self, count: u32, now: Instant) -> Result<(), Flood> {
        self.full_at = self.full_at.max(now) + self.cost * count;
        if self.full_at.duration_since(now) > self.depth { Err(Flood) } else { Ok(()) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let counted = self.count(buf.filled().get(before..).unwrap_or_default());
        Poll::Ready(counted.map_err(io::Error::other))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of every form of length, masked and not.
    fn frames() -> Vec<Vec<u8>> {
        let mut long = vec![0x81, 0xff];
        long.extend(70_000_u64.to_be_bytes());
        long.extend(vec![0; 4 + 70_000]);
        let mut medium = vec![0x01, 0xfe];
        medium.extend(300_u16.to_be_bytes());
        medium.extend(vec![0; 4 + 300]);
        let empty = vec![0x80, 0x80, 0, 0, 0, 0];
        let unmasked = vec![0x81, 0x02, b'h', b'i'];
        vec![empty.clone(), long, medium, unmasked, vec![0x89, 0x00], empty]
    }

    #[test]
    fn frames_are_counted_however_their_bytes_are_cut() {
        let frames = frames();
        let bytes = frames.concat();
        for size in [1, 2, 3, 7, 4_096, bytes.len()] {
            let mut place = Place::Opcode;
            let counted: u32 = bytes.chunks(size).map(|piece| place.pass(piece)).sum();
            assert_eq!((counted as usize, place), (frames.len(), Place::Opcode), "pieces of {size}");
        }
    }

    #[test]
    fn a_claim_of_any_length_is_only_skipped() {
        let mut place = Place::Opcode;
        let mut claim = vec![0x81, 0xff];
        claim.extend([0xff; 8]);
        assert_eq!(place.pass(&claim), 1);
        assert_eq!(place.pass(&[0; 100]), 0);
        assert_eq!(place, Place::Payload(u64::MAX - 100));
    }

    #[test]
    fn a_burst_is_forgiven_once_and_a_rate_for_ever() {
        let start = Instant::now();
        let cost = Duration::from_millis(10);
        let mut bucket = Bucket { full_at: start, cost, depth: cost * 50 };
        assert_eq!(bucket.spend(50, start), Ok(()));
        assert_eq!(bucket.spend(1, start), Err(Flood));
        let mut bucket = Bucket { full_at: start, cost, depth: cost * 50 };
        assert!((0..1_000_u32).all(|n| bucket.spend(1, start + cost * n).is_ok()));
    }
}
