//! What every connection of a process shares.

use std::sync::Arc;

use rookery_bus::Bus;
use rookery_bus::authority::Authority;
use rookery_bus::filters::Filters;
use rookery_bus::limiter::Limiter;
use rookery_protocol::server::AckMode;
use rookery_runtime::origin::Origins;
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::token::Verifier;
use tokio::time::Instant;

use crate::acks::Acks;
use crate::authorize::Permissions;
use crate::drain_schedule::DrainSchedule;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::pending_sockets::PendingSockets;
use crate::polling::PollingConnections;
use crate::presence::Presence;
use crate::replies::Replies;
use crate::session_registry::SessionRegistry;

/// What every connection of this process shares.
pub struct Node {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) origins: Origins,
    pub(crate) shutdown: Shutdown,
    pub(crate) hub: Arc<Hub>,
    pub(crate) permissions: Arc<Permissions>,
    pub(crate) replies: Arc<Replies>,
    pub(crate) filters: Arc<Filters>,
    pub(crate) acks: Arc<Acks>,
    pub(crate) session_registry: Arc<SessionRegistry>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) drain_schedule: DrainSchedule,
    pub(crate) ack: AckMode,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) pending_sockets: Arc<PendingSockets>,
    pub(crate) polling: Arc<PollingConnections>,
    /// Where the grid of all heartbeats begins.
    pub(crate) heartbeat_origin: Instant,
}
