//! What two people do in a room, for clients of any make.

use std::time::Duration;

use rookery_tests::mailbox::ChatClient;
use rookery_tests::names;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};
use tokio::time::sleep;

const HEADS_ASKED_MAX: usize = 300;
const HEADS_PAUSE: Duration = Duration::from_millis(100);

/// Says something and checks the echo and the ack; returns the echo.
pub(crate) async fn say<T: ChatClient + Send>(talker: &mut T, room: &str, content: &str) -> Value {
    let client_id = names::unique("c");
    talker
        .send(json!({"type": "message", "room": room, "client_id": client_id, "content": content}))
        .await;
    let echo = talker
        .expect("the echo", |frame| {
            frame["type"] == "new_message" && frame["message"]["client_id"] == client_id.as_str()
        })
        .await;
    let ack = talker
        .expect("the ack", |frame| frame["type"] == "ack" && frame["client_id"] == client_id.as_str())
        .await;
    for (of_ack, of_echo) in [
        (&ack["room"], &echo["room"]),
        (&ack["epoch"], &echo["epoch"]),
        (&ack["seq"], &echo["seq"]),
        (&ack["message_id"], &echo["message"]["message_id"]),
        (&ack["timestamp"], &echo["message"]["timestamp"]),
    ] {
        assert_eq!(of_ack, of_echo, "ack and echo are about one event:\n{ack}\n{echo}");
    }
    let seen = &talker.mailbox().seen;
    let place = |wanted: &Value| seen.iter().position(|frame| frame == wanted);
    assert!(place(&echo) < place(&ack), "seeing one's own message comes before knowing that it is stored");
    echo
}

/// Waits for an event that somebody else has seen; it must be the same to the byte.
pub(crate) async fn hear<T: ChatClient + Send>(talker: &mut T, event: &Value) {
    let same = |frame: &Value| {
        frame["type"] == event["type"] && frame["room"] == event["room"] && frame["seq"] == event["seq"]
    };
    let heard = talker.expect(&format!("what another client has seen: {event}"), same).await;
    assert_eq!(&heard, event, "an event is the same for everybody");
}

/// Both say something and hear the other.
pub(crate) async fn exchange<A: ChatClient + Send, B: ChatClient + Send>(a: &mut A, b: &mut B, room: &str) {
    for round in 1..=3 {
        let question = say(a, room, &format!("question {round} – ¿qué? 👋")).await;
        hear(b, &question).await;
        let answer = say(b, room, &format!("answer {round} \"quoted\" \\ <b>")).await;
        hear(a, &answer).await;
    }
}

/// Waits until a member's coming or going is seen.
pub(crate) async fn notice<T: ChatClient + Send>(talker: &mut T, kind: &str, room: &str, user_id: &str) -> Value {
    talker
        .expect(&format!("{kind} of {user_id}"), |frame| {
            frame["type"] == kind && frame["room"] == room && frame["user"]["user_id"] == user_id
        })
        .await
}

/// Sends a frame and waits for the error frame that answers it.
pub(crate) async fn refused<T: ChatClient + Send>(talker: &mut T, frame: Value, code: &str) -> Value {
    talker.send(frame.clone()).await;
    let error = talker.expect_type("error").await;
    assert_eq!(error["code"], code, "answer to {frame}: {error}");
    error
}

/// An event of a history as it was live: only histories count replies.
pub(crate) fn as_seen_live(event: &Value) -> Value {
    let mut event = event.clone();
    if let Some(message) = event.get_mut("message").and_then(Value::as_object_mut) {
        let _replies = message.remove("replies");
    }
    event
}

/// The number of the room's last event; a gateway that cannot ask about the room in time is asked again, as clients do.
pub(crate) async fn head_of(room: &str, socket: &mut Socket) -> u64 {
    for _ in 0..HEADS_ASKED_MAX {
        socket.send(json!({"type": "heads", "rooms": [{"room": room}]})).await;
        let heads = socket.expect_type("heads").await;
        if let Some(seq) = heads["rooms"][0]["seq"].as_u64() {
            return seq;
        }
        sleep(HEADS_PAUSE).await;
    }
    panic!("nobody tells the head of {room}: {:?}", socket.mailbox().seen);
}
