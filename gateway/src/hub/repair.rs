//! Filling sequence gaps: one range read for all local members of a room, and the comparison of heads that finds sequence gaps
//! without a later event.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use rookery_bus::error::BusError;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, RoomId};
use rookery_protocol::limits::{EVENTS_PER_READ_MAX, HEADS_PER_READ_MAX, RESUME_EVENTS_MAX, TAIL_EVENTS_MAX};
use rookery_protocol::position::Position;
use tokio::time::Instant;

use crate::hub::Hub;
use crate::hub::feed::Delivery;
use crate::hub::room::{Missing, Room, RoomEffects, SequenceGap};
use crate::limits::{REOPENS_AT_ONCE, REPAIR_PAUSE, REPAIR_ROUNDS_MAX};
use crate::send_queue::SendQueue;

/// Rooms that may fail to open before an audit rests.
const REOPEN_FAILURES_MAX: usize = 3;
/// Epochs and sequence gaps that one repair goes through; the next sign of a sequence gap starts another.
const REPAIR_STEPS_MAX: usize = 64;

impl Hub {
    /// Writes to the members what a change of a room has enqueued, and does what else follows from it.
    pub(crate) fn after(self: &Arc<Self>, room: &Arc<Room>, effects: RoomEffects) {
        let unflushed = self.after_unflushed(room, effects);
        self.flush(unflushed, Instant::now(), &[]);
    }

    /// Counts what changed in a room and starts its repair if it wants one. The queues are the caller's to flush.
    #[must_use]
    pub(crate) fn after_unflushed(self: &Arc<Self>, room: &Arc<Room>, effects: RoomEffects) -> Vec<Arc<SendQueue>> {
        if let Some(pause) = effects.tick {
            let (hub, room) = (Arc::clone(self), Arc::clone(room));
            self.spawn("room tick", async move {
                tokio::time::sleep(pause).await;
                hub.metrics.room_ticks.inc();
                hub.after(&room, room.tick());
            });
        }
        let metrics = &self.metrics;
        metrics.deliveries.inc_by(effects.delivered);
        metrics.parked.inc_by(effects.parked);
        metrics.parked_overflows.inc_by(effects.dropped);
        metrics.gaps.inc_by(effects.gaps);
        metrics.resets.inc_by(effects.resets);
        metrics.behind.inc_by(effects.behind);
        if effects.wants_repair {
            let (hub, room) = (Arc::clone(self), Arc::clone(room));
            self.spawn("repair room", async move { hub.repair(&room).await });
        }
        effects.unflushed
    }

    /// Reads again what is missing until nothing is, or the bus does not answer. One at a time per room.
    pub(crate) async fn repair(self: &Arc<Self>, room: &Arc<Room>) {
        let _turn = room.repair_turn.lock().await;
        let mut failures = 0;
        for _ in 0..REPAIR_STEPS_MAX {
            let done = match room.missing() {
                None => return,
                Some(Missing::Epoch(epoch)) => self.follow(room, epoch).await,
                Some(Missing::Events(gap)) => self.refill(room, gap).await,
            };
            let Err(error) = done else { continue };
            tracing::debug!(room = %room.id, %error, "sequence gap not repaired");
            tokio::time::sleep(REPAIR_PAUSE * 2_u32.pow(failures)).await;
            failures += 1;
            if failures == REPAIR_ROUNDS_MAX {
                break;
            }
        }
        room.postpone_repair();
    }

    /// The room has gone on in another epoch than this one.
    async fn follow(self: &Arc<Self>, room: &Arc<Room>, epoch: Epoch) -> Result<(), BusError> {
        let permit = self.repairs.acquire().await;
        let head = self.head(room.id).await?;
        if head.epoch <= epoch {
            return Err(BusError::Unavailable("the bus is in an older epoch than its events".to_owned()));
        }
        if head.began.and_then(|began| began.kept_of(epoch)).is_none() {
            room.learn(self.bus.epochs(room.id).await?);
        }
        drop(permit);
        self.after(room, RoomEffects { wants_repair: false, ..room.compare(head) });
        Ok(())
    }

    async fn refill(self: &Arc<Self>, room: &Arc<Room>, gap: SequenceGap) -> Result<(), BusError> {
        let events = self.read_again(room.id, gap).await?;
        let effects = room.fill(events.into_iter().map(Delivery::of).collect());
        self.after(room, RoomEffects { wants_repair: false, ..effects });
        Ok(())
    }

    /// Compares all live rooms with the bus. Rooms that the bus has forgotten are opened there again, after all
    /// others have been looked at.
    pub(crate) async fn compare_heads(self: &Arc<Self>) -> Result<(), BusError> {
        let mut forgotten = Vec::new();
        for chunk in self.all().chunks(HEADS_PER_READ_MAX) {
            let ids: Vec<RoomId> = chunk.iter().map(|room| room.id).collect();
            let heads = self.bus.heads(&ids).await?;
            for (room, head) in chunk.iter().zip(heads) {
                match head {
                    Some(head) => self.after(room, room.compare(head)),
                    None => forgotten.push(Arc::clone(room)),
                }
            }
        }
        self.reopen(forgotten).await
    }

    async fn reopen(self: &Arc<Self>, rooms: Vec<Arc<Room>>) -> Result<(), BusError> {
        let heads = stream::iter(rooms).map(|room| {
            let hub = Arc::clone(self);
            async move { (hub.head(room.id).await, room) }
        });
        let mut heads = heads.buffer_unordered(REOPENS_AT_ONCE);
        let mut failures = 0;
        while let Some((head, room)) = heads.next().await {
            match head {
                Ok(head) => self.after(&room, room.compare(head)),
                // One room that cannot be opened must not keep the others waiting, nor many all of them.
                Err(_) if failures < REOPEN_FAILURES_MAX => failures += 1,
                Err(error) => return Err(error),
            }
        }
        if failures == 0 {
            Ok(())
        } else {
            Err(BusError::Unavailable(format!("{failures} rooms not opened")))
        }
    }

    async fn read_again(&self, room: RoomId, gap: SequenceGap) -> Result<Vec<SequencedEvent>, BusError> {
        let permit = self.repairs.acquire().await;
        self.metrics.repairs.inc();
        let events = if gap.events > RESUME_EVENTS_MAX {
            // More than anybody is replayed: what the tail does not have is for history.
            self.bus.range(room, gap.after.seq, TAIL_EVENTS_MAX).await
        } else {
            self.events_after(room, gap.after).await.map(|(_, events)| events)
        };
        drop(permit);
        events
    }

    /// What follows a place: from the hot tail, or from the store if the tail begins later. If the api does not
    /// answer, there is no more than the tail has. Says which it was.
    pub(crate) async fn events_after(
        &self,
        room: RoomId,
        at: Position,
    ) -> Result<(&'static str, Vec<SequencedEvent>), BusError> {
        let tail = self.bus.range(room, at.seq, TAIL_EVENTS_MAX).await?;
        if tail.first().is_some_and(|first| (first.epoch, first.seq) == (at.epoch, at.seq.next())) {
            return Ok(("tail", tail));
        }
        let place = Position { epoch: at.epoch, seq: at.seq };
        match self.authority.events(room, place, EVENTS_PER_READ_MAX).await {
            Ok(events) if !events.is_empty() => Ok(("store", events)),
            Ok(_) => Ok(("tail", tail)),
            Err(error) => {
                tracing::debug!(%room, %error, "events not read from the store");
                self.metrics.failures.with_label_values(&["api"]).inc();
                Ok(("tail", tail))
            }
        }
    }
}
