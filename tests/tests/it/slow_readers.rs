//! Rows about readers that are slow or dead, about what idle connections and rooms of others cost, and about many who ask
//! the same. Small sizes; `make bench` measures the large ones.

use std::time::Duration;

use futures_util::future::join_all;
use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::node::Node;
use rookery_tests::raw::{Masking, RawSocket, TEXT};
use rookery_tests::raw_client::RawClient;
use rookery_tests::wait;
use rookery_tests::ws::Socket;
use serde_json::json;

use crate::load::seed;

/// Enough for the buffers of both kernels and the outbox to be full.
const TEXTS: usize = 120;
const TEXT_CHARS: usize = 4_000;
const DEAD: usize = 10;
/// What a connection may hold at most, and what an allocator keeps for itself.
const GROWTH_KIB_MAX: u64 = DEAD as u64 * 1_024 + 16 * 1_024;
const IDLE: usize = 400;
/// Of a build with debug assertions, with everything that the process does beside.
const IDLE_KIB_MAX: u64 = 48;

async fn metric(node: &Node, name: &str) -> usize {
    let answer = reqwest::get(format!("{}/metrics", node.internal_url())).await.unwrap();
    let text = answer.text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    // A family has no lines before it counts something.
    value.unwrap_or_default()
}

/// A connection to a room of which nothing is read after the greeting.
async fn dead(dialect: Dialect, address: &str, token: &str, room: &str) -> RawClient {
    let mut client = RawClient::login(dialect, address, token).await;
    client.subscribe(room).await;
    client
}

async fn next_number(client: &mut RawClient) -> u64 {
    loop {
        let Incoming::Frame(frame) = client.incoming().await else { panic!("the connection lives") };
        if frame["type"] == "new_message" {
            return frame["seq"].as_u64().unwrap();
        }
        assert_ne!(frame["type"], "gap", "{frame}");
    }
}

/// Who sleeps for a while gets everything once and in order afterwards; who never reads is closed with 4508; nobody else
/// waits for either, and the memory stays bounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r05_r06_slow_and_dead_readers_hurt_nobody_else() {
    // Side by side, since most of it is waiting.
    tokio::join!(slow_and_dead_readers(Dialect::Native), slow_and_dead_readers(Dialect::SocketIo));
}

async fn slow_and_dead_readers(dialect: Dialect) {
    let server = Deployment::standalone().await;
    let made = seed(&server, &["--users", "4"]);
    let (room, url) = (&made.rooms[0], server.sockets_in(dialect)[0].clone());
    let address = server.nodes()[0].public_address();
    let (mut speaker, mut listener) =
        (Socket::login(&url, "/ws", &made.tokens[0]).await, Socket::login(&url, "/ws", &made.tokens[1]).await);
    speaker.subscribe(room).await;
    listener.subscribe(room).await;
    let mut sleeper = dead(dialect, &address, &made.tokens[2], room).await;
    let mut never = Vec::new();
    for _ in 0..DEAD {
        never.push(dead(dialect, &address, &made.tokens[3], room).await);
    }
    let node = server.nodes()[0];
    let before = node.process.rss_kib();
    for n in 1..=TEXTS {
        let content = "é".repeat(TEXT_CHARS);
        let message = json!({"type": "message", "room": room, "client_id": format!("r05-{n}"), "content": content});
        speaker.send(message).await;
        let heard = listener.expect_type("new_message").await;
        assert_eq!(heard["seq"], n, "the listener waits for nobody");
        speaker.expect_type("ack").await;
    }
    assert!(metric(node, "rookery_gateway_behind_total").await > 0, "nobody fell behind");
    let grown = node.process.rss_kib().saturating_sub(before);
    assert!(grown < GROWTH_KIB_MAX, "{grown} KiB for {DEAD} readers");
    for n in 1..=TEXTS as u64 {
        assert_eq!(next_number(&mut sleeper).await, n);
    }
    let closed = async || metric(node, "rookery_gateway_closes_total{reason=\"too_slow\"}").await;
    wait::until("the dead are closed", async || closed().await >= DEAD).await;
    assert_eq!(closed().await, DEAD, "and nobody else");
    server.assert_alive();
}

/// Eight gateways: what is said in a room reaches only those that have members of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_costs_nothing_where_its_room_has_no_members() {
    let cluster = Cluster::start().await;
    let more: Vec<Node> = (0..6).map(|_| cluster.another_gateway()).collect();
    for gateway in &more {
        gateway.process.start();
    }
    join_all(more.iter().map(Node::ready)).await;
    let deployment = Deployment::Cluster(Box::new(cluster));
    let made = seed(&deployment, &["--users", "2"]);
    let Deployment::Cluster(cluster) = &deployment else { unreachable!("made above") };
    let home = &cluster.gateways[0];
    let [mut speaker, mut listener] = [
        Socket::login(&home.socket_url(), "/ws", &made.tokens[0]).await,
        Socket::login(&home.socket_url(), "/ws", &made.tokens[1]).await,
    ];
    speaker.subscribe(&made.rooms[0]).await;
    listener.subscribe(&made.rooms[0]).await;
    for n in 1..=50 {
        let message = json!({"type": "message", "room": made.rooms[0], "client_id": format!("m{n}"), "content": "x"});
        speaker.send(message).await;
        listener.expect_type("new_message").await;
    }
    for _ in 0..50 {
        speaker.expect_type("ack").await;
    }
    assert_eq!(metric(home, "rookery_gateway_events_total").await, 50);
    assert_eq!(metric(home, "rookery_gateway_deliveries_total").await, 100);
    for other in more.iter().chain([&cluster.gateways[1]]) {
        for counter in ["events_total", "deliveries_total", "strays_total", "rooms"] {
            let name = format!("rookery_gateway_{counter}");
            assert_eq!(metric(other, &name).await, 0, "{name} where nobody is");
        }
    }
}

/// Idle sockets in ten rooms each hold little, and give back what they had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r11_idle_sockets_are_small() {
    let server = Deployment::standalone().await;
    let users = IDLE.to_string();
    let made = seed(&server, &["--users", &users, "--rooms", "20", "--rooms-per-user", "10"]);
    let (node, address) = (server.nodes()[0], server.sockets()[0].replace("ws://", ""));
    let rooms: Vec<&str> = made.rooms.iter().map(String::as_str).collect();
    let open = async |count: usize| {
        let mut sockets = Vec::new();
        for user in 0..count {
            let mut socket = RawSocket::login(&address, &made.tokens[user]).await;
            let rooms: Vec<_> = (user..user + 10).map(|n| json!({"room": rooms[n % rooms.len()]})).collect();
            let subscribe = json!({"type": "subscribe", "rooms": rooms}).to_string();
            socket.send(TEXT, Masking::Masked, subscribe.as_bytes()).await;
            for _ in 0..20 {
                let (_, text) = socket.frame().await.unwrap();
                assert!(!text.starts_with(b"{\"type\":\"error\""), "{}", String::from_utf8_lossy(&text));
            }
            sockets.push(socket);
        }
        sockets
    };
    let warm = open(IDLE / 8).await;
    let before = node.process.rss_kib();
    let sockets = open(IDLE).await;
    let each = node.process.rss_kib().saturating_sub(before) / IDLE as u64;
    assert!(each <= IDLE_KIB_MAX, "{each} KiB for each of {IDLE} idle sockets");
    drop((warm, sockets));
    wait::until("no connection is left", async || metric(node, "rookery_gateway_connections").await == 0).await;
}

/// After a cut many open the same page: that is few questions to the database, and everybody has an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r13_a_storm_on_one_page_is_few_reads() {
    const STORM: usize = 200;
    let deployment = Deployment::cluster_alone().await;
    let Deployment::Cluster(cluster) = &deployment else { unreachable!("made above") };
    let (rest, made) = (deployment.rest(), seed(&deployment, &["--users", "1"]));
    let (token, room) = (&made.tokens[0], &made.rooms[0]);
    let path = format!("/api/v1/rooms/{room}/messages");
    for n in 0..20 {
        let body = json!({"content": "x", "client_id": format!("m{n}")});
        let _said = rest.post(&path, Some(token), &body).await.expect(201);
    }
    let reads = async || metric(&cluster.api, "rookery_api_history_reads_total").await;
    let before = reads().await;
    // The storm meets a database that does not answer for a moment.
    cluster.mongo.process.signal("STOP");
    let storm = join_all((0..STORM).map(|_| rest.get(&path, Some(token))));
    let wakes = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.mongo.process.signal("CONT");
    };
    let (answers, ()) = tokio::join!(storm, wakes);
    for answer in answers {
        assert_eq!(answer.expect(200).json()["events"].as_array().unwrap().len(), 20);
    }
    let reads = reads().await - before;
    assert!(reads <= STORM / 2, "{reads} reads for {STORM} questions");
}
