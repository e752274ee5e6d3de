//! The byte stream of a connection that is made of HTTP requests, and later perhaps of a WebSocket.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::payload::Packets;
use crate::byte_stream::{ByteStream, write_all};
use crate::limits::{POLLING_ANSWER_BYTES_MAX, POLLING_WRITTEN_BYTES};

/// How long a request that asks for packets waits while the connection moves to a WebSocket.
const UPGRADE_PAUSE: Duration = Duration::from_millis(100);

/// Both directions, in memory.
#[derive(Debug, Default)]
pub(super) struct PollingStream {
    received: Mutex<Received>,
    written: Mutex<Written>,
    /// Something was read, written, or ended.
    changed: Notify,
    websocket: OnceLock<WebSocket>,
}

/// From the client.
#[derive(Debug, Default)]
struct Received {
    bytes: VecDeque<u8>,
    is_over: bool,
    reader: Option<Waker>,
}

/// To the client.
#[derive(Debug, Default)]
struct Written {
    bytes: Vec<u8>,
    is_over: bool,
    writer: Option<Waker>,
}

struct WebSocket(Arc<dyn ByteStream>);

impl PollingStream {
    /// Packets for the client, as soon as there is one; `noop` while the connection moves.
    pub(super) async fn packets(&self, is_upgrading: impl Fn() -> bool) -> Packets {
        loop {
            let changed = self.changed.notified();
            {
                let mut written = self.written.lock();
                let packets = Packets::take(&mut written.bytes, POLLING_ANSWER_BYTES_MAX);
                if !packets.is_empty() {
                    wake(&mut written.writer);
                    return packets;
                }
                if written.is_over {
                    return Packets::closed();
                }
            }
            if !is_upgrading() {
                changed.await;
            } else if timeout(UPGRADE_PAUSE, changed).await.is_err() {
                return Packets::noop();
            }
        }
    }

    /// Takes what the client sent, once the connection has read all that came before.
    pub(super) async fn receive(&self, frames: &[u8]) {
        loop {
            let changed = self.changed.notified();
            {
                let mut received = self.received.lock();
                if received.is_over {
                    return;
                }
                if received.bytes.is_empty() {
                    received.bytes.extend(frames);
                    wake(&mut received.reader);
                    return;
                }
            }
            changed.await;
        }
    }

    /// Makes the request that waits for packets look again.
    pub(super) fn wake_poll(&self) {
        self.changed.notify_waiters();
    }

    /// As if the client had gone.
    pub(super) fn end(&self) {
        let mut received = self.received.lock();
        received.is_over = true;
        wake(&mut received.reader);
        self.changed.notify_waiters();
    }

    /// The connection's task is done.
    pub(super) fn close(&self) {
        self.written.lock().is_over = true;
        self.end();
    }

    /// Whether it is a WebSocket by now.
    pub(super) fn is_upgraded(&self) -> bool {
        self.websocket.get().is_some()
    }

    /// Goes on over this stream, behind what waits in both directions.
    pub(super) async fn upgrade(&self, websocket: Arc<dyn ByteStream>, read_before: &[u8]) -> io::Result<()> {
        loop {
            let waiting = {
                let mut written = self.written.lock();
                let waiting = std::mem::take(&mut written.bytes);
                if waiting.is_empty() {
                    let mut received = self.received.lock();
                    received.bytes.extend(read_before);
                    self.websocket.get_or_init(|| WebSocket(websocket));
                    wake(&mut received.reader);
                    wake(&mut written.writer);
                    return Ok(());
                }
                waiting
            };
            write_all(websocket.as_ref(), &waiting).await?;
        }
    }

    fn websocket(&self) -> Option<&dyn ByteStream> {
        self.websocket.get().map(|WebSocket(stream)| stream.as_ref())
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl ByteStream for PollingStream {
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut received = self.received.lock();
        if received.bytes.is_empty() {
            return match self.websocket() {
                _ if received.is_over => Ok(0),
                Some(stream) => stream.try_read(into),
                None => Err(io::ErrorKind::WouldBlock.into()),
            };
        }
        let count = into.len().min(received.bytes.len());
        for (to, from) in into.iter_mut().zip(received.bytes.drain(..count)) {
            *to = from;
        }
        if received.bytes.is_empty() {
            received.bytes = VecDeque::new();
            self.changed.notify_waiters();
        }
        Ok(count)
    }

    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut written = self.written.lock();
        if let Some(stream) = self.websocket() {
            return stream.try_write(parts);
        }
        if written.is_over {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if written.bytes.len() >= POLLING_WRITTEN_BYTES {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let before = written.bytes.len();
        for part in parts {
            written.bytes.extend_from_slice(part);
        }
        self.changed.notify_waiters();
        Ok(written.bytes.len() - before)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut received = self.received.lock();
        if !received.bytes.is_empty() || received.is_over {
            return Poll::Ready(Ok(()));
        }
        if let Some(stream) = self.websocket() {
            return stream.poll_readable(cx);
        }
        received.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut written = self.written.lock();
        if let Some(stream) = self.websocket() {
            ready!(stream.poll_writable(cx))?;
        } else if written.bytes.len() >= POLLING_WRITTEN_BYTES && !written.is_over {
            written.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn shut_down(&self) -> io::Result<()> {
        self.written.lock().is_over = true;
        self.changed.notify_waiters();
        self.websocket().map_or(Ok(()), ByteStream::shut_down)
    }
}

impl std::fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebSocket")
    }
}
