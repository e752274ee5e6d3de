//! The lease of this node, and cleaning up after nodes that have lost theirs.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rookery_bus::error::BusError;
use rookery_bus::presence::{Change, LeaseTerm, Leases};
use rookery_protocol::id::LeaseId;
use rookery_protocol::partition::partitions;
use rookery_runtime::shutdown::Shutdown;
use tokio::time::{Instant, sleep, timeout};

use super::Presence;
use crate::limits::{PRESENCE_GRACE, PRESENCE_LEASE_LIFE, PRESENCE_RENEW_INTERVAL, PRESENCE_RETRY_PAUSE, REAP_PAUSE};

/// After the end of another's lease, so that the store has seen it, too.
const LATER: Duration = Duration::from_millis(10);

impl Presence {
    /// Holds the lease until the node drains. Its users then have the drain and the grace to come back elsewhere.
    pub async fn keep(self: Arc<Self>, shutdown: Shutdown) {
        let mut first = true;
        while !shutdown.drain.is_cancelled() {
            let pause = match self.renew(first, &shutdown).await {
                Ok(pause) => {
                    first = false;
                    pause
                }
                Err(Lost::Lease) => {
                    first = true;
                    continue;
                }
                Err(Lost::Bus(error)) => {
                    tracing::debug!(%error, "presence: lease not renewed");
                    self.metrics.failures.with_label_values(&["bus"]).inc();
                    PRESENCE_RETRY_PAUSE
                }
            };
            // Whatever ends the wait, it is time to look.
            let waited = timeout(pause, self.doubt.notified());
            if let Some(Ok(())) = shutdown.drain.run_until_cancelled(waited).await {
                self.check().await;
            }
        }
        let term = LeaseTerm { life: self.drain + PRESENCE_GRACE, first };
        if let Err(error) = self.store.hold(self.lease(), term).await {
            tracing::debug!(%error, "presence: the drain is not told");
        }
    }

    /// How long to wait for the next renewal.
    async fn renew(self: &Arc<Self>, first: bool, shutdown: &Shutdown) -> Result<Duration, Lost> {
        let term = LeaseTerm { life: PRESENCE_LEASE_LIFE, first };
        let Leases { held, claimed, next_end } = self.store.hold(self.lease(), term).await.map_err(Lost::Bus)?;
        if !held {
            tracing::warn!("presence: the lease was lost, everybody is written again");
            self.begin_anew();
            return Err(Lost::Lease);
        }
        self.is_held.store(true, Ordering::Release);
        self.written.notify_one();
        for dead in claimed {
            shutdown.spawn("presence reaper", Arc::clone(self).clean_up(dead));
        }
        let next_end = next_end.map_or(PRESENCE_RENEW_INTERVAL, |rest| rest + LATER);
        Ok(next_end.min(PRESENCE_RENEW_INTERVAL))
    }

    /// The bus may have lost what was written last, although it has the lease: it is written again, which notifies nobody
    /// anything unless it was lost.
    async fn check(&self) {
        // Several signs of one loss are one.
        sleep(PRESENCE_RETRY_PAUSE).await;
        self.local.lock().write_again(Instant::now());
        self.written.notify_one();
    }

    /// What is written under the old lease belongs to whoever cleans up.
    fn begin_anew(&self) {
        self.is_held.store(false, Ordering::Release);
        *self.lease.lock() = LeaseId::generate();
        self.local.lock().write_again(Instant::now());
    }

    pub(super) fn lease(&self) -> LeaseId {
        *self.lease.lock()
    }

    async fn clean_up(self: Arc<Self>, dead: LeaseId) {
        match self.reap(dead).await {
            Ok(users) => tracing::info!(lease = %dead, users, "presence: cleaned up after a node"),
            // Its claim ends, and somebody else goes on.
            Err(error) => tracing::warn!(lease = %dead, %error, "presence: not cleaned up"),
        }
    }

    async fn reap(&self, dead: LeaseId) -> Result<usize, BusError> {
        let mut count = 0;
        for partition in partitions() {
            loop {
                let remains = self.store.remains(dead, partition).await?;
                if remains.users.is_empty() && remains.rooms.is_empty() {
                    break;
                }
                let gone: Vec<_> = remains.users.into_iter().map(|user| (user, Change::Disconnect)).collect();
                self.store.change(Some(dead), &gone).await?;
                let empty: Vec<_> = remains.rooms.into_iter().map(|room| (room, None)).collect();
                self.store.occupy(dead, &empty).await?;
                count += gone.len();
                self.metrics
                    .presence_writes
                    .with_label_values(&["reap"])
                    .inc_by(u64::try_from(gone.len()).unwrap_or(0));
                sleep(REAP_PAUSE).await;
            }
        }
        self.store.delete_lease(dead).await?;
        Ok(count)
    }
}

/// Why the lease is not renewed.
enum Lost {
    /// It has ended before.
    Lease,
    Bus(BusError),
}
