//! Retention: what is older than a room keeps, or the server where the room does not say, is erased, a piece at a time. One
//! process of a cluster works, under a lease; what it was at when it ended is there the next time.
//!
//! Numbers never come back: the newest event of a room stays, without its text if that is as old. Who resumes where events are
//! gone is told that there is a gap.

use std::time::Duration;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::RoomId;
use rookery_store::job::Lease;
use rookery_store::room::Room;
use tokio::time::sleep;
use uuid::Uuid;

use crate::error::ApiError;
use crate::limits::{RETENTION_INTERVAL, RETENTION_LEASE, RETENTION_PAUSE, RETENTION_PIECE, RETENTION_ROOMS_PER_READ};
use crate::metrics::Metrics;
use crate::rooms::Rooms;
use crate::settings::LiveSettings;

/// Name of the lease.
const LEASE: &str = "retention";
const DAY: Duration = Duration::from_hours(24);

/// Erases what is too old. Cheap to clone.
#[derive(Clone)]
pub struct Retention {
    rooms: Rooms,
    settings: LiveSettings,
    metrics: Metrics,
    /// Names this process among all that may hold the lease.
    holder: Uuid,
}

impl Retention {
    /// Of these rooms.
    pub fn new(rooms: Rooms, settings: LiveSettings, metrics: Metrics) -> Self {
        Self { rooms, settings, metrics, holder: Uuid::new_v4() }
    }

    /// Works again and again, for ever.
    pub(crate) async fn follow(&self) {
        loop {
            sleep(RETENTION_INTERVAL).await;
            match self.pass().await {
                Ok(0) => {}
                Ok(gone) => tracing::info!(gone, "events older than rooms keep them are erased"),
                Err(error) => {
                    self.metrics.retention_failures.inc();
                    tracing::warn!(%error, "what is too old is not erased yet");
                }
            }
        }
    }

    /// Whether nobody else is at it, for a while.
    async fn holds(&self) -> Result<bool, ApiError> {
        let now = UnixMillis::now();
        let lease = Lease { id: self.holder, until: now.plus(RETENTION_LEASE) };
        Ok(self.rooms.stores.leases.hold(LEASE, lease, now).await?)
    }

    /// Looks at every room once, and says how many events are gone.
    async fn pass(&self) -> Result<usize, ApiError> {
        let (mut after, mut gone) = (None::<RoomId>, 0);
        loop {
            if !self.holds().await? {
                return Ok(gone);
            }
            let rooms = self.rooms.stores.rooms.all(after, RETENTION_ROOMS_PER_READ).await?;
            for room in &rooms {
                gone += self.room(room).await?;
            }
            after = rooms.last().map(|room| room.id);
            if rooms.len() < RETENTION_ROOMS_PER_READ {
                return Ok(gone);
            }
        }
    }

    async fn room(&self, room: &Room) -> Result<usize, ApiError> {
        let Some(days) = room.retention_days.or(self.settings.now().retention_days) else { return Ok(0) };
        let before = UnixMillis::now().minus(DAY.saturating_mul(days));
        let mut gone = 0;
        loop {
            let piece = self.rooms.stores.room_erasures.erase_before(room.id, before, RETENTION_PIECE).await?;
            gone += piece;
            self.metrics.retention_erased.inc_by(u64::try_from(piece).unwrap_or(u64::MAX));
            if piece < RETENTION_PIECE {
                break;
            }
            if !self.holds().await? {
                break;
            }
            // Others want to write, too.
            sleep(RETENTION_PAUSE).await;
        }
        if gone > 0 {
            // What the bus still has of it goes as well.
            self.rooms.log.forget_stored(room.id).await?;
        }
        Ok(gone)
    }
}
