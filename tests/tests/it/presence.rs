//! Who is online: told to those who watch, right after a crash, and quiet while nobody comes or goes.

use std::time::Duration;

use http::Method;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::limits::TYPING_INTERVAL;
use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::{ChatClient, Incoming};
use rookery_tests::rest::{Account, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{shared, wait};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::talk::{hear, refused, say};

/// Longer than a clean close takes to be told.
const SOON: Duration = Duration::from_secs(5);
/// Longer than a connection that broke is covered for.
const COVERED: Duration = Duration::from_secs(12);

struct Scene {
    rest: Rest,
    sockets: [String; 2],
    alice: Account,
    bob: Account,
    room: String,
}

impl Scene {
    async fn on(deployment: &Deployment) -> Self {
        Self::with(deployment.rest(), deployment.sockets()).await
    }

    async fn with(rest: Rest, sockets: [String; 2]) -> Self {
        let (alice, bob) = (rest.new_user("alice").await, rest.new_user("bob").await);
        let room = rest.new_room(&alice, "public").await;
        let _joined = rest.join(&room, &bob).await.expect(200);
        Self { rest, sockets, alice, bob, room }
    }

    /// Connected to one of the nodes, in the room.
    async fn enter(&self, user: &Account, node: usize) -> Socket {
        let mut socket = Socket::login(&self.sockets[node], "/ws", &user.token).await;
        socket.subscribe(&self.room).await;
        socket
    }

    /// Alice, who watches; and how they stand at first.
    async fn watcher(&self, users: &[&Account]) -> (Socket, Value) {
        let mut socket = self.enter(&self.alice, 1).await;
        let watching = watch(&mut socket, users, &[&self.room]).await;
        (socket, watching)
    }
}

async fn watch(socket: &mut Socket, users: &[&Account], rooms: &[&str]) -> Value {
    let users: Vec<&str> = users.iter().map(|user| user.user_id.as_str()).collect();
    socket.send(json!({"type": "watch", "users": users, "rooms": rooms})).await;
    socket.expect_type("watching").await
}

/// The next news of the user.
async fn news(socket: &mut Socket, user: &Account, status: &str) -> Value {
    let told = socket
        .expect(status, |frame| frame["type"] == "presence" && frame["user_id"] == user.user_id.as_str())
        .await;
    assert_eq!(told["status"], status, "{told}");
    told
}

/// Reads until nothing came for so long, and returns the news of users among it.
async fn listen(socket: &mut Socket, quiet: Duration) -> Vec<Value> {
    let end = Instant::now() + quiet;
    while let Ok(incoming) = timeout(end - Instant::now(), socket.incoming()).await {
        match incoming {
            Incoming::Frame(frame) => socket.mailbox().push(frame),
            end @ (Incoming::Closed(_) | Incoming::Lost(_)) => panic!("{end:?}"),
        }
    }
    socket.mailbox().waiting().filter(|frame| frame["type"] == "presence").cloned().collect()
}

/// Waits for a room's presence in which it has so many users.
async fn crowd(socket: &mut Socket, online: usize) -> Value {
    socket
        .expect(&format!("{online} in the room"), |frame| {
            frame["type"] == "room_presence" && frame["online"] == online
        })
        .await
}

/// Waits until the user is told to have left the room.
async fn gone(socket: &mut Socket, user: &Account) {
    socket.expect("gone from the room", |frame| frame["gone"] == json!([user.user_id])).await;
}

/// How many frames of rooms' presence have come so far.
fn of_rooms(socket: &mut Socket) -> usize {
    socket.mailbox().seen.iter().filter(|frame| frame["type"] == "room_presence").count()
}

fn ids(list: &Value) -> Vec<&str> {
    let mut ids: Vec<&str> = list.as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn who_comes_changes_and_leaves_is_told_and_a_goodbye_is_seen_soon() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let bob = &scene.bob;
        let (mut alice, watching) = scene.watcher(&[bob]).await;
        assert_eq!(watching["users"], json!([{"user_id": bob.user_id, "status": "offline"}]));
        assert_eq!(alice.expect_type("room_presence").await["whole"], true);
        until_in_room(&scene, 1).await;
        listen(&mut alice, Duration::from_secs(2)).await;

        let mut socket = scene.enter(bob, 0).await;
        news(&mut alice, bob, "online").await;
        let came = crowd(&mut alice, 2).await;
        assert_eq!((&came["whole"], ids(&came["users"])), (&json!(false), vec![bob.user_id.as_str()]));
        let second = Socket::login(&scene.sockets[1], "/ws", &bob.token).await;
        socket.send(json!({"type": "presence", "status": "dnd", "text": "in a meeting"})).await;
        assert_eq!(news(&mut alice, bob, "dnd").await["text"], "in a meeting");
        let changed = alice.expect("in the room, too", |frame| frame["users"][0]["status"] == "dnd").await;
        assert_eq!((&changed["online"], &changed["users"][0]["text"]), (&json!(2), &json!("in a meeting")));
        agrees(&scene, "dnd").await;
        let set = json!({"status": "away"});
        let set = scene
            .rest
            .put("/api/v1/users/me/presence", Some(&bob.token), &set)
            .await
            .expect(200)
            .json();
        assert_eq!(set, json!({"user_id": bob.user_id, "status": "away"}));
        news(&mut alice, bob, "away").await;

        socket.leave().await;
        assert_eq!(listen(&mut alice, Duration::from_secs(3)).await, Vec::<Value>::new(), "one device is left");
        let left = UnixMillis::now();
        second.leave().await;
        let gone = news(&mut alice, bob, "offline").await;
        assert!(gone["last_seen"].as_str().unwrap() >= left.to_string().as_str(), "{gone}");
        self::gone(&mut alice, bob).await;
        agrees(&scene, "offline").await;
        let (_, watching) = scene.watcher(&[bob]).await;
        assert_eq!(
            watching["users"],
            json!([{"user_id": bob.user_id, "status": "offline", "last_seen": gone["last_seen"]}])
        );
    }
}

async fn until_in_room(scene: &Scene, online: usize) {
    let path = format!("/api/v1/rooms/{}/presence", scene.room);
    let token = Some(scene.alice.token.as_str());
    let here = async || scene.rest.get(&path, token).await.expect(200).json()["online"] == online;
    wait::until("they are in the room", here).await;
}

/// REST says of Bob what was told.
async fn agrees(scene: &Scene, status: &str) {
    let token = Some(scene.alice.token.as_str());
    let path = format!("/api/v1/users/presence?ids={},{}", scene.bob.user_id, scene.alice.user_id);
    let users = scene.rest.get(&path, token).await.expect(200).json();
    assert_eq!((&users["users"][0]["status"], &users["users"][1]["status"]), (&json!(status), &json!("online")));
    let room = scene
        .rest
        .get(&format!("/api/v1/rooms/{}/presence", scene.room), token)
        .await
        .expect(200)
        .json();
    let here: Vec<&Value> = room["users"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|user| user["user_id"] == scene.bob.user_id.as_str())
        .collect();
    match status {
        "offline" => assert_eq!((here, &room["online"]), (vec![], &json!(1))),
        status => assert_eq!((&here[0]["status"], &room["online"]), (&json!(status), &json!(2))),
    }
}

#[tokio::test]
async fn only_who_shares_a_room_is_seen() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let stranger = scene.rest.new_user("stranger").await;
        let _left = scene.rest.leave("general", &stranger).await.expect(204);
        let mut socket = Socket::login(&scene.sockets[0], "/ws", &stranger.token).await;
        assert_eq!(watch(&mut socket, &[&scene.alice, &scene.bob], &[]).await["users"], json!([]));
        for room in [scene.room.as_str(), "nowhere"] {
            refused(&mut socket, json!({"type": "watch", "rooms": [room]}), "unknown_room").await;
        }
        let path = format!("/api/v1/users/presence?ids={}", scene.alice.user_id);
        let seen = scene.rest.get(&path, Some(&stranger.token)).await.expect(200).json();
        assert_eq!(seen["users"], json!([]));
        let path = format!("/api/v1/rooms/{}/presence", scene.room);
        scene.rest.get(&path, Some(&stranger.token)).await.expect_problem(403, "not_a_member");

        // Who is shut out hears nothing more, and is not shown in the room any more.
        let (mut alice, _) = scene.watcher(&[]).await;
        let mut bob = scene.enter(&scene.bob, 0).await;
        watch(&mut bob, &[], &[&scene.room]).await;
        crowd(&mut alice, 2).await;
        crowd(&mut bob, 2).await;
        let case = [scene.room.as_str(), scene.bob.user_id.as_str(), "kick"];
        assert_eq!(scene.rest.moderate(Method::POST, case, &scene.alice, &json!({})).await.status, 204);
        gone(&mut alice, &scene.bob).await;
        bob.expect_type("unsubscribed").await;
        bob.sync().await;
        let mut after = bob.mailbox().seen.iter().skip_while(|frame| frame["type"] != "unsubscribed");
        assert!(after.all(|frame| frame["type"] != "room_presence"));
    }
}

#[tokio::test]
async fn bad_questions_are_named() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let token = Some(scene.alice.token.as_str());
        let distinct: Vec<String> = (0..201).map(|n| format!("01890a5d-ac96-774b-bcce-{n:012}")).collect();
        for ids in ["", "bob", &format!("{},", scene.bob.user_id), &distinct.join(",")] {
            scene
                .rest
                .get(&format!("/api/v1/users/presence?ids={ids}"), token)
                .await
                .expect_problem(400, "bad_field");
        }
        scene.rest.get("/api/v1/users/presence", token).await.expect_problem(400, "bad_field");
        for body in [
            json!({"status": "offline"}),
            json!({"text": "x"}),
            json!({"status": "away", "text": ""}),
            json!({"status": "away", "text": "x".repeat(101)}),
            json!({"status": "away", "text": "a\nb"}),
            json!({"status": "away", "mood": "x"}),
        ] {
            scene
                .rest
                .put("/api/v1/users/me/presence", token, &body)
                .await
                .expect_problem(400, "bad_field");
        }
    }
}

#[tokio::test]
async fn a_broken_connection_that_comes_back_is_not_seen() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let first = scene.enter(&scene.bob, 0).await;
        until_in_room(&scene, 1).await;
        let (mut alice, watching) = scene.watcher(&[&scene.bob]).await;
        assert_eq!(watching["users"][0]["status"], "online");
        crowd(&mut alice, 2).await;
        let before = of_rooms(&mut alice);
        drop(first);
        sleep(Duration::from_secs(1)).await;
        let again = scene.enter(&scene.bob, 1).await;
        assert_eq!(listen(&mut alice, COVERED).await, Vec::<Value>::new(), "{}", deployment.name());
        assert_eq!(of_rooms(&mut alice), before, "nor in the room");
        drop(again);
        news(&mut alice, &scene.bob, "offline").await;
    }
}

/// A node that is stopped hands its users over without a word; one that dies takes them along, and others clean up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_not_seen_and_a_death_is_seen_in_time() {
    let cluster = Cluster::start().await;
    let sockets = [0, 1].map(|node| cluster.gateways[node].socket_url());
    let scene = Scene::with(Rest::new(cluster.api.public_url()), sockets).await;
    let mut leaving = scene.enter(&scene.bob, 0).await;
    until_in_room(&scene, 1).await;
    let (mut alice, _) = scene.watcher(&[&scene.bob]).await;
    crowd(&mut alice, 2).await;
    cluster.gateways[0].process.signal("TERM");
    assert_eq!(leaving.closed(wait::PATIENCE).await, Some(1012));
    let moved = scene.enter(&scene.bob, 1).await;
    assert!(cluster.gateways[0].process.ended().await.success());
    cluster.gateways[1].process.until("cleans up", async || cleanings(&cluster) == 1).await;
    assert_eq!(listen(&mut alice, Duration::from_secs(2)).await, Vec::<Value>::new());
    agrees(&scene, "online").await;

    cluster.gateways[0].process.start();
    cluster.gateways[0].ready().await;
    let dying = scene.enter(&scene.bob, 0).await;
    moved.leave().await;
    assert_eq!(listen(&mut alice, SOON).await, Vec::<Value>::new(), "still on the other node");
    cluster.gateways[0].process.kill();
    news(&mut alice, &scene.bob, "offline").await;
    gone(&mut alice, &scene.bob).await;
    drop(dying);
    agrees(&scene, "offline").await;
}

fn cleanings(cluster: &Cluster) -> usize {
    cluster.gateways[1].process.log().matches("cleaned up after a node").count()
}

#[tokio::test]
async fn r07_a_status_that_flaps_is_one_piece_of_news_a_second() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut bob = scene.enter(&scene.bob, 0).await;
        until_in_room(&scene, 1).await;
        let (mut alice, _) = scene.watcher(&[&scene.bob]).await;
        crowd(&mut alice, 2).await;
        let began = Instant::now();
        for n in 0..200 {
            let status = if n % 2 == 0 { "dnd" } else { "online" };
            bob.send(json!({"type": "presence", "status": status})).await;
        }
        bob.send(json!({"type": "presence", "status": "away"})).await;
        let last = |frame: &Value| frame["type"] == "presence" && frame["status"] == "away";
        alice.expect("the last one", last).await;
        let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
        let told = alice.mailbox().seen.iter().filter(|frame| frame["type"] == "presence").count();
        assert!(told <= 2 + seconds, "{told} in {seconds} s");
    }
}

fn typings(socket: &mut Socket) -> usize {
    socket.mailbox().waiting().filter(|frame| frame["type"] == "typing").count()
}

#[tokio::test]
async fn typing_is_told_once_in_a_while_to_others_and_never_of_who_may_not_speak() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (mut alice, mut bob) = (scene.enter(&scene.alice, 1).await, scene.enter(&scene.bob, 0).await);
        let typing = json!({"type": "typing", "room": scene.room});
        let began = Instant::now();
        for _ in 0..100 {
            bob.send(typing.clone()).await;
        }
        let heard = alice.expect_type("typing").await;
        assert_eq!((&heard["room"], &heard["user"]["user_id"]), (&json!(scene.room), &json!(scene.bob.user_id)));
        let said = say(&mut bob, &scene.room, "done").await;
        hear(&mut alice, &said).await;
        // More than once only if saying so much took that long.
        let more = typings(&mut alice);
        assert!(more <= usize::try_from(began.elapsed().as_secs() / TYPING_INTERVAL.as_secs()).unwrap());
        let case = [scene.room.as_str(), scene.bob.user_id.as_str(), "mute"];
        assert_eq!(scene.rest.moderate(Method::PUT, case, &scene.alice, &json!({})).await.status, 204);
        // Not because it would be too soon.
        sleep(Duration::from_secs(4)).await;
        let outsider = scene.rest.new_user("outsider").await;
        let mut outsider = Socket::login(&scene.sockets[0], "/ws", &outsider.token).await;
        for socket in [&mut bob, &mut outsider] {
            socket.send(typing.clone()).await;
            socket.sync().await;
            assert!(
                socket
                    .mailbox()
                    .waiting()
                    .all(|frame| frame["type"] != "typing" && frame["type"] != "error")
            );
        }
        let said = say(&mut alice, &scene.room, "hush").await;
        hear(&mut bob, &said).await;
        assert_eq!(typings(&mut alice), more, "{}", deployment.name());
        let case = [scene.room.as_str(), scene.bob.user_id.as_str(), "mute"];
        assert_eq!(scene.rest.moderate(Method::DELETE, case, &scene.alice, &json!({})).await.status, 204);
        // Only then does this node know.
        bob.expect_type("member_unmuted").await;
        say(&mut bob, &scene.room, "again").await;
        bob.send(typing.clone()).await;
        alice.expect_type("typing").await;
    }
}
