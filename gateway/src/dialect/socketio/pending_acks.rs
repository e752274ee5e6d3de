//! Requests of one connection that wait for their acknowledgement. Pure.
//!
//! A frame of the server answers the request that it belongs to: `ack` and an error the oldest message with that
//! `client_id`, `subscribed` to `caught_up` the oldest join of that room, `unsubscribed` the oldest leave of it. A client may
//! send a message again while the first one waits, so that a name may wait more than once. A read mark that is moved settles
//! all requests for this place of the room and for earlier ones.

use std::collections::VecDeque;

use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{ClientId, Epoch, RoomId, RoomRef, Seq, Slug};
use rookery_protocol::position::Position;
use rookery_protocol::server::{ErrorFrame, ServerFrame};
use rookery_protocol::socketio::{Acknowledgement, GapRange, Joined, Sent};

use super::Asked;
use super::packet::AckId;
use crate::limits::SOCKETIO_ACKS_MAX;
use crate::reads::Reading;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct PendingAcks {
    messages: VecDeque<Message>,
    joins: VecDeque<Join>,
    leaves: VecDeque<Leave>,
    renewals: VecDeque<Asked>,
    reads: VecDeque<(Asked, Reading)>,
    /// Joins and leaves so far.
    turns: u64,
}

/// A message, or a change of one.
#[derive(Debug)]
struct Message {
    asked: Asked,
    name: ClientId,
    room: Option<RoomRef>,
}

/// A join under way.
#[derive(Debug)]
struct Join {
    asked: Asked,
    turn: u64,
    name: RoomRef,
    /// From `subscribed` on.
    room: Option<RoomId>,
    /// The position that the client has been brought to.
    at: Option<(Epoch, Seq)>,
    missed: u64,
    gap: Option<GapRange>,
    is_reset: bool,
}

/// A leave under way.
#[derive(Debug)]
struct Leave {
    asked: Asked,
    turn: u64,
    name: RoomRef,
}

impl PendingAcks {
    /// A message with this name, or a change of one, waits.
    pub(super) fn expect_message(&mut self, asked: Asked, name: ClientId, room: Option<RoomRef>) {
        self.messages.push_back(Message { asked, name, room });
    }

    /// A join waits, of a client that has this position.
    pub(super) fn expect_join(&mut self, asked: Asked, name: RoomRef, at: Option<(Epoch, Seq)>) {
        let turn = self.next_turn();
        self.joins
            .push_back(Join { asked, turn, name, room: None, at, missed: 0, gap: None, is_reset: false });
    }

    /// A leave waits.
    pub(super) fn expect_leave(&mut self, asked: Asked, name: RoomRef) {
        let turn = self.next_turn();
        self.leaves.push_back(Leave { asked, turn, name });
    }

    /// A newer token waits.
    pub(super) fn expect_renewal(&mut self, asked: Asked) {
        self.renewals.push_back(asked);
    }

    /// A read mark waits.
    pub(super) fn expect_read(&mut self, asked: Asked, reading: Reading) {
        self.reads.push_back((asked, reading));
    }

    /// The requests that are settled by what has come of this mark.
    pub(super) fn read(&mut self, mark: &Reading) -> Vec<Asked> {
        let is_settled = |reading: &Reading| {
            let Reading { room, to } = reading;
            *room == mark.room && to.epoch == mark.to.epoch && to.seq <= mark.to.seq
        };
        let settled = self.reads.iter().filter(|(_, reading)| is_settled(reading));
        let settled = settled.map(|(asked, _)| *asked).collect();
        self.reads.retain(|(_, reading)| !is_settled(reading));
        settled
    }

    /// The oldest token that waits holds from now on.
    pub(super) fn renewed(&mut self) -> Option<Asked> {
        self.renewals.pop_front()
    }

    /// The acknowledgement that a frame of the server comes to, if it answers a request that waits.
    pub(super) fn answer(&mut self, frame: &ServerFrame) -> Option<(AckId, Acknowledgement)> {
        match frame {
            ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp, .. } => {
                let sent = |message: &Message| message.name == *client_id && may_name(message.room.as_ref(), *room);
                let at = self.messages.iter().position(sent)?;
                let id = self.messages.remove(at)?.asked.id;
                let (message_id, epoch, seq, timestamp) = (*message_id, *epoch, *seq, *timestamp);
                Some((id, Acknowledgement::Sent(Sent { ok: true, message_id, epoch, seq, timestamp })))
            }
            ServerFrame::Subscribed { room, slug, epoch, head, .. } => {
                self.subscribed(*room, slug.as_ref(), (*epoch, *head));
                None
            }
            ServerFrame::Gap { room, epoch: _, from, to } => {
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
                let Some(at) = self.leaves.iter().position(|leave| may_name(Some(&leave.name), *room)) else {
                    return self.lost_while_joining(*room);
                };
                self.leaves.remove(at).map(|leave| (leave.asked.id, Acknowledgement::DONE))
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
        Some((join.asked.id, Acknowledgement::Joined(join.joined(seq))))
    }

    fn failed(&mut self, error: &ErrorFrame) -> Option<(AckId, Acknowledgement)> {
        let refused = |asked: Asked| (asked.id, asked.wording.refusal(error));
        if let Some(client_id) = &error.client_id {
            let mut sent = self.messages.iter();
            let at = if error.code == ErrorCode::ClientIdReused {
                // The first one of this name goes on waiting until it is stored.
                sent.rposition(|message| message.name == *client_id)
            } else {
                sent.position(|message| message.name == *client_id)
            };
            return self.messages.remove(at?).map(|message| refused(message.asked));
        }
        let Some(name) = &error.room else {
            let is_of_token = error.field.as_deref() == Some("token")
                || matches!(error.code, ErrorCode::Unauthenticated | ErrorCode::Unavailable);
            let renewal = if is_of_token { self.renewals.pop_front() } else { None };
            return renewal.map(refused);
        };
        // Joins and leaves are done one after the other, so that it is the oldest one, however much of it was done.
        let join = self.joins.iter().position(|join| join.name == *name);
        let leave = self.leaves.iter().position(|leave| leave.name == *name);
        let is_join = match (join.map(|at| self.joins[at].turn), leave.map(|at| self.leaves[at].turn)) {
            (Some(join), Some(leave)) => join < leave,
            (join, _) => join.is_some(),
        };
        if is_join {
            return self.joins.remove(join?).map(|join| refused(join.asked));
        }
        let leave = self.leaves.remove(leave?)?;
        if error.code == ErrorCode::UnknownRoom {
            // The room is not live, as was asked for, by whatever name.
            return Some((leave.asked.id, Acknowledgement::DONE));
        }
        Some(refused(leave.asked))
    }

    /// The user lost the room before the client had all that it missed.
    fn lost_while_joining(&mut self, room: RoomId) -> Option<(AckId, Acknowledgement)> {
        let at = self.joins.iter().position(|join| join.room == Some(room))?;
        let Join { asked, name, .. } = self.joins.remove(at)?;
        let error = ErrorFrame { room: Some(name), ..ErrorFrame::new(ErrorCode::NotAMember) };
        Some((asked.id, asked.wording.refusal(&error)))
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
        self.messages.len() + self.joins.len() + self.leaves.len() + self.renewals.len() + self.reads.len()
    }

    const fn next_turn(&mut self) -> u64 {
        self.turns += 1;
        self.turns
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
    use rookery_protocol::unread::ReadTo;
    use serde_json::json;

    use super::super::Wording;
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

    fn asked(id: AckId) -> Asked {
        Asked { id, wording: Wording::Events }
    }

    fn answered(acks: &mut PendingAcks, frame: &ServerFrame) -> Option<(AckId, bool)> {
        acks.answer(frame).map(|(id, answer)| (id, json!(answer)["ok"] == true))
    }

    #[test]
    fn a_message_that_is_sent_again_while_it_waits_is_answered_as_often() {
        let mut acks = PendingAcks::default();
        for (id, of) in [(1, 1), (2, 2), (3, 1)] {
            acks.expect_message(asked(id), named("c"), Some(RoomRef::Id(room(of))));
        }
        assert_eq!(answered(&mut acks, &ack("c", room(2))), Some((2, true)), "the one of that room");
        assert_eq!(answered(&mut acks, &error("c", ErrorCode::ClientIdReused)), Some((3, false)), "the later one");
        assert_eq!(answered(&mut acks, &ack("other", room(1))), None);
        assert_eq!(answered(&mut acks, &ack("c", room(1))), Some((1, true)));
        assert!(acks.is_empty());
    }

    fn join(acks: &mut PendingAcks, id: AckId) {
        acks.expect_join(asked(id), RoomRef::Id(room(1)), None);
        let role = json!({"type": "subscribed", "room": room(1), "slug": null, "name": "x", "epoch": "e1", "head": 0,
            "stored": 0, "you": {"role": "member"}});
        assert_eq!(answered(acks, &serde_json::from_value(role).unwrap()), None);
    }

    #[test]
    fn newer_tokens_are_answered_in_a_row_and_by_nothing_else() {
        let mut acks = PendingAcks::default();
        acks.expect_renewal(asked(1));
        acks.expect_renewal(asked(2));
        assert_eq!(answered(&mut acks, &ServerFrame::Error(ErrorFrame::new(ErrorCode::BadField))), None);
        let limited = ErrorFrame { field: Some("token".to_owned()), ..ErrorFrame::new(ErrorCode::RateLimited) };
        assert_eq!(answered(&mut acks, &ServerFrame::Error(limited)), Some((1, false)));
        assert_eq!((acks.renewed(), acks.renewed()), (Some(asked(2)), None));
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
        acks.expect_leave(asked(1), RoomRef::Id(room(1)));
        assert_eq!(answered(&mut acks, &ServerFrame::Unsubscribed { room: room(2), reason: None }), None);
        assert_eq!(answered(&mut acks, &ServerFrame::Unsubscribed { room: room(1), reason: None }), Some((1, true)));
    }

    #[test]
    fn a_leave_of_a_room_that_is_not_live_is_done_and_does_not_answer_the_join_behind_it() {
        let (mut acks, slug) = (PendingAcks::default(), serde_json::from_value::<RoomRef>(json!("general")).unwrap());
        acks.expect_leave(asked(1), slug.clone());
        acks.expect_join(asked(2), slug.clone(), None);
        let of = |code| ServerFrame::Error(ErrorFrame { room: Some(slug.clone()), ..ErrorFrame::new(code) });
        assert_eq!(answered(&mut acks, &of(ErrorCode::UnknownRoom)), Some((1, true)));
        assert_eq!(answered(&mut acks, &of(ErrorCode::UnknownRoom)), Some((2, false)));
        acks.expect_leave(asked(3), slug.clone());
        assert_eq!(answered(&mut acks, &of(ErrorCode::RateLimited)), Some((3, false)));
    }

    #[test]
    fn a_mark_settles_all_requests_for_its_place_and_earlier_ones() {
        let mut acks = PendingAcks::default();
        let reading = |of, epoch: Option<u64>, seq| Reading {
            room: RoomRef::Id(room(of)),
            to: ReadTo { epoch: epoch.map(Epoch), seq: Seq::new(seq) },
        };
        for (id, reading) in [
            (1, reading(1, None, 3)),
            (2, reading(2, None, 3)),
            (3, reading(1, Some(1), 3)),
            (4, reading(1, None, 5)),
            (5, reading(1, None, 9)),
        ] {
            acks.expect_read(asked(id), reading);
        }
        assert_eq!(acks.read(&reading(1, None, 5)), [asked(1), asked(4)]);
        assert_eq!(acks.read(&reading(1, None, 5)), []);
        assert_eq!(acks.len(), 3);
    }
}
