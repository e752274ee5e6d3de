//! Rooms end: deleted, left by the last one, or because their time is over. Members hear of it as the last event, and then nothing
//! of the room is there any more, whoever asks and on whichever node.

use std::time::Duration;

use http::Method;
use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use crate::accounts::admin;
use crate::talk::{notice, refused, say};

struct Scene {
    rest: Rest,
    sockets: [String; 2],
    room: String,
    slug: String,
    owner: Account,
    member: Account,
}

impl Scene {
    async fn on(deployment: &Deployment) -> Self {
        let rest = deployment.rest();
        let (owner, member) = (rest.new_user("owner").await, rest.new_user("member").await);
        let room = rest.new_room(&owner, "public").await;
        let joined = rest.join(&room, &member).await.expect(200).json();
        let slug = joined["slug"].as_str().expect("a public room has a slug").to_owned();
        Self { rest, slug, sockets: deployment.sockets(), room, owner, member }
    }

    fn path(&self, end: &str) -> String {
        format!("/api/v1/rooms/{}{end}", self.room)
    }

    async fn live(&self, node: usize, user: &Account) -> Socket {
        let mut socket = Socket::login(&self.sockets[node], "/ws", &user.token).await;
        socket.subscribe(&self.room).await;
        socket
    }

    async fn delete(&self, by: &Account) -> rookery_tests::rest::Answer {
        self.rest.delete(&self.path(""), Some(&by.token)).await
    }

    /// Nobody finds the room.
    async fn is_gone(&self) {
        for user in [&self.owner, &self.member] {
            let token = Some(user.token.as_str());
            self.rest.get(&self.path(""), token).await.expect_problem(404, "unknown_room");
            self.rest.get(&self.path("/messages"), token).await.expect_problem(404, "unknown_room");
            self.rest.join(&self.room, user).await.expect_problem(404, "unknown_room");
            self.rest
                .say(&self.room, user, &json!({"content": "hi"}))
                .await
                .expect_problem(404, "unknown_room");
            let mine = self.rest.get("/api/v1/rooms/mine", token).await.expect(200).text;
            assert!(!mine.contains(&self.room), "{mine}");
        }
    }
}

/// That `room_deleted` is the last event of the room, and the subscription ends behind it.
async fn hears_the_end(socket: &mut Socket, room: &str, reason: &str) -> Value {
    let last = socket.expect_type("room_deleted").await;
    assert_eq!((&last["room"], &last["reason"]), (&json!(room), &json!(reason)), "{last}");
    let over = socket.expect_type("unsubscribed").await;
    assert_eq!((&over["room"], &over["reason"]), (&json!(room), &json!(reason)), "{over}");
    let seen = &socket.mailbox().seen;
    let later = |frame: &&Value| frame["room"] == room && frame["seq"].as_u64() > last["seq"].as_u64();
    assert_eq!(seen.iter().find(later), None, "nothing follows");
    last
}

#[tokio::test]
async fn s1_14_s3_13_a_deleted_room_is_gone_for_everybody_on_every_node() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (mut owner, mut member) = (scene.live(0, &scene.owner).await, scene.live(1, &scene.member).await);
        let said = say(&mut owner, &scene.room, "the last words").await;
        scene.delete(&scene.member).await.expect_problem(403, "forbidden");
        let stranger = scene.rest.new_user("stranger").await;
        scene.delete(&stranger).await.expect_problem(403, "not_a_member");
        // A device that does not have the room live.
        let mut device = Socket::login(&scene.sockets[0], "/ws", &scene.member.token).await;
        device.sync().await;
        let _gone = scene.delete(&scene.owner).await.expect(204);
        assert_eq!(device.expect_type("room_removed").await["room"], scene.room.as_str());
        for socket in [&mut owner, &mut member] {
            let last = hears_the_end(socket, &scene.room, "deleted").await;
            assert_eq!(last["by"]["user_id"], scene.owner.user_id.as_str());
            assert!(last["seq"].as_u64() > said["seq"].as_u64());
        }
        scene.is_gone().await;
        let _again = scene.delete(&scene.owner).await.expect(204);
        scene.delete(&scene.member).await.expect_problem(404, "unknown_room");
        let slug = format!("/api/v1/rooms/{}", scene.slug);
        let _by_slug = scene.rest.delete(&slug, Some(&scene.owner.token)).await.expect(204);
        let by_another = scene.rest.delete(&slug, Some(&scene.member.token)).await;
        by_another.expect_problem(404, "unknown_room");
        // Nor does a position help.
        let at = json!({"room": scene.room, "epoch": said["epoch"], "seq": said["seq"]});
        refused(&mut member, json!({"type": "subscribe", "rooms": [at]}), "unknown_room").await;
        refused(&mut owner, json!({"type": "message", "room": scene.room, "content": "hi"}), "unknown_room").await;
    }
}

#[tokio::test]
async fn general_stays_and_admins_delete_any_other_room() {
    for deployment in shared::both().await {
        let (scene, root) = (Scene::on(deployment).await, admin(deployment).await);
        let general = scene.rest.delete("/api/v1/rooms/general", Some(&root.token)).await;
        general.expect_problem(403, "protected_room");
        let hidden = json!({"visibility": "private"});
        let general = scene.rest.patch("/api/v1/rooms/general", Some(&root.token), &hidden).await;
        general.expect_problem(403, "protected_room");
        // Nor does it get an owner, who could be the last to leave.
        let to = json!({"user_id": root.user_id});
        let general = scene.rest.post("/api/v1/rooms/general/transfer", Some(&root.token), &to).await;
        general.expect_problem(403, "protected_room");
        let mut member = scene.live(1, &scene.member).await;
        let _gone = scene.delete(&root).await.expect(204);
        hears_the_end(&mut member, &scene.room, "deleted").await;
        scene.is_gone().await;
    }
}

#[tokio::test]
async fn an_owner_who_is_alone_takes_the_room_along() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut owner = scene.live(0, &scene.owner).await;
        scene
            .rest
            .leave(&scene.room, &scene.owner)
            .await
            .expect_problem(409, "owner_must_transfer");
        let _left = scene.rest.leave(&scene.room, &scene.member).await.expect(204);
        notice(&mut owner, "member_left", &scene.room, &scene.member.user_id).await;
        let mut device = Socket::login(&scene.sockets[1], "/ws", &scene.owner.token).await;
        device.sync().await;
        let _left = scene.rest.leave(&scene.room, &scene.owner).await.expect(204);
        assert_eq!(device.expect_type("room_removed").await["room"], scene.room.as_str());
        hears_the_end(&mut owner, &scene.room, "deleted").await;
        scene.is_gone().await;
    }
}

/// Whoever is sent away is told how.
#[tokio::test]
async fn the_end_of_a_subscription_says_why() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        for (act, method, reason) in [("kick", Method::POST, "kicked"), ("ban", Method::PUT, "banned")] {
            let mut member = scene.live(1, &scene.member).await;
            let case = [scene.room.as_str(), scene.member.user_id.as_str(), act];
            assert_eq!(scene.rest.moderate(method, case, &scene.owner, &json!({})).await.status, 204);
            assert_eq!(member.expect_type("unsubscribed").await["reason"], reason);
            let case = [scene.room.as_str(), scene.member.user_id.as_str(), "ban"];
            let _ = scene.rest.moderate(Method::DELETE, case, &scene.owner, &Value::Null).await;
            let _joined = scene.rest.join(&scene.room, &scene.member).await.expect(200);
        }
        let mut member = scene.live(1, &scene.member).await;
        let _left = scene.rest.leave(&scene.room, &scene.member).await.expect(204);
        assert_eq!(member.expect_type("unsubscribed").await["reason"], "left");
        let mut owner = scene.live(0, &scene.owner).await;
        owner.send(json!({"type": "unsubscribe", "rooms": [scene.room]})).await;
        assert_eq!(owner.expect_type("unsubscribed").await.get("reason"), None, "who asks for it knows why");
    }
}

/// While both nodes talk, whatever got a number before the end is heard by both, and nothing after it.
#[tokio::test]
async fn nothing_follows_the_end_of_a_room_in_which_people_talk() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (mut owner, mut member) = (scene.live(0, &scene.owner).await, scene.live(1, &scene.member).await);
        let frame =
            |n: usize| json!({"type": "message", "room": scene.room, "client_id": format!("c-{n}"), "content": "talk"});
        for n in 0..8 {
            owner.send(frame(n)).await;
            member.send(frame(n)).await;
        }
        let talk = async {
            for n in 8..16 {
                member.send(frame(n)).await;
            }
        };
        let (gone, ()) = tokio::join!(scene.delete(&scene.owner), talk);
        assert_eq!(gone.status, 204);
        for socket in [&mut owner, &mut member] {
            hears_the_end(socket, &scene.room, "deleted").await;
            socket.sync().await;
            let seen = &socket.mailbox().seen;
            let numbers: Vec<u64> = seen
                .iter()
                .filter(|frame| frame["room"] == scene.room.as_str() && frame["epoch"].is_string())
                .filter(|frame| frame["type"] == "new_message" || frame["type"] == "room_deleted")
                .filter_map(|frame| frame["seq"].as_u64())
                .collect();
            assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        }
        scene.is_gone().await;
    }
}

/// A room of the shortest life there is.
async fn temporary(rest: &Rest, owner: &Account) -> Value {
    let body = json!({"name": names::unique("Soon over"), "expires_in_s": 60});
    rest.post("/api/v1/rooms", Some(&owner.token), &body).await.expect(201).json()
}

#[tokio::test]
async fn temporary_rooms_say_when_they_end_and_may_become_permanent() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let owner = rest.new_user("owner").await;
        let room = temporary(&rest, &owner).await;
        assert!(room["expires_at"].is_string(), "{room}");
        let path = format!("/api/v1/rooms/{}", room["room_id"].as_str().unwrap());
        let kept = rest
            .patch(&path, Some(&owner.token), &json!({"expires_at": null}))
            .await
            .expect(200)
            .json();
        assert_eq!(kept["expires_at"], Value::Null);
        for (field, bad) in [("expires_in_s", json!(59)), ("expires_at", json!("2001-01-01T00:00:00.000Z"))] {
            let body = json!({"name": names::unique("Never"), field: bad});
            rest.post("/api/v1/rooms", Some(&owner.token), &body)
                .await
                .expect_problem(400, "bad_field");
        }
    }
}

/// One api alone ends the room, and so does one of two that look: its members hear it once.
#[tokio::test]
async fn s3_33_a_temporary_room_ends_by_itself_once_also_with_two_apis() {
    let cluster = Cluster::start().await;
    let other = cluster.another_api();
    other.start().await;
    let standalone = shared::standalone().await;
    tokio::join!(
        ends_once(Rest::new(cluster.api.public_url()), cluster.gateways[0].socket_url()),
        ends_once(standalone.rest(), standalone.sockets()[0].clone()),
    );
}

async fn ends_once(rest: Rest, sockets: String) {
    let owner = rest.new_user("owner").await;
    let room = temporary(&rest, &owner).await["room_id"].as_str().unwrap().to_owned();
    let mut socket = Socket::login(&sockets, "/ws", &owner.token).await;
    socket.subscribe(&room).await;
    let path = format!("/api/v1/rooms/{room}");
    let gone = async || rest.get(&path, Some(&owner.token)).await.status == 404;
    // It lives for a minute: longer than other waits.
    let over = async {
        while !gone().await {
            // Who does not read is taken for gone.
            socket.sync().await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1) + PATIENCE, over)
        .await
        .expect("the room is over");
    hears_the_end(&mut socket, &room, "expired").await;
    assert_eq!(socket.expect_type("room_removed").await["room"], room.as_str());
    socket.sync().await;
    let ends = socket.mailbox().seen.iter().filter(|frame| frame["type"] == "room_deleted").count();
    assert_eq!(ends, 1);
}
