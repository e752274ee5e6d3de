//! HTTP as others speak it: half-closed, early, late, pipelined, broken. The table is in `tests/src/http_cases`; every
//! listener of ours answers it, bare and behind the proxies whose configurations are shipped.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use rookery_tests::exchange::{Exchange, Step};
use rookery_tests::front::{Front, Make, Servers};
use rookery_tests::http_cases::{Case, EVERYWHERE, NEXT, REST, SOCKETS, Scene, Server, next, run, steps};
use rookery_tests::node::Node;
use rookery_tests::rest::Rest;
use rookery_tests::shared;
use rookery_tests::standalone::Standalone;

/// Cases that are played at once.
const AT_ONCE: usize = 24;
/// Requests of others after each case, on connections that the proxy shares.
const OTHERS: usize = 3;

async fn scene(rest: &Rest, address: &str) -> Scene {
    let user = rest.new_user("asks").await;
    let room = rest.new_room(&user, "public").await;
    Scene { host: address.to_owned(), token: user.token, room }
}

/// A scene for cases that need nobody.
fn nobody(address: &str) -> Scene {
    Scene { host: address.to_owned(), token: String::new(), room: String::new() }
}

async fn run_all(cases: &[Case], address: &str, scene: &Scene) {
    stream::iter(cases)
        .for_each_concurrent(AT_ONCE, async |case| run(case, address, scene, Server::Bare).await)
        .await;
}

fn internal_address(node: &Node) -> String {
    node.internal_url().replace("http://", "")
}

#[test]
fn there_are_many_cases() {
    assert!(EVERYWHERE.len() + REST.len() + SOCKETS.len() >= 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_every_listener_answers_each_request_once_and_says_when_it_was_the_last() {
    for deployment in shared::both().await {
        let nodes = deployment.nodes();
        for address in nodes.iter().flat_map(|node| [node.public_address(), internal_address(node)]) {
            run_all(EVERYWHERE, &address, &nobody(&address)).await;
        }
        deployment.assert_alive();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a4_b10_e2_rest_and_sockets_answer_each_request_once() {
    for deployment in shared::both().await {
        let address = deployment.api().public_address();
        run_all(REST, &address, &scene(&deployment.rest(), &address).await).await;
        let sockets = deployment.sockets()[0].replace("ws://", "");
        run_all(SOCKETS, &sockets, &nobody(&sockets)).await;
        deployment.assert_alive();
    }
}

/// Nothing that a client sends through a proxy becomes part of what another one is answered.
async fn holds_behind(front: &Front, scene: &Scene) {
    let address = front.address();
    let mut failed = Vec::new();
    for case in EVERYWHERE.iter().chain(REST).chain(SOCKETS) {
        let others = async {
            run(case, &address, scene, Server::Proxied).await;
            let mut other = Exchange::connect(&address).await;
            for _ in 0..OTHERS {
                next(case.name, &mut other).await;
            }
        };
        // All that fail are told, not the first one alone.
        if AssertUnwindSafe(others).catch_unwind().await.is_err() {
            failed.push(case.name);
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_behind_haproxy_everybody_gets_their_own_answer() {
    let server = Standalone::start().await;
    let front = Front::start(Make::Haproxy, Servers::one(&server.node)).await;
    let scene = scene(&Rest::new(server.node.public_url()), &front.address()).await;
    holds_behind(&front, &scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_behind_nginx_everybody_gets_their_own_answer() {
    let server = Standalone::start().await;
    let front = Front::start(Make::Nginx, Servers::one(&server.node)).await;
    let scene = scene(&Rest::new(server.node.public_url()), &front.address()).await;
    holds_behind(&front, &scene).await;
}

#[tokio::test]
async fn e2_a_library_that_uploads_to_nowhere_sees_the_answer() {
    for deployment in shared::both().await {
        // One client with a pool: what one upload leaves behind is what the next one meets.
        let client = reqwest::Client::new();
        for bytes in [70, 70_000, 1_000_000, 70, 1_000_000, 200_000, 70] {
            let file = "x".repeat(bytes);
            let body = format!("--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{file}\r\n--b--\r\n");
            let request = client
                .post(format!("{}/upload", deployment.api().public_url()))
                .header("content-type", "multipart/form-data; boundary=b")
                .body(body);
            let answer = request.send().await.unwrap_or_else(|error| panic!("{bytes} bytes: {error:?}"));
            assert_eq!(answer.status(), 404);
        }
    }
}

#[tokio::test]
async fn e2_a_refusal_for_too_many_requests_leaves_the_connection_whole() {
    let server = Standalone::prepare_with(&[("limit_address_requests", "1/60000")]);
    server.node.start().await;
    let mut client = Exchange::connect(&server.node.public_address()).await;
    let scene = nobody(&server.node.public_address());
    let late = "POST /api/v1/rooms HTTP/1.1|Host: {host}|X-Request-Id: {id}|Content-Length: 70||<5><x:70>";
    for status in [401, 429, 429, 429] {
        for step in steps(late, &scene) {
            client.step(&step).await;
        }
        let reply = client.reply(false).await.expect("an answer comes");
        assert_eq!((reply.status, reply.closes()), (status, false));
        assert_eq!(reply.header("x-request-id"), Some(client.open.remove(0).as_str()));
    }
    client.step(&Step::Send(NEXT.replace('|', "\r\n"))).await;
    assert_eq!(client.reply(false).await.expect("an answer comes").status, 429);
}
