//! Requests to the public API, over a server in memory: `METHOD path?query`, a line end, and the body.
//!
//! `{room}`, `{message}`, `{user}` and `{me}` stand for ids that exist. The caller is an admin, so that as much as can be is
//! reached. Promise: an answer that the document knows, never an internal error.

use std::cell::RefCell;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use rookery_api::accounts::command::Order;
use rookery_api::accounts::registration::{Registration, Verification};
use rookery_api::accounts::token_options::TokenOptions;
use rookery_api::app::{App, AppParts};
use rookery_api::files::options::FileOptions;
use rookery_api::journal::StoreJournal;
use rookery_api::mail::MailOptions;
use rookery_api::moderation::deletions::DeletionLog;
use rookery_api::notices::feed::feed;
use rookery_api::push::PushOptions;
use rookery_api::router;
use rookery_api::settings::ServerSettings;
use rookery_bus::limiter::Limiter;
use rookery_bus::memory::MemoryBus;
use rookery_bus::pace::RoomRateLimit;
use rookery_media::objects::Objects;
use rookery_media::options::ObjectOptions;
use rookery_protocol::filter::FilterRules;
use rookery_protocol::id::Epoch;
use rookery_runtime::origin::Origins;
use rookery_runtime::outgoing::{Exempt, Outgoing};
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::tls::without_authorities;
use rookery_runtime::token::{SigningKeys, install_provider};
use rookery_store::user::ServerRole;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use crate::bytes;

/// Requests after which a server is made anew, since tokens run out and stores fill.
const REQUESTS_MAX: u32 = 2_000;
/// Of everybody on a server that lives for seconds, in memory.
const PASSWORD: &str = "correct horse 77";
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A server with people and a room in it.
struct World {
    runtime: Runtime,
    router: Router,
    token: String,
    names: [(&'static str, String); 4],
    requests: u32,
    _folder: TempDir,
    shutdown: Shutdown,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Plays one request.
pub fn play(input: &[u8]) {
    WORLD.with_borrow_mut(|world| {
        if let Some(old) = world.take_if(|world| world.requests >= REQUESTS_MAX) {
            old.end();
        }
        let world = world.get_or_insert_with(World::new);
        world.requests += 1;
        world.ask(&bytes::text(input));
    });
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap_or_else(|error| panic!("the runtime: {error}"));
        let made = runtime.block_on(server());
        let (folder, shutdown, router, token, names) = made.unwrap_or_else(|error| panic!("the server: {error}"));
        Self { runtime, router, token, names, requests: 0, _folder: folder, shutdown }
    }

    fn end(self) {
        self.runtime.block_on(self.shutdown.stop());
        self.runtime.shutdown_background();
    }

    fn ask(&self, text: &str) {
        let (first, body) = text.split_once('\n').unwrap_or((text, ""));
        let (method, path) = first.split_once(' ').unwrap_or(("GET", first));
        let mut path = path.to_owned();
        let mut body = body.to_owned();
        for (name, value) in &self.names {
            path = path.replace(name, value);
            body = body.replace(name, value);
        }
        let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
        // Its answer is the end of this world.
        if path.contains("logout") || path.contains("/users/me/delete") {
            return;
        }
        let request = Request::builder()
            .method(method)
            .uri(&path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Body::from(body));
        let Ok(request) = request else { return };
        let (status, answer) = self.runtime.block_on(answer(&self.router, request));
        assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{first}: {answer}");
        if status.is_client_error() {
            assert!(answer["code"].is_string(), "{first}: {status} without a code: {answer}");
        }
    }
}

async fn answer(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let answer = match router.clone().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let (head, body) = answer.into_parts();
    let body = http_body_util::Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let bytes = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    (head.status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

type Made = (TempDir, Shutdown, Router, String, [(&'static str, String); 4]);

/// A server with two people, of whom one is an admin, and a room with a message.
async fn server() -> Result<Made, Box<dyn std::error::Error>> {
    install_provider();
    let (folder, shutdown) = (tempfile::tempdir()?, Shutdown::new());
    let stores = rookery_store_sqlite::open(&folder.path().join("rookery.db")).await?;
    let journal = Arc::new(StoreJournal {
        messages: Arc::clone(&stores.messages),
        notices: feed().0,
        deletions: DeletionLog::new(&stores),
    });
    let bus = MemoryBus::start(Epoch(1), RoomRateLimit::OFF, journal, &shutdown);
    SigningKeys::generate(folder.path(), "first")?;
    let settings = ServerSettings {
        registration: Registration::Open,
        verification: Verification::None,
        verification_minutes: 10,
        banner: None,
        retention_days: None,
        file_bytes_max: 1_000_000,
        user_quota_bytes: 10_000_000,
        filter: FilterRules::default(),
    };
    let app = App::new(AppParts {
        stores: stores.clone(),
        bus: bus.clone(),
        presence: bus,
        keys: SigningKeys::load(folder.path(), None)?,
        tokens: TokenOptions::of("fuzz"),
        origins: Origins::default(),
        limiter: Limiter::off(),
        pace: RoomRateLimit::OFF,
        settings,
        mail: MailOptions::default(),
        objects: Objects::open(&ObjectOptions::None)?,
        files: FileOptions::default(),
        push: PushOptions { contact: None, outgoing: Outgoing::new(without_authorities()?, Exempt::default()) },
    })?;
    app.prepare().await?;
    app.run_background(&shutdown);
    let router = router::public(&app);
    let caller = Caller { router: &router, token: String::new() };
    for name in ["fuzz", "alice"] {
        let account = json!({"username": name, "email": format!("{name}@example.org"), "password": PASSWORD});
        let _made = caller.post("/api/v1/auth/register", &account).await?;
    }
    let _done = Order::Role("fuzz".to_owned(), ServerRole::Admin).execute(&stores, |_| ()).await?;
    let login = caller.post("/api/v1/auth/login", &json!({"login": "fuzz", "password": PASSWORD})).await?;
    let caller = Caller { token: text(&login, "access_token")?, ..caller };
    let user = caller.get("/api/v1/users?q=alice").await?;
    let me = caller.get("/api/v1/users/me").await?;
    let room = caller.post("/api/v1/rooms", &json!({"name": "fuzz", "visibility": "public"})).await?;
    let room = text(&room, "room_id")?;
    let said = caller
        .post(&format!("/api/v1/rooms/{room}/messages"), &json!({"content": "fuzz"}))
        .await?;
    let names = [
        ("{message}", text(&said, "message_id")?),
        ("{user}", text(&user["users"][0], "user_id")?),
        ("{me}", text(&me, "user_id")?),
        ("{room}", room),
    ];
    let token = caller.token;
    Ok((folder, shutdown, router, token, names))
}

/// Somebody who prepares the server.
struct Caller<'a> {
    router: &'a Router,
    token: String,
}

impl Caller<'_> {
    async fn get(&self, path: &str) -> Result<Value, Box<dyn std::error::Error>> {
        self.ask(Method::GET, path, Body::empty()).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Box<dyn std::error::Error>> {
        self.ask(Method::POST, path, Body::from(body.to_string())).await
    }

    async fn ask(&self, method: Method, path: &str, body: Body) -> Result<Value, Box<dyn std::error::Error>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json");
        if !self.token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        }
        let (status, body) = answer(self.router, request.body(body)?).await;
        if status.is_success() {
            Ok(body)
        } else {
            Err(format!("{path}: {status} {body}").into())
        }
    }
}

fn text(object: &Value, field: &str) -> Result<String, String> {
    object[field].as_str().map(str::to_owned).ok_or_else(|| format!("no {field} in {object}"))
}
