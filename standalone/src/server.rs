//! Builds the parts in the order in which they need each other, serves, and stops.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rookery_api::accounts::command::{Order as UserOrder, UserError};
use rookery_api::app::{App, AppError, AppParts};
use rookery_api::demo::{self, Demo, OpenDemo};
use rookery_api::journal::StoreJournal;
use rookery_api::moderation::deletions::DeletionLog;
use rookery_api::notices::feed::feed;
use rookery_api::router;
use rookery_api::seed::SeedError;
use rookery_bus::memory::MemoryBus;
use rookery_bus::quota::memory::MemoryQuota;
use rookery_gateway::gateway::{Gateway, GatewayOptions, GatewayParts};
use rookery_media::objects::{Objects, UnusableObjects};
use rookery_protocol::id::{Epoch, Partition};
use rookery_protocol::server::AckMode;
use rookery_runtime::config::Unusable;
use rookery_runtime::listener::{self, ListenerOptions};
use rookery_runtime::metrics;
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::this_build;
use rookery_runtime::token::{KeyError, SigningKeys};
use rookery_store::user::ServerRole;
use rookery_store::{StoreError, Stores};
use rookery_store_sqlite::backup::BackupError;
use rookery_store_sqlite::lock::{self, FolderLock, LockError};
use tokio::net::TcpListener;

use crate::config::Options;
use crate::operations;

/// File of the database, in the data folder.
pub(crate) const DATABASE: &str = "rookery.db";

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Setting(#[from] Unusable),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("the database {file}: {source}")]
    Database { file: PathBuf, source: StoreError },
    #[error("this process may no longer write, and ends: {0}")]
    Lost(String),
    #[error(transparent)]
    Demo(#[from] OpenDemo),
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("the folder lacks {0} of what the backup has:\n  {1}")]
    Lacking(usize, String),
    #[error("signals: {0}")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Objects(#[from] UnusableObjects),
    #[error(transparent)]
    Seed(#[from] SeedError),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// What is to be done once, at this start.
#[derive(Debug, Default)]
pub(crate) struct Start {
    /// Whether the users of demo mode log in.
    pub(crate) demo: Demo,
    /// Becomes an admin.
    pub(crate) admin: Option<String>,
}

/// Serves until a signal has ended everything.
pub(crate) async fn serve(options: Arc<Options>, start: Start) -> Result<(), StartError> {
    let listeners = claim(&options).await?;
    start.demo.check(&listeners[0])?;
    let purpose = format!("serving {}", options.listen);
    let _lock = FolderLock::take(&options.data_dir, &purpose)?;
    metrics::watch_folder("data_dir", options.data_dir.to_path_buf());
    let shutdown = Shutdown::new();
    let stores = open(&options.data_dir, &lock::description(&purpose)).await?;
    let (notices, taken) = feed();
    let journal = Arc::new(StoreJournal {
        messages: Arc::clone(&stores.messages),
        notices,
        deletions: DeletionLog::new(&stores),
    });
    let bus = MemoryBus::start(epoch(&stores).await?, options.pace, journal, &shutdown);
    let limiter = options.limits.limiter(Arc::new(MemoryQuota::default()));
    let parts = AppParts {
        stores: stores.clone(),
        settings: options.settings.clone(),
        mail: start.demo.mail(options.mail.clone()),
        objects: Objects::open(&options.objects)?,
        push: options.push.clone(),
        files: options.files.clone(),
        bus: bus.clone(),
        presence: bus.clone(),
        keys: keys(&options.data_dir)?,
        tokens: options.tokens.clone(),
        origins: options.origins.clone(),
        limiter: Arc::clone(&limiter),
        pace: options.pace,
    };
    let app = App::new(parts)?;
    this_build!().register(app.metrics.registry())?;
    app.prepare().await?;
    app.run_background(&shutdown);
    app.follow_stored(taken, &shutdown);
    demo::apply(&app, start.demo).await?;
    if let Some(name) = start.admin {
        let done = UserOrder::Role(name, ServerRole::Admin).execute(&stores, |_| ()).await?;
        tracing::info!(done = done.text.trim(), "role given");
    }
    let gateway = Gateway::new(GatewayParts {
        presence: bus.clone(),
        bus,
        authority: app.authority(),
        verifier: app.verifier(),
        origins: options.origins.clone(),
        shutdown: shutdown.clone(),
        limiter,
        options: GatewayOptions {
            drain: options.drain,
            ack: AckMode::Stored,
            caps: options.caps,
            polling: options.polling,
        },
    })?;
    gateway.run_background();
    listen(&options, listeners, &app, &gateway, &shutdown);
    tokio::select! {
        ended = shutdown.on_signals(options.drain) => {
            stores.backend.close().await;
            ended.map_err(StartError::Signals)
        }
        why = stores.backend.lost() => {
            tracing::error!(why, "this process may no longer write, and ends");
            shutdown.stop().await;
            Err(StartError::Lost(why))
        }
    }
}

/// The store, up to date, and no longer any other process's.
async fn open(folder: &Path, holder: &str) -> Result<Stores, StartError> {
    let file = folder.join(DATABASE);
    let opened = async {
        let stores = rookery_store_sqlite::open(&file).await?;
        stores.backend.migrate().await?;
        stores.backend.take_over(holder).await?;
        Ok(stores)
    };
    opened.await.map_err(|source| StartError::Database { file: file.clone(), source })
}

/// What the process has from the system: its folder and both its addresses. Everything that is missing is reported together.
async fn claim(options: &Options) -> Result<[TcpListener; 2], Unusable> {
    let (public, internal) = (options.listen.bind().await, options.internal_listen.bind().await);
    let ((), (public, internal)) = Unusable::both(options.data_dir.prepare(), Unusable::both(public, internal))?;
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
    let limits = options.limits.listener(options.connections_max, &options.origins, gateway.refusals());
    let router = router::public(app).merge(gateway.router());
    listener::start(public, router.into_service(), limits, shutdown);
    let limits = ListenerOptions::internal(options.connections_max, gateway.refusals());
    listener::start(internal, operations::router(app, gateway).into_service(), limits, shutdown);
    if let (Ok(public), Ok(internal)) = addresses {
        crate::announce(options, public, internal);
    }
}

/// All rooms share one epoch, and each start begins one: the file may have gone back since the last one, and nothing in
/// it could tell.
async fn epoch(stores: &Stores) -> Result<Epoch, StoreError> {
    stores.epochs.next(Partition(0)).await
}

pub(crate) fn keys_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("keys")
}

pub(crate) fn keys(data_dir: &Path) -> Result<SigningKeys, KeyError> {
    let dir = keys_dir(data_dir);
    if !SigningKeys::exist(&dir) {
        SigningKeys::generate(&dir, "first")?;
    }
    SigningKeys::load(&dir, None)
}
