//! The reading half of a WebSocket. Whatever is written goes through the connection's outbox.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rookery_shared::limits::{FRAGMENTS_MAX, FRAME_BYTES_MAX, READ_BUFFER_BYTES};
use rookery_shared::protocol::close::CloseCode;

use crate::wire::Wire;

pub mod reader;

use reader::{Reader, ReaderLimits};

thread_local! {
    /// Bytes go from the kernel to a reader without a wait between, so one buffer serves all sockets of a thread.
    static BUFFER: RefCell<[u8; READ_BUFFER_BYTES]> = const { RefCell::new([0; READ_BUFFER_BYTES]) };
}

/// See the module's text.
pub struct Socket {
    wire: Arc<dyn Wire>,
    reader: Reader,
}

/// What came from the client.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A text message.
    Text(String),
    /// A ping and what was in it; it wants an answer.
    Ping(Vec<u8>),
    /// An answer to a ping.
    Pong,
    /// The client says goodbye, with this code.
    Goodbye(Option<u16>),
    /// Something that this protocol does not allow.
    Breach(CloseCode),
    /// The byte stream ended.
    Lost,
}

impl Socket {
    /// The server's end of an upgraded stream, with the bytes that were read behind the request head.
    pub fn new(wire: Arc<dyn Wire>, read_before: Vec<u8>) -> Self {
        Self::with_limits(wire, read_before, ReaderLimits { message_bytes: FRAME_BYTES_MAX, fragments: FRAGMENTS_MAX })
    }

    /// The same with other bounds than this protocol's.
    pub fn with_limits(wire: Arc<dyn Wire>, read_before: Vec<u8>, limits: ReaderLimits) -> Self {
        Self { wire, reader: Reader::new(limits, read_before) }
    }

    /// What the other half writes to.
    pub fn wire(&self) -> &Arc<dyn Wire> {
        &self.wire
    }

    /// The next thing from the client. Safe to drop. Not to be asked again after a breach or the end.
    pub async fn next(&mut self) -> Heard {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Waits for the client to end the byte stream: bytes that arrive after an end of ours would make the kernel
    /// reset the connection, and our last frame could be lost with it.
    pub async fn linger(&self) -> io::Result<()> {
        while poll_fn(|cx| read(self.wire.as_ref(), cx, |_| ())).await? > 0 {}
        Ok(())
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        loop {
            match self.reader.take() {
                Ok(Some(heard)) => return Poll::Ready(heard),
                Err(code) => return Poll::Ready(Heard::Breach(code)),
                Ok(None) => {}
            }
            let Self { wire, reader } = self;
            match ready!(read(wire.as_ref(), cx, |bytes| reader.feed(bytes))) {
                Ok(1..) => {}
                Ok(0) => return Poll::Ready(Heard::Lost),
                Err(error) => {
                    tracing::debug!(%error, "read failed");
                    return Poll::Ready(Heard::Lost);
                }
            }
        }
    }
}

/// Reads once, as soon as there is something.
fn read(wire: &dyn Wire, cx: &mut Context<'_>, take: impl FnOnce(&[u8])) -> Poll<io::Result<usize>> {
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

#[cfg(test)]
mod tests;
