//! What one connection owes its client: frames in order, bounded in bytes and in number.
//!
//! Anybody may push and nobody ever waits to push. A queue that would grow over its bound is thrown away and stays
//! closed: the connection then ends with 4508 and its client resumes by position.

use std::collections::VecDeque;

use parking_lot::Mutex;
use rookery_shared::limits::{
    FLUSH_BYTES_MAX, FLUSH_FRAMES_MAX, OUTBOX_BYTES_MAX, OUTBOX_FRAMES_MAX, OUTBOX_LOW_BYTES, OUTBOX_LOW_FRAMES,
};
use rookery_shared::protocol::close::CloseCode;
use rookery_shared::protocol::server::ServerFrame;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The JSON text of one frame; copies share the bytes.
pub type Frame = Utf8Bytes;

/// See the module's text.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
    drained: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    overflowed: bool,
    end: Option<CloseCode>,
}

/// What is to be written next.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// These frames, in this order.
    Frames(Vec<Frame>),
    /// Nothing for now.
    Nothing,
    /// The client reads too slowly; frames have been lost.
    Overflow,
    /// All was taken, and nothing comes any more: the connection is to end like this.
    End(CloseCode),
}

impl Outbox {
    /// Queues one frame.
    pub fn push(&self, frame: Frame) {
        self.push_all([frame]);
    }

    /// Queues a frame of this connection alone.
    pub fn send(&self, frame: &ServerFrame) {
        self.push(frame.to_json().into());
    }

    /// Queues frames with nothing between them.
    pub fn push_all(&self, frames: impl IntoIterator<Item = Frame>) {
        let mut queue = self.queue.lock();
        let (was_empty, was_over) = (queue.frames.is_empty(), queue.overflowed);
        for frame in frames {
            queue.push(frame);
        }
        // Frames behind others need no wake-up of their own.
        let wakes = (was_empty && !queue.frames.is_empty()) || (queue.overflowed && !was_over);
        drop(queue);
        if wakes {
            self.filled.notify_one();
        }
    }

    /// Ends the connection once it has what it is owed. Frames that are pushed later are dropped; the first end counts.
    pub fn end(&self, code: CloseCode) {
        let mut queue = self.queue.lock();
        queue.end = queue.end.or(Some(code));
        drop(queue);
        self.filled.notify_one();
    }

    /// Takes what fits one flush.
    pub fn take(&self) -> Taken {
        let mut queue = self.queue.lock();
        if queue.overflowed {
            return Taken::Overflow;
        }
        let frames = queue.take();
        let is_low = queue.is_low();
        let end = queue.end;
        let has_more = !queue.frames.is_empty() || end.is_some();
        drop(queue);
        if has_more {
            self.filled.notify_one();
        }
        if is_low {
            self.drained.notify_one();
        }
        match end {
            Some(code) if frames.is_empty() => Taken::End(code),
            Some(_) | None if frames.is_empty() => Taken::Nothing,
            Some(_) | None => Taken::Frames(frames),
        }
    }

    /// Waits until [`Outbox::take`] has something to say. One waiter: the connection.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Waits until the replay of another room fits. One waiter: the connection's command.
    pub async fn low(&self) {
        loop {
            if self.queue.lock().is_low() {
                return;
            }
            self.drained.notified().await;
        }
    }
}

impl Queue {
    fn push(&mut self, frame: Frame) {
        if self.end.is_some() {
            return;
        }
        let fits = self.bytes + frame.len() <= OUTBOX_BYTES_MAX && self.frames.len() < OUTBOX_FRAMES_MAX;
        if self.overflowed || !fits {
            *self = Self { overflowed: true, ..Self::default() };
            return;
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    fn take(&mut self) -> Vec<Frame> {
        let mut taken = Vec::with_capacity(self.frames.len().min(FLUSH_FRAMES_MAX));
        let mut bytes = 0;
        while let Some(frame) = self.frames.front() {
            let full = taken.len() == FLUSH_FRAMES_MAX || bytes + frame.len() > FLUSH_BYTES_MAX;
            if full && !taken.is_empty() {
                break;
            }
            bytes += frame.len();
            taken.extend(self.frames.pop_front());
        }
        self.bytes -= bytes;
        if self.frames.is_empty() {
            // An idle connection keeps no memory for its busy times.
            self.frames = VecDeque::new();
        }
        taken
    }

    fn is_low(&self) -> bool {
        self.bytes <= OUTBOX_LOW_BYTES && self.frames.len() <= OUTBOX_LOW_FRAMES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(outbox: &Outbox) -> Vec<Frame> {
        match outbox.take() {
            Taken::Frames(frames) => frames,
            other @ (Taken::Nothing | Taken::Overflow | Taken::End(_)) => panic!("{other:?}"),
        }
    }

    #[test]
    fn frames_leave_in_order_and_in_bounded_batches() {
        let outbox = Outbox::default();
        outbox.push_all((0..=FLUSH_FRAMES_MAX).map(|n| n.to_string().into()));
        assert_eq!(frames(&outbox).len(), FLUSH_FRAMES_MAX);
        assert_eq!(frames(&outbox), vec![Frame::from(FLUSH_FRAMES_MAX.to_string())]);
        assert_eq!(outbox.take(), Taken::Nothing);
    }

    #[test]
    fn a_frame_larger_than_a_flush_goes_alone() {
        let outbox = Outbox::default();
        let large = Frame::from("x".repeat(FLUSH_BYTES_MAX + 1));
        outbox.push_all([large.clone(), "y".into()]);
        assert_eq!(frames(&outbox), vec![large]);
        assert_eq!(frames(&outbox), vec![Frame::from("y")]);
    }

    #[test]
    fn too_many_frames_or_bytes_close_it_for_good() {
        let many = Outbox::default();
        many.push_all((0..=OUTBOX_FRAMES_MAX).map(|_| "x".into()));
        let large = Outbox::default();
        large.push_all((0..17).map(|_| "x".repeat(FLUSH_BYTES_MAX).into()));
        for outbox in [many, large] {
            assert_eq!(outbox.take(), Taken::Overflow);
            outbox.push("late".into());
            assert_eq!(outbox.take(), Taken::Overflow);
        }
    }

    #[test]
    fn what_was_owed_before_the_end_is_given_and_nothing_after() {
        let outbox = Outbox::default();
        outbox.push("x".into());
        outbox.end(CloseCode::Forbidden);
        outbox.end(CloseCode::SessionRevoked);
        outbox.push("late".into());
        assert_eq!(frames(&outbox), vec![Frame::from("x")]);
        assert_eq!(outbox.take(), Taken::End(CloseCode::Forbidden));
    }

    #[tokio::test]
    async fn a_push_wakes_the_connection() {
        let outbox = Outbox::default();
        outbox.push("x".into());
        outbox.filled().await;
        outbox.low().await;
    }
}
