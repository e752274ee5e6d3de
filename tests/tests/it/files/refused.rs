//! Files of messages that were refused: they are their uploader's alone, and free at once.

use std::time::Duration;

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use super::{FILES, id, links, send, status, upload};
use crate::talk::refused;

/// A room, its owner and a member.
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

    async fn change(&self, change: Value) {
        let path = format!("/api/v1/rooms/{}", self.room);
        let _changed = self.rest.patch(&path, Some(&self.ann.token), &change).await.expect(200);
    }

    async fn file(&self) -> String {
        id(&upload(&self.rest, &self.bob, "a.txt", b"a").await)
    }

    async fn send(&self, content: &str, file: &str) -> Answer {
        send(&self.rest, &self.room, &self.bob, content, &[file]).await
    }

    async fn delete(&self, file: &str) -> Answer {
        self.rest.delete(&format!("{FILES}/{file}"), Some(&self.bob.token)).await
    }
}

#[tokio::test]
async fn files_of_refused_messages_are_nobody_elses_and_free_at_once() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let [kept, gone] = [scene.file().await, scene.file().await];
        scene.change(json!({"frozen": true})).await;
        for file in [&kept, &gone] {
            scene.send("never said", file).await.expect_problem(403, "frozen");
            assert_eq!(status(deployment, file, &scene.ann).await, 404, "nobody reads a message that there is not");
            assert_eq!(status(deployment, file, &scene.bob).await, 200);
        }
        assert_eq!(links(&scene.rest, &scene.ann, &[&kept]).await, json!({}));
        assert_eq!(scene.delete(&gone).await.status, 204);
        scene.change(json!({"frozen": false})).await;
        let _sent = scene.send("said otherwise", &kept).await.expect(201);
        assert_eq!(status(deployment, &kept, &scene.ann).await, 200);
        assert_ne!(links(&scene.rest, &scene.ann, &[&kept]).await, json!({}));
        scene.delete(&kept).await.expect_problem(409, "file_attached");
        let [named, filtered, archived] = [scene.file().await, scene.file().await, scene.file().await];
        let client_id = names::unique("reused");
        let mut body = json!({"content": "one", "client_id": client_id});
        let _first = scene.rest.say(&scene.room, &scene.bob, &body).await.expect(201);
        body["attachments"] = json!([named]);
        scene
            .rest
            .say(&scene.room, &scene.bob, &body)
            .await
            .expect_problem(409, "client_id_reused");
        assert_eq!(scene.delete(&named).await.status, 204);
        let path = format!("/api/v1/rooms/{}/filter", scene.room);
        let rules = json!({"mode": "reject", "words": ["zebrafish"]});
        let _set = scene.rest.put(&path, Some(&scene.ann.token), &rules).await.expect(200);
        scene.send("a zebrafish", &filtered).await.expect_problem(400, "filtered");
        let _sent = scene.send("a fish", &filtered).await.expect(201);
        scene.change(json!({"archived": true})).await;
        scene.send("too late", &archived).await.expect_problem(403, "archived");
        assert_eq!(scene.delete(&archived).await.status, 204);
    }
}

#[tokio::test]
async fn a_refused_frame_gives_its_files_back() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let [kept, gone] = [scene.file().await, scene.file().await];
        scene.change(json!({"frozen": true})).await;
        let mut socket = Socket::login(&deployment.sockets()[1], "/ws", &scene.bob.token).await;
        let frame = |content: Value, file: &str| {
            json!({"type": "message", "room": scene.room, "client_id": names::unique("f"), "content": content,
                "attachments": [file]})
        };
        for file in [&kept, &gone] {
            refused(&mut socket, frame(json!("never said"), file), "frozen").await;
        }
        assert_eq!(scene.delete(&gone).await.status, 204);
        scene.change(json!({"frozen": false})).await;
        let again = frame(Value::Null, &kept);
        let is_ack = |frame: &Value| frame["type"] == "ack" && frame["client_id"] == again["client_id"];
        socket.send(again.clone()).await;
        socket.expect("the ack", is_ack).await;
        assert_eq!(status(deployment, &kept, &scene.ann).await, 200);
    }
}

#[tokio::test]
async fn too_many_files_or_one_twice_are_a_wrong_field() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let file = scene.file().await;
        let many: Vec<String> = (0..11).map(|n| format!("01890000-0000-7000-8000-0000000000{n:02}")).collect();
        let mut socket = Socket::login(&deployment.sockets()[1], "/ws", &scene.bob.token).await;
        for files in [json!(many), json!([file, file])] {
            let body = json!({"content": "x", "attachments": files});
            scene.rest.say(&scene.room, &scene.bob, &body).await.expect_problem(400, "bad_field");
            let frame = json!({"type": "message", "room": scene.room, "content": "x", "attachments": files});
            let error = refused(&mut socket, frame, "bad_field").await;
            assert_eq!(error["field"], "attachments");
        }
    }
}

#[tokio::test]
async fn a_file_is_had_already_and_asked_for_without_its_bytes() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment).await;
        let path = format!("{FILES}/{}", scene.file().await);
        let any = super::get(deployment, &path, Some(&scene.bob.token), &[("if-none-match", "*")]).await;
        assert_eq!(any.status, 304);
        let url = format!("{}{path}", deployment.api().public_url());
        let asked = reqwest::Client::new()
            .head(url)
            .bearer_auth(&scene.bob.token)
            .header("range", "bytes=5-9");
        let answer = asked.timeout(Duration::from_secs(10)).send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), &answer.headers()["content-length"]), (200, &"1".parse().unwrap()));
    }
}

#[tokio::test]
async fn nothing_of_a_refused_upload_is_kept() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("forms").await;
        let part = |more: &str| {
            let file = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhello\r\n--b";
            format!("{file}{more}").into_bytes()
        };
        let twice = "\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nmore\r\n--b--\r\n";
        for (more, expected) in [("--\r\n", 201), ("", 400), ("-", 400), (twice, 400)] {
            let (method, path) = (Method::POST, FILES);
            let content_type = Some("multipart/form-data; boundary=b");
            let request = RawRequest { method, path, token: Some(&user.token), content_type, body: part(more) };
            let answer = rest.raw(request).await.expect("an answer");
            assert_eq!(answer.status, expected, "{more:?}: {}", answer.text);
            assert!(expected == 201 || answer.code() == "bad_field", "{}", answer.text);
        }
        let heif = b"\0\0\0\x18ftypheic\0\0\0\0mif1heicExif\0\0a place".to_vec();
        super::try_upload(&rest, &user, "a.heic", Some("image/heic"), heif)
            .await
            .expect_problem(415, "file_type_refused");
    }
}
