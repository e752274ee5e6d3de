//! Threads, jumps in a history, and what users save for themselves, in a cluster and in one process.

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use crate::accounts::admin;
use crate::talk::say;

const NEVER: &str = "01890000-0000-8000-8000-000000000000";

/// A room with its owner and a member.
struct Scene {
    rest: Rest,
    ann: Account,
    bob: Account,
    room: String,
}

impl Scene {
    async fn on(deployment: &Deployment) -> Self {
        let rest = deployment.rest();
        let (ann, bob) = (rest.new_user("ann").await, rest.new_user("bob").await);
        let room = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&room, &bob).await.expect(200);
        Self { rest, ann, bob, room }
    }

    /// Says something over REST; returns its id.
    async fn say(&self, user: &Account, content: &str, reply_to: Option<&str>) -> String {
        let body = json!({"content": content, "reply_to": reply_to});
        let sent = self.rest.say(&self.room, user, &body).await.expect(201).json();
        sent["message_id"].as_str().unwrap().to_owned()
    }

    fn path(&self, end: &str) -> String {
        format!("/api/v1/rooms/{}/messages{end}", self.room)
    }

    async fn get(&self, user: &Account, end: &str) -> Answer {
        self.rest.get(&self.path(end), Some(&user.token)).await
    }

    async fn shown(&self, user: &Account, id: &str) -> Value {
        self.get(user, &format!("/{id}")).await.expect(200).json()["message"].clone()
    }

    async fn delete(&self, user: &Account, id: &str) {
        let _gone = self.rest.delete(&self.path(&format!("/{id}")), Some(&user.token)).await.expect(200);
    }

    /// The texts of the messages of a page.
    fn texts(page: &Value) -> Vec<String> {
        let said = page["events"].as_array().unwrap().iter().filter(|event| event["type"] == "new_message");
        said.map(|event| event["message"]["content"].as_str().unwrap().to_owned()).collect()
    }
}

async fn save(rest: &Rest, method: Method, user: &Account, id: &str) -> Answer {
    let path = format!("/api/v1/users/me/saved/{id}");
    let request = RawRequest { method, path: &path, token: Some(&user.token), content_type: None, body: Vec::new() };
    rest.raw(request).await.unwrap()
}

#[tokio::test]
async fn a_thread_is_counted_and_listed_as_it_is() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (ann, bob) = (&scene.ann, &scene.bob);
        let question = scene.say(ann, "a question", None).await;
        let none = json!({"count": 0, "users": []});
        assert_eq!(scene.shown(ann, &question).await["replies"], none);
        let mut answers = Vec::new();
        for (n, user) in [bob, ann, bob].into_iter().enumerate() {
            answers.push(scene.say(user, &format!("answer {n}"), Some(&question)).await);
        }
        let replies = &scene.shown(ann, &question).await["replies"];
        let brief = |user: &Account| json!({"user_id": user.user_id, "username": user.username});
        assert_eq!((&replies["count"], &replies["users"]), (&json!(3), &json!([brief(bob), brief(ann)])));
        let newest = scene.shown(ann, &answers[2]).await;
        assert_eq!((&replies["last_at"], &newest["reply_to"]), (&newest["timestamp"], &json!(question)));
        let page = scene.get(bob, "").await.expect(200).json();
        let found = page["events"].as_array().unwrap().iter();
        let found = found
            .map(|event| &event["message"])
            .find(|message| message["message_id"] == question.as_str());
        assert_eq!(&found.unwrap()["replies"], replies, "the same in the history");

        let thread = format!("/{question}/thread");
        let first = scene.get(bob, &format!("{thread}?limit=2")).await.expect(200).json();
        assert_eq!(&first["message"]["message"]["replies"], replies);
        let cursor = first["next_cursor"].as_str().unwrap();
        let rest = scene.get(bob, &format!("{thread}?limit=2&cursor={cursor}")).await.expect(200).json();
        assert_eq!(rest["next_cursor"], Value::Null);
        let ids = |page: &Value| {
            let ids = page["replies"]
                .as_array()
                .unwrap()
                .iter()
                .map(|reply| reply["message"]["message_id"].clone());
            ids.collect::<Vec<_>>()
        };
        assert_eq!([ids(&first), ids(&rest)].concat(), answers.iter().map(|id| json!(id)).collect::<Vec<_>>());

        scene.delete(bob, &answers[2]).await;
        let replies = &scene.shown(ann, &question).await["replies"];
        assert_eq!((&replies["count"], &replies["users"]), (&json!(2), &json!([brief(ann), brief(bob)])));
        assert_eq!(ids(&scene.get(ann, &thread).await.expect(200).json()).len(), 2);
        assert_eq!(scene.shown(ann, &answers[2]).await["deleted"], true);
        scene.delete(ann, &question).await;
        assert_eq!(scene.shown(ann, &question).await["replies"]["count"], 2, "what is answered may go");
    }
}

#[tokio::test]
async fn a_message_is_shown_to_who_may_read_it() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let eve = scene.rest.new_user("eve").await;
        let id = scene.say(&scene.ann, "hi", None).await;
        let by_id = format!("/api/v1/messages/{id}");
        let found = scene.rest.get(&by_id, Some(&scene.bob.token)).await.expect(200).json();
        assert_eq!((&found["room"], &found["message"]["content"]), (&json!(scene.room), &json!("hi")));
        assert_eq!(found, scene.get(&scene.bob, &format!("/{id}")).await.expect(200).json());
        scene.rest.get(&by_id, Some(&eve.token)).await.expect_problem(404, "unknown_message");
        scene.get(&eve, &format!("/{id}")).await.expect_problem(403, "not_a_member");
        scene.get(&eve, &format!("/{id}/thread")).await.expect_problem(403, "not_a_member");
        let other = Scene::on(deployment).await;
        for end in ["", "/thread"] {
            other.get(&other.ann, &format!("/{id}{end}")).await.expect_problem(404, "unknown_message");
            scene
                .get(&scene.ann, &format!("/{NEVER}{end}"))
                .await
                .expect_problem(404, "unknown_message");
        }
        for id in [NEVER, "hi"] {
            let answer = scene.rest.get(&format!("/api/v1/messages/{id}"), Some(&scene.ann.token)).await;
            answer.expect_problem(404, "unknown_message");
        }
    }
}

#[tokio::test]
async fn a_history_is_read_around_a_message_a_time_and_the_read_mark() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut ids = Vec::new();
        for n in 0..12 {
            ids.push(scene.say(&scene.ann, &format!("number {n}"), None).await);
        }
        let wanted: Vec<String> = (4..8).map(|n| format!("number {n}")).collect();
        let around = scene.get(&scene.bob, &format!("?around={}&limit=4", ids[6])).await.expect(200).json();
        assert_eq!(Scene::texts(&around), wanted);
        let sixth = scene.get(&scene.bob, &format!("/{}", ids[6])).await.expect(200).json();
        assert_eq!(around["anchor"], json!({"epoch": sixth["epoch"], "seq": sixth["seq"]}));
        let time = sixth["message"]["timestamp"].as_str().unwrap();
        let at = scene.get(&scene.bob, &format!("?at={time}&limit=4")).await.expect(200).json();
        // Others may have been said in the same millisecond before it.
        assert!(Scene::texts(&at).contains(&"number 6".to_owned()) || Scene::texts(&at).len() == 4, "{at}");
        let fifth = scene.get(&scene.bob, &format!("/{}", ids[5])).await.expect(200).json();
        let mark = json!({"epoch": fifth["epoch"], "seq": fifth["seq"]});
        let read = format!("/api/v1/rooms/{}/read", scene.room);
        let marked = scene.rest.put(&read, Some(&scene.bob.token), &mark).await;
        assert!(marked.status < 300, "{}", marked.text);
        let unread = scene.get(&scene.bob, "?unread=true&limit=4").await.expect(200).json();
        assert_eq!((Scene::texts(&unread), &unread["anchor"]), (wanted, &around["anchor"]));
        for (cursor, side, texts) in [("prev_cursor", "before", 2..4), ("next_cursor", "after", 8..10)] {
            let cursor = around[cursor].as_str().unwrap();
            let page = scene.get(&scene.bob, &format!("?{side}={cursor}&limit=2")).await.expect(200).json();
            assert_eq!(Scene::texts(&page), texts.map(|n| format!("number {n}")).collect::<Vec<_>>());
        }
        let alone = scene.get(&scene.bob, &format!("?around={}&limit=1", ids[6])).await.expect(200).json();
        assert_eq!(Scene::texts(&alone), ["number 6"]);
        let newest = scene.get(&scene.bob, "?at=2999-01-01T00:00:00Z&limit=2").await.expect(200).json();
        assert_eq!(Scene::texts(&newest), ["number 10", "number 11"]);
        let oldest = scene.get(&scene.bob, "?at=1999-01-01T00:00:00Z&limit=200").await.expect(200).json();
        assert_eq!(Scene::texts(&oldest)[0], "number 0");
        scene
            .get(&scene.bob, &format!("?around={NEVER}"))
            .await
            .expect_problem(404, "unknown_message");
        for bad in ["around=hi", "at=noon", "unread=1", &format!("around={}&unread=true", ids[0])] {
            scene.get(&scene.bob, &format!("?{bad}")).await.expect_problem(400, "bad_field");
        }
    }
}

#[tokio::test]
async fn what_is_saved_is_ones_own_and_shown_as_long_as_it_may_be_read() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (rest, bob) = (&scene.rest, &scene.bob);
        let list = async |user: &Account, query: &str| {
            let path = format!("/api/v1/users/me/saved{query}");
            rest.get(&path, Some(&user.token)).await.expect(200).json()
        };
        let ids = |page: &Value| {
            let saved = page["saved"].as_array().unwrap().iter();
            saved
                .map(|saved| saved["message"]["message_id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let mut said = Vec::new();
        for n in 0..3 {
            said.push(scene.say(&scene.ann, &format!("number {n}"), None).await);
            assert_eq!(save(rest, Method::PUT, bob, &said[n]).await.status, 204);
        }
        assert_eq!(save(rest, Method::PUT, bob, &said[0]).await.status, 204, "again");
        let newest: Vec<String> = said.iter().rev().cloned().collect();
        let all = list(bob, "").await;
        assert_eq!(ids(&all), newest);
        let first = &all["saved"][0];
        assert_eq!((&first["room"], &first["message"]["content"]), (&json!(scene.room), &json!("number 2")));
        assert!(first["saved_at"].is_string() && first["seq"].is_u64(), "{first}");
        let page = list(bob, "?limit=2").await;
        let cursor = page["next_cursor"].as_str().unwrap();
        assert_eq!(
            (ids(&page), ids(&list(bob, &format!("?cursor={cursor}")).await)),
            (newest[..2].to_vec(), newest[2..].to_vec())
        );
        assert_eq!(ids(&list(&scene.ann, "").await), Vec::<String>::new(), "nobody else's");
        assert_eq!(save(rest, Method::DELETE, bob, &said[1]).await.status, 204);
        assert_eq!(save(rest, Method::DELETE, bob, &said[1]).await.status, 204);
        assert_eq!(ids(&list(bob, "").await), [&*said[2], &*said[0]]);
        let eve = rest.new_user("eve").await;
        save(rest, Method::PUT, &eve, &said[0]).await.expect_problem(404, "unknown_message");
        save(rest, Method::PUT, bob, NEVER).await.expect_problem(404, "unknown_message");
        let leave = format!("/api/v1/rooms/{}/leave", scene.room);
        let left = rest.post(&leave, Some(&bob.token), &json!({})).await;
        assert!(left.status < 300, "{}", left.text);
        assert_eq!(ids(&list(bob, "").await), Vec::<String>::new());
        let _joined = rest.join(&scene.room, bob).await.expect(200);
        assert_eq!(ids(&list(bob, "").await).len(), 2, "it is kept");
    }
}

#[tokio::test]
async fn socketio_a_reply_is_told_as_one() {
    let deployment = shared::cluster().await;
    let scene = Scene::on(deployment).await;
    let base = Dialect::SocketIo.address(&deployment.sockets()[1]);
    let mut socket = Socket::login(&base, "/ws", &scene.bob.token).await;
    socket.subscribe(&scene.room).await;
    let question = say(&mut socket, &scene.room, "a question").await["message"]["message_id"].clone();
    let client_id = names::unique("c");
    let reply =
        json!({"type": "message", "room": scene.room, "client_id": client_id, "content": "yes", "reply_to": question});
    socket.send(reply).await;
    let is_own = |frame: &Value| frame["message"]["client_id"] == client_id.as_str();
    let heard = socket.expect("the answer", is_own).await;
    assert_eq!(heard["message"]["reply_to"], question);
    let is_ack = |frame: &Value| frame["type"] == "ack" && frame["client_id"] == client_id.as_str();
    socket.expect("the ack", is_ack).await;
    let replies = scene.shown(&scene.ann, question.as_str().unwrap()).await["replies"].clone();
    assert_eq!(replies["count"], 1, "{replies}");
}

#[tokio::test]
async fn messages_are_pinned_by_who_keeps_order() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let mut socket = Socket::login(&deployment.sockets()[1], "/ws", &scene.bob.token).await;
        socket.subscribe(&scene.room).await;
        let ids = [scene.say(&scene.bob, "one", None).await, scene.say(&scene.bob, "two", None).await];
        let pin = async |user: &Account, method: Method, id: &str| {
            let path = scene.path(&format!("/{id}/pin"));
            let request =
                RawRequest { method, path: &path, token: Some(&user.token), content_type: None, body: Vec::new() };
            scene.rest.raw(request).await.unwrap()
        };
        let list = async |query: &str| {
            let path = format!("/api/v1/rooms/{}/pins{query}", scene.room);
            scene.rest.get(&path, Some(&scene.bob.token)).await.expect(200).json()
        };
        let found = |page: &Value| {
            let pins = page["pins"].as_array().unwrap().iter();
            pins.map(|pin| pin["message"]["message_id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        pin(&scene.bob, Method::PUT, &ids[0]).await.expect_problem(403, "forbidden");
        for id in [&ids[0], &ids[0], &ids[1]] {
            assert_eq!(pin(&scene.ann, Method::PUT, id).await.status, 204);
        }
        for id in &ids {
            let told = socket.expect_type("message_pinned").await;
            assert_eq!((&told["message_id"], &told["user"]["user_id"]), (&json!(id), &json!(scene.ann.user_id)));
        }
        let all = list("").await;
        assert_eq!(found(&all), [&*ids[1], &*ids[0]], "the newest first");
        assert_eq!(all["pins"][0]["pinned_by"]["username"], scene.ann.username.as_str());
        assert_eq!(all["pins"][0]["message"]["content"], "two");
        let first = list("?limit=1").await;
        let cursor = first["next_cursor"].as_str().unwrap();
        assert_eq!(found(&list(&format!("?limit=1&cursor={cursor}")).await), [&*ids[0]]);
        pin(&scene.bob, Method::DELETE, &ids[0]).await.expect_problem(403, "forbidden");
        for _ in 0..2 {
            assert_eq!(pin(&scene.ann, Method::DELETE, &ids[0]).await.status, 204);
        }
        assert_eq!(socket.expect_type("message_unpinned").await["message_id"], ids[0].as_str());
        scene.delete(&scene.bob, &ids[1]).await;
        assert_eq!(found(&list("").await), Vec::<String>::new(), "what is deleted is pinned no more");
        for id in [&ids[1], NEVER] {
            pin(&scene.ann, Method::PUT, id).await.expect_problem(404, "unknown_message");
        }
        let acts = scene.get(&scene.bob, "?acts=true").await.expect(200).json();
        let kinds = acts["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap());
        let pins: Vec<&str> = kinds.filter(|kind| kind.ends_with("pinned")).collect();
        assert_eq!(pins, ["message_pinned", "message_pinned", "message_unpinned"], "what changes nothing is no event");
    }
}

#[tokio::test]
async fn who_keeps_order_on_the_server_pins_and_deletes_where_it_may_read() {
    for deployment in shared::both().await {
        let (scene, root) = (Scene::on(deployment).await, admin(deployment).await);
        let act = async |user: &Account, method: Method, path: &str| {
            let request = RawRequest { method, path, token: Some(&user.token), content_type: None, body: Vec::new() };
            scene.rest.raw(request).await.unwrap()
        };
        let hidden = scene.rest.new_room(&scene.ann, "private").await;
        let secret = scene
            .rest
            .say(&hidden, &scene.ann, &json!({"content": "secret"}))
            .await
            .expect(201)
            .json();
        let secret = format!("/api/v1/rooms/{hidden}/messages/{}", secret["message_id"].as_str().unwrap());
        for (role, is_member) in [("moderator", true), ("moderator", false), ("admin", true), ("admin", false)] {
            let staff = scene.rest.new_user("staff").await;
            let path = format!("/api/v1/admin/users/{}", staff.user_id);
            let _ranked = scene.rest.patch(&path, Some(&root.token), &json!({"role": role})).await.expect(200);
            if is_member {
                let _joined = scene.rest.join(&scene.room, &staff).await.expect(200);
            }
            let said = scene.say(&scene.bob, "not nice", None).await;
            let pin = scene.path(&format!("/{said}/pin"));
            assert_eq!(act(&staff, Method::PUT, &pin).await.status, 204, "{role} {is_member}");
            assert_eq!(act(&staff, Method::DELETE, &pin).await.status, 204, "{role} {is_member}");
            let message = scene.path(&format!("/{said}"));
            let done = act(&staff, Method::DELETE, &message).await.expect(200).json();
            assert_eq!(done["message_id"], said.as_str());
            assert_eq!(scene.shown(&scene.bob, &said).await["deleted"], true);
            assert_eq!(act(&staff, Method::DELETE, &message).await.status, 204, "it is deleted already");
            act(&staff, Method::DELETE, &scene.path(&format!("/{NEVER}")))
                .await
                .expect_problem(404, "unknown_message");
            act(&staff, Method::DELETE, &secret).await.expect_problem(404, "unknown_room");
            act(&staff, Method::PUT, &format!("{secret}/pin"))
                .await
                .expect_problem(404, "unknown_room");
        }
        let said = scene.say(&scene.ann, "hers", None).await;
        let message = scene.path(&format!("/{said}"));
        act(&scene.bob, Method::DELETE, &message).await.expect_problem(404, "unknown_message");
    }
}

#[tokio::test]
async fn mentions_are_listed_newest_first() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let (bob, eve) = (&scene.bob, scene.rest.new_user("eve").await);
        let name = &bob.username;
        let first = scene.say(&scene.ann, &format!("hi @{name}"), None).await;
        let second = scene.say(&scene.ann, &format!("@{name} again"), None).await;
        let _other = scene.say(&scene.ann, &format!("@{}", eve.username), None).await;
        let list = async |query: &str| {
            let path = format!("/api/v1/users/me/mentions{query}");
            scene.rest.get(&path, Some(&bob.token)).await.expect(200).json()
        };
        let ids = |page: &Value| {
            let found = page["mentions"].as_array().unwrap().iter();
            found
                .map(|mention| mention["message"]["message_id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let page = list("?limit=1").await;
        assert_eq!((ids(&page), &page["mentions"][0]["room"]), (vec![second.clone()], &json!(scene.room)));
        let cursor = page["next_cursor"].as_str().unwrap();
        assert_eq!(ids(&list(&format!("?limit=1&cursor={cursor}")).await), [&*first]);
        scene.delete(&scene.ann, &second).await;
        assert_eq!(ids(&list("").await), [&*first]);
        let leave = format!("/api/v1/rooms/{}/leave", scene.room);
        assert!(scene.rest.post(&leave, Some(&bob.token), &json!({})).await.status < 300);
        assert_eq!(ids(&list("").await), Vec::<String>::new(), "nobody reads what is not theirs any more");
    }
}
