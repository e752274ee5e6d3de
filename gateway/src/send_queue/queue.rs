//! The frames of a send queue, and how they get into the kernel.

use std::io::{self, IoSlice};

use rookery_protocol::close::CloseCode;
use rookery_protocol::limits::{SEND_QUEUE_BYTES_MAX, SEND_QUEUE_FRAMES_MAX};
use smallvec::SmallVec;

use super::{Enqueued, Flushed};
use crate::byte_stream::ByteStream;
use crate::frame::Frame;
use crate::limits::{
    FLUSH_BYTES_MAX, FLUSH_FRAMES_MAX, FLUSH_ROUNDS_MAX, SEND_QUEUE_BEHIND_BYTES, SEND_QUEUE_BEHIND_FRAMES,
    SEND_QUEUE_EPHEMERAL_BYTES, SEND_QUEUE_EPHEMERAL_FRAMES, SEND_QUEUE_LOW_BYTES, SEND_QUEUE_LOW_FRAMES,
};

/// Frames in order, with their sizes.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Seldom more than one waits, which takes no memory of its own.
    frames: SmallVec<[Frame; 1]>,
    bytes: usize,
    /// Bytes of the first frame that are written.
    first_written: usize,
    pong: Option<Frame>,
    /// Somebody is going to flush: who enqueued first, or the task that waits for the kernel.
    is_scheduled: bool,
    overflowed: bool,
    end: Option<CloseCode>,
    /// The last frame is in the queue.
    finished: bool,
    /// Kept here, where every delivery looks anyway: another place would be another cache line.
    form: Form,
}

/// What frames for many are taken as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// As those of the native dialect.
    #[default]
    Native,
    /// As the connection's translator says.
    Translated,
}

/// How writing went.
pub(super) enum Written {
    /// There is nothing left.
    All,
    /// The kernel takes no more.
    Blocked { progress: bool },
    /// It was enough for one flush.
    Enough,
    /// The byte stream ended.
    Failed(io::Error),
}

impl Queue {
    /// Empty.
    pub(super) fn new(form: Form) -> Self {
        Self { form, ..Self::default() }
    }

    /// What frames for many are taken as.
    pub(super) const fn form(&self) -> Form {
        self.form
    }

    /// Adds frames, unless the connection ends or the queue overflows.
    pub(super) fn extend(&mut self, frames: impl IntoIterator<Item = Frame>) -> Enqueued {
        for frame in frames {
            self.push(frame);
        }
        self.schedule()
    }

    /// Puts the answer to a ping before what is not begun.
    pub(super) fn pong(&mut self, frame: Frame) -> Enqueued {
        if !self.finished {
            self.pong = Some(frame);
        }
        self.schedule()
    }

    pub(super) fn end(&mut self, code: CloseCode) {
        self.end = self.end.or(Some(code));
    }

    pub(super) fn finish(&mut self, last: Frame) {
        self.pong = None;
        // Nothing may follow the last frame.
        self.end(CloseCode::Normal);
        self.finished = true;
        self.overflowed = false;
        self.bytes += last.len();
        self.frames.push(last);
    }

    /// Writes until there is nothing left, the kernel is full, or others should have a turn.
    pub(super) fn write_to(&mut self, stream: &dyn ByteStream) -> Written {
        self.is_scheduled = false;
        let mut progress = false;
        for _ in 0..FLUSH_ROUNDS_MAX {
            if self.first_written == 0
                && let Some(pong) = self.pong.take()
            {
                self.bytes += pong.len();
                self.frames.insert(0, pong);
            }
            if self.frames.is_empty() {
                return Written::All;
            }
            match self.write_some(stream) {
                Ok(count) => self.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // The task that waits for the kernel flushes again.
                    self.is_scheduled = true;
                    return Written::Blocked { progress };
                }
                Err(error) => return Written::Failed(error),
            }
            progress = true;
        }
        if self.frames.is_empty() { Written::All } else { Written::Enough }
    }

    /// Frames that wait, the answer to a ping left out.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Their bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What the flush that wrote this comes to.
    pub(super) const fn flushed(&self, written: &Written) -> Flushed {
        match (written, self.end) {
            (Written::Failed(_), _) => Flushed::Lost,
            _ if self.overflowed => Flushed::Overflow,
            (Written::Blocked { progress }, _) => Flushed::Blocked { progress: *progress },
            (Written::Enough, _) => Flushed::More,
            (Written::All, Some(code)) => Flushed::End(code),
            (Written::All, None) => Flushed::All,
        }
    }

    /// Whether rooms should add no more.
    pub(super) fn is_behind(&self) -> bool {
        self.bytes > SEND_QUEUE_BEHIND_BYTES || self.frames.len() > SEND_QUEUE_BEHIND_FRAMES
    }

    /// Whether what may be lost should not be added any more.
    pub(super) fn is_loaded(&self) -> bool {
        self.bytes > SEND_QUEUE_EPHEMERAL_BYTES || self.frames.len() > SEND_QUEUE_EPHEMERAL_FRAMES
    }

    pub(super) fn is_low(&self) -> bool {
        self.bytes <= SEND_QUEUE_LOW_BYTES && self.frames.len() <= SEND_QUEUE_LOW_FRAMES
    }

    fn schedule(&mut self) -> Enqueued {
        let is_needed = !self.frames.is_empty() || self.pong.is_some() || self.overflowed;
        if is_needed && !std::mem::replace(&mut self.is_scheduled, true) {
            Enqueued::Unflushed
        } else {
            Enqueued::Scheduled
        }
    }

    fn push(&mut self, frame: Frame) {
        if self.end.is_some() || self.overflowed || frame.is_empty() {
            return;
        }
        if self.bytes + frame.len() > SEND_QUEUE_BYTES_MAX || self.frames.len() >= SEND_QUEUE_FRAMES_MAX {
            self.overflow();
            return;
        }
        self.bytes += frame.len();
        self.frames.push(frame);
    }

    /// A frame that is partly written has to be written to its end, so that the close frame can follow.
    fn overflow(&mut self) {
        self.overflowed = true;
        self.is_scheduled = false;
        self.frames.truncate(usize::from(self.first_written > 0));
        self.frames.shrink_to_fit();
        self.bytes = self.frames.iter().map(Frame::len).sum();
    }

    fn write_some(&self, stream: &dyn ByteStream) -> io::Result<usize> {
        if let [only] = self.frames.as_slice() {
            return stream.try_write(&[IoSlice::new(&only.bytes()[self.first_written..])]);
        }
        let mut parts = [IoSlice::new(&[]); FLUSH_FRAMES_MAX];
        let (mut count, mut bytes) = (0, 0);
        for (part, frame) in parts.iter_mut().zip(&self.frames) {
            if bytes + frame.len() > FLUSH_BYTES_MAX && count > 0 {
                break;
            }
            let skipped = if count == 0 { self.first_written } else { 0 };
            *part = IoSlice::new(&frame.bytes()[skipped..]);
            bytes += frame.len();
            count += 1;
        }
        stream.try_write(&parts[..count])
    }

    fn advance(&mut self, written: usize) {
        self.first_written += written;
        let mut done = 0;
        for frame in &self.frames {
            if self.first_written < frame.len() {
                break;
            }
            self.first_written -= frame.len();
            self.bytes -= frame.len();
            done += 1;
        }
        if done < self.frames.len() {
            self.frames.drain(..done);
        } else {
            // An idle connection keeps no memory for its busy times.
            self.frames = SmallVec::new();
        }
    }

    #[cfg(test)]
    pub(super) fn take(&mut self) -> Vec<Frame> {
        self.is_scheduled = false;
        self.bytes = 0;
        std::mem::take(&mut self.frames).into_vec()
    }
}
