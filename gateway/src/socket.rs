//! The reading half of a WebSocket. Whatever is written goes through the connection's send queue.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rookery_protocol::close::CloseCode;

use crate::byte_stream::ByteStream;
use crate::limits::READ_BUFFER_BYTES;

mod bounds;
mod reader;

use bounds::Meter;
use reader::Reader;

pub use bounds::{Bounds, FrameRate};

thread_local! {
    /// Bytes go from the kernel to a reader without a wait between, so one buffer serves all sockets of a thread.
    static BUFFER: RefCell<[u8; READ_BUFFER_BYTES]> = const { RefCell::new([0; READ_BUFFER_BYTES]) };
}

/// A WebSocket connection.
pub struct Socket {
    wire: Arc<dyn ByteStream>,
    reader: Reader,
    meter: Meter,
    bytes: Meter,
}

/// What came from the client.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(String),
    /// A binary message; this protocol has none.
    Binary(Vec<u8>),
    /// A ping and what was in it; it wants an answer.
    Ping(Vec<u8>),
    /// An answer to a ping.
    Pong,
    /// The client says goodbye, with this code.
    Close(Option<u16>),
    /// Something that this protocol does not allow.
    ProtocolError(CloseCode),
    /// The byte stream ended.
    Lost,
}

impl Socket {
    /// The server's end of an upgraded stream, with the bytes that were read behind the request head.
    pub fn new(wire: Arc<dyn ByteStream>, read_before: Vec<u8>, bounds: Bounds) -> Self {
        let (meter, bytes) = (Meter::new(bounds.frames), Meter::new(bounds.bytes));
        Self { wire, reader: Reader::new(bounds, read_before), meter, bytes }
    }

    /// What the other half writes to.
    pub fn wire(&self) -> &Arc<dyn ByteStream> {
        &self.wire
    }

    /// What was read and is no whole message yet.
    pub fn into_unread(self) -> Vec<u8> {
        self.reader.into_unread()
    }

    /// The next thing from the client. Safe to drop. Not to be asked again after a breach or the end.
    pub async fn next(&mut self) -> Incoming {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Waits for the client to end the byte stream: bytes that arrive after an end of ours would make the kernel
    /// reset the connection, and our last frame could be lost with it.
    pub async fn linger(&self) -> io::Result<()> {
        while poll_fn(|cx| read(self.wire.as_ref(), cx, |_| ())).await? > 0 {}
        Ok(())
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            let taken = self.reader.take();
            if !self.meter.admits(self.reader.count()) {
                return Poll::Ready(Incoming::ProtocolError(CloseCode::Flooding));
            }
            match taken {
                Ok(Some(incoming)) => return Poll::Ready(incoming),
                Err(code) => return Poll::Ready(Incoming::ProtocolError(code)),
                Ok(None) => {}
            }
            let Self { wire, reader, .. } = self;
            match ready!(read(wire.as_ref(), cx, |bytes| reader.feed(bytes))) {
                Ok(count @ 1..) if !self.bytes.admits(u32::try_from(count).unwrap_or(u32::MAX)) => {
                    return Poll::Ready(Incoming::ProtocolError(CloseCode::Flooding));
                }
                Ok(1..) => {}
                Ok(0) => return Poll::Ready(Incoming::Lost),
                Err(error) => {
                    tracing::debug!(%error, "read failed");
                    return Poll::Ready(Incoming::Lost);
                }
            }
        }
    }
}

/// Reads once, as soon as there is something.
fn read(wire: &dyn ByteStream, cx: &mut Context<'_>, take: impl FnOnce(&[u8])) -> Poll<io::Result<usize>> {
    BUFFER.with_borrow_mut(|buffer| {
        loop {
            ready!(wire.poll_readable(cx))?;
            match wire.try_read(buffer) {
                Ok(count) => {
                    take(&buffer[..count]);
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    })
}

/// The text messages that bytes of a client hold.
#[cfg(test)]
pub(crate) fn read_all(bytes: &[u8], bounds: Bounds) -> Vec<String> {
    let mut reader = Reader::new(bounds, bytes.to_vec());
    std::iter::from_fn(|| match reader.take() {
        Ok(Some(Incoming::Text(text))) => Some(text),
        Ok(None) => None,
        other => panic!("{other:?}"),
    })
    .collect()
}

#[cfg(test)]
mod tests;
