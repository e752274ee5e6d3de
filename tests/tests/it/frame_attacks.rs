//! Frames that are well-formed and meant badly (rows P of the attack rows), beyond what one bad text can do, see
//! `bad_text`.

use std::collections::BTreeSet;
use std::time::Duration;

use rookery_protocol::limits::SEND_QUEUE_BYTES_MAX;
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::raw::exchange;
use rookery_tests::rest::Rest;
use rookery_tests::shared;
use rookery_tests::standalone::Standalone;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};

use crate::talk::say;

/// Row P09.
const PIPELINED: usize = 10_000;
/// What the process may need more for it: a full outbox twice over, and the events in its bus and store.
const GROWTH_KIB_MAX: u64 = 32 * 1_024 + 2 * (SEND_QUEUE_BYTES_MAX as u64) / 1_024;

#[tokio::test]
async fn p03_odd_room_names_in_the_address_are_refused() {
    let long = "x".repeat(10_240);
    for deployment in shared::both().await {
        let address = deployment.sockets()[0].replace("ws://", "");
        let names = ["*", "?", "%5B", "a%0Ab", "..%2f", "%00", "General", "{64}", "%ff%fe", &long];
        // A refused connection could be used again, so the request says that it is the last.
        let attempts = names.map(|name| {
            let head = format!(
                "GET /ws/{name} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            let address = &address;
            async move {
                let answer = exchange(address, head.as_bytes(), Duration::from_secs(14)).await;
                let status = answer.get(9..12).unwrap_or_default();
                assert!(matches!(status, "400" | "404" | "414"), "{name}: {answer}");
            }
        });
        futures_util::future::join_all(attempts).await;
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn p08_odd_positions_are_answered_with_a_reset_and_nothing_of_others() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("odd").await;
        let (room, other) = (rest.new_room(&user, "public").await, rest.new_room(&user, "private").await);
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws", &user.token).await;
        let live = socket.subscribe(&room).await;
        let head = live["head"].as_u64().unwrap();
        for (epoch, seq) in [
            (live["epoch"].clone(), head + 1),
            (live["epoch"].clone(), (1 << 53) - 1),
            (json!("e18446744073709551615"), 1),
            (json!("e0"), 0),
        ] {
            let mut back = Socket::login(&deployment.sockets()[1], "/ws", &user.token).await;
            let position = json!({"room": room, "epoch": epoch, "seq": seq});
            back.send(json!({"type": "subscribe", "rooms": [position]})).await;
            back.expect_type("caught_up").await;
            back.sync().await;
            let told: Vec<&Value> = back.mailbox().seen.iter().filter(|frame| frame.get("room").is_some()).collect();
            let mut kinds: Vec<&str> = told.iter().filter_map(|frame| frame["type"].as_str()).collect();
            // Of the epoch before all others is known what is stored, which is nothing: it is led on from there.
            kinds.retain(|kind| *kind != "member_joined");
            assert_eq!(kinds, ["subscribed", "reset", "caught_up"], "{epoch} {seq}");
            assert!(told.iter().all(|frame| frame["room"] == room.as_str() && frame["room"] != other.as_str()));
        }
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn p09_ten_thousand_frames_before_reading_any_are_handled_in_order_or_refused() {
    let server = Standalone::start().await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("eager").await;
    let room = rest.new_room(&user, "public").await;
    let mut socket = Socket::login(&server.node.socket_url(), "/ws", &user.token).await;
    socket.subscribe(&room).await;
    say(&mut socket, &room, "warm").await;
    let before = server.node.process.rss_kib();
    let write = async {
        for n in 0..PIPELINED {
            let name = format!("p-{n:05}");
            socket
                .send(json!({"type": "message", "room": room, "client_id": name, "content": name}))
                .await;
        }
    };
    // The server stops reading while its client reads nothing: what does not fit the wires is never sent.
    let _all = tokio::time::timeout(Duration::from_secs(8), write).await;
    let answered = answers(&mut socket).await;
    let growth = server.node.process.rss_kib().saturating_sub(before);
    assert!(growth < GROWTH_KIB_MAX, "{growth} KiB more");
    let history = rest.history(&room, &user.token).await;
    let stored: Vec<&str> = history.iter().filter_map(|event| event["message"]["client_id"].as_str()).collect();
    let mine: Vec<&str> = stored.into_iter().filter(|name| name.starts_with("p-")).collect();
    assert!(mine.is_sorted() && !mine.is_empty(), "in the order they were sent");
    let mine: BTreeSet<&str> = mine.into_iter().collect();
    assert!(answered.iter().all(|name| mine.contains(name.as_str())), "what was acked is stored");
    let mut after = Socket::login(&server.node.socket_url(), "/ws", &user.token).await;
    after.subscribe(&room).await;
    say(&mut after, &room, "others are unharmed").await;
    assert!(server.node.process.runs());
}

#[tokio::test]
async fn p10_a_text_that_names_thousands_is_too_long_or_an_ordinary_message() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (user, named) = (rest.new_user("caller").await, rest.new_user("named").await);
        let room = rest.new_room(&user, "public").await;
        drop(rest.join(&room, &named).await.expect(200));
        let mut talking = Socket::login(&deployment.sockets()[0], "/ws", &user.token).await;
        let mut hearing = Socket::login(&deployment.sockets()[0], "/ws", &named.token).await;
        talking.subscribe(&room).await;
        hearing.subscribe(&room).await;
        let everybody = "@a ".repeat(10_000);
        talking
            .send(json!({"type": "message", "room": room, "client_id": "m-1", "content": everybody}))
            .await;
        let error = talking.expect("error", |frame| frame["type"] == "error").await;
        assert_eq!((error["code"].as_str(), error["client_id"].as_str()), (Some("content_too_long"), Some("m-1")));
        // What fits is a text like any other: nobody hears more of it than the one event.
        let some = format!("@all {}", "@ada ".repeat(700));
        say(&mut talking, &room, &some).await;
        let event = hearing.expect("new_message", |frame| frame["type"] == "new_message").await;
        assert_eq!(event["message"]["content"], some.as_str());
        say(&mut talking, &room, "the end").await;
        let next = hearing.expect("new_message", |frame| frame["type"] == "new_message").await;
        assert_eq!(next["message"]["content"], "the end");
        assert_eq!(next["seq"].as_u64(), event["seq"].as_u64().map(|seq| seq + 1));
    }
}

/// The names that were acked, up to the last answer or a close that says why.
async fn answers(socket: &mut Socket) -> Vec<String> {
    let mut acked = Vec::new();
    loop {
        match tokio::time::timeout(PATIENCE / 4, socket.incoming()).await {
            Ok(Incoming::Frame(frame)) if frame["type"] == "ack" => {
                acked.push(frame["client_id"].as_str().unwrap_or_default().to_owned());
            }
            Ok(Incoming::Frame(frame)) if frame["type"] == "error" => {
                let known = ["rate_limited", "overloaded", "unavailable"];
                assert!(known.contains(&frame["code"].as_str().unwrap_or_default()), "{frame}");
            }
            Ok(Incoming::Frame(_)) => {}
            Ok(Incoming::Closed(code)) => {
                assert!(matches!(code, Some(4429 | 4508)), "closed with {code:?}");
                return acked;
            }
            Ok(Incoming::Lost(_)) | Err(_) => return acked,
        }
    }
}
