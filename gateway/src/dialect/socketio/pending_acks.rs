//! Requests of one connection that wait for their acknowledgement. Pure.
//!
//! A frame of the server answers the request that it belongs to: `ack` and an error the oldest message with that
//! `client_id`, `subscribed` to `caught_up` the oldest join of that room, `unsubscribed` the oldest leave of it. A client may
//! send a message again while the first one waits, so that a name may wait more than once.

use std::collections::VecDeque;

use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{ClientId, Epoch, RoomId, RoomRef, Seq, Slug};
use rookery_protocol::position::Position;
use rookery_protocol::server::{ErrorFrame, ServerFrame};
use rookery_protocol::socketio::{Acknowledgement, Failure, GapRange, Joined, Sent};

use super::packet::AckId;
use crate::limits::SOCKETIO_ACKS_MAX;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct PendingAcks {
    messages: VecDeque<Message>,
    joins: VecDeque<Join>,
    leaves: VecDeque<(RoomRef, AckId)>,
    renewals: VecDeque<AckId>,
}

/// A message, or a change of one.
#[derive(Debug)]
struct Message {
    id: AckId,
    name: ClientId,
    room: Option<RoomRef>,
}

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
    pub(super) fn expect_message(&mut self, id: AckId, name: ClientId, room: Option<RoomRef>) {
        self.messages.push_back(Message { id, name, room });
    }

    /// A join waits, of a client that has this position.
    pub(super) fn expect_join(&mut self, id: AckId, name: RoomRef, at: Option<(Epoch, Seq)>) {
        self.joins
            .push_back(Join { id, name, room: None, at, missed: 0, gap: None, is_reset: false });
    }

    /// A leave waits.
    pub(super) fn expect_leave(&mut self, id: AckId, name: RoomRef) {
        self.leaves.push_back((name, id));
    }

    /// A newer token waits.
    pub(super) fn expect_renewal(&mut self, id: AckId) {
        self.renewals.push_back(id);
    }

    /// The oldest token that waits holds from now on.
    pub(super) fn renewed(&mut self) -> Option<AckId> {
        self.renewals.pop_front()
    }

    /// The acknowledgement that a frame of the server comes to, if it answers a request that waits.
    pub(super) fn answer(&mut self, frame: &ServerFrame) -> Option<(AckId, Acknowledgement)> {
        match frame {
            ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp, .. } => {
                let sent = |message: &Message| message.name == *client_id && may_name(message.room.as_ref(), *room);
                let at = self.messages.iter().position(sent)?;
                let id = self.messages.remove(at)?.id;
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
            // A room may also be lost in another way, such as a ban.
            ServerFrame::Unsubscribed { room, reason: _ } => {
                let Some(at) = self.leaves.iter().position(|(name, _)| may_name(Some(name), *room)) else {
                    return self.lost_while_joining(*room);
                };
                self.leaves.remove(at).map(|(_, id)| (id, Acknowledgement::DONE))
            }
            ServerFrame::Error(error) => self.failed(error),
            ServerFrame::Hello { .. }
            | ServerFrame::Event(_)
            | ServerFrame::User(_)
            | ServerFrame::ReadBy { .. }
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
            let mut sent = self.messages.iter();
            let at = if error.code == ErrorCode::ClientIdReused {
                // The first one of this name goes on waiting until it is stored.
                sent.rposition(|message| message.name == *client_id)
            } else {
                sent.position(|message| message.name == *client_id)
            };
            return self.messages.remove(at?).map(|message| (message.id, refused()));
        }
        let Some(name) = &error.room else {
            let is_of_token = error.field.as_deref() == Some("token")
                || matches!(error.code, ErrorCode::Unauthenticated | ErrorCode::Unavailable);
            let renewal = if is_of_token { self.renewals.pop_front() } else { None };
            return renewal.map(|id| (id, refused()));
        };
        // Joins are done one after the other, so that it is the oldest one, however much of it was done.
        if let Some(at) = self.joins.iter().position(|join| join.name == *name) {
            return self.joins.remove(at).map(|join| (join.id, refused()));
        }
        let at = self.leaves.iter().position(|(left, _)| left == name)?;
        self.leaves.remove(at).map(|(_, id)| (id, refused()))
    }

    /// The user lost the room before the client had all that it missed.
    fn lost_while_joining(&mut self, room: RoomId) -> Option<(AckId, Acknowledgement)> {
        let at = self.joins.iter().position(|join| join.room == Some(room))?;
        let Join { id, name, .. } = self.joins.remove(at)?;
        let error = ErrorFrame { room: Some(name), ..ErrorFrame::new(ErrorCode::NotAMember) };
        Some((id, Failure::from(&error).into()))
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether as many wait as may.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= SOCKETIO_ACKS_MAX
    }

    fn len(&self) -> usize {
        self.messages.len() + self.joins.len() + self.leaves.len() + self.renewals.len()
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

/// Whether a client may have named the room so. What a slug stands for is not known here.
fn may_name(name: Option<&RoomRef>, room: RoomId) -> bool {
    match name {
        Some(RoomRef::Id(id)) => *id == room,
        Some(RoomRef::Slug(_)) | None => true,
    }
}

fn is_name_of(name: &RoomRef, room: RoomId, slug: Option<&Slug>) -> bool {
    match name {
        RoomRef::Id(id) => *id == room,
        RoomRef::Slug(name) => slug == Some(name),
    }
}

#[cfg(test)]
mod tests {
    use rookery_protocol::clock::UnixMillis;
    use rookery_protocol::id::MessageId;
    use serde_json::json;

    use super::*;

    fn room(n: u8) -> RoomId {
        format!("01920000-0000-7000-8000-0000000000{n:02}").parse().unwrap()
    }

    fn named(name: &str) -> ClientId {
        name.to_owned().try_into().unwrap()
    }

    fn ack(name: &str, of: RoomId) -> ServerFrame {
        let message_id: MessageId = "01920000-0000-8000-8000-000000000001".parse().unwrap();
        let (client_id, epoch, seq, timestamp) = (named(name), Epoch(1), Seq::new(1), UnixMillis(0));
        ServerFrame::Ack { client_id, room: of, message_id, epoch, seq, timestamp, unchanged: false }
    }

    fn error(name: &str, code: ErrorCode) -> ServerFrame {
        ServerFrame::Error(ErrorFrame { client_id: Some(named(name)), ..ErrorFrame::new(code) })
    }

    fn answered(acks: &mut PendingAcks, frame: &ServerFrame) -> Option<(AckId, bool)> {
        acks.answer(frame).map(|(id, answer)| (id, json!(answer)["ok"] == true))
    }

    #[test]
    fn a_message_that_is_sent_again_while_it_waits_is_answered_as_often() {
        let mut acks = PendingAcks::default();
        for (id, of) in [(1, 1), (2, 2), (3, 1)] {
            acks.expect_message(id, named("c"), Some(RoomRef::Id(room(of))));
        }
        assert_eq!(answered(&mut acks, &ack("c", room(2))), Some((2, true)), "the one of that room");
        assert_eq!(answered(&mut acks, &error("c", ErrorCode::ClientIdReused)), Some((3, false)), "the later one");
        assert_eq!(answered(&mut acks, &ack("other", room(1))), None);
        assert_eq!(answered(&mut acks, &ack("c", room(1))), Some((1, true)));
        assert!(acks.is_empty());
    }

    fn join(acks: &mut PendingAcks, id: AckId) {
        acks.expect_join(id, RoomRef::Id(room(1)), None);
        let role = json!({"type": "subscribed", "room": room(1), "slug": null, "name": "x", "epoch": "e1", "head": 0,
            "stored": 0, "you": {"role": "member"}});
        assert_eq!(answered(acks, &serde_json::from_value(role).unwrap()), None);
    }

    #[test]
    fn newer_tokens_are_answered_in_a_row_and_by_nothing_else() {
        let mut acks = PendingAcks::default();
        acks.expect_renewal(1);
        acks.expect_renewal(2);
        assert_eq!(answered(&mut acks, &ServerFrame::Error(ErrorFrame::new(ErrorCode::BadField))), None);
        let limited = ErrorFrame { field: Some("token".to_owned()), ..ErrorFrame::new(ErrorCode::RateLimited) };
        assert_eq!(answered(&mut acks, &ServerFrame::Error(limited)), Some((1, false)));
        assert_eq!((acks.renewed(), acks.renewed()), (Some(2), None));
    }

    #[test]
    fn a_join_that_fails_half_way_is_answered() {
        let mut acks = PendingAcks::default();
        join(&mut acks, 1);
        let of = Some(RoomRef::Id(room(1)));
        let unavailable = ServerFrame::Error(ErrorFrame { room: of, ..ErrorFrame::new(ErrorCode::Unavailable) });
        assert_eq!(answered(&mut acks, &unavailable), Some((1, false)));
        join(&mut acks, 2);
        assert_eq!(answered(&mut acks, &ServerFrame::Unsubscribed { room: room(1), reason: None }), Some((2, false)));
        assert!(acks.is_empty());
    }

    #[test]
    fn a_room_that_is_lost_does_not_answer_the_leave_of_another_one() {
        let mut acks = PendingAcks::default();
        acks.expect_leave(1, RoomRef::Id(room(1)));
        assert_eq!(answered(&mut acks, &ServerFrame::Unsubscribed { room: room(2), reason: None }), None);
        assert_eq!(answered(&mut acks, &ServerFrame::Unsubscribed { room: room(1), reason: None }), Some((1, true)));
    }
}
