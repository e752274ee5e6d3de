//! What the owner and moderators of a room decide about it, on every node at once: its settings, and who keeps order in it.

use http::Method;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use crate::accounts::admin;
use crate::talk::{refused, say};

async fn patch(rest: &Rest, room: &str, by: &Account, body: &Value) -> Answer {
    rest.patch(&format!("/api/v1/rooms/{room}"), Some(&by.token), body).await
}

async fn set_role(rest: &Rest, case: [&str; 2], by: &Account, role: &str) -> Answer {
    let path = format!("/api/v1/rooms/{}/members/{}/role", case[0], case[1]);
    rest.put(&path, Some(&by.token), &json!({"role": role})).await
}

#[tokio::test]
async fn s1_12_a_room_is_made_with_all_of_its_settings() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let owner = rest.new_user("owner").await;
        let body = json!({
            "name": names::unique("Tea"), "description": "about tea", "topic": "oolong", "password": "leaves",
            "slow_mode_ms": 1_000, "posting": "moderators", "members_may_invite": true, "members_max": 7,
        });
        let room = rest.post("/api/v1/rooms", Some(&owner.token), &body).await.expect(201).json();
        for (field, value) in body.as_object().unwrap().iter().filter(|(field, _)| *field != "password") {
            assert_eq!(&room[field], value, "{field}");
        }
        assert_eq!(
            (&room["join"], &room["kind"], &room["archived"]),
            (&json!("password"), &json!("room"), &json!(false))
        );
        assert_eq!(room["owner_id"], owner.user_id.as_str());
        assert_eq!(room["preferences"]["notify"], "all", "what its member wants of it: {room}");
        assert!(!room.to_string().contains("argon2") && !room.to_string().contains("leaves"), "{room}");
        for bad in [
            json!({"join": "password"}),
            json!({"join": "open", "password": "x"}),
            json!({"members_max": 1}),
            json!({"posting": "nobody"}),
            json!({"topic": "two\nlines"}),
            json!({"retention": 3}),
        ] {
            let mut body = json!({"name": names::unique("Bad")});
            body.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
            rest.post("/api/v1/rooms", Some(&owner.token), &body)
                .await
                .expect_problem(400, "bad_field");
        }
    }
}

#[tokio::test]
async fn s1_13_s3_12_one_event_tells_what_changed() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (owner, member) = (rest.new_user("owner").await, rest.new_user("member").await);
        let room = rest.new_room(&owner, "public").await;
        let _joined = rest.join(&room, &member).await.expect(200);
        let mut socket = Socket::login(&deployment.sockets()[1], "/ws", &member.token).await;
        socket.subscribe(&room).await;
        let name = names::unique("Green");
        let body = json!({
            "name": name, "description": "about tea", "topic": "sencha", "archived": false, "slow_mode_ms": 7,
            "password": "leaves",
        });
        let seen = patch(&rest, &room, &owner, &body).await.expect(200).json();
        assert_eq!((&seen["name"], &seen["join"]), (&json!(name), &json!("password")));
        let told = socket.expect_type("room_updated").await;
        let expected = json!({
            "name": name, "description": "about tea", "topic": "sencha", "join": "password", "slow_mode_ms": 7,
        });
        assert_eq!(told["changed"], expected);
        assert_eq!((&told["slow_mode_ms"], &told["frozen"]), (&json!(7), &json!(false)));
        // Nothing changes, nothing is told.
        let _same = patch(&rest, &room, &owner, &json!({"topic": "sencha"})).await.expect(200);
        let hidden = json!({"visibility": "private", "password": null, "members_max": null});
        let _hidden = patch(&rest, &room, &owner, &hidden).await.expect(200);
        let told = socket.expect_type("room_updated").await;
        let expected = json!({"slug": null, "visibility": "private", "join": "open"});
        assert_eq!(told["changed"], expected, "{told}");
        let stranger = rest.new_user("stranger").await;
        rest.get(&format!("/api/v1/rooms/{room}"), Some(&stranger.token))
            .await
            .expect_problem(404, "unknown_room");
        let history = rest
            .get(&format!("/api/v1/rooms/{room}/messages"), Some(&member.token))
            .await
            .expect(200)
            .json();
        let events = history["events"].as_array().unwrap();
        assert_eq!(events.iter().filter(|event| event["type"] == "room_updated").count(), 2, "{events:?}");
        let shown = patch(&rest, &room, &owner, &json!({"visibility": "public"})).await.expect(200).json();
        assert!(shown["slug"].is_string(), "{shown}");
    }
}

#[tokio::test]
async fn archived_and_restricted_rooms_are_quiet_on_every_node() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let (owner, member) = (rest.new_user("owner").await, rest.new_user("member").await);
        let room = rest.new_room(&owner, "public").await;
        let _joined = rest.join(&room, &member).await.expect(200);
        let mut socket = Socket::login(&deployment.sockets()[1], "/ws", &member.token).await;
        socket.subscribe(&room).await;
        say(&mut socket, &room, "before").await;
        let message = |name: &str| json!({"type": "message", "room": room, "client_id": name, "content": "hi"});
        let body = json!({"content": "hi"});
        let _quiet = patch(&rest, &room, &owner, &json!({"posting": "moderators"})).await.expect(200);
        refused(&mut socket, message("c-1"), "posting_restricted").await;
        rest.say(&room, &member, &body).await.expect_problem(403, "posting_restricted");
        let _said = rest.say(&room, &owner, &body).await.expect(201);
        let _closed = patch(&rest, &room, &owner, &json!({"archived": true})).await.expect(200);
        refused(&mut socket, message("c-2"), "archived").await;
        rest.say(&room, &owner, &body).await.expect_problem(403, "archived");
        let _read = rest.get(&format!("/api/v1/rooms/{room}/messages"), Some(&member.token)).await.expect(200);
        let open = json!({"archived": false, "posting": "members"});
        let _open = patch(&rest, &room, &owner, &open).await.expect(200);
        say(&mut socket, &room, "after").await;
    }
}

#[tokio::test]
async fn moderators_change_how_a_room_is_talked_in_and_nothing_else() {
    for deployment in shared::both().await {
        let (rest, house) = (deployment.rest(), admin(deployment).await);
        let (owner, moderator) = (rest.new_user("owner").await, rest.new_user("mod").await);
        let room = rest.new_room(&owner, "public").await;
        let _joined = rest.join(&room, &moderator).await.expect(200);
        patch(&rest, &room, &moderator, &json!({"topic": "mine"}))
            .await
            .expect_problem(403, "forbidden");
        let _named = set_role(&rest, [&room, &moderator.user_id], &owner, "moderator").await.expect(204);
        for good in [json!({"topic": "mine"}), json!({"slow_mode_ms": 5}), json!({"frozen": true, "topic": ""})] {
            let _done = patch(&rest, &room, &moderator, &good).await.expect(200);
        }
        for bad in [
            json!({"name": "Mine"}),
            json!({"archived": true}),
            json!({"password": "x"}),
            json!({"topic": "x", "join": "invite"}),
            json!({"expires_at": null}),
        ] {
            patch(&rest, &room, &moderator, &bad).await.expect_problem(403, "forbidden");
        }
        let _admin = patch(&rest, &room, &house, &json!({"description": "of the house"})).await.expect(200);
    }
}

#[tokio::test]
async fn s3_15_roles_hold_at_once_and_go_with_the_room() {
    for deployment in shared::both().await {
        let (rest, house) = (deployment.rest(), admin(deployment).await);
        let (owner, ben, eve) = (rest.new_user("owner").await, rest.new_user("ben").await, rest.new_user("eve").await);
        let room = rest.new_room(&owner, "public").await;
        for user in [&ben, &eve] {
            let _joined = rest.join(&room, user).await.expect(200);
        }
        let mut socket = Socket::login(&deployment.sockets()[1], "/ws", &eve.token).await;
        socket.subscribe(&room).await;
        set_role(&rest, [&room, &ben.user_id], &ben, "moderator")
            .await
            .expect_problem(403, "forbidden");
        let _named = set_role(&rest, [&room, &ben.user_id], &owner, "moderator").await.expect(204);
        let told = socket.expect_type("member_role_changed").await;
        assert_eq!((&told["user"]["user_id"], &told["role"]), (&json!(ben.user_id), &json!("moderator")));
        let mute = [room.as_str(), eve.user_id.as_str(), "mute"];
        assert_eq!(rest.moderate(Method::PUT, mute, &ben, &json!({})).await.status, 204);
        let held = rest
            .get(&format!("/api/v1/rooms/{room}/sanctions"), Some(&ben.token))
            .await
            .expect(200)
            .json();
        assert_eq!((&held["mutes"][0]["user_id"], &held["bans"]), (&json!(eve.user_id), &json!([])), "{held}");
        rest.get(&format!("/api/v1/rooms/{room}/sanctions"), Some(&eve.token))
            .await
            .expect_problem(403, "forbidden");
        assert_eq!(rest.moderate(Method::DELETE, mute, &ben, &Value::Null).await.status, 204);
        // Nobody above, nobody beside.
        for target in [&owner.user_id, &house.user_id] {
            let kick = [room.as_str(), target.as_str(), "ban"];
            rest.moderate(Method::PUT, kick, &ben, &json!({})).await.expect_problem(403, "forbidden");
        }
        set_role(&rest, [&room, &owner.user_id], &house, "member")
            .await
            .expect_problem(403, "forbidden");
        let stranger = rest.new_user("stranger").await;
        set_role(&rest, [&room, &stranger.user_id], &owner, "moderator")
            .await
            .expect_problem(404, "not_found");
        let path = format!("/api/v1/rooms/{room}/members?role=moderator");
        let found = rest.get(&path, Some(&eve.token)).await.expect(200).json();
        assert_eq!(found["members"].as_array().unwrap().len(), 1, "{found}");
        let path = format!("/api/v1/rooms/{room}/members?q={}", &eve.username[..5]);
        let found = rest.get(&path, Some(&eve.token)).await.expect(200).json();
        let names: Vec<&str> = found["members"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|member| member["username"].as_str())
            .collect();
        assert!(names.contains(&eve.username.as_str()), "{names:?}");
        let _lowered = set_role(&rest, [&room, &ben.user_id], &owner, "member").await.expect(204);
        rest.moderate(Method::PUT, mute, &ben, &json!({})).await.expect_problem(403, "forbidden");
    }
}

/// The owner hands the room over and leaves, while an admin takes the new owner's rank: there is always one owner who is a member,
/// or no room.
#[tokio::test]
async fn a_room_always_has_an_owner_whatever_happens_at_once() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        for _ in 0..6 {
            let (owner, ben) = (rest.new_user("owner").await, rest.new_user("ben").await);
            let room = rest.new_room(&owner, "public").await;
            let _joined = rest.join(&room, &ben).await.expect(200);
            let transfer = format!("/api/v1/rooms/{room}/transfer");
            let body = json!({"user_id": ben.user_id});
            let _answers = tokio::join!(
                rest.post(&transfer, Some(&owner.token), &body),
                rest.leave(&room, &owner),
                rest.leave(&room, &ben),
                set_role(&rest, [&room, &ben.user_id], &owner, "moderator"),
            );
            let mut owners = 0;
            for user in [&owner, &ben] {
                let seen = rest.get(&format!("/api/v1/rooms/{room}"), Some(&user.token)).await;
                if seen.status == 200 {
                    owners += usize::from(seen.json()["role"] == "owner");
                } else {
                    seen.expect_problem(404, "unknown_room");
                    owners = 1;
                }
            }
            assert_eq!(owners, 1);
        }
    }
}
