//! From the bus to the rooms: every event becomes one frame that all local members share.
//!
//! Delivery on the bus may lose events. Three things find that: a sequence gap in a room's numbers, a comparison of heads
//! after the bus said that something may be lost, and the same comparison now and then (a lost last event leaves no
//! sequence gap). One range read then repairs the room for all its members.

use std::sync::Arc;

use rookery_bus::node::NodeHead;
use rookery_bus::signal::{EphemeralSignal, Signal};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, RoomChange, SequencedEvent};
use rookery_protocol::id::RoomId;
use rookery_runtime::stage_span;
use rookery_runtime::trace::{self, Parent};
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;
use tracing::Span;
use uuid::Uuid;

use crate::acks::Acks;
use crate::authorize::Permissions;
use crate::hub::Hub;
use crate::hub::feed::Delivery;
use crate::limits::{AUDIT_PAUSE, DELIVERIES_PER_FLUSH_MAX, HEAD_AUDIT_INTERVAL, SIGNALS_PER_FLUSH_MAX};
use crate::presence::Presence;
use crate::presence::receipts::ReadOn;
use crate::replies::Replies;
use crate::send_queue::SendQueue;
use crate::session_registry::SessionRegistry;

/// Brings the bus's signals to the hub and to the acks.
pub struct Relay {
    hub: Arc<Hub>,
    replies: Arc<Replies>,
    acks: Arc<Acks>,
    permissions: Arc<Permissions>,
    session_registry: Arc<SessionRegistry>,
    presence: Arc<Presence>,
    node: Uuid,
    suspicion: Notify,
}

/// Where the bus's signals go.
pub struct RelayParts {
    /// Events.
    pub hub: Arc<Hub>,
    /// Messages that may be answered.
    pub replies: Arc<Replies>,
    /// Marks.
    pub acks: Arc<Acks>,
    /// What is no longer to be believed.
    pub permissions: Arc<Permissions>,
    /// Ends of logins.
    pub session_registry: Arc<SessionRegistry>,
    /// Who is there, and what is said for the moment.
    pub presence: Arc<Presence>,
    /// The id of this node, as on its card.
    pub node: Uuid,
}

impl Relay {
    /// A relay that is not running yet.
    pub fn new(parts: RelayParts) -> Arc<Self> {
        let RelayParts { hub, replies, acks, permissions, session_registry, presence, node } = parts;
        let suspicion = Notify::new();
        Arc::new(Self { hub, replies, acks, permissions, session_registry, presence, node, suspicion })
    }

    /// Handles signals until the bus is gone. The receiver is made before any room is subscribed.
    ///
    /// All signals that are there are handled before the connections they concern are written to: a connection with
    /// several pending frames gets them with one system call, and a quiet node waits for nothing.
    pub async fn listen(self: Arc<Self>, mut signals: Receiver<Signal>) {
        loop {
            let (mut unflushed, mut spans) = (Vec::new(), Vec::new());
            let first = match signals.recv().await {
                Err(RecvError::Closed) => return,
                first => first,
            };
            let (started, before) = (Instant::now(), self.hub.metrics.deliveries.get());
            self.on_signal(first, &mut unflushed, &mut spans);
            for _ in 1..SIGNALS_PER_FLUSH_MAX {
                if self.hub.metrics.deliveries.get() - before > DELIVERIES_PER_FLUSH_MAX {
                    break;
                }
                match signals.try_recv() {
                    Ok(signal) => self.on_signal(Ok(signal), &mut unflushed, &mut spans),
                    Err(TryRecvError::Lagged(events)) => {
                        self.on_signal(Err(RecvError::Lagged(events)), &mut unflushed, &mut spans);
                    }
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
            self.hub.flush(unflushed, started, &spans);
        }
    }

    fn on_signal(&self, signal: Result<Signal, RecvError>, unflushed: &mut Vec<Arc<SendQueue>>, spans: &mut Vec<Span>) {
        match signal {
            Ok(Signal::Event(event)) => {
                if trace::is_followed(event.event.trace) {
                    spans.push(delivery_span(&event));
                }
                self.on_event(event, unflushed);
            }
            Ok(Signal::Stored { partition, mark }) => unflushed.append(&mut self.acks.advance(partition, &mark)),
            Ok(Signal::Suspect) => self.suspect(),
            Ok(Signal::Session { user, revoked }) => self.session_registry.revoke(user, revoked),
            Ok(Signal::Presence(presence)) => self.presence.on_user(&presence, unflushed),
            Ok(Signal::Ephemeral { room, signal }) => match signal.as_ref() {
                EphemeralSignal::Typing { user } => self.presence.on_typing(room, user, unflushed),
                EphemeralSignal::Occupancy {} => self.presence.on_occupancy(room),
                EphemeralSignal::ReadBy { user, to, at, except } => {
                    self.presence.on_read(room, ReadOn { user: *user, to: *to, at: *at, except }, unflushed);
                }
                EphemeralSignal::HeadAsked { ask } => self.answer_head(room, *ask),
            },
            Ok(Signal::User { user, news }) => {
                self.session_registry.notify_user(user, &news);
                self.presence.on_news(user, &news, unflushed);
            }
            Err(RecvError::Lagged(events)) => {
                tracing::warn!(events, "this process reads the bus too slowly");
                self.suspect();
            }
            Err(RecvError::Closed) => {}
        }
    }

    /// Compares heads whenever something may be lost, and now and then.
    pub async fn audit(self: Arc<Self>) {
        loop {
            // Either way the audit is due; a suspicion that comes during one starts the next.
            let waited = tokio::time::timeout(HEAD_AUDIT_INTERVAL, self.suspicion.notified()).await;
            let suspected = waited.is_ok();
            if let Err(error) = self.hub.compare_heads().await {
                tracing::debug!(%error, suspected, "heads not compared");
                self.hub.metrics.failures.with_label_values(&["bus"]).inc();
                tokio::time::sleep(AUDIT_PAUSE).await;
                self.suspicion.notify_one();
            }
        }
    }

    /// Tells an admin who looks for a message how far this node has delivered its room.
    fn answer_head(&self, room: RoomId, ask: Uuid) {
        let Some(head) = self.hub.get(room).and_then(|room| room.head()) else { return };
        let (bus, head) = (Arc::clone(&self.hub.bus), NodeHead { node: self.node, head });
        self.hub.spawn("head answer", async move {
            if let Err(error) = bus.answer_head(ask, head).await {
                tracing::debug!(%error, "an admin is not told where this node stands");
            }
        });
    }

    fn suspect(&self) {
        self.hub.metrics.bus_suspects.inc();
        self.presence.suspect();
        self.acks.suspect();
        self.suspicion.notify_one();
    }

    fn on_event(&self, event: Arc<SequencedEvent>, unflushed: &mut Vec<Arc<SendQueue>>) {
        if let Some(user) = event.event.body.affected(event.event.user_id) {
            self.permissions.invalidate(user, event.room);
        }
        if matches!(event.event.body, EventBody::Room(RoomChange::Updated { .. })) {
            // Its rights have changed for both, where one has blocked the other.
            self.permissions.invalidate_direct(event.room);
        }
        if let Some(user) = event.event.body.departed(event.event.user_id) {
            self.presence.expel(event.room, user);
        }
        let is_last = event.event.body.deletion().is_some();
        if is_last {
            self.permissions.forget_room(event.room);
        }
        let Some(room) = self.hub.get(event.room) else {
            self.hub.metrics.strays.inc();
            return;
        };
        self.replies.record(&event);
        let metrics = &self.hub.metrics;
        metrics.events.inc();
        // By the clock of the bus, which need not be ours: what came before it was sent took no time.
        let relayed = UnixMillis::now().since(event.timestamp);
        metrics.relay_seconds.observe(relayed.as_secs_f64());
        let (at, delivery) = Delivery::of(Arc::unwrap_or_clone(event));
        unflushed.append(&mut self.hub.after_unflushed(&room, room.offer(at, delivery)));
        if is_last {
            self.presence.touch(room.id);
        }
    }
}

/// From hearing an event until it is written to the subscribers of this node: it ends when the last part of them is served.
fn delivery_span(event: &SequencedEvent) -> Span {
    let (room, message, seq) = (event.room, event.event.id, event.seq.get());
    let span = stage_span!("deliver", "consumer", %room, %message, seq);
    trace::begin(span, event.event.trace.map_or(Parent::None, Parent::Remote))
}
