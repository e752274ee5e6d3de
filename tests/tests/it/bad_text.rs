//! Well-formed frames with bad content: each gets an error frame with its code, the connection goes on, nothing is
//! stored.

use rookery_protocol::limits::{BAD_FRAMES_PER_MINUTE_MAX, CONTENT_BYTES_MAX, CONTENT_CHARS_MAX, FRAME_BYTES_MAX};
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::Account;
use rookery_tests::ws::Socket;
use rookery_tests::{readme, shared};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::talk::{refused, say};

/// One entry of `shared/fixtures/bad_client_frames.json`; `text_repeat` is head, body, count, tail.
#[derive(Debug, Deserialize)]
struct BadFrame {
    name: String,
    text: Option<String>,
    text_repeat: Option<(String, String, usize, String)>,
    code: String,
    field: Option<String>,
}

impl BadFrame {
    fn text(&self) -> String {
        match (&self.text, &self.text_repeat) {
            (Some(text), _) => text.clone(),
            (None, Some((head, body, count, tail))) => format!("{head}{}{tail}", body.repeat(*count)),
            (None, None) => panic!("{} has no text", self.name),
        }
    }
}

struct Stage {
    deployment: &'static Deployment,
    user: Account,
    room: String,
}

impl Stage {
    async fn both() -> Vec<Self> {
        let mut stages = Vec::new();
        for deployment in shared::both().await {
            let user = deployment.rest().new_user("bad").await;
            let room = deployment.rest().new_room(&user, "public").await;
            stages.push(Self { deployment, user, room });
        }
        stages
    }

    async fn socket(&self) -> Socket {
        let mut socket = Socket::login(&self.deployment.sockets()[0], "/ws", &self.user.token).await;
        socket.subscribe(&self.room).await;
        socket
    }

    /// The connection still serves, and that message is the only one of the room.
    async fn assert_unharmed(&self, mut socket: Socket) {
        say(&mut socket, &self.room, "still here").await;
        let history = self.deployment.rest().history(&self.room, &self.user.token).await;
        let messages: Vec<&Value> = history.iter().filter(|frame| frame["type"] == "new_message").collect();
        assert_eq!(messages.len(), 1, "nothing refused was stored: {messages:#?}");
        self.deployment.assert_alive();
    }

    fn message(&self, content: &str) -> Value {
        json!({"type": "message", "room": self.room, "client_id": "c-bad", "content": content})
    }
}

#[tokio::test]
async fn p01_p02_p03_every_bad_frame_of_the_fixtures_gets_its_code() {
    let frames: Vec<BadFrame> =
        serde_json::from_str(&readme::file("shared/fixtures/bad_client_frames.json")).expect("the fixtures are JSON");
    // Longer ones never reach the decoder: `bad_frames` has that case.
    let frames: Vec<&BadFrame> = frames.iter().filter(|frame| frame.text().len() <= FRAME_BYTES_MAX).collect();
    assert!(frames.len() > 100, "the fixtures are all there");
    for stage in Stage::both().await {
        for few in frames.chunks(BAD_FRAMES_PER_MINUTE_MAX as usize - 1) {
            let mut socket = stage.socket().await;
            for frame in few {
                assert_refused(&mut socket, frame).await;
            }
            socket.sync().await;
        }
        stage.assert_unharmed(stage.socket().await).await;
    }
}

async fn assert_refused(socket: &mut Socket, frame: &BadFrame) {
    socket.send_message(Message::text(frame.text())).await;
    let error = socket.expect_type("error").await;
    assert_eq!(error["code"], frame.code.as_str(), "{}: {error}", frame.name);
    if let Some(field) = &frame.field {
        assert_eq!(error["field"], field.as_str(), "{}: {error}", frame.name);
    }
}

#[tokio::test]
async fn p05_an_empty_text_is_refused() {
    for stage in Stage::both().await {
        let mut socket = stage.socket().await;
        for empty in ["", " \n\t", "\u{200b}\u{2060}", "\u{202e}"] {
            let error = refused(&mut socket, stage.message(empty), "empty_content").await;
            assert_eq!(error["client_id"], "c-bad", "the client knows which message it was");
        }
        stage.assert_unharmed(socket).await;
    }
}

#[tokio::test]
async fn p05_a_text_that_is_too_long_is_refused() {
    for stage in Stage::both().await {
        let mut socket = stage.socket().await;
        let marks = "a".to_owned() + &"\u{301}".repeat(CONTENT_CHARS_MAX);
        for long in ["x".repeat(CONTENT_CHARS_MAX + 1), "👍".repeat(CONTENT_BYTES_MAX / 4 + 1), marks] {
            refused(&mut socket, stage.message(&long), "content_too_long").await;
        }
        stage.assert_unharmed(socket).await;
    }
}

#[tokio::test]
async fn p05_texts_come_back_as_they_were() {
    for stage in Stage::both().await {
        let mut socket = stage.socket().await;
        let longest = "\u{1}".repeat(CONTENT_CHARS_MAX - 1) + "x";
        let (marks, bidi) =
            ("a".to_owned() + &"\u{301}".repeat(1_000), "\u{202e}drawkcab\u{202c} \u{2066}x".to_owned());
        for content in [longest, marks, bidi, "<script>alert(1)</script>\0".to_owned()] {
            let echo = say(&mut socket, &stage.room, &content).await;
            assert_eq!(echo["message"]["content"], content.as_str());
        }
    }
}

#[tokio::test]
async fn p03_an_unknown_room_is_refused() {
    for stage in Stage::both().await {
        let mut socket = stage.socket().await;
        for room in ["no-such-room", "01890000-0000-7000-8000-000000000000"] {
            refused(&mut socket, json!({"type": "message", "room": room, "content": "hi"}), "unknown_room").await;
            refused(&mut socket, json!({"type": "subscribe", "rooms": [{"room": room}]}), "unknown_room").await;
        }
        stage.assert_unharmed(socket).await;
    }
}

#[tokio::test]
async fn z02_a_private_room_of_others_is_answered_like_an_unknown_one() {
    for stage in Stage::both().await {
        let rest = stage.deployment.rest();
        let other = rest.new_user("other").await;
        let secret = rest.new_room(&other, "private").await;
        let mut socket = stage.socket().await;
        for frame in ["message", "subscribe"] {
            let ask = |room: &str| json!({"type": frame, "room": room, "client_id": "c-1", "content": "hi", "rooms": [{"room": room}]});
            let of_secret = refused(&mut socket, ask(&secret), "unknown_room").await;
            let nothing = "01890000-0000-7000-8000-000000000000";
            let of_nothing = refused(&mut socket, ask(nothing), "unknown_room").await;
            assert_eq!(of_secret.to_string().replace(&secret, nothing), of_nothing.to_string());
        }
        let path = format!("/api/v1/rooms/{secret}/messages");
        rest.get(&path, Some(&stage.user.token)).await.expect_problem(404, "unknown_room");
        assert_only_join(&rest.history(&secret, &other.token).await);
        stage.assert_unharmed(socket).await;
    }
}

#[tokio::test]
async fn z02_a_public_room_that_was_not_joined_is_refused() {
    for stage in Stage::both().await {
        let rest = stage.deployment.rest();
        let other = rest.new_user("other").await;
        let room = rest.new_room(&other, "public").await;
        let mut socket = stage.socket().await;
        refused(&mut socket, json!({"type": "message", "room": room, "content": "hi"}), "not_a_member").await;
        refused(&mut socket, json!({"type": "subscribe", "rooms": [{"room": room}]}), "not_a_member").await;
        rest.say(&room, &stage.user, &json!({"content": "hi"}))
            .await
            .expect_problem(403, "not_a_member");
        let path = format!("/api/v1/rooms/{room}/messages");
        rest.get(&path, Some(&stage.user.token)).await.expect_problem(403, "not_a_member");
        assert_only_join(&rest.history(&room, &other.token).await);
        stage.assert_unharmed(socket).await;
    }
}

#[tokio::test]
async fn a_frame_that_names_no_room_needs_a_connection_of_one_room() {
    for stage in Stage::both().await {
        let mut socket = stage.socket().await;
        refused(&mut socket, json!({"type": "message", "content": "hi"}), "room_required").await;
        stage.assert_unharmed(socket).await;
    }
}

#[tokio::test]
async fn p07_fields_that_only_the_server_may_set_are_ignored() {
    for stage in Stage::both().await {
        let mut socket = stage.socket().await;
        let mut frame = stage.message("mine");
        for (field, value) in [
            ("seq", json!(999_999)),
            ("epoch", json!("e9")),
            ("user_id", json!("01890000-0000-7000-8000-000000000000")),
            ("username", json!("admin")),
            ("timestamp", json!("1999-01-01T00:00:00.000Z")),
            ("message_id", json!("01890000-0000-7000-8000-000000000000")),
        ] {
            frame[field] = value;
        }
        socket.send(frame).await;
        let echo = socket.expect_type("new_message").await;
        assert_eq!(echo["message"]["user_id"], stage.user.user_id.as_str());
        assert_eq!(echo["message"]["username"], stage.user.username.as_str());
        assert_ne!(echo["seq"], 999_999);
        assert!(echo["message"]["timestamp"].as_str() > Some("2020"));
    }
}

#[tokio::test]
async fn p04_the_same_client_id_gives_one_message_on_every_node() {
    for stage in Stage::both().await {
        let [left, right] = stage.deployment.sockets();
        let mut here = Socket::login(&left, "/ws", &stage.user.token).await;
        let mut there = Socket::login(&right, "/ws", &stage.user.token).await;
        here.subscribe(&stage.room).await;
        there.subscribe(&stage.room).await;
        let mut acks = Vec::new();
        for socket in [&mut here, &mut there] {
            socket.send(stage.message("once")).await;
            acks.push(socket.expect_type("ack").await);
        }
        here.send(stage.message("once")).await;
        acks.push(here.expect_type("ack").await);
        here.leave().await;
        let mut back = Socket::login(&right, "/ws", &stage.user.token).await;
        back.send(stage.message("once")).await;
        acks.push(back.expect_type("ack").await);
        assert!(acks.iter().all(|ack| *ack == acks[0]), "every repeat gets the first result: {acks:#?}");
        there.sync().await;
        let history = stage.deployment.rest().history(&stage.room, &stage.user.token).await;
        assert_eq!(history.iter().filter(|frame| frame["type"] == "new_message").count(), 1);
    }
}

fn assert_only_join(history: &[Value]) {
    assert!(history.iter().all(|frame| frame["type"] == "member_joined"), "{history:#?}");
}
