//! How rooms are talked in: the pace of one user over all nodes, slow mode, frozen rooms, and who may set them.
//! (Rows Z05 and Z11 of the threat model; A16 for tokens that end.)

use std::time::Duration;

use http::Method;
use rookery_bus::pace::RoomRateLimit;
use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::forge::{Forge, now_seconds};
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::shared;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};
use tokio::time::Instant;

mod members;

/// A room with its owner, a member, and an outsider.
struct Scene {
    rest: Rest,
    sockets: [String; 2],
    room: String,
    owner: Account,
    member: Account,
}

impl Scene {
    async fn on(deployment: &Deployment, dialect: Dialect) -> Self {
        Self::at(deployment.rest(), deployment.sockets_in(dialect)).await
    }

    async fn at(rest: Rest, sockets: [String; 2]) -> Self {
        let (owner, member) = (rest.new_user("owner").await, rest.new_user("member").await);
        let room = rest.new_room(&owner, "public").await;
        let _joined = rest.join(&room, &member).await.expect(200);
        Self { rest, sockets, room, owner, member }
    }

    async fn set(&self, by: &Account, change: Value) -> Answer {
        self.rest.patch(&format!("/api/v1/rooms/{}", self.room), Some(&by.token), &change).await
    }

    async fn live(&self, node: usize, user: &Account) -> Socket {
        let mut socket = Socket::login(&self.sockets[node], "/ws", &user.token).await;
        socket.subscribe(&self.room).await;
        socket
    }

    /// Sends a frame into the room under a name; returns the ack or the error.
    async fn send(&self, socket: &mut Socket, client_id: &str, mut frame: Value) -> Value {
        (frame["room"], frame["client_id"]) = (json!(self.room), json!(client_id));
        socket.send(frame).await;
        let answers =
            |frame: &Value| frame["client_id"] == client_id && (frame["type"] == "ack" || frame["type"] == "error");
        socket.expect("an ack or an error", answers).await
    }

    async fn say(&self, socket: &mut Socket, client_id: &str) -> Value {
        self.send(socket, client_id, json!({"type": "message", "content": "hi"})).await
    }

    async fn act(&self, user: &Account, method: Method, path: &str, body: &Value) -> Answer {
        let path = format!("/api/v1/rooms/{}/messages/{path}", self.room);
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let content_type = (!body.is_empty()).then_some("application/json");
        let request = RawRequest { method, path: &path, token: Some(&user.token), content_type, body };
        self.rest.raw(request).await.expect("an answer")
    }
}

fn code(answer: &Value) -> &str {
    answer["code"].as_str().unwrap_or_else(|| answer["type"].as_str().unwrap_or_default())
}

/// The burst, and one per interval since: what was accepted of a flood is that and no more.
const PACE: RoomRateLimit = RoomRateLimit { burst: 10, interval_ms: 1_000 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_through_two_gateways_is_held_to_one_pace() {
    let cluster = Cluster::start_at(PACE).await;
    let sockets = [0, 1].map(|i| cluster.gateways[i].socket_url());
    let scene = Scene::at(Rest::new(cluster.api.public_url()), sockets).await;
    let began = Instant::now();
    let floods = [0, 1].map(|node| flood(&scene, node, began + Duration::from_secs(4)));
    let [first, second] = floods;
    let (first, second) = tokio::join!(first, second);
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).expect("a short time");
    let (accepted, refused) = (first.0 + second.0, first.1 + second.1);
    let limit = u64::from(PACE.burst) + elapsed_ms / PACE.interval_ms;
    assert!(accepted * 100 <= limit * 105, "{accepted} of {limit} in {elapsed_ms} ms");
    assert!(accepted >= u64::from(PACE.burst) && refused > 0, "{accepted} accepted, {refused} refused");
    let history = scene.rest.history(&scene.room, &scene.owner.token).await;
    let said = history.iter().filter(|event| event["type"] == "new_message").count();
    assert_eq!(u64::try_from(said), Ok(accepted), "what was acknowledged is there, and nothing else");

    // Somebody else is not in the way, and REST counts along.
    let mut owner = scene.live(0, &scene.owner).await;
    assert_eq!(code(&scene.say(&mut owner, "free").await), "ack");
    let mut answer = scene
        .rest
        .say(&scene.room, &scene.member, &json!({"content": "hi", "client_id": "r-0"}))
        .await;
    for n in 1..100 {
        if answer.status == 429 {
            break;
        }
        let body = json!({"content": "hi", "client_id": format!("r-{n}")});
        answer = scene.rest.say(&scene.room, &scene.member, &body).await;
    }
    answer.expect_problem(429, "rate_limited");
    let wait = answer.json()["retry_after_ms"].as_u64().expect("when to try again");
    assert!((1..=PACE.interval_ms).contains(&wait), "{wait}");
    assert_eq!(answer.headers["retry-after"], "1");
    let again = scene
        .rest
        .say(&scene.room, &scene.member, &json!({"content": "hi", "client_id": "r-0"}))
        .await;
    assert!(matches!(again.status, 201 | 429), "{}", again.text);
}

/// Says one thing after the other on a node until then and until some of it was refused, however slow the machine is;
/// how many were accepted and refused.
async fn flood(scene: &Scene, node: usize, until: Instant) -> (u64, u64) {
    let mut socket = scene.live(node, &scene.member).await;
    let (mut accepted, mut refused) = (0, 0);
    while Instant::now() < until || refused < 5 {
        let answer = scene.say(&mut socket, &format!("{node}-{}", accepted + refused)).await;
        match code(&answer) {
            "ack" => accepted += 1,
            "rate_limited" => {
                let wait = answer["retry_after_ms"].as_u64().expect("when to try again");
                assert!((1..=PACE.interval_ms * 2).contains(&wait), "{answer}");
                refused += 1;
            }
            other => panic!("{other}: {answer}"),
        }
    }
    (accepted, refused)
}

#[tokio::test]
async fn z05_slow_mode_holds_on_every_node_for_texts_and_edits() {
    slow_mode(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_z05_slow_mode_holds_on_every_node_for_texts_and_edits() {
    slow_mode(Dialect::SocketIo).await;
}

async fn slow_mode(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let scene = Scene::on(deployment, dialect).await;
        let (mut here, mut there) = (scene.live(0, &scene.member).await, scene.live(1, &scene.member).await);
        let room = scene.set(&scene.owner, json!({"slow_mode_ms": 60_000})).await.expect(200).json();
        assert_eq!((&room["slow_mode_ms"], &room["frozen"]), (&json!(60_000), &json!(false)));
        let said = scene.say(&mut here, "s-1").await;
        assert_eq!(code(&said), "ack");
        let refused = scene.say(&mut there, "s-2").await;
        assert_eq!(code(&refused), "slow_mode");
        let wait = refused["retry_after_ms"].as_u64().expect("when to try again");
        assert!((40_000..=60_000).contains(&wait), "{wait}");
        let id = said["message_id"].as_str().expect("an id");
        let edit = json!({"type": "edit", "message_id": id, "content": "ho"});
        assert_eq!(code(&scene.send(&mut there, "s-3", edit).await), "slow_mode");
        let react = json!({"type": "react", "message_id": id, "emoji": "👍"});
        assert_eq!(code(&scene.send(&mut there, "s-4", react).await), "ack");
        let answer = scene.rest.say(&scene.room, &scene.member, &json!({"content": "hi"})).await;
        answer.expect_problem(429, "slow_mode");
        assert!(answer.headers.contains_key("retry-after"));
        scene
            .act(&scene.member, Method::PUT, id, &json!({"content": "ho"}))
            .await
            .expect_problem(429, "slow_mode");
        assert_eq!(code(&scene.say(&mut there, "s-1").await), "ack", "a repeat is never refused");
        let mut owner = scene.live(1, &scene.owner).await;
        for name in ["o-1", "o-2"] {
            assert_eq!(code(&scene.say(&mut owner, name).await), "ack", "who keeps order need not wait");
        }
        let _off = scene.set(&scene.owner, json!({"slow_mode_ms": 0})).await.expect(200);
        assert_eq!(code(&scene.say(&mut there, "s-2").await), "ack");
    }
}

#[tokio::test]
async fn z05_a_frozen_room_is_for_those_who_keep_order() {
    frozen_rooms(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_z05_a_frozen_room_is_for_those_who_keep_order() {
    frozen_rooms(Dialect::SocketIo).await;
}

async fn frozen_rooms(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let scene = Scene::on(deployment, dialect).await;
        let mut sockets = [scene.live(0, &scene.member).await, scene.live(1, &scene.member).await];
        let mut owner = scene.live(0, &scene.owner).await;
        let said = scene.say(&mut sockets[0], "f-1").await;
        let id = said["message_id"].as_str().expect("an id");
        assert_eq!(scene.set(&scene.owner, json!({"frozen": true})).await.expect(200).json()["frozen"], true);
        let edit = json!({"type": "edit", "message_id": id, "content": "ho"});
        let react = json!({"type": "react", "message_id": id, "emoji": "👍"});
        for (n, socket) in sockets.iter_mut().enumerate() {
            // At once, without hearing of it first.
            assert_eq!(code(&scene.say(socket, &format!("f-2{n}")).await), "frozen");
            assert_eq!(code(&scene.send(socket, &format!("f-3{n}"), edit.clone()).await), "frozen");
            assert_eq!(code(&scene.send(socket, &format!("f-4{n}"), react.clone()).await), "frozen");
            assert_eq!(code(&scene.say(socket, "f-1").await), "ack", "a repeat is never refused");
            let told = socket.expect_type("room_updated").await;
            assert_eq!((&told["frozen"], &told["slow_mode_ms"]), (&json!(true), &json!(0)));
            assert_eq!(told["by"]["user_id"], scene.owner.user_id.as_str());
        }
        scene
            .rest
            .say(&scene.room, &scene.member, &json!({"content": "hi"}))
            .await
            .expect_problem(403, "frozen");
        scene
            .act(&scene.member, Method::PUT, id, &json!({"content": "ho"}))
            .await
            .expect_problem(403, "frozen");
        let reaction = format!("{id}/reactions/%F0%9F%91%8D");
        scene
            .act(&scene.member, Method::PUT, &reaction, &Value::Null)
            .await
            .expect_problem(403, "frozen");
        assert_eq!(code(&scene.say(&mut owner, "o-1").await), "ack");
        assert_eq!(scene.act(&scene.member, Method::DELETE, id, &Value::Null).await.status, 200, "taking back is free");

        assert_eq!(scene.set(&scene.owner, json!({"frozen": false})).await.expect(200).json()["frozen"], false);
        for (n, socket) in sockets.iter_mut().enumerate() {
            assert_eq!(code(&scene.say(socket, &format!("f-2{n}")).await), "ack");
        }
        let history = scene.rest.history(&scene.room, &scene.member.token).await;
        let updates: Vec<&Value> = history.iter().filter(|event| event["type"] == "room_updated").collect();
        assert_eq!(updates.iter().map(|event| event["frozen"] == true).collect::<Vec<_>>(), [true, false]);
    }
}

#[tokio::test]
async fn settings_are_for_those_who_keep_order_and_have_bounds() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment, Dialect::Native).await;
        let outsider = scene.rest.new_user("outsider").await;
        let freeze = || json!({"frozen": true});
        scene.set(&scene.member, freeze()).await.expect_problem(403, "forbidden");
        scene.set(&outsider, freeze()).await.expect_problem(403, "not_a_member");
        let secret = Scene {
            room: scene.rest.new_room(&scene.owner, "private").await,
            ..Scene::on(deployment, Dialect::Native).await
        };
        secret.set(&outsider, freeze()).await.expect_problem(404, "unknown_room");
        for bad in [
            json!({"slow_mode_ms": -1}),
            json!({"slow_mode_ms": 21_600_001}),
            json!({"slow_mode_ms": 1.5}),
            json!({"slow_mode_ms": "1"}),
            json!({"frozen": "yes"}),
            json!({"frozen": 1}),
            json!({"frozen": true, "owner_id": outsider.user_id}),
        ] {
            scene.set(&scene.owner, bad).await.expect_problem(400, "bad_field");
        }
        let room = scene.set(&scene.owner, json!({"slow_mode_ms": 21_600_000})).await.expect(200).json();
        assert_eq!(room["slow_mode_ms"], 21_600_000);
        let untouched = scene.set(&scene.owner, json!({})).await.expect(200).json();
        assert_eq!(untouched, room, "nothing is asked for");
        let same = scene.set(&scene.owner, json!({"slow_mode_ms": 21_600_000})).await.expect(200).json();
        assert_eq!(same, room, "nothing changes without a change");
        let seen = scene.rest.get(&format!("/api/v1/rooms/{}", scene.room), Some(&scene.owner.token)).await;
        assert_eq!(seen.json(), room);
        let history = scene.rest.history(&scene.room, &scene.owner.token).await;
        assert_eq!(history.iter().filter(|event| event["type"] == "room_updated").count(), 1);
    }
}

/// Settings events go to members only: not to who left, not to who was never there, not to who was shut out.
#[tokio::test]
async fn z11_settings_are_told_to_members_only() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment, Dialect::Native).await;
        let [outsider, left, banned] = [
            scene.rest.new_user("outsider").await,
            scene.rest.new_user("left").await,
            scene.rest.new_user("banned").await,
        ];
        for user in [&left, &banned] {
            let _joined = scene.rest.join(&scene.room, user).await.expect(200);
        }
        let mut others = [
            Socket::login(&scene.sockets[1], "/ws", &outsider.token).await,
            scene.live(0, &left).await,
            scene.live(1, &banned).await,
        ];
        others[0].send(json!({"type": "subscribe", "rooms": [{"room": scene.room}]})).await;
        let _left = scene.rest.leave(&scene.room, &left).await.expect(204);
        let case = [scene.room.as_str(), &banned.user_id, "ban"];
        let banning = scene.rest.moderate(Method::PUT, case, &scene.owner, &json!({})).await;
        assert_eq!(banning.status, 204);
        for socket in &mut others[1..] {
            socket.expect_type("unsubscribed").await;
        }
        let mut members = [scene.live(0, &scene.member).await, scene.live(1, &scene.owner).await];
        let _set = scene.set(&scene.owner, json!({"frozen": true})).await.expect(200);
        let mut told = Vec::new();
        for socket in &mut members {
            told.push(socket.expect_type("room_updated").await);
        }
        assert_eq!(told[0], told[1]);
        for socket in &mut others {
            socket.sync().await;
            assert!(socket.mailbox().seen.iter().all(|frame| frame["type"] != "room_updated"));
        }
        let path = format!("/api/v1/rooms/{}/messages", scene.room);
        for user in [&outsider, &left, &banned] {
            assert_eq!(scene.rest.get(&path, Some(&user.token)).await.status, 403);
        }
    }
}

#[tokio::test]
async fn a16_a_client_is_warned_before_its_token_ends_and_renews_it_in_place() {
    // Side by side, since most of it is waiting.
    tokio::join!(tokens_are_renewed(Dialect::Native), tokens_are_renewed(Dialect::SocketIo));
}

async fn tokens_are_renewed(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let scene = Scene::on(deployment, dialect).await;
        let forge = Forge::new(&deployment.keys_dir(), &scene.member);
        // Clocks are forgiven five seconds, so this one is good for a while.
        let short = forge.claim("exp", json!(now_seconds() + 4));
        let mut socket = Socket::login(&scene.sockets[0], "/ws", &short).await;
        let told = socket.expect_type("token_expiring").await;
        assert!(told["after_ms"].as_u64().is_some_and(|ms| ms <= 4_000), "{told}");
        let mut lost = Socket::login(&scene.sockets[1], "/ws", &short).await;
        socket.send(json!({"type": "auth", "token": scene.member.token})).await;
        assert_eq!(lost.closed(Duration::from_secs(20)).await, Some(4401));
        assert_eq!(lost.mailbox().seen.iter().filter(|frame| frame["type"] == "token_expiring").count(), 1);
        socket.sync().await;
        assert_eq!(code(&scene.say(&mut socket, "still-here").await), "ack");
    }
}
