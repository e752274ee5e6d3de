//! Rooms that nobody has open: whoever wants one waits until it is open, however slow the database is, and is not turned
//! away.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use rookery_tests::faults::field::{Link, Needs, PLAIN, TestBed};
use rookery_tests::faults::proxy::Mode;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::{Account, Rest};
use rookery_tests::ws::Socket;
use serde_json::{Value, json};

const ROOMS: usize = 4;
const CLIENTS_PER_ROOM: usize = 75;
const USERS: usize = 3;
/// Each request to the database and each answer takes so long: the calls that open a room and begin its epoch take longer
/// together than any one of them may.
const DELAY: Duration = Duration::from_millis(350);

/// Everything starts anew and Redis is empty, so that each room's partition has no epoch.
async fn start_cold(field: &TestBed) {
    for node in field.nodes() {
        node.process.terminate().await;
    }
    field.redis.process.kill();
    field.redis.wipe();
    field.redis.start().await;
    field.nodes().for_each(|node| node.process.start());
    field.ready().await;
}

async fn rooms_of(rest: &Rest, users: &[Account]) -> Vec<String> {
    let mut rooms = Vec::new();
    for _ in 0..ROOMS {
        let room = rest.new_room(&users[0], "public").await;
        for user in &users[1..] {
            let _joined = rest.join(&room, user).await.expect(200);
        }
        rooms.push(room);
    }
    rooms
}

/// What the first answer about the room is that says how it went.
async fn answer(socket: &mut Socket) -> String {
    let is_answer = |frame: &Value| frame["type"] == "caught_up" || frame["type"] == "error";
    let answer = socket.expect("an answer to subscribe", is_answer).await;
    answer["code"].as_str().unwrap_or("caught_up").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e01_nobody_is_turned_away_from_rooms_that_nobody_has_open() {
    let field = TestBed::start(Needs { links: &[Link::ApiMongo], gateways: 2, ..PLAIN }).await;
    let rest = field.rest();
    let mut users = Vec::new();
    for _ in 0..USERS {
        users.push(rest.new_user("early").await);
    }
    let rooms = rooms_of(&rest, &users).await;
    start_cold(&field).await;
    let entrances = field.entrances();
    let some = || users.iter().cycle().take(CLIENTS_PER_ROOM);
    let places = rooms.iter().flat_map(|room| some().map(move |user| (room, user)));
    let sockets = places.enumerate().map(async |(number, (room, user))| {
        let socket = Socket::login(&entrances[number % entrances.len()], "/ws", &user.token).await;
        (room, socket)
    });
    let sockets = join_all(sockets).await;
    field.wires(Link::ApiMongo).for_each(|wire| wire.set(Mode::Delay(DELAY, DELAY)));
    let answers = sockets.into_iter().map(async |(room, mut socket)| {
        socket.send(json!({"type": "subscribe", "rooms": [{"room": room}]})).await;
        answer(&mut socket).await
    });
    let mut counts: HashMap<String, usize> = HashMap::new();
    for answer in join_all(answers).await {
        *counts.entry(answer).or_default() += 1;
    }
    assert_eq!(counts, HashMap::from([("caught_up".to_owned(), ROOMS * CLIENTS_PER_ROOM)]));
}
