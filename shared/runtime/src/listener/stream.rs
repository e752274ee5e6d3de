//! The bytes under an HTTP connection, and the deadlines that hyper does not keep.
//!
//! # Promise
//! * A request head that does not end is not waited for longer than [`HEAD_DEADLINE`], the next request on a connection
//!   not longer than [`IDLE_DEADLINE`].
//! * An answer that is not read ends the connection after [`ANSWER_DEADLINE`], and frees what the kernel kept of it.
//! * An answer that ends its connection is not lost because the client is still sending: what it sends is read and dropped
//!   for a while.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rookery_protocol::limits::HEAD_DEADLINE;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{ANSWER, Connection, Refusals};
use crate::limits::{
    ANSWER_BYTES_PER_SECOND_MIN, ANSWER_DEADLINE, IDLE_DEADLINE, LINGER_BYTES_MAX, LINGER_DEADLINE, LINGER_QUIET,
};

/// Bytes that are dropped at once while the end of a connection is waited for.
const DROPPED_AT_ONCE: usize = 4 * 1024;

/// A connection in the hands of HTTP.
pub struct HttpStream {
    connection: Connection,
    progress: Arc<Progress>,
    refusals: Arc<dyn Refusals>,
    reading: Deadline,
    /// What `reading` was set for.
    waits_for: Option<Phase>,
    writing: Deadline,
    lingering: Option<Lingering>,
}

/// Where a connection stands between its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// A request head is on its way.
    Head,
    /// A request is being served.
    Serving,
    /// The last request has its answer.
    Between,
}

/// The phase, as whoever serves requests tells it.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicU8);

#[derive(Default)]
struct Deadline {
    at: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

struct Lingering {
    bytes_left: usize,
    ends: Instant,
    quiet: Deadline,
}

impl HttpStream {
    pub(super) fn new(connection: Connection, progress: Arc<Progress>, refusals: Arc<dyn Refusals>) -> Self {
        Self {
            connection,
            progress,
            refusals,
            reading: Deadline::default(),
            waits_for: None,
            writing: Deadline::default(),
            lingering: None,
        }
    }

    /// The connection itself, after an upgrade.
    pub fn into_connection(self) -> Connection {
        self.connection
    }

    /// Whether the client has kept us waiting for too long. A connection between two requests ends as if it had ended it.
    fn overdue(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let phase = self.progress.phase();
        if self.waits_for != Some(phase) {
            self.waits_for = Some(phase);
            self.reading.clear();
        }
        match phase {
            // Who serves it keeps its own time.
            Phase::Serving => return Poll::Pending,
            Phase::Head => self.reading.begin(HEAD_DEADLINE),
            Phase::Between => self.reading.begin(IDLE_DEADLINE),
        }
        ready!(self.reading.poll_passed(cx));
        Poll::Ready(if phase == Phase::Between {
            Ok(())
        } else {
            Err(io::ErrorKind::TimedOut.into())
        })
    }

    /// Looks at how an answer gets on.
    fn written(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match outcome {
            Poll::Ready(Ok(count)) => self.writing.earn(count),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                self.writing.begin(ANSWER_DEADLINE);
                ready!(self.writing.poll_passed(cx));
                self.refusals.refused(ANSWER);
                // What the kernel has of the answer is thrown away, not kept for who does not want it.
                if let Err(error) = SockRef::from(&self.connection.stream).set_linger(Some(Duration::ZERO)) {
                    tracing::debug!(%error, "connection not reset");
                }
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        outcome
    }
}

impl AsyncRead for HttpStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.connection.stream).poll_read(cx, buf);
        if outcome.is_pending() {
            return self.overdue(cx);
        }
        if buf.filled().len() > before && self.progress.phase() == Phase::Between {
            self.progress.enter(Phase::Head);
            self.waits_for = None;
        }
        outcome
    }
}

impl AsyncWrite for HttpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.connection.stream).poll_write(cx, buf);
        self.written(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.connection.stream).poll_write_vectored(cx, bufs);
        self.written(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.stream.is_write_vectored()
    }

    /// Everything was written by now.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing.clear();
        Pin::new(&mut self.connection.stream).poll_flush(cx)
    }

    /// Ends our half, then waits for the end of the other: closing over bytes that nobody has read would make the kernel
    /// take the answer back.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.connection.stream).poll_shutdown(cx))?;
        }
        let lingering = this.lingering.get_or_insert_with(Lingering::begin);
        lingering.poll_end(cx, Pin::new(&mut this.connection.stream))
    }
}

impl Lingering {
    fn begin() -> Self {
        Self {
            bytes_left: LINGER_BYTES_MAX,
            ends: Instant::now() + LINGER_DEADLINE,
            quiet: Deadline::default(),
        }
    }

    fn poll_end<S: AsyncRead>(&mut self, cx: &mut Context<'_>, mut stream: Pin<&mut S>) -> Poll<io::Result<()>> {
        let mut dropped = [0; DROPPED_AT_ONCE];
        loop {
            let mut buf = ReadBuf::new(&mut dropped);
            let outcome = stream.as_mut().poll_read(cx, &mut buf);
            let count = buf.filled().len();
            match outcome {
                Poll::Ready(Ok(())) if count > 0 && count < self.bytes_left => {
                    self.bytes_left -= count;
                    self.quiet.clear();
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    self.quiet.begin(LINGER_QUIET.min(self.ends.saturating_duration_since(Instant::now())));
                    ready!(self.quiet.poll_passed(cx));
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl Deadline {
    fn begin(&mut self, span: Duration) {
        self.at.get_or_insert_with(|| Instant::now() + span);
    }

    fn clear(&mut self) {
        self.at = None;
    }

    /// Moves it on by what so many bytes are worth, if there is one.
    fn earn(&mut self, bytes: usize) {
        let Some(at) = self.at else { return };
        let worth = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(1_000) / ANSWER_BYTES_PER_SECOND_MIN;
        let most = Instant::now() + ANSWER_DEADLINE;
        self.at = Some(at.checked_add(Duration::from_millis(worth)).map_or(most, |later| later.min(most)));
    }

    fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}

impl Progress {
    pub(super) fn enter(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    fn phase(&self) -> Phase {
        match self.0.load(Ordering::Relaxed) {
            0 => Phase::Head,
            1 => Phase::Serving,
            _ => Phase::Between,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_moves_on_with_what_is_taken_and_no_further() {
        let (mut deadline, now) = (Deadline::default(), Instant::now());
        deadline.earn(1_000_000);
        assert_eq!(deadline.at, None, "nothing waits");
        deadline.begin(Duration::from_secs(2));
        deadline.earn(usize::try_from(ANSWER_BYTES_PER_SECOND_MIN).unwrap());
        assert_eq!(deadline.at, Some(now + Duration::from_secs(3)));
        deadline.earn(usize::MAX);
        assert_eq!(deadline.at, Some(now + ANSWER_DEADLINE));
    }

    #[test]
    fn a_phase_is_read_as_it_was_written() {
        let progress = Progress::default();
        for phase in [Phase::Head, Phase::Serving, Phase::Between] {
            progress.enter(phase);
            assert_eq!(progress.phase(), phase);
        }
    }
}
