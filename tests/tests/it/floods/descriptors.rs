//! A process that takes no more connections: by its settings, and because it may open no more files (row R12).

use std::process::Command;
use std::time::Duration;

use rookery_tests::raw::exchange;
use rookery_tests::rest::Rest;
use rookery_tests::standalone::Standalone;
use rookery_tests::ws::Socket;
use tokio::net::TcpStream;

use super::said;

/// Sets how many files a process may have open.
fn allow_files(pid: u32, count: usize) {
    let status = Command::new("prlimit")
        .arg(format!("--pid={pid}"))
        .arg(format!("--nofile={count}:{count}"))
        .status();
    assert!(status.expect("prlimit runs").success());
}

fn open_files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the process runs").count()
}

#[tokio::test]
async fn r12_without_file_descriptors_the_old_are_served_and_the_new_are_told() {
    let server = Standalone::prepare();
    server.node.start().await;
    let rest = Rest::new(server.node.public_url());
    let user = rest.new_user("old").await;
    let mut old = Socket::login(&server.node.socket_url(), "/ws/general", &user.token).await;
    old.live().await;
    let pid = server.node.process.id();
    allow_files(pid, open_files(pid) + 10);

    let address = server.node.public_address();
    let mut crowd = Vec::new();
    for _ in 0..30 {
        crowd.push(TcpStream::connect(&address).await.expect("the kernel takes it"));
    }
    assert_eq!(said(&mut old, "while-full").await["type"], "ack", "old connections are served");
    let is_full = async || server.node.process.log().contains("accept failed");
    rookery_tests::wait::until("the limit is reached", is_full).await;
    let request = b"GET /api/v1/rooms HTTP/1.1\r\nHost: rookery\r\n\r\n";
    let answer = exchange(&address, request, Duration::from_secs(10)).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503"), "{answer}");

    drop(crowd);
    let is_served = async || {
        let answer = rest.try_get("/api/v1/users/me", Some(&user.token)).await;
        answer.is_ok_and(|answer| answer.status == 200)
    };
    rookery_tests::wait::until("new connections are served again", is_served).await;
    assert_eq!(said(&mut old, "afterwards").await["type"], "ack");
}

#[tokio::test]
async fn r12_a_listener_that_is_full_or_hurried_says_so() {
    let server = Standalone::prepare_with(&[("limits", "off"), ("connections_max", "8"), ("accepts_per_second", "20")]);
    server.node.start().await;
    let address = server.node.public_address();
    let request = b"GET /api/v1/rooms HTTP/1.1\r\nHost: rookery\r\nConnection: close\r\n\r\n";
    let ask = || exchange(&address, request, Duration::from_secs(10));
    assert!(ask().await.starts_with("HTTP/1.1 401"));

    // A connection that has its answer may be ending still, and one that came meanwhile was not let in.
    let (mut crowd, mut answer) = (Vec::new(), String::new());
    let full = async || {
        crowd.push(TcpStream::connect(&address).await.expect("the system accepts"));
        answer = ask().await;
        !answer.starts_with("HTTP/1.1 401")
    };
    rookery_tests::wait::until("there is no room", full).await;
    assert_told(&answer);
    drop(crowd);
    let is_served = async || ask().await.starts_with("HTTP/1.1 401");
    rookery_tests::wait::until("there is room again", is_served).await;

    let hurried = futures_util::future::join_all((0..100).map(|_| ask())).await;
    hurried
        .iter()
        .filter(|answer| !answer.starts_with("HTTP/1.1 401"))
        .for_each(|answer| assert_told(answer));
    rookery_tests::wait::until("it is calm again", is_served).await;
    let metrics = Rest::new(server.node.internal_url()).get("/metrics", None).await.text;
    for limit in ["connections", "accepts"] {
        assert!(
            metrics.contains(&format!("rookery_gateway_limited_total{{limit=\"{limit}\"}}")),
            "{limit}: {metrics}"
        );
    }
}

fn assert_told(answer: &str) {
    // In a flood not everybody is waited for.
    if answer.is_empty() {
        return;
    }
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("Retry-After: 2"), "{answer}");
    assert!(answer.ends_with("no more connections now.\"}"), "{answer}");
}
