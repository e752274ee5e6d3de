//! From the bus to the rooms: every event is encoded once and its bytes are shared by all local members.
//!
//! Delivery on the bus may lose events. Three things find that: a hole in a room's numbers, a comparison of heads
//! after the bus said that something may be lost, and the same comparison now and then (a lost last event leaves no
//! hole). One range read then repairs the room for all its members.

use std::sync::Arc;

use rookery_shared::bus::Signal;
use rookery_shared::event::SequencedEvent;
use rookery_shared::limits::{AUDIT_PAUSE, HEAD_AUDIT_INTERVAL};
use rookery_shared::protocol::server::ServerFrame;
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::acks::Acks;
use crate::authorize::Permissions;
use crate::hub::Hub;
use crate::logins::Logins;
use crate::position::Position;

pub mod repair;
pub mod room_feed;

use room_feed::Delivery;

/// Brings the bus's signals to the hub and to the acks.
pub struct Relay {
    hub: Arc<Hub>,
    acks: Arc<Acks>,
    permissions: Arc<Permissions>,
    logins: Arc<Logins>,
    suspicion: Notify,
}

impl Relay {
    /// A relay that is not running yet.
    pub fn new(hub: Arc<Hub>, acks: Arc<Acks>, permissions: Arc<Permissions>, logins: Arc<Logins>) -> Arc<Self> {
        Arc::new(Self { hub, acks, permissions, logins, suspicion: Notify::new() })
    }

    /// Handles signals until the bus is gone. The receiver is made before any room is subscribed.
    pub async fn listen(self: Arc<Self>, mut signals: Receiver<Signal>) {
        loop {
            match signals.recv().await {
                Ok(Signal::Event(event)) => self.on_event(event).await,
                Ok(Signal::Stored { partition, upto }) => self.acks.advance(partition, upto),
                Ok(Signal::Suspect) => self.suspect(),
                Ok(Signal::Session { user, revoked }) => self.logins.revoke(user, revoked),
                Err(RecvError::Lagged(events)) => {
                    tracing::warn!(events, "this process reads the bus too slowly");
                    self.suspect();
                }
                Err(RecvError::Closed) => return,
            }
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

    fn suspect(&self) {
        self.hub.metrics.bus_suspects.inc();
        self.acks.suspect();
        self.suspicion.notify_one();
    }

    async fn on_event(&self, event: Arc<SequencedEvent>) {
        if let Some(user) = event.event.body.affected(event.event.user_id) {
            self.permissions.forget(user, event.room).await;
        }
        let Some(room) = self.hub.get(event.room) else {
            self.hub.metrics.strays.inc();
            return;
        };
        let (at, delivery) = encode(Arc::unwrap_or_clone(event));
        let news = room.offer(at, delivery);
        self.hub.after(&room, news);
    }
}

/// The event as its room's members get it.
pub fn encode(event: SequencedEvent) -> (Position, Delivery) {
    let at = Position { epoch: event.epoch, seq: event.seq };
    let left = event.event.body.departed(event.event.user_id);
    (at, Delivery { frame: ServerFrame::from(event).to_json().into(), left })
}
