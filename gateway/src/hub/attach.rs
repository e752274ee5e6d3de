//! Bringing a connection into a room at the place where it left off, with nothing lost and nothing twice.

use std::sync::Arc;

use rookery_bus::Head;
use rookery_bus::error::BusError;
use rookery_protocol::access::RoomRole;
use rookery_protocol::id::{AclVersion, RoomId, Slug};
use rookery_protocol::limits::RESUME_EVENTS_MAX;
use rookery_protocol::position::Position;
use rookery_protocol::server::{ServerFrame, You};
use rookery_protocol::unread::ReadState;

use super::Hub;
use super::room::push::reset;
use super::room::{Live, Room};
use crate::dialect::SharedFrame;
use crate::hub::feed::{Delivery, Fetched, Plan};
use crate::subscriber::Subscriber;

/// Steps of one attach: a look at bus or store and a piece of the replay for every event, should they be that large,
/// and as much again for rooms that close meanwhile and events that come meanwhile.
const STEPS_MAX: u64 = 4 * RESUME_EVENTS_MAX;
/// Events that one attach replays, those included that come while it does.
const REPLAY_EVENTS_MAX: u64 = 2 * RESUME_EVENTS_MAX;

/// Who comes into which room, and from where.
#[derive(Clone, Debug)]
pub struct SubscribeRequest {
    /// The connection. The room is added to it already, so that its end detaches it.
    pub member: Arc<Subscriber>,
    /// Id of the room.
    pub room: RoomId,
    /// Its readable address.
    pub slug: Option<Slug>,
    /// Name of the room.
    pub name: String,
    /// What the user is there.
    pub role: RoomRole,
    /// Version of the room's rights the user may read it under.
    pub acl: AclVersion,
    /// The last event the client has.
    pub position: Option<Position>,
    /// What is unread for the user, if that was asked.
    pub read: Option<ReadState>,
}

/// How far one attach has come.
pub(super) struct Progress {
    position: Option<Position>,
    /// What bus or store gave last.
    pub(super) fetched: Option<Fetched>,
    /// The bus was asked whether the position is ahead of it.
    pub(super) asked: bool,
    /// Where the newest of it came from.
    source: &'static str,
    /// `subscribed` was sent.
    is_subscribed: bool,
    /// It was sent a `reset` to a later epoch than the one it had.
    is_reset: bool,
    replayed: u64,
}

impl Progress {
    pub(super) const fn new(position: Option<Position>) -> Self {
        Self {
            position,
            fetched: None,
            asked: false,
            source: "ring",
            is_subscribed: false,
            is_reset: false,
            replayed: 0,
        }
    }
}

/// What one attach needs next.
pub(super) enum Attempt {
    /// Nothing; how it went.
    Done(&'static str),
    /// The room closed meanwhile; enter it again.
    Closed,
    /// That the client reads.
    Wait,
    /// The events after a place.
    Fetch(Position),
    /// The head on the bus.
    Ahead,
    /// How the room's epochs began.
    Epochs,
}

impl Hub {
    /// Makes the room live for the connection: `subscribed`, what was missed or why not, `caught_up`, then live
    /// events. A connection that is there already is only brought up to date.
    ///
    /// What was missed is sent in pieces; each waits until the client has read most of those before. When this fails
    /// or is dropped half-way, the room is not live on the connection.
    pub async fn attach(self: &Arc<Self>, joining: &SubscribeRequest) -> Result<(), BusError> {
        self.advance(joining, Progress::new(joining.position)).await
    }

    /// The rest for a connection that fell behind in the room: what it missed, `caught_up`, then live events.
    pub async fn catch_up(self: &Arc<Self>, joining: &SubscribeRequest) -> Result<(), BusError> {
        self.advance(joining, Progress { is_subscribed: true, ..Progress::new(joining.position) })
            .await
    }

    async fn advance(self: &Arc<Self>, joining: &SubscribeRequest, mut progress: Progress) -> Result<(), BusError> {
        for _ in 0..STEPS_MAX {
            let room = self.enter(joining.room).await?;
            match room.attach(joining, &mut progress) {
                Attempt::Done(outcome) => {
                    self.metrics.resumes.with_label_values(&[outcome]).inc();
                    return Ok(());
                }
                Attempt::Closed => {}
                Attempt::Wait => joining.member.send_queue.low().await,
                Attempt::Fetch(after) => {
                    let (source, fetched) = self.fetch(joining, after).await?;
                    (progress.source, progress.fetched) = (source, Some(fetched));
                }
                Attempt::Epochs => room.learn(self.bus.epochs(joining.room).await?),
                Attempt::Ahead => {
                    // Another node may have been faster than this one: look before saying that the numbers are gone.
                    let head = self.head(joining.room).await?;
                    self.after(&room, room.compare(head));
                    self.repair(&room).await;
                    progress.asked = true;
                }
            }
        }
        Err(BusError::Unavailable("the room does not stay open".to_owned()))
    }

    async fn fetch(&self, joining: &SubscribeRequest, after: Position) -> Result<(&'static str, Fetched), BusError> {
        let (source, events) = self.events_after(joining.room, after).await?;
        let dialect = joining.member.send_queue.translator().dialect();
        let encoded = |(at, Delivery { frame, .. }): (Position, Delivery)| {
            // Here, because they are enqueued under the room's lock.
            frame.in_dialect(dialect);
            (at, frame)
        };
        let events = events.into_iter().map(Delivery::of).map(encoded).collect();
        Ok((source, Fetched { after, events }))
    }
}

impl Room {
    /// Everything is pushed under the room's lock: events before it are replayed, events after it come live.
    pub(super) fn attach(&self, joining: &SubscribeRequest, progress: &mut Progress) -> Attempt {
        let Some(mut live) = self.live() else { return Attempt::Closed };
        live.flush_held(joining.room, &joining.member);
        if progress.is_subscribed && !live.is_catching_up(&joining.member) {
            // Whoever took it out has sent the reason.
            return Attempt::Done("left");
        }
        let (head, room) = (live.feed.head(), joining.room);
        let gap = |epoch, from, to| SharedFrame::from(ServerFrame::Gap { room, epoch, from, to });
        let is_end = |at: Position, upto| (at.epoch, upto) == (head.epoch, head.seq);
        let (outcome, between) = match (live.feed.plan(progress.position, progress.fetched.as_ref()), progress.position)
        {
            (Plan::Fetch(after), _) => return Attempt::Fetch(after),
            (Plan::Ahead, _) if !progress.asked => return Attempt::Ahead,
            (Plan::Epochs, _) => return Attempt::Epochs,
            (Plan::Ahead | Plan::Reset, _) => {
                let after = Position { epoch: head.epoch, seq: head.seq };
                ("reset", vec![reset(room, after, None).into()])
            }
            (Plan::Next { survived, after }, _) => {
                (progress.position, progress.is_reset) = (Some(after), true);
                live.replay(joining, progress, vec![reset(room, after, Some(survived)).into()]);
                return Attempt::Wait;
            }
            (Plan::Gap { from, to }, Some(at)) if !is_end(at, to) => {
                progress.position = Some(Position { seq: to, ..at });
                live.replay(joining, progress, vec![gap(at.epoch, from, to)]);
                return Attempt::Wait;
            }
            (Plan::Gap { from, to }, _) => ("gap", vec![gap(head.epoch, from, to)]),
            (Plan::Replay { frames, .. }, None) => ("fresh", frames),
            (Plan::Replay { upto, .. }, Some(at))
                if !is_end(at, upto) && at.epoch == head.epoch && progress.replayed > REPLAY_EVENTS_MAX =>
            {
                ("gap", vec![gap(head.epoch, at.seq.next(), head.seq)])
            }
            (Plan::Replay { frames, upto }, Some(at)) if !is_end(at, upto) => {
                progress.replayed += upto.get() - at.seq.get();
                progress.position = Some(Position { seq: upto, ..at });
                live.replay(joining, progress, frames);
                return Attempt::Wait;
            }
            (Plan::Replay { frames, .. }, Some(_)) if progress.is_reset => ("survived", frames),
            (Plan::Replay { frames, .. }, Some(_)) if frames.is_empty() && progress.replayed == 0 => ("head", frames),
            (Plan::Replay { frames, .. }, Some(_)) => (progress.source, frames),
        };
        live.welcome(joining, progress, between);
        Attempt::Done(outcome)
    }
}

impl Live {
    /// A piece of what was missed; the rest follows.
    fn replay(&mut self, joining: &SubscribeRequest, progress: &mut Progress, mut frames: Vec<SharedFrame>) {
        self.begin(joining, progress, &mut frames);
        joining.member.send_queue.send_all(&frames);
        self.hold(&joining.member);
    }

    fn welcome(&mut self, joining: &SubscribeRequest, progress: &mut Progress, mut frames: Vec<SharedFrame>) {
        self.begin(joining, progress, &mut frames);
        let seq = self.feed.head().seq;
        frames.push(ServerFrame::CaughtUp { room: joining.room, seq }.into());
        joining.member.send_queue.send_all(&frames);
        self.add(&joining.member, joining.acl);
    }

    /// Puts `subscribed` before the first frames.
    fn begin(&self, joining: &SubscribeRequest, progress: &mut Progress, frames: &mut Vec<SharedFrame>) {
        if !std::mem::replace(&mut progress.is_subscribed, true) {
            frames.insert(0, subscribed(joining, self.feed.head()).into());
        }
    }
}

fn subscribed(joining: &SubscribeRequest, head: Head) -> ServerFrame {
    ServerFrame::Subscribed {
        room: joining.room,
        slug: joining.slug.clone(),
        name: Some(joining.name.clone()).filter(|name| !name.is_empty()),
        epoch: head.epoch,
        head: head.seq,
        // A mark may be here before the event that it is about.
        stored: head.stored.min(head.seq),
        you: You { role: joining.role, read: joining.read },
    }
}
