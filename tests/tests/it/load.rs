//! Load tests are furnished by a command, and a worker that dies in the middle of a batch loses and repeats nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::rest::Rest;
use rookery_tests::wait::{self, PATIENCE};
use rookery_tests::ws::Socket;
use rookery_tests::{process, tools};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::talk::exchange;

const SEND_INTERVAL: Duration = Duration::from_millis(80);

#[derive(Deserialize)]
pub(crate) struct Credentials {
    pub(crate) rooms: Vec<String>,
    pub(crate) tokens: Vec<String>,
}

pub(crate) fn seed(deployment: &Deployment, args: &[&str]) -> Credentials {
    let args = [&["seed", "--for-load-tests"], args].concat();
    let printed = match deployment {
        Deployment::Cluster(cluster) => cluster.run_api(&args, ""),
        Deployment::Standalone(server) => {
            let dir = ("ROOKERY_DATA_DIR".to_owned(), server.data_dir.display().to_string());
            process::run_with(&tools::binary("rookery"), &args, vec![dir], &server.data_dir)
        }
    };
    serde_json::from_str(&printed).expect("the command prints JSON and nothing else")
}

#[tokio::test]
async fn seeded_users_talk_in_their_rooms_at_once() {
    for deployment in [Deployment::cluster().await, Deployment::standalone().await] {
        let made = seed(&deployment, &["--rooms", "2", "--users", "8", "--gateways", "2"]);
        assert_eq!((made.rooms.len(), made.tokens.len()), (2, 8));
        let [left, right] = deployment.sockets();
        // Users 4 to 7 come after a whole round: two in each room, one at each gateway.
        for (room, first) in [(0, 4), (1, 6)] {
            let mut here = Socket::login(&left, "/ws", &made.tokens[first]).await;
            let mut there = Socket::login(&right, "/ws", &made.tokens[first + 1]).await;
            here.subscribe(&made.rooms[room]).await;
            there.subscribe(&made.rooms[room]).await;
            exchange(&mut here, &mut there, &made.rooms[room]).await;
        }
        let elsewhere = deployment.rest().get(&history_of(&made.rooms[1]), Some(&made.tokens[4])).await;
        elsewhere.expect_problem(404, "unknown_room");
    }
}

fn history_of(room: &str) -> String {
    format!("/api/v1/rooms/{room}/messages")
}

/// The database is frozen, so that the worker certainly stands between "given out" and "marked as stored" when it is
/// killed; what it sent before is stored after all when the database goes on. Its successor repeats the batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_in_the_middle_of_a_batch_loses_and_repeats_nothing() {
    let cluster = Cluster::prepare(Arc::new(rookery_tests::mongo::Mongo::prepare()));
    let worker = cluster.another_api();
    cluster.mongo.start().await;
    cluster.redis.start().await;
    // The first api there takes all leases; the gateways ask the other one.
    worker.start().await;
    cluster.start_services().await;
    let deployment = Deployment::Cluster(Box::new(cluster));
    let made = seed(&deployment, &["--rooms", "16", "--users", "32", "--gateways", "2"]);
    let (Deployment::Cluster(cluster), quiet) = (deployment, Arc::new(AtomicBool::new(false))) else {
        unreachable!("it was made above")
    };

    let mut talkers = Vec::new();
    for (n, token) in made.tokens.iter().enumerate() {
        let mut socket = Socket::login(&cluster.gateways[n % 2].socket_url(), "/ws", token).await;
        let room = made.rooms[n / 2 % 16].clone();
        socket.subscribe(&room).await;
        let talker = Talker { name: n, room, sent: 0, acked: HashMap::new() };
        talkers.push(tokio::spawn(talker.run(socket, Arc::clone(&quiet))));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    cluster.mongo.process.signal("STOP");
    wait::until("a batch is in hand", async || cluster.redis.entries_in_hand().await > 0).await;
    worker.process.kill();
    cluster.mongo.process.signal("CONT");
    tokio::time::sleep(Duration::from_secs(2)).await;
    quiet.store(true, Ordering::Relaxed);

    let done = timeout(PATIENCE, join_all(talkers)).await.expect("everything is acked");
    let rest = Rest::new(cluster.api.public_url());
    let mut rooms: HashMap<String, HashMap<String, String>> = HashMap::new();
    for talker in done.into_iter().map(Result::unwrap) {
        assert!(talker.sent > 20, "it talked all the time");
        rooms.entry(talker.room).or_default().extend(talker.acked);
    }
    for (n, room) in made.rooms.iter().enumerate() {
        assert_same(&rest.history(room, &made.tokens[n * 2]).await, &rooms[room]);
    }
}

/// Every message that was acked is there once, and nothing else is.
fn assert_same(history: &[Value], acked: &HashMap<String, String>) {
    let said: Vec<&Value> = history.iter().filter(|frame| frame["type"] == "new_message").collect();
    let text = |frame: &Value, field: &str| frame["message"][field].as_str().unwrap().to_owned();
    let stored: HashMap<String, String> =
        said.iter().map(|frame| (text(frame, "client_id"), text(frame, "message_id"))).collect();
    assert_eq!(said.len(), stored.len(), "nothing is there twice");
    assert_eq!(&stored, acked, "what is stored is what was acked");
}

/// A client that sends at a fixed rate and waits for every ack.
struct Talker {
    name: usize,
    room: String,
    sent: usize,
    acked: HashMap<String, String>,
}

impl Talker {
    async fn run(mut self, mut socket: Socket, quiet: Arc<AtomicBool>) -> Self {
        let mut ticks = interval(SEND_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !quiet.load(Ordering::Relaxed) || self.acked.len() < self.sent {
            tokio::select! {
                incoming = socket.incoming() => self.hear(&incoming),
                _ = ticks.tick() => if !quiet.load(Ordering::Relaxed) { self.say(&mut socket).await },
            }
        }
        self
    }

    async fn say(&mut self, socket: &mut Socket) {
        self.sent += 1;
        let client_id = format!("{}-{}", self.name, self.sent);
        let content = format!("message {client_id}");
        socket
            .send(json!({"type": "message", "room": self.room, "client_id": client_id, "content": content}))
            .await;
    }

    fn hear(&mut self, incoming: &Incoming) {
        let Incoming::Frame(frame) = incoming else {
            panic!("the gateways were not touched: {incoming:?}")
        };
        assert!(frame["type"] != "error", "sending does not depend on the store: {frame}");
        if frame["type"] == "ack" {
            let text = |field: &str| frame[field].as_str().unwrap().to_owned();
            self.acked.insert(text("client_id"), text("message_id"));
        }
    }
}
