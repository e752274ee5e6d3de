//! A byte stream in memory: the server's end is a wire, the client's end an ordinary stream.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::byte_stream::ByteStream;

/// A stream whose directions hold so many bytes each.
pub(crate) fn pipe(capacity: usize) -> (Arc<ServerEnd>, ClientEnd) {
    let direction = || Direction(Arc::new(Mutex::new(State { capacity, ..State::default() })));
    let (up, down) = (direction(), direction());
    (Arc::new(ServerEnd { up: up.clone(), down: down.clone() }), ClientEnd { up, down })
}

pub(crate) struct ServerEnd {
    up: Direction,
    down: Direction,
}

pub(crate) struct ClientEnd {
    up: Direction,
    down: Direction,
}

/// One direction.
#[derive(Clone)]
struct Direction(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    capacity: usize,
    bytes: VecDeque<u8>,
    is_over: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Direction {
    /// None if there is nothing now.
    fn read(&self, count: usize) -> Option<Vec<u8>> {
        let mut state = self.0.lock();
        if state.bytes.is_empty() && !state.is_over {
            return None;
        }
        let count = count.min(state.bytes.len());
        let bytes = state.bytes.drain(..count).collect();
        wake(&mut state.writer);
        Some(bytes)
    }

    /// How much fits; none if nothing does.
    fn write(&self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let mut state = self.0.lock();
        if state.is_over {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(state.capacity - state.bytes.len());
        state.bytes.extend(&bytes[..count]);
        wake(&mut state.reader);
        Ok((count > 0 || bytes.is_empty()).then_some(count))
    }

    fn poll_readable(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        if !state.bytes.is_empty() || state.is_over {
            return Poll::Ready(Ok(()));
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_writable(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        if state.bytes.len() < state.capacity || state.is_over {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn end(&self) {
        let mut state = self.0.lock();
        state.is_over = true;
        wake(&mut state.reader);
        wake(&mut state.writer);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl ByteStream for ServerEnd {
    fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.up.read(into.len()).ok_or(io::ErrorKind::WouldBlock)?;
        into[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        Ok(self.down.write(&bytes)?.ok_or(io::ErrorKind::WouldBlock)?)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.up.poll_readable(cx)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.down.poll_writable(cx)
    }

    fn shut_down(&self) -> io::Result<()> {
        self.down.end();
        Ok(())
    }
}

impl Drop for ServerEnd {
    fn drop(&mut self) {
        self.up.end();
        self.down.end();
    }
}

impl AsyncRead for ClientEnd {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(bytes) = self.down.read(buf.remaining()) else { return self.down.poll_readable(cx) };
        buf.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientEnd {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.up.write(bytes)? {
            Some(count) => Poll::Ready(Ok(count)),
            None => self.up.poll_writable(cx).map_ok(|()| 0),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.up.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for ClientEnd {
    fn drop(&mut self) {
        self.up.end();
        self.down.end();
    }
}
