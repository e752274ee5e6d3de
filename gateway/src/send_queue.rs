//! The frames that wait to be written to one connection: in order, bounded in bytes and in number, and the writing of
//! them. The queue knows what the connection speaks and takes every frame's bytes in it.
//!
//! Anybody may enqueue and nobody ever waits for that. Whoever enqueues for many connections flushes them when it has
//! enqueued everything it has; what is for one connection alone is flushed by the connection's task. A flush writes what
//! the kernel takes at once, all frames with one call. When the kernel takes no more, the connection's task waits for it.
//!
//! A client that reads slowly falls behind in its rooms first: their events are no longer queued, and it gets them by
//! their numbers when it has read most of what waits. A queue that would grow over its hard bound is thrown away
//! and stays closed: the connection then ends with 4508 and its client resumes by position.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use rookery_protocol::close::CloseCode;
use smallvec::SmallVec;
use tokio::sync::Notify;

use crate::byte_stream::ByteStream;
use crate::dialect::{Encode, Translator};
use crate::frame::Frame;

mod queue;

use queue::{Form, Queue, Written};

/// Frames that wait to be written to one connection.
pub struct SendQueue {
    /// None in tests that look at what waits.
    stream: Option<Arc<dyn ByteStream>>,
    translator: Translator,
    queue: Mutex<Queue>,
    attention: Notify,
    drained: Notify,
}

/// Where a flush left the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// Nothing is left.
    All,
    /// The kernel takes no more for now.
    Blocked {
        /// Whether it took anything.
        progress: bool,
    },
    /// More waits than one flush should write; the connection's task goes on.
    More,
    /// The client reads too slowly; frames have been lost.
    Overflow,
    /// All was written, and nothing comes any more: the connection is to end like this.
    End(CloseCode),
    /// The byte stream ended.
    Lost,
}

/// What became of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Enqueued {
    /// They are in the queue, and the caller is the one to flush it, later.
    Unflushed,
    /// They are in the queue, and somebody else will flush it.
    Scheduled,
    /// Too much waits already: they are not in the queue. Those of a room reach the client by their numbers, later.
    Refused,
}

impl SendQueue {
    /// An empty queue of a connection that is written to through this translator.
    pub fn new(stream: Arc<dyn ByteStream>, translator: Translator) -> Arc<Self> {
        Arc::new(Self::over(Some(stream), translator))
    }

    fn over(stream: Option<Arc<dyn ByteStream>>, translator: Translator) -> Self {
        let form = match translator {
            Translator::Native => Form::Native,
            Translator::SocketIo(_) => Form::Translated,
        };
        Self {
            stream,
            translator,
            queue: Mutex::new(Queue::new(form)),
            attention: Notify::new(),
            drained: Notify::new(),
        }
    }

    /// What the connection speaks.
    pub const fn translator(&self) -> &Translator {
        &self.translator
    }

    /// Enqueues frames with nothing between them, however much waits already.
    pub fn enqueue<'a, F: Encode + 'a>(&self, frames: impl IntoIterator<Item = &'a F>) -> Enqueued {
        // Before the lock, so that nobody waits while they are encoded.
        let frames: SmallVec<[Frame; 1]> = frames.into_iter().map(|frame| frame.encode(&self.translator)).collect();
        self.queue.lock().extend(frames)
    }

    /// Enqueues a room's frames, all or none, with nothing between them.
    pub fn enqueue_unless_behind<F: Encode>(&self, frames: &[F]) -> Enqueued {
        let mut queue = self.queue.lock();
        if queue.is_behind() {
            Enqueued::Refused
        } else {
            let translator = self.translator_of(&queue);
            queue.extend(frames.iter().map(|frame| frame.encode(translator)))
        }
    }

    /// Enqueues a frame that may be lost, if almost nothing waits.
    pub fn enqueue_ephemeral<F: Encode>(&self, frame: &F) -> Enqueued {
        let mut queue = self.queue.lock();
        if queue.is_loaded() {
            Enqueued::Refused
        } else {
            let translator = self.translator_of(&queue);
            queue.extend([frame.encode(translator)])
        }
    }

    /// Enqueues frames as [`SendQueue::enqueue`] does; the connection's task writes them.
    pub fn send_all<'a, F: Encode + 'a>(&self, frames: impl IntoIterator<Item = &'a F>) {
        self.wake_for(self.enqueue(frames));
    }

    /// The same for one frame.
    pub fn send<F: Encode>(&self, frame: &F) {
        self.send_all([frame]);
    }

    /// Asks whether the client is still there.
    pub fn ping(&self) {
        let enqueued = self.queue.lock().extend([self.translator.ping()]);
        self.wake_for(enqueued);
    }

    /// The translator, without a look at it where it is the one that needs nothing.
    fn translator_of(&self, queue: &Queue) -> &Translator {
        static NATIVE: Translator = Translator::Native;
        match queue.form() {
            Form::Native => &NATIVE,
            Form::Translated => &self.translator,
        }
    }

    /// Makes the connection's task look here.
    pub fn wake(&self) {
        self.attention.notify_one();
    }

    fn wake_for(&self, enqueued: Enqueued) {
        if enqueued == Enqueued::Unflushed {
            self.wake();
        }
    }

    /// Whether the replay of another room fits.
    pub fn is_low(&self) -> bool {
        self.queue.lock().is_low()
    }

    /// Enqueues the answer to the client's newest ping. An older one that still waits is not needed any more.
    pub fn pong(&self, payload: &[u8]) {
        let enqueued = self.queue.lock().pong(Frame::pong(payload));
        self.wake_for(enqueued);
    }

    /// Ends the connection once everything is written. Frames that are enqueued later are dropped; the first end counts.
    pub fn end(&self, code: CloseCode) {
        self.queue.lock().end(code);
        self.wake();
    }

    /// Writes what the kernel takes now. Whoever else flushes at the same time waits that long.
    pub fn flush(&self) -> Flushed {
        self.flush_counted().0
    }

    /// Beside how it went: how many frames have gone.
    fn flush_counted(&self) -> (Flushed, usize) {
        let Some(stream) = &self.stream else { return (Flushed::All, 0) };
        let mut queue = self.queue.lock();
        let waited = queue.len();
        let written = queue.write_to(stream.as_ref());
        let (is_low, flushed) = (queue.is_low(), queue.flushed(&written));
        let frames = waited.saturating_sub(queue.len());
        drop(queue);
        if let Written::Failed(error) = written {
            tracing::debug!(%error, "write failed");
        }
        if is_low {
            self.drained.notify_one();
        }
        if flushed == Flushed::More {
            self.wake();
        }
        (flushed, frames)
    }

    /// A flush by somebody else than the connection's task, which is told where there is more to be done. Returns how
    /// many frames have gone.
    pub fn flush_for(&self) -> usize {
        let (flushed, frames) = self.flush_counted();
        if flushed != Flushed::All {
            self.wake();
        }
        frames
    }

    /// Bytes that wait to be written.
    pub fn bytes(&self) -> usize {
        self.queue.lock().bytes()
    }

    /// Writes the close frame: behind everything that waits, or instead of it if the client does
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
        match &self.stream {
            Some(stream) => poll_fn(|cx| stream.poll_writable(cx)).await,
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
    /// A queue that nobody writes.
    pub(crate) fn unwritten() -> Arc<Self> {
        Self::unwritten_in(Translator::Native)
    }

    /// The same of a connection that speaks this dialect.
    pub(crate) fn unwritten_in(translator: Translator) -> Arc<Self> {
        Arc::new(Self::over(None, translator))
    }

    /// What waits, as if it had been written.
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
        f.debug_struct("SendQueue").field("queue", &self.queue).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
