//! Clients that nobody looks at: notices and counts come, everything else waits, and nothing of it is lost.

use rookery_tests::deployment::Deployment;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::Account;
use rookery_tests::ws::Socket;
use rookery_tests::{names, shared};
use serde_json::{Value, json};

async fn background(socket: &mut Socket, room: &str, on: bool) {
    socket.send(json!({"type": "background", "on": on})).await;
    // Commands are done in order: it is in force once a later one is answered.
    socket.send(json!({"type": "heads", "rooms": [{"room": room}]})).await;
    socket.expect_type("heads").await;
}

async fn say(deployment: &Deployment, who: &Account, room: &str, text: &str) -> u64 {
    let body = json!({"client_id": names::unique("b"), "content": text});
    let said = deployment.rest().say(room, who, &body).await.expect(201).json();
    said["seq"].as_u64().unwrap()
}

/// What has come of rooms since the place in the mailbox.
fn heard(socket: &mut Socket, from: usize) -> Vec<Value> {
    let kinds = ["new_message", "typing", "read_by", "presence", "room_presence", "caught_up"];
    let seen = &socket.mailbox().seen[from..];
    seen.iter()
        .filter(|frame| kinds.contains(&frame["type"].as_str().unwrap()))
        .cloned()
        .collect()
}

async fn what_waits_comes_by_number(dialect: Dialect) {
    for deployment in shared::speaking(dialect).await {
        let (rest, sockets) = (deployment.rest(), deployment.sockets_in(dialect));
        let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
        let (room, other) = (rest.new_room(&ann, "public").await, rest.new_room(&ann, "public").await);
        for room in [&room, &other] {
            let _joined = rest.join(room, &ben).await.expect(200);
        }
        let mut phone = Socket::login(&sockets[0], "/ws", &ben.token).await;
        for room in [&room, &other] {
            phone.subscribe(room).await;
        }
        phone.sync().await;
        background(&mut phone, &room, true).await;
        let from = phone.mailbox().seen.len();
        let mut said = Vec::new();
        for n in 0..20 {
            said.push(say(deployment, &ann, &room, &format!("m{n}")).await);
        }
        said.push(say(deployment, &ann, &room, &format!("look, @{}", ben.username)).await);
        // The mention is told, and how much is unread, and no text.
        let told = phone.expect_type("notification").await;
        assert_eq!((&told["kind"], &told["room"]), (&json!("mention"), &json!(room)));
        let is_count = |frame: &Value| frame["type"] == "read" && frame["room"] == room.as_str();
        let counts = phone.expect("counts", |frame| is_count(frame) && frame["unread"] == 21).await;
        assert_eq!(counts["mentions"], 1, "{counts}");
        assert_eq!(heard(&mut phone, from), Vec::<Value>::new());
        // Its own sends are acknowledged all the same.
        let own = json!({"type": "message", "room": room, "client_id": "own", "content": "from the pocket"});
        phone.send(own).await;
        let ack = phone
            .expect("its ack", |frame| frame["type"] == "ack" && frame["client_id"] == "own")
            .await;
        said.push(ack["seq"].as_u64().unwrap());

        let from = phone.mailbox().seen.len();
        background(&mut phone, &room, false).await;
        let up = phone.expect("the end", |frame| frame["type"] == "caught_up" && frame["room"] == room.as_str());
        assert_eq!(up.await["seq"], json!(said.last()));
        let seqs: Vec<u64> = heard(&mut phone, from).iter().filter_map(|frame| frame["seq"].as_u64()).collect();
        let mut expected = said.clone();
        expected.extend(said.last());
        assert_eq!(seqs, expected, "each once and in order, then `caught_up`");
        let live = say(deployment, &ann, &other, "live again").await;
        let told =
            phone.expect("it is live", |frame| frame["type"] == "new_message" && frame["room"] == other.as_str());
        assert_eq!(told.await["seq"], json!(live));
    }
}

#[tokio::test]
async fn what_waits_in_the_background_comes_by_number() {
    what_waits_comes_by_number(Dialect::Native).await;
}

#[tokio::test]
async fn socketio_what_waits_in_the_background_comes_by_number() {
    what_waits_comes_by_number(Dialect::SocketIo).await;
}

/// A connection that breaks in the background comes back by the position that its client has.
#[tokio::test]
async fn a_client_that_comes_back_from_the_background_has_missed_nothing() {
    for deployment in shared::both().await {
        let (rest, sockets) = (deployment.rest(), deployment.sockets());
        let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
        let room = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&room, &ben).await.expect(200);
        let mut phone = Socket::login(&sockets[0], "/ws", &ben.token).await;
        let subscribed = phone.subscribe(&room).await;
        let (epoch, head) = (subscribed["epoch"].clone(), subscribed["head"].clone());
        background(&mut phone, &room, true).await;
        let first = say(deployment, &ann, &room, "one").await;
        drop(phone);
        let mut phone = Socket::login(&sockets[1], "/ws", &ben.token).await;
        background(&mut phone, &room, true).await;
        phone
            .send(json!({"type": "subscribe", "rooms": [{"room": room, "epoch": epoch, "seq": head}]}))
            .await;
        let told = phone.expect_type("new_message").await;
        assert_eq!(told["seq"], json!(first));
        phone.expect_type("caught_up").await;
        let second = say(deployment, &ann, &room, "two").await;
        background(&mut phone, &room, false).await;
        assert_eq!(phone.expect_type("new_message").await["seq"], json!(second));
    }
}

#[tokio::test]
async fn who_is_banned_in_the_background_is_told_so() {
    for deployment in shared::both().await {
        let (rest, sockets) = (deployment.rest(), deployment.sockets());
        let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
        let room = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&room, &ben).await.expect(200);
        let mut phone = Socket::login(&sockets[0], "/ws", &ben.token).await;
        phone.subscribe(&room).await;
        background(&mut phone, &room, true).await;
        say(deployment, &ann, &room, "one").await;
        let banned = rest.moderate(http::Method::PUT, [&room, &ben.user_id, "ban"], &ann, &json!({})).await;
        assert!(banned.status < 300, "{banned:?}");
        let out = phone.expect_type("unsubscribed").await;
        assert_eq!((&out["room"], &out["reason"]), (&json!(room), &json!("banned")));
        let from = phone.mailbox().seen.len();
        phone.send(json!({"type": "background", "on": false})).await;
        phone.sync().await;
        // Another room of the same connection goes on.
        let other = rest.new_room(&ann, "public").await;
        let _joined = rest.join(&other, &ben).await.expect(200);
        phone.subscribe(&other).await;
        assert!(heard(&mut phone, from).iter().all(|frame| frame["room"] == other.as_str()));
    }
}
