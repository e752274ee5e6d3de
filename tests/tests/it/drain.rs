//! A node that is stopped sends its clients away a few at a time, serves them until then, and they miss nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use rookery_tests::cluster::Cluster;
use rookery_tests::dialect::Dialect;
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::rest::{Account, Rest};
use rookery_tests::view::View;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::Socket;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

const SOCKETS: usize = 50;
/// Clients of Socket.IO beside them.
const SOCKETS_BESIDE: usize = 20;
const LAST_WORDS: &str = "the end";

/// A client, and what it has seen of the room.
struct Client {
    socket: Socket,
    view: View,
    told_to_leave: Option<Instant>,
}

impl Client {
    async fn enter(node: &str, token: &str, view: View) -> Self {
        let mut socket = Socket::login(node, "/ws", token).await;
        socket.send(view.subscribe_frame()).await;
        let mut client = Self { socket, view, told_to_leave: None };
        client.listen(|frame| frame["type"] == "caught_up").await;
        client
    }

    /// Listens until the frame comes; false if the server closed before.
    async fn listen(&mut self, until: impl Fn(&Value) -> bool) -> bool {
        loop {
            match self.socket.incoming().await {
                Incoming::Frame(frame) => {
                    assert!(frame["type"] != "gap" && frame["type"] != "reset", "{frame}");
                    self.view.apply(&frame);
                    if frame["type"] == "reconnect" {
                        self.told_to_leave = Some(Instant::now());
                    }
                    if until(&frame) {
                        return true;
                    }
                }
                Incoming::Closed(code) => {
                    assert_eq!(code, Some(1012));
                    return false;
                }
                Incoming::Lost(cause) => panic!("lost instead of closed: {cause}"),
            }
        }
    }

    /// Stays until it is sent away, then goes on at the other node.
    async fn move_to(mut self, node: String, token: String) -> (Instant, Self) {
        assert!(!self.listen(|_| false).await);
        let told = self.told_to_leave.expect("`reconnect` comes before the close");
        (told, Self::enter(&node, &token, self.view).await)
    }
}

async fn talk(rest: Rest, room: String, owner: Account, quiet: Arc<AtomicBool>) {
    while !quiet.load(Ordering::Relaxed) {
        let _said = rest.say(&room, &owner, &json!({"content": "talk"})).await.expect(201);
        sleep(Duration::from_millis(20)).await;
    }
    let _said = rest.say(&room, &owner, &json!({"content": LAST_WORDS})).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goodbyes_are_spread_over_the_drain_and_nobody_misses_anything() {
    let cluster = Cluster::start().await;
    let rest = Rest::new(cluster.api.public_url());
    let owner = rest.new_user("owner").await;
    let room = rest.new_room(&owner, "public").await;
    let nodes = |dialect: Dialect| [0, 1].map(|n| dialect.address(&cluster.gateways[n].socket_url()));
    let dialects = [Dialect::Native; SOCKETS].into_iter().chain([Dialect::SocketIo; SOCKETS_BESIDE]);
    let clients = join_all(dialects.map(async |dialect| {
        let [here, there] = nodes(dialect);
        (Client::enter(&here, &owner.token, View::new(&room)).await, there)
    }))
    .await;

    let quiet = Arc::new(AtomicBool::new(false));
    let talker = tokio::spawn(talk(rest, room, owner.clone(), Arc::clone(&quiet)));
    let leaving = clients
        .into_iter()
        .map(|(client, there)| tokio::spawn(client.move_to(there, owner.token.clone())));
    let leaving: Vec<_> = leaving.collect();
    cluster.gateways[0].process.signal("TERM");
    let moved = timeout(PATIENCE, join_all(leaving)).await.expect("all are sent away");
    quiet.store(true, Ordering::Relaxed);
    talker.await.unwrap();

    let (told, clients): (Vec<Instant>, Vec<Client>) = moved.into_iter().map(Result::unwrap).unzip();
    let spread = told.iter().max().unwrap().duration_since(*told.iter().min().unwrap());
    assert!(spread >= Duration::from_secs(1), "all were sent away within {spread:?}");
    let hear_the_end = clients.into_iter().map(async |mut client| {
        let is_end = |frame: &Value| frame["message"]["content"] == LAST_WORDS;
        let has_heard = client.view.fresh.iter().any(is_end);
        assert!(has_heard || client.listen(is_end).await);
    });
    timeout(PATIENCE, join_all(hear_the_end)).await.expect("all hear the end");
    assert!(cluster.gateways[0].process.ended().await.success());
}
