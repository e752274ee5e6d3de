//! What presence costs: nothing while nobody comes or goes, and little when many come back at once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use rookery_tests::cluster::{Cluster, Topology};
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::redis::ask;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

const FEW: usize = 50;
const MANY: usize = 500;
const ROOMS: usize = 50;
/// Longer than what came is gathered and written.
const SETTLED: Duration = Duration::from_secs(3);
/// One or two renewals of each lease.
const WATCHED: Duration = Duration::from_secs(6);
/// Writes of three processes that show their cards meanwhile, by two commands every five seconds.
const CARDS: u64 = 12;
/// Longer than a connection that broke is covered for.
const COVERED: Duration = Duration::from_secs(13);
/// Commands that write or publish.
const WRITES: [&str; 8] = ["hset", "hdel", "sadd", "srem", "persist", "pexpire", "publish", "spublish"];

/// How often each command was run, those in scripts included.
async fn commands(cluster: &Cluster) -> BTreeMap<String, u64> {
    let stats = ask(cluster.redis.port(), &["INFO", "commandstats"]).await.expect("Redis answers");
    let rows = stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
    rows.map(|(name, rest)| (name.to_owned(), rest.split(',').next().unwrap().parse().unwrap()))
        .collect()
}

async fn counted(cluster: &Cluster, what: impl Future<Output = ()>) -> BTreeMap<String, u64> {
    let before = commands(cluster).await;
    what.await;
    let after = commands(cluster).await;
    let since = |(name, calls): (String, u64)| {
        let calls = calls - before.get(&name).copied().unwrap_or(0);
        (name, calls)
    };
    after.into_iter().map(since).collect()
}

fn writes(counts: &BTreeMap<String, u64>) -> u64 {
    WRITES.iter().filter_map(|name| counts.get(*name)).sum()
}

async fn enter(node: &str, token: &str, room: &str) -> Socket {
    let mut socket = Socket::login(node, "/ws", token).await;
    socket.subscribe(room).await;
    socket
}

/// Answers the server's pings until it is dropped, and its connection with it.
struct Kept(JoinHandle<()>);

impl Kept {
    async fn enter(node: &str, token: &str, room: &str) -> Self {
        let mut socket = enter(node, token, room).await;
        Self(tokio::spawn(async move { while let Incoming::Frame(_) = socket.incoming().await {} }))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads for so long; how many frames of presence came.
async fn presence_within(socket: &mut Socket, span: Duration) -> usize {
    let end = Instant::now() + span;
    let mut count = 0;
    while let Ok(incoming) = timeout(end - Instant::now(), socket.incoming()).await {
        match incoming {
            Incoming::Frame(frame) => count += usize::from(matches!(kind(&frame), "presence" | "room_presence")),
            end @ (Incoming::Closed(_) | Incoming::Lost(_)) => panic!("{end:?}"),
        }
    }
    count
}

fn kind(frame: &Value) -> &str {
    frame["type"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_users_cost_nothing_and_a_crowd_that_comes_back_costs_little() {
    let cluster = Cluster::start_on(Topology::One).await;
    let made = cluster.run_api(&["seed", "--for-load-tests", "--rooms", "50", "--users", "500", "--gateways", "2"], "");
    let made: Value = serde_json::from_str(&made).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tokens: Vec<String> = made["tokens"].as_array().unwrap().iter().map(text).collect();
    let rooms: Vec<String> = made["rooms"].as_array().unwrap().iter().map(text).collect();
    assert_eq!((tokens.len(), rooms.len()), (MANY, ROOMS));
    let nodes = [0, 1].map(|node| cluster.gateways[node].socket_url());
    let room_of = |user: usize| &rooms[user / 2 % ROOMS];

    let mut sockets = join_all((1..FEW).map(|user| Kept::enter(&nodes[0], &tokens[user], room_of(user)))).await;
    let mut watcher = enter(&nodes[0], &tokens[0], room_of(0)).await;
    presence_within(&mut watcher, SETTLED).await;
    let with_few = counted(&cluster, sleep(WATCHED)).await;
    for first in (FEW..MANY).step_by(FEW) {
        sockets.extend(
            join_all((first..first + FEW).map(|user| Kept::enter(&nodes[0], &tokens[user], room_of(user)))).await,
        );
    }
    watcher.send(json!({"type": "watch", "rooms": [room_of(0)]})).await;
    assert!(presence_within(&mut watcher, SETTLED).await > 0, "the room as it is");
    let with_many = counted(&cluster, sleep(WATCHED)).await;
    let quiet = 4 + CARDS;
    assert!(writes(&with_few) <= quiet && writes(&with_many) <= quiet, "{with_few:?} {with_many:?}");

    // Half of them lose their connection and come back at the other node.
    let half = sockets.split_off(MANY / 2);
    let first = MANY - half.len();
    drop(half);
    let storm = counted(&cluster, async {
        for user in (first..MANY).step_by(FEW) {
            let back = (user..(user + FEW).min(MANY)).map(|user| Kept::enter(&nodes[1], &tokens[user], room_of(user)));
            sockets.extend(join_all(back).await);
        }
        assert_eq!(presence_within(&mut watcher, COVERED).await, 0, "nobody was away");
    })
    .await;
    let (users, rooms) = (u64::try_from(MANY - first).unwrap(), u64::try_from(ROOMS).unwrap());
    // Come here and go there; and what each room has, on both nodes, as it fills.
    assert!(storm["hset"] <= users + 10 * rooms && storm["publish"] <= 20 * rooms, "{storm:?}");
    println!(
        "{FEW} users: {} writes, {MANY} users: {} writes, storm: {storm:?}",
        writes(&with_few),
        writes(&with_many)
    );
}
