//! The gateway as a process of its own: Redis, the api over HTTP, two listeners, and the end on a signal.

use std::sync::Arc;

use rookery_bus::error::BusError;
use rookery_bus_redis::{RedisBus, RedisOptions};
use rookery_gateway::gateway::{Gateway, GatewayOptions, GatewayParts};
use rookery_runtime::config::Unusable;
use rookery_runtime::listener::{self, ListenerOptions};
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::this_build;
use rookery_runtime::token::Verifier;

use crate::authority_http::{AuthorityOptions, HttpAuthority};
use crate::config::Config;

/// Connections of the internal listener: a few probes and scrapers.
const INTERNAL_CONNECTIONS_MAX: usize = 64;

/// Why the process cannot start. A Redis or an api that is away is no reason: it is waited for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Setting(#[from] Unusable),
    /// The Redis address is none.
    #[error("redis_url: {0}")]
    Bus(#[from] BusError),
    /// Two metrics have one name.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// No signal handlers.
    #[error("signals: {0}")]
    Signals(std::io::Error),
}

/// Serves until a signal has come and the drain is over.
pub(crate) async fn serve(config: Config) -> Result<(), StartError> {
    let shutdown = Shutdown::new();
    let (public, internal) = Unusable::both(config.listen.bind().await, config.internal_listen.bind().await)?;
    tracing::info!(listen = %config.listen, internal = %config.internal_listen, "gateway started");
    let (drain, connections_max, limits) = (config.drain, config.connections_max, config.limits.clone());
    config.origins.warn_of_names(public.local_addr());
    let origins = config.origins.clone();
    let gateway = assemble(config, &shutdown)?;
    this_build!().register(gateway.registry())?;
    gateway.run_background();
    let options = limits.listener(connections_max, &origins, gateway.refusals());
    let router = gateway.whole_router();
    listener::start(public, router.into_service(), options, &shutdown);
    let options = ListenerOptions::internal(INTERNAL_CONNECTIONS_MAX, gateway.refusals());
    listener::start(internal, gateway.internal_router().into_service(), options, &shutdown);
    shutdown.on_signals(drain).await.map_err(StartError::Signals)
}

fn assemble(config: Config, shutdown: &Shutdown) -> Result<Gateway, StartError> {
    let bus = RedisBus::connect(&RedisOptions { url: config.redis_url, pace: config.pace }, shutdown)?;
    let (url, tls, secret) = (config.api_url, config.api_tls, config.internal_secret);
    let authority = HttpAuthority::new(AuthorityOptions { url, tls, secret });
    let limiter = config.limits.limiter(bus.clone());
    let gateway = Gateway::new(GatewayParts {
        presence: bus.clone(),
        bus,
        limiter,
        authority: Arc::new(authority),
        verifier: Arc::new(Verifier::new(config.issuer)),
        origins: config.origins,
        shutdown: shutdown.clone(),
        options: GatewayOptions { drain: config.drain, ack: config.ack, caps: config.caps, polling: config.polling },
    })?;
    Ok(gateway)
}
