//! Builds the parts in the order in which they need each other, serves, and stops.

use std::path::Path;
use std::sync::Arc;

use rookery_api::app::{App, AppError, AppParts};
use rookery_api::journal::StoreJournal;
use rookery_api::seed::{Credentials, Order, SeedError};
use rookery_api::store::{self, StoreError, Stores};
use rookery_api::{demo, router};
use rookery_gateway::gateway::{Gateway, GatewayOptions, GatewayParts};
use rookery_shared::bus::memory::MemoryBus;
use rookery_shared::config::Unusable;
use rookery_shared::id::{Epoch, Partition};
use rookery_shared::listener::{self, ListenerOptions};
use rookery_shared::protocol::server::AckMode;
use rookery_shared::quota::memory::MemoryQuota;
use rookery_shared::shutdown::Shutdown;
use rookery_shared::token::{KeyError, SigningKeys};
use tokio::net::TcpListener;

use crate::config::Options;
use crate::operations;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Setting(#[from] Unusable),
    #[error("signals: {0}")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Serves until a signal has ended everything.
pub(crate) async fn serve(options: Arc<Options>, with_demo: bool) -> Result<(), StartError> {
    let listeners = claim(&options).await?;
    let shutdown = Shutdown::new();
    let stores = store::sqlite::open(&options.data_dir.join("rookery.db")).await?;
    stores.backend.migrate().await?;
    let journal = Arc::new(StoreJournal(Arc::clone(&stores.messages)));
    let bus = MemoryBus::start(epoch(&stores).await?, options.pace, journal, &shutdown);
    let limiter = options.limits.limiter(Arc::new(MemoryQuota::default()));
    let parts = AppParts {
        stores,
        bus: bus.clone(),
        presence: bus.clone(),
        keys: keys(&options.data_dir)?,
        issuer: options.issuer.clone(),
        origins: options.origins.clone(),
        limiter: Arc::clone(&limiter),
        pace: options.pace,
    };
    let app = App::new(parts)?;
    app.prepare().await?;
    app.run_background(&shutdown);
    if with_demo {
        demo::create_users(&app).await?;
    }
    let gateway = Gateway::new(GatewayParts {
        presence: bus.clone(),
        bus,
        authority: app.authority(),
        verifier: app.verifier(),
        origins: options.origins.clone(),
        shutdown: shutdown.clone(),
        limiter,
        options: GatewayOptions { drain: options.drain, ack: AckMode::Stored, caps: options.caps },
    })?;
    gateway.run_background();
    listen(&options, listeners, &app, &gateway, &shutdown);
    shutdown.on_signals(options.drain).await.map_err(StartError::Signals)
}

/// Makes what a load test needs; the server of the same folder may run meanwhile.
pub(crate) async fn seed(options: &Options, order: Order) -> Result<Credentials, StartError> {
    options.data_dir.prepare()?;
    let stores = store::sqlite::open(&options.data_dir.join("rookery.db")).await?;
    Ok(order.carry_out(&stores, &keys(&options.data_dir)?, &options.issuer).await?)
}

/// What the process has from the system: its folder and both its addresses. All that it does not get is told at once.
async fn claim(options: &Options) -> Result<[TcpListener; 2], Unusable> {
    let (public, internal) = (options.listen.bind().await, options.internal_listen.bind().await);
    let (_, (public, internal)) = Unusable::both(options.data_dir.prepare(), Unusable::both(public, internal))?;
    Ok([public, internal])
}

fn listen(
    options: &Options,
    [public, internal]: [TcpListener; 2],
    app: &Arc<App>,
    gateway: &Gateway,
    shutdown: &Shutdown,
) {
    options.origins.warn_of_names(public.local_addr());
    let addresses = (public.local_addr(), internal.local_addr());
    let limits = ListenerOptions::public(options.connections_max, &options.limits, gateway.refusals());
    let router = router::public(app).merge(gateway.router());
    listener::start(public, router.into_service(), limits, shutdown);
    let limits = ListenerOptions::internal(options.connections_max, gateway.refusals());
    listener::start(internal, operations::router(app, gateway).into_service(), limits, shutdown);
    if let (Ok(public), Ok(internal)) = addresses {
        crate::announce(options, public, internal);
    }
}

/// All rooms of one file share one epoch: its numbers are never rewound.
async fn epoch(stores: &Stores) -> Result<Epoch, StoreError> {
    match stores.epochs.current(Partition(0)).await? {
        Some(epoch) => Ok(epoch),
        None => stores.epochs.next(Partition(0)).await,
    }
}

fn keys(data_dir: &Path) -> Result<SigningKeys, KeyError> {
    let dir = data_dir.join("keys");
    if !SigningKeys::exist(&dir) {
        SigningKeys::generate(&dir, "first")?;
    }
    SigningKeys::load(&dir, None)
}
