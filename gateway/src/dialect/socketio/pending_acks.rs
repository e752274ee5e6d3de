//! Requests of one connection that wait for their acknowledgement. Pure.
//!
//! A frame of the server answers the request that it belongs to: `ack` and an error the message with that `client_id`,
//! `subscribed` to `caught_up` the oldest join of that room, `unsubscribed` the oldest leave.

use std::collections::{HashMap, VecDeque};

use rookery_protocol::id::{ClientId, Epoch, RoomId, RoomRef, Seq, Slug};
use rookery_protocol::position::Position;
use rookery_protocol::server::{ErrorFrame, ServerFrame};
use rookery_protocol::socketio::{Acknowledgement, Failure, GapRange, Joined, Sent};

use super::packet::AckId;
use crate::limits::SOCKETIO_ACKS_MAX;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct PendingAcks {
    messages: HashMap<ClientId, AckId>,
    joins: VecDeque<Join>,
    leaves: VecDeque<(RoomRef, AckId)>,
}

/// As many requests wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyPending;

/// A join under way.
#[derive(Debug)]
struct Join {
    id: AckId,
    name: RoomRef,
    /// From `subscribed` on.
    room: Option<RoomId>,
    /// The position that the client has been brought to.
    at: Option<(Epoch, Seq)>,
    missed: u64,
    gap: Option<GapRange>,
    is_reset: bool,
}

impl PendingAcks {
    /// A message with this name, or a change of one, waits.
    pub(super) fn expect_message(&mut self, client_id: ClientId, id: AckId) -> Result<(), TooManyPending> {
        self.has_room()?;
        self.messages.insert(client_id, id);
        Ok(())
    }

    /// A join waits, of a client that has this position.
    pub(super) fn expect_join(
        &mut self,
        id: AckId,
        name: RoomRef,
        at: Option<(Epoch, Seq)>,
    ) -> Result<(), TooManyPending> {
        self.has_room()?;
        self.joins
            .push_back(Join { id, name, room: None, at, missed: 0, gap: None, is_reset: false });
        Ok(())
    }

    /// A leave waits.
    pub(super) fn expect_leave(&mut self, id: AckId, name: RoomRef) -> Result<(), TooManyPending> {
        self.has_room()?;
        self.leaves.push_back((name, id));
        Ok(())
    }

    /// The acknowledgement that a frame of the server comes to, if it answers a request that waits.
    pub(super) fn answer(&mut self, frame: &ServerFrame) -> Option<(AckId, Acknowledgement)> {
        match frame {
            ServerFrame::Ack { client_id, message_id, epoch, seq, timestamp, .. } => {
                let id = self.messages.remove(client_id)?;
                let (message_id, epoch, seq, timestamp) = (*message_id, *epoch, *seq, *timestamp);
                Some((id, Acknowledgement::Sent(Sent { ok: true, message_id, epoch, seq, timestamp })))
            }
            ServerFrame::Subscribed { room, slug, epoch, head, .. } => {
                self.subscribed(*room, slug.as_ref(), (*epoch, *head));
                None
            }
            ServerFrame::Gap { room, from, to } => {
                self.joining(*room)?.skip(GapRange { from: *from, to: *to });
                None
            }
            ServerFrame::Reset { room, epoch, head, survived } => {
                self.joining(*room)?.reset((*epoch, *head), *survived);
                None
            }
            ServerFrame::CaughtUp { room, seq } => self.caught_up(*room, *seq),
            // Leaves are done in the order they were asked for.
            ServerFrame::Unsubscribed { .. } => self.leaves.pop_front().map(|(_, id)| (id, Acknowledgement::DONE)),
            ServerFrame::Error(error) => self.failed(error),
            ServerFrame::Hello { .. }
            | ServerFrame::Event(_)
            | ServerFrame::Pong {}
            | ServerFrame::Reconnect { .. }
            | ServerFrame::Heads { .. }
            | ServerFrame::TokenExpiring { .. }
            | ServerFrame::Presence(_)
            | ServerFrame::Watching { .. }
            | ServerFrame::RoomPresence { .. }
            | ServerFrame::Typing { .. }
            | ServerFrame::Read { .. } => None,
        }
    }

    fn subscribed(&mut self, room: RoomId, slug: Option<&Slug>, (epoch, head): (Epoch, Seq)) {
        let is_it = |join: &&mut Join| join.room.is_none() && is_name_of(&join.name, room, slug);
        if let Some(join) = self.joins.iter_mut().find(is_it) {
            join.room = Some(room);
            if join.at.is_none() {
                // Who has no position begins at the head.
                join.at = Some((epoch, head));
            }
        }
    }

    fn joining(&mut self, room: RoomId) -> Option<&mut Join> {
        self.joins.iter_mut().find(|join| join.room == Some(room))
    }

    fn caught_up(&mut self, room: RoomId, seq: Seq) -> Option<(AckId, Acknowledgement)> {
        let at = self.joins.iter().position(|join| join.room == Some(room))?;
        let join = self.joins.remove(at)?;
        Some((join.id, Acknowledgement::Joined(join.joined(seq))))
    }

    fn failed(&mut self, error: &ErrorFrame) -> Option<(AckId, Acknowledgement)> {
        let refused = || Acknowledgement::from(Failure::from(error));
        if let Some(client_id) = &error.client_id {
            return self.messages.remove(client_id).map(|id| (id, refused()));
        }
        let name = error.room.as_ref()?;
        if let Some(at) = self.joins.iter().position(|join| join.room.is_none() && join.name == *name) {
            return self.joins.remove(at).map(|join| (join.id, refused()));
        }
        let at = self.leaves.iter().position(|(left, _)| left == name)?;
        self.leaves.remove(at).map(|(_, id)| (id, refused()))
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.joins.is_empty() && self.leaves.is_empty()
    }

    fn has_room(&self) -> Result<(), TooManyPending> {
        let waiting = self.messages.len() + self.joins.len() + self.leaves.len();
        if waiting < SOCKETIO_ACKS_MAX { Ok(()) } else { Err(TooManyPending) }
    }
}

impl Join {
    fn skip(&mut self, gap: GapRange) {
        if let Some((_, seq)) = &mut self.at {
            self.missed += gap.from.get().saturating_sub(seq.next().get());
            *seq = gap.to;
        }
        let from = self.gap.map_or(gap.from, |known| known.from.min(gap.from));
        self.gap = Some(GapRange { from, ..gap });
    }

    fn reset(&mut self, after: (Epoch, Seq), survived: Option<Position>) {
        if let (Some((epoch, seq)), Some(survived)) = (self.at, survived)
            && epoch == survived.epoch
        {
            self.missed += survived.seq.get().saturating_sub(seq.get());
        }
        (self.at, self.is_reset) = (Some(after), true);
    }

    fn joined(self, seq: Seq) -> Joined {
        let Self { at, missed, gap, is_reset, .. } = self;
        let (epoch, from) = at.unwrap_or((Epoch(0), seq));
        let missed = missed + seq.get().saturating_sub(from.get());
        Joined { ok: true, epoch, seq, missed, gap, reset: is_reset }
    }
}

fn is_name_of(name: &RoomRef, room: RoomId, slug: Option<&Slug>) -> bool {
    match name {
        RoomRef::Id(id) => *id == room,
        RoomRef::Slug(name) => slug == Some(name),
    }
}
