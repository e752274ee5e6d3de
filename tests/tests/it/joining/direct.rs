//! Direct rooms and groups, and what blocks and settings do to them.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest, patiently};
use rookery_tests::shared;
use rookery_tests::ws::{Socket, Way};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::id_of;
use crate::talk::{exchange, head_of, refused, say};

/// Messages that are tried after the answer to a block.
const SAID_AFTER: usize = 10;

/// Opens the direct room with somebody.
async fn open(rest: &Rest, by: &Account, with: &str) -> Answer {
    rest.put(&format!("/api/v1/direct/{with}"), Some(&by.token), &json!({})).await
}

async fn post(rest: &Rest, by: &Account, path: &str) -> Answer {
    rest.post(path, Some(&by.token), &json!({})).await
}

/// Blocks somebody, or takes it back.
async fn block(rest: &Rest, method: Method, by: &Account, user: &Account) {
    let path = format!("/api/v1/users/me/blocks/{}", user.user_id);
    let ask = async || {
        let method = method.clone();
        let request = RawRequest { method, path: &path, token: Some(&by.token), content_type: None, body: Vec::new() };
        rest.raw(request).await.expect("it is reached")
    };
    let _done = patiently(ask).await.expect(204);
}

async fn two(deployment: &Deployment) -> (Rest, Account, Account) {
    let rest = deployment.rest();
    let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
    (rest, ann, ben)
}

#[tokio::test]
async fn s4_20_s5_07_s5_08_two_users_have_one_direct_room_for_ever() {
    for deployment in shared::both().await {
        let (rest, ann, ben) = two(deployment).await;
        let made = open(&rest, &ann, &ben.user_id).await.expect(201).json();
        let (room, again) = (id_of(&made), open(&rest, &ben, &ann.user_id).await.expect(200).json());
        assert_eq!(room, id_of(&again));
        assert_eq!(
            (&made["kind"], &made["name"], &made["visibility"], &made["owner_id"], &made["members"]),
            (&json!("direct"), &Value::Null, &json!("private"), &Value::Null, &json!(2))
        );
        let mut both = [ann.user_id.as_str(), &ben.user_id];
        both.sort_unstable();
        assert_eq!(made["users"], json!(both));
        for user in [&ann, &ben] {
            let mine = rest.get("/api/v1/users/me/rooms", Some(&user.token)).await.expect(200).json();
            let mine = mine["rooms"].as_array().expect("a list");
            assert!(mine.iter().any(|mine| mine["room_id"] == room && mine["kind"] == "direct"), "{mine:?}");
        }
        open(&rest, &ann, &ann.user_id).await.expect_problem(400, "bad_field");
        for nobody in ["01890000-0000-7000-8000-000000000000", "nonsense"] {
            open(&rest, &ann, nobody).await.expect_problem(404, "not_found");
        }
        let eve = rest.new_user("eve").await;
        for path in ["", "/messages", "/members"] {
            rest.get(&format!("/api/v1/rooms/{room}{path}"), Some(&eve.token))
                .await
                .expect_problem(404, "unknown_room");
        }
    }
}

/// Whoever is not one of the two learns nothing of a direct room, not even that it exists.
#[tokio::test]
async fn z04_a_third_user_learns_nothing_of_a_direct_room() {
    for deployment in shared::both().await {
        let (rest, ann, ben) = two(deployment).await;
        let room = id_of(&open(&rest, &ann, &ben.user_id).await.expect(201).json());
        let [base, _] = deployment.sockets();
        let mut first = Socket::login(&base, "/ws", &ann.token).await;
        let eve = rest.new_user("eve").await;
        let mut third = Socket::login(&base, "/ws", &eve.token).await;
        first.subscribe(&room).await;
        let said = say(&mut first, &room, "between us").await;
        let message = said["message"]["message_id"].clone();
        let unknown = "01890000-0000-7000-8000-000000000000";
        for name in [room.as_str(), unknown] {
            for frame in [
                json!({"type": "subscribe", "rooms": [{"room": name}]}),
                json!({"type": "message", "room": name, "client_id": "z04", "content": "x"}),
                json!({"type": "react", "room": name, "message_id": message, "emoji": "👍", "client_id": "z04-r"}),
                json!({"type": "read", "room": name, "seq": 1}),
                json!({"type": "watch", "rooms": [name]}),
            ] {
                let error = refused(&mut third, frame.clone(), "unknown_room").await;
                assert_eq!(error["room"], name, "{frame}");
            }
            for path in ["", "/messages", "/members", "/presence", "/read", "/reads", "/pins"] {
                let path = format!("/api/v1/rooms/{name}{path}");
                rest.get(&path, Some(&eve.token)).await.expect_problem(404, "unknown_room");
            }
        }
        // A typing is never answered, and heads leave out what may not be read.
        third.send(json!({"type": "typing", "room": room})).await;
        third.send(json!({"type": "heads", "rooms": [{"room": room}]})).await;
        assert_eq!(third.expect_type("heads").await["rooms"], json!([]));
        let unread = rest.get("/api/v1/users/me/unread", Some(&eve.token)).await.expect(200).text;
        assert!(!unread.contains(&room), "{unread}");
        assert!(
            third
                .mailbox()
                .seen
                .iter()
                .all(|frame| frame["type"] == "error" || frame["room"] != room.as_str())
        );
        say(&mut first, &room, "as before").await;
        assert!(first.mailbox().seen.iter().all(|frame| frame["type"] != "typing"));
    }
}

#[tokio::test]
async fn s3_29_s4_20_s5_09_s5_10_s5_21_an_address_opens_a_direct_chat() {
    for deployment in shared::both().await {
        let (rest, ann, ben) = two(deployment).await;
        let [left, right] = deployment.sockets();
        let mut here = Socket::login(&left, &format!("/ws/dm/{}", ben.user_id), &ann.token).await;
        let subscribed = here.live().await;
        assert_eq!((&subscribed["name"], &subscribed["you"]["role"]), (&Value::Null, &json!("member")));
        let room = subscribed["room"].as_str().expect("a room").to_owned();
        let mut there = Socket::login(&right, &format!("/ws/dm/{}", ann.user_id), &ben.token).await;
        assert_eq!(there.live().await["room"], subscribed["room"]);
        exchange(&mut here, &mut there, &room).await;
        // Frames may leave the room out.
        here.send(json!({"type": "message", "content": "just us", "client_id": "only"})).await;
        there.expect("it", |frame| frame["message"]["content"] == "just us").await;
        let history = rest.history(&room, &ben.token).await;
        assert_eq!(history.len(), 7, "{history:?}");
        let mut messages = history.iter().map(|event| &event["message"]);
        let kept = messages.find(|message| message["content"] == "just us").expect("it is kept");
        assert_eq!(kept["user_id"], ann.user_id.as_str(), "{kept}");
        assert!(kept["message_id"].is_string() && kept["timestamp"].is_string(), "{kept}");
        // Who it is for is said by the room.
        let shown = rest.get(&format!("/api/v1/rooms/{room}"), Some(&ben.token)).await.expect(200).json();
        let users = shown["users"].as_array().expect("a direct room has two users");
        assert_eq!((&shown["kind"], users.len()), (&json!("direct"), 2));
        assert!(users.contains(&json!(ben.user_id)), "{shown}");
        for (nobody, code) in [("01890000-0000-7000-8000-000000000000", 4404), (ann.user_id.as_str(), 4404)] {
            let path = format!("/ws/dm/{nobody}");
            let mut socket = Socket::connect(&left, &path, &ann.token, Way::Header).await.open();
            assert_eq!(socket.closed(Duration::from_secs(20)).await, Some(code), "{nobody}");
        }
    }
}

#[tokio::test]
async fn both_pin_what_is_said_in_a_direct_room() {
    for deployment in shared::both().await {
        let (rest, ann, ben) = two(deployment).await;
        let room = id_of(&open(&rest, &ann, &ben.user_id).await.expect(201).json());
        let said = rest.say(&room, &ann, &json!({"content": "keep this"})).await.expect(201).json();
        let path = format!("/api/v1/rooms/{room}/messages/{}/pin", said["message_id"].as_str().expect("an id"));
        let _pinned = rest.put(&path, Some(&ben.token), &Value::Null).await.expect(204);
        let pins = rest.get(&format!("/api/v1/rooms/{room}/pins"), Some(&ann.token)).await.expect(200).json();
        assert_eq!(pins["pins"][0]["message"]["content"], "keep this");
        let _unpinned = rest.delete(&path, Some(&ann.token)).await.expect(204);
        let eve = rest.new_user("eve").await;
        rest.put(&path, Some(&eve.token), &Value::Null).await.expect_problem(404, "unknown_room");
    }
}

#[tokio::test]
async fn nobody_leaves_or_runs_a_direct_room() {
    for deployment in shared::both().await {
        let (rest, ann, ben) = two(deployment).await;
        let room = id_of(&open(&rest, &ann, &ben.user_id).await.expect(201).json());
        post(&rest, &ann, &format!("/api/v1/rooms/{room}/leave"))
            .await
            .expect_problem(403, "direct_room");
        for (method, act) in [(Method::POST, "kick"), (Method::PUT, "ban"), (Method::PUT, "mute")] {
            let case = [room.as_str(), &ben.user_id, act];
            rest.moderate(method, case, &ann, &json!({})).await.expect_problem(403, "direct_room");
        }
        rest.patch(&format!("/api/v1/rooms/{room}"), Some(&ann.token), &json!({"frozen": true}))
            .await
            .expect_problem(403, "direct_room");
    }
}

#[tokio::test]
async fn who_may_write_to_somebody_is_the_others_choice() {
    for deployment in shared::both().await {
        let (rest, ann, ben) = two(deployment).await;
        let choose = async |choice: &str| {
            let body = json!({"direct_from": choice});
            let _chosen = rest.patch("/api/v1/users/me/settings", Some(&ben.token), &body).await.expect(200);
        };
        let cat = rest.new_user("cat").await;
        let group = json!({"user_ids": [ben.user_id, cat.user_id]});
        choose("nobody").await;
        open(&rest, &ann, &ben.user_id).await.expect_problem(403, "direct_refused");
        rest.post("/api/v1/direct", Some(&ann.token), &group)
            .await
            .expect_problem(403, "direct_refused");
        let path = format!("/ws/dm/{}", ben.user_id);
        let mut socket = Socket::connect(&deployment.sockets()[0], &path, &ann.token, Way::Header).await.open();
        assert_eq!(socket.closed(Duration::from_secs(20)).await, Some(4403));
        choose("shared").await;
        open(&rest, &ann, &ben.user_id).await.expect_problem(403, "direct_refused");
        let room = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&room, &ben).await.expect(200);
        let _made = open(&rest, &ann, &ben.user_id).await.expect(201);
        choose("nobody").await;
        let _there = open(&rest, &ann, &ben.user_id).await.expect(200);
        // Whoever is blocked is told so where it would be new.
        let (dan, eve) = (rest.new_user("dan").await, rest.new_user("eve").await);
        block(&rest, Method::PUT, &dan, &eve).await;
        for (by, with) in [(&eve, &dan), (&dan, &eve)] {
            open(&rest, by, &with.user_id).await.expect_problem(403, "blocked");
        }
    }
}

#[tokio::test]
async fn a_block_silences_both_on_every_node() {
    for deployment in shared::both().await {
        let (rest, ann, ben) = two(deployment).await;
        let [left, right] = deployment.sockets();
        let room = id_of(&open(&rest, &ann, &ben.user_id).await.expect(201).json());
        let mut here = Socket::login(&left, &format!("/ws/{room}"), &ann.token).await;
        let mut there = Socket::login(&right, &format!("/ws/{room}"), &ben.token).await;
        let _live = (here.live().await, there.live().await);
        exchange(&mut here, &mut there, &room).await;
        let said = rest.say(&room, &ann, &json!({"content": "pin me"})).await.expect(201).json();
        let pin = async |method: Method, by: &Account| {
            let path = format!("/api/v1/rooms/{room}/messages/{}/pin", said["message_id"].as_str().expect("an id"));
            let request =
                RawRequest { method, path: &path, token: Some(&by.token), content_type: None, body: Vec::new() };
            rest.raw(request).await.expect("an answer")
        };
        let reads = async |by: &Account| {
            let path = format!("/api/v1/rooms/{room}/reads");
            rest.get(&path, Some(&by.token)).await.expect(200).json()["reads"]
                .as_array()
                .expect("a list")
                .len()
        };
        assert_eq!((pin(Method::PUT, &ben).await.status, pin(Method::DELETE, &ann).await.status), (204, 204));
        assert_eq!((reads(&ann).await, reads(&ben).await), (1, 1));
        there.send(json!({"type": "typing", "room": room})).await;
        here.expect_type("typing").await;
        block(&rest, Method::PUT, &ann, &ben).await;
        for method in [Method::PUT, Method::DELETE] {
            for user in [&ann, &ben] {
                pin(method.clone(), user).await.expect_problem(403, "blocked");
            }
        }
        assert_eq!((reads(&ann).await, reads(&ben).await), (0, 0));
        let quiet = async |from: &mut Socket, to: &mut Socket| {
            // What was said before the block may be on its way; a while after it was said last it may be said again.
            sleep(Duration::from_millis(3_500)).await;
            to.sync().await;
            for frame in [json!({"type": "typing", "room": room}), json!({"type": "read", "room": room, "seq": 3})] {
                from.send(frame).await;
            }
            from.sync().await;
            sleep(Duration::from_millis(700)).await;
            to.sync().await;
            let told = to
                .mailbox()
                .waiting()
                .find(|frame| frame["type"] == "typing" || frame["type"] == "read_by");
            assert_eq!(told, None, "nothing is told after a block");
        };
        quiet(&mut there, &mut here).await;
        quiet(&mut here, &mut there).await;
        let frame = json!({"type": "message", "room": room, "content": "hear me"});
        for socket in [&mut here, &mut there] {
            refused(socket, frame.clone(), "blocked").await;
        }
        for user in [&ann, &ben] {
            let said = rest.say(&room, user, &json!({"content": "hear me"})).await;
            said.expect_problem(403, "blocked");
            assert!(!rest.history(&room, &user.token).await.is_empty(), "what was said stays");
        }
        // Also the other way round; and both have to take it back.
        block(&rest, Method::PUT, &ben, &ann).await;
        block(&rest, Method::DELETE, &ann, &ben).await;
        rest.say(&room, &ann, &json!({"content": "hear me"})).await.expect_problem(403, "blocked");
        block(&rest, Method::DELETE, &ben, &ann).await;
        sleep(Duration::from_secs(2)).await;
        exchange(&mut here, &mut there, &room).await;
    }
}

/// The answer to a block is the end: nothing is numbered after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_said_in_a_direct_room_after_the_answer_to_a_block() {
    for deployment in shared::both().await {
        let (rest, ann, ben) = two(deployment).await;
        let room = id_of(&open(&rest, &ann, &ben.user_id).await.expect(201).json());
        let mut socket = Socket::login(&deployment.sockets()[1], &format!("/ws/{room}"), &ben.token).await;
        let _live = socket.live().await;
        let mut watch = Socket::login(&deployment.sockets()[0], "/ws", &ann.token).await;
        let is_blocked = AtomicBool::new(false);
        let flood = async {
            let mut after = 0;
            for n in 0.. {
                socket
                    .send(json!({"type": "message", "content": format!("{n}"), "client_id": format!("n{n}")}))
                    .await;
                sleep(Duration::from_millis(5)).await;
                after += usize::from(is_blocked.load(Ordering::Relaxed));
                if after > SAID_AFTER {
                    break;
                }
            }
            socket
        };
        let act = async {
            sleep(Duration::from_millis(60)).await;
            block(&rest, Method::PUT, &ann, &ben).await;
            let head = head_of(&room, &mut watch).await;
            is_blocked.store(true, Ordering::Relaxed);
            head
        };
        let (mut socket, head) = tokio::join!(flood, act);
        socket
            .expect("a refusal", |frame| frame["type"] == "error" && frame["code"] == "blocked")
            .await;
        sleep(Duration::from_millis(500)).await;
        assert_eq!(head_of(&room, &mut watch).await, head, "nothing has a number after the answer");
    }
}

#[tokio::test]
async fn both_may_open_a_direct_room_at_once() {
    for deployment in shared::both().await {
        let (rest, ann, ben) = two(deployment).await;
        let (one, other) = tokio::join!(open(&rest, &ann, &ben.user_id), open(&rest, &ben, &ann.user_id));
        assert_eq!(id_of(&one.json()), id_of(&other.json()));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert!(statuses == [200, 201], "{statuses:?}");
    }
}

#[tokio::test]
async fn a_few_people_are_a_group() {
    for deployment in shared::both().await {
        let (rest, ann, ben) = two(deployment).await;
        let cat = rest.new_user("cat").await;
        let [left, right] = deployment.sockets();
        let mut there = Socket::login(&right, "/ws", &ben.token).await;
        there.sync().await;
        let group =
            async |users: Value| rest.post("/api/v1/direct", Some(&ann.token), &json!({"user_ids": users})).await;
        let made = group(json!([ben.user_id, cat.user_id])).await.expect(201).json();
        let room = id_of(&made);
        assert_eq!(
            (&made["kind"], &made["name"], &made["role"], &made["members"]),
            (&json!("group"), &Value::Null, &json!("owner"), &json!(3))
        );
        let added = there.expect_type("room_added").await;
        assert_eq!((&added["room"], &added["kind"]), (&json!(room), &json!("group")));
        let told = there.expect_type("notification").await;
        assert_eq!((&told["kind"], &told["by"]), (&json!("invite"), &json!(ann.user_id)), "{told}");
        let path = format!("/api/v1/rooms/{room}");
        for name in [json!("Tea"), Value::Null] {
            let named = rest.patch(&path, Some(&ann.token), &json!({"name": name})).await.expect(200).json();
            assert_eq!(named["name"], name);
        }
        let public = rest.new_room(&ann, "public").await;
        let nameless = rest
            .patch(&format!("/api/v1/rooms/{public}"), Some(&ann.token), &json!({"name": null}))
            .await;
        nameless.expect_problem(400, "bad_field");
        let mut here = Socket::login(&left, &format!("/ws/{room}"), &ann.token).await;
        let _live = here.live().await;
        there.subscribe(&room).await;
        exchange(&mut here, &mut there, &room).await;
        for bad in [
            json!([]),
            json!([ben.user_id]),
            json!([ben.user_id, ben.user_id]),
            json!([ben.user_id, ann.user_id]),
            json!(vec![ben.user_id.clone(); 10]),
            json!("all"),
        ] {
            group(bad).await.expect_problem(400, "bad_field");
        }
        group(json!([ben.user_id, "01890000-0000-7000-8000-000000000000"]))
            .await
            .expect_problem(404, "not_found");
        let _left = rest.leave(&room, &cat).await.expect(204);
    }
}
