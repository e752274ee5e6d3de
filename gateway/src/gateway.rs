//! The parts of a gateway and how they are put together; also used by the standalone process.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use rookery_bus::Bus;
use rookery_bus::authority::Authority;
use rookery_bus::filters::Filters;
use rookery_bus::limiter::Limiter;
use rookery_bus::node::{Announcer, Figures, NodeKind};
use rookery_bus::presence::PresenceStore;
use rookery_protocol::server::AckMode;
use rookery_runtime::config::Switch;
use rookery_runtime::listener::Refusals;
use rookery_runtime::origin::Origins;
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::token::Verifier;
use tokio::time::Instant;
use tower_http::catch_panic::CatchPanicLayer;

use crate::acks::Acks;
use crate::authorize::Permissions;
use crate::drain_schedule::DrainSchedule;
use crate::hub::Hub;
use crate::metrics::Metrics;
use crate::node::Node;
use crate::pending_sockets::{PendingSockets, SocketCaps};
use crate::polling::PollingConnections;
use crate::presence::{Presence, PresenceParts};
use crate::relay::{Relay, RelayParts};
use crate::replies::Replies;
use crate::session_registry::{SessionRegistry, SessionRegistryParts};
use crate::{health, jwks, upgrade};

/// What a gateway stands on.
pub struct GatewayParts {
    /// Carries room events.
    pub bus: Arc<dyn Bus>,
    /// Keeps who is online.
    pub presence: Arc<dyn PresenceStore>,
    /// Knows rights and rooms.
    pub authority: Arc<dyn Authority>,
    /// Checks access tokens; the gateway gives it the authority's keys.
    pub verifier: Arc<Verifier>,
    /// Web pages of other hosts that may connect.
    pub origins: Origins,
    /// Of the process; connections are its tasks.
    pub shutdown: Shutdown,
    /// How much one user or one address may ask for.
    pub limiter: Arc<Limiter>,
    /// Choices of whoever runs it.
    pub options: GatewayOptions,
}

/// What may differ from one deployment to the next.
#[derive(Clone, Copy, Debug)]
pub struct GatewayOptions {
    /// From the signal to the end.
    pub drain: Duration,
    /// What an ack says.
    pub ack: AckMode,
    /// How many sockets there may be.
    pub caps: SocketCaps,
    /// Whether Socket.IO clients may connect by long-polling.
    pub polling: Switch,
}

/// A gateway: routers to serve, and work to do in the background.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) node: Arc<Node>,
}

impl Gateway {
    /// Puts the parts together. Nothing runs yet.
    ///
    /// # Errors
    /// Only if two metrics have one name, which is a defect.
    pub fn new(parts: GatewayParts) -> Result<Self, prometheus::Error> {
        let GatewayParts { bus, presence: store, authority, verifier, origins, shutdown, limiter, options } = parts;
        let metrics = Arc::new(Metrics::new()?);
        let hub = Hub::new(Arc::clone(&bus), Arc::clone(&authority), Arc::clone(&metrics), shutdown.clone());
        let permissions = Permissions::new(authority.clone(), shutdown.clone());
        let replies = Replies::new(authority.clone());
        let filters = Filters::new(authority.clone());
        let acks = Acks::new(Arc::clone(&metrics), hub.stored_notes());
        let session_registry = SessionRegistry::new(SessionRegistryParts {
            bus: bus.clone(),
            authority: Arc::clone(&authority),
            hub: Arc::clone(&hub),
            permissions: Arc::clone(&permissions),
            shutdown: shutdown.clone(),
            sockets_max: options.caps.per_user,
        });
        let presence = Presence::new(PresenceParts {
            store,
            hub: Arc::clone(&hub),
            session_registry: Arc::clone(&session_registry),
            metrics: Arc::clone(&metrics),
            drain: options.drain,
        });
        let (drain_schedule, ack, pending_sockets) =
            (DrainSchedule::new(options.drain), options.ack, PendingSockets::new(options.caps.pending));
        let polling = PollingConnections::new(options.polling, metrics.polling_connections.clone());
        let node = Node {
            bus,
            authority,
            verifier,
            origins,
            shutdown,
            hub,
            permissions,
            replies,
            filters,
            acks,
            session_registry,
            presence,
            metrics,
            drain_schedule,
            ack,
            limiter,
            pending_sockets,
            polling,
            heartbeat_origin: Instant::now(),
        };
        Ok(Self { node: Arc::new(node) })
    }

    /// The routes of a server that has no others.
    pub fn whole_router(&self) -> Router {
        self.router().fallback(upgrade::elsewhere)
    }

    /// The public addresses: `/ws`, `/ws/{room}`, `/ws/chat/{room}`, `/ws/dm/{user}` and `/socket.io/`. Only [`rookery_runtime::listener::serve`]
    /// can serve them, since an upgraded stream is taken back from it.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/ws", get(upgrade::upgrade_multi_room))
            .route("/ws/{room}", get(upgrade::upgrade_single_room))
            .route("/ws/chat/{room}", get(upgrade::upgrade_single_room))
            .route("/ws/dm/{user}", get(upgrade::upgrade_direct))
            .method_not_allowed_fallback(upgrade::other_method)
            .merge(upgrade::socketio_routes(&self.node))
            .with_state(Arc::clone(&self.node))
            .layer(CatchPanicLayer::new())
    }

    /// For the listener that is never published: `/live`, `/ready` and `/metrics`.
    pub fn internal_router(&self) -> Router {
        health::router(Arc::clone(&self.node))
    }

    /// Starts everything that is not a connection. To be called once, before serving. None of it is waited for by a
    /// drain: it serves the connections as long as there are any.
    pub fn run_background(&self) {
        let node = self.node.as_ref();
        let Node {
            bus,
            authority,
            verifier,
            shutdown,
            hub,
            permissions,
            acks,
            session_registry,
            limiter,
            presence,
            ..
        } = node;
        let card = Announcer::new(bus.clone(), NodeKind::Gateway, env!("CARGO_PKG_VERSION"));
        let relay = Relay::new(RelayParts {
            hub: Arc::clone(hub),
            replies: Arc::clone(&node.replies),
            acks: Arc::clone(acks),
            permissions: Arc::clone(permissions),
            session_registry: Arc::clone(session_registry),
            presence: Arc::clone(presence),
            node: card.id(),
        });
        let metrics = Arc::clone(&node.metrics);
        let figures = move || Figures {
            connections: u64::try_from(metrics.connections.get()).unwrap_or(0),
            rooms: u64::try_from(metrics.rooms.get()).unwrap_or(0),
            lag_ms: None,
        };
        shutdown.spawn("node card", card.run(shutdown.clone(), figures));
        shutdown.spawn("relay", Arc::clone(&relay).listen(bus.signals()));
        shutdown.spawn("head audit", relay.audit());
        shutdown.spawn("acks", Arc::clone(acks).poll(bus.clone()));
        shutdown.spawn("logins", Arc::clone(session_registry).follow());
        shutdown.spawn("revocations", Arc::clone(session_registry).poll());
        shutdown.spawn("room sweep", Arc::clone(hub).sweep());
        shutdown.spawn("limits", Arc::clone(limiter).announce());
        shutdown.spawn("presence lease", Arc::clone(presence).keep(shutdown.clone()));
        shutdown.spawn("presence writer", Arc::clone(presence).write());
        shutdown.spawn("presence notifier", Arc::clone(presence).notify());
        shutdown.spawn("word filter", Arc::clone(&node.filters).follow());
        shutdown.spawn("keys", jwks::poll(authority.clone(), Arc::clone(verifier), Arc::clone(&node.metrics)));
    }

    /// Its metrics, for a process that shows those of several parts.
    pub fn registry(&self) -> &prometheus::Registry {
        self.node.metrics.registry()
    }

    /// Counts what the listener keeps out.
    pub fn refusals(&self) -> Arc<dyn Refusals> {
        Arc::clone(&self.node.metrics) as Arc<dyn Refusals>
    }

    /// Why this gateway should get no new connections; empty if it should.
    pub async fn unready(&self) -> Vec<&'static str> {
        health::unready(&self.node).await
    }
}
