//! Whole connections over an in-memory stream, against a client of the WebSocket library. Time is paused.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rookery_bus::limiter::Limiter;
use rookery_protocol::id::{AclVersion, SessionId};
use rookery_protocol::limits::{HEARTBEAT_DEADLINE, WRITE_DEADLINE};
use rookery_protocol::server::AckMode;
use rookery_runtime::config::Switch;
use rookery_runtime::shutdown::Shutdown;
use rookery_runtime::token::{SigningKeys, Verifier, install_provider};
use serde_json::Value;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::dialect::Translator;
use crate::gateway::GatewayOptions;
use crate::limits::ROOM_LINGER;
use crate::pending_sockets::SocketCaps;
use crate::socket::Bounds;
use crate::testing::{ClientEnd, FakeAuthority, FakeBus, Nobody, pipe};
use crate::{Gateway, GatewayParts};

mod background;
mod polling;
mod reads;
mod replies;
mod session_registry;

struct Setup {
    bus: Arc<FakeBus>,
    authority: Arc<FakeAuthority>,
    gateway: Gateway,
    shutdown: Shutdown,
    keys: SigningKeys,
}

struct Client {
    stream: WebSocketStream<ClientEnd>,
}

impl Setup {
    fn new() -> Self {
        Self::acking(AckMode::Stored)
    }

    fn acking(ack: AckMode) -> Self {
        install_provider();
        let dir = tempfile::tempdir().unwrap();
        SigningKeys::generate(dir.path(), "a").unwrap();
        let keys = SigningKeys::load(dir.path(), None).unwrap();
        let (bus, authority, shutdown) = (FakeBus::new(), FakeAuthority::new(), Shutdown::new());
        let verifier = Arc::new(Verifier::new("rookery"));
        verifier.replace(&keys.public());
        let parts = GatewayParts {
            bus: bus.clone(),
            presence: Arc::new(Nobody),
            authority: authority.clone(),
            verifier,
            origins: rookery_runtime::origin::Origins::default(),
            shutdown: shutdown.clone(),
            options: GatewayOptions { drain: Duration::from_secs(3), ack, caps: SocketCaps::OFF, polling: Switch::Off },
            limiter: Limiter::off(),
        };
        let gateway = Gateway::new(parts).unwrap();
        gateway.run_background();
        Self { bus, authority, gateway, shutdown, keys }
    }

    fn token(&self, user: UserId) -> String {
        self.token_of(user, SessionId::generate())
    }

    fn member(&self) -> UserId {
        let user = UserId::generate();
        self.authority.join(user);
        user
    }

    async fn connect(&self, room: Option<&str>, token: Option<String>, buffer: usize) -> Client {
        let (ours, theirs) = pipe(buffer);
        let opening = Opening {
            credential: token.map(Credential::Token),
            place: room.map(|room| room.parse().unwrap()),
            translator: Translator::Native,
            pending: None,
            trace: None,
        };
        let socket = Socket::new(ours, Vec::new(), Bounds::default());
        self.shutdown
            .spawn_work("connection", serve(Arc::clone(&self.gateway.node), socket, opening));
        Client { stream: WebSocketStream::from_raw_socket(theirs, Role::Client, None).await }
    }

    /// A member in the room, everything up to `caught_up` read.
    async fn enter(&self) -> Client {
        let token = self.token(self.member());
        let mut client = self.connect(Some("general"), Some(token), 1 << 20).await;
        assert_eq!(client.kinds(3).await, ["hello", "subscribed", "caught_up"]);
        client
    }

    fn closes(&self, reason: &str) -> u64 {
        self.gateway.node.metrics.closes.with_label_values(&[reason]).get()
    }
}

impl Client {
    async fn say(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        loop {
            match self.stream.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other @ (Message::Binary(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                    panic!("{other:?}")
                }
            }
        }
    }

    async fn kinds(&mut self, count: usize) -> Vec<String> {
        let mut kinds = Vec::new();
        for _ in 0..count {
            kinds.push(self.next().await["type"].as_str().unwrap().to_owned());
        }
        kinds
    }

    async fn close_code(&mut self) -> u16 {
        loop {
            match self.stream.next().await.unwrap().unwrap() {
                Message::Close(Some(frame)) => return frame.code.into(),
                Message::Ping(_) => {}
                Message::Text(text) => panic!("{text}"),
                other @ (Message::Binary(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {
                    panic!("{other:?}")
                }
            }
        }
    }
}

async fn wait_until_idle() {
    // Longer than it takes to be let in.
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_comes_back_and_is_acked_when_stored() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    client.say(r#"{"content":"hi","client_id":"c-1"}"#).await;
    let echo = client.next().await;
    assert_eq!((echo["type"].as_str(), echo["seq"].as_u64()), (Some("new_message"), Some(1)));
    assert_eq!(echo["message"]["client_id"], "c-1");
    setup.bus.store(setup.authority.room);
    let ack = client.next().await;
    assert_eq!((ack["type"].as_str(), ack["client_id"].as_str()), (Some("ack"), Some("c-1")));
    assert_eq!(ack["message_id"], echo["message"]["message_id"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_in_order_happens_in_order() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    for n in 0..300 {
        client.say(&format!(r#"{{"content":"m{n}"}}"#)).await;
    }
    for n in 0..300 {
        assert_eq!(client.next().await["message"]["content"], format!("m{n}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_client_that_left_at_once_still_counts() {
    let setup = Setup::new();
    let mut witness = setup.enter().await;
    let token = setup.token(setup.member());
    let mut client = setup.connect(Some("general"), Some(token), 1 << 20).await;
    client.say(r#"{"content":"bye"}"#).await;
    // The answer to a later frame says that this one was heard; what was not heard does not count.
    client.say(r#"{"type":"ping"}"#).await;
    while client.next().await["type"] != "pong" {}
    drop(client);
    assert_eq!(witness.next().await["message"]["content"], "bye");
}

#[tokio::test(start_paused = true)]
async fn changed_rights_are_read_again() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    *setup.authority.acl.lock() = AclVersion(7);
    setup.bus.change_rights(7);
    client.say(r#"{"content":"hi"}"#).await;
    assert_eq!(client.kinds(1).await, ["new_message"]);
    assert_eq!(setup.authority.asked.load(Ordering::SeqCst), 2);

    setup.authority.members.lock().clear();
    setup.bus.change_rights(8);
    client.say(r#"{"content":"hi","client_id":"c-1"}"#).await;
    let error = client.next().await;
    assert_eq!((error["code"].as_str(), error["client_id"].as_str()), (Some("not_a_member"), Some("c-1")));
}

#[tokio::test(start_paused = true)]
async fn while_the_bus_is_away_senders_are_told_to_repeat() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    setup.bus.away.store(true, Ordering::SeqCst);
    client.say(r#"{"content":"hi","client_id":"c-1"}"#).await;
    let error = client.next().await;
    assert_eq!((error["code"].as_str(), error["client_id"].as_str()), (Some("unavailable"), Some("c-1")));
    assert_eq!(error["retry_after_ms"], 1_000);
    setup.bus.away.store(false, Ordering::SeqCst);
    client.say(r#"{"content":"hi","client_id":"c-1"}"#).await;
    assert_eq!(client.kinds(1).await, ["new_message"]);
}

#[tokio::test(start_paused = true)]
async fn outsiders_get_an_error_and_lose_only_a_connection_of_that_room() {
    let setup = Setup::new();
    let token = setup.token(UserId::generate());
    for (room, code) in [("general", 4403), ("nonesuch", 4404)] {
        let mut one = setup.connect(Some(room), Some(token.clone()), 1 << 20).await;
        assert_eq!(one.kinds(2).await, ["hello", "error"]);
        assert_eq!(one.close_code().await, code);
    }
    let mut many = setup.connect(None, Some(token), 1 << 20).await;
    many.say(r#"{"type":"subscribe","rooms":[{"room":"nonesuch"},{"room":"general"}]}"#).await;
    assert_eq!(many.kinds(1).await, ["hello"]);
    let (first, second) = (many.next().await, many.next().await);
    assert_eq!((first["code"].as_str(), first["room"].as_str()), (Some("unknown_room"), Some("nonesuch")));
    assert_eq!(second["code"], "not_a_member");

    // Who joins a moment later is not held to the old answer.
    let user = setup.member();
    many.say(&format!(r#"{{"type":"auth","token":"{}"}}"#, setup.token(user))).await;
    assert_eq!(many.kinds(1).await, ["error"]);
    assert_eq!(many.close_code().await, 4401, "another user's token");
}

#[tokio::test(start_paused = true)]
async fn an_outsider_who_joins_is_let_in() {
    let setup = Setup::new();
    let user = UserId::generate();
    let mut client = setup.connect(None, Some(setup.token(user)), 1 << 20).await;
    let subscribe = r#"{"type":"subscribe","rooms":[{"room":"general"}]}"#;
    client.say(subscribe).await;
    assert_eq!(client.kinds(2).await, ["hello", "error"]);
    setup.authority.join(user);
    client.say(subscribe).await;
    assert_eq!(client.kinds(2).await, ["subscribed", "caught_up"]);
    client.say(r#"{"type":"unsubscribe","rooms":["general"]}"#).await;
    assert_eq!(client.kinds(1).await, ["unsubscribed"]);
    setup.bus.say(setup.authority.room, "unheard");
    client.say(r#"{"type":"ping"}"#).await;
    assert_eq!(client.kinds(1).await, ["pong"]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_given_up() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    // Nothing answers the pings, since nobody reads here.
    tokio::time::sleep(HEARTBEAT_DEADLINE).await;
    wait_until_idle().await;
    assert_eq!(client.close_code().await, 4408);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_pings_stays() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    let reading = tokio::time::timeout(HEARTBEAT_DEADLINE * 3, client.next()).await;
    assert!(reading.is_err(), "{reading:?}");
    client.say(r#"{"type":"ping"}"#).await;
    assert_eq!(client.kinds(1).await, ["pong"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_off_and_hurts_nobody() {
    let setup = Setup::new();
    let mut reader = setup.enter().await;
    let token = setup.token(setup.member());
    let _stalled = setup.connect(Some("general"), Some(token), 1_024).await;
    wait_until_idle().await;
    let text = "x".repeat(4_000);
    for _ in 0..200 {
        setup.bus.say(setup.authority.room, &text);
        assert_eq!(reader.kinds(1).await, ["new_message"]);
    }
    tokio::time::sleep(WRITE_DEADLINE + Duration::from_secs(5)).await;
    assert_eq!((setup.closes("too_slow"), setup.gateway.node.metrics.connections.get()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_late_gets_everything_once_and_in_order() {
    let setup = Setup::new();
    let mut reader = setup.enter().await;
    let token = setup.token(setup.member());
    let mut late = setup.connect(Some("general"), Some(token), 8 * 1_024).await;
    assert_eq!(late.kinds(3).await, ["hello", "subscribed", "caught_up"]);
    let text = "x".repeat(3_000);
    for _ in 0..150 {
        setup.bus.say(setup.authority.room, &text);
        assert_eq!(reader.kinds(1).await, ["new_message"]);
    }
    let metrics = Arc::clone(&setup.gateway.node.metrics);
    assert_eq!((metrics.behind.get(), metrics.send_queue_overflows.get()), (1, 0), "a room stops adding once");
    for seq in 1..=150 {
        let event = late.next().await;
        assert_eq!((event["type"].as_str(), event["seq"].as_u64()), (Some("new_message"), Some(seq)));
    }
    assert_eq!(late.kinds(1).await, ["caught_up"]);
    setup.bus.say(setup.authority.room, "live again");
    assert_eq!(late.next().await["seq"], 151);
}

#[tokio::test(start_paused = true)]
async fn a_draining_node_sends_its_clients_away() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    setup.shutdown.drain.cancel();
    let farewell = client.next().await;
    assert_eq!(farewell["type"], "reconnect");
    assert!(farewell["after_ms"].as_u64().unwrap() <= RECONNECT_SPREAD_MS);
    assert_eq!(client.close_code().await, 1012);
    drop(client);
    wait_until_idle().await;
    assert_eq!(setup.gateway.node.metrics.connections.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn clients_are_sent_away_one_after_the_other_and_served_until_then() {
    let setup = Setup::new();
    let (mut first, mut last) = (setup.enter().await, setup.enter().await);
    setup.shutdown.drain.cancel();
    wait_until_idle().await;
    setup.bus.say(setup.authority.room, "hi");
    let (a, b) = (first.next().await, last.next().await);
    let kinds = [&a, &b].map(|frame| frame["type"].as_str().unwrap());
    assert!(kinds.contains(&"reconnect") && kinds.contains(&"new_message"), "{kinds:?}");
    let staying = if kinds[0] == "new_message" { &mut first } else { &mut last };
    assert_eq!(staying.next().await["type"], "reconnect");
    assert_eq!(staying.close_code().await, 1012);
}

#[tokio::test(start_paused = true)]
async fn an_ack_may_mean_accepted() {
    let setup = Setup::acking(AckMode::Accepted);
    let mut client = setup.enter().await;
    client.say(r#"{"content":"hi","client_id":"c-1"}"#).await;
    let mut kinds = client.kinds(2).await;
    kinds.sort();
    assert_eq!(kinds, ["ack", "new_message"], "nothing was stored");
}

#[tokio::test(start_paused = true)]
async fn heads_are_told_without_subscribing() {
    let setup = Setup::new();
    let token = setup.token(setup.member());
    let mut client = setup.connect(None, Some(token), 1 << 20).await;
    client.next().await;
    setup.bus.say(setup.authority.room, "one");
    let room = setup.authority.room;
    client.say(r#"{"type":"heads","rooms":[{"room":"general"},{"room":"elsewhere"}]}"#).await;
    let told = client.next().await;
    assert_eq!(told, serde_json::json!({"type": "heads", "rooms": [{"room": room, "epoch": "e1", "seq": 1}]}));
    client.say(r#"{"type":"heads","rooms":[{"room":"general","epoch":"e1","seq":1}]}"#).await;
    assert_eq!(client.next().await, serde_json::json!({"type": "heads", "rooms": []}), "no news");
    assert!(!setup.bus.is_subscribed(room));
}

#[tokio::test(start_paused = true)]
async fn heads_are_for_members_only() {
    let setup = Setup::new();
    let token = setup.token(UserId::generate());
    let mut client = setup.connect(None, Some(token), 1 << 20).await;
    client.next().await;
    client.say(r#"{"type":"heads","rooms":[{"room":"general"}]}"#).await;
    assert_eq!(client.next().await, serde_json::json!({"type": "heads", "rooms": []}));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_connection_leaves_no_trace() {
    let setup = Setup::new();
    let mut client = setup.enter().await;
    client.stream.close(None).await.unwrap();
    drop(client);
    tokio::time::sleep(ROOM_LINGER * 2).await;
    assert!(setup.gateway.node.hub.all().is_empty());
    assert!(!setup.bus.is_subscribed(setup.authority.room));
    assert_eq!((setup.closes("bye"), setup.gateway.node.metrics.connections.get()), (1, 0));
    setup.shutdown.stop().await;
}
