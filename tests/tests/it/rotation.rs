//! A11: signing keys are changed while clients talk, as `docs/operations.md` tells operators to.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::forge::{Forge, now_seconds};
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::node::Node;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::wait::{self, PATIENCE};
use rookery_tests::ws::{Attempt, Socket, Way};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep};

const ME: &str = "/api/v1/users/me";
const TOKEN_LIFE: Duration = Duration::from_secs(10);
/// Well before the end of a token, as a client has to.
const RENEWAL: Duration = Duration::from_secs(4);
const CLIENTS_PER_NODE: usize = 6;

/// What the clients have met.
#[derive(Default)]
struct Load {
    quiet: AtomicBool,
    acked: AtomicUsize,
    renewed: AtomicUsize,
    asked: AtomicUsize,
    connected: AtomicUsize,
    /// Everything that a client was refused, and every close.
    refusals: Mutex<Vec<String>>,
}

impl Load {
    fn goes_on(&self) -> bool {
        !self.quiet.load(Ordering::Relaxed)
    }

    fn refused(&self, what: impl Into<String>) {
        self.refusals.lock().push(what.into());
    }
}

/// A login that is renewed in time, by one api or the other.
struct Login {
    rests: Vec<Rest>,
    account: Mutex<Account>,
    renewed_at: Mutex<Instant>,
    turn: tokio::sync::Mutex<usize>,
}

impl Login {
    async fn begin(apis: &[&Node]) -> Arc<Self> {
        let rests: Vec<Rest> = apis.iter().map(|api| Rest::new(api.public_url())).collect();
        let account = Mutex::new(rests[0].new_user("rotated").await);
        Arc::new(Self { rests, account, renewed_at: Mutex::new(Instant::now()), turn: tokio::sync::Mutex::new(0) })
    }

    /// A token that is good for a while.
    async fn token(&self, load: &Load) -> String {
        let mut turn = self.turn.lock().await;
        if self.renewed_at.lock().elapsed() >= RENEWAL {
            *turn += 1;
            let old = self.account.lock().refresh_token.clone();
            let answer = self.rests[*turn % self.rests.len()].refresh(&old).await;
            if answer.status == 200 {
                *self.account.lock() = answer.account(String::new());
                *self.renewed_at.lock() = Instant::now();
                load.renewed.fetch_add(1, Ordering::Relaxed);
            } else {
                load.refused(format!("refresh: {} {}", answer.status, answer.text));
            }
        }
        self.account.lock().token.clone()
    }
}

/// Talks on one socket to the end, and renews its token on it.
async fn talk(load: Arc<Load>, login: Arc<Login>, base: String) {
    let mut token = login.token(&load).await;
    let mut socket = Socket::login(&base, "/ws/general", &token).await;
    let (mut ticks, mut said) = (interval(Duration::from_millis(150)), 0_u32);
    loop {
        tokio::select! {
            incoming = socket.incoming() => match incoming {
                Incoming::Frame(frame) if frame["type"] == "ack" => {
                    load.acked.fetch_add(1, Ordering::Relaxed);
                }
                Incoming::Frame(frame) if frame["type"] == "error" => load.refused(format!("socket: {frame}")),
                Incoming::Frame(_) => {}
                end @ (Incoming::Closed(_) | Incoming::Lost(_)) => return load.refused(format!("socket: {end:?}")),
            },
            _ = ticks.tick() => {
                if !load.goes_on() {
                    return socket.leave().await;
                }
                let current = login.token(&load).await;
                if current != token {
                    token = current;
                    socket.send(json!({"type": "auth", "token": token})).await;
                }
                said += 1;
                socket.send(json!({"type": "message", "content": format!("word {said}")})).await;
            }
        }
    }
}

/// Connects again and again.
async fn come_and_go(load: Arc<Load>, login: Arc<Login>, bases: [String; 2]) {
    for turn in 0_usize.. {
        if !load.goes_on() {
            return;
        }
        let way = Way::ALL[turn % Way::ALL.len()];
        match Socket::connect(&bases[turn % 2], "/ws", &login.token(&load).await, way).await {
            Attempt::Open(mut socket) => match socket.incoming().await {
                Incoming::Frame(frame) if frame["type"] == "hello" => {
                    load.connected.fetch_add(1, Ordering::Relaxed);
                    socket.leave().await;
                }
                other @ (Incoming::Frame(_) | Incoming::Closed(_) | Incoming::Lost(_)) => {
                    load.refused(format!("connect: {other:?}"));
                }
            },
            Attempt::Refused(status) => load.refused(format!("connect: {status}")),
            Attempt::Unreachable(cause) => load.refused(format!("connect: {cause}")),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Asks over REST, also for the page behind another one.
async fn ask(load: Arc<Load>, login: Arc<Login>) {
    let mut cursor = String::new();
    for turn in 0_usize.. {
        if !load.goes_on() {
            return;
        }
        let (rest, token) = (&login.rests[turn % login.rests.len()], login.token(&load).await);
        let page = format!("/api/v1/rooms?limit=1{cursor}");
        for path in [ME, &page] {
            let answer = rest.get(path, Some(&token)).await;
            load.asked.fetch_add(1, Ordering::Relaxed);
            if answer.status != 200 {
                load.refused(format!("GET {path}: {} {}", answer.status, answer.text));
            }
            let next = answer.json()["next_cursor"].as_str().map(|next| format!("&cursor={next}"));
            cursor = if path == ME { cursor } else { next.unwrap_or_default() };
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// The keys as `key list` prints them: name, id, use.
fn listed(cluster: &Cluster) -> Vec<[String; 3]> {
    let text = cluster.run_api(&["key", "list"], "");
    let row = |line: &str| {
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        cells.try_into().unwrap_or_else(|_| panic!("three cells: {line}"))
    };
    text.lines().map(row).collect()
}

async fn metrics(node: &Node) -> String {
    Rest::new(node.internal_url()).get("/metrics", None).await.expect(200).text
}

/// Waits until every process shows a line, or shows it no more.
async fn shown(nodes: &[&Node], part: &str, is_there: bool) {
    for node in nodes {
        node.process
            .until(&format!("shows {part}: {is_there}"), async || metrics(node).await.contains(part) == is_there)
            .await;
    }
}

/// Everybody who talks, comes and goes, and asks.
fn spawn_load(load: &Arc<Load>, logins: &[Arc<Login>], bases: &[String; 2]) -> Vec<JoinHandle<()>> {
    let talkers = logins.iter().cycle().take(CLIENTS_PER_NODE * 2).enumerate();
    let talkers =
        talkers.map(|(n, login)| tokio::spawn(talk(Arc::clone(load), Arc::clone(login), bases[n % 2].clone())));
    let mut tasks: Vec<_> = talkers.collect();
    for login in logins {
        tasks.push(tokio::spawn(come_and_go(Arc::clone(load), Arc::clone(login), bases.clone())));
        tasks.push(tokio::spawn(ask(Arc::clone(load), Arc::clone(login))));
    }
    tasks
}

/// Nobody was refused anything, and it was no silence.
#[expect(clippy::print_stdout, reason = "how much load there was belongs to the result")]
fn assert_untroubled(load: &Load) {
    assert_eq!(*load.refusals.lock(), Vec::<String>::new());
    let counts = [&load.acked, &load.renewed, &load.asked, &load.connected].map(|count| count.load(Ordering::Relaxed));
    println!("acks, renewals, requests, connections without a refusal: {counts:?}");
    assert!(counts.iter().all(|count| *count > 10), "no load: {counts:?}");
}

/// Removes the key as soon as no token of it can live; until then the command refuses.
async fn remove_in_time(cluster: &Cluster, first: &str) {
    let early = cluster.refused_api(&["key", "remove", first]);
    assert!(early.contains("may be valid for"), "{early}");
    assert!(cluster.refused_api(&["key", "remove", "second"]).contains("signs"));
    wait::until("the old key may go", async || {
        sleep(Duration::from_millis(500)).await;
        tokio::task::block_in_place(|| cluster.try_api(&["key", "remove", first]))
    })
    .await;
}

/// A token is refused by every api and every gateway.
async fn assert_worthless(token: &str, apis: &[&Node], gateways: &[&Node]) {
    for api in apis {
        Rest::new(api.public_url())
            .get(ME, Some(token))
            .await
            .expect_problem(401, "unauthenticated");
    }
    for gateway in gateways {
        let mut socket = Socket::connect(&gateway.socket_url(), "/ws", token, Way::FirstFrame).await.open();
        assert_eq!(socket.closed(PATIENCE).await, Some(4401));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a11_keys_are_changed_under_load_and_nobody_is_refused() {
    let seconds = TOKEN_LIFE.as_secs().to_string();
    let cluster = Cluster::start_apis_with(&[("access_token_seconds", &seconds)]).await;
    let (second_api, late) = (cluster.another_api(), cluster.another_gateway());
    second_api.start().await;
    let apis = [&cluster.api, &second_api];
    let bases = [0, 1].map(|n| cluster.gateways[n].socket_url());
    let logins = join_all((0..2).map(|_| Login::begin(&apis))).await;
    let owner = logins[0].account.lock().clone();
    for _ in 0..3 {
        logins[0].rests[0].new_room(&owner, "public").await;
    }
    let forge = Forge::new(&cluster.keys_dir, &owner);
    let [[first, first_id, _]] = &listed(&cluster)[..] else { panic!("one key at first") };
    let load = Arc::new(Load::default());
    let tasks = spawn_load(&load, &logins, &bases);

    // 1. Added: it verifies everywhere before it signs anywhere.
    cluster.run_api(&["key", "add", "second"], "");
    let rows = listed(&cluster);
    let second_id = rows.iter().find(|row| row[0] == "second").expect("it is listed")[1].clone();
    assert!(rows.iter().any(|row| row[0] == *first && row[2] == "signs"), "{rows:?}");
    let gateways: Vec<&Node> = cluster.gateways.iter().collect();
    shown(&apis, &format!("rookery_api_keys{{kid=\"{second_id}\",use=\"verifies\"}} 1"), true).await;
    shown(&gateways, &format!("rookery_gateway_keys{{kid=\"{second_id}\"}} 1"), true).await;

    // 2. Chosen: it signs, and both verify, also on a gateway that comes now.
    cluster.run_api(&["key", "use", "second"], "");
    shown(&apis, &format!("rookery_api_keys{{kid=\"{second_id}\",use=\"signs\"}} 1"), true).await;
    late.start().await;
    let gateways: Vec<&Node> = gateways.into_iter().chain([&late]).collect();
    let lasting = forge.claim("exp", json!(now_seconds() + 3_600));
    let _me = Rest::new(second_api.public_url()).get(ME, Some(&lasting)).await.expect(200);
    let mut of_old_key = Vec::new();
    for gateway in &gateways {
        of_old_key.push(Socket::login(&gateway.socket_url(), "/ws", &lasting).await);
    }

    // 3. Removed: tokens of it are worth nothing, under whichever id, and end what they have opened.
    remove_in_time(&cluster, first).await;
    shown(&apis, first_id, false).await;
    shown(&gateways, first_id, false).await;
    for kid in [first_id.as_str(), second_id.as_str(), "../second", "second", first] {
        assert_worthless(&forge.field("kid", json!(kid)), &apis, &gateways).await;
    }
    for socket in &mut of_old_key {
        assert_eq!(socket.closed(PATIENCE).await, Some(4401), "a socket lives as long as its token's key");
    }

    // With the new key only, for longer than any token lives.
    sleep(TOKEN_LIFE).await;
    load.quiet.store(true, Ordering::Relaxed);
    join_all(tasks).await.into_iter().for_each(|task| task.expect("a client ends by itself"));
    assert_untroubled(&load);
    Deployment::Cluster(Box::new(cluster)).assert_alive();
}

fn key_files(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).expect("the folder is there");
    entries
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().extension().is_some()))
        .count()
}

#[tokio::test]
async fn a11_one_process_follows_its_folder_and_keeps_its_keys_when_that_makes_no_sense() {
    let server = Standalone::start().await;
    let (rest, keys) = (Rest::new(server.node.public_url()), server.data_dir.join("keys"));
    let user = rest.new_user("alone").await;
    let forge = Forge::new(&keys, &user);
    let mut socket = Socket::login(&server.node.socket_url(), "/ws", &user.token).await;

    // Half a key, as a copy that is under way: nothing changes, and it is told.
    std::fs::write(keys.join("zz.pem"), "-----BEGIN PRIVATE KEY-----\n").unwrap();
    server
        .node
        .process
        .until("tells of it", async || server.node.process.log().contains("signing keys not read again"))
        .await;
    let _me = rest.get(ME, Some(&user.token)).await.expect(200);
    assert!(!metrics(&server.node).await.contains("rookery_api_key_failures_total 0"));
    std::fs::remove_file(keys.join("zz.pem")).unwrap();

    server.done(&["key", "add", "next"], "");
    assert!(server.refused(&["key", "add", "next"]).contains("exists"));
    assert!(server.refused(&["key", "add", "../next"]).contains("no name of a key"));
    assert!(server.refused(&["key", "use", "nobody"]).contains("no signing key named nobody"));
    assert_eq!(key_files(&keys), 2);
    server.done(&["key", "use", "next"], "");
    shown(&[&server.node], "use=\"signs\"} 1", true).await;
    let rows = server.done(&["key", "list"], "");
    let next_id = rows
        .lines()
        .find(|row| row.ends_with("\tsigns"))
        .and_then(|row| row.split('\t').nth(1))
        .unwrap();
    shown(&[&server.node], &format!("kid=\"{next_id}\",use=\"signs\"}} 1"), true).await;
    let renewed = rest.refresh(&user.refresh_token).await.expect(200).account(String::new());
    let _both = rest.get(ME, Some(&user.token)).await.expect(200);

    // At once, as after a theft: its tokens are refused, and its sockets end.
    assert!(server.refused(&["key", "remove", "first"]).contains("--now"));
    server.done(&["key", "remove", "first", "--now"], "");
    wait::until("the old key is refused", async || rest.get(ME, Some(&forge.right())).await.status == 401).await;
    assert_eq!(socket.closed(PATIENCE).await, Some(4401));
    let _me = rest.get(ME, Some(&renewed.token)).await.expect(200);

    // A restart changes nothing about it, and neither does a backup.
    server.restart().await;
    let _me = rest.get(ME, Some(&renewed.token)).await.expect(200);
    let file = rookery_tests::dirs::fresh("backup").join("keys.backup").display().to_string();
    assert!(server.done(&["backup", &file], "").contains("1 signing key"));
}
