//! Bringing a connection into a room at the place where it left off, with nothing lost and nothing twice.

use std::sync::Arc;

use rookery_shared::access::RoomRole;
use rookery_shared::bus::{BusError, Head};
use rookery_shared::id::{AclVersion, RoomId, Seq, Slug};
use rookery_shared::limits::TAIL_EVENTS_MAX;
use rookery_shared::protocol::server::{ServerFrame, You};

use super::Hub;
use super::room::{Live, Room};
use crate::member::Member;
use crate::outbox::Frame;
use crate::position::Position;
use crate::relay;
use crate::relay::room_feed::Plan;

/// One look at the bus for events, one for a head, and rooms that close meanwhile.
const ATTEMPTS: usize = 6;

/// Who comes into which room, and from where.
#[derive(Clone, Debug)]
pub struct Joining {
    /// The connection. It has noted the room, so that its end finds it there.
    pub member: Arc<Member>,
    /// The room.
    pub room: RoomId,
    /// Its readable address.
    pub slug: Option<Slug>,
    /// Its name.
    pub name: String,
    /// What the user is there.
    pub role: RoomRole,
    /// Version of the room's rights the user may read it under.
    pub acl: AclVersion,
    /// The last event the client has.
    pub position: Option<Position>,
}

/// What was learned from the bus for one joining.
#[derive(Default)]
struct Learned {
    events: Option<Vec<(Position, Frame)>>,
    head: bool,
}

enum Attempt {
    Done(&'static str),
    Closed,
    Fetch(Seq),
    Ahead,
}

impl Hub {
    /// Makes the room live for the connection: `subscribed`, what was missed or why not, `caught_up`, then live
    /// events. A connection that is there already is only brought up to date.
    pub async fn attach(self: &Arc<Self>, joining: &Joining) -> Result<(), BusError> {
        let mut learned = Learned::default();
        for _ in 0..ATTEMPTS {
            let room = self.enter(joining.room).await?;
            match room.attach(joining, &learned) {
                Attempt::Done(outcome) => {
                    self.metrics.resumes.with_label_values(&[outcome]).inc();
                    return Ok(());
                }
                Attempt::Closed => {}
                Attempt::Fetch(after) => learned.events = Some(self.fetch(joining.room, after).await?),
                Attempt::Ahead => {
                    // Another node may have been faster than this one: look before saying that the numbers are gone.
                    let head = self.head(joining.room).await?;
                    self.after(&room, room.compare(head));
                    self.repair(&room).await;
                    learned.head = true;
                }
            }
        }
        Err(BusError::Unavailable("the room does not stay open".to_owned()))
    }

    async fn fetch(&self, room: RoomId, after: Seq) -> Result<Vec<(Position, Frame)>, BusError> {
        let events = self.bus.range(room, after, TAIL_EVENTS_MAX).await?;
        let frames = events.into_iter().map(relay::encode).map(|(at, delivery)| (at, delivery.frame));
        Ok(frames.collect())
    }
}

impl Room {
    /// Everything is pushed under the room's lock: events before it are replayed, events after it come live.
    fn attach(&self, joining: &Joining, learned: &Learned) -> Attempt {
        let Some(mut live) = self.live() else { return Attempt::Closed };
        let head = live.feed.head();
        let room = joining.room;
        let (outcome, between) = match live.feed.plan(joining.position, learned.events.as_deref()) {
            Plan::Fetch(after) => return Attempt::Fetch(after),
            Plan::Ahead if !learned.head => return Attempt::Ahead,
            Plan::Ahead | Plan::Reset => ("reset", vec![text(&reset(room, head))]),
            Plan::Gap { from, to } => ("gap", vec![text(&ServerFrame::Gap { room, from, to })]),
            Plan::Replay(frames) if joining.position.is_none() => ("fresh", frames),
            Plan::Replay(frames) => ("replay", frames),
        };
        live.welcome(joining, head, between);
        Attempt::Done(outcome)
    }
}

impl Live {
    fn welcome(&mut self, joining: &Joining, head: Head, between: Vec<Frame>) {
        let first = std::iter::once(text(&subscribed(joining, head)));
        let last = std::iter::once(text(&ServerFrame::CaughtUp { room: joining.room, seq: head.seq }));
        joining.member.outbox.push_all(first.chain(between).chain(last));
        self.add(&joining.member, joining.acl);
    }
}

fn subscribed(joining: &Joining, head: Head) -> ServerFrame {
    ServerFrame::Subscribed {
        room: joining.room,
        slug: joining.slug.clone(),
        name: joining.name.clone(),
        epoch: head.epoch,
        head: head.seq,
        stored: head.stored,
        you: You { role: joining.role },
    }
}

const fn reset(room: RoomId, head: Head) -> ServerFrame {
    ServerFrame::Reset { room, epoch: head.epoch, head: head.seq }
}

fn text(frame: &ServerFrame) -> Frame {
    let json = frame.to_json();
    json.into()
}
