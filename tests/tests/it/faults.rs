//! Parts are killed in turn while clients send. Nothing acknowledged is lost, nothing is there twice, and all agree
//! on one order.

use rookery_tests::cluster::Cluster;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::node::Node;
use rookery_tests::rest::Rest;
use rookery_tests::standalone::Standalone;
use rookery_tests::view::assert_contiguous;
use rookery_tests::ws::Socket;
use rookery_tests::{names, wait};
use serde_json::{Value, json};

use crate::crowd::{Crowd, MANY};
use crate::talk::say;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_loses_no_acked_message_when_parts_are_killed_in_turn() {
    let cluster = Cluster::start().await;
    let rest = Rest::new(cluster.api.public_url());
    let nodes = cluster.gateways.iter().map(Node::socket_url).collect();
    let crowd = Crowd::gather(rest, nodes, MANY).await;
    crowd.goes_on("at first").await;

    for gateway in &cluster.gateways {
        gateway.process.kill();
        crowd.goes_on("with one gateway").await;
        gateway.start().await;
    }
    cluster.api.process.kill();
    cluster.api.start().await;
    crowd.goes_on("after the api was killed").await;
    cluster.redis.process.kill();
    cluster.redis.start().await;
    crowd.goes_on("after Redis was killed").await;
    cluster.ready().await;

    crowd.agrees().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standalone_loses_no_acked_message_when_killed() {
    let server = Standalone::start().await;
    let crowd = Crowd::gather(Rest::new(server.node.public_url()), vec![server.node.socket_url()], MANY).await;
    crowd.goes_on("at first").await;
    for _ in 0..3 {
        server.node.process.kill();
        server.node.start().await;
        crowd.goes_on("after the process was killed").await;
    }
    crowd.agrees().await;
}

/// What Redis has accepted but nobody has stored yet when Redis dies is still in its append-only file. The numbers go
/// on under a new epoch, the client sends again, and the repeat must find its first place and be acknowledged, though
/// that place belongs to the old epoch.
#[tokio::test]
async fn messages_that_wait_for_the_store_when_redis_dies_are_acked_after_the_reset() {
    let cluster = Cluster::start().await;
    let rest = Rest::new(cluster.api.public_url());
    let user = rest.new_user("waiting").await;
    let room = rest.new_room(&user, "public").await;
    let mut socket = Socket::login(&cluster.gateways[0].socket_url(), "/ws", &user.token).await;
    socket.subscribe(&room).await;
    say(&mut socket, &room, "so that everything is open").await;

    cluster.api.process.signal("STOP");
    let names: Vec<String> = (0..20).map(|_| names::unique("c")).collect();
    send_all(&mut socket, &room, &names).await;
    for name in &names {
        let echo = |frame: &Value| frame["message"]["client_id"] == name.as_str();
        socket.expect("the echo", echo).await;
    }
    cluster.redis.process.kill();
    cluster.redis.start().await;
    cluster.api.process.signal("CONT");

    socket.expect_type("reset").await;
    send_all(&mut socket, &room, &names).await;
    for name in &names {
        let ack = |frame: &Value| frame["type"] == "ack" && frame["client_id"] == name.as_str();
        socket.expect("the ack", ack).await;
    }
    let history = rest.history(&room, &user.token).await;
    for name in &names {
        let times = history.iter().filter(|frame| frame["message"]["client_id"] == name.as_str()).count();
        assert_eq!(times, 1, "{name} is in history once");
    }
    assert_contiguous(&history, 1);
}

async fn send_all(socket: &mut Socket, room: &str, names: &[String]) {
    for name in names {
        let content = format!("message {name}");
        socket
            .send(json!({"type": "message", "room": room, "client_id": name, "content": content}))
            .await;
    }
}

/// A message is stored, and Redis is wiped before its sender hears of that. The repeat gets a number under the new epoch
/// which history never holds; the ack must tell the first place.
#[tokio::test]
async fn what_was_stored_before_redis_was_wiped_is_acked_where_history_has_it() {
    let cluster = Cluster::start().await;
    let rest = Rest::new(cluster.api.public_url());
    let user = rest.new_user("repeating").await;
    let room = rest.new_room(&user, "public").await;
    let mut socket = Socket::login(&cluster.gateways[0].socket_url(), "/ws", &user.token).await;
    socket.subscribe(&room).await;
    let names: Vec<String> = (0..5).map(|_| names::unique("c")).collect();
    let before = acks_of(&mut socket, &room, &names).await;

    cluster.redis.process.kill();
    cluster.redis.wipe();
    cluster.redis.start().await;
    socket.expect_type("reset").await;
    assert_eq!(acks_of(&mut socket, &room, &names).await, before);
    assert_eq!(acks_of(&mut socket, &room, &names).await, before, "as the answer to a repeat, too");
    let fresh = say(&mut socket, &room, "something new").await;
    let history = rest.history(&room, &user.token).await;
    let places: Vec<Value> = history.iter().filter(|frame| frame["type"] == "new_message").map(place_of).collect();
    let told = before.iter().map(place_of).chain([place_of(&fresh)]);
    assert_eq!(places, told.collect::<Vec<_>>());
}

/// Sends, again if told so, until all are acknowledged.
async fn acks_of(socket: &mut Socket, room: &str, names: &[String]) -> Vec<Value> {
    let mut acks = Vec::new();
    for name in names {
        send_all(socket, room, std::slice::from_ref(name)).await;
        loop {
            let about = |frame: &Value| frame["client_id"] == name.as_str();
            let answer = socket.expect("an answer", about).await;
            if answer["type"] == "ack" {
                acks.push(answer);
                break;
            }
            assert_eq!(answer["code"], "unavailable", "{answer}");
            send_all(socket, room, std::slice::from_ref(name)).await;
        }
    }
    acks
}

fn place_of(frame: &Value) -> Value {
    json!([frame["epoch"], frame["seq"]])
}

/// Who joined is in history although Redis lost it before it was stored.
#[tokio::test]
async fn an_announcement_that_redis_lost_is_carried_again() {
    let cluster = Cluster::start().await;
    let other = cluster.another_api();
    other.process.start();
    other.ready().await;
    let (rest, others) = (Rest::new(cluster.api.public_url()), Rest::new(other.public_url()));
    let (owner, guest) = (rest.new_user("owner").await, rest.new_user("guest").await);
    let room = rest.new_room(&owner, "public").await;
    // The first api stores; while it stands still, only Redis has what the other one carries.
    cluster.api.process.signal("STOP");
    let _joined = others.join(&room, &guest).await.expect(200);
    cluster.redis.process.kill();
    cluster.redis.wipe();
    cluster.redis.start().await;
    cluster.api.process.signal("CONT");
    wait::until("history tells who joined", async || {
        let history = others.try_history(&room, &owner.token).await.unwrap_or_default();
        history
            .iter()
            .any(|frame| frame["type"] == "member_joined" && frame["user"]["user_id"] == guest.user_id.as_str())
    })
    .await;
}
