//! The process: all its parts, put together once.

use std::sync::Arc;

use axum::extract::FromRef;
use rookery_bus::Bus;
use rookery_bus::authority::RoomOpener;
use rookery_bus::limiter::Limiter;
use rookery_bus::pace::RoomRateLimit;
use rookery_bus::presence::PresenceStore;
use rookery_runtime::listener::Refusals;
use rookery_runtime::origin::Origins;
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::token::{SigningKeys, Verifier};
use rookery_store::{StoreError, Stores};

use crate::accounts::Accounts;
use crate::accounts::password::{PasswordError, Passwords};
use crate::accounts::registration::Registration;
use crate::accounts::sessions::Sessions;
use crate::accounts::token_options::TokenOptions;
use crate::authority::{LocalAuthority, LocalAuthorityParts};
use crate::error::ApiError;
use crate::history::{History, Reads};
use crate::http::cors::Cors;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::http::limit::Limits;
use crate::in_flight_writes::InFlightWrites;
use crate::key_watch::KeyWatch;
use crate::limits::{HISTORY_READ_WAIT, HISTORY_READS_MAX, PASSWORDS_PER_ADDRESS_MAX, PASSWORDS_WAITING_MAX};
use crate::messages::Messages;
use crate::metrics::{Metrics, MetricsError};
use crate::moderation::Moderation;
use crate::outbox::OutboxDispatcher;
use crate::presence::Presence;
use crate::readiness::Readiness;
use crate::rooms::Rooms;
use crate::stored_waiter::StoredWaits;

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
    /// What is in access tokens.
    pub tokens: TokenOptions,
    /// Whose pages may ask.
    pub origins: Origins,
    /// How much one user or one address may ask for.
    pub limiter: Arc<Limiter>,
    /// How fast one user may talk in one room.
    pub pace: RoomRateLimit,
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

/// The process. Each route takes the parts that it needs.
pub struct App {
    /// Where everything is kept.
    pub stores: Stores,
    /// Metrics of the process.
    pub metrics: Metrics,
    /// What this process writes into the store.
    pub underway: Arc<InFlightWrites>,
    /// Whether requests are welcome.
    pub readiness: Arc<Readiness>,
    /// Registers accounts.
    pub accounts: Accounts,
    /// Begins and ends login sessions.
    pub sessions: Sessions,
    /// Makes and finds rooms.
    pub rooms: Rooms,
    /// Sends messages.
    pub messages: Messages,
    bus: Arc<dyn Bus>,
    keys: Arc<SigningKeys>,
    verifier: Arc<Verifier>,
    authority: Arc<LocalAuthority>,
    cors: Cors,
    cursors: Cursors,
    history: History,
    moderation: Moderation,
    presence: Presence,
    limits: Limits,
}

/// What the routes are served with.
#[derive(Clone)]
pub struct AppState(Arc<App>);

/// Lets a route take a part of the process.
macro_rules! parts_of_the_state {
    ($($part:ty: $field:ident;)+) => {$(
        impl FromRef<AppState> for $part {
            fn from_ref(AppState(app): &AppState) -> Self {
                app.$field.clone()
            }
        }
    )+};
}

parts_of_the_state! {
    Accounts: accounts;
    Arc<LocalAuthority>: authority;
    Arc<Readiness>: readiness;
    Arc<SigningKeys>: keys;
    Cors: cors;
    Cursors: cursors;
    History: history;
    Limits: limits;
    Messages: messages;
    Metrics: metrics;
    Moderation: moderation;
    Presence: presence;
    Rooms: rooms;
    Sessions: sessions;
}

impl FromRef<AppState> for Authentication {
    fn from_ref(AppState(app): &AppState) -> Self {
        Self { verifier: Arc::clone(&app.verifier), sessions: Arc::clone(&app.stores.sessions) }
    }
}

impl App {
    /// Puts the parts together. It serves requests once it is prepared.
    pub fn new(parts: AppParts) -> Result<Arc<Self>, AppError> {
        let AppParts { stores, bus, presence, keys, tokens, origins, limiter, pace, registration } = parts;
        let per_address = if limiter.is_off() { PASSWORDS_WAITING_MAX } else { PASSWORDS_PER_ADDRESS_MAX };
        let (keys, metrics, underway) = (Arc::new(keys), Metrics::new()?, Arc::new(InFlightWrites::default()));
        let passwords = Arc::new(Passwords::new(metrics.passwords_waiting.clone(), per_address)?);
        let verifier = Arc::new(Verifier::new(tokens.issuer.clone()));
        let cursors = Cursors::default();
        let limits = Limits { limiter, verifier: Arc::clone(&verifier), pace };
        let authority = Arc::new(LocalAuthority::new(LocalAuthorityParts {
            stores: stores.clone(),
            bus: Arc::clone(&bus),
            keys: Arc::clone(&keys),
            metrics: metrics.clone(),
            underway: Arc::clone(&underway),
        }));
        let stored = Arc::new(StoredWaits::new(metrics.stored_waits.clone()));
        let (opener, waits) = (Arc::clone(&authority) as Arc<dyn RoomOpener>, Arc::clone(&stored));
        let dispatcher = OutboxDispatcher::new(bus.clone(), opener, &stores, waits, metrics.clone());
        let rooms = Rooms { stores: stores.clone(), log: bus.clone(), dispatcher, limits: limits.clone() };
        let reads = Arc::new(Reads::new(HISTORY_READS_MAX, HISTORY_READ_WAIT));
        let app = Arc::new(Self {
            readiness: Arc::new(Readiness::new(Arc::clone(&bus), Arc::clone(&stores.backend))),
            accounts: Accounts {
                stores: stores.clone(),
                passwords: Arc::clone(&passwords),
                registration,
                rooms: rooms.clone(),
            },
            sessions: Sessions {
                stores: stores.clone(),
                bus: bus.clone(),
                keys: Arc::clone(&keys),
                tokens: Arc::new(tokens),
                passwords,
                limits: limits.clone(),
                metrics: metrics.clone(),
            },
            messages: Messages {
                rooms: rooms.clone(),
                cursors: cursors.clone(),
                authority: Arc::clone(&authority),
                stored,
                metrics: metrics.clone(),
            },
            history: History { rooms: rooms.clone(), cursors: cursors.clone(), reads, metrics: metrics.clone() },
            moderation: Moderation { rooms: rooms.clone() },
            presence: Presence { store: presence, rooms: rooms.clone() },
            cors: Cors::of(origins),
            cursors,
            rooms,
            stores,
            bus,
            keys,
            verifier,
            authority,
            metrics,
            underway,
            limits,
        });
        app.key_watch().start();
        Ok(app)
    }

    /// What the routes are served with.
    pub fn state(self: &Arc<Self>) -> AppState {
        AppState(Arc::clone(self))
    }

    /// Brings the store up to date and makes sure of the room that everybody is in. Requests are served from then
    /// on. Idempotent; to be repeated while the store does not answer.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.stores.backend.migrate().await?;
        self.rooms.ensure_general().await?;
        self.readiness.set_prepared();
        Ok(())
    }

    /// Counts what the listener keeps out.
    pub fn refusals(&self) -> Arc<dyn Refusals> {
        Arc::new(self.metrics.clone())
    }

    /// Starts what runs beside requests: the announcer and the listener to stored marks.
    pub fn run_background(self: &Arc<Self>, shutdown: &Shutdown) {
        let app = Arc::clone(self);
        shutdown.spawn("stored marks", async move { app.messages.stored.follow(&*app.bus).await });
        shutdown.spawn("limits", Arc::clone(&self.limits.limiter).announce());
        shutdown.spawn("signing keys", self.key_watch().follow());
        let app = Arc::clone(self);
        shutdown.spawn("reaction sweep", async move { app.messages.sweep().await });
        let app = Arc::clone(self);
        shutdown.spawn("session purge", async move { app.sessions.purge().await });
        let (app, drain) = (Arc::clone(self), shutdown.drain.clone());
        shutdown.spawn("announcer", async move {
            drain.run_until_cancelled(app.rooms.dispatcher.follow()).await;
            app.readiness.set_draining();
            app.rooms.dispatcher.finish().await;
        });
    }

    fn key_watch(&self) -> KeyWatch {
        KeyWatch {
            keys: Arc::clone(&self.keys),
            verifier: Arc::clone(&self.verifier),
            cursors: self.cursors.clone(),
            metrics: self.metrics.clone(),
        }
    }

    /// The authority, for gateways in the same process.
    pub fn authority(&self) -> Arc<LocalAuthority> {
        Arc::clone(&self.authority)
    }

    /// The verifier, for gateways in the same process.
    pub fn verifier(&self) -> Arc<Verifier> {
        Arc::clone(&self.verifier)
    }
}
