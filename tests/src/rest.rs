//! A small REST client: typed where every test needs it, raw where a test wants to send nonsense.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::{names, traffic};

/// Password of every user that tests make.
pub const PASSWORD: &str = "correct horse 7";

/// Events per page when everything is read.
const PAGE: usize = 200;
/// Pages of one room that are read at most.
const PAGES_MAX: usize = 100;
/// How often a new user is told that the server is busy.
const BUSY_ANSWERS_MAX: usize = 20;

/// A client of one base address. It keeps no connection, so a restarted server does not confuse it.
#[derive(Clone)]
pub struct Rest {
    base: String,
    http: reqwest::Client,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body as text.
    pub text: String,
}

/// A registered and logged-in user.
#[derive(Clone, Debug)]
pub struct Account {
    /// Id.
    pub user_id: String,
    /// Name.
    pub username: String,
    /// Address.
    pub email: String,
    /// Access token.
    pub token: String,
    /// Refresh token.
    pub refresh_token: String,
}

/// A request with every part free to be wrong.
#[derive(Clone, Debug)]
pub struct RawRequest<'a> {
    /// Method.
    pub method: Method,
    /// Path with query.
    pub path: &'a str,
    /// Access token.
    pub token: Option<&'a str>,
    /// Content type.
    pub content_type: Option<&'a str>,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The code of a problem document; empty if it is none.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The answer if it has this status; panics otherwise.
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "unexpected status; body: {}", self.text);
        self
    }

    /// Panics unless it is a problem document with this status and code.
    pub fn expect_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code().as_str()), (status, code), "body: {}", self.text);
        let content_type = self.headers.get("content-type").map(|value| value.as_bytes().to_vec());
        assert_eq!(content_type.as_deref(), Some(&b"application/problem+json"[..]));
    }
}

impl Rest {
    /// A client of `base`, such as `http://127.0.0.1:8080`.
    pub fn new(base: String) -> Self {
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(30))
            .build()
            .expect("the options are valid");
        Self { base, http }
    }

    /// Host and port of the server, for bytes that no client sends.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// The same, as a proxy in front of the server would send it for a client at this address.
    pub fn forwarded(base: String, address: &str) -> Self {
        let address = HeaderValue::from_str(address).expect("an address is visible ASCII");
        let headers = HeaderMap::from_iter([(HeaderName::from_static("x-forwarded-for"), address)]);
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(Duration::from_secs(30))
            .build();
        Self { base, http: http.expect("the options are valid") }
    }

    /// Sends anything; an error is one of the connection.
    pub async fn raw(&self, request: RawRequest<'_>) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{}", self.base, request.path);
        let mut builder = self.http.request(request.method, url).body(request.body);
        if let Some(token) = request.token {
            builder = builder.bearer_auth(token);
        }
        if let Some(content_type) = request.content_type {
            builder = builder.header("content-type", content_type);
        }
        answer(builder).await
    }

    /// GET that must reach the server.
    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.try_get(path, token).await.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// GET.
    pub async fn try_get(&self, path: &str, token: Option<&str>) -> Result<Answer, reqwest::Error> {
        self.raw(RawRequest { method: Method::GET, path, token, content_type: None, body: Vec::new() })
            .await
    }

    /// POST of JSON that must reach the server.
    pub async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        self.send(Method::POST, path, token, body).await
    }

    /// POST of JSON under an `Idempotency-Key`.
    pub async fn post_keyed(&self, path: &str, token: &str, key: &str, body: &Value) -> Answer {
        let body = body.to_string().into_bytes();
        self.raw_keyed([path, token, key], Some("application/json"), body).await
    }

    /// POST of anything under an `Idempotency-Key`.
    pub async fn raw_keyed(&self, request: [&str; 3], content_type: Option<&str>, body: Vec<u8>) -> Answer {
        let answer = self.try_keyed(request, content_type, body).await;
        answer.unwrap_or_else(|error| panic!("POST {}: {error}", request[0]))
    }

    /// The same while the server may be down: path, token and key.
    pub async fn try_keyed(
        &self,
        [path, token, key]: [&str; 3],
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{path}", self.base);
        let mut builder = self.http.post(url).bearer_auth(token).header("idempotency-key", key).body(body);
        if let Some(content_type) = content_type {
            builder = builder.header("content-type", content_type);
        }
        answer(builder).await
    }

    /// PATCH of JSON that must reach the server.
    pub async fn patch(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        self.send(Method::PATCH, path, token, body).await
    }

    /// DELETE that must reach the server.
    pub async fn delete(&self, path: &str, token: Option<&str>) -> Answer {
        let request = RawRequest { method: Method::DELETE, path, token, content_type: None, body: Vec::new() };
        self.raw(request).await.unwrap_or_else(|error| panic!("DELETE {path}: {error}"))
    }

    /// PUT of JSON that must reach the server.
    pub async fn put(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        self.send(Method::PUT, path, token, body).await
    }

    async fn send(&self, method: Method, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let body = body.to_string().into_bytes();
        let content_type = Some("application/json");
        let request = RawRequest { method: method.clone(), path, token, content_type, body };
        self.raw(request).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Registers a user with a new name that begins with `prefix`, and logs in.
    pub async fn new_user(&self, prefix: &str) -> Account {
        // Another name for each try: a busy store may have made half of the one before.
        let register = async || {
            let username = names::unique(prefix);
            let email = format!("{username}@example.org");
            let body = json!({"username": username, "email": email, "password": PASSWORD});
            self.post("/api/v1/auth/register", None, &body).await
        };
        let registered = patiently(register).await.expect(201).json();
        let username = registered["user"]["username"].as_str().expect("a user has a name");
        let email = format!("{username}@example.org");
        patiently(|| self.login(username, PASSWORD)).await.expect(200).account(email)
    }

    /// Logs in by name or address.
    pub async fn login(&self, login: &str, password: &str) -> Answer {
        self.post("/api/v1/auth/login", None, &json!({"login": login, "password": password}))
            .await
    }

    /// Asks for the next pair of tokens.
    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        self.post("/api/v1/auth/refresh", None, &json!({"refresh_token": refresh_token})).await
    }

    /// Ends a login session.
    pub async fn logout(&self, refresh_token: &str) -> Answer {
        self.post("/api/v1/auth/logout", None, &json!({"refresh_token": refresh_token})).await
    }

    /// Makes a room with a new name; returns its id.
    pub async fn new_room(&self, owner: &Account, visibility: &str) -> String {
        let make = async || {
            let body = json!({"name": names::unique("room"), "visibility": visibility});
            self.post("/api/v1/rooms", Some(&owner.token), &body).await
        };
        let room = patiently(make).await.expect(201).json();
        room["room_id"].as_str().expect("a room has an id").to_owned()
    }

    /// Joins a room.
    pub async fn join(&self, room: &str, user: &Account) -> Answer {
        self.post(&format!("/api/v1/rooms/{room}/join"), Some(&user.token), &json!({})).await
    }

    /// Leaves a room.
    pub async fn leave(&self, room: &str, user: &Account) -> Answer {
        self.post(&format!("/api/v1/rooms/{room}/leave"), Some(&user.token), &json!({})).await
    }

    /// An act of moderation in a room, on a user: `PUT` or `DELETE` of `ban` or `mute`, `POST` of `kick`.
    pub async fn moderate(&self, method: Method, case: [&str; 3], by: &Account, body: &Value) -> Answer {
        let [room, user, act] = case;
        let path = format!("/api/v1/rooms/{room}/members/{user}/{act}");
        let content_type = (!body.is_null()).then_some("application/json");
        let body = content_type.map(|_| body.to_string().into_bytes()).unwrap_or_default();
        let request = RawRequest { method, path: &path, token: Some(&by.token), content_type, body };
        self.raw(request).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Says something over REST.
    pub async fn say(&self, room: &str, user: &Account, body: &Value) -> Answer {
        self.post(&format!("/api/v1/rooms/{room}/messages"), Some(&user.token), body).await
    }

    /// The whole history of a room with all that was done to messages, oldest first, page by page.
    pub async fn history(&self, room: &str, token: &str) -> Vec<Value> {
        for _ in 1..BUSY_ANSWERS_MAX {
            if let Ok(history) = self.try_history(room, token).await {
                return history;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.try_history(room, token)
            .await
            .unwrap_or_else(|error| panic!("history of {room}: {error}"))
    }

    /// The same while a part of the server may be down.
    pub async fn try_history(&self, room: &str, token: &str) -> Result<Vec<Value>, String> {
        let mut events = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
            let path = format!("/api/v1/rooms/{room}/messages?limit={PAGE}&acts=true{cursor}");
            let answer = self.try_get(&path, Some(token)).await.map_err(|error| error.to_string())?;
            if answer.status != 200 {
                return Err(format!("{} {}", answer.status, answer.text));
            }
            let mut page = answer.json();
            let Value::Array(older) = page["events"].take() else {
                return Err(answer.text);
            };
            // History tells what live connections were told, and what became of it.
            older.iter().for_each(traffic::heard);
            events.splice(0..0, older);
            match page["prev_cursor"].as_str() {
                Some(previous) => cursor = format!("&before={previous}"),
                None => return Ok(events),
            }
        }
        Err(format!("{room} has more than {PAGES_MAX} pages"))
    }
}

impl Answer {
    /// The user that a login answer is about.
    pub fn account(&self, email: String) -> Account {
        let body = self.json();
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no login: {}", self.text)).to_owned();
        Account {
            user_id: text(&body["user"]["user_id"]),
            username: text(&body["user"]["username"]),
            email,
            token: text(&body["access_token"]),
            refresh_token: text(&body["refresh_token"]),
        }
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, text: response.text().await? })
}

/// Asks again, as it is told to, while a busy machine has no time for one more password or its store for one more change.
pub async fn patiently<F: Future<Output = Answer>>(ask: impl Fn() -> F) -> Answer {
    for _ in 1..BUSY_ANSWERS_MAX {
        let answer = ask().await;
        if answer.status != 503 {
            return answer;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    ask().await
}

/// Asks for a change until it is made. A busy store may have made it without saying so in time: `changed` is the answer to
/// one that is made now, `repeated` to one that a try before it had made.
pub async fn change_patiently<F: Future<Output = Answer>>(ask: impl Fn() -> F, changed: u16, repeated: u16) {
    let first = ask().await;
    let is_known = first.status != 503;
    let answer = if is_known { first } else { patiently(ask).await };
    let is_made = answer.status == changed || (!is_known && answer.status == repeated);
    assert!(is_made, "{} {}", answer.status, answer.text);
}
