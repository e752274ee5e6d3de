//! What a command costs its user (rows B4, B5 and E3 of the faults): every frame but `ping` counts, what makes the servers
//! do more counts more, and `limits = "off"` lifts every rate.

use futures_util::future::join_all;
use http::Method;
use rookery_bus::pace::SETTINGS as PACE;
use rookery_protocol::id::RoomId;
use rookery_protocol::limits::{PRESENCE_IDS_MAX, REFRESHES_AT_ONCE_MAX, WATCHED_USERS_MAX};
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, RawRequest, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};

/// Tokens of a user. They come back so slowly that none does while a test runs.
const TOKENS: usize = 20;

/// A server on which nothing but the commands of users is limited.
struct Scene {
    server: Standalone,
    rest: Rest,
}

impl Scene {
    async fn start() -> Self {
        let commands = format!("{TOKENS}/3600000");
        let mut limits = vec![("limit_user_commands", commands.as_str())];
        limits
            .extend(["limit_user_connects", "limit_address_connects", "limit_address_requests"].map(|key| (key, "0")));
        limits.extend(["limit_address_logins", "limit_address_registrations"].map(|key| (key, "0")));
        let server = Standalone::prepare_with(&limits);
        server.node.start().await;
        let rest = Rest::new(server.node.public_url());
        Self { server, rest }
    }

    /// Somebody new, who has all tokens, on a socket.
    async fn guest(&self) -> (Account, Socket) {
        let user = self.rest.new_user("guest").await;
        let socket = Socket::login(&self.server.node.socket_url(), "/ws", &user.token).await;
        (user, socket)
    }
}

/// How many of the frames are refused for being too many; those that come before the `pong` of a last `ping`.
async fn refused(socket: &mut Socket, frames: Vec<Value>) -> Vec<Value> {
    let name = json!({"type": "unsubscribe", "rooms": ["the-end"]});
    for frame in frames {
        socket.send(frame).await;
    }
    // Commands are carried out one by one: when this one is answered, those before were.
    socket.send(name).await;
    let mut refused = Vec::new();
    loop {
        let error = socket.expect_type("error").await;
        if error["room"] == "the-end" {
            return refused;
        }
        if error["code"] == "rate_limited" {
            refused.push(error);
        }
    }
}

fn read_anywhere() -> Value {
    json!({"type": "read", "room": RoomId::generate().to_string(), "seq": 1})
}

#[tokio::test]
async fn b05_reading_marks_count() {
    let scene = Scene::start().await;
    let (_, mut socket) = scene.guest().await;
    let refusals = refused(&mut socket, (0..TOKENS + 5).map(|_| read_anywhere()).collect()).await;
    assert_eq!(refusals.len(), 5);
    for error in refusals {
        assert!(error["retry_after_ms"].as_u64() > Some(0) && error["room"].is_string(), "{error}");
        assert_eq!(error["field"], "seq", "nobody takes it for the end of a subscription: {error}");
    }
    let (_, mut socket) = scene.guest().await;
    let same = json!({"type": "read", "room": "general", "seq": 1});
    assert_eq!(refused(&mut socket, vec![same; TOKENS + 5]).await.len(), 5, "also those that are gathered");
}

#[tokio::test]
async fn b05_tokens_count_five_times() {
    let scene = Scene::start().await;
    let (user, mut socket) = scene.guest().await;
    let auth = json!({"type": "auth", "token": user.token});
    let refusals = refused(&mut socket, vec![auth; 6]).await;
    assert_eq!(refusals.len(), 6 - TOKENS / 5);
    assert!(refusals.iter().all(|error| error["field"] == "token"), "{refusals:?}");
    socket.send(json!({"type": "ping"})).await;
    socket.expect_type("pong").await;
}

#[tokio::test]
async fn b05_whatever_is_not_a_ping_counts() {
    let scene = Scene::start().await;
    let room = "general";
    for frame in [
        json!({"type": "typing", "room": room}),
        json!({"type": "unsubscribe", "rooms": [room]}),
        json!({"type": "heads", "rooms": [{"room": room}]}),
        json!({"type": "presence", "status": "away"}),
        json!({"type": "watch", "users": []}),
        json!({"type": "background", "on": true}),
        json!({"type": "nothing"}),
        json!({"type": "message", "room": room, "content": ""}),
    ] {
        let (_, mut socket) = scene.guest().await;
        for _ in 0..TOKENS {
            socket.send(frame.clone()).await;
        }
        let refusals = refused(&mut socket, vec![read_anywhere()]).await;
        assert_eq!(refusals.len(), 1, "{frame} counts");
    }
    let (_, mut socket) = scene.guest().await;
    for _ in 0..10 * TOKENS {
        socket.send(json!({"type": "ping"})).await;
    }
    assert!(refused(&mut socket, vec![read_anywhere()]).await.is_empty(), "a ping does not");
}

#[tokio::test]
async fn b04_who_asks_for_more_pays_more() {
    let scene = Scene::start().await;
    let ids = |count: usize| (0..count).map(|_| RoomId::generate().to_string()).collect::<Vec<_>>();
    let (user, mut socket) = scene.guest().await;
    let watch = json!({"type": "watch", "users": ids(WATCHED_USERS_MAX)});
    assert_eq!(refused(&mut socket, vec![watch]).await.len(), 0, "what costs more than all costs all");
    let token = Some(user.token.as_str());
    scene.rest.get("/api/v1/users/me", token).await.expect_problem(429, "rate_limited");

    let (user, mut socket) = scene.guest().await;
    let rooms: Vec<Value> = ids(100).into_iter().map(|room| json!({"room": room})).collect();
    let subscribe = json!({"type": "subscribe", "rooms": rooms});
    assert_eq!(refused(&mut socket, vec![subscribe.clone(), subscribe.clone()]).await.len(), 0);
    assert_eq!(refused(&mut socket, vec![subscribe]).await.len(), 100, "each room is told for itself");
    drop(user);

    let (user, _) = scene.guest().await;
    let path = format!("/api/v1/users/presence?ids={}", ids(PRESENCE_IDS_MAX).join(","));
    let ask = || RawRequest {
        method: Method::GET,
        path: &path,
        token: Some(user.token.as_str()),
        content_type: None,
        body: Vec::new(),
    };
    for _ in 0..2 {
        let _answer = scene.rest.raw(ask()).await.unwrap().expect(200);
    }
    let third = scene.rest.raw(ask()).await.unwrap();
    third.expect_problem(429, "rate_limited");
    assert!(third.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn e03_limits_off_lifts_every_rate() {
    let server = Standalone::start().await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("busy").await;
    let burst: usize = PACE[0].default.unwrap().parse().unwrap();
    let says = (0..6 * burst).map(|number| {
        let (rest, user) = (rest.clone(), user.clone());
        async move { rest.say("general", &user, &json!({"content": format!("hi {number}")})).await }
    });
    for answer in join_all(says).await {
        assert!([201, 202].contains(&answer.status), "{}", answer.text);
    }
    // What stays on: how often one session is refreshed is no rate of a user, and is kept with the session.
    let mut token = user.refresh_token;
    for _ in 0..REFRESHES_AT_ONCE_MAX {
        let refreshed = rest.refresh(&token).await.expect(200).json();
        token = refreshed["refresh_token"].as_str().unwrap().to_owned();
    }
    rest.refresh(&token).await.expect_problem(429, "rate_limited");
}
