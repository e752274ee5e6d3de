//! Invites to rooms, requests to join, and what a room asks of whoever wants to come in.

use futures_util::future::join_all;
use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::names;
use rookery_tests::rest::{Account, Answer, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{shared, wait};
use serde_json::{Value, json};

use crate::accounts::admin;

use super::{id_of, rest_of_another_api};

async fn make(rest: &Rest, owner: &Account, fields: Value) -> String {
    let mut body = json!({"name": names::unique("room")});
    body.as_object_mut()
        .expect("an object")
        .extend(fields.as_object().expect("an object").clone());
    id_of(&rest.post("/api/v1/rooms", Some(&owner.token), &body).await.expect(201).json())
}

async fn invite(rest: &Rest, room: &str, by: &Account, body: Value) -> Answer {
    rest.post(&format!("/api/v1/rooms/{room}/invites"), Some(&by.token), &body).await
}

async fn accept(rest: &Rest, code: &str, by: &Account) -> Answer {
    rest.post(&format!("/api/v1/invites/{code}/accept"), Some(&by.token), &json!({})).await
}

async fn join(rest: &Rest, room: &str, by: &Account, body: Value) -> Answer {
    rest.post(&format!("/api/v1/rooms/{room}/join"), Some(&by.token), &body).await
}

async fn decide(rest: &Rest, room: &str, user: &Account, by: &Account, what: &str) -> Answer {
    let path = format!("/api/v1/rooms/{room}/join-requests/{}/{what}", user.user_id);
    rest.post(&path, Some(&by.token), &json!({})).await
}

fn code_of(invite: &Value) -> String {
    invite["code"].as_str().expect("an invite has a code").to_owned()
}

async fn three(deployment: &Deployment) -> (Rest, Account, Account, Account) {
    let rest = deployment.rest();
    (rest.clone(), rest.new_user("ann").await, rest.new_user("ben").await, rest.new_user("cat").await)
}

#[tokio::test]
async fn s5_11_an_invite_opens_a_private_room() {
    for deployment in shared::both().await {
        let (rest, ann, ben, cat) = three(deployment).await;
        let room = make(&rest, &ann, json!({"visibility": "private"})).await;
        let made = invite(&rest, &room, &ann, json!({"max_uses": 1, "expires_in_s": 600}))
            .await
            .expect(201)
            .json();
        let code = code_of(&made);
        assert!(code.len() >= 22 && made["url"].as_str().expect("a link").contains(&code), "{made}");
        assert_eq!((&made["uses"], &made["max_uses"], &made["approval"]), (&json!(0), &json!(1), &json!(false)));
        let path = format!("/api/v1/rooms/{room}/invites");
        let listed = rest.get(&path, Some(&ann.token)).await.expect(200).json();
        let listed_ones = listed["invites"].as_array().expect("a list");
        assert!(listed_ones.iter().any(|one| one["invite_id"] == made["invite_id"]), "{listed}");
        assert!(!listed.to_string().contains(&code), "the code is shown once");

        let preview = rest.get(&format!("/api/v1/invites/{code}"), Some(&ben.token)).await.expect(200).json();
        assert_eq!((&preview["room"]["members"], &preview["by"]["user_id"]), (&json!(1), &json!(ann.user_id)));
        rest.get(&format!("/api/v1/invites/{code}"), None)
            .await
            .expect_problem(401, "unauthenticated");
        let joined = accept(&rest, &code, &ben).await.expect(200).json();
        assert_eq!((id_of(&joined), &joined["role"]), (room.clone(), &json!("member")));
        let _again = accept(&rest, &code, &ben).await.expect(200);
        for path in ["", "/accept"] {
            let method = if path.is_empty() { Method::GET } else { Method::POST };
            let path = format!("/api/v1/invites/{code}{path}");
            let answer = if method == Method::GET {
                rest.get(&path, Some(&cat.token)).await
            } else {
                rest.post(&path, Some(&cat.token), &json!({})).await
            };
            answer.expect_problem(404, "invite_invalid");
        }
        join(&rest, &room, &cat, json!({})).await.expect_problem(404, "unknown_room");
        join(&rest, &room, &cat, json!({"invite": code}))
            .await
            .expect_problem(404, "unknown_room");
        let another = code_of(&invite(&rest, &room, &ann, json!({})).await.expect(201).json());
        let _joined = join(&rest, &room, &cat, json!({"invite": another})).await.expect(200);
    }
}

#[tokio::test]
async fn an_invite_that_does_not_hold_is_answered_like_none() {
    for deployment in shared::both().await {
        let (rest, ann, ben, cat) = three(deployment).await;
        let room = make(&rest, &ann, json!({"visibility": "private", "members_may_invite": true})).await;
        let made = invite(&rest, &room, &ann, json!({})).await.expect(201).json();
        let code = code_of(&made);
        let _joined = accept(&rest, &code, &ben).await.expect(200);
        let banned = rest.moderate(Method::PUT, [&room, &cat.user_id, "ban"], &ann, &json!({})).await;
        assert_eq!(banned.status, 204);
        accept(&rest, &code, &cat).await.expect_problem(404, "invite_invalid");
        // A member's own invite ends with the membership.
        let bens = code_of(&invite(&rest, &room, &ben, json!({})).await.expect(201).json());
        let dan = rest.new_user("dan").await;
        let _seen = rest.get(&format!("/api/v1/invites/{bens}"), Some(&dan.token)).await.expect(200);
        let own = rest
            .get(&format!("/api/v1/rooms/{room}/invites"), Some(&ben.token))
            .await
            .expect(200)
            .json();
        assert_eq!(own["invites"].as_array().map(Vec::len), Some(1), "{own}");
        let others = format!("/api/v1/rooms/{room}/invites/{}", made["invite_id"].as_str().expect("an id"));
        rest.delete(&others, Some(&ben.token)).await.expect_problem(404, "not_found");
        let _left = rest.leave(&room, &ben).await.expect(204);
        accept(&rest, &bens, &dan).await.expect_problem(404, "invite_invalid");
        let _revoked = rest.delete(&others, Some(&ann.token)).await.expect(204);
        rest.delete(&others, Some(&ann.token)).await.expect_problem(404, "not_found");
        for code in [code.as_str(), "nonsense", "%00", "%FF"] {
            accept(&rest, code, &dan).await.expect_problem(404, "invite_invalid");
        }
        for bad in [json!({"max_uses": 0}), json!({"expires_in_s": 0}), json!({"uses": 1}), json!({"approval": 1})] {
            invite(&rest, &room, &ann, bad).await.expect_problem(400, "bad_field");
        }
        let closed = make(&rest, &ann, json!({})).await;
        let _joined = join(&rest, &closed, &dan, json!({})).await.expect(200);
        invite(&rest, &closed, &dan, json!({})).await.expect_problem(403, "forbidden");
    }
}

/// Who keeps order on the server invites to rooms of others, for as long as that is so.
#[tokio::test]
async fn staff_invite_to_rooms_that_they_are_not_in() {
    for deployment in shared::both().await {
        let (rest, ann, ben, cat) = three(deployment).await;
        let (admin, dan) = (admin(deployment).await, rest.new_user("dan").await);
        let set_role = async |role: &str| {
            let path = format!("/api/v1/admin/users/{}", ben.user_id);
            let _changed = rest.patch(&path, Some(&admin.token), &json!({"role": role})).await.expect(200);
        };
        let room = make(&rest, &ann, json!({"visibility": "public", "join": "approval"})).await;
        let private = make(&rest, &ann, json!({"visibility": "private"})).await;
        invite(&rest, &room, &ben, json!({})).await.expect_problem(403, "not_a_member");
        set_role("moderator").await;
        // They keep order everywhere, but read only where they are.
        invite(&rest, &private, &ben, json!({})).await.expect_problem(403, "not_a_member");
        let code = code_of(&invite(&rest, &room, &ben, json!({})).await.expect(201).json());
        let _by_admin = invite(&rest, &room, &admin, json!({})).await.expect(201);
        let path = format!("/api/v1/rooms/{room}/invites");
        let listed = rest.get(&path, Some(&ben.token)).await.expect(200).json();
        assert_eq!(listed["invites"].as_array().map(Vec::len), Some(3), "with that of the room itself: {listed}");
        // A moderator has made it, so nobody decides once more.
        let _joined = accept(&rest, &code, &cat).await.expect(200);
        set_role("user").await;
        accept(&rest, &code, &dan).await.expect_problem(404, "invite_invalid");
        rest.get(&path, Some(&ben.token)).await.expect_problem(403, "not_a_member");
    }
}

/// Ten accept at once, over two apis, with one use left.
#[tokio::test]
async fn an_invite_is_used_no_oftener_than_it_may_be() {
    for deployment in &Deployment::both_with(&[]).await {
        let other = rest_of_another_api(deployment).await;
        let (rest, ann) = (deployment.rest(), deployment.rest().new_user("ann").await);
        let mut guests = Vec::new();
        for _ in 0..10 {
            guests.push(rest.new_user("guest").await);
        }
        let room = make(&rest, &ann, json!({"visibility": "private"})).await;
        let code = code_of(&invite(&rest, &room, &ann, json!({"max_uses": 1})).await.expect(201).json());
        let answers = join_all(guests.iter().enumerate().map(|(n, guest)| {
            let rest = if n % 2 == 0 { &rest } else { &other.0 };
            accept(rest, &code, guest)
        }))
        .await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(
            answers.iter().all(|answer| answer.status == 200 || answer.code() == "invite_invalid"),
            "{statuses:?}"
        );
        let members = rest
            .get(&format!("/api/v1/rooms/{room}/members"), Some(&ann.token))
            .await
            .expect(200)
            .json();
        assert_eq!(members["count"], 2);
    }
}

#[tokio::test]
async fn s1_15_a_room_may_have_a_password() {
    for deployment in shared::both().await {
        let (rest, ann, ben, cat) = three(deployment).await;
        let room = make(&rest, &ann, json!({"join": "password", "password": "open sesame 9"})).await;
        for wrong in [json!({}), json!({"password": "open sesame 8"})] {
            join(&rest, &room, &ben, wrong).await.expect_problem(403, "password_wrong");
        }
        let seen = rest.get(&format!("/api/v1/rooms/{room}"), Some(&ben.token)).await.expect(200);
        assert!(seen.json()["join"] == "password" && !seen.text.contains("argon2"), "{}", seen.text);
        let _joined = join(&rest, &room, &ben, json!({"password": "open sesame 9"})).await.expect(200);
        let code = code_of(&invite(&rest, &room, &ann, json!({})).await.expect(201).json());
        let _joined = accept(&rest, &code, &cat).await.expect(200);
        let closed = make(&rest, &ann, json!({"join": "invite"})).await;
        join(&rest, &closed, &ben, json!({})).await.expect_problem(403, "invite_required");
        let small = make(&rest, &ann, json!({"members_max": 2})).await;
        let _joined = join(&rest, &small, &ben, json!({})).await.expect(200);
        join(&rest, &small, &cat, json!({})).await.expect_problem(403, "room_full");
    }
}

#[tokio::test]
async fn s5_12_s5_13_s5_23_s5_25_somebody_asks_and_is_let_in() {
    for deployment in shared::both().await {
        let (rest, ann, ben, cat) = three(deployment).await;
        let room = make(&rest, &ann, json!({"join": "approval"})).await;
        let waits = join(&rest, &room, &ben, json!({"message": "It is me."})).await.expect(202).json();
        assert_eq!(waits, json!({"status": "pending_approval"}));
        let _again = join(&rest, &room, &ben, json!({})).await.expect(202);
        let path = format!("/api/v1/rooms/{room}/join-requests");
        let listed = rest.get(&path, Some(&ann.token)).await.expect(200).json();
        let first = &listed["join_requests"][0];
        assert_eq!((&first["user_id"], &first["message"]), (&json!(ben.user_id), &json!("It is me.")));
        rest.get(&path, Some(&ben.token)).await.expect_problem(403, "not_a_member");
        decide(&rest, &room, &ben, &ben, "approve").await.expect_problem(403, "not_a_member");
        let mine = rest.get("/api/v1/users/me/join-requests", Some(&ben.token)).await.expect(200).json();
        assert_eq!(mine["join_requests"][0]["room_id"], room.as_str());
        let [left, right] = deployment.sockets();
        let mut here = Socket::login(&left, &format!("/ws/{room}"), &ann.token).await;
        let _live = here.live().await;
        let mut there = Socket::login(&right, "/ws", &ben.token).await;
        there.sync().await;
        let _approved = decide(&rest, &room, &ben, &ann, "approve").await.expect(204);
        let joined = here.expect_type("member_joined").await;
        assert_eq!((&joined["user"]["user_id"], &joined["by"]["user_id"]), (&json!(ben.user_id), &json!(ann.user_id)));
        assert_eq!(there.expect_type("room_added").await["room"], room.as_str());
        there.subscribe(&room).await;
        // One notice, and not that of somebody who is made a member unasked.
        wait::until("the decision is told", async || kinds(&rest, &ben).await == ["join_decided"]).await;
        for what in ["approve", "deny"] {
            decide(&rest, &room, &ben, &ann, what).await.expect_problem(409, "already_decided");
        }
        // Denied: not again for a day, unless by an invite of a moderator.
        let _waits = join(&rest, &room, &cat, json!({})).await.expect(202);
        let deny = format!("/api/v1/rooms/{room}/join-requests/{}/deny", cat.user_id);
        for bad in ["", "\u{202e}mail", "bell\u{7}"] {
            let bad = rest.post(&deny, Some(&ann.token), &json!({"reason": bad})).await;
            bad.expect_problem(400, "bad_field");
        }
        let _denied = rest.post(&deny, Some(&ann.token), &json!({"reason": "Not yet."})).await.expect(204);
        let denied = join(&rest, &room, &cat, json!({})).await;
        denied.expect_problem(403, "join_denied");
        let rest_ms = denied.json()["retry_after_ms"].as_u64().expect("a time");
        assert!((86_000_000..=86_400_000).contains(&rest_ms), "{rest_ms}");
        let code = code_of(&invite(&rest, &room, &ann, json!({})).await.expect(201).json());
        let _joined = accept(&rest, &code, &cat).await.expect(200);
        // Withdrawn: nobody decides about it.
        let dan = rest.new_user("dan").await;
        let _waits = join(&rest, &room, &dan, json!({})).await.expect(202);
        let own = format!("/api/v1/users/me/join-requests/{room}");
        let _gone = rest.delete(&own, Some(&dan.token)).await.expect(204);
        rest.delete(&own, Some(&dan.token)).await.expect_problem(404, "not_found");
        decide(&rest, &room, &dan, &ann, "approve").await.expect_problem(404, "not_found");
    }
}

/// What the inbox of a user has, the newest first.
async fn kinds(rest: &Rest, user: &Account) -> Vec<String> {
    let page = rest.get("/api/v1/notifications", Some(&user.token)).await.expect(200).json();
    let all = page["notifications"].as_array().expect("a list");
    all.iter().map(|notice| notice["kind"].as_str().expect("a word").to_owned()).collect()
}

#[tokio::test]
async fn who_asks_and_is_made_a_member_is_told_once() {
    for deployment in shared::both().await {
        let (rest, ann, ben, _) = three(deployment).await;
        let room = make(&rest, &ann, json!({"join": "approval"})).await;
        let _waits = join(&rest, &room, &ben, json!({})).await.expect(202);
        let path = format!("/api/v1/rooms/{room}/members/{}", ben.user_id);
        let _added = rest.put(&path, Some(&ann.token), &json!({})).await.expect(201);
        // What comes after it in the room is told behind it.
        let body = json!({"client_id": names::unique("n"), "content": format!("@{}", ben.username)});
        let _said = rest.say(&room, &ann, &body).await.expect(201);
        wait::until("a later notice is there", async || kinds(&rest, &ben).await.contains(&"mention".to_owned())).await;
        let mut told = kinds(&rest, &ben).await;
        told.sort_unstable();
        assert_eq!(told, ["join_decided", "mention"]);
    }
}

#[tokio::test]
async fn two_decisions_at_once_are_one() {
    for deployment in &Deployment::both_with(&[]).await {
        let other = rest_of_another_api(deployment).await;
        let (rest, ann, ..) = three(deployment).await;
        let room = make(&rest, &ann, json!({"join": "approval"})).await;
        for round in 0..4 {
            let user = rest.new_user("asks").await;
            let _waits = join(&rest, &room, &user, json!({})).await.expect(202);
            let (approved, denied) = tokio::join!(
                decide(&rest, &room, &user, &ann, "approve"),
                decide(&other.0, &room, &user, &ann, "deny")
            );
            let seen = rest.get(&format!("/api/v1/rooms/{room}"), Some(&user.token)).await.expect(200).json();
            let wanted = if seen["role"] == "member" { (204, 409) } else { (409, 204) };
            assert_eq!((approved.status, denied.status), wanted, "round {round}: {seen}");
        }
    }
}

#[tokio::test]
async fn moderators_add_members_who_want_that() {
    for deployment in shared::both().await {
        let (rest, ann, ben, cat) = three(deployment).await;
        let room = make(&rest, &ann, json!({"visibility": "private"})).await;
        let add = async |by: &Account, user: &Account| {
            let path = format!("/api/v1/rooms/{room}/members/{}", user.user_id);
            rest.put(&path, Some(&by.token), &json!({})).await
        };
        let mut here = Socket::login(&deployment.sockets()[0], &format!("/ws/{room}"), &ann.token).await;
        let _live = here.live().await;
        let _added = add(&ann, &ben).await.expect(201);
        let joined = here.expect_type("member_joined").await;
        assert_eq!((&joined["user"]["user_id"], &joined["by"]["user_id"]), (&json!(ben.user_id), &json!(ann.user_id)));
        let _there = add(&ann, &ben).await.expect(204);
        add(&ben, &cat).await.expect_problem(403, "forbidden");
        add(&cat, &cat).await.expect_problem(404, "unknown_room");
        let nobody = json!({"direct_from": "nobody"});
        let _chosen = rest.patch("/api/v1/users/me/settings", Some(&cat.token), &nobody).await.expect(200);
        add(&ann, &cat).await.expect_problem(403, "direct_refused");
        let dan = rest.new_user("dan").await;
        let path = format!("/api/v1/users/me/blocks/{}", ann.user_id);
        let _blocked = rest.put(&path, Some(&dan.token), &json!({})).await.expect(204);
        add(&ann, &dan).await.expect_problem(403, "blocked");
    }
}

#[tokio::test]
async fn an_invite_is_worth_what_its_maker_may_now() {
    for deployment in shared::both().await {
        let (rest, ann, ben, cat) = three(deployment).await;
        let room = make(&rest, &ann, json!({"join": "approval", "members_may_invite": true})).await;
        let add = format!("/api/v1/rooms/{room}/members/{}", ben.user_id);
        let _added = rest.put(&add, Some(&ann.token), &json!({})).await.expect(201);
        let name = async |role: &str| {
            rest.put(&format!("{add}/role"), Some(&ann.token), &json!({"role": role}))
                .await
                .expect(204)
        };
        let _named = name("moderator").await;
        let code = code_of(&invite(&rest, &room, &ben, json!({})).await.expect(201).json());
        let preview = async || rest.get(&format!("/api/v1/invites/{code}"), Some(&cat.token)).await;
        assert_eq!(preview().await.expect(200).json()["approval"], json!(false));
        let _taken_back = name("member").await;
        assert_eq!(preview().await.expect(200).json()["approval"], json!(true));
        let listed = rest
            .get(&format!("/api/v1/rooms/{room}/invites"), Some(&ben.token))
            .await
            .expect(200)
            .json();
        assert_eq!(listed["invites"][0]["approval"], json!(true), "{listed}");
        let _waits = accept(&rest, &code, &cat).await.expect(202);
        let may_not = json!({"members_may_invite": false});
        let path = format!("/api/v1/rooms/{room}");
        let _changed = rest.patch(&path, Some(&ann.token), &may_not).await.expect(200);
        preview().await.expect_problem(404, "invite_invalid");
        accept(&rest, &code, &cat).await.expect_problem(404, "invite_invalid");
        let _named = name("moderator").await;
        let _joined = accept(&rest, &code, &cat).await.expect(200);
    }
}

#[tokio::test]
async fn nobody_waits_for_a_place_that_there_is_not() {
    for deployment in shared::both().await {
        let (rest, ann, ben, cat) = three(deployment).await;
        let room = make(&rest, &ann, json!({"join": "approval", "members_max": 2})).await;
        let _waits = join(&rest, &room, &ben, json!({})).await.expect(202);
        let _approved = decide(&rest, &room, &ben, &ann, "approve").await.expect(204);
        join(&rest, &room, &cat, json!({})).await.expect_problem(403, "room_full");
    }
}

#[tokio::test]
async fn own_requests_are_a_list_like_others() {
    for deployment in shared::both().await {
        let (rest, ann, ben, _) = three(deployment).await;
        let mut asked = Vec::new();
        for _ in 0..3 {
            let room = make(&rest, &ann, json!({"join": "approval"})).await;
            let _waits = join(&rest, &room, &ben, json!({})).await.expect(202);
            asked.push(room);
        }
        let list = "/api/v1/users/me/join-requests";
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = rest.get(&format!("{list}?limit=2{cursor}"), Some(&ben.token)).await.expect(200).json();
            let rooms = page["join_requests"].as_array().expect("a list").iter().map(id_of);
            found.extend(rooms);
            let Some(next) = page["next_cursor"].as_str() else { break };
            let of_another = rest.get(&format!("{list}?cursor={next}"), Some(&ann.token)).await;
            of_another.expect_problem(400, "bad_field");
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, asked);
        for list in [&format!("{list}?limit=0"), &format!("{list}?page=2"), "/api/v1/users/me/sessions?other=2"] {
            rest.get(list, Some(&ben.token)).await.expect_problem(400, "bad_field");
        }
    }
}

#[tokio::test]
async fn what_takes_no_body_refuses_fields() {
    for deployment in shared::both().await {
        let (rest, ann, ben, _) = three(deployment).await;
        let room = make(&rest, &ann, json!({"visibility": "private"})).await;
        let code = code_of(&invite(&rest, &room, &ann, json!({})).await.expect(201).json());
        let (foo, accept) = (json!({"foo": 1}), format!("/api/v1/invites/{code}/accept"));
        for path in [accept.as_str(), "/api/v1/auth/ticket", "/api/v1/auth/logout-all"] {
            let refused = rest.post(path, Some(&ben.token), &foo).await;
            refused.expect_problem(400, "bad_field");
            assert_eq!(refused.json()["field"], json!("foo"), "{}", refused.text);
            rest.post(path, Some(&ben.token), &json!([])).await.expect_problem(400, "bad_json");
            rest.post(path, None, &foo).await.expect_problem(401, "unauthenticated");
        }
        let block = format!("/api/v1/users/me/blocks/{}", ann.user_id);
        rest.put(&block, Some(&ben.token), &foo).await.expect_problem(400, "bad_field");
        let _joined = rest.post(&accept, Some(&ben.token), &json!({})).await.expect(200);
    }
}
