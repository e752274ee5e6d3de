//! What is said under a name that was given before, what changes nothing, and what names a message: each is told the
//! truth, by frame and over REST. (Rows A3, B6 and B15 of the regressions.)

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use crate::talk::{refused, say};

const THUMB: &str = "👍";
const NEVER: &str = "01890000-0000-8000-8000-000000000000";

/// A room with its owner, who is live in it.
struct Scene {
    rest: Rest,
    ann: Account,
    room: String,
    socket: Socket,
}

impl Scene {
    async fn on(deployment: &Deployment) -> Self {
        let rest = deployment.rest();
        let ann = rest.new_user("ann").await;
        let room = rest.new_room(&ann, "public").await;
        let mut socket = Socket::login(&deployment.sockets()[1], "/ws", &ann.token).await;
        socket.subscribe(&room).await;
        Self { rest, ann, room, socket }
    }

    /// Says something by frame; returns its id and number.
    async fn said(&mut self, content: &str) -> (String, u64) {
        let echo = say(&mut self.socket, &self.room, content).await;
        let id = echo["message"]["message_id"].as_str().unwrap().to_owned();
        (id, echo["seq"].as_u64().unwrap())
    }

    async fn ask(&self, method: Method, end: &str, body: Option<Value>) -> Answer {
        self.ask_as(&self.ann, method, end, body).await
    }

    async fn ask_as(&self, user: &Account, method: Method, end: &str, body: Option<Value>) -> Answer {
        let path = format!("/api/v1/rooms/{}/messages{end}", self.room);
        let content_type = body.as_ref().map(|_| "application/json");
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = RawRequest { method, path: &path, token: Some(&user.token), content_type, body };
        self.rest.raw(request).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn frame(&self, kind: &str, client_id: &str, fields: Value) -> Value {
        let mut frame = json!({"type": kind, "room": self.room, "client_id": client_id});
        let Value::Object(fields) = fields else { panic!("fields are an object: {fields}") };
        frame.as_object_mut().unwrap().extend(fields);
        frame
    }

    /// Sends an act and waits for its ack.
    async fn acked(&mut self, frame: Value) -> Value {
        let client_id = frame["client_id"].clone();
        self.socket.send(frame).await;
        let fits = |frame: &Value| frame["client_id"] == client_id && frame["type"] != "new_message";
        let answer = self.socket.expect("an ack", fits).await;
        assert_eq!(answer["type"], "ack", "{answer}");
        answer
    }

    async fn message(&self, id: &str) -> Value {
        let page = self.ask(Method::GET, "", None).await.expect(200).json();
        let found = page["events"]
            .as_array()
            .unwrap()
            .iter()
            .find(|event| event["message"]["message_id"] == id);
        found.unwrap_or_else(|| panic!("{id} is not in {page}"))["message"].clone()
    }
}

#[tokio::test]
async fn a03_a_name_that_was_given_to_something_else_is_refused() {
    for deployment in shared::both().await {
        let mut scene = Scene::on(deployment).await;
        let ((one, _), (two, _)) = (scene.said("one").await, scene.said("two").await);
        let (key, edit) =
            (names::unique("k"), |text: &str, key: &str| Some(json!({"content": text, "client_id": key})));
        let first = scene.ask(Method::PUT, &format!("/{one}"), edit("ONE", &key)).await.expect(200).json();
        let other = scene.ask(Method::PUT, &format!("/{two}"), edit("TWO", &key)).await;
        other.expect_problem(409, "client_id_reused");
        let other = scene.ask(Method::PUT, &format!("/{one}"), edit("another text", &key)).await;
        other.expect_problem(409, "client_id_reused");
        let other = scene.ask(Method::POST, "", edit("three", &key)).await;
        other.expect_problem(409, "client_id_reused");
        let again = scene.ask(Method::PUT, &format!("/{one}"), edit("ONE", &key)).await.expect(200).json();
        for field in ["event_id", "message_id", "seq", "timestamp"] {
            assert_eq!(first[field], again[field], "the answer tells the stored event");
        }
        for (kind, fields) in [
            ("edit", json!({"message_id": two, "content": "TWO"})),
            ("delete", json!({"message_id": one})),
            ("react", json!({"message_id": one, "emoji": THUMB})),
            ("message", json!({"content": "four"})),
        ] {
            let frame = scene.frame(kind, &key, fields);
            let error = refused(&mut scene.socket, frame, "client_id_reused").await;
            assert_eq!(error["client_id"], key.as_str());
        }
        let said = scene.frame("message", "m-1", json!({"content": "five"}));
        let (first, again) = (scene.acked(said.clone()).await, scene.acked(said).await);
        assert_eq!(first, again, "a repeat gets the first answer");
        let other = scene.frame("message", "m-1", json!({"content": "six"}));
        refused(&mut scene.socket, other, "client_id_reused").await;
        assert_eq!(scene.message(&two).await["content"], "two");
        assert_eq!(scene.message(&one).await["content"], "ONE");
    }
}

#[tokio::test]
async fn a03_a_repeat_of_an_act_gets_the_first_answer_whatever_came_after() {
    for deployment in shared::both().await {
        let mut scene = Scene::on(deployment).await;
        let (id, _) = scene.said("hi").await;
        let react = scene.frame("react", "r-1", json!({"message_id": id, "emoji": THUMB}));
        let back = scene.frame("react", "r-2", json!({"message_id": id, "emoji": THUMB, "remove": true}));
        let delete = scene.frame("delete", "d-1", json!({"message_id": id}));
        let mut first = Vec::new();
        for frame in [&react, &back, &delete] {
            first.push(scene.acked(frame.clone()).await);
        }
        for (frame, first) in [&react, &back, &delete].into_iter().zip(first) {
            assert_eq!(scene.acked(frame.clone()).await, first);
        }
    }
}

#[tokio::test]
async fn b15_a_reply_answers_a_message_of_the_room() {
    for deployment in shared::both().await {
        let mut scene = Scene::on(deployment).await;
        let eve = scene.rest.new_user("eve").await;
        let secret = scene.rest.new_room(&eve, "private").await;
        let foreign = scene.rest.say(&secret, &eve, &json!({"content": "secret"})).await.expect(201).json();
        let foreign = foreign["message_id"].as_str().unwrap().to_owned();
        let (id, _) = scene.said("a question").await;
        let reaction = scene.frame("react", "r-1", json!({"message_id": id, "emoji": THUMB}));
        let no_message = scene.acked(reaction).await["message_id"].as_str().unwrap().to_owned();
        for bad in [&foreign, NEVER, &no_message, "nonsense", ""] {
            let reply = json!({"content": "an answer", "reply_to": bad});
            let answer = scene.ask(Method::POST, "", Some(reply.clone())).await;
            answer.expect_problem(400, "unknown_message");
            assert_eq!(answer.json()["field"], "reply_to");
            let frame = scene.frame("message", &names::unique("c"), reply);
            let error = refused(&mut scene.socket, frame, "unknown_message").await;
            assert_eq!(error["field"], "reply_to");
        }
        let reply = Some(json!({"content": "an answer", "reply_to": id, "client_id": "a-1"}));
        let first = scene.ask(Method::POST, "", reply.clone()).await.expect(201).json();
        let frame = scene.frame("message", "a-2", json!({"content": "another answer", "reply_to": id}));
        let ack = scene.acked(frame.clone()).await;
        let _gone = scene.ask(Method::DELETE, &format!("/{id}"), None).await.expect(200);
        let again = scene.ask(Method::POST, "", reply).await.expect(201).json();
        assert_eq!(first, again, "a repeat is safe, also when what it answers is gone");
        assert_eq!(scene.acked(frame).await, ack);
        let (other, _) = scene.said("another question").await;
        for to in [json!(other), Value::Null] {
            let elsewhere = json!({"content": "an answer", "reply_to": to, "client_id": "a-1"});
            scene.ask(Method::POST, "", Some(elsewhere)).await.expect_problem(409, "client_id_reused");
            let frame = scene.frame("message", "a-2", json!({"content": "another answer", "reply_to": to}));
            refused(&mut scene.socket, frame, "client_id_reused").await;
        }
        let page = scene.ask(Method::GET, "", None).await.expect(200).json();
        let said = page["events"].as_array().unwrap().iter().filter(|event| event["type"] == "new_message");
        assert_eq!(said.count(), 4, "nothing refused was stored");
    }
}

#[tokio::test]
async fn b06_what_changes_nothing_is_no_event() {
    for deployment in shared::both().await {
        let mut scene = Scene::on(deployment).await;
        let (id, seq) = scene.said("hi").await;
        let thumb = format!("/{id}/reactions/{THUMB}");
        for _ in 0..20 {
            let _idle = scene.ask(Method::DELETE, &thumb, None).await.expect(204);
        }
        let _given = scene.ask(Method::PUT, &thumb, None).await.expect(200);
        let _again = scene.ask(Method::PUT, &thumb, None).await.expect(204);
        let _same = scene
            .ask(Method::PUT, &format!("/{id}"), Some(json!({"content": "hi"})))
            .await
            .expect(204);
        for (kind, fields) in [
            ("react", json!({"message_id": id, "emoji": THUMB})),
            ("react", json!({"message_id": id, "emoji": "🎉", "remove": true})),
            ("edit", json!({"message_id": id, "content": "hi"})),
        ] {
            let frame = scene.frame(kind, &names::unique("c"), fields);
            let ack = scene.acked(frame).await;
            assert_eq!((&ack["unchanged"], &ack["seq"], &ack["message_id"]), (&json!(true), &json!(seq), &json!(id)));
        }
        let _gone = scene.ask(Method::DELETE, &format!("/{id}"), None).await.expect(200);
        let _again = scene.ask(Method::DELETE, &format!("/{id}"), None).await.expect(204);
        let frame = scene.frame("delete", &names::unique("c"), json!({"message_id": id}));
        assert_eq!(scene.acked(frame).await["unchanged"], true);
        let (_, next) = scene.said("the next one").await;
        assert_eq!(next, seq + 3, "one reaction and one deletion lie between");
    }
}

#[tokio::test]
async fn b06_a_page_has_as_many_messages_as_it_is_asked_for() {
    for deployment in shared::both().await {
        let mut scene = Scene::on(deployment).await;
        let mut ids = Vec::new();
        for n in 0..60 {
            ids.push(scene.said(&format!("message {n}")).await.0);
        }
        // More than the hot tail has.
        for n in 0..250 {
            let fields = json!({"message_id": ids[10], "emoji": THUMB, "remove": n % 2 == 1});
            let frame = scene.frame("react", &format!("r-{n}"), fields);
            scene.acked(frame).await;
        }
        let page = scene.ask(Method::GET, "?limit=50", None).await.expect(200).json();
        let events = page["events"].as_array().unwrap();
        let shown: Vec<&str> = events.iter().filter_map(|event| event["message"]["message_id"].as_str()).collect();
        assert_eq!(shown, ids[10..], "50 messages, and nothing else");
        assert_eq!(page["upto"]["seq"], json!(1 + 60 + 250), "all acts are told in them");
        let before = format!("?limit=50&before={}", page["prev_cursor"].as_str().unwrap());
        let older = scene.ask(Method::GET, &before, None).await.expect(200).json();
        let events = older["events"].as_array().unwrap();
        assert_eq!((events.len(), older.get("prev_cursor")), (11, None), "ten messages and who came");
        let after = format!("?limit=50&acts=true&after={}", older["next_cursor"].as_str().unwrap());
        let all = scene.ask(Method::GET, &after, None).await.expect(200).json();
        assert_eq!(all["events"].as_array().unwrap().len(), 50);
        let acts = format!("?limit=5&acts=true&after={}", page["next_cursor"].as_str().unwrap());
        let acts = scene.ask(Method::GET, &acts, None).await.expect(200).json();
        assert!(acts["events"].as_array().unwrap().iter().all(|event| event["type"] != "new_message"), "{acts}");
        scene.ask(Method::GET, "?acts=maybe", None).await.expect_problem(400, "bad_field");
    }
}

#[tokio::test]
async fn b06_the_users_of_a_reaction_are_bounded_and_listed_by_pages() {
    for deployment in shared::both().await {
        let mut scene = Scene::on(deployment).await;
        let (id, _) = scene.said("who likes this?").await;
        let thumb = format!("/{id}/reactions/{THUMB}");
        let mut users = Vec::new();
        for n in 0..23 {
            let user = scene.rest.new_user(&format!("fan{n}-")).await;
            let _joined = scene.rest.join(&scene.room, &user).await.expect(200);
            let _given = scene.ask_as(&user, Method::PUT, &thumb, None).await.expect(200);
            users.push(user);
        }
        let ids: Vec<&str> = users.iter().map(|user| user.user_id.as_str()).collect();
        let reaction = &scene.message(&id).await["reactions"][0];
        assert_eq!((&reaction["count"], &reaction["user_ids"]), (&json!(23), &json!(ids[..20])));
        assert_eq!(reaction.get("mine"), None, "not of who reads");
        let page = scene.ask_as(&users[22], Method::GET, "", None).await.expect(200).json();
        let said = page["events"]
            .as_array()
            .unwrap()
            .iter()
            .find(|event| event["message"]["message_id"] == *id);
        assert_eq!(said.unwrap()["message"]["reactions"][0]["mine"], true, "one of those who are not named");
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("{thumb}?limit=10{cursor}");
            let page = scene.ask(Method::GET, &path, None).await.expect(200).json();
            let names = page["users"].as_array().unwrap().iter().map(|user| user["user_id"].clone());
            listed.extend(names);
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(json!(listed), json!(ids), "in the order of reacting");
        let _gone = scene.ask_as(&users[0], Method::DELETE, &thumb, None).await.expect(200);
        let reaction = &scene.message(&id).await["reactions"][0];
        assert_eq!((&reaction["count"], &reaction["user_ids"]), (&json!(22), &json!(ids[1..21])));
        scene
            .ask(Method::GET, &format!("/{NEVER}/reactions/{THUMB}"), None)
            .await
            .expect_problem(404, "unknown_message");
    }
}

#[tokio::test]
async fn c04_one_emoji_is_one_reaction_whatever_its_form() {
    for deployment in shared::both().await {
        let mut scene = Scene::on(deployment).await;
        let (id, _) = scene.said("hi").await;
        let (plain, qualified) = ("❤", "❤\u{fe0f}");
        let _given = scene.ask(Method::PUT, &format!("/{id}/reactions/{plain}"), None).await.expect(200);
        let event = scene.socket.expect_type("reaction_added").await;
        assert_eq!(event["emoji"], qualified);
        let _again = scene.ask(Method::PUT, &format!("/{id}/reactions/{qualified}"), None).await.expect(204);
        let kiss = "👩🏽\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}👨🏿";
        let _long = scene.ask(Method::PUT, &format!("/{id}/reactions/{kiss}"), None).await.expect(200);
        for bad in ["\u{200d}", "é", "👍👍", "x"] {
            let answer = scene.ask(Method::PUT, &format!("/{id}/reactions/{bad}"), None).await;
            answer.expect_problem(400, "bad_field");
        }
        let reactions = scene.message(&id).await["reactions"].clone();
        let shown: Vec<&Value> = reactions.as_array().unwrap().iter().map(|reaction| &reaction["emoji"]).collect();
        assert_eq!(shown, [qualified, kiss]);
        let _back = scene.ask(Method::DELETE, &format!("/{id}/reactions/{plain}"), None).await.expect(200);
    }
}
