//! Inboxes: what concerns a user is told to every device, whichever rooms are live there, and kept.

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use crate::accounts::admin;

const INBOX: &str = "/api/v1/notifications";

struct Scene {
    rest: Rest,
    sockets: [String; 2],
    ann: Account,
    ben: Account,
    room: String,
}

impl Scene {
    async fn on(deployment: &Deployment) -> Self {
        let (rest, sockets) = (deployment.rest(), deployment.sockets());
        let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
        let room = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&room, &ben).await.expect(200);
        Self { rest, sockets, ann, ben, room }
    }

    async fn say(&self, who: &Account, body: Value) -> (u64, String) {
        let mut body = body;
        body["client_id"] = json!(names::unique("n"));
        let said = self.rest.say(&self.room, who, &body).await.expect(201).json();
        (said["seq"].as_u64().unwrap(), said["message_id"].as_str().unwrap().to_owned())
    }

    async fn inbox(&self, who: &Account) -> Vec<Value> {
        let page = self.rest.get(INBOX, Some(&who.token)).await.expect(200).json();
        page["notifications"].as_array().unwrap().clone()
    }

    async fn device(&self, who: &Account, node: usize) -> Socket {
        Socket::login(&self.sockets[node], "/ws", &who.token).await
    }
}

async fn hears(device: &mut Socket, kind: &str) -> Value {
    device
        .expect(kind, |frame| frame["type"] == "notification" && frame["kind"] == kind)
        .await
}

#[tokio::test]
async fn a_mention_is_told_to_every_device_and_kept_until_it_is_read() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let Scene { rest, ann, ben, room, .. } = &scene;
        // The room is live on none of them.
        let (mut here, mut there) = (scene.device(ben, 0).await, scene.device(ben, 1).await);
        let (_, plain) = scene.say(ann, json!({"content": "nobody is meant"})).await;
        let (seq, message) = scene.say(ann, json!({"content": format!("hi @{}", ben.username)})).await;
        for device in [&mut here, &mut there] {
            let told = hears(device, "mention").await;
            assert_eq!((&told["message"], &told["room"]), (&json!(message), &json!(room)), "{told}");
            assert_eq!((&told["by"], &told["read"]), (&json!(ann.user_id), &json!(false)));
        }
        let inbox = scene.inbox(ben).await;
        assert_eq!(inbox.len(), 1, "{inbox:?}, {plain} is none");
        assert_eq!(inbox[0]["message"], json!(message));
        let read = json!({"up_to": inbox[0]["id"]});
        assert_eq!(rest.post(&format!("{INBOX}/read"), Some(&ben.token), &read).await.status, 204);
        for device in [&mut here, &mut there] {
            let told = device.expect_type("notifications_read").await;
            assert_eq!(told["up_to"], inbox[0]["id"]);
        }
        assert_eq!(scene.inbox(ben).await[0]["read"], true);
        rest.post(&format!("{INBOX}/read"), Some(&ann.token), &read)
            .await
            .expect_problem(404, "not_found");

        // What is read in the room need not be read in the inbox.
        let (next, _) = scene.say(ann, json!({"content": format!("again @{}", ben.username)})).await;
        assert!(next > seq);
        hears(&mut here, "mention").await;
        let path = format!("/api/v1/rooms/{room}/read");
        let _read = rest.put(&path, Some(&ben.token), &json!({"seq": next})).await.expect(200);
        for device in [&mut here, &mut there] {
            let told = device
                .expect("a room was read", |frame| {
                    frame["type"] == "notifications_read" && frame["room"] == room.as_str()
                })
                .await;
            assert!(told.get("up_to").is_none(), "{told}");
        }
        assert!(scene.inbox(ben).await.iter().all(|notice| notice["read"] == true));
        assert_eq!(scene.inbox(ann).await.len(), 0);
    }
}

#[tokio::test]
async fn a_reply_and_an_edit_that_names_somebody_are_told_once() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let Scene { rest, ann, ben, room, .. } = &scene;
        let mut device = scene.device(ben, 0).await;
        let (_, asked) = scene.say(ben, json!({"content": "who is there?"})).await;
        let answer = json!({"content": format!("me, @{}", ben.username), "reply_to": asked});
        let (_, answered) = scene.say(ann, answer).await;
        assert_eq!(hears(&mut device, "reply").await["message"], json!(answered));
        let (_, later) = scene.say(ann, json!({"content": "hello"})).await;
        let path = format!("/api/v1/rooms/{room}/messages/{later}");
        for text in ["hello @", "oh, hello @"] {
            let edit = json!({"content": format!("{text}{}", ben.username), "client_id": names::unique("e")});
            let _edited = rest.put(&path, Some(&ann.token), &edit).await.expect(200);
        }
        assert_eq!(hears(&mut device, "mention").await["message"], json!(later));
        // Everything before it is made by then.
        let (_, last) = scene.say(ann, json!({"content": format!("@{}", ben.username)})).await;
        let told =
            device.expect("the last", |frame| frame["type"] == "notification" && frame["message"] == last.as_str());
        told.await;
        let kinds: Vec<Value> = scene.inbox(ben).await.iter().map(|notice| notice["kind"].clone()).collect();
        assert_eq!(kinds, ["mention", "mention", "reply"]);
    }
}

#[tokio::test]
async fn outsiders_and_who_is_blocked_are_not_told() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let Scene { rest, ann, ben, room, .. } = &scene;
        let (outsider, witness) = (rest.new_user("out").await, rest.new_user("wit").await);
        let _joined = rest.join(room, &witness).await.expect(200);
        let blocked = format!("/api/v1/users/me/blocks/{}", ann.user_id);
        assert_eq!(rest.put(&blocked, Some(&ben.token), &json!({})).await.status, 204);
        let mut device = scene.device(&witness, 0).await;
        let content = format!("@{} @{} @{}", ben.username, outsider.username, witness.username);
        scene.say(ann, json!({"content": content})).await;
        hears(&mut device, "mention").await;
        for nobody in [ben, &outsider] {
            assert_eq!(scene.inbox(nobody).await, Vec::<Value>::new());
        }
    }
}

#[tokio::test]
async fn an_inbox_comes_in_pages_and_is_nobody_elses() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let Scene { rest, ann, ben, .. } = &scene;
        let mut device = scene.device(ben, 0).await;
        let mut said = Vec::new();
        for _ in 0..5 {
            said.push(scene.say(ann, json!({"content": format!("@{}", ben.username)})).await.1);
            hears(&mut device, "mention").await;
        }
        said.reverse();
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("{INBOX}?limit=2{cursor}");
            let page = rest.get(&path, Some(&ben.token)).await.expect(200).json();
            // Others are told something on the same server.
            let told = page["notifications"].as_array().unwrap().iter().filter(|one| one["kind"] == "mention");
            found.extend(told.map(|one| one["message"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, said);
        rest.get(&format!("{INBOX}?limit=2{cursor}"), Some(&ann.token))
            .await
            .expect_problem(400, "bad_field");
        rest.get(INBOX, None).await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn another_name_or_picture_reaches_who_watches_and_the_own_devices() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let Scene { rest, ann, ben, room, .. } = &scene;
        let (mut own, mut watcher) = (scene.device(ann, 0).await, scene.device(ben, 1).await);
        own.subscribe(room).await;
        watcher.subscribe(room).await;
        watcher.send(json!({"type": "watch", "users": [ann.user_id], "rooms": []})).await;
        watcher.expect_type("watching").await;
        let _named = rest
            .patch("/api/v1/users/me", Some(&ann.token), &json!({"display_name": "Ann"}))
            .await
            .expect(200);
        for device in [&mut own, &mut watcher] {
            let told = device.expect_type("user_updated").await;
            assert_eq!((&told["user_id"], &told["display_name"]), (&json!(ann.user_id), &json!("Ann")), "{told}");
        }
        let name = names::unique("anna");
        let _renamed = rest
            .put("/api/v1/users/me/username", Some(&ann.token), &json!({"username": name}))
            .await
            .expect(200);
        for device in [&mut own, &mut watcher] {
            device
                .expect("the name", |frame| frame["type"] == "user_updated" && frame["username"] == name.as_str())
                .await;
        }
        // The session goes on under the new name.
        own.send(json!({"content": "hi", "room": room})).await;
        let said = watcher.expect_type("new_message").await;
        assert_eq!(said["message"]["username"], json!(name));
    }
}

#[tokio::test]
async fn who_hides_typing_is_not_seen_typing_from_then_on() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let Scene { rest, ann, ben, room, .. } = &scene;
        let (mut own, mut other) = (scene.device(ann, 0).await, scene.device(ben, 1).await);
        own.subscribe(room).await;
        other.subscribe(room).await;
        let settings = "/api/v1/users/me/settings";
        let _off = rest.patch(settings, Some(&ann.token), &json!({"typing": false})).await.expect(200);
        assert_eq!(own.expect_type("settings_updated").await["typing"], false);
        own.send(json!({"type": "typing", "room": room})).await;
        own.send(json!({"content": "one", "room": room})).await;
        other.expect_type("new_message").await;
        assert!(other.mailbox().seen.iter().all(|frame| frame["type"] != "typing"));
        let _on = rest.patch(settings, Some(&ann.token), &json!({"typing": true})).await.expect(200);
        own.expect("it is shown", |frame| frame["type"] == "settings_updated" && frame["typing"] == true)
            .await;
        own.send(json!({"type": "typing", "room": room})).await;
        other.expect_type("typing").await;
    }
}

#[tokio::test]
async fn what_a_moderator_does_is_told_to_whom_it_is_done() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let Scene { rest, ann, ben, room, .. } = &scene;
        let mut device = scene.device(ben, 1).await;
        for (act, detail) in [("mute", "mute"), ("ban", "ban")] {
            let case = [room.as_str(), ben.user_id.as_str(), act];
            assert_eq!(rest.moderate(Method::PUT, case, ann, &json!({})).await.status, 204);
            let told = hears(&mut device, "sanctioned").await;
            assert_eq!((&told["detail"], &told["by"]), (&json!(detail), &json!(ann.user_id)), "{told}");
        }
        assert_eq!(scene.inbox(ben).await.len(), 2);
        assert_eq!(scene.inbox(ann).await.len(), 0);
    }
}

#[tokio::test]
async fn preferences_reach_every_device_and_say_what_is_told() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let Scene { rest, ann, ben, room, .. } = &scene;
        let path = format!("/api/v1/users/me/rooms/{room}");
        let mut device = scene.device(ben, 1).await;
        // Notices are made after a message is stored: once she is told of it, so would he have been.
        let witness = rest.new_user("wit").await;
        let _joined = rest.join(room, &witness).await.expect(200);
        let mut other = scene.device(&witness, 0).await;
        let both = json!({"content": format!("@{} @{}", ben.username, witness.username)});
        let quiet = json!({"notify": "none", "favourite": true, "marked_unread": true});
        assert_eq!(rest.patch(&path, Some(&ben.token), &quiet).await.status, 204);
        let told = device.expect_type("room_preferences").await;
        assert_eq!(told["room"], json!(room));
        for (field, value) in [("notify", json!("none")), ("favourite", json!(true)), ("hidden", json!(false))] {
            assert_eq!(told[field], value, "{field} in {told}");
        }
        let (seq, _) = scene.say(ann, both.clone()).await;
        let _told = hears(&mut other, "mention").await;
        let _read = rest
            .put(&format!("/api/v1/rooms/{room}/read"), Some(&ben.token), &json!({"seq": seq}))
            .await
            .expect(200);
        let told = device.expect_type("room_preferences").await;
        assert_eq!((&told["marked_unread"], &told["favourite"]), (&json!(false), &json!(true)), "it is read");
        let later = json!({"notify": "mentions", "muted_until": "2999-01-01T00:00:00.000Z"});
        assert_eq!(rest.patch(&path, Some(&ben.token), &later).await.status, 204);
        scene.say(ann, both.clone()).await;
        let _told = hears(&mut other, "mention").await;
        let loud = json!({"notify": "mentions", "muted_until": null});
        assert_eq!(rest.patch(&path, Some(&ben.token), &loud).await.status, 204);
        let (_, heard) = scene.say(ann, both).await;
        assert_eq!(hears(&mut device, "mention").await["message"], json!(heard));
        assert_eq!(scene.inbox(ben).await.len(), 1, "the others were not wanted");
        let unread = rest.get(&format!("/api/v1/rooms/{room}/read"), Some(&ben.token)).await.expect(200).json();
        assert_eq!(unread["mentions"], 2, "and count all the same");

        for bad in [json!({"notify": "loud"}), json!({"notify": null}), json!({"favourite": 1}), json!({"x": true})] {
            rest.patch(&path, Some(&ben.token), &bad).await.expect_problem(400, "bad_field");
        }
        let stranger = rest.new_user("str").await;
        rest.patch(&path, Some(&stranger.token), &quiet).await.expect_problem(403, "not_a_member");
    }
}

#[tokio::test]
async fn s4_22_who_shows_what_is_read_sees_it_of_others() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let Scene { rest, ann, ben, room, .. } = &scene;
        let shy = rest.new_user("shy").await;
        let _joined = rest.join(room, &shy).await.expect(200);
        let settings = "/api/v1/users/me/settings";
        let _off = rest.patch(settings, Some(&shy.token), &json!({"read_receipts": false})).await.expect(200);
        let mut others = [scene.device(ann, 0).await, scene.device(&shy, 1).await];
        for device in &mut others {
            device.subscribe(room).await;
        }
        let (seq, _) = scene.say(ann, json!({"content": "one"})).await;
        let read = format!("/api/v1/rooms/{room}/read");
        for reader in [&shy, ben] {
            let _read = rest.put(&read, Some(&reader.token), &json!({"seq": seq})).await.expect(200);
        }
        let [of_ann, of_shy] = &mut others;
        let told = of_ann.expect_type("read_by").await;
        assert_eq!(
            (&told["user_id"], &told["read"]["seq"]),
            (&json!(ben.user_id), &json!(seq)),
            "not of the other one"
        );
        let (_, last) = scene.say(ann, json!({"content": "two"})).await;
        let is_last = |frame: &Value| frame["type"] == "new_message" && frame["message"]["message_id"] == last.as_str();
        of_shy.expect("what comes behind it", is_last).await;
        assert!(
            of_shy.mailbox().seen.iter().all(|frame| frame["type"] != "read_by"),
            "who shows nothing sees nothing"
        );
        let path = format!("/api/v1/rooms/{room}/reads");
        let reads = rest.get(&path, Some(&ann.token)).await.expect(200).json();
        let reads = reads["reads"].as_array().unwrap();
        assert_eq!(reads.len(), 1, "{reads:?}");
        assert_eq!((&reads[0]["user_id"], &reads[0]["seq"]), (&json!(ben.user_id), &json!(seq)));
        assert!(reads[0]["at"].is_string());
        assert_eq!(rest.get(&path, Some(&shy.token)).await.expect(200).json()["reads"], json!([]));
        let stranger = rest.new_user("str").await;
        rest.get(&path, Some(&stranger.token)).await.expect_problem(403, "not_a_member");
    }
}

#[tokio::test]
async fn announcements_reach_everybody_and_are_taken_back() {
    // Everybody on a server that others use would be told, too.
    for deployment in &Deployment::both_with(&[]).await {
        let scene = Scene::on(deployment).await;
        let Scene { rest, ben, .. } = &scene;
        let (admin, path) = (admin(deployment).await, "/api/v1/admin/announcements");
        let mut device = scene.device(ben, 1).await;
        let body = json!({"content": "Down for an hour."});
        rest.post(path, Some(&ben.token), &body).await.expect_problem(403, "forbidden");
        rest.post(path, Some(&admin.token), &json!({"content": " "}))
            .await
            .expect_problem(400, "bad_field");
        let made = rest.post(path, Some(&admin.token), &body).await.expect(201).json();
        let id = &made["announcement_id"];
        let told = device.expect("it", |frame| frame["type"] == "announcement" && frame["id"] == *id).await;
        assert_eq!(told["content"], body["content"]);
        let inbox = scene.inbox(ben).await;
        assert_eq!((&inbox[0]["kind"], &inbox[0]["text"]), (&json!("announcement"), &body["content"]));
        let listed = rest.get(path, Some(&admin.token)).await.expect(200).json();
        assert_eq!(listed["announcements"][0], made);
        let one = format!("{path}/{}", id.as_str().unwrap());
        assert_eq!(rest.delete(&one, Some(&admin.token)).await.status, 204);
        let gone = |frame: &Value| frame["type"] == "announcement" && frame["id"] == *id && frame["deleted"] == true;
        device.expect("it is taken back", gone).await;
        assert_eq!(scene.inbox(ben).await, Vec::<Value>::new());
        rest.delete(&one, Some(&admin.token)).await.expect_problem(404, "not_found");
    }
}
