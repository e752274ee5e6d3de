//! A client that nobody looks at: what is said in its rooms waits, and it is told how much that is.
//!
//! A room holds the connection like one that reads too slowly, from its first event on. Once somebody looks it catches up by
//! numbers, as after a reconnect, so nothing is lost and nothing comes twice.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use rookery_protocol::id::RoomId;
use rookery_protocol::limits::ROOMS_PER_FRAME_MAX;
use rookery_protocol::position::Position;
use rookery_protocol::server::ServerFrame;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Commands;
use crate::limits::{BACKGROUND_COUNTS_INTERVAL, READ_STATE_WAIT};
use crate::node::Node;
use crate::subscriber::Subscriber;

impl Commands {
    /// Nobody looks from now on, or somebody does.
    pub(super) fn background(&self, on: bool) {
        if !self.member.set_background(on) {
            return;
        }
        if on {
            self.node.metrics.background_connections.inc();
            let (stop, counting) =
                (CancellationToken::new(), count(Arc::clone(&self.node), Arc::downgrade(&self.member)));
            *self.counting.lock() = Some(stop.clone().drop_guard());
            self.node.shutdown.spawn("background counts", async move {
                stop.run_until_cancelled(counting).await;
            });
        } else {
            self.node.metrics.background_connections.dec();
            *self.counting.lock() = None;
            self.node.presence.tell_anew(&self.member);
            // The connection looks for rooms to catch up with.
            self.member.send_queue.wake();
        }
    }
}

/// Now and then tells how much is unread in rooms where something has happened since.
async fn count(node: Arc<Node>, member: Weak<Subscriber>) {
    let mut told: HashMap<RoomId, Position> = HashMap::new();
    loop {
        sleep(BACKGROUND_COUNTS_INTERVAL).await;
        let Some(member) = member.upgrade() else { return };
        let heads: HashMap<RoomId, Position> = member
            .behind()
            .into_iter()
            .filter_map(|room| Some((room, node.hub.get(room)?.head()?)))
            .collect();
        told.retain(|room, _| heads.contains_key(room));
        let news = heads.iter().filter(|(room, head)| told.get(room) != Some(head)).map(|(room, _)| *room);
        let news: Vec<RoomId> = news.take(ROOMS_PER_FRAME_MAX).collect();
        if news.is_empty() {
            continue;
        }
        // Those that are not answered have their turn the next time.
        match timeout(READ_STATE_WAIT, node.authority.read_states(member.user, &news)).await {
            Ok(Ok(states)) => {
                for (room, state) in states {
                    member.send_queue.send(&ServerFrame::Read { room, state });
                    told.extend(heads.get(&room).map(|head| (room, *head)));
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "counts not told"),
            Err(_) => tracing::debug!("counts not told in time"),
        }
    }
}
