//! A login that is over opens nothing, and who was kicked, banned or muted says nothing, under the worst timing: frames
//! in one write with the handshake, on a gateway that has not heard of the end, right after its start, with a slow api, with
//! Redis away until the login is decided.
//!
//! The oracle is the room's history: nothing of the user lies above the head that was read after the answer to the request
//! that ended the login, or took the right away. `ROOKERY_TRIES=500` tries each more often than the 20 times of every run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use http::Method;
use rookery_tests::cluster::Cluster;
use rookery_tests::dialect::Dialect;
use rookery_tests::faults::proxy::{Mode, Proxy};
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::node::Node;
use rookery_tests::raw_client::RawClient;
use rookery_tests::rest::{Account, PASSWORD, Rest, change_patiently, patiently};
use rookery_tests::wait;
use rookery_tests::ws::{Attempt, Socket, Way};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::talk::head_of;

/// Tries of each test, unless more are asked for.
const TRIES: usize = 20;
/// Tries that are made side by side.
const AT_ONCE: usize = 20;
/// Messages behind one handshake.
const MESSAGES: usize = 20;
/// Messages of a flood that have their number before the act.
const FLOODED: u64 = 4;
/// Other events of its room: its owner and the member have come.
const JOINS: u64 = 2;
/// Of this many tries one ends the login by disabling the account, which starts a process.
const DISABLE_EVERY: usize = 7;

fn tries() -> usize {
    let asked = std::env::var_os("ROOKERY_TRIES").and_then(|text| text.into_string().ok());
    asked.map_or(TRIES, |text| text.parse().expect("ROOKERY_TRIES is a number"))
}

/// A cluster with one more gateway, behind wires to Redis and to the api.
struct Scene {
    cluster: Cluster,
    rest: Rest,
    far: Node,
    to_redis: Proxy,
    to_api: Proxy,
    owner: Account,
    room: String,
}

impl Scene {
    async fn new() -> Self {
        let cluster = Cluster::start().await;
        let bare = |url: String| url.split_once("://").expect("an address").1.to_owned();
        let (to_redis, to_api) =
            join(Proxy::start(bare(cluster.redis.url())), Proxy::start(bare(cluster.api.internal_url()))).await;
        let far = cluster.another_gateway_behind(&to_redis.address(), &to_api.address());
        far.start().await;
        let rest = Rest::new(cluster.api.public_url());
        let owner = rest.new_user("owner").await;
        let room = rest.new_room(&owner, "public").await;
        Self { cluster, rest, far, to_redis, to_api, owner, room }
    }

    async fn members(&self, count: usize) -> Vec<Account> {
        let mut members = Vec::new();
        for _ in 0..count {
            let member = self.rest.new_user("member").await;
            let _joined = patiently(|| self.rest.join(&self.room, &member)).await.expect(200);
            members.push(member);
        }
        members
    }

    /// The number of the room's last event, by a gateway that nothing disturbs.
    async fn head(&self, room: &str) -> u64 {
        head_of(room, &mut enter(&self.cluster.gateways[0].socket_url(), &self.owner.token).await).await
    }

    /// Events of the user above the head.
    async fn above(&self, room: &str, user: &Account, head: u64) -> usize {
        own_above(&self.rest.history(room, &self.owner.token).await, user, head)
    }

    /// Ends the login; the answer has come when this returns.
    async fn end(&self, user: &Account, n: usize) {
        if n.is_multiple_of(DISABLE_EVERY) {
            self.cluster.run_api(&["user", "disable", &user.username], "");
        } else if n.is_multiple_of(2) {
            let nothing = json!({});
            change_patiently(|| self.rest.post("/api/v1/auth/logout-all", Some(&user.token), &nothing), 204, 401).await;
        } else {
            assert_eq!(patiently(|| self.rest.logout(&user.refresh_token)).await.status, 204);
        }
    }

    async fn log_in_again(&self, user: &mut Account, n: usize) {
        if n.is_multiple_of(DISABLE_EVERY) {
            self.cluster.run_api(&["user", "enable", &user.username], "");
        }
        let email = user.email.clone();
        *user = patiently(|| self.rest.login(&user.username, PASSWORD)).await.expect(200).account(email);
    }

    /// The handshake and messages in one write.
    async fn knock(&self, dialect: Dialect, user: &Account) -> RawClient {
        let stream = loop {
            // It may not listen yet.
            if let Ok(stream) = TcpStream::connect(self.far.public_address()).await {
                break stream;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let frames = (0..MESSAGES).map(
            |n| json!({"type": "message", "room": self.room, "client_id": format!("late-{n}"), "content": "late"}),
        );
        RawClient::knock(dialect, stream, &user.token, &frames.collect::<Vec<Value>>()).await
    }
}

/// Messages of the user above the head.
fn own_above(history: &[Value], user: &Account, head: u64) -> usize {
    let own = |event: &&Value| {
        event["message"]["user_id"] == user.user_id.as_str() && event["seq"].as_u64().is_some_and(|seq| seq > head)
    };
    history.iter().filter(own).count()
}

/// A login; who cannot be served on a busy machine comes again, as clients do.
async fn enter(base: &str, token: &str) -> Socket {
    for _ in 0..10 {
        if let Attempt::Open(mut socket) = Socket::connect(base, "/ws", token, Way::Header).await
            && matches!(socket.incoming().await, Incoming::Frame(frame) if frame["type"] == "hello")
        {
            return *socket;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("{base} lets nobody in");
}

/// What a connection heard.
#[derive(Default)]
struct Heard {
    /// Frames beside the error that explains the end.
    frames: usize,
    code: Option<u16>,
    is_over: bool,
}

impl Heard {
    async fn hear(&mut self, socket: &mut RawClient) {
        match socket.incoming().await {
            Incoming::Closed(code) => (self.code, self.is_over) = (code, true),
            Incoming::Frame(frame) => {
                let explains = frame["type"] == "error"
                    && (frame["code"] == "unauthenticated" || frame["code"] == "unavailable")
                    && frame["client_id"].is_null();
                self.frames += usize::from(!explains);
            }
            Incoming::Lost(_) => self.is_over = true,
        }
    }
}

/// What is done to the far gateway while the connections come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timing {
    Nothing,
    Start,
    SlowApi,
    RedisAway,
    ApiAway,
}

impl Timing {
    /// Without the api it does not matter whether the login is over: nobody can tell.
    fn ends_first(self) -> bool {
        self != Self::ApiAway
    }

    fn begin(self, scene: &Scene) {
        let half = Duration::from_millis(500);
        match self {
            Self::Nothing => {}
            Self::Start => {
                scene.far.process.kill();
                scene.far.process.start();
            }
            Self::SlowApi => scene.to_api.set(Mode::Delay(half, half)),
            Self::RedisAway => scene.to_redis.set(Mode::Cut),
            Self::ApiAway => scene.to_api.set(Mode::Cut),
        }
    }

    /// Every connection has heard its first word.
    fn decided(self, scene: &Scene) {
        match self {
            Self::Nothing | Self::Start | Self::SlowApi | Self::ApiAway => {}
            Self::RedisAway => scene.to_redis.set(Mode::Open),
        }
    }

    async fn end(self, scene: &Scene) {
        scene.to_redis.set(Mode::Open);
        scene.to_api.set(Mode::Open);
        scene.far.ready().await;
    }
}

/// Plays all tries and says how many events are above the head, how many frames were heard, and which codes.
async fn ended_logins(dialect: Dialect, timing: Timing) -> (usize, usize, Vec<Option<u16>>) {
    let scene = Scene::new().await;
    let mut members = scene.members(AT_ONCE.min(tries())).await;
    let (mut above, mut frames, mut codes) = (0, 0, Vec::new());
    let rounds = tries().div_ceil(members.len());
    for round in 0..rounds {
        if timing.ends_first() {
            join_all(members.iter().enumerate().map(|(n, member)| scene.end(member, n + round))).await;
        }
        let head = scene.head(&scene.room).await;
        timing.begin(&scene);
        let mut sockets = join_all(members.iter().map(|member| scene.knock(dialect, member))).await;
        let mut ears: Vec<Heard> = members.iter().map(|_| Heard::default()).collect();
        join_all(sockets.iter_mut().zip(&mut ears).map(|(socket, heard)| heard.hear(socket))).await;
        timing.decided(&scene);
        join_all(sockets.iter_mut().zip(&mut ears).map(|(socket, heard)| async {
            while !heard.is_over {
                heard.hear(socket).await;
            }
        }))
        .await;
        timing.end(&scene).await;
        // What waited on that gateway is done by now, or never.
        let mut last = enter(&scene.far.socket_url(), &scene.owner.token).await;
        last.send(json!({"type": "message", "room": scene.room, "client_id": format!("r-{round}"), "content": "last"}))
            .await;
        last.expect_type("ack").await;
        for (member, heard) in members.iter().zip(&ears) {
            above += scene.above(&scene.room, member, head).await;
            frames += heard.frames;
            codes.push(heard.code);
        }
        if round + 1 < rounds && timing.ends_first() {
            for (n, member) in members.iter_mut().enumerate() {
                scene.log_in_again(member, n + round).await;
            }
        }
    }
    (above, frames, codes)
}

async fn nothing_of_ended_logins(timing: Timing, allowed: &[u16]) {
    nothing_of_ended_logins_in(Dialect::Native, timing, allowed).await;
}

async fn nothing_of_ended_logins_in(dialect: Dialect, timing: Timing, allowed: &[u16]) {
    let (above, frames, codes) = ended_logins(dialect, timing).await;
    let count = codes.len();
    assert_eq!((above, frames), (0, 0), "{timing:?}, {count} tries: events above the head, frames heard");
    let other: Vec<_> = codes.iter().filter(|code| code.is_none_or(|code| !allowed.contains(&code))).collect();
    assert!(other.is_empty(), "{timing:?}: closed with {other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a18_a19_an_ended_login_opens_nothing_on_a_gateway_that_has_not_heard() {
    nothing_of_ended_logins(Timing::Nothing, &[4409]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socketio_a18_a19_an_ended_login_opens_nothing_on_a_gateway_that_has_not_heard() {
    nothing_of_ended_logins_in(Dialect::SocketIo, Timing::Nothing, &[4409]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a18_a19_an_ended_login_opens_nothing_right_after_the_start_of_a_gateway() {
    // It may have no keys yet.
    nothing_of_ended_logins(Timing::Start, &[4409, 1013]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a18_a19_an_ended_login_opens_nothing_while_the_api_is_slow() {
    nothing_of_ended_logins(Timing::SlowApi, &[4409]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a18_a19_an_ended_login_opens_nothing_while_redis_is_away_until_it_is_decided() {
    nothing_of_ended_logins(Timing::RedisAway, &[4409]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a18_a19_without_the_api_nobody_is_let_in() {
    nothing_of_ended_logins(Timing::ApiAway, &[1013]).await;
}

/// Says one thing after the other without waiting for answers.
async fn flood(room: &str, mut socket: Socket, name: &str, until: Arc<AtomicBool>) {
    let mut n = 0;
    while !until.load(Ordering::Relaxed) {
        n += 1;
        let client_id = format!("{name}-{n}");
        socket
            .send(json!({"type": "message", "room": room, "client_id": client_id, "content": "x"}))
            .await;
        let pause = tokio::time::timeout(Duration::from_millis(3), socket.incoming()).await;
        if matches!(pause, Ok(Incoming::Closed(_) | Incoming::Lost(_))) {
            return;
        }
    }
}

/// A flood through two gateways, and an act in the middle of it; events above the head, and how many there were in all. None
/// if no answer said that the act is in force.
async fn act_in_a_flood(scene: &Scene, member: &Account, method: Method, act: &str) -> Option<(usize, usize)> {
    let room = scene.rest.new_room(&scene.owner, "public").await;
    let _joined = patiently(|| scene.rest.join(&room, member)).await.expect(200);
    let stop = Arc::new(AtomicBool::new(false));
    let near = enter(&scene.cluster.gateways[0].socket_url(), &member.token).await;
    let far = enter(&scene.far.socket_url(), &member.token).await;
    let floods = join(flood(&room, near, "near", Arc::clone(&stop)), flood(&room, far, "far", Arc::clone(&stop)));
    let acting = async {
        // By the numbers: a history of each try would keep the store busy.
        let mut watch = enter(&scene.cluster.gateways[0].socket_url(), &scene.owner.token).await;
        wait::until("the flood has begun", async || head_of(&room, &mut watch).await >= JOINS + FLOODED).await;
        let (case, nothing) = ([room.as_str(), &member.user_id, act], json!({}));
        let ask = || scene.rest.moderate(method.clone(), case, &scene.owner, &nothing);
        let first = ask().await;
        let answer = if first.status == 503 { patiently(ask).await } else { first };
        // Whoever was kicked by the first of two tries is no member for the second, which promises nothing.
        let head = if answer.status == 204 { Some(scene.head(&room).await) } else { None };
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.store(true, Ordering::Relaxed);
        head
    };
    let (_, head) = join(floods, acting).await;
    let head = head?;
    // What the far gateway still asks the api about is answered by then.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let history = scene.rest.history(&room, &scene.owner.token).await;
    Some((own_above(&history, member, head), own_above(&history, member, 0)))
}

async fn nothing_after(method: Method, act: &str) {
    let scene = Scene::new().await;
    let members = scene.members(TRIES.min(tries()) / 4).await;
    let mut in_force = 0;
    for round in 0..tries().div_ceil(members.len()) {
        let slow = if round.is_multiple_of(2) {
            Duration::ZERO
        } else {
            Duration::from_millis(500)
        };
        scene.to_api.set(Mode::Delay(slow, slow));
        let acts = members.iter().map(|member| act_in_a_flood(&scene, member, method.clone(), act));
        for (above, all) in join_all(acts).await.into_iter().flatten() {
            in_force += 1;
            assert_eq!(above, 0, "{act}, round {round}: events above the head");
            assert!(all as u64 >= FLOODED, "{act}: the flood was none: {all}");
        }
    }
    assert!(in_force > 0, "{act}: none was ever in force");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn z06_nothing_of_a_kicked_user_is_numbered_after_the_answer() {
    nothing_after(Method::POST, "kick").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn z06_nothing_of_a_banned_user_is_numbered_after_the_answer_on_gateways_with_a_slow_api() {
    nothing_after(Method::PUT, "ban").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn z07_nothing_of_a_muted_user_is_numbered_after_the_answer() {
    nothing_after(Method::PUT, "mute").await;
}
