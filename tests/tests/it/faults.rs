//! Parts are killed in turn while clients send. Nothing acknowledged is lost, nothing is there twice, and all agree
//! on one order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rookery_tests::cluster::Cluster;
use rookery_tests::mailbox::Talk as _;
use rookery_tests::names;
use rookery_tests::node::Node;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::sender::{Progress, Report, Route, Sender};
use rookery_tests::standalone::Standalone;
use rookery_tests::view::{assert_contiguous, entry, timeline_of};
use rookery_tests::wait;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};
use tokio::task::{AbortHandle, JoinSet};

use crate::talk::say;

const CLIENTS: usize = 10;
/// Acks between two faults: proof that the clients have come back.
const ACKS_PER_STEP: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_loses_no_acked_message_when_parts_are_killed_in_turn() {
    let cluster = Cluster::start().await;
    let rest = Rest::new(cluster.api.public_url());
    let nodes = cluster.gateways.iter().map(Node::socket_url).collect();
    let crowd = Crowd::gather(rest, nodes).await;
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
    let crowd = Crowd::gather(Rest::new(server.node.public_url()), vec![server.node.socket_url()]).await;
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

/// Clients that send all the time, spread over the nodes.
struct Crowd {
    rest: Rest,
    room: String,
    owner: Account,
    progress: Arc<Progress>,
    senders: JoinSet<Report>,
    handles: Vec<AbortHandle>,
}

impl Crowd {
    async fn gather(rest: Rest, nodes: Vec<String>) -> Self {
        let owner = rest.new_user("owner").await;
        let room = rest.new_room(&owner, "public").await;
        let progress = Arc::new(Progress::default());
        let (mut senders, mut handles) = (JoinSet::new(), Vec::new());
        for n in 0..CLIENTS {
            let account = rest.new_user("sender").await;
            let _joined = rest.join(&room, &account).await.expect(200);
            let mut route = Route { nodes: nodes.clone(), rest: rest.clone(), room: room.clone() };
            route.nodes.rotate_left(n % nodes.len());
            handles.push(senders.spawn(Sender::new(account, route, Arc::clone(&progress)).run()));
        }
        Self { rest, room, owner, progress, senders, handles }
    }

    /// Waits until many more messages are acknowledged.
    async fn goes_on(&self, when: &str) {
        let acked = || self.progress.acked.load(Ordering::Relaxed);
        let goal = acked() + ACKS_PER_STEP;
        let went_on = wait::holds(wait::PATIENCE, async || {
            self.assert_nobody_failed();
            acked() >= goal
        });
        assert!(went_on.await, "{when}: {} of {goal} acks; last error: {}", acked(), self.progress.last_error.lock());
    }

    fn assert_nobody_failed(&self) {
        assert!(!self.handles.iter().any(AbortHandle::is_finished), "a sender failed; its panic is above");
    }

    async fn agrees(mut self) {
        self.progress.quiet.store(true, Ordering::Relaxed);
        let all_acked =
            wait::holds(wait::PATIENCE, async || self.progress.drained.load(Ordering::Relaxed) == CLIENTS).await;
        assert!(all_acked, "without an ack: {:#?}", self.progress.open.lock());
        let history = self.rest.history(&self.room, &self.owner.token).await;
        *self.progress.target.lock() = history.last().map(|frame| entry(frame).0);
        let mut reports = Vec::new();
        let all = async {
            while let Some(report) = self.senders.join_next().await {
                reports.push(report.expect("a sender does not panic"));
            }
        };
        tokio::time::timeout(wait::PATIENCE, all)
            .await
            .expect("every view arrives at the end of the history");
        assert_eq!(self.rest.history(&self.room, &self.owner.token).await, history, "the history is settled");
        assert_history_is_right(&history, &reports);
    }
}

fn assert_history_is_right(history: &[Value], reports: &[Report]) {
    let mut found: HashMap<&str, Vec<&Value>> = HashMap::new();
    for frame in history.iter().filter(|frame| frame["type"] == "new_message") {
        found.entry(frame["message"]["client_id"].as_str().unwrap()).or_default().push(frame);
    }
    let timeline = timeline_of(history);
    assert!(timeline.is_sorted(), "history is in the order of places");
    for Report { username, acked, view, connections } in reports {
        assert!(*connections >= 2, "{username} lost its connection at least once, and came back");
        for (client_id, message_id) in acked {
            let stored = found.get(client_id.as_str()).map_or(&[][..], Vec::as_slice);
            assert_eq!(stored.len(), 1, "{client_id} is in history once: {stored:?}");
            assert_eq!(stored[0]["message"]["message_id"], message_id.as_str(), "as it was acknowledged");
        }
        assert_eq!(view.timeline(), timeline, "{username} saw what history tells, in its order");
    }
    let acked: usize = reports.iter().map(|report| report.acked.len()).sum();
    assert_eq!(found.len(), acked, "nothing is in history that was not acknowledged in the end");
}
