//! Read marks, unread counts and mentions: what one device reads the others hear, and after a random run over sockets
//! and REST every count equals a recount from history.

use http::Method;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Answer, RawRequest, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use crate::talk::refused;

/// Steps of the random run.
const STEPS: usize = 60;
const SEED: u64 = 20_260_312;

struct Scene {
    rest: Rest,
    sockets: [String; 2],
    ann: Account,
    ben: Account,
    room: String,
}

impl Scene {
    async fn on(deployment: &Deployment, dialect: Dialect) -> Self {
        let (rest, sockets) = (deployment.rest(), deployment.sockets_in(dialect));
        let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
        let room = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&room, &ben).await.expect(200);
        Self { rest, sockets, ann, ben, room }
    }

    /// Said and stored; the place and the id.
    async fn say(&self, who: &Account, content: &str) -> (u64, String) {
        let body = json!({"content": content, "client_id": names::unique("u")});
        let said = self.rest.say(&self.room, who, &body).await.expect(201).json();
        (said["seq"].as_u64().unwrap(), said["message_id"].as_str().unwrap().to_owned())
    }

    async fn change(&self, method: Method, path: &str, who: &Account, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string().into_bytes());
        let content_type = body.as_ref().map(|_| "application/json");
        let request =
            RawRequest { method, path, token: Some(&who.token), content_type, body: body.unwrap_or_default() };
        self.rest.raw(request).await.unwrap()
    }

    async fn put_read(&self, who: &Account, to: Value) -> Answer {
        self.change(Method::PUT, &format!("/api/v1/rooms/{}/read", self.room), who, Some(to))
            .await
    }

    async fn get_read(&self, who: &Account) -> Value {
        let path = format!("/api/v1/rooms/{}/read", self.room);
        self.rest.get(&path, Some(&who.token)).await.expect(200).json()
    }

    /// The room in the list of all of the user's rooms, read in small pages.
    async fn listed(&self, who: &Account) -> Option<Value> {
        let mut cursor = String::new();
        loop {
            let path = format!("/api/v1/users/me/rooms?limit=1{cursor}");
            let page = self.rest.get(&path, Some(&who.token)).await.expect(200).json();
            let rooms = page["rooms"].as_array().unwrap();
            if let Some(found) = rooms.iter().find(|room| room["room_id"] == self.room.as_str()) {
                return Some(found.clone());
            }
            cursor = format!("&cursor={}", page["next_cursor"].as_str()?);
        }
    }

    async fn device(&self, who: &Account, node: usize) -> Socket {
        Socket::login(&self.sockets[node], "/ws", &who.token).await
    }
}

/// Unread and mentions.
fn counts(value: &Value) -> [u64; 2] {
    [&value["unread"], &value["mentions"]].map(|count| count.as_u64().unwrap_or_else(|| panic!("{value}")))
}

async fn hears(device: &mut Socket, seq: u64) -> [u64; 2] {
    let news = device
        .expect("news of what was read", |frame| frame["type"] == "read" && frame["seq"] == seq)
        .await;
    counts(&news)
}

#[tokio::test]
async fn what_one_device_reads_the_others_hear() {
    devices_hear_what_is_read(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_what_one_device_reads_the_others_hear() {
    devices_hear_what_is_read(Dialect::SocketIo).await;
}

async fn devices_hear_what_is_read(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let scene = Scene::on(deployment, dialect).await;
        let Scene { ann, ben, .. } = &scene;
        let (first, _) = scene.say(ann, &format!("hi @{}!", ben.username.to_uppercase())).await;
        let (second, gone) = scene.say(ann, &format!("@{}", ben.username)).await;
        let (last, _) = scene.say(ann, &format!("x@{} @{}y", ben.username, ben.username)).await;
        let (mut here, mut there) = (scene.device(ben, 0).await, scene.device(ben, 1).await);
        let subscribed = here.subscribe(&scene.room).await;
        assert_eq!(counts(&subscribed["you"]["read"]), [3, 2], "{subscribed}");

        // Not live there, and told all the same.
        there.send(json!({"type": "read", "room": scene.room, "seq": first})).await;
        assert_eq!(hears(&mut there, first).await, [2, 1]);
        here.send(json!({"type": "read", "room": scene.room, "seq": second, "epoch": subscribed["epoch"]}))
            .await;
        assert_eq!((hears(&mut here, second).await, hears(&mut there, second).await), ([1, 0], [1, 0]));
        let path = format!("/api/v1/rooms/{}/messages/{gone}", scene.room);
        let _deleted = scene.change(Method::DELETE, &path, ann, None).await.expect(200);
        assert_eq!(counts(&scene.get_read(ben).await), [1, 0]);

        // Beyond the head is the head; what is older is not news to anybody.
        let put = scene.put_read(ben, json!({"seq": 1_000_000})).await.expect(200).json();
        let head = put["read"]["seq"].as_u64().unwrap();
        assert_eq!((counts(&put), head > last), ([0, 0], true), "{put}");
        assert_eq!((hears(&mut here, head).await, hears(&mut there, head).await), ([0, 0], [0, 0]));
        let put = scene.put_read(ben, json!({"seq": first})).await.expect(200).json();
        assert_eq!(put["read"]["seq"], head);
        let listed = scene.listed(ben).await.unwrap();
        assert_eq!((counts(&listed), &listed["read"], &listed["head"]), ([0, 0], &put["read"], &put["read"]));

        // Of what is read quickly some are left out, but never the last one, also when the connection ends.
        for content in ["a", "b", "c", "d"] {
            scene.say(ann, content).await;
        }
        // A device that has read nothing yet: whatever another one did, its first one is told at once.
        let mut quick = scene.device(ben, 1).await;
        for seq in head + 1..=head + 3 {
            quick.send(json!({"type": "read", "room": scene.room, "seq": seq})).await;
        }
        quick.leave().await;
        assert_eq!(hears(&mut here, head + 3).await, [1, 0]);
        let skipped = |frame: &&Value| frame["type"] == "read" && frame["seq"] == head + 2;
        assert_eq!(here.mailbox().seen.iter().filter(skipped).count(), 0, "{}", deployment.name());
    }
}

#[tokio::test]
async fn marks_begin_with_the_membership_and_are_for_members_only() {
    for deployment in shared::both().await {
        let scene = Scene::on(deployment, Dialect::Native).await;
        let Scene { rest, ann, ben, .. } = &scene;
        scene.say(ann, &format!("@{}", ben.username)).await;
        let _left = rest.leave(&scene.room, ben).await.expect(204);
        for answer in [
            scene.put_read(ben, json!({"seq": 1})).await,
            rest.get(&format!("/api/v1/rooms/{}/read", scene.room), Some(&ben.token)).await,
        ] {
            answer.expect_problem(403, "not_a_member");
        }
        assert_eq!(scene.listed(ben).await, None);
        let mut device = scene.device(ben, 0).await;
        refused(&mut device, json!({"type": "read", "room": scene.room, "seq": 1}), "not_a_member").await;
        let _joined = rest.join(&scene.room, ben).await.expect(200);
        assert_eq!(counts(&scene.get_read(ben).await), [0, 0], "what was said before");
        scene.say(ann, &format!("@{}", ben.username)).await;
        assert_eq!(counts(&scene.get_read(ben).await), [1, 1]);
        let totals = rest.get("/api/v1/users/me/unread", Some(&ben.token)).await.expect(200).json();
        assert_eq!((counts(&totals), &totals["rooms"]), ([1, 1], &json!(1)));

        let private = rest.new_room(ann, "private").await;
        let path = format!("/api/v1/rooms/{private}/read");
        rest.get(&path, Some(&ben.token)).await.expect_problem(404, "unknown_room");
        refused(&mut device, json!({"type": "read", "room": private, "seq": 1}), "unknown_room").await;
        for bad in [json!({}), json!({"seq": -1}), json!({"seq": 1, "epoch": 1}), json!({"seq": {"$gt": 0}})] {
            scene.put_read(ben, bad).await.expect_problem(400, "bad_field");
        }
        refused(&mut device, json!({"type": "read", "seq": 1}), "room_required").await;
    }
}

#[tokio::test]
async fn cluster_counts_equal_a_recount() {
    counts_equal_a_recount(shared::cluster().await).await;
}

#[tokio::test]
async fn standalone_counts_equal_a_recount() {
    counts_equal_a_recount(shared::standalone().await).await;
}

/// What the run itself knows; everything else is read from history.
struct Run {
    scene: Scene,
    rng: u64,
    own: Vec<(String, usize)>,
    mark: Option<u64>,
    device: Socket,
}

async fn counts_equal_a_recount(deployment: &Deployment) {
    let scene = Scene::on(deployment, Dialect::Native).await;
    let device = scene.device(&scene.ben, 1).await;
    let mut run = Run { scene, rng: SEED, own: Vec::new(), mark: None, device };
    run.join().await;
    for step in 0..STEPS {
        run.step().await;
        if step % 10 == 9 {
            run.check(step).await;
        }
    }
}

impl Run {
    /// xorshift64*
    fn below(&mut self, bound: u64) -> u64 {
        self.rng ^= self.rng >> 12;
        self.rng ^= self.rng << 25;
        self.rng ^= self.rng >> 27;
        (self.rng.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    async fn step(&mut self) {
        match self.below(20) {
            _ if self.mark.is_none() => self.join().await,
            0..=8 => self.say().await,
            9..=11 => self.edit().await,
            12..=13 => self.delete().await,
            14..=16 => self.read_by_rest().await,
            17..=18 => self.read_by_frame().await,
            _ => self.leave().await,
        }
    }

    fn text(&mut self) -> String {
        let name = self.scene.ben.username.clone();
        let texts = [format!("@{name}"), format!("hi @{name} !"), name.clone(), format!("x@{name}"), "word".to_owned()];
        texts[usize::try_from(self.below(5)).unwrap()].clone()
    }

    fn who(&self, who: usize) -> &Account {
        [&self.scene.ann, &self.scene.ben][who]
    }

    async fn say(&mut self) {
        let (text, who) = (self.text(), usize::from(self.below(4) == 0));
        let (_, id) = self.scene.say(self.who(who), &text).await;
        self.own.push((id, who));
    }

    async fn edit(&mut self) {
        let content = self.text();
        let Some((path, who)) = self.some_message(false) else { return };
        let body = json!({"content": content, "client_id": names::unique("u")});
        let answer = self.scene.change(Method::PUT, &path, self.who(who), Some(body)).await;
        assert!([200, 201, 204].contains(&answer.status), "{}", answer.text);
    }

    async fn delete(&mut self) {
        let Some((path, who)) = self.some_message(true) else { return };
        let _deleted = self.scene.change(Method::DELETE, &path, self.who(who), None).await.expect(200);
    }

    fn some_message(&mut self, for_good: bool) -> Option<(String, usize)> {
        if self.own.is_empty() {
            return None;
        }
        let index = usize::try_from(self.below(self.own.len() as u64)).unwrap();
        let (id, who) = if for_good { self.own.swap_remove(index) } else { self.own[index].clone() };
        Some((format!("/api/v1/rooms/{}/messages/{id}", self.scene.room), who))
    }

    /// A place that may be old, new, or not there yet; and what becomes of the mark.
    async fn place(&mut self) -> (u64, u64) {
        let history = self.history().await;
        let head = history.last().unwrap()["seq"].as_u64().unwrap();
        let seq = self.below(head + 3);
        (seq, seq.min(head).max(self.mark.unwrap()))
    }

    async fn read_by_rest(&mut self) {
        let (seq, then) = self.place().await;
        let _put = self.scene.put_read(&self.scene.ben, json!({"seq": seq})).await.expect(200);
        self.mark = Some(then);
    }

    async fn read_by_frame(&mut self) {
        let (seq, then) = self.place().await;
        self.device.mailbox().seen.clear();
        self.device.send(json!({"type": "read", "room": self.scene.room, "seq": seq})).await;
        if self.mark != Some(then) {
            hears(&mut self.device, then).await;
        }
        self.mark = Some(then);
    }

    async fn leave(&mut self) {
        let _left = self.scene.rest.leave(&self.scene.room, &self.scene.ben).await.expect(204);
        self.mark = None;
        // Nobody may change what was said before any more.
        self.own.retain(|(_, who)| *who == 0);
    }

    async fn join(&mut self) {
        let _joined = self.scene.rest.join(&self.scene.room, &self.scene.ben).await.expect(200);
        self.mark = self.scene.get_read(&self.scene.ben).await["read"]["seq"].as_u64();
    }

    async fn history(&self) -> Vec<Value> {
        self.scene.rest.history(&self.scene.room, &self.scene.ann.token).await
    }

    async fn check(&mut self, step: usize) {
        let Some(mark) = self.mark else {
            assert_eq!(self.scene.listed(&self.scene.ben).await, None, "step {step}");
            return;
        };
        let (history, ben) = (self.history().await, &self.scene.ben);
        let unread: Vec<&Value> = history
            .iter()
            .filter(|event| event["type"] == "new_message" && event["seq"].as_u64().unwrap() > mark)
            .map(|event| &event["message"])
            .filter(|message| message["user_id"] != ben.user_id.as_str() && message["deleted"] != true)
            .collect();
        let name = format!("@{}", ben.username);
        let names_ben = |message: &&&Value| message["content"].as_str().unwrap().split(' ').any(|word| word == name);
        let expected = [unread.len() as u64, unread.iter().filter(names_ben).count() as u64];
        let listed = self.scene.listed(ben).await.unwrap();
        let read = self.scene.get_read(ben).await;
        let context = format!("seed {SEED} step {step}");
        assert_eq!((counts(&read), counts(&listed)), (expected, expected), "{context}");
        assert_eq!((read["read"]["seq"].as_u64(), &read["read"]), (Some(mark), &listed["read"]), "{context}");
    }
}
