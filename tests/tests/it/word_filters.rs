//! Unwelcome words: masked or refused in what is sent and edited, by frame and over REST, from the answer on; and in names.

use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::raw::exchange;
use rookery_tests::rest::{Account, Answer, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared, wait};
use serde_json::{Value, json};

use crate::talk::{hear, refused, say};

const SERVER: &str = "/api/v1/admin/filter";

struct Scene {
    rest: Rest,
    room: String,
    owner: Account,
    member: Account,
    here: Socket,
    there: Socket,
}

impl Scene {
    async fn on(deployment: &Deployment) -> Self {
        let rest = deployment.rest();
        let (owner, member) = (rest.new_user("owner").await, rest.new_user("member").await);
        let room = rest.new_room(&owner, "public").await;
        let _joined = rest.join(&room, &member).await.expect(200);
        let [here, there] = deployment.sockets();
        let mut here = Socket::login(&here, "/ws", &owner.token).await;
        let mut there = Socket::login(&there, "/ws", &member.token).await;
        here.subscribe(&room).await;
        there.subscribe(&room).await;
        Self { rest, room, owner, member, here, there }
    }

    fn path(&self, end: &str) -> String {
        format!("/api/v1/rooms/{}{end}", self.room)
    }

    async fn set(&self, by: &Account, filter: &Value) -> Answer {
        self.rest.put(&self.path("/filter"), Some(&by.token), filter).await
    }

    /// Sends by frame, and gives what everybody gets.
    async fn said(&mut self, text: &str) -> Value {
        let client_id = names::unique("c");
        let frame = json!({"type": "message", "room": self.room, "client_id": client_id, "content": text});
        self.there.send(frame).await;
        let echo = |frame: &Value| frame["message"]["client_id"] == client_id.as_str();
        let said = self.there.expect("the echo", echo).await;
        hear(&mut self.here, &said).await;
        said
    }
}

#[tokio::test]
async fn s3_25_words_are_masked_or_refused_from_the_answer_on_and_everywhere() {
    for deployment in shared::both().await {
        let mut scene = Scene::on(deployment).await;
        let filter = json!({"mode": "mask", "words": ["snarfle", "wort*"], "allow": ["wortlaut"], "builtin": true});
        scene.set(&scene.member, &filter).await.expect_problem(403, "forbidden");
        assert_eq!(scene.set(&scene.owner, &filter).await.expect(200).json(), filter);
        let read = scene.rest.get(&scene.path("/filter"), Some(&scene.owner.token)).await.expect(200).json();
        assert_eq!(read, filter);
        scene
            .rest
            .get(&scene.path("/filter"), Some(&scene.member.token))
            .await
            .expect_problem(403, "forbidden");

        let masked = scene.said("what a Sn4rfle, Wortlaut or wörter?").await;
        assert_eq!(masked["message"]["content"], "what a *******, Wortlaut or ******?");
        let body = json!({"content": "s n a r f l e"});
        let sent = scene.rest.say(&scene.room, &scene.member, &body).await.expect(201).json();
        let id = sent["message_id"].as_str().expect("an id").to_owned();
        let edit = json!({"content": "shit, edited"});
        let path = scene.path(&format!("/messages/{id}"));
        let _edited = scene.rest.put(&path, Some(&scene.member.token), &edit).await.expect(200);
        let told = scene.here.expect("the edit", |frame| frame["type"] == "message_edited").await;
        assert_eq!(told["content"], "****, edited");
        let history = scene.rest.get(&scene.path("/messages"), Some(&scene.owner.token)).await.expect(200).text;
        for word in ["nrfle", "Sn4rfle", "wörter", "s n a", "shit"] {
            assert!(!history.contains(word), "{word} in {history}");
        }

        let filter = json!({"mode": "reject", "words": ["snarfle"]});
        let _set = scene.set(&scene.owner, &filter).await.expect(200);
        let frame = json!({"type": "message", "room": scene.room, "client_id": "bad", "content": "a snarfle"});
        let _refused = refused(&mut scene.there, frame, "filtered").await;
        scene
            .rest
            .say(&scene.room, &scene.member, &json!({"content": "snarfle"}))
            .await
            .expect_problem(400, "filtered");
        let edit = scene.rest.put(&path, Some(&scene.member.token), &json!({"content": "snarfle"})).await;
        edit.expect_problem(400, "filtered");
        let name = scene
            .rest
            .patch(&scene.path(""), Some(&scene.owner.token), &json!({"topic": "snarfle"}))
            .await;
        name.expect_problem(400, "filtered");
        assert_eq!(scene.said("shit").await["message"]["content"], "shit");

        let _off = scene.set(&scene.owner, &json!({"mode": "off", "words": ["snarfle"]})).await.expect(200);
        say(&mut scene.there, &scene.room, "snarfle").await;
    }
}

#[tokio::test]
async fn a_repeat_of_a_masked_message_is_the_same_message() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let _set = scene.set(&scene.owner, &json!({"mode": "mask", "words": ["snarfle"]})).await.expect(200);
        let body = json!({"content": "snarfle", "client_id": names::unique("c")});
        let first = scene.rest.say(&scene.room, &scene.member, &body).await.expect(201).json();
        let _off = scene.set(&scene.owner, &json!({"mode": "off"})).await.expect(200);
        let second = scene.rest.say(&scene.room, &scene.member, &body).await.expect(201).json();
        assert_eq!((&first["message_id"], &first["seq"]), (&second["message_id"], &second["seq"]));
        let other = json!({"content": "*******", "client_id": body["client_id"]});
        scene
            .rest
            .say(&scene.room, &scene.member, &other)
            .await
            .expect_problem(409, "client_id_reused");
    }
}

#[tokio::test]
async fn bad_filters_are_refused_and_large_ones_are_taken() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        for bad in [
            json!({}),
            json!({"mode": "loud"}),
            json!({"mode": "mask", "words": [""]}),
            json!({"mode": "mask", "words": ["a\u{202e}b"]}),
            json!({"mode": "mask", "words": ["x".repeat(65)]}),
            json!({"mode": "mask", "words": vec!["x"; 1001]}),
            json!({"mode": "mask", "allow": vec!["x"; 1001]}),
            json!({"mode": "mask", "colour": "red"}),
        ] {
            scene.set(&scene.owner, &bad).await.expect_problem(400, "bad_field");
        }
        let words: Vec<String> = (0..1000).map(|number| format!("{}{number}", "ß".repeat(60))).collect();
        let _set = scene.set(&scene.owner, &json!({"mode": "mask", "words": words})).await.expect(200);
        let huge = json!({"mode": "mask", "words": ["x".repeat(2 * 1024 * 1024)]});
        scene.set(&scene.owner, &huge).await.expect_problem(413, "body_too_large");
        for path in [SERVER, &scene.path("/filter")] {
            let head = format!(
                "PUT {path} HTTP/1.1\r\nHost: rookery\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
                 Expect: 100-continue\r\nContent-Length: 10485760\r\n\r\n",
                scene.owner.token
            );
            let answer = exchange(scene.rest.address(), head.as_bytes(), wait::PATIENCE).await;
            assert!(answer.starts_with("HTTP/1.1 413"), "before it is sent: {answer}");
        }
    }
}

#[tokio::test]
async fn the_servers_filter_holds_on_every_node_within_seconds_and_for_names() {
    for deployment in &Deployment::both_with(&[]).await {
        let mut scene = Scene::on(deployment).await;
        let admin = scene.rest.new_user("admin").await;
        deployment.command(&["user", "role", &admin.username, "admin"], "");
        scene
            .rest
            .put(SERVER, Some(&scene.owner.token), &json!({"mode": "off"}))
            .await
            .expect_problem(403, "forbidden");
        let filter = json!({"mode": "mask", "words": ["snarfle"], "allow": [], "builtin": false});
        let set = scene.rest.put(SERVER, Some(&admin.token), &filter).await.expect(200).json();
        assert_eq!(set, filter);
        assert_eq!(scene.rest.get(SERVER, Some(&admin.token)).await.expect(200).json(), filter);
        wait::until("the filter holds on the other node", async || {
            scene.said("a snarfle").await["message"]["content"] == "a *******"
        })
        .await;
        let snarfle = |rest: &Rest, owner: &Account| {
            let (rest, token) = (rest.clone(), owner.token.clone());
            async move { rest.post("/api/v1/rooms", Some(&token), &json!({"name": "Snarfle talk"})).await }
        };
        wait::until("names are looked at", async || snarfle(&scene.rest, &scene.owner).await.status == 400).await;
        snarfle(&scene.rest, &scene.owner).await.expect_problem(400, "filtered");
        let me = "/api/v1/users/me";
        let named = scene.rest.patch(me, Some(&scene.owner.token), &json!({"display_name": "Sn@rfle"})).await;
        named.expect_problem(400, "filtered");
        // The same rules are a part of the settings.
        let settings = "/api/v1/admin/settings";
        assert_eq!(scene.rest.get(settings, Some(&admin.token)).await.expect(200).json()["filter"], filter);
        let other = json!({"mode": "reject", "words": ["snarfle"], "allow": ["snarfle soup"], "builtin": false});
        let set = scene
            .rest
            .patch(settings, Some(&admin.token), &json!({"filter": other}))
            .await
            .expect(200)
            .json();
        assert_eq!(set["filter"], other);
        assert_eq!(scene.rest.get(SERVER, Some(&admin.token)).await.expect(200).json(), other);
        let bad = scene.rest.patch(settings, Some(&admin.token), &json!({"filter": null})).await;
        bad.expect_problem(400, "bad_field");
        let audit = scene
            .rest
            .get("/api/v1/moderation/audit?action=settings_changed", Some(&admin.token))
            .await;
        assert!(audit.expect(200).text.contains("snarfle"));
    }
}
