//! Rooms, and who is in them.

use http::Method;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::{Attempt, Socket, Way};
use rookery_tests::{names, shared, wait};
use serde_json::{Value, json};

use super::Scene;
use crate::accounts::admin;
use crate::talk::{hear, notice, say};

/// All rooms that a list tells a user.
async fn listed(rest: &Rest, path: &str, user: &Account) -> Vec<Value> {
    let (mut rooms, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = rest.get(&format!("{path}?limit=200{cursor}"), Some(&user.token)).await.expect(200).json();
        rooms.extend(page["rooms"].as_array().expect("a list").iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return rooms };
        cursor = format!("&cursor={next}");
    }
}

fn has(rooms: &[Value], id: &str) -> bool {
    rooms.iter().any(|room| room["id"] == id || room["room_id"] == id)
}

#[tokio::test]
async fn s1_10_s2_07_s3_09_rooms_are_listed_the_public_ones_and_the_own() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let hidden = scene.rest.new_room(&scene.owner, "private").await;
        let public = listed(&scene.rest, "/api/v1/rooms", &scene.stranger).await;
        assert!(has(&public, &scene.room) && !has(&public, &hidden), "{public:?}");
        let own = listed(&scene.rest, "/api/v1/users/me/rooms", &scene.owner).await;
        assert!(has(&own, &scene.room) && has(&own, &hidden), "{own:?}");
        let own = listed(&scene.rest, "/api/v1/users/me/rooms", &scene.stranger).await;
        assert!(!has(&own, &scene.room) && !has(&own, &hidden), "{own:?}");
        scene.rest.get("/api/v1/rooms", None).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn s1_11_s2_09_s3_11_a_room_is_shown_and_a_private_one_to_its_members_only() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let shown = scene.rest.get(&scene.path(""), Some(&scene.member.token)).await.expect(200).json();
        assert_eq!((&shown["visibility"], &shown["role"]), (&json!("public"), &json!("member")), "{shown}");
        let hidden = format!("/api/v1/rooms/{}", scene.rest.new_room(&scene.owner, "private").await);
        let _own = scene.rest.get(&hidden, Some(&scene.owner.token)).await.expect(200);
        scene
            .rest
            .get(&hidden, Some(&scene.stranger.token))
            .await
            .expect_problem(404, "unknown_room");
    }
}

#[tokio::test]
async fn s2_08_s3_10_anybody_with_a_login_makes_rooms_public_or_private() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("maker").await;
        for visibility in ["public", "private"] {
            let name = names::unique("Room");
            let body = json!({"name": name, "description": "what it is about", "visibility": visibility});
            let room = rest.post("/api/v1/rooms", Some(&user.token), &body).await.expect(201).json();
            assert_eq!((&room["name"], &room["description"]), (&json!(name), &json!("what it is about")), "{room}");
            assert_eq!((&room["visibility"], &room["role"]), (&json!(visibility), &json!("owner")), "{room}");
        }
        let body = json!({"name": names::unique("Room")});
        rest.post("/api/v1/rooms", None, &body).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn s1_16_s2_10_s2_11_s3_14_s4_10_who_joins_and_leaves_is_announced_in_the_room() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut owner = scene.live(0, &scene.owner).await;
        let _joined = scene.rest.join(&scene.room, &scene.stranger).await.expect(200);
        notice(&mut owner, "member_joined", &scene.room, &scene.stranger.user_id).await;
        let _left = scene.rest.leave(&scene.room, &scene.stranger).await.expect(204);
        notice(&mut owner, "member_left", &scene.room, &scene.stranger.user_id).await;
        let read = scene.rest.get(&scene.path("/messages"), Some(&scene.stranger.token)).await;
        read.expect_problem(403, "not_a_member");
    }
}

#[tokio::test]
async fn s1_17_s4_19_messages_stay_in_their_room() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let other = scene.rest.new_room(&scene.owner, "public").await;
        let mut owner = scene.live(0, &scene.owner).await;
        owner.subscribe(&other).await;
        let mut member = scene.live(1, &scene.member).await;
        let elsewhere = say(&mut owner, &other, "elsewhere").await;
        let here = say(&mut owner, &scene.room, "here").await;
        hear(&mut member, &here).await;
        assert!(member.mailbox().seen.iter().all(|frame| frame != &elsewhere), "{elsewhere}");
        let history = scene.rest.get(&scene.path("/messages"), Some(&scene.member.token)).await.expect(200);
        assert!(!history.text.contains("elsewhere"), "{}", history.text);
    }
}

#[tokio::test]
async fn s1_18_s3_28_s4_02_s5_14_the_socket_of_a_room_opens_for_its_members_only() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let base = &deployment.sockets()[0];
        let private = scene.rest.new_room(&scene.owner, "private").await;
        for path in [format!("/ws/{private}"), format!("/ws/chat/{private}"), format!("/ws/chat/{}", scene.room)] {
            let mut socket = Socket::connect(base, &path, &scene.owner.token, Way::Query).await.open();
            socket.live().await;
            for token in [scene.stranger.token.as_str(), "nonsense"] {
                if let Attempt::Open(mut socket) = Socket::connect(base, &path, token, Way::Query).await {
                    assert!(socket.closed(PATIENCE).await.is_some(), "{token} on {path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn s3_21_a_muted_member_reads_and_says_nothing() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let case = [scene.room.as_str(), scene.member.user_id.as_str(), "mute"];
        let _done = scene.rest.moderate(Method::PUT, case, &scene.member, &json!({})).await.expect(403);
        let _done = scene.rest.moderate(Method::PUT, case, &scene.owner, &json!({})).await.expect(204);
        let body = json!({"content": "hi"});
        scene.rest.say(&scene.room, &scene.member, &body).await.expect_problem(403, "muted");
        let _read = scene.rest.get(&scene.path("/messages"), Some(&scene.member.token)).await.expect(200);
        let _done = scene.rest.moderate(Method::DELETE, case, &scene.owner, &Value::Null).await.expect(204);
        let _said = scene.rest.say(&scene.room, &scene.member, &body).await.expect(201);
    }
}

#[tokio::test]
async fn s3_22_a_banned_user_is_out_and_stays_out() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let case = [scene.room.as_str(), scene.member.user_id.as_str(), "ban"];
        let _done = scene.rest.moderate(Method::PUT, case, &scene.owner, &json!({})).await.expect(204);
        let body = json!({"content": "hi"});
        scene.rest.say(&scene.room, &scene.member, &body).await.expect_problem(403, "banned");
        scene.rest.join(&scene.room, &scene.member).await.expect_problem(403, "banned");
        let _done = scene.rest.moderate(Method::DELETE, case, &scene.owner, &Value::Null).await.expect(204);
        let _joined = scene.rest.join(&scene.room, &scene.member).await.expect(200);
    }
}

async fn presence(socket: &mut Socket, user: &Account, status: &str) {
    let told = |frame: &Value| {
        frame["type"] == "presence" && frame["user_id"] == user.user_id.as_str() && frame["status"] == status
    };
    socket.expect(status, told).await;
}

#[tokio::test]
async fn s3_31_s4_25_who_comes_and_goes_is_told_to_who_watches() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut owner = scene.live(0, &scene.owner).await;
        owner.send(json!({"type": "watch", "users": [scene.member.user_id], "rooms": []})).await;
        let watching = owner.expect_type("watching").await;
        assert_eq!(watching["users"][0]["status"], "offline", "{watching}");
        let member = scene.live(1, &scene.member).await;
        presence(&mut owner, &scene.member, "online").await;
        member.leave().await;
        presence(&mut owner, &scene.member, "offline").await;
    }
}

#[tokio::test]
async fn reasons_of_moderators_are_told_and_stand_in_the_audit_log() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut member = scene.live(1, &scene.member).await;
        let case = [scene.room.as_str(), scene.member.user_id.as_str(), "mute"];
        for bad in [json!({"reason": ""}), json!({"reason": "x".repeat(501)}), json!({"why": "x"})] {
            scene
                .rest
                .moderate(Method::PUT, case, &scene.owner, &bad)
                .await
                .expect_problem(400, "bad_field");
        }
        let reason = json!({"reason": "three adverts in a row", "duration_s": 60});
        let _muted = scene.rest.moderate(Method::PUT, case, &scene.owner, &reason).await.expect(204);
        let notice = member.expect_type("notification").await;
        assert_eq!((&notice["kind"], &notice["text"]), (&json!("sanctioned"), &reason["reason"]), "{notice}");
        let kick = [scene.room.as_str(), scene.member.user_id.as_str(), "kick"];
        let _kicked = scene.rest.moderate(Method::POST, kick, &scene.owner, &Value::Null).await.expect(204);
        let audit = scene.rest.get(&scene.path("/audit"), Some(&scene.owner.token)).await.expect(200).json();
        let entries = audit["entries"].as_array().expect("a list");
        let acts: Vec<(&Value, &Value)> = entries.iter().map(|entry| (&entry["action"], &entry["reason"])).collect();
        assert_eq!(acts, [(&json!("member_kicked"), &Value::Null), (&json!("member_muted"), &reason["reason"])]);
        assert_eq!(
            (&entries[0]["actor"], &entries[0]["user"]),
            (&json!(scene.owner.user_id), &json!(scene.member.user_id))
        );
        let strange = scene.rest.get(&scene.path("/audit"), Some(&scene.stranger.token)).await;
        strange.expect_problem(403, "not_a_member");
    }
}

/// Ids of the room's acts in the audit log, newest first, of one kind.
async fn noted(scene: &Scene, action: &str) -> Vec<Value> {
    let audit = scene.rest.get(&scene.path("/audit"), Some(&scene.owner.token)).await.expect(200).json();
    let entries = audit["entries"].as_array().expect("a list").clone();
    entries.into_iter().filter(|entry| entry["action"] == action).collect()
}

#[tokio::test]
async fn every_act_of_who_keeps_order_stands_in_the_audit_log() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (rest, owner, member) = (&scene.rest, Some(scene.owner.token.as_str()), &scene.member);
        let said = rest.say(&scene.room, member, &json!({"content": "theirs"})).await.expect(201).json();
        let own = rest.say(&scene.room, &scene.owner, &json!({"content": "mine"})).await.expect(201).json();
        let message = |said: &Value, end: &str| {
            scene.path(&format!("/messages/{}{end}", said["message_id"].as_str().expect("an id")))
        };
        let _pinned = rest.put(&message(&said, "/pin"), owner, &Value::Null).await.expect(204);
        for said in [&said, &own] {
            let _deleted = rest.delete(&message(said, ""), owner).await.expect(200);
        }
        let _changed = rest.patch(&scene.path(""), owner, &json!({"topic": "tea"})).await.expect(200);
        let invite = rest.post(&scene.path("/invites"), owner, &json!({})).await.expect(201).json();
        let invite = invite["invite_id"].as_str().expect("an id").to_owned();
        let _revoked = rest.delete(&scene.path(&format!("/invites/{invite}")), owner).await.expect(204);
        let stranger = scene.path(&format!("/members/{}", scene.stranger.user_id));
        let _added = rest.put(&stranger, owner, &Value::Null).await.expect(201);
        let role = json!({"role": "moderator"});
        let _named = rest.put(&format!("{stranger}/role"), owner, &role).await.expect(204);
        for (action, user, detail) in [
            ("message_pinned", None, json!({"message_id": said["message_id"]})),
            ("message_deleted", Some(member), json!({"message_id": said["message_id"]})),
            ("room_updated", None, json!({"topic": "tea"})),
            ("invite_made", None, json!({"invite_id": invite})),
            ("invite_revoked", None, json!({"invite_id": invite})),
            ("member_added", Some(&scene.stranger), Value::Null),
            ("member_role_changed", Some(&scene.stranger), role.clone()),
        ] {
            wait::until("the act is noted", async || !noted(&scene, action).await.is_empty()).await;
            let entries = noted(&scene, action).await;
            assert_eq!(entries.len(), 1, "{action}: {entries:?}");
            assert_eq!(entries[0]["actor"], scene.owner.user_id.as_str());
            assert_eq!(entries[0]["user"].as_str(), user.map(|user| user.user_id.as_str()), "{action}");
            assert_eq!(entries[0]["detail"], detail, "{action}");
        }
    }
}

/// Moderators of the server keep order everywhere; whom a private room has is up to its members.
#[tokio::test]
async fn server_moderators_let_nobody_into_private_rooms() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (rest, root) = (&scene.rest, admin(deployment).await);
        let staff = rest.new_user("staff").await;
        let body = json!({"role": "moderator"});
        let path = format!("/api/v1/admin/users/{}", staff.user_id);
        let _staff = rest.patch(&path, Some(&root.token), &body).await.expect(200);
        let group = json!({"user_ids": [scene.member.user_id, scene.stranger.user_id]});
        let group = rest.post("/api/v1/direct", Some(&scene.owner.token), &group).await.expect(201).json();
        let group = group["room_id"].as_str().expect("an id").to_owned();
        let hidden = rest.new_room(&scene.owner, "private").await;
        let token = Some(staff.token.as_str());
        for room in [&group, &hidden] {
            let path = |end: &str| format!("/api/v1/rooms/{room}{end}");
            for user in [&staff, &rest.new_user("friend").await] {
                rest.put(&path(&format!("/members/{}", user.user_id)), token, &Value::Null)
                    .await
                    .expect_problem(403, "not_a_member");
                rest.post(&path(&format!("/join-requests/{}/approve", user.user_id)), token, &Value::Null)
                    .await
                    .expect_problem(403, "not_a_member");
            }
            assert!(rest.post(&path("/invites"), token, &json!({})).await.status >= 400);
            assert!(rest.get(&path("/messages"), token).await.status >= 400);
        }
        rest.patch(&format!("/api/v1/rooms/{group}"), Some(&scene.owner.token), &json!({"visibility": "public"}))
            .await
            .expect_problem(400, "bad_field");
    }
}
