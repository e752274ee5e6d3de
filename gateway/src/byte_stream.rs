//! The byte stream under a WebSocket, usable by several at once: one task reads, whoever has something to write
//! tries to, and nobody waits inside.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use rookery_runtime::listener::Connection;

/// A full-duplex stream of bytes that never blocks.
pub trait ByteStream: Send + Sync + 'static {
    /// Reads what is there; 0 at the end, `WouldBlock` if there is nothing now.
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize>;

    /// Writes what fits, from the first part on; `WouldBlock` if nothing fits now.
    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Whether a read is worth trying. One reader: only the last waker is kept.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether a write is worth trying. One waiter: only the last waker is kept.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends our half of the stream.
    fn shut_down(&self) -> io::Result<()>;
}

impl ByteStream for Connection {
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.stream().try_read(into)
    }

    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        if let [only] = parts {
            // The call for one part has less to look at, and whether a write is worth trying is most quickly known by trying
            // it. If it was not, the stream is told.
            match self.send(only) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
        }
        self.stream().try_write_vectored(parts)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read_ready(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_write_ready(cx)
    }

    fn shut_down(&self) -> io::Result<()> {
        self.end_writing()
    }
}

/// Writes all of it, however slowly the other end reads.
pub(crate) async fn write_all(stream: &dyn ByteStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(&[IoSlice::new(bytes)]) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll_fn(|cx| stream.poll_writable(cx)).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
