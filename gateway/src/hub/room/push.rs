//! How a room's frames get into its members' send queues: all to everybody, in order, at once or a few together.

use std::sync::Arc;

use rookery_protocol::id::RoomId;
use rookery_protocol::position::Position;
use rookery_protocol::server::ServerFrame;
use tokio::time::Instant;

use super::{Live, RoomEffects};
use crate::dialect::SharedFrame;
use crate::hub::feed::Step;
use crate::hub::room::batch_pacer::FlushDecision;
use crate::limits::FLUSH_FRAMES_MAX;
use crate::send_queue::Enqueued;
use crate::subscriber::{ConnectionId, Subscriber};

/// Frames that members are still to get.
#[derive(Debug, Default)]
pub(super) struct Held {
    frames: Vec<SharedFrame>,
    /// Who came after some of them, and has those by its replay.
    late: Vec<Late>,
    /// Somebody will ask for them in a moment.
    awaited: bool,
}

#[derive(Clone, Copy, Debug)]
struct Late {
    member: ConnectionId,
    /// Frames that it has.
    has: usize,
    /// Position of the room when the member joined.
    at: Position,
}

impl Held {
    fn late(&self, member: &Subscriber) -> Option<Late> {
        // Empty but for a few moments in the busiest rooms.
        self.late.iter().rev().find(|late| late.member == member.id).copied()
    }
}

impl Live {
    pub(super) fn deliver(&mut self, room: RoomId, steps: Vec<Step>, effects: &mut RoomEffects) {
        if steps.is_empty() {
            return;
        }
        let (events, mut urgent) = (steps.len(), self.held.frames.len() + steps.len() > FLUSH_FRAMES_MAX);
        for step in steps {
            let ends = match &step {
                Step::Event(delivery) => delivery.ends,
                Step::Gap { .. } => {
                    effects.gaps += 1;
                    urgent = true;
                    None
                }
                Step::Reset { .. } => {
                    effects.resets += 1;
                    urgent = true;
                    None
                }
            };
            self.held.frames.push(frame_of(room, step));
            if let Some(ends) = ends {
                self.release(room, effects);
                self.expel(room, ends);
            }
        }
        match self.batch_pacer.beat(events, self.members.len(), Instant::now()) {
            FlushDecision::Wait(pause) if !urgent => {
                if !std::mem::replace(&mut self.held.awaited, true) {
                    effects.tick = Some(pause);
                }
            }
            FlushDecision::Wait(_) | FlushDecision::Now => self.release(room, effects),
        }
    }

    /// It is time.
    pub(super) fn tick(&mut self, room: RoomId, effects: &mut RoomEffects) {
        self.held.awaited = false;
        self.release(room, effects);
    }

    /// The member comes with everything that was held so far.
    pub(super) fn record_late_joiner(&mut self, member: &Subscriber) {
        if !self.held.frames.is_empty() {
            let late = Late { member: member.id, has: self.held.frames.len(), at: self.position() };
            self.held.late.push(late);
        }
    }

    /// Sends the frames held back for a member before its position is read.
    pub(in crate::hub) fn flush_held(&mut self, room: RoomId, member: &Subscriber) {
        if self.held.frames.is_empty() || !self.members.contains(member.id) {
            return;
        }
        let mut effects = RoomEffects::default();
        self.release(room, &mut effects);
        effects.unflushed.iter().for_each(|send_queue| send_queue.wake());
    }

    /// Everybody gets what is held.
    fn release(&mut self, room: RoomId, effects: &mut RoomEffects) {
        let held = std::mem::take(&mut self.held);
        self.held.awaited = held.awaited;
        if !held.frames.is_empty() {
            self.enqueue(room, &held, effects);
        }
        self.sent = self.position();
    }

    fn enqueue(&mut self, room: RoomId, held: &Held, effects: &mut RoomEffects) {
        let (mut behind, mut delivered) = (Vec::new(), 0);
        for member in self.members.iter() {
            let late = held.late(member);
            if member.is_background() {
                // It gets them by their numbers, once somebody looks.
                behind.push((Arc::clone(member), late.map_or(self.sent, |late| late.at)));
                continue;
            }
            let frames = &held.frames[late.map_or(0, |late| late.has)..];
            match member.send_queue.enqueue_unless_behind(frames) {
                Enqueued::Unflushed => effects.unflushed.push(Arc::clone(&member.send_queue)),
                Enqueued::Scheduled => {}
                Enqueued::Refused => {
                    behind.push((Arc::clone(member), late.map_or(self.sent, |late| late.at)));
                    continue;
                }
            }
            delivered += frames.len();
        }
        effects.delivered += u64::try_from(delivered).unwrap_or(u64::MAX);
        for (member, sent) in behind {
            self.hold(&member);
            member.fall_behind(room, sent);
            effects.behind += u64::from(!member.is_background());
        }
    }
}

/// The frame that says so.
pub(in crate::hub) fn reset(room: RoomId, after: Position, survived: Option<Position>) -> ServerFrame {
    ServerFrame::Reset { room, epoch: after.epoch, head: after.seq, survived }
}

fn frame_of(room: RoomId, step: Step) -> SharedFrame {
    match step {
        Step::Event(delivery) => delivery.frame,
        Step::Gap { epoch, from, to } => ServerFrame::Gap { room, epoch, from, to }.into(),
        Step::Reset { after, survived } => reset(room, after, survived).into(),
    }
}
