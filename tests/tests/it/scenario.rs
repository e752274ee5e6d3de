//! The main promise, as one scenario: it runs unchanged against two gateways with everything behind them and
//! against one process.

use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::view::{View, assert_contiguous, timeline_of};
use rookery_tests::ws::Socket;
use serde_json::{Value, json};

use crate::talk::{as_seen_live, exchange, hear, notice, refused, say};

#[tokio::test]
async fn cluster_people_chat_and_lose_nothing() {
    people_chat_and_lose_nothing(Deployment::cluster_alone().await).await;
}

#[tokio::test]
async fn standalone_people_chat_and_lose_nothing() {
    people_chat_and_lose_nothing(Deployment::standalone().await).await;
}

#[tokio::test]
async fn standalone_people_of_both_dialects_chat_and_lose_nothing() {
    people_chat_in([Dialect::SocketIo, Dialect::Native], Deployment::standalone().await).await;
}

/// The scenario; also run on other kinds of Redis.
pub(crate) async fn people_chat_and_lose_nothing(deployment: Deployment) {
    people_chat_in([Dialect::Native; 2], deployment).await;
}

/// What Ann speaks, and what Ben does.
async fn people_chat_in(dialects: [Dialect; 2], deployment: Deployment) {
    let scene = Scene::set(&deployment, dialects).await;
    scene.talk_in_general().await;
    scene.private_room_is_private().await;
    let before = scene.talk_in_a_room().await;
    let missed = scene.resume_elsewhere(before).await;
    deployment.restart_all().await;
    scene.nothing_is_lost(missed).await;
    deployment.assert_alive();
}

struct Scene {
    rest: Rest,
    /// Of Ann, and of Ben.
    sockets: [[String; 2]; 2],
    ann: Account,
    ben: Account,
    room: String,
}

/// What is known at the end of a step: Ben's view, and the history.
struct Known {
    ben: View,
    history: Vec<Value>,
}

impl Scene {
    async fn set(deployment: &Deployment, dialects: [Dialect; 2]) -> Self {
        let rest = deployment.rest();
        let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
        let room = rest.new_room(&ann, "public").await;
        let sockets = dialects.map(|dialect| deployment.sockets_in(dialect));
        Self { rest, sockets, ann, ben, room }
    }

    async fn ann_on(&self, node: usize, path: &str) -> Socket {
        Socket::login(&self.sockets[0][node], path, &self.ann.token).await
    }

    async fn ben_on(&self, node: usize, path: &str) -> Socket {
        Socket::login(&self.sockets[1][node], path, &self.ben.token).await
    }

    async fn history(&self) -> Vec<Value> {
        self.rest.history(&self.room, &self.ann.token).await
    }

    async fn talk_in_general(&self) {
        let (mut ann, mut ben) = (self.ann_on(0, "/ws/chat/general").await, self.ben_on(1, "/ws/general").await);
        ann.live().await;
        ben.live().await;
        exchange(&mut ann, &mut ben, "general").await;
        ann.send(json!({"content": "short form"})).await;
        let short = |frame: &Value| frame["message"]["content"] == "short form";
        let echo = ann.expect("the echo of the short form", short).await;
        hear(&mut ben, &echo).await;
    }

    async fn private_room_is_private(&self) {
        let room = self.rest.new_room(&self.ann, "private").await;
        let (mut here, mut there) = (self.ann_on(0, "/ws").await, self.ann_on(1, "/ws").await);
        here.subscribe(&room).await;
        there.subscribe(&room).await;
        exchange(&mut here, &mut there, &room).await;
        let mut ben = self.ben_on(1, "/ws").await;
        refused(&mut ben, json!({"type": "subscribe", "rooms": [{"room": room}]}), "unknown_room").await;
        self.rest.join(&room, &self.ben).await.expect_problem(404, "unknown_room");
    }

    /// Joins, leaves and messages in a public room are seen live; history is what was seen.
    async fn talk_in_a_room(&self) -> Known {
        let room = self.room.as_str();
        let mut ann = self.ann_on(0, "/ws").await;
        let subscribed = ann.subscribe(room).await;
        let _joined = self.rest.join(room, &self.ben).await.expect(200);
        notice(&mut ann, "member_joined", room, &self.ben.user_id).await;
        let mut ben = self.ben_on(1, "/ws").await;
        ben.subscribe(room).await;
        exchange(&mut ann, &mut ben, room).await;

        let _left = self.rest.leave(room, &self.ben).await.expect(204);
        notice(&mut ann, "member_left", room, &self.ben.user_id).await;
        refused(&mut ben, json!({"type": "message", "room": room, "content": "still here?"}), "not_a_member").await;
        let _joined = self.rest.join(room, &self.ben).await.expect(200);
        notice(&mut ann, "member_joined", room, &self.ben.user_id).await;
        ben.subscribe(room).await;
        exchange(&mut ben, &mut ann, room).await;

        let history = self.history().await;
        assert_contiguous(&history, 1);
        let head = subscribed["head"].as_u64().unwrap();
        let seen: Vec<&Value> = ann.mailbox().seen.iter().filter(|frame| is_event_after(frame, room, head)).collect();
        let stored: Vec<Value> = history
            .iter()
            .filter(|frame| is_event_after(frame, room, head))
            .map(as_seen_live)
            .collect();
        assert_eq!(seen, stored.iter().collect::<Vec<_>>(), "history is what was seen live");
        ben.leave().await;
        let (mut ben, mut view) = (self.ben_on(1, "/ws").await, View::new(room));
        self.come_back(&mut ben, &mut view).await;
        ben.leave().await;
        Known { ben: view, history }
    }

    /// Ben was away and comes back on the other node with his position: he gets exactly what he missed.
    async fn resume_elsewhere(&self, known: Known) -> Known {
        let Known { ben: mut view, .. } = known;
        let mut ann = self.ann_on(1, "/ws").await;
        ann.subscribe(&self.room).await;
        let mut missed = Vec::new();
        for n in 1..=5 {
            missed.push(say(&mut ann, &self.room, &format!("while Ben was away {n}")).await);
        }
        view.fresh.clear();
        let mut ben = self.ben_on(0, "/ws").await;
        self.come_back(&mut ben, &mut view).await;
        assert_eq!(view.fresh, missed, "exactly the missed events");
        assert_eq!(view.repeats, 0, "and none twice");
        ben.leave().await;
        for n in 1..=5 {
            say(&mut ann, &self.room, &format!("before the restart {n}")).await;
        }
        let history = self.history().await;
        assert_contiguous(&history, 1);
        Known { ben: view, history }
    }

    /// After a restart of every process.
    async fn nothing_is_lost(&self, known: Known) {
        let Known { ben: mut view, history: before } = known;
        assert_eq!(self.history().await, before, "the history is complete");
        let (mut ann, mut ben) = (self.ann_on(0, "/ws").await, self.ben_on(1, "/ws").await);
        self.come_back(&mut ben, &mut view).await;
        assert_eq!(view.timeline(), timeline_of(&before), "Ben has what he missed");
        ann.subscribe(&self.room).await;
        exchange(&mut ann, &mut ben, &self.room).await;
        let after = self.history().await;
        assert_eq!(after[..before.len()], before, "what was, stays");
        assert_eq!(after.len(), before.len() + 6);
        assert_contiguous(&after, 1);
    }

    /// Subscribes with the position of a view, takes in what comes until the room is live, repairs from history
    /// where the server says so.
    async fn come_back(&self, socket: &mut Socket, view: &mut View) {
        socket.send(view.subscribe_frame()).await;
        loop {
            let frame = socket.expect("anything", |_| true).await;
            view.apply(&frame);
            if frame["type"] == "caught_up" && frame["room"] == self.room.as_str() {
                break;
            }
        }
        if view.needs_history() {
            view.merge(&self.history().await);
        }
    }
}

fn is_event_after(frame: &Value, room: &str, head: u64) -> bool {
    let kind = frame["type"].as_str().unwrap_or_default();
    matches!(kind, "new_message" | "member_joined" | "member_left")
        && frame["room"] == room
        && frame["seq"].as_u64() > Some(head)
}

/// History does not come from Redis: after Redis has lost everything, it is all there, numbers go on under a new
/// epoch, and a client that was connected all the time is told so.
#[tokio::test]
async fn cluster_history_outlives_a_wiped_redis() {
    let deployment = Deployment::Cluster(Box::new(Cluster::start().await));
    let Deployment::Cluster(cluster) = &deployment else { unreachable!("made a line above") };
    let rest = deployment.rest();
    let ann = rest.new_user("ann").await;
    let room = rest.new_room(&ann, "public").await;
    let [left, right] = deployment.sockets();
    let mut here = Socket::login(&left, "/ws", &ann.token).await;
    let mut there = Socket::login(&right, "/ws", &ann.token).await;
    here.subscribe(&room).await;
    there.subscribe(&room).await;
    exchange(&mut here, &mut there, &room).await;
    let before = rest.history(&room, &ann.token).await;

    cluster.redis.process.kill();
    cluster.redis.wipe();
    cluster.redis.start().await;
    here.expect_type("reset").await;
    there.expect_type("reset").await;
    assert_eq!(rest.history(&room, &ann.token).await, before);
    exchange(&mut here, &mut there, &room).await;
    let after = rest.history(&room, &ann.token).await;
    assert_eq!(after[..before.len()], before);
    assert_contiguous(&after, 1);
    assert_ne!(after[before.len()]["epoch"], before[0]["epoch"], "a new epoch");
    deployment.assert_alive();
}
