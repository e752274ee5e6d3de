//! Everything is an event in the log: edits, deletions and reactions, by frame and over REST, live with numbers and
//! after a restart.

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::names;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::view::assert_contiguous;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};

use crate::talk::{exchange, hear, refused, say};

const THUMB: &str = "👍";

#[tokio::test]
async fn s1_22_cluster_acts_are_events_and_survive_a_restart() {
    acts_are_events(Deployment::cluster_alone().await).await;
}

#[tokio::test]
async fn s1_22_standalone_acts_are_events_and_survive_a_restart() {
    acts_are_events(Deployment::standalone().await).await;
}

/// A room with its owner on one gateway and a member on the other.
struct Scene {
    rest: Rest,
    ann: Account,
    ben: Account,
    room: String,
    here: Socket,
    there: Socket,
}

async fn acts_are_events(deployment: Deployment) {
    let mut scene = Scene::set(&deployment).await;
    let (kept, gone) = (scene.by_frame().await, scene.by_rest().await);
    scene.p06_what_may_not_be_done_is_unknown(&kept, &gone).await;
    exchange(&mut scene.here, &mut scene.there, &scene.room).await;
    let before = scene.rest.history(&scene.room, &scene.ben.token).await;
    assert_contiguous(&before, 1);
    assert_state(&before, &kept, &gone);
    deployment.restart_all().await;
    assert_eq!(scene.rest.history(&scene.room, &scene.ben.token).await, before);
    deployment.assert_alive();
}

fn assert_state(history: &[Value], kept: &str, gone: &str) {
    let message = |id: &str| {
        let found = history.iter().find(|frame| frame["message"]["message_id"] == id);
        found.map_or_else(|| panic!("{id} is not in the history"), |frame| frame["message"].clone())
    };
    let kept = message(kept);
    assert_eq!(kept["content"], "second text");
    assert!(kept["edited_at"].is_string(), "{kept}");
    assert_eq!(kept["reactions"][0]["emoji"], THUMB);
    let gone = message(gone);
    assert_eq!((&gone["content"], &gone["deleted"]), (&json!(""), &json!(true)));
    assert!(gone.get("reactions").is_none() && gone.get("edited_at").is_none(), "{gone}");
    let edits = history.iter().filter(|frame| frame["type"] == "message_edited");
    let texts: Vec<_> = edits.map(|frame| frame["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["second text", ""], "the text of the deleted one is nowhere");
}

impl Scene {
    async fn set(deployment: &Deployment) -> Self {
        let (rest, [left, right]) = (deployment.rest(), deployment.sockets());
        let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
        let room = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&room, &ben).await.expect(200);
        let mut here = Socket::login(&left, "/ws", &ann.token).await;
        let mut there = Socket::login(&right, "/ws", &ben.token).await;
        here.subscribe(&room).await;
        there.subscribe(&room).await;
        Self { rest, ann, ben, room, here, there }
    }

    /// Does something by frame as Ann; returns what everybody hears of it.
    async fn act(&mut self, frame: Value, kind: &str) -> Value {
        let client_id = frame["client_id"].clone();
        self.here.send(frame).await;
        let event = self.here.expect_type(kind).await;
        let ack = self
            .here
            .expect("the ack", |frame| frame["type"] == "ack" && frame["client_id"] == client_id)
            .await;
        for field in ["room", "epoch", "seq", "timestamp"] {
            assert_eq!(ack[field], event[field], "ack and event are one");
        }
        hear(&mut self.there, &event).await;
        event
    }

    fn frame(&self, kind: &str, message: &str, rest: &Value) -> Value {
        let mut frame =
            json!({"type": kind, "room": self.room, "message_id": message, "client_id": names::unique("c")});
        frame.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        frame
    }

    /// Edit, react, take back, react again; all in one row of numbers. Returns the message.
    async fn by_frame(&mut self) -> String {
        let said = say(&mut self.here, &self.room, "first text").await;
        hear(&mut self.there, &said).await;
        let id = said["message"]["message_id"].as_str().unwrap().to_owned();
        let mut last = said["seq"].as_u64().unwrap();
        let edit = self.frame("edit", &id, &json!({"content": "second text"}));
        let react = json!({"emoji": THUMB});
        for (frame, kind) in [
            (edit.clone(), "message_edited"),
            (self.frame("react", &id, &react), "reaction_added"),
            (self.frame("react", &id, &json!({"emoji": THUMB, "remove": true})), "reaction_removed"),
            (self.frame("react", &id, &react), "reaction_added"),
        ] {
            let event = self.act(frame, kind).await;
            last += 1;
            assert_eq!((event["seq"].as_u64(), event["message_id"].as_str()), (Some(last), Some(id.as_str())));
            assert_eq!(event["user"]["user_id"], self.ann.user_id.as_str());
        }
        self.assert_repeat(edit, last).await;
        let versions = self.edits(&id).await.expect(200).json();
        let texts: Vec<_> = versions["versions"].as_array().unwrap().iter().map(|v| v["content"].clone()).collect();
        assert_eq!(texts, ["first text", "second text"]);
        id
    }

    /// The same name again: the first answer, and nothing happens.
    async fn assert_repeat(&mut self, frame: Value, last: u64) {
        let client_id = frame["client_id"].clone();
        self.here.send(frame).await;
        let ack = self
            .here
            .expect("the ack", |frame| frame["type"] == "ack" && frame["client_id"] == client_id)
            .await;
        assert!(ack["seq"].as_u64().unwrap() < last, "the first place: {ack}");
        let next = say(&mut self.here, &self.room, "after the repeat").await;
        assert_eq!(next["seq"].as_u64(), Some(last + 1));
        hear(&mut self.there, &next).await;
    }

    /// The same over REST; the end is a deletion. Returns the message.
    async fn by_rest(&mut self) -> String {
        let said = say(&mut self.there, &self.room, "a third text").await;
        hear(&mut self.here, &said).await;
        let id = said["message"]["message_id"].as_str().unwrap().to_owned();
        let thumb = format!("/reactions/{THUMB}");
        let edit = json!({"content": "a fourth text", "client_id": names::unique("c")});
        for (method, end, kind) in [
            (Method::PUT, "", "message_edited"),
            (Method::PUT, thumb.as_str(), "reaction_added"),
            (Method::DELETE, thumb.as_str(), "reaction_removed"),
            (Method::PUT, thumb.as_str(), "reaction_added"),
            (Method::DELETE, "", "message_deleted"),
        ] {
            let body = (end.is_empty() && method == Method::PUT).then_some(&edit);
            let done = self.rest(&self.ben, method, &format!("{id}{end}"), body).await.expect(200).json();
            let event = self.here.expect_type(kind).await;
            assert_eq!((&done["seq"], &done["message_id"], &done["stored"]), (&event["seq"], &json!(id), &json!(true)));
            hear(&mut self.there, &event).await;
        }
        let _again = self.rest(&self.ben, Method::DELETE, &id, None).await.expect(204);
        id
    }

    /// P06: another's message, one of another room, a deleted one and one that never was are answered alike.
    async fn p06_what_may_not_be_done_is_unknown(&mut self, of_ann: &str, gone: &str) {
        let elsewhere = self.rest.new_room(&self.ben, "public").await;
        let never = "01890000-0000-8000-8000-000000000000";
        let (edit, emoji) = (json!({"content": "not mine"}), json!({"emoji": THUMB}));
        let none = json!({});
        for (room, id, kind, fields) in [
            (&self.room, of_ann, "edit", &edit),
            (&self.room, of_ann, "delete", &none),
            (&elsewhere, of_ann, "react", &emoji),
            (&self.room, gone, "edit", &edit),
            (&self.room, gone, "react", &emoji),
            (&self.room, never, "edit", &edit),
            (&self.room, never, "react", &emoji),
        ] {
            let mut frame = self.frame(kind, id, fields);
            frame["room"] = json!(room);
            refused(&mut self.there, frame, "unknown_message").await;
        }
        for id in [of_ann, never] {
            self.rest(&self.ben, Method::PUT, id, Some(&edit))
                .await
                .expect_problem(404, "unknown_message");
            self.rest(&self.ben, Method::DELETE, id, None)
                .await
                .expect_problem(404, "unknown_message");
        }
        self.edits(gone).await.expect_problem(404, "unknown_message");
        let stranger = self.rest.new_user("eve").await;
        self.rest(&stranger, Method::DELETE, of_ann, None)
            .await
            .expect_problem(403, "not_a_member");
        self.rest(&stranger, Method::PUT, &format!("{of_ann}/reactions/x"), None)
            .await
            .expect_problem(400, "bad_field");
    }

    async fn edits(&self, id: &str) -> Answer {
        let path = format!("/api/v1/rooms/{}/messages/{id}/edits", self.room);
        self.rest.get(&path, Some(&self.ben.token)).await
    }

    async fn rest(&self, user: &Account, method: Method, end: &str, body: Option<&Value>) -> Answer {
        let path = format!("/api/v1/rooms/{}/messages/{end}", self.room);
        let (content_type, body) = (body.map(|_| "application/json"), body.map(Value::to_string).unwrap_or_default());
        let request =
            RawRequest { method, path: &path, token: Some(&user.token), content_type, body: body.into_bytes() };
        self.rest.raw(request).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}
