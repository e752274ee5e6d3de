//! The process: all its parts, put together once.

use std::sync::Arc;

use axum::extract::FromRef;
use moka::sync::Cache;
use rookery_bus::Bus;
use rookery_bus::authority::RoomOpener;
use rookery_bus::filters::Filters;
use rookery_bus::limiter::Limiter;
use rookery_bus::node::{Announcer, NodeKind};
use rookery_bus::pace::RoomRateLimit;
use rookery_bus::presence::PresenceStore;
use rookery_media::objects::Objects;
use rookery_media::picture::Pictures;
use rookery_runtime::listener::Refusals;
use rookery_runtime::origin::Origins;
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::token::{SigningKeys, Verifier};
use rookery_store::{StoreError, Stores};

use crate::accounts::Accounts;
use crate::accounts::avatars::Avatars;
use crate::accounts::erasure::{Erasing, ErasureStep};
use crate::accounts::exporting::Exporting;
use crate::accounts::password::{PasswordError, Passwords};
use crate::accounts::sessions::Sessions;
use crate::accounts::token_options::TokenOptions;
use crate::admin::Administration;
use crate::authority::{LocalAuthority, LocalAuthorityParts};
use crate::direct::Direct;
use crate::error::ApiError;
use crate::event_generations::EventGenerations;
use crate::files::options::FileOptions;
use crate::files::{FileParts, FileService};
use crate::history::{History, Reads};
use crate::http::cors::Cors;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::http::limit::Limits;
use crate::idempotency::{Idempotency, Once};
use crate::in_flight_writes::InFlightWrites;
use crate::jobs::{Handler, JobQueue, JobRunner};
use crate::joining::Joining;
use crate::key_watch::KeyWatch;
use crate::limits::{
    HISTORY_READ_WAIT, HISTORY_READS_MAX, PASSWORDS_PER_ADDRESS_MAX, PASSWORDS_WAITING_MAX, RECEIPT_ROOMS_LIFE,
    RECEIPT_ROOMS_MAX,
};
use crate::mail::{MailHandler, MailOptions, Mailer, MailerError, Post, Secrets};
use crate::messages::Messages;
use crate::metrics::{Metrics, MetricsError};
use crate::moderation::Moderation;
use crate::notices::Notices;
use crate::notices::announcing::Announcing;
use crate::notices::feed::StoredEvents;
use crate::notices::said::SaidNotices;
use crate::outbox::OutboxDispatcher;
use crate::presence::Presence;
use crate::purges::Purging;
use crate::push::{Push, PushOptions, PushSender};
use crate::readiness::Readiness;
use crate::reports::Reporting;
use crate::retention::Retention;
use crate::rooms::Rooms;
use crate::schedules::Scheduling;
use crate::search::Searching;
use crate::search::indexer::Indexer;
use crate::settings::{LiveSettings, ServerSettings};
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
    /// What admins may change, as the configuration says it.
    pub settings: ServerSettings,
    /// How mail leaves the house.
    pub mail: MailOptions,
    /// Where avatars and files are kept.
    pub objects: Objects,
    /// How pushes leave the house.
    pub push: PushOptions,
    /// How files are taken.
    pub files: FileOptions,
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
    /// From the mail settings.
    #[error(transparent)]
    Mail(#[from] MailerError),
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
    /// Searches messages.
    pub searching: Searching,
    bus: Arc<dyn Bus>,
    keys: Arc<SigningKeys>,
    verifier: Arc<Verifier>,
    authority: Arc<LocalAuthority>,
    cors: Cors,
    origins: Origins,
    cursors: Cursors,
    history: History,
    idempotency: Idempotency,
    moderation: Moderation,
    reporting: Reporting,
    purging: Purging,
    retention: Retention,
    presence: Presence,
    limits: Limits,
    administration: Administration,
    direct: Direct,
    joining: Joining,
    jobs: JobQueue,
    runner: JobRunner,
    personal_data: PersonalData,
    announcing: Announcing,
    scheduling: Scheduling,
    push: Push,
}

/// What the routes are served with.
#[derive(Clone)]
pub struct AppState(Arc<App>);

/// Lets a route take a part of the process.
macro_rules! parts_of_the_state {
    ($($part:ty: $($field:ident).+;)+) => {$(
        impl FromRef<AppState> for $part {
            fn from_ref(AppState(app): &AppState) -> Self {
                app.$($field).+.clone()
            }
        }
    )+};
}

parts_of_the_state! {
    Accounts: accounts;
    Administration: administration;
    Announcing: announcing;
    Avatars: personal_data.avatars;
    Arc<LocalAuthority>: authority;
    Arc<Readiness>: readiness;
    Arc<SigningKeys>: keys;
    Cors: cors;
    Cursors: cursors;
    Direct: direct;
    Erasing: personal_data.erasing;
    Exporting: personal_data.exporting;
    FileService: personal_data.files;
    History: history;
    Idempotency: idempotency;
    JobQueue: jobs;
    Joining: joining;
    Limits: limits;
    Messages: messages;
    Metrics: metrics;
    Moderation: moderation;
    Notices: rooms.notices;
    Origins: origins;
    Presence: presence;
    Purging: purging;
    Push: push;
    Reporting: reporting;
    Rooms: rooms;
    Scheduling: scheduling;
    Searching: searching;
    Sessions: sessions;
}

impl FromRef<AppState> for LiveSettings {
    fn from_ref(AppState(app): &AppState) -> Self {
        app.administration.settings.clone()
    }
}

impl FromRef<AppState> for Once {
    fn from_ref(state: &AppState) -> Self {
        Self { authentication: Authentication::from_ref(state), idempotency: Idempotency::from_ref(state) }
    }
}

impl FromRef<AppState> for Authentication {
    fn from_ref(AppState(app): &AppState) -> Self {
        Self {
            verifier: Arc::clone(&app.verifier),
            sessions: Arc::clone(&app.stores.sessions),
            users: Arc::clone(&app.stores.users),
        }
    }
}

/// What happens after requests.
struct Deferred {
    letters: MailHandler,
    post: Post,
}

impl Deferred {
    fn new(stores: &Stores, jobs: &JobQueue, secrets: &Secrets, mail: &MailOptions) -> Result<Self, AppError> {
        let mailer = Arc::new(Mailer::new(mail)?);
        let post = Post::new(jobs.clone(), Arc::clone(&mailer));
        let letters = MailHandler { stores: stores.clone(), secrets: secrets.clone(), mailer };
        Ok(Self { letters, post })
    }
}

/// What is kept of people beside their accounts, and what becomes of all of it.
struct PersonalData {
    avatars: Avatars,
    files: FileService,
    erasing: Erasing,
    exporting: Exporting,
}

impl PersonalData {
    fn new(
        rooms: &Rooms,
        bus: &Arc<dyn Bus>,
        jobs: &JobQueue,
        (objects, options, secrets): (Objects, FileOptions, Secrets),
        (settings, metrics): (&LiveSettings, &Metrics),
    ) -> Self {
        let (stores, pictures) = (&rooms.stores, Pictures::default());
        let files = FileService::new(FileParts {
            rooms: rooms.clone(),
            objects: objects.clone(),
            pictures: pictures.clone(),
            secrets,
            metrics: metrics.clone(),
            settings: settings.clone(),
            options,
        });
        let avatars = Avatars {
            users: Arc::clone(&stores.users),
            objects,
            pictures,
            jobs: jobs.clone(),
            metrics: metrics.clone(),
        };
        // Whatever else keeps something of people outside of the store joins here.
        let steps: Arc<[Arc<dyn ErasureStep>]> = Arc::new([Arc::new(avatars.clone()), Arc::new(files.clone())]);
        let erasing = Erasing { rooms: rooms.clone(), bus: bus.clone(), jobs: jobs.clone(), steps };
        let exporting = Exporting { stores: stores.clone(), jobs: jobs.clone() };
        Self { avatars, files, erasing, exporting }
    }

    fn handlers(&self) -> [Arc<dyn Handler>; 3] {
        [Arc::new(self.avatars.clone()), Arc::new(self.erasing.clone()), Arc::new(self.exporting.clone())]
    }
}

/// Hashing takes turns, and one address takes no more than its share of them.
fn password_hashing(limiter: &Limiter, metrics: &Metrics) -> Result<Arc<Passwords>, PasswordError> {
    let per_address = if limiter.is_off() { PASSWORDS_WAITING_MAX } else { PASSWORDS_PER_ADDRESS_MAX };
    Ok(Arc::new(Passwords::new(metrics.passwords_waiting.clone(), per_address)?))
}

impl App {
    /// Puts the parts together. It serves requests once it is prepared.
    #[expect(clippy::too_many_lines, reason = "one entry per part")]
    pub fn new(parts: AppParts) -> Result<Arc<Self>, AppError> {
        let AppParts {
            stores,
            bus,
            presence,
            keys,
            tokens,
            origins,
            limiter,
            pace,
            settings,
            mail,
            objects,
            files,
            push,
        } = parts;
        let (keys, metrics, underway) = (Arc::new(keys), Metrics::new()?, Arc::new(InFlightWrites::default()));
        let passwords = password_hashing(&limiter, &metrics)?;
        let verifier = Arc::new(Verifier::new(tokens.issuer.clone()));
        let cursors = Cursors::default();
        let limits = Limits { limiter, verifier: Arc::clone(&verifier), pace };
        let jobs = JobQueue::new(Arc::clone(&stores.jobs));
        let push = Push::new(Arc::clone(&stores.pushes), jobs.clone(), push);
        let notices = Notices::new(&stores, bus.clone(), push.clone(), metrics.clone());
        let settings = LiveSettings::new(settings, mail.is_on(), &stores);
        let direct = Direct {
            stores: stores.clone(),
            news: bus.clone(),
            limits: limits.clone(),
            notices: notices.clone(),
        };
        let generations = EventGenerations::new(bus.clone());
        let authority = Arc::new(LocalAuthority::new(LocalAuthorityParts {
            stores: stores.clone(),
            bus: Arc::clone(&bus),
            keys: Arc::clone(&keys),
            metrics: metrics.clone(),
            underway: Arc::clone(&underway),
            notices: notices.clone(),
            settings: settings.clone(),
            direct: direct.clone(),
            generations: generations.clone(),
            receivers: Cache::builder().max_capacity(RECEIPT_ROOMS_MAX).time_to_live(RECEIPT_ROOMS_LIFE).build(),
        }));
        let filters = Filters::new(authority.clone());
        let stored = Arc::new(StoredWaits::new(metrics.stored_waits.clone()));
        let (opener, waits) = (Arc::clone(&authority) as Arc<dyn RoomOpener>, Arc::clone(&stored));
        let dispatcher = OutboxDispatcher::new(bus.clone(), opener, &stores, waits, metrics.clone());
        let secrets = Secrets::default();
        let rooms = Rooms {
            stores: stores.clone(),
            log: bus.clone(),
            news: bus.clone(),
            dispatcher,
            limits: limits.clone(),
            generations,
            passwords: Arc::clone(&passwords),
            notices,
            filters,
            secrets: secrets.clone(),
        };
        let Deferred { letters, post } = Deferred::new(&stores, &jobs, &secrets, &mail)?;
        let idempotency = Idempotency::new(Arc::clone(&stores.kept_answers), secrets.clone());
        let personal_data =
            PersonalData::new(&rooms, &bus, &jobs, (objects, files, secrets.clone()), (&settings, &metrics));
        let announcing = Announcing { stores: stores.clone(), notices: rooms.notices.clone(), jobs: jobs.clone() };
        let purging = Purging { rooms: rooms.clone(), jobs: jobs.clone(), metrics: metrics.clone() };
        let handlers = personal_data
            .handlers()
            .into_iter()
            .chain([Arc::new(letters) as Arc<dyn Handler>, Arc::new(announcing.clone()), Arc::new(purging.clone())])
            .chain([PushSender::new(push.clone(), stores.clone(), metrics.clone()) as Arc<dyn Handler>])
            .collect();
        let sessions = Sessions {
            stores: stores.clone(),
            bus: bus.clone(),
            keys: Arc::clone(&keys),
            tokens: Arc::new(tokens),
            passwords: Arc::clone(&passwords),
            limits: limits.clone(),
            metrics: metrics.clone(),
        };
        let joining = Joining { rooms: rooms.clone(), post: post.clone() };
        let reads = Arc::new(Reads::new(HISTORY_READS_MAX, HISTORY_READ_WAIT));
        let messages = Messages {
            rooms: rooms.clone(),
            cursors: cursors.clone(),
            authority: Arc::clone(&authority),
            stored,
            metrics: metrics.clone(),
        };
        let administration = Administration {
            stores: stores.clone(),
            sessions: sessions.clone(),
            settings: settings.clone(),
            nodes: bus.clone(),
        };
        let moderation = Moderation { rooms: rooms.clone() };
        let retention = Retention::new(rooms.clone(), settings.clone(), metrics.clone());
        let reporting = Reporting {
            moderation: moderation.clone(),
            messages: messages.clone(),
            administration: administration.clone(),
            metrics: metrics.clone(),
        };
        let app = Arc::new(Self {
            runner: JobRunner::new(jobs.clone(), handlers, metrics.clone()),
            readiness: Arc::new(Readiness::new(Arc::clone(&bus), Arc::clone(&stores.backend))),
            accounts: Accounts { stores: stores.clone(), passwords, settings, rooms: rooms.clone(), post, secrets },
            administration,
            sessions,
            searching: Searching { rooms: rooms.clone(), metrics: metrics.clone() },
            scheduling: Scheduling { messages: messages.clone(), metrics: metrics.clone() },
            messages,
            history: History { rooms: rooms.clone(), cursors: cursors.clone(), reads, metrics: metrics.clone() },
            idempotency,
            moderation,
            reporting,
            purging,
            retention,
            presence: Presence { store: presence, rooms: rooms.clone() },
            cors: Cors::of(origins.clone()),
            origins,
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
            direct,
            joining,
            jobs,
            personal_data,
            announcing,
            push,
        });
        app.key_watch().start();
        Ok(app)
    }

    /// The origin of its own that files have, if they have one.
    pub(crate) fn files_origin(&self) -> Option<&str> {
        self.personal_data.files.origin()
    }

    /// What the routes are served with.
    pub fn state(self: &Arc<Self>) -> AppState {
        AppState(Arc::clone(self))
    }

    /// Brings the store up to date and makes sure of the room that everybody is in. Requests are served from then
    /// on. Idempotent; to be repeated while the store does not answer.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        self.stores.backend.migrate().await?;
        self.administration.settings.look().await?;
        let looked = self.rooms.filters.look().await;
        looked.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        self.push.prepare().await?;
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
        let card = Announcer::new(self.bus.clone(), NodeKind::Api, env!("CARGO_PKG_VERSION"));
        let metrics = self.metrics.clone();
        shutdown.spawn("node card", card.run(shutdown.clone(), move || metrics.figures()));
        let app = Arc::clone(self);
        shutdown.spawn("stored marks", async move { app.messages.stored.follow(&*app.bus).await });
        shutdown.spawn("limits", Arc::clone(&self.limits.limiter).announce());
        shutdown.spawn("signing keys", self.key_watch().follow());
        let app = Arc::clone(self);
        shutdown.spawn("reaction sweep", async move { app.messages.sweep().await });
        let app = Arc::clone(self);
        shutdown.spawn("session purge", async move { app.sessions.purge().await });
        let app = Arc::clone(self);
        shutdown.spawn("account purge", async move { app.accounts.purge().await });
        let app = Arc::clone(self);
        shutdown.spawn("key purge", async move { app.idempotency.purge().await });
        let app = Arc::clone(self);
        shutdown.spawn("joining purge", async move { app.joining.purge().await });
        let app = Arc::clone(self);
        shutdown.spawn("server settings", async move { app.administration.settings.follow().await });
        let app = Arc::clone(self);
        shutdown.spawn("room directory", async move { app.rooms.keep_directory().await });
        let app = Arc::clone(self);
        shutdown.spawn("notice purge", async move { app.rooms.notices.purge().await });
        let app = Arc::clone(self);
        shutdown.spawn("word filter", Arc::clone(&self.rooms.filters).follow());
        shutdown.spawn("audit purge", async move { app.administration.purge().await });
        let app = Arc::clone(self);
        shutdown.spawn("reports", async move { app.reporting.follow().await });
        let app = Arc::clone(self);
        shutdown.spawn("purges", async move { app.purging.follow().await });
        let app = Arc::clone(self);
        shutdown.spawn("sanctions", async move { app.moderation.follow().await });
        let app = Arc::clone(self);
        shutdown.spawn("retention", async move { app.retention.follow().await });
        let app = Arc::clone(self);
        shutdown.spawn("room expiries", async move { app.rooms.follow_expiries().await });
        let app = Arc::clone(self);
        shutdown.spawn("room erasures", async move { app.rooms.follow_erasures().await });
        let app = Arc::clone(self);
        shutdown.spawn("file collector", async move { app.personal_data.files.collect().await });
        let app = Arc::clone(self);
        shutdown.spawn("erasures", async move { app.personal_data.erasing.follow().await });
        Indexer::new(self.stores.clone(), self.metrics.clone()).start(shutdown);
        self.scheduling.start(shutdown);
        self.runner.start(shutdown);
        let (app, drain) = (Arc::clone(self), shutdown.drain.clone());
        shutdown.spawn("announcer", async move {
            drain.run_until_cancelled(app.rooms.dispatcher.follow()).await;
            app.readiness.set_draining();
            app.rooms.dispatcher.finish().await;
        });
    }

    /// Makes notices of what is stored from here on.
    pub fn follow_stored(&self, stored: StoredEvents, shutdown: &Shutdown) {
        let (all, days) = (self.stores.clone(), Arc::clone(&stored.days));
        let said = Arc::new(SaidNotices { stores: all.clone(), notices: self.rooms.notices.clone() });
        shutdown.spawn("messages of days", async move { days.follow(&all).await });
        shutdown.spawn_work("notices", said.follow(stored, shutdown.clone()));
    }

    fn key_watch(&self) -> KeyWatch {
        KeyWatch {
            keys: Arc::clone(&self.keys),
            verifier: Arc::clone(&self.verifier),
            cursors: self.cursors.clone(),
            secrets: self.accounts.secrets.clone(),
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
