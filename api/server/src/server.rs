//! The process: its parts, both listeners, how it starts and how it drains.
//!
//! It starts without Redis and MongoDB too and serves as soon as they answer; it never ends because one is lost.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rookery_api::accounts::command::{Order as UserOrder, UserError};
use rookery_api::accounts::sessions;
use rookery_api::app::{App, AppError, AppParts};
use rookery_api::demo::{self, Demo, OpenDemo};
use rookery_api::notices::feed::feed;
use rookery_api::router;
use rookery_api::search::command::Order as SearchOrder;
use rookery_api::seed::{Credentials, Order, SeedError};
use rookery_bus::Bus;
use rookery_bus::error::BusError;
use rookery_bus::signal::Revoked;
use rookery_bus_redis::limits::LEASE_LIFE;
use rookery_bus_redis::{RedisBus, RedisOptions};
use rookery_media::objects::{Objects, UnusableObjects};
use rookery_runtime::config::Unusable;
use rookery_runtime::listener::{self, ListenerOptions};
use rookery_runtime::log_throttle::LogThrottle;
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::this_build;
use rookery_runtime::token::{KeyError, SigningKeys, UnusableKeys, key_files};
use rookery_store::inventory::Comparison;
use rookery_store::{StoreError, Stores};
use rookery_store_mongo as mongo;
use rookery_store_mongo::backup::{BackupError, Beside, Copied, Copier};
use tokio::time::sleep;
use uuid::Uuid;

use crate::config::Config;
use crate::ingest::Ingest;
use crate::limits::{START_PAUSE_MAX, START_PAUSE_MIN};
use crate::timeline::{self, TimelineError};

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// From the signing keys.
    #[error(transparent)]
    Key(#[from] UnusableKeys),
    /// From the options of the bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// From the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// From the look whether Redis and the database belong together.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// From demo mode.
    #[error(transparent)]
    Demo(#[from] OpenDemo),
    /// From the parts.
    #[error(transparent)]
    App(#[from] AppError),
    /// Two metrics have one name.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// An address cannot be listened on.
    #[error(transparent)]
    Setting(#[from] Unusable),
    /// Avatars and files cannot be kept where the settings say.
    #[error(transparent)]
    Objects(#[from] UnusableObjects),
    /// The system refuses signal handlers.
    #[error("signals: {0}")]
    Signals(io::Error),
}

/// Serves until a signal ends it.
pub(crate) async fn serve(config: Config, demo: Demo) -> Result<(), ServeError> {
    let shutdown = Shutdown::new();
    let keys = keys(&config)?;
    let (public, internal) = Unusable::both(config.listen.bind().await, config.internal_listen.bind().await)?;
    demo.check(&public)?;
    let objects = Objects::open(&config.objects)?;
    let stores = open_store(&config).await?;
    let bus = RedisBus::connect(&RedisOptions { url: config.redis_url.clone(), pace: config.pace }, &shutdown)?;
    let app = App::new(AppParts {
        presence: bus.clone(),
        stores: stores.clone(),
        bus: Arc::clone(&bus) as Arc<dyn Bus>,
        keys,
        tokens: config.tokens.clone(),
        origins: config.origins.clone(),
        limiter: config.limits.limiter(bus.clone()),
        pace: config.pace,
        settings: config.settings.clone(),
        mail: demo.mail(config.mail.clone()),
        objects,
        push: config.push.clone(),
        files: config.files.clone(),
    })?;
    this_build!().register(app.metrics.registry())?;
    app.run_background(&shutdown);
    let start = Start { app: Arc::clone(&app), bus, stores, node_name: config.node_name.clone(), demo };
    let until = shutdown.clone();
    shutdown.spawn_work("start", async move { start.run(&until).await });
    let options = config.limits.listener(config.connections_max, &config.origins, app.refusals());
    listener::start(public, router::public(&app).into_service(), options, &shutdown);
    let mut options = ListenerOptions::internal(config.connections_max, app.refusals());
    options.tls = config.internal_tls.as_ref().map(|tls| Arc::clone(&tls.config));
    let asks_clients = config.internal_tls.as_ref().is_some_and(|tls| tls.asks_clients);
    let insiders = router::internal(&app, config.internal_secret.clone(), asks_clients);
    listener::start(internal, insiders.into_service(), options, &shutdown);
    tracing::info!(listen = %config.listen, internal = %config.internal_listen, node = config.node_name, "api started");
    shutdown.on_signals(config.drain).await.map_err(ServeError::Signals)
}

/// Brings the store up to date and ends.
pub(crate) async fn migrate(config: &Config) -> Result<(), StoreError> {
    open_store(config).await?.backend.migrate().await
}

/// Has the index of messages built again and ends; the apis of the cluster do it.
pub(crate) async fn search(config: &Config, order: SearchOrder) -> Result<String, StoreError> {
    order.execute(&open_store(config).await?).await
}

/// Makes what a load test needs and ends.
pub(crate) async fn seed(config: &Config, order: Order) -> Result<Credentials, SeedError> {
    let keys = keys(config)?;
    order.execute(&open_store(config).await?, &keys, &config.tokens.issuer).await
}

/// Why there is no backup, or nothing was put back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// From the options of the bus, or from the bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// From the copy.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// What is put back would be mixed with what it writes.
    #[error("an api serves {0} partitions of this cluster; stop all gateways and apis first. Nothing was changed")]
    Served(usize),
    /// From the signing keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

/// Copies the database, the signing keys and the settings into a new file.
pub(crate) async fn back_up(config: &Config, settings: String, file: &Path) -> Result<Copied, CopyError> {
    let beside = Beside { settings, keys: key_files::read(&config.keys_dir)? };
    Ok(Copier::open(&config.mongo_url, &config.mongo_database)
        .await?
        .backup(file, &beside)
        .await?)
}

/// Reads all of a copy, and compares it with the database.
pub(crate) async fn verify(config: &Config, file: &Path) -> Result<(Copied, Comparison), CopyError> {
    Ok(Copier::open(&config.mongo_url, &config.mongo_database).await?.verify(file).await?)
}

/// Puts a copy back. All that Redis holds belongs to what was there before, and goes.
pub(crate) async fn restore(config: &Config, file: &Path, replace: bool) -> Result<Copied, CopyError> {
    let copier = Copier::open(&config.mongo_url, &config.mongo_database).await?;
    let (bus, shutdown) = unserved(config).await?;
    let done = copier.restore(file, replace).await?;
    for (name, content) in &done.beside.keys {
        key_files::write(&config.keys_dir, name, content)?;
    }
    bus.remove_everything().await?;
    shutdown.stop().await;
    Ok(done)
}

/// The database was put back by other means: what Redis holds goes, and nobody takes the database for what it was.
pub(crate) async fn restored(config: &Config) -> Result<u64, CopyError> {
    let copier = Copier::open(&config.mongo_url, &config.mongo_database).await?;
    let (bus, shutdown) = unserved(config).await?;
    copier.begin_timeline().await?;
    let removed = bus.remove_everything().await?;
    shutdown.stop().await;
    Ok(removed)
}

/// The bus of a cluster that no api serves. One that was killed a moment ago is waited for.
async fn unserved(config: &Config) -> Result<(Arc<RedisBus>, Shutdown), CopyError> {
    let shutdown = Shutdown::new();
    let bus = RedisBus::connect(&RedisOptions { url: config.redis_url.clone(), pace: config.pace }, &shutdown)?;
    if bus.leases_held().await? == 0 {
        return Ok((bus, shutdown));
    }
    sleep(LEASE_LIFE * 2).await;
    match bus.leases_held().await? {
        0 => Ok((bus, shutdown)),
        held => Err(CopyError::Served(held)),
    }
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    /// From the options of the bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// From the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// From the order.
    #[error(transparent)]
    User(#[from] UserError),
}

/// Executes a command about accounts and returns a summary. Ended sessions are pushed to the gateways at once.
pub(crate) async fn change_user(
    config: &Config,
    order: UserOrder,
    show: impl FnMut(&str),
) -> Result<String, AccountError> {
    let (shutdown, stores) = (Shutdown::new(), open_store(config).await?);
    let done = order.execute(&stores, show).await?;
    if let Some(user) = done.ended {
        let bus = RedisBus::connect(&RedisOptions { url: config.redis_url.clone(), pace: config.pace }, &shutdown)?;
        sessions::push_revocation(&*bus, user, Revoked::All).await;
    }
    Ok(done.text)
}

/// An address with `mongodb+srv://` is looked up in DNS, which may be away for a while. Any other error stays.
async fn open_store(config: &Config) -> Result<Stores, StoreError> {
    let looked_up = config.mongo_url.is_looked_up();
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
    demo: Demo,
}

impl Start {
    async fn run(self, shutdown: &Shutdown) {
        if shutdown.drain.run_until_cancelled(self.prepared()).await.is_some() {
            tracing::info!("store and bus are prepared, serving");
            timeline::watch(Arc::clone(&self.app), Arc::clone(&self.bus), shutdown);
            let metrics = self.app.metrics.clone();
            let underway = Arc::clone(&self.app.underway);
            // Two processes may have been given one name; a lease has one holder all the same.
            let owner = format!("{}-{}", self.node_name, Uuid::new_v4().simple());
            let (notices, stored) = feed();
            self.app.follow_stored(stored, shutdown);
            Ingest::new(self.bus, &self.stores, underway, &owner, (metrics, notices)).start(shutdown);
        }
    }

    async fn prepared(&self) {
        let (mut pause, warnings) = (START_PAUSE_MIN, LogThrottle::default());
        while let Err(error) = self.prepare().await {
            if warnings.allows(&error.to_string()) {
                tracing::warn!(%error, "not prepared yet, trying again");
            }
            self.app.readiness.set_unprepared(error.to_string());
            sleep(pause).await;
            pause = (pause * 2).min(START_PAUSE_MAX);
        }
    }

    async fn prepare(&self) -> Result<(), ServeError> {
        self.bus.check_layout().await?;
        self.stores.backend.migrate().await?;
        timeline::look(&*self.stores.backend, &self.bus).await?;
        self.app.prepare().await?;
        Ok(demo::apply(&self.app, self.demo).await?)
    }
}
