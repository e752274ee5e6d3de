//! The newest frames of one epoch, one for each number.

use std::collections::VecDeque;

use rookery_protocol::id::Seq;

use crate::dialect::SharedFrame;
use crate::limits::{RING_BYTES_MAX, RING_FRAMES_MAX};

/// The newest frames of a room.
#[derive(Debug)]
pub(super) struct Ring {
    frames: VecDeque<SharedFrame>,
    /// What they cost, all together.
    bytes: usize,
    last: Seq,
}

impl Ring {
    /// Has no frame yet; the next one is that of the number after this.
    pub(super) const fn ending_at(last: Seq) -> Self {
        Self { frames: VecDeque::new(), bytes: 0, last }
    }

    /// The frame of the next number. Old ones make room for it.
    pub(super) fn push(&mut self, frame: SharedFrame) {
        self.last = self.last.next();
        self.bytes += frame.cost();
        self.frames.push_back(frame);
        while self.frames.len() > RING_FRAMES_MAX || self.bytes > RING_BYTES_MAX {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.cost();
        }
    }

    /// The frame of a number.
    pub(super) fn get(&self, seq: Seq) -> Option<&SharedFrame> {
        let from_end = usize::try_from(self.last.get().checked_sub(seq.get())?).ok()?;
        self.frames.get(self.frames.len().checked_sub(from_end + 1)?)
    }

    /// Without what lies behind a number.
    pub(super) fn upto(mut self, seq: Seq) -> Self {
        let surplus = usize::try_from(self.last.get().saturating_sub(seq.get())).unwrap_or(usize::MAX);
        self.frames.truncate(self.frames.len().saturating_sub(surplus));
        self.last = self.last.min(seq);
        self
    }
}
