//! What becomes of memberships when two things happen at once, when an owner is taken out of a room, and when somebody's account
//! is disabled: on a cluster and on one process.

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, Rest};
use rookery_tests::shared;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};

use crate::accounts::admin;

/// Races that are run: enough for every order.
const ROUNDS: usize = 12;

struct Scene {
    rest: Rest,
    room: String,
    owner: Account,
    member: Account,
}

impl Scene {
    async fn on(deployment: &Deployment) -> Self {
        let rest = deployment.rest();
        let (owner, member) = (rest.new_user("owner").await, rest.new_user("member").await);
        let room = rest.new_room(&owner, "public").await;
        let scene = Self { rest, room, owner, member };
        scene.join(&scene.member).await;
        scene
    }

    async fn join(&self, user: &Account) {
        let _joined = self.rest.join(&self.room, user).await.expect(200);
    }

    fn path(&self, end: &str) -> String {
        format!("/api/v1/rooms/{}{end}", self.room)
    }

    async fn transfer(&self, by: &Account, to: &Account) -> Answer {
        self.rest
            .post(&self.path("/transfer"), Some(&by.token), &json!({"user_id": to.user_id}))
            .await
    }

    async fn name_moderator(&self, user: &Account) -> Answer {
        let path = self.path(&format!("/members/{}/role", user.user_id));
        self.rest.put(&path, Some(&self.owner.token), &json!({"role": "moderator"})).await
    }

    async fn as_seen_by(&self, user: &Account) -> Value {
        self.rest.get(&self.path(""), Some(&user.token)).await.expect(200).json()
    }

    /// Kinds of the events about a user, oldest first.
    async fn told_of(&self, user: &Account, reader: &Account) -> Vec<String> {
        let history = self.rest.history(&self.room, &reader.token).await;
        let own = history.iter().filter(|event| event["user"]["user_id"] == json!(user.user_id));
        own.map(|event| event["type"].as_str().expect("a kind").to_owned()).collect()
    }
}

#[tokio::test]
async fn events_of_a_room_have_the_order_of_what_was_decided() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        for round in 0..ROUNDS {
            let user = scene.rest.new_user("both").await;
            scene.join(&user).await;
            let (named, left) = tokio::join!(scene.name_moderator(&user), scene.rest.leave(&scene.room, &user));
            let _left = left.expect(204);
            let wanted: &[&str] = match named.status {
                204 => &["member_joined", "member_role_changed", "member_left"],
                404 => &["member_joined", "member_left"],
                other => panic!("round {round}: {other} {}", named.text),
            };
            assert_eq!(scene.told_of(&user, &scene.owner).await, wanted, "round {round}");
        }
    }
}

#[tokio::test]
async fn a_room_is_handed_over_to_who_is_in_it_or_to_nobody() {
    for deployment in shared::both().await {
        for round in 0..ROUNDS {
            let scene = Scene::on(deployment).await;
            let (given, left) =
                tokio::join!(scene.transfer(&scene.owner, &scene.member), scene.rest.leave(&scene.room, &scene.member));
            let owner = scene.as_seen_by(&scene.owner).await["owner_id"].clone();
            match (given.status, left.status) {
                (200, 409) => assert_eq!(owner, json!(scene.member.user_id), "round {round}"),
                (404, 204) => assert_eq!(owner, json!(scene.owner.user_id), "round {round}"),
                other => panic!("round {round}: {other:?} {} {}", given.text, left.text),
            }
        }
    }
}

#[tokio::test]
async fn a_room_whose_owner_is_expelled_passes_on() {
    for deployment in shared::both().await {
        let root = admin(deployment).await;
        for (method, act) in [(Method::POST, "kick"), (Method::PUT, "ban")] {
            let scene = Scene::on(deployment).await;
            let moderator = scene.rest.new_user("moderator").await;
            scene.join(&moderator).await;
            let _named = scene.name_moderator(&moderator).await.expect(204);
            let mut socket = Socket::login(&deployment.sockets()[1], "/ws", &moderator.token).await;
            socket.subscribe(&scene.room).await;
            let expel = async |whom: &Account| {
                let case = [scene.room.as_str(), whom.user_id.as_str(), act];
                scene.rest.moderate(method.clone(), case, &root, &json!({})).await.expect(204)
            };
            let _expelled = expel(&scene.owner).await;
            let changed = socket.expect_type("owner_changed").await;
            assert_eq!(changed["user"]["user_id"], json!(moderator.user_id), "{changed}");
            assert_eq!(changed["previous"], json!(scene.owner.user_id), "{changed}");
            let seen = scene.as_seen_by(&moderator).await;
            assert_eq!((&seen["owner_id"], &seen["role"]), (&json!(moderator.user_id), &json!("owner")));
            let renamed = json!({"topic": "mine now"});
            let _renamed = scene.rest.patch(&scene.path(""), Some(&moderator.token), &renamed).await.expect(200);
            // Without a moderator the oldest member, and without anybody the room ends.
            let _expelled = expel(&moderator).await;
            assert_eq!(scene.as_seen_by(&scene.member).await["role"], "owner");
            let _expelled = expel(&scene.member).await;
            let gone = scene.rest.get(&scene.path(""), Some(&root.token)).await;
            gone.expect_problem(404, "unknown_room");
        }
    }
}

#[tokio::test]
async fn a_disabled_account_is_given_nothing() {
    for deployment in shared::both().await {
        let (scene, root) = (Scene::on(deployment).await, admin(deployment).await);
        let (rest, owner) = (&scene.rest, &scene.owner);
        let (asking, other) = (rest.new_user("asks").await, rest.new_user("other").await);
        let approval = json!({"join": "approval"});
        let _asks = rest.patch(&scene.path(""), Some(&owner.token), &approval).await.expect(200);
        let _waits = rest.join(&scene.room, &asking).await.expect(202);
        for user in [&asking, &scene.member] {
            let path = format!("/api/v1/admin/users/{}", user.user_id);
            let _disabled = rest.patch(&path, Some(&root.token), &json!({"disabled": true})).await.expect(200);
        }
        let token = Some(owner.token.as_str());
        let (id, asked) = (&asking.user_id, &scene.room);
        scene.transfer(owner, &scene.member).await.expect_problem(404, "not_found");
        for path in [format!("/api/v1/rooms/{asked}/members/{id}"), format!("/api/v1/direct/{id}")] {
            rest.put(&path, token, &json!({})).await.expect_problem(404, "not_found");
        }
        let group = json!({"user_ids": [id, other.user_id]});
        rest.post("/api/v1/direct", token, &group).await.expect_problem(404, "not_found");
        let approve = format!("/api/v1/rooms/{asked}/join-requests/{id}/approve");
        rest.post(&approve, token, &json!({})).await.expect_problem(404, "not_found");
    }
}
