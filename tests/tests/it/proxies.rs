//! Behind the proxies for which the project ships a configuration: sockets and REST of a cluster, without sticky sessions.

use rookery_tests::cluster::Cluster;
use rookery_tests::foreign::{Foreign, Make as Client};
use rookery_tests::front::{Front, Make, Servers};
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::Rest;
use rookery_tests::ws::{Attempt, Socket, Way};

use crate::talk::exchange;

#[tokio::test]
async fn people_chat_through_haproxy() {
    people_chat_through(Make::Haproxy).await;
}

#[tokio::test]
async fn people_chat_through_nginx() {
    people_chat_through(Make::Nginx).await;
}

#[tokio::test]
async fn people_chat_through_caddy() {
    people_chat_through(Make::Caddy).await;
}

#[tokio::test]
async fn people_chat_through_traefik() {
    people_chat_through(Make::Traefik).await;
}

async fn people_chat_through(make: Make) {
    let cluster = Cluster::start().await;
    let servers = Servers { gateways: [&cluster.gateways[0], &cluster.gateways[1]], api: &cluster.api };
    let front = Front::start(make, servers).await;
    let rest = Rest::new(format!("http://{}", front.address()));
    let base = format!("ws://{}", front.address());

    let (pia, nils) = (rest.new_user("pia").await, rest.new_user("nils").await);
    let mut python = Foreign::login(Client::PythonWebsockets, &format!("{base}/ws/chat/general"), &pia.token).await;
    let mut node = Foreign::login(Client::NodeWs, &format!("{base}/ws/general"), &nils.token).await;
    python.expect_type("caught_up").await;
    node.expect_type("caught_up").await;
    exchange(&mut python, &mut node, "general").await;

    for path in [
        "/ws",
        "/ws/general",
        "/socket.io/?EIO=4&transport=polling",
        "/api/v1/rooms",
        "/",
        "/wsx",
        "/socket.iox",
    ] {
        let of_gateway = path.starts_with("/ws/") || path.starts_with("/socket.io/") || path == "/ws";
        let (of_one, of_other) =
            (shown(&cluster.gateways[0].public_url(), path).await, shown(&cluster.api.public_url(), path).await);
        assert_ne!(of_one, of_other, "what answers {path} can be told");
        let wanted = if of_gateway { of_one } else { of_other };
        assert_eq!(shown(&format!("http://{}", front.address()), path).await, wanted, "{path} through {make:?}");
    }
    sockets_are_spread(&cluster, &base, &pia.token).await;
    python.leave().await;
    node.leave().await;
}

/// What a path answers, as far as it does not change from one request to the next.
async fn shown(base: &str, path: &str) -> (u16, Option<String>, usize) {
    let answer = reqwest::get(format!("{base}{path}")).await.unwrap();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    (answer.status().as_u16(), kind, answer.bytes().await.unwrap().len())
}

/// No gateway gets all of them.
async fn sockets_are_spread(cluster: &Cluster, base: &str, token: &str) {
    let mut open = Vec::new();
    for _ in 0..8 {
        match Socket::connect(base, "/ws", token, Way::Subprotocol).await {
            Attempt::Open(mut socket) => {
                socket.expect_type("hello").await;
                open.push(socket);
            }
            Attempt::Refused(status) => panic!("refused with {status}"),
            Attempt::Unreachable(why) => panic!("{why}"),
        }
    }
    for gateway in &cluster.gateways {
        let metrics = reqwest::get(format!("{}/metrics", gateway.internal_url()))
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let connections = metrics.lines().find_map(|line| line.strip_prefix("rookery_gateway_connections "));
        let connections: f64 = connections.expect("the metric is there").parse().unwrap();
        assert!(connections >= 1.0, "a gateway has no connection");
    }
}
