//! The process: its parts, both listeners, how it starts and how it drains.
//!
//! It starts without Redis and MongoDB too and serves as soon as they answer; it never ends because one is lost.

use std::io;
use std::sync::Arc;

use rookery_shared::bus::redis::{RedisBus, RedisOptions};
use rookery_shared::bus::{Bus, BusError, Revoked};
use rookery_shared::clock::UnixMillis;
use rookery_shared::config::Unusable;
use rookery_shared::limits::{START_PAUSE_MAX, START_PAUSE_MIN};
use rookery_shared::listener::{self, ListenerOptions};
use rookery_shared::shutdown::Shutdown;
use rookery_shared::token::{KeyError, SigningKeys};
use secrecy::ExposeSecret;
use tokio::time::sleep;

use crate::app::{App, AppError, AppParts};
use crate::config::Config;
use crate::demo;
use crate::ingest::Ingest;
use crate::router;
use crate::seed::{Credentials, Order, SeedError};
use crate::service::sessions;
use crate::store::{StoreError, Stores, mongo};

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// From the signing keys.
    #[error(transparent)]
    Key(#[from] UnusableKeys),
    /// From the options of the bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// From the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// From the parts.
    #[error(transparent)]
    App(#[from] AppError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Setting(#[from] Unusable),
    /// The system refuses signal handlers.
    #[error("signals: {0}")]
    Signals(io::Error),
}

/// The signing keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{given}: {source}")]
pub struct UnusableKeys {
    given: String,
    source: KeyError,
}

/// Serves until a signal ends it.
pub async fn serve(config: Config, with_demo: bool) -> Result<(), ServeError> {
    let shutdown = Shutdown::new();
    let keys = keys(&config)?;
    let (public, internal) = Unusable::both(config.listen.bind().await, config.internal_listen.bind().await)?;
    let stores = open_store(&config).await?;
    let bus = RedisBus::connect(&RedisOptions { url: config.redis_url.clone(), pace: config.pace }, &shutdown)?;
    let app = App::new(AppParts {
        presence: bus.clone(),
        stores: stores.clone(),
        bus: Arc::clone(&bus) as Arc<dyn Bus>,
        keys,
        issuer: config.issuer.clone(),
        origins: config.origins.clone(),
        limiter: config.limits.limiter(bus.clone()),
        pace: config.pace,
    })?;
    app.run_background(&shutdown);
    let start = Start { app: Arc::clone(&app), bus, stores, node_name: config.node_name.clone(), with_demo };
    let until = shutdown.clone();
    shutdown.spawn_work("start", async move { start.run(&until).await });
    let options = ListenerOptions::public(config.connections_max, &config.limits, app.refusals());
    listener::start(public, router::public(&app).into_service(), options, &shutdown);
    let options = ListenerOptions::internal(config.connections_max, app.refusals());
    let insiders = router::internal(&app, config.internal_secret.clone());
    listener::start(internal, insiders.into_service(), options, &shutdown);
    tracing::info!(listen = %config.listen, internal = %config.internal_listen, node = config.node_name, "api started");
    shutdown.on_signals(config.drain).await.map_err(ServeError::Signals)
}

/// Brings the store up to date and ends.
pub async fn migrate(config: &Config) -> Result<(), StoreError> {
    open_store(config).await?.backend.migrate().await
}

/// Makes what a load test needs and ends.
pub async fn seed(config: &Config, order: Order) -> Result<Credentials, SeedError> {
    let keys = keys(config)?;
    order.carry_out(&open_store(config).await?, &keys, &config.issuer).await
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// From the options of the bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// From the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody has this name.
    #[error("there is no such account")]
    Unknown,
}

/// Lets an account log in, or not any more: then its sessions end too, and open sockets with them.
pub async fn set_disabled(config: &Config, login: &str, disabled: bool) -> Result<(), AccountError> {
    let (shutdown, stores) = (Shutdown::new(), open_store(config).await?);
    stores.backend.migrate().await?;
    let user = stores.users.by_login(login).await?.ok_or(AccountError::Unknown)?;
    stores.users.set_disabled(user.id, disabled).await?;
    if disabled {
        // In this order: a login that is under way looks at the account again after its session is there.
        stores.sessions.revoke_all(user.id, UnixMillis::now()).await?;
        let bus = RedisBus::connect(&RedisOptions { url: config.redis_url.clone(), pace: config.pace }, &shutdown)?;
        sessions::tell(&*bus, user.id, Revoked::All).await;
    }
    Ok(())
}

/// An address with `mongodb+srv://` is looked up in DNS, which may be away for a while. Any other error stays.
async fn open_store(config: &Config) -> Result<Stores, StoreError> {
    let looked_up = config.mongo_url.expose_secret().starts_with("mongodb+srv:");
    loop {
        match mongo::open(&config.mongo_url, &config.mongo_database).await {
            Err(error) if looked_up => tracing::warn!(%error, "store not found, looking again"),
            outcome => return outcome,
        }
        sleep(START_PAUSE_MAX).await;
    }
}

fn keys(config: &Config) -> Result<SigningKeys, UnusableKeys> {
    let loaded = SigningKeys::load(&config.keys_dir, config.signing_key.as_deref());
    loaded.map_err(|source| UnusableKeys { given: config.keys_dir.given().to_owned(), source })
}

/// What has to happen before requests are served: the bus is ours, the store is up to date. Then ingest starts.
struct Start {
    app: Arc<App>,
    bus: Arc<RedisBus>,
    stores: Stores,
    node_name: String,
    with_demo: bool,
}

impl Start {
    async fn run(self, shutdown: &Shutdown) {
        if shutdown.drain.run_until_cancelled(self.prepared()).await.is_some() {
            tracing::info!("store and bus are prepared, serving");
            let metrics = self.app.metrics.clone();
            let underway = Arc::clone(&self.app.underway);
            Ingest::new(self.bus, &self.stores, underway, &self.node_name, metrics).start(shutdown);
        }
    }

    async fn prepared(&self) {
        let mut pause = START_PAUSE_MIN;
        while let Err(error) = self.prepare().await {
            tracing::warn!(%error, "not prepared yet, trying again");
            sleep(pause).await;
            pause = (pause * 2).min(START_PAUSE_MAX);
        }
    }

    async fn prepare(&self) -> Result<(), ServeError> {
        self.bus.check_partitions().await?;
        self.app.prepare().await?;
        if self.with_demo {
            demo::create_users(&self.app).await?;
        }
        Ok(())
    }
}
