//! A client that was away gets exactly what it missed, from wherever it still is, or is told which part to page.

use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use crate::talk::{hear, say};

/// A room with somebody who talks, and somebody who heard the first message and went away.
struct Scene {
    rest: Rest,
    room: String,
    talker: Socket,
    reader: Account,
    node: String,
    epoch: Value,
    seq: u64,
}

impl Scene {
    async fn set(rest: Rest, nodes: [String; 2]) -> Self {
        let (owner, reader) = (rest.new_user("talker").await, rest.new_user("reader").await);
        let room = rest.new_room(&owner, "public").await;
        let _joined = rest.join(&room, &reader).await.expect(200);
        let mut talker = Socket::login(&nodes[0], "/ws", &owner.token).await;
        talker.subscribe(&room).await;
        let mut socket = Socket::login(&nodes[1], "/ws", &reader.token).await;
        socket.subscribe(&room).await;
        let first = say(&mut talker, &room, "the last you hear").await;
        hear(&mut socket, &first).await;
        socket.leave().await;
        let (epoch, seq) = (first["epoch"].clone(), first["seq"].as_u64().unwrap());
        Self { rest, room, talker, reader, node: nodes[1].clone(), epoch, seq }
    }

    async fn on(deployment: &Deployment, dialect: Dialect) -> Self {
        Self::set(deployment.rest(), deployment.sockets_in(dialect)).await
    }

    /// Says so many things, until all are acknowledged.
    async fn go_on(&mut self, count: usize) {
        let names: Vec<String> = (0..count).map(|_| names::unique("c")).collect();
        for name in &names {
            let frame = json!({"type": "message", "room": self.room, "client_id": name, "content": name});
            self.talker.send(frame).await;
        }
        for name in &names {
            let ack = |frame: &Value| frame["type"] == "ack" && frame["client_id"] == name.as_str();
            self.talker.expect("the ack", ack).await;
        }
    }

    /// What the reader is told about the room when it comes back, up to `caught_up`.
    async fn come_back(&self) -> Vec<Value> {
        self.catch_up(self.returned().await).await
    }

    /// A connection of the reader that is in no room yet.
    async fn returned(&self) -> Socket {
        Socket::login(&self.node, "/ws", &self.reader.token).await
    }

    async fn catch_up(&self, mut socket: Socket) -> Vec<Value> {
        let position = json!({"room": self.room, "epoch": self.epoch, "seq": self.seq});
        socket.send(json!({"type": "subscribe", "rooms": [position]})).await;
        socket.expect_type("caught_up").await;
        let told = socket.mailbox().seen.clone();
        told.into_iter().filter(|frame| frame["room"] == self.room.as_str()).collect()
    }

    async fn assert_exactly_missed(&self, count: u64) {
        let told = self.come_back().await;
        let kinds: Vec<&str> = told.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("subscribed", "caught_up"), "{kinds:?}");
        assert!(kinds[1..kinds.len() - 1].iter().all(|kind| *kind == "new_message"), "{kinds:?}");
        assert_eq!(numbers(&told[1..told.len() - 1]), (self.seq + 1..=self.seq + count).collect::<Vec<_>>());
    }

    async fn assert_gap_is_in_history(&self, told: &[Value], count: u64) {
        let (from, to) = (self.seq + 1, self.seq + count);
        let kinds: Vec<&str> = told.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["subscribed", "gap", "caught_up"]);
        assert_eq!((told[1]["from"].as_u64(), told[1]["to"].as_u64()), (Some(from), Some(to)));
        let history = self.rest.history(&self.room, &self.reader.token).await;
        let missed = history.into_iter().filter(|frame| frame["seq"].as_u64().unwrap() >= from);
        assert_eq!(numbers(&missed.collect::<Vec<_>>()), (from..=to).collect::<Vec<_>>());
    }
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn more_than_the_hot_tail_is_replayed_without_a_gap() {
    what_was_missed_is_replayed(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_more_than_the_hot_tail_is_replayed_without_a_gap() {
    what_was_missed_is_replayed(Dialect::SocketIo).await;
}

async fn what_was_missed_is_replayed(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let mut scene = Scene::on(deployment, dialect).await;
        scene.go_on(450).await;
        scene.assert_exactly_missed(450).await;
    }
}

#[tokio::test]
async fn too_much_is_a_gap_that_history_fills() {
    gaps_are_in_history(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_too_much_is_a_gap_that_history_fills() {
    gaps_are_in_history(Dialect::SocketIo).await;
}

async fn gaps_are_in_history(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let mut scene = Scene::on(deployment, dialect).await;
        scene.go_on(600).await;
        let told = scene.come_back().await;
        scene.assert_gap_is_in_history(&told, 600).await;
    }
}

#[tokio::test]
async fn without_the_api_there_is_a_gap_and_nothing_is_lost() {
    let cluster = Cluster::start().await;
    let nodes = [0, 1].map(|n| cluster.gateways[n].socket_url());
    let mut scene = Scene::set(Rest::new(cluster.api.public_url()), nodes).await;
    scene.go_on(450).await;
    // Who comes while the api is away is not let in.
    let returned = scene.returned().await;
    cluster.api.process.kill();
    let told = scene.catch_up(returned).await;
    cluster.api.start().await;
    scene.assert_gap_is_in_history(&told, 450).await;
    scene.assert_exactly_missed(450).await;
}

/// What a node has acked is stored, and so is what came before it.
#[tokio::test]
async fn what_is_acked_is_told_as_stored() {
    for deployment in shared::both().await {
        let [base, _] = deployment.sockets();
        let mut scene = Scene::set(deployment.rest(), [base.clone(), base.clone()]).await;
        scene.go_on(6).await;
        let subscribed = Socket::login(&base, "/ws", &scene.reader.token).await.subscribe(&scene.room).await;
        let (head, stored) = (subscribed["head"].as_u64(), subscribed["stored"].as_u64());
        assert_eq!((head, stored), (Some(scene.seq + 6), head), "{subscribed}");
    }
}

#[tokio::test]
async fn heads_of_many_rooms_are_told_without_subscribing() {
    heads_are_told(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_heads_of_many_rooms_are_told_without_subscribing() {
    heads_are_told(Dialect::SocketIo).await;
}

async fn heads_are_told(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let mut scene = Scene::on(deployment, dialect).await;
        scene.go_on(3).await;
        let hidden = scene.rest.new_room(&scene.rest.new_user("other").await, "private").await;
        let mut socket = Socket::login(&scene.node, "/ws", &scene.reader.token).await;
        let rooms = json!([{"room": scene.room, "epoch": scene.epoch, "seq": scene.seq}, {"room": hidden}]);
        socket.send(json!({"type": "heads", "rooms": rooms})).await;
        let heads = socket.expect_type("heads").await;
        let expected = json!([{"room": scene.room, "epoch": scene.epoch, "seq": scene.seq + 3}]);
        assert_eq!(heads["rooms"], expected);
        let rooms = json!([{"room": scene.room, "epoch": scene.epoch, "seq": scene.seq + 3}]);
        socket.send(json!({"type": "heads", "rooms": rooms})).await;
        assert_eq!(socket.expect_type("heads").await["rooms"], json!([]), "no news");
    }
}
