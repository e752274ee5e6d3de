//! What one connection owes its client: frames in order, bounded in bytes and in number, and the writing of them.
//!
//! Anybody may push and nobody ever waits to push. Whoever pushes to many connections flushes them when it has pushed
//! everything it has; what is pushed to one connection alone is flushed by the connection's task. A flush writes what
//! the kernel takes at once, all frames with one call. When the kernel takes no more, the connection's task waits for it.
//!
//! A client that reads slowly falls behind in its rooms first: their events are no longer queued, and it gets them by
//! their numbers when it has read most of what it is owed. A queue that would grow over its hard bound is thrown away
//! and stays closed: the connection then ends with 4508 and its client resumes by position.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use rookery_protocol::close::CloseCode;
use rookery_protocol::server::ServerFrame;
use tokio::sync::Notify;

use crate::byte_stream::ByteStream;
use crate::frame::Frame;

mod queue;

use queue::{Queue, Written};

/// Frames that wait to be written to one connection.
pub struct SendQueue {
    /// None in tests that look at what is owed.
    wire: Option<Arc<dyn ByteStream>>,
    queue: Mutex<Queue>,
    attention: Notify,
    drained: Notify,
}

/// Where a flush left the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// Nothing is owed.
    All,
    /// The kernel takes no more for now.
    Blocked {
        /// Whether it took anything.
        progress: bool,
    },
    /// More is owed than one flush should write; the connection's task goes on.
    More,
    /// The client reads too slowly; frames have been lost.
    Overflow,
    /// All was written, and nothing comes any more: the connection is to end like this.
    End(CloseCode),
    /// The byte stream ended.
    Lost,
}

/// What became of a room's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Enqueued {
    /// They are owed, and the caller is the one to flush, later.
    Unflushed,
    /// They are owed, and somebody else will flush.
    Known,
    /// Too much is owed already: these frames are not. The client gets them by their numbers, later.
    Behind,
}

impl SendQueue {
    /// Owes nothing yet.
    pub fn new(wire: Arc<dyn ByteStream>) -> Arc<Self> {
        Arc::new(Self::over(Some(wire)))
    }

    fn over(wire: Option<Arc<dyn ByteStream>>) -> Self {
        Self { wire, queue: Mutex::default(), attention: Notify::new(), drained: Notify::new() }
    }

    /// Owes one frame.
    pub fn push(&self, frame: Frame) {
        self.push_all([frame]);
    }

    /// Owes a frame of this connection alone.
    pub fn send(&self, frame: &ServerFrame) {
        self.push(frame.into());
    }

    /// Owes a frame of this connection alone. True if the caller is the one to flush, later.
    pub fn owe_alone(&self, frame: &ServerFrame) -> bool {
        self.queue.lock().push_all([frame.into()])
    }

    /// Owes frames with nothing between them; the connection's task writes them.
    pub fn push_all(&self, frames: impl IntoIterator<Item = Frame>) {
        if self.queue.lock().push_all(frames) {
            self.attention.notify_one();
        }
    }

    /// Owes a room's frames, all or none, with nothing between them.
    pub fn owe(&self, frames: &[Frame]) -> Enqueued {
        let mut queue = self.queue.lock();
        if queue.is_behind() {
            Enqueued::Behind
        } else if queue.push_all(frames.iter().cloned()) {
            Enqueued::Unflushed
        } else {
            Enqueued::Known
        }
    }

    /// Owes a frame that may be lost, if almost nothing is owed already.
    pub fn owe_in_passing(&self, frame: &Frame) -> Enqueued {
        let mut queue = self.queue.lock();
        if queue.is_loaded() {
            Enqueued::Behind
        } else if queue.push_all([frame.clone()]) {
            Enqueued::Unflushed
        } else {
            Enqueued::Known
        }
    }

    /// Makes the connection's task look here.
    pub fn nudge(&self) {
        self.attention.notify_one();
    }

    /// Whether the replay of another room fits.
    pub fn is_low(&self) -> bool {
        self.queue.lock().is_low()
    }

    /// Owes the answer to the client's newest ping. One that is still owed is not needed any more.
    pub fn pong(&self, payload: &[u8]) {
        if self.queue.lock().pong(Frame::pong(payload)) {
            self.attention.notify_one();
        }
    }

    /// Ends the connection once it has what it is owed. Frames that are pushed later are dropped; the first end counts.
    pub fn end(&self, code: CloseCode) {
        self.queue.lock().end(code);
        self.attention.notify_one();
    }

    /// Writes what the kernel takes now. Whoever else flushes at the same time waits that long.
    pub fn flush(&self) -> Flushed {
        self.flush_counted().0
    }

    /// Beside how it went: how many frames have gone.
    fn flush_counted(&self) -> (Flushed, usize) {
        let Some(wire) = &self.wire else { return (Flushed::All, 0) };
        let mut queue = self.queue.lock();
        let owed = queue.len();
        let written = queue.write_to(wire.as_ref());
        let (is_low, flushed) = (queue.is_low(), queue.standing(&written));
        let frames = owed.saturating_sub(queue.len());
        drop(queue);
        if let Written::Failed(error) = written {
            tracing::debug!(%error, "write failed");
        }
        if is_low {
            self.drained.notify_one();
        }
        if flushed == Flushed::More {
            self.attention.notify_one();
        }
        (flushed, frames)
    }

    /// A flush by somebody else than the connection's task, which is told where there is more to be done. Returns how
    /// many frames have gone.
    pub fn flush_for(&self) -> usize {
        let (flushed, frames) = self.flush_counted();
        if flushed != Flushed::All {
            self.attention.notify_one();
        }
        frames
    }

    /// Bytes that wait to be written.
    pub fn bytes(&self) -> usize {
        self.queue.lock().bytes()
    }

    /// Says the last word: the close frame goes behind everything that is owed, or instead of it if the client does
    /// not read. True if it reached the kernel. One waiter: the connection.
    pub async fn finish(&self, last: Frame) -> bool {
        self.queue.lock().finish(last);
        loop {
            match self.flush() {
                Flushed::Blocked { .. } if self.writable().await.is_ok() => {}
                Flushed::More => {}
                Flushed::All | Flushed::End(_) => return true,
                Flushed::Blocked { .. } | Flushed::Overflow | Flushed::Lost => return false,
            }
        }
    }

    /// Waits until [`SendQueue::flush`] has something to do. One waiter: the connection.
    pub async fn filled(&self) {
        self.attention.notified().await;
    }

    /// Waits until the kernel takes more. One waiter: the connection.
    pub async fn writable(&self) -> io::Result<()> {
        match &self.wire {
            Some(wire) => poll_fn(|cx| wire.poll_writable(cx)).await,
            None => Ok(()),
        }
    }

    /// Waits until the replay of another room fits. One waiter: the connection's command.
    pub async fn low(&self) {
        loop {
            if self.is_low() {
                return;
            }
            self.drained.notified().await;
        }
    }
}

#[cfg(test)]
impl SendQueue {
    /// An outbox that nobody writes.
    pub(crate) fn unwritten() -> Arc<Self> {
        Arc::new(Self::over(None))
    }

    /// What is owed, as if it had been written.
    pub(crate) fn take(&self) -> Vec<Frame> {
        let mut queue = self.queue.lock();
        let frames = queue.take();
        drop(queue);
        self.drained.notify_one();
        frames
    }
}

impl std::fmt::Debug for SendQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("queue", &self.queue).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
