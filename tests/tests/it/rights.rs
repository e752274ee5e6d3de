//! Rights end at once, on every node: kick, ban, mute, logout, a stolen refresh token, a disabled account. By push where
//! the api cannot be asked, by asking where Redis is down. (Rows A16 to A19 and Z06 to Z09 of the threat model.)

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use rookery_protocol::limits::REFRESH_GRACE;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::rest::{Account, PASSWORD, Rest};
use rookery_tests::ws::{Socket, Way};
use rookery_tests::{shared, wait};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

mod outages;

/// Messages of a flood that have their number before the act.
const FLOODED: usize = 10;
/// Frames that a flood reads at most before it goes on.
const FRAMES_HEARD: usize = 10;

struct Scene {
    rest: Rest,
    sockets: [String; 2],
    room: String,
    owner: Account,
    member: Account,
}

impl Scene {
    async fn on(deployment: &Deployment, dialect: Dialect) -> Self {
        Self::at(deployment.rest(), deployment.sockets_in(dialect), "public").await
    }

    async fn at(rest: Rest, sockets: [String; 2], visibility: &str) -> Self {
        let (owner, member) = (rest.new_user("owner").await, rest.new_user("member").await);
        let room = rest.new_room(&owner, visibility).await;
        if visibility == "public" {
            let _joined = rest.join(&room, &member).await.expect(200);
        }
        Self { rest, sockets, room, owner, member }
    }

    async fn act(&self, method: Method, act: &str, body: Value) -> u16 {
        let case = [self.room.as_str(), &self.member.user_id, act];
        self.rest.moderate(method, case, &self.owner, &body).await.status
    }

    async fn live(&self, node: usize, user: &Account) -> Socket {
        let mut socket = Socket::login(&self.sockets[node], "/ws", &user.token).await;
        socket.subscribe(&self.room).await;
        socket
    }

    async fn say(&self, socket: &mut Socket, client_id: &str) -> Value {
        let frame = json!({"type": "message", "room": self.room, "client_id": client_id, "content": "hi"});
        socket.send(frame).await;
        let answers =
            |frame: &Value| frame["client_id"] == client_id && (frame["type"] == "ack" || frame["type"] == "error");
        socket.expect("an ack or an error", answers).await
    }

    async fn may_speak(&self, socket: &mut Socket, name: &str) {
        let mut tries = 0;
        wait::until("the member has the word again", async || {
            tries += 1;
            self.say(socket, &format!("{name}-{tries}")).await["type"] == "ack"
        })
        .await;
    }

    async fn may_join(&self) -> String {
        let answer = self.rest.join(&self.room, &self.member).await;
        if answer.status == 200 { "yes".to_owned() } else { answer.code() }
    }
}

/// Says one thing after the other, and never waits for an answer.
fn flood(scene: &Scene, mut socket: Socket, name: &'static str, until: Arc<AtomicBool>) -> JoinHandle<Socket> {
    let room = scene.room.clone();
    tokio::spawn(async move {
        let mut n = 0;
        while !until.load(Ordering::Relaxed) {
            n += 1;
            let client_id = format!("{name}-{n}");
            socket
                .send(json!({"type": "message", "room": room, "client_id": client_id, "content": client_id}))
                .await;
            // Each message is heard by both floods and acknowledged: whoever reads less falls behind.
            for _ in 0..FRAMES_HEARD {
                match tokio::time::timeout(Duration::from_millis(2), socket.incoming()).await {
                    Ok(Incoming::Frame(frame)) => socket.mailbox().push(frame),
                    Ok(Incoming::Closed(_) | Incoming::Lost(_)) | Err(_) => break,
                }
            }
        }
        socket
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn z06_nothing_of_a_banned_user_is_sequenced_after_the_answer() {
    nothing_after_a_ban(Dialect::Native).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socketio_z06_nothing_of_a_banned_user_is_sequenced_after_the_answer() {
    nothing_after_a_ban(Dialect::SocketIo).await;
}

async fn nothing_after_a_ban(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let scene = Scene::on(deployment, dialect).await;
        let mut watcher = scene.live(0, &scene.owner).await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut floods = Vec::new();
        for (node, name) in [(0, "a"), (1, "b")] {
            let socket = scene.live(node, &scene.member).await;
            floods.push(flood(&scene, socket, name, Arc::clone(&stop)));
        }
        for _ in 0..FLOODED {
            watcher.expect("the flood", |frame| frame["type"] == "new_message").await;
        }

        assert_eq!(scene.act(Method::PUT, "ban", json!({})).await, 204);
        tokio::time::sleep(Duration::from_millis(700)).await;
        stop.store(true, Ordering::Relaxed);
        for flood in floods {
            let mut socket = flood.await.expect("the flood ends well");
            socket.expect_type("unsubscribed").await;
            let seen = &socket.mailbox().seen;
            let ban = seen
                .iter()
                .position(|frame| frame["type"] == "member_banned")
                .expect("it is told of the ban");
            let later: Vec<&Value> = seen[ban + 1..]
                .iter()
                .filter(|frame| frame["seq"].is_u64() && frame["type"] != "ack")
                .collect();
            assert!(later.is_empty(), "{}: heard after the ban: {later:?}", deployment.name());
        }
        let history = scene.rest.history(&scene.room, &scene.owner.token).await;
        // The ban's answer comes after the ban has its number, so this says even more.
        let ban = history
            .iter()
            .position(|event| event["type"] == "member_banned")
            .expect("the ban is history");
        let late = history[ban..]
            .iter()
            .filter(|event| event["message"]["user_id"] == scene.member.user_id.as_str());
        assert_eq!(late.collect::<Vec<_>>(), Vec::<&Value>::new(), "{}: after the ban", deployment.name());
        let own = history
            .iter()
            .filter(|event| event["message"]["user_id"] == scene.member.user_id.as_str())
            .count();
        assert!(own >= FLOODED, "{}: the flood was none: {own}", deployment.name());
    }
}

#[tokio::test]
async fn z06_a_connection_of_one_room_ends_with_the_membership() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment, Dialect::Native).await;
        let path = format!("/ws/{}", scene.room);
        let mut socket = Socket::login(&scene.sockets[1], &path, &scene.member.token).await;
        socket.live().await;
        assert_eq!(scene.act(Method::POST, "kick", json!({})).await, 204);
        assert_eq!(socket.closed(wait::PATIENCE).await, Some(4403));
        let [.., kicked, last] = socket.mailbox().seen.as_slice() else { panic!("too few frames") };
        assert_eq!((&kicked["type"], &last["type"]), (&json!("member_kicked"), &json!("unsubscribed")));
        assert_eq!(kicked["user"]["user_id"], scene.member.user_id.as_str());
        assert_eq!(kicked["by"]["user_id"], scene.owner.user_id.as_str());
    }
}

#[tokio::test]
async fn z07_a_muted_member_reads_and_says_nothing() {
    muted_members_say_nothing(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_z07_a_muted_member_reads_and_says_nothing() {
    muted_members_say_nothing(Dialect::SocketIo).await;
}

async fn muted_members_say_nothing(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let scene = Scene::on(deployment, dialect).await;
        let mut socket = scene.live(1, &scene.member).await;
        assert_eq!(scene.say(&mut socket, "before").await["type"], "ack");
        assert_eq!(scene.act(Method::PUT, "mute", json!({"duration_s": 3_600})).await, 204);
        let refused = scene.say(&mut socket, "muted").await;
        assert_eq!(refused["code"], "muted", "{refused}");
        assert!(refused["retry_after_ms"].as_u64().is_some_and(|ms| ms <= 3_600_000), "{refused}");
        let rest = scene.rest.say(&scene.room, &scene.member, &json!({"content": "hi"})).await;
        rest.expect_problem(403, "muted");
        assert!(rest.headers.contains_key("retry-after"));
        socket.expect_type("member_muted").await;
        assert_eq!(scene.act(Method::PUT, "mute", json!({"duration_s": 1})).await, 204);
        scene.may_speak(&mut socket, "later").await;

        assert_eq!(scene.act(Method::PUT, "mute", json!({})).await, 204);
        let refused = scene.say(&mut socket, "muted-again").await;
        assert_eq!((&refused["code"], &refused["retry_after_ms"]), (&json!("muted"), &Value::Null));
        // It stays when the user comes back.
        let _left = scene.rest.leave(&scene.room, &scene.member).await.expect(204);
        assert_eq!(scene.may_join().await, "yes");
        assert_eq!(scene.say(&mut socket, "muted-still").await["code"], "muted");
        assert_eq!(scene.act(Method::DELETE, "mute", json!({})).await, 204);
        let mut socket = scene.live(0, &scene.member).await;
        // This node may have been asked a moment ago, and a refusal is believed for a second.
        scene.may_speak(&mut socket, "again").await;
    }
}

#[tokio::test]
async fn z08_a_kicked_user_may_come_back_and_a_banned_one_may_not() {
    kicks_and_bans(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_z08_a_kicked_user_may_come_back_and_a_banned_one_may_not() {
    kicks_and_bans(Dialect::SocketIo).await;
}

async fn kicks_and_bans(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let scene = Scene::on(deployment, dialect).await;
        let mut socket = scene.live(0, &scene.member).await;
        assert_eq!(scene.act(Method::POST, "kick", json!({})).await, 204);
        socket.expect_type("unsubscribed").await;
        assert_eq!(scene.act(Method::POST, "kick", json!({})).await, 404, "nobody is kicked twice");
        assert_eq!(scene.may_join().await, "yes");
        assert_eq!(scene.act(Method::PUT, "ban", json!({})).await, 204);
        assert_eq!(scene.act(Method::PUT, "ban", json!({})).await, 204, "a repeat changes nothing");
        assert_eq!(scene.may_join().await, "banned");
        for node in [0, 1] {
            // By position, as a resume would, and anew.
            let mut second = Socket::login(&scene.sockets[node], "/ws", &scene.member.token).await;
            let rooms = json!([{"room": scene.room, "epoch": "e1", "seq": 1}]);
            second.send(json!({"type": "subscribe", "rooms": rooms})).await;
            assert_eq!(second.expect_type("error").await["code"], "banned");
            assert_eq!(scene.say(&mut second, "in-spite").await["code"], "banned");
        }
        let path = format!("/api/v1/rooms/{}/messages", scene.room);
        scene.rest.get(&path, Some(&scene.member.token)).await.expect_problem(403, "banned");
        assert_eq!(scene.act(Method::DELETE, "ban", json!({})).await, 204);
        assert_eq!(scene.may_join().await, "yes");
        assert_eq!(scene.act(Method::PUT, "ban", json!({"duration_s": 3_600})).await, 204);
        assert_eq!(scene.may_join().await, "banned");
        assert_eq!(scene.act(Method::DELETE, "ban", json!({})).await, 204);
        assert_eq!(scene.may_join().await, "yes");
        assert_eq!(scene.act(Method::PUT, "ban", json!({"duration_s": 1})).await, 204);
        wait::until("a ban ends by itself", async || scene.may_join().await == "yes").await;
    }
}

#[tokio::test]
async fn z09_rank_decides_who_acts_on_whom() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment, Dialect::Native).await;
        let outsider = scene.rest.new_user("outsider").await;
        let ban = async |by: &Account, user: &str| {
            scene.rest.moderate(Method::PUT, [&scene.room, user, "ban"], by, &json!({})).await
        };
        ban(&scene.member, &scene.owner.user_id).await.expect_problem(403, "forbidden");
        ban(&scene.member, &outsider.user_id).await.expect_problem(403, "forbidden");
        ban(&scene.owner, &scene.owner.user_id).await.expect_problem(403, "forbidden");
        ban(&outsider, &scene.member.user_id).await.expect_problem(403, "not_a_member");
        ban(&scene.owner, "01920000-0000-7000-8000-000000000001")
            .await
            .expect_problem(404, "not_found");
        ban(&scene.owner, "nobody").await.expect_problem(404, "not_found");
        let secret = Scene::at(deployment.rest(), deployment.sockets(), "private").await;
        let case = [secret.room.as_str(), &secret.owner.user_id, "ban"];
        let answer = secret.rest.moderate(Method::PUT, case, &outsider, &json!({})).await;
        answer.expect_problem(404, "unknown_room");
        for body in [json!({"duration_s": 0}), json!({"until": "2001-01-01T00:00:00Z"}), json!({"until": "x"})] {
            let case = [scene.room.as_str(), &scene.member.user_id, "mute"];
            let answer = scene.rest.moderate(Method::PUT, case, &scene.owner, &body).await;
            answer.expect_problem(400, "bad_field");
        }
    }
}

#[tokio::test]
async fn a17_a_socket_does_not_change_hands() {
    sockets_keep_their_user(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_a17_a_socket_does_not_change_hands() {
    sockets_keep_their_user(Dialect::SocketIo).await;
}

async fn sockets_keep_their_user(dialect: Dialect) {
    let deployment = shared::cluster().await;
    let scene = Scene::on(deployment, dialect).await;
    let mut socket = scene.live(0, &scene.member).await;
    socket.send(json!({"type": "auth", "token": scene.owner.token})).await;
    assert_eq!(socket.closed(wait::PATIENCE).await, Some(4401));
}

#[tokio::test]
async fn a18_a_logout_ends_the_sockets_of_its_session_on_every_node() {
    logouts_end_sockets(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_a18_a_logout_ends_the_sockets_of_its_session_on_every_node() {
    logouts_end_sockets(Dialect::SocketIo).await;
}

async fn logouts_end_sockets(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let scene = Scene::on(deployment, dialect).await;
        let other = scene.rest.login(&scene.member.username, PASSWORD).await.account(String::new());
        let mut sockets = [scene.live(0, &scene.member).await, scene.live(1, &scene.member).await];
        let mut kept = scene.live(1, &other).await;
        assert_eq!(scene.rest.logout(&scene.member.refresh_token).await.status, 204);
        for socket in &mut sockets {
            assert_eq!(socket.closed(wait::PATIENCE).await, Some(4409));
            assert!(socket.mailbox().seen.iter().any(|frame| frame["code"] == "unauthenticated"));
        }
        kept.sync().await;
        scene
            .rest
            .get("/api/v1/users/me", Some(&scene.member.token))
            .await
            .expect_problem(401, "unauthenticated");
        let mut again = Socket::connect(&scene.sockets[0], "/ws", &scene.member.token, Way::Header).await.open();
        assert_eq!(again.closed(wait::PATIENCE).await, Some(4409), "the token of a session that is over opens nothing");
        assert_eq!(again.mailbox().seen.len(), 1, "nothing is said but why");

        let all = scene.rest.post("/api/v1/auth/logout-all", Some(&other.token), &json!({})).await;
        assert_eq!(all.status, 204);
        assert_eq!(kept.closed(wait::PATIENCE).await, Some(4409));
    }
}

#[tokio::test]
async fn a12_a_stolen_refresh_token_ends_the_sockets_too() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment, Dialect::Native).await;
        let mut socket = scene.live(1, &scene.member).await;
        let mut token = scene.member.refresh_token.clone();
        for _ in 0..2 {
            let answer = scene.rest.refresh(&token).await.expect(200).json();
            token = answer["refresh_token"].as_str().expect("a token").to_owned();
        }
        // A moment ago it might be a reply that was lost.
        tokio::time::sleep(REFRESH_GRACE + Duration::from_millis(500)).await;
        scene
            .rest
            .refresh(&scene.member.refresh_token)
            .await
            .expect_problem(401, "bad_refresh_token");
        assert_eq!(socket.closed(wait::PATIENCE).await, Some(4409));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a19_a_disabled_account_is_out_at_once_and_everywhere() {
    let Deployment::Cluster(cluster) = shared::cluster().await else { panic!("a cluster") };
    let scene = Scene::on(shared::cluster().await, Dialect::Native).await;
    let mut socket = scene.live(1, &scene.member).await;
    cluster.run_api(&["user", "disable", &scene.member.username], "");
    assert_eq!(socket.closed(wait::PATIENCE).await, Some(4409));
    scene
        .rest
        .login(&scene.member.username, PASSWORD)
        .await
        .expect_problem(403, "account_disabled");
    scene
        .rest
        .refresh(&scene.member.refresh_token)
        .await
        .expect_problem(401, "bad_refresh_token");
    scene
        .rest
        .get("/api/v1/rooms", Some(&scene.member.token))
        .await
        .expect_problem(401, "unauthenticated");
    cluster.run_api(&["user", "enable", &scene.member.username], "");
    let _again = scene.rest.login(&scene.member.username, PASSWORD).await.expect(200);
}
