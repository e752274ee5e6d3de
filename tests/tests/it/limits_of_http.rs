//! Bounds of the listeners, and what a login attempt gives away.

use std::time::Duration;

use rookery_tests::node::Node;
use rookery_tests::raw::exchange;
use rookery_tests::rest::{Answer, Rest};
use rookery_tests::{names, shared};
use tokio::time::Instant;

/// Ten seconds for the head, and some for a busy machine.
const HEAD_PATIENCE: Duration = Duration::from_secs(14);
const TRIES: usize = 15;

async fn public_nodes() -> Vec<&'static Node> {
    shared::both().await.into_iter().flat_map(|deployment| deployment.nodes()).collect()
}

#[tokio::test]
async fn h01_half_a_request_head_is_closed_within_ten_seconds() {
    let nodes = public_nodes().await;
    let half = b"GET /ws HTTP/1.1\r\nHost: rookery\r\nX-Slow: ";
    let attempts = nodes.iter().map(|node| async move {
        let address = node.public_address();
        let answer = exchange(&address, half, HEAD_PATIENCE).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    });
    futures_util::future::join_all(attempts).await;
    assert!(nodes.iter().all(|node| node.process.runs()));
}

#[tokio::test]
async fn h01_a_connection_that_says_nothing_is_closed_within_ten_seconds() {
    let nodes = public_nodes().await;
    let attempts = nodes.iter().map(|node| async move {
        exchange(&node.public_address(), b"", HEAD_PATIENCE).await;
    });
    futures_util::future::join_all(attempts).await;
}

#[tokio::test]
async fn h02_a_head_that_is_too_large_is_refused() {
    let line = format!("X-Large: {}\r\n", "x".repeat(1024 * 1024));
    let many = "X-Many: 1\r\n".repeat(1_000);
    for node in public_nodes().await {
        for headers in [&line, &many] {
            let head = format!("GET /ws HTTP/1.1\r\nHost: rookery\r\n{headers}\r\n");
            let answer = exchange(&node.public_address(), head.as_bytes(), HEAD_PATIENCE).await;
            let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 400");
            assert!(refused, "{answer}");
        }
        assert!(node.process.runs());
    }
}

#[tokio::test]
async fn h04_two_lengths_of_one_body_are_refused() {
    for node in public_nodes().await {
        for lengths in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n",
        ] {
            let text = format!("POST /ws HTTP/1.1\r\nHost: rookery\r\n{lengths}\r\n0\r\n\r\nGET /ws HTTP/1.1\r\n\r\n");
            let answer = exchange(&node.public_address(), text.as_bytes(), HEAD_PATIENCE).await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{lengths}: {answer}");
            assert!(answer.matches("HTTP/1.1").count() <= 1, "the rest is not a second request: {answer}");
        }
    }
}

#[tokio::test]
async fn w01_requests_that_are_no_handshake_are_refused() {
    for deployment in shared::both().await {
        let address = deployment.sockets()[0].replace("ws://", "");
        let attempts = no_handshakes().into_iter().map(|(line, headers)| {
            let head = format!("{line}\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: 0\r\n\r\n");
            let address = &address;
            async move {
                let answer = exchange(address, head.as_bytes(), HEAD_PATIENCE).await;
                let status = answer.get(9..12).unwrap_or_default();
                assert!(matches!(status, "400" | "405" | "426"), "{head}{answer}");
            }
        });
        futures_util::future::join_all(attempts).await;
        deployment.assert_alive();
    }
}

/// Request lines and headers that look like a handshake, each with one thing wrong.
fn no_handshakes() -> [(&'static str, String); 7] {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    let key = format!("Sec-WebSocket-Key: {KEY}\r\n");
    [
        ("GET /ws HTTP/1.1", String::new()),
        ("GET /ws HTTP/1.1", format!("{upgrade}{version}")),
        ("GET /ws HTTP/1.1", format!("{upgrade}Sec-WebSocket-Version: 12\r\n{key}")),
        ("POST /ws HTTP/1.1", format!("{upgrade}{version}{key}")),
        ("GET /ws HTTP/1.0", format!("{upgrade}{version}{key}")),
        ("GET /ws HTTP/1.1", format!("{upgrade}{version}Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n")),
        ("GET /ws HTTP/1.1", format!("{upgrade}{version}{key}{key}")),
    ]
}

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

#[tokio::test]
async fn a21_a_wrong_password_and_an_unknown_user_are_answered_alike() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("known").await;
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for _ in 0..TRIES {
            let wrong = timed_login(&rest, &user.username, &mut known).await;
            let nobody = timed_login(&rest, &names::unique("nobody"), &mut unknown).await;
            assert_eq!(without_request_id(&wrong), without_request_id(&nobody));
            wrong.expect_problem(401, "bad_credentials");
        }
        let ratio = median(known).as_secs_f64() / median(unknown).as_secs_f64();
        assert!((0.5..=2.0).contains(&ratio), "{}: time ratio {ratio}", deployment.name());
    }
}

async fn timed_login(rest: &Rest, login: &str, times: &mut Vec<Duration>) -> Answer {
    let start = Instant::now();
    let answer = rest.login(login, "not the password").await;
    times.push(start.elapsed());
    answer
}

fn without_request_id(answer: &Answer) -> (u16, serde_json::Value) {
    let mut body = answer.json();
    body["request_id"].take();
    (answer.status, body)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
