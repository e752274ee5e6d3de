//! Who may do and hear what by frames (rows Z of the attack rows): tables over every frame and every event. What ends
//! rights on live connections is in `rights`.

use std::collections::BTreeSet;

use http::Method;
use rookery_protocol::asyncapi::{Side, document, frame_types};
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, RawRequest, Rest};
use rookery_tests::ws::{Socket, handshake};
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use crate::talk::{refused, say};

const THUMB: &str = "👍";

/// What each kind of user is answered to each frame about a room, and about a message in it that is not theirs. An
/// empty text means that it is done. Whoever is refused, is refused alike for any message.
const TABLE: &[(&str, &[(&str, &str)])] = &[
    (
        "outsider",
        &[
            ("subscribe", "not_a_member"),
            ("message", "not_a_member"),
            ("edit", "not_a_member"),
            ("delete", "not_a_member"),
            ("react", "not_a_member"),
            ("read", "not_a_member"),
        ],
    ),
    (
        "outsider of a private room",
        &[
            ("subscribe", "unknown_room"),
            ("message", "unknown_room"),
            ("edit", "unknown_room"),
            ("delete", "unknown_room"),
            ("react", "unknown_room"),
            ("read", "unknown_room"),
        ],
    ),
    (
        "banned",
        &[
            ("subscribe", "banned"),
            ("message", "banned"),
            ("edit", "banned"),
            ("delete", "banned"),
            ("react", "banned"),
            ("read", "banned"),
        ],
    ),
    (
        "muted",
        &[
            ("subscribe", ""),
            ("message", "muted"),
            ("edit", "muted"),
            ("delete", "muted"),
            ("react", "muted"),
            ("read", ""),
        ],
    ),
    (
        "member",
        &[
            ("subscribe", ""),
            ("message", ""),
            ("edit", "unknown_message"),
            ("delete", "unknown_message"),
            ("react", ""),
            ("read", ""),
        ],
    ),
    (
        "owner",
        &[
            ("subscribe", ""),
            ("message", ""),
            ("edit", "unknown_message"),
            ("react", ""),
            ("delete", ""),
            ("read", ""),
        ],
    ),
];

struct Scene {
    rest: Rest,
    sockets: [String; 2],
    owner: Account,
    author: Account,
    room: String,
    /// Said by the author.
    message_id: String,
}

impl Scene {
    async fn on(deployment: &Deployment) -> Self {
        let (rest, sockets) = (deployment.rest(), deployment.sockets());
        let (owner, author) = (rest.new_user("owner").await, rest.new_user("author").await);
        let room = rest.new_room(&owner, "public").await;
        let _joined = rest.join(&room, &author).await.expect(200);
        let mut scene = Self { rest, sockets, owner, author, room, message_id: String::new() };
        let said = say(&mut scene.live(&scene.author).await, &scene.room, "mine").await;
        said["message"]["message_id"].as_str().unwrap().clone_into(&mut scene.message_id);
        scene
    }

    async fn live(&self, user: &Account) -> Socket {
        let mut socket = self.idle(user).await;
        socket.subscribe(&self.room).await;
        socket
    }

    async fn idle(&self, user: &Account) -> Socket {
        Socket::login(&self.sockets[0], "/ws", &user.token).await
    }

    async fn moderate(&self, method: Method, user: &Account, act: &str) {
        let case = [self.room.as_str(), user.user_id.as_str(), act];
        assert_eq!(self.rest.moderate(method, case, &self.owner, &json!({})).await.status, 204, "{act}");
    }

    /// A user of this kind, and the room and message that the frames are about.
    async fn user(&self, who: &str) -> (Account, String, String) {
        let user = match who {
            "owner" => return (self.owner.clone(), self.room.clone(), self.message_id.clone()),
            _ => self.rest.new_user("somebody").await,
        };
        let here = (self.room.clone(), self.message_id.clone());
        match who {
            "outsider" => {}
            "outsider of a private room" => {
                let room = self.rest.new_room(&self.owner, "private").await;
                return (user, room, self.message_id.clone());
            }
            "banned" => self.moderate(Method::PUT, &user, "ban").await,
            "member" | "muted" => {
                let _joined = self.rest.join(&self.room, &user).await.expect(200);
                if who == "muted" {
                    self.moderate(Method::PUT, &user, "mute").await;
                }
            }
            _ => panic!("nobody is {who}"),
        }
        (user, here.0, here.1)
    }
}

fn frame(kind: &str, room: &str, message_id: &str) -> Value {
    json!({"type": kind, "room": room, "client_id": names::unique("z"), "content": "hi", "message_id": message_id,
        "emoji": THUMB, "rooms": [{"room": room}], "seq": 1_000_000})
}

/// Sends one frame and returns the code of the refusal; empty if it is done.
async fn outcome(socket: &mut Socket, frame: Value) -> String {
    let (kind, client_id) = (frame["type"].clone(), frame["client_id"].clone());
    socket.send(frame).await;
    let answer = socket
        .expect("an answer", |answer| {
            answer["type"] == "error"
                || answer["client_id"] == client_id
                || kind == "subscribe" && answer["type"] == "caught_up"
                || kind == "read" && answer["type"] == "read"
        })
        .await;
    answer["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn z01_every_frame_is_answered_as_the_table_says() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut wrong = Vec::new();
        for (who, row) in TABLE {
            let (user, room, message_id) = scene.user(who).await;
            let mut socket = scene.idle(&user).await;
            for (kind, expected) in *row {
                let got = outcome(&mut socket, frame(kind, &room, &message_id)).await;
                if got != *expected {
                    wrong.push(format!("{who} {kind}: {got:?}, not {expected:?}"));
                }
            }
            let asked: BTreeSet<String> = row.iter().map(|(kind, _)| (*kind).to_owned()).collect();
            // Typing is never answered, and the last three are not about rights in a room; see `presence`.
            let others = ["auth", "ping", "heads", "unsubscribe", "typing", "presence", "watch", "background"];
            let all: BTreeSet<String> = frame_types(Side::Client)
                .into_iter()
                .filter(|kind| !others.contains(&kind.as_str()))
                .collect();
            assert_eq!(asked, all, "{who}: every frame about a room has its column");
            // Heads of rooms that one may not read are left out.
            socket.send(json!({"type": "heads", "rooms": [{"room": room}]})).await;
            let heads = socket.expect_type("heads").await;
            let may_read = row[0].1.is_empty();
            assert_eq!(heads["rooms"].as_array().unwrap().len(), usize::from(may_read), "{who}: {heads}");
        }
        assert!(wrong.is_empty(), "{}: {wrong:#?}", deployment.name());
    }
}

#[tokio::test]
async fn z01_before_hello_every_frame_but_auth_and_ping_is_refused() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut socket = Socket::open(handshake(&format!("{}/ws", scene.sockets[0]))).await.open();
        for kind in frame_types(Side::Client) {
            if !matches!(kind.as_str(), "auth" | "ping") {
                let mut frame = frame(&kind, &scene.room, &scene.message_id);
                if matches!(kind.as_str(), "unsubscribe" | "watch") {
                    frame["rooms"] = json!([scene.room]);
                }
                frame["status"] = json!("away");
                frame["on"] = json!(true);
                refused(&mut socket, frame, "unauthenticated").await;
            }
        }
        socket.sync().await;
        let told = socket
            .mailbox()
            .seen
            .iter()
            .filter(|frame| frame["type"] != "error" && frame["type"] != "pong");
        assert_eq!(told.count(), 0, "a stranger is told nothing");
    }
}

#[tokio::test]
async fn z05_an_edit_obeys_the_rules_of_a_new_message() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut socket = scene.live(&scene.author).await;
        let path = format!("/api/v1/rooms/{}/messages/{}", scene.room, scene.message_id);
        for (content, code) in [
            (" \u{200b}".to_owned(), "empty_content"),
            ("x".repeat(4_001), "content_too_long"),
            ("👍".repeat(3_001), "content_too_long"),
        ] {
            let mut edit = frame("edit", &scene.room, &scene.message_id);
            edit["content"] = json!(content);
            refused(&mut socket, edit, code).await;
            let body = json!({"content": content}).to_string().into_bytes();
            let (token, content_type) = (Some(scene.author.token.as_str()), Some("application/json"));
            let request = RawRequest { method: Method::PUT, path: &path, token, content_type, body };
            scene.rest.raw(request).await.unwrap().expect_problem(400, code);
        }
        scene.moderate(Method::PUT, &scene.author, "mute").await;
        assert_eq!(outcome(&mut socket, frame("edit", &scene.room, &scene.message_id)).await, "muted");
        let history = scene.rest.history(&scene.room, &scene.owner.token).await;
        assert!(history.iter().all(|event| event["type"] != "message_edited"), "nothing refused was stored");
    }
}

#[tokio::test]
async fn z13_a_message_of_one_room_is_unknown_in_another() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let elsewhere = scene.rest.new_room(&scene.author, "public").await;
        let mut socket = scene.live(&scene.author).await;
        for kind in ["edit", "delete", "react"] {
            let got = outcome(&mut socket, frame(kind, &elsewhere, &scene.message_id)).await;
            assert_eq!(got, "unknown_message", "{kind}");
        }
    }
}

/// Every type of event of a room, by the document: those with a number that are not answers.
fn event_types() -> BTreeSet<String> {
    let document = document();
    let numbered = |kind: &String| {
        let schema = &document["components"]["schemas"][Side::Server.name_of(kind)]["properties"];
        schema["epoch"].is_object() && schema["seq"].is_object()
    };
    let kinds = frame_types(Side::Server)
        .into_iter()
        .filter(numbered)
        .filter(|kind| !matches!(kind.as_str(), "ack" | "read"));
    // A room has its last event in a suite of its own; nothing purges messages yet.
    kinds
        .filter(|kind| !matches!(kind.as_str(), "room_deleted" | "messages_purged"))
        .collect()
}

fn heard(socket: &mut Socket) -> BTreeSet<String> {
    let events = event_types();
    let kinds = socket.mailbox().seen.iter().filter_map(|frame| frame["type"].as_str());
    kinds.filter(|kind| events.contains(*kind)).map(str::to_owned).collect()
}

#[tokio::test]
async fn z11_every_event_reaches_members_and_nobody_else() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (guest, outsider, former) = (
            scene.rest.new_user("guest").await,
            scene.rest.new_user("outsider").await,
            scene.rest.new_user("former").await,
        );
        let _joined = scene.rest.join(&scene.room, &former).await.expect(200);
        let mut gone = scene.live(&former).await;
        let _left = scene.rest.leave(&scene.room, &former).await.expect(204);
        gone.expect_type("unsubscribed").await;
        gone.mailbox().seen.clear();
        let mut member = scene.live(&scene.owner).await;
        let mut stranger = scene.idle(&outsider).await;
        stranger.send(frame("subscribe", &scene.room, &scene.message_id)).await;

        cause_everything(&scene, &guest).await;
        let mut author = scene.live(&scene.author).await;
        let last = say(&mut author, &scene.room, "the last").await;
        member
            .expect("the last", |frame| frame["seq"] == last["seq"] && frame["type"] == "new_message")
            .await;
        for socket in [&mut stranger, &mut gone] {
            socket.sync().await;
            let told: Vec<&Value> = socket
                .mailbox()
                .seen
                .iter()
                .filter(|frame| {
                    frame["seq"].is_u64() || frame["user"].get("user_id").is_some() && frame["type"] != "hello"
                })
                .collect();
            assert!(told.is_empty(), "{}: {told:#?}", deployment.name());
        }
        assert_eq!(heard(&mut member), event_types(), "{}: an event has no case here", deployment.name());
    }
}

/// At least one event of every type.
async fn cause_everything(scene: &Scene, guest: &Account) {
    let mut author = scene.idle(&scene.author).await;
    for (kind, remove) in [("message", false), ("edit", false), ("react", false), ("react", true), ("delete", false)] {
        let mut act = frame(kind, &scene.room, &scene.message_id);
        act["remove"] = json!(remove);
        assert_eq!(outcome(&mut author, act).await, "", "{kind}");
    }
    let _joined = scene.rest.join(&scene.room, guest).await.expect(200);
    let _left = scene.rest.leave(&scene.room, guest).await.expect(204);
    let _joined = scene.rest.join(&scene.room, guest).await.expect(200);
    for (method, act) in [
        (Method::PUT, "mute"),
        (Method::DELETE, "mute"),
        (Method::POST, "kick"),
        (Method::PUT, "ban"),
        (Method::DELETE, "ban"),
    ] {
        scene.moderate(method, guest, act).await;
    }
    let (path, change) = (format!("/api/v1/rooms/{}", scene.room), json!({"slow_mode_ms": 1_000}));
    let _changed = scene.rest.patch(&path, Some(&scene.owner.token), &change).await.expect(200);
    let said = scene
        .rest
        .say(&scene.room, &scene.owner, &json!({"content": "to be pinned"}))
        .await
        .expect(201)
        .json();
    let pin = format!("{path}/messages/{}/pin", said["message_id"].as_str().expect("an id"));
    let owner = Some(scene.owner.token.as_str());
    assert_eq!(scene.rest.put(&pin, owner, &json!({})).await.status, 204);
    assert_eq!(scene.rest.delete(&pin, owner).await.status, 204);
    let _joined = scene.rest.join(&scene.room, guest).await.expect(200);
    let role = format!("{path}/members/{}/role", guest.user_id);
    assert_eq!(scene.rest.put(&role, owner, &json!({"role": "moderator"})).await.status, 204);
    let _handed = scene
        .rest
        .post(&format!("{path}/transfer"), owner, &json!({"user_id": guest.user_id}))
        .await
        .expect(200);
}
