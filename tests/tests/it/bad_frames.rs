//! Handshakes and frames that break RFC 6455 or our bounds. The connection ends with the right code, the process
//! lives, nothing is stored.

use std::time::Duration;

use http::HeaderValue;
use rookery_protocol::limits::{BAD_FRAMES_PER_MINUTE_MAX, FRAME_BYTES_MAX};
use rookery_tests::cluster::ALLOWED_ORIGIN;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::raw::{BINARY, Masking, PING, RawSocket, TEXT};
use rookery_tests::rest::Account;
use rookery_tests::shared;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::{Attempt, Socket, Way, with_token};
use serde_json::json;

use crate::socketio_polling::i05_a_connection_without_a_token_ends_by_itself;

/// First bytes that no client may send: reserved bits, and opcodes without a meaning.
const RESERVED: [u8; 9] = [0xC1, 0xA1, 0x91, 0x83, 0x87, 0x8B, 0x8F, 0x84, 0x8C];

async fn attempt_from(deployment: &Deployment, origin: &str) -> Attempt {
    let user = deployment.rest().new_user("origin").await;
    let mut request = with_token(&deployment.sockets()[0], "/ws", &user.token, Way::Header);
    request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
    Socket::open(request).await
}

async fn assert_origin_refused(origin: &str) {
    for deployment in shared::both().await {
        match attempt_from(deployment, origin).await {
            Attempt::Refused(status) => assert_eq!(status, 403),
            Attempt::Open(_) => panic!("{origin} got a connection"),
            Attempt::Unreachable(cause) => panic!("{cause}"),
        }
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn w02_a_foreign_origin_is_refused() {
    assert_origin_refused("https://evil.example").await;
}

#[tokio::test]
async fn w02_the_null_origin_is_refused() {
    assert_origin_refused("null").await;
}

#[tokio::test]
async fn w02_an_origin_that_only_ends_or_begins_like_an_allowed_one_is_refused() {
    for trick in [
        "https://chat.example.evil",
        "https://evilchat.example",
        "http://chat.example",
        "https://chat.example:8443",
    ] {
        assert_origin_refused(trick).await;
    }
}

#[tokio::test]
async fn w02_an_origin_with_a_host_that_only_contains_ours_is_refused() {
    for deployment in shared::both().await {
        let host = deployment.sockets()[0].replace("ws://", "");
        for trick in [format!("http://{host}.evil.example"), format!("http://{host}@evil.example")] {
            assert!(matches!(attempt_from(deployment, &trick).await, Attempt::Refused(403)), "{trick}");
        }
    }
}

#[tokio::test]
async fn w02_an_allowed_origin_and_the_own_host_are_let_in() {
    for deployment in shared::both().await {
        let own = deployment.sockets()[0].replace("ws://", "http://");
        for origin in [ALLOWED_ORIGIN, &own] {
            let mut socket = attempt_from(deployment, origin).await.open();
            socket.expect_type("hello").await;
        }
    }
}

/// A page of this machine may have another name for it than the address it connects to.
#[tokio::test]
async fn w02_a_page_of_another_loopback_name_on_the_same_port_is_let_in() {
    for deployment in shared::both().await {
        let own = deployment.sockets()[0].replace("ws://", "http://");
        let (_, port) = own.rsplit_once(':').expect("a port");
        let mut socket = attempt_from(deployment, &format!("http://localhost:{port}")).await.open();
        socket.expect_type("hello").await;
        let other: u16 = port.parse::<u16>().expect("a port") ^ 1;
        let refused = attempt_from(deployment, &format!("http://localhost:{other}")).await;
        assert!(matches!(refused, Attempt::Refused(status) if status == 403), "a page of another port");
    }
}

/// A user who is a member of a room of their own, and what must not change.
async fn prepared(deployment: &Deployment) -> (Account, String, usize) {
    let rest = deployment.rest();
    let user = rest.new_user("raw").await;
    let room = rest.new_room(&user, "public").await;
    let events = rest.history(&room, &user.token).await.len();
    (user, room, events)
}

/// Sends one frame and checks the code that the server closes with, and that nothing happened otherwise.
async fn assert_closes(first: u8, masking: Masking, payload: &dyn Fn(&str) -> Vec<u8>, code: u16) {
    for deployment in shared::both().await {
        let (user, room, events) = prepared(deployment).await;
        let mut socket = RawSocket::login(&deployment.sockets()[0].replace("ws://", ""), &user.token).await;
        socket.send(first, masking, &payload(&room)).await;
        assert_eq!(socket.closed().await, Some(code), "{}: frame {first:#x}", deployment.name());
        assert_eq!(deployment.rest().history(&room, &user.token).await.len(), events, "nothing was stored");
        deployment.assert_alive();
    }
}

fn message(room: &str) -> Vec<u8> {
    json!({"type": "message", "room": room, "content": "must not be stored"})
        .to_string()
        .into_bytes()
}

#[tokio::test]
async fn w07_a_frame_over_the_limit_closes_with_1009() {
    let too_long = |room: &str| {
        let frame = json!({"type": "message", "room": room, "content": "x".repeat(FRAME_BYTES_MAX)});
        frame.to_string().into_bytes()
    };
    assert_closes(TEXT, Masking::Masked, &too_long, 1009).await;
}

#[tokio::test]
async fn w07_a_header_that_claims_gigabytes_closes_with_1009_at_once() {
    for deployment in shared::both().await {
        let (user, ..) = prepared(deployment).await;
        for length in [1 << 30, (1 << 63) - 1] {
            let mut socket = RawSocket::login(&deployment.sockets()[0].replace("ws://", ""), &user.token).await;
            socket.send_header(TEXT, length).await;
            assert_eq!(socket.closed().await, Some(1009), "{length} bytes claimed");
        }
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn w08_fragments_over_the_limit_together_close_with_1009() {
    for deployment in shared::both().await {
        let (user, ..) = prepared(deployment).await;
        let mut socket = RawSocket::login(&deployment.sockets()[0].replace("ws://", ""), &user.token).await;
        let part = vec![b'x'; FRAME_BYTES_MAX / 4];
        socket.send(0x01, Masking::Masked, &part).await;
        for _ in 0..8 {
            socket.send(0x00, Masking::Masked, &part).await;
        }
        assert_eq!(socket.closed().await, Some(1009));
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn w06_text_that_is_not_utf8_closes_with_1007() {
    let broken = |room: &str| {
        let mut bytes = message(room);
        let place = bytes.len() - 4;
        bytes.splice(place..place, [0xFF, 0xFE]);
        bytes
    };
    assert_closes(TEXT, Masking::Masked, &broken, 1007).await;
}

#[tokio::test]
async fn w04_an_unmasked_frame_closes_with_1002() {
    assert_closes(TEXT, Masking::Unmasked, &message, 1002).await;
}

#[tokio::test]
async fn w04_reserved_bits_and_opcodes_close_with_1002() {
    for first in RESERVED {
        assert_closes(first, Masking::Masked, &message, 1002).await;
    }
}

#[tokio::test]
async fn w05_a_control_frame_that_is_too_long_closes_with_1002() {
    assert_closes(PING, Masking::Masked, &|_| vec![0; 126], 1002).await;
}

#[tokio::test]
async fn w11_a_continuation_of_nothing_closes_with_1002() {
    assert_closes(0x80, Masking::Masked, &message, 1002).await;
}

#[tokio::test]
async fn w13_a_binary_frame_closes_with_1003() {
    assert_closes(BINARY, Masking::Masked, &message, 1003).await;
}

#[tokio::test]
async fn p01_too_many_frames_that_mean_nothing_close_with_1008() {
    for deployment in shared::both().await {
        let user = deployment.rest().new_user("noise").await;
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws", &user.token).await;
        for _ in 0..=BAD_FRAMES_PER_MINUTE_MAX {
            socket.send(json!({"type": "noise"})).await;
        }
        assert_eq!(socket.closed(PATIENCE).await, Some(1008));
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn w03_no_token_closes_with_4401_after_ten_seconds() {
    let closes = async |deployment: &Deployment, dialect: Dialect| {
        let started = tokio::time::Instant::now();
        let base = &deployment.sockets_in(dialect)[0];
        let mut socket = Socket::open(with_token(base, "/ws", "", Way::FirstFrame)).await.open();
        assert_eq!(socket.closed(Duration::from_secs(15)).await, Some(4401));
        assert!(started.elapsed() >= Duration::from_secs(9), "the client had its ten seconds");
        deployment.assert_alive();
    };
    let [cluster, standalone] = shared::both().await;
    tokio::join!(
        closes(cluster, Dialect::Native),
        closes(standalone, Dialect::Native),
        closes(cluster, Dialect::SocketIo),
        i05_a_connection_without_a_token_ends_by_itself(),
    );
}
