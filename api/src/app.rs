//! What all requests of one process share. Built once, with all its parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rookery_bus::Bus;
use rookery_bus::limiter::Limiter;
use rookery_bus::pace::Pace;
use rookery_bus::presence::PresenceStore;
use rookery_runtime::listener::Refusals;
use rookery_runtime::origin::Origins;
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::token::{SigningKeys, Verifier};
use rookery_store::{StoreError, Stores};
use tower_http::cors::CorsLayer;

use crate::cors;
use crate::cursor::Cursors;
use crate::error::ApiError;
use crate::limits::{HISTORY_READ_WAIT, HISTORY_READS_MAX, PASSWORDS_PER_ADDRESS_MAX, PASSWORDS_WAITING_MAX};
use crate::metrics::{Metrics, MetricsError};
use crate::password::{PasswordError, Passwords};
use crate::registration::Registration;
use crate::service::announce::Announcer;
use crate::service::authority::{LocalAuthority, LocalAuthorityParts};
use crate::service::history::Reads;
use crate::service::{acting, rooms, sessions};
use crate::stored::StoredWaits;
use crate::underway::Underway;

/// What an [`App`] is made of.
pub struct AppParts {
    /// Where everything is kept.
    pub stores: Stores,
    /// Where events get their numbers.
    pub bus: Arc<dyn Bus>,
    /// Keeps who is online.
    pub presence: Arc<dyn PresenceStore>,
    /// What signs access tokens.
    pub keys: SigningKeys,
    /// The deployment's name in tokens.
    pub issuer: String,
    /// Whose pages may ask.
    pub origins: Origins,
    /// How much one user or one address may ask for.
    pub limiter: Arc<Limiter>,
    /// How fast one user may talk in one room.
    pub pace: Pace,
    /// Who may register.
    pub registration: Registration,
}

/// Why an [`App`] cannot be built or furnished.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// From hashing.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// From the metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// From registering the users of demo mode.
    #[error("demo users: {0}")]
    Demo(#[source] Box<ApiError>),
}

/// See the module's text.
pub struct App {
    /// Where everything is kept.
    pub stores: Stores,
    /// Where events get their numbers.
    pub(crate) bus: Arc<dyn Bus>,
    /// Keeps who is online.
    pub(crate) presence: Arc<dyn PresenceStore>,
    /// Signs access tokens.
    pub(crate) keys: Arc<SigningKeys>,
    /// Verifies them.
    pub(crate) verifier: Arc<Verifier>,
    /// Answers what gateways ask.
    pub(crate) authority: Arc<LocalAuthority>,
    /// Hashes off the async threads.
    pub(crate) passwords: Passwords,
    /// Tells pages of other origins what they may ask.
    pub(crate) cors: CorsLayer,
    /// Makes and reads cursors.
    pub(crate) cursors: Cursors,
    /// REST sends that wait for the store.
    pub(crate) stored: Arc<StoredWaits>,
    /// Pages of histories that are being read.
    pub(crate) history: Reads,
    /// Carries changes of membership to the bus.
    pub(crate) announcer: Announcer,
    /// Counts.
    pub metrics: Metrics,
    /// The deployment's name in tokens.
    pub(crate) issuer: String,
    /// What this process writes into the store.
    pub underway: Arc<Underway>,
    /// How much one user or one address may ask for.
    pub(crate) limiter: Arc<Limiter>,
    /// How fast one user may talk in one room; only told here, the bus counts.
    pub(crate) pace: Pace,
    /// Who may register.
    pub(crate) registration: Registration,
    prepared: AtomicBool,
    /// Why it is never to be again.
    halted: Mutex<Option<String>>,
    /// Why it is not, as far as that was found out.
    unprepared: Mutex<Option<String>>,
    draining: AtomicBool,
}

impl App {
    /// Puts the parts together. It serves requests once it is prepared.
    pub fn new(parts: AppParts) -> Result<Arc<Self>, AppError> {
        let AppParts { stores, bus, presence, keys, issuer, origins, limiter, pace, registration } = parts;
        let per_address = if limiter.is_off() { PASSWORDS_WAITING_MAX } else { PASSWORDS_PER_ADDRESS_MAX };
        let (keys, metrics, underway) = (Arc::new(keys), Metrics::new()?, Arc::new(Underway::default()));
        let verifier = Arc::new(Verifier::new(issuer.clone()));
        verifier.replace(&keys.public());
        let authority = Arc::new(LocalAuthority::new(LocalAuthorityParts {
            stores: stores.clone(),
            bus: Arc::clone(&bus),
            keys: Arc::clone(&keys),
            metrics: metrics.clone(),
            underway: Arc::clone(&underway),
        }));
        let stored = Arc::new(StoredWaits::new(metrics.stored_waits.clone()));
        let waits = Arc::clone(&stored);
        Ok(Arc::new(Self {
            announcer: Announcer::new(Arc::clone(&bus), Arc::clone(&authority), &stores, waits, metrics.clone()),
            passwords: Passwords::new(metrics.passwords_waiting.clone(), per_address)?,
            cors: cors::layer(origins),
            cursors: Cursors::new(&keys.derive_secret("cursor")),
            history: Reads::new(HISTORY_READS_MAX, HISTORY_READ_WAIT),
            stored,
            stores,
            bus,
            presence,
            keys,
            verifier,
            authority,
            metrics,
            issuer,
            underway,
            limiter,
            pace,
            registration,
            prepared: AtomicBool::new(false),
            halted: Mutex::default(),
            unprepared: Mutex::default(),
            draining: AtomicBool::new(false),
        }))
    }

    /// Brings the store up to date and makes sure of the room that everybody is in. Requests are served from then
    /// on. Idempotent; to be repeated while the store does not answer.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.stores.backend.migrate().await?;
        rooms::ensure_general(self).await
    }

    /// Counts what the listener keeps out.
    pub fn refusals(&self) -> Arc<dyn Refusals> {
        Arc::new(self.metrics.clone())
    }

    /// Starts what runs beside requests: the announcer and the listener to stored marks.
    pub fn run_background(self: &Arc<Self>, shutdown: &Shutdown) {
        let app = Arc::clone(self);
        shutdown.spawn("stored marks", async move { app.stored.follow(&*app.bus).await });
        shutdown.spawn("limits", Arc::clone(&self.limiter).announce());
        let app = Arc::clone(self);
        shutdown.spawn("reaction sweep", async move { acting::sweep(&app).await });
        let app = Arc::clone(self);
        shutdown.spawn("session purge", async move { sessions::purge(&app).await });
        let (app, drain) = (Arc::clone(self), shutdown.drain.clone());
        shutdown.spawn("announcer", async move {
            drain.run_until_cancelled(app.announcer.follow()).await;
            app.draining.store(true, Ordering::Release);
            app.announcer.finish().await;
        });
    }

    /// The authority, for gateways in the same process.
    pub fn authority(&self) -> Arc<LocalAuthority> {
        Arc::clone(&self.authority)
    }

    /// The verifier, for gateways in the same process.
    pub fn verifier(&self) -> Arc<Verifier> {
        Arc::clone(&self.verifier)
    }

    /// The metrics, for a process that shows those of several parts.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Why new requests are not welcome; nothing if they are: bus and store answer, the store takes changes and is
    /// prepared, the process is not stopping.
    pub async fn unready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.draining.load(Ordering::Acquire) {
            reasons.push("draining".to_owned());
        }
        if let Some(why) = self.halted.lock().clone() {
            reasons.push(why);
            return reasons;
        }
        if !self.is_prepared() {
            let cause = self.unprepared.lock().clone();
            reasons.push(cause.unwrap_or_else(|| "store and bus are not prepared yet".to_owned()));
            return reasons;
        }
        let (bus, store) = tokio::join!(self.bus.ping(), self.stores.backend.ping());
        reasons.extend(bus.err().map(|error| error.to_string()));
        reasons.extend(store.err().map(|error| error.to_string()));
        reasons
    }

    /// This process is to serve nothing more.
    pub fn halt(&self, why: String) {
        self.prepared.store(false, Ordering::Release);
        *self.halted.lock() = Some(why);
    }

    /// Notes why the store could not be prepared, for whoever asks whether the process is ready.
    pub fn set_unprepared(&self, cause: String) {
        *self.unprepared.lock() = Some(cause);
    }

    /// Whether the store has been prepared since the process started.
    pub fn is_prepared(&self) -> bool {
        self.prepared.load(Ordering::Acquire)
    }

    pub(crate) fn set_prepared(&self) {
        self.prepared.store(true, Ordering::Release);
    }
}
