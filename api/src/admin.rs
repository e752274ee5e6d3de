//! Running the server: accounts, settings and what staff have done. Whoever asks is an admin at that moment; each act leaves
//! an entry in the audit log.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRef};
use rookery_bus::error::BusError;
use rookery_bus::node::{NodeCard, Nodes};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::{StoreError, Stores};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::accounts::erasure::Erasing;
use crate::accounts::exporting::Exporting;
use crate::accounts::sessions::Sessions;
use crate::admin::act::Act;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::jobs::JobQueue;
use crate::limits::{AUDIT_KEPT, AUDIT_PURGE_INTERVAL, AUDIT_PURGE_MAX, FILTER_BYTES_MAX};
use crate::notices::announcing::Announcing;
use crate::periodic::every;
use crate::rooms::Rooms;
use crate::settings::LiveSettings;

pub mod act;
pub mod announcements;
pub mod audit;
pub mod erase;
pub mod export;
pub mod filter;
pub mod lookup;
pub mod nodes;
pub mod retry_job;
pub mod rooms;
pub mod settings;
pub mod stats;
pub mod users;

/// The routes of running the server.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Administration: FromRef<S>,
    Announcing: FromRef<S>,
    Authentication: FromRef<S>,
    Cursors: FromRef<S>,
    Erasing: FromRef<S>,
    Exporting: FromRef<S>,
    JobQueue: FromRef<S>,
    Rooms: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(users::list))
        .routes(routes!(users::change, erase::erase))
        .routes(routes!(export::export_user))
        .routes(routes!(users::log_out))
        .routes(routes!(settings::read, settings::change).layer(DefaultBodyLimit::max(FILTER_BYTES_MAX)))
        .routes(routes!(filter::read, filter::set).layer(DefaultBodyLimit::max(FILTER_BYTES_MAX)))
        .routes(routes!(audit::list))
        .routes(routes!(audit::of_room))
        .routes(routes!(announcements::list, announcements::create))
        .routes(routes!(announcements::remove))
        .routes(routes!(nodes::list))
        .routes(routes!(retry_job::retry))
        .routes(routes!(rooms::list))
        .routes(routes!(rooms::export_room))
        .routes(routes!(lookup::message))
        .routes(routes!(stats::show))
}

/// Runs the server.
#[derive(Clone)]
pub struct Administration {
    pub(crate) stores: Stores,
    pub(crate) sessions: Sessions,
    pub(crate) settings: LiveSettings,
    pub(crate) nodes: Arc<dyn Nodes>,
}

impl Administration {
    /// Notes an act.
    pub(crate) async fn note(&self, act: Act, by: UserId, at: UnixMillis) -> Result<(), StoreError> {
        tracing::info!(user_id = %by, action = act.action, "act of an admin");
        self.stores.audit.add(&act.entry(by, at)).await
    }

    /// The cards of all processes, the one that has been running longest first.
    async fn cards(&self) -> Result<Vec<NodeCard>, BusError> {
        let mut cards = self.nodes.nodes().await?;
        cards.sort_unstable_by_key(|card| (card.started_at, card.id));
        Ok(cards)
    }

    /// Forgets what was done long ago, again and again. Every api does; twice is as good as once.
    pub(crate) async fn purge(&self) {
        let purge = || self.stores.audit.purge(UnixMillis::now().minus(AUDIT_KEPT), AUDIT_PURGE_MAX);
        every(AUDIT_PURGE_INTERVAL, "audit purge", purge).await;
    }
}
