//! Stock clients of Socket.IO, as npm and Python have them: the features that chat back ends in Node and Python have
//! (rows S2.14 to S2.20), one client on each gateway.

use std::time::Duration;

use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::faults::proxy::{Mode, Proxy};
use rookery_tests::foreign::{Foreign, Make, Options};
use rookery_tests::mailbox::{ChatClient as _, Incoming};
use rookery_tests::rest::{Account, Rest};
use rookery_tests::standalone::Standalone;
use rookery_tests::wait::{self, PATIENCE};
use rookery_tests::{names, shared};
use serde_json::{Value, json};

use crate::talk::{as_seen_live, exchange, hear, notice, refused, say};

/// Whose clients.
pub(crate) const MAKES: [Make; 2] = [Make::SocketIoJs, Make::SocketIoPython];
const WEBSOCKET: [&str; 1] = ["websocket"];

fn http(base: &str) -> String {
    base.replace("ws://", "http://")
}

/// Two members of a room, each with a client of another make on another gateway.
struct Scene {
    rest: Rest,
    room: String,
    users: [Account; 2],
    js: Foreign,
    python: Foreign,
}

impl Scene {
    async fn on(deployment: &Deployment) -> Self {
        let rest = deployment.rest();
        let users = [rest.new_user("jo").await, rest.new_user("pia").await];
        let room = rest.new_room(&users[0], "public").await;
        let [left, right] = deployment.sockets().map(|base| http(&base));
        let js = Foreign::login(Make::SocketIoJs, &left, &users[0].token).await;
        let python = Foreign::login(Make::SocketIoPython, &right, &users[1].token).await;
        Self { rest, room, users, js, python }
    }

    async fn join(&mut self) {
        let _joined = self.rest.join(&self.room, &self.users[1]).await.expect(200);
        for client in [&mut self.js, &mut self.python] {
            subscribe(client, &self.room).await;
        }
    }

    async fn leave(self) {
        self.js.leave().await;
        self.python.leave().await;
    }
}

pub(crate) async fn subscribe(client: &mut Foreign, room: &str) -> Value {
    client.send(json!({"type": "subscribe", "rooms": [{"room": room}]})).await;
    client.expect_type("caught_up").await
}

#[tokio::test]
async fn s2_14_a_token_comes_by_auth_or_header_and_a_bad_one_is_refused_at_connect() {
    let deployment = shared::cluster().await;
    let user = deployment.rest().new_user("stock").await;
    let [base, _] = deployment.sockets().map(|base| http(&base));
    for make in MAKES {
        for way in ["auth", "header"] {
            let mut client =
                Foreign::connect(make, &base, &Options { token: &user.token, way, transports: &WEBSOCKET });
            let hello = client.expect_type("hello").await;
            assert_eq!(hello["user"]["user_id"], user.user_id.as_str(), "{make:?} by {way}");
            client.leave().await;
        }
        for (token, way) in [("no-token", "auth"), ("no-token", "header"), ("", "none")] {
            let mut client = Foreign::connect(make, &base, &Options { token, way, transports: &WEBSOCKET });
            let error = client.expect_type("error").await;
            assert_eq!(error["code"], "unauthenticated", "{make:?} by {way}");
            assert!(client.mailbox().seen.len() == 1, "a stranger is told nothing else");
        }
    }
}

#[tokio::test]
async fn s2_15_a_disconnect_is_logged() {
    let server = Standalone::prepare_with(&[("limits", "off"), ("log_filter", "info,rookery_gateway=debug")]);
    server.node.start().await;
    let user = Rest::new(server.node.public_url()).new_user("stock").await;
    for (n, make) in MAKES.into_iter().enumerate() {
        Foreign::login(make, &server.node.public_url(), &user.token).await.leave().await;
        wait::until("the disconnect is logged", async || {
            server.node.process.log().matches("connection ends").count() == n + 1
        })
        .await;
    }
}

#[tokio::test]
async fn s2_16_only_members_join_a_room() {
    let mut scene = Scene::on(shared::cluster().await).await;
    subscribe(&mut scene.js, &scene.room).await;
    let join = json!({"type": "subscribe", "rooms": [{"room": scene.room}]});
    let error = refused(&mut scene.python, join, "not_a_member").await;
    assert_eq!(error["room"], scene.room.as_str());
    let hidden = scene.rest.new_room(&scene.users[0], "private").await;
    let join = json!({"type": "subscribe", "rooms": [{"room": hidden}]});
    refused(&mut scene.python, join, "unknown_room").await;
    scene.join().await;
    exchange(&mut scene.js, &mut scene.python, &scene.room).await;
    scene.leave().await;
}

#[tokio::test]
async fn s2_17_a_room_that_was_left_is_not_delivered_any_more() {
    let mut scene = Scene::on(shared::cluster().await).await;
    scene.join().await;
    subscribe(&mut scene.python, "general").await;
    scene.python.send(json!({"type": "unsubscribe", "rooms": [scene.room]})).await;
    scene.python.expect_type("unsubscribed").await;
    let unheard = say(&mut scene.js, &scene.room, "to nobody").await;
    subscribe(&mut scene.js, "general").await;
    // What comes later on the same connections shows that the other would have come.
    let heard = say(&mut scene.js, "general", "to all").await;
    hear(&mut scene.python, &heard).await;
    assert!(!scene.python.mailbox().seen.contains(&unheard));
    scene.leave().await;
}

#[tokio::test]
async fn s2_18_s2_19_what_is_sent_to_a_room_reaches_everyone_in_it() {
    let mut scene = Scene::on(shared::cluster().await).await;
    scene.join().await;
    let third = scene.rest.new_user("third").await;
    let _joined = scene.rest.join(&scene.room, &third).await.expect(200);
    let [base, _] = shared::cluster().await.sockets();
    let mut native = rookery_tests::ws::Socket::login(&base, "/ws", &third.token).await;
    native.subscribe(&scene.room).await;
    exchange(&mut scene.js, &mut scene.python, &scene.room).await;
    let said = say(&mut scene.python, &scene.room, "to all makes").await;
    hear(&mut scene.js, &said).await;
    hear(&mut native, &said).await;
    let history = scene.rest.history(&scene.room, &third.token).await;
    assert_eq!(history.last().map(as_seen_live), Some(said), "and is stored as it was heard");
    scene.leave().await;
}

#[tokio::test]
async fn s2_20_one_socket_serves_several_rooms_with_notices() {
    let mut scene = Scene::on(shared::cluster().await).await;
    scene.join().await;
    let second = scene.rest.new_room(&scene.users[0], "public").await;
    subscribe(&mut scene.js, &second).await;
    let _joined = scene.rest.join(&second, &scene.users[1]).await.expect(200);
    notice(&mut scene.js, "member_joined", &second, &scene.users[1].user_id).await;
    subscribe(&mut scene.python, &second).await;
    for room in [scene.room.clone(), second.clone()] {
        exchange(&mut scene.python, &mut scene.js, &room).await;
    }
    let _left = scene.rest.leave(&second, &scene.users[1]).await.expect(204);
    notice(&mut scene.js, "member_left", &second, &scene.users[1].user_id).await;
    exchange(&mut scene.js, &mut scene.python, &scene.room).await;
    scene.leave().await;
}

/// Some clients are given the path of the server as an address, and take it for a namespace.
#[tokio::test]
async fn the_path_of_the_server_is_a_namespace_too_and_there_are_no_others() {
    let deployment = shared::cluster().await;
    let user = deployment.rest().new_user("stock").await;
    let room = deployment.rest().new_room(&user, "public").await;
    let [left, right] = deployment.sockets().map(|base| http(&base));
    let mut by_path = Foreign::login(Make::SocketIoJs, &format!("{left}/socket.io"), &user.token).await;
    let mut by_root = Foreign::login(Make::SocketIoJs, &right, &user.token).await;
    subscribe(&mut by_path, &room).await;
    subscribe(&mut by_root, &room).await;
    exchange(&mut by_path, &mut by_root, &room).await;
    by_path.leave().await;
    by_root.leave().await;

    let options = Options { token: &user.token, way: "auth", transports: &WEBSOCKET };
    let mut elsewhere = Foreign::connect(Make::SocketIoJs, &format!("{left}/admin"), &options);
    assert_eq!(elsewhere.incoming().await, Incoming::Lost("Invalid namespace".to_owned()));
}

#[tokio::test]
async fn the_build_for_browsers_talks_to_the_one_of_node() {
    let deployment = shared::cluster().await;
    let (rest, [left, right]) = (deployment.rest(), deployment.sockets().map(|base| http(&base)));
    let user = rest.new_user("page").await;
    let room = rest.new_room(&user, "public").await;
    let mut page = Foreign::login(Make::SocketIoPage, &left, &user.token).await;
    let mut node = Foreign::login(Make::SocketIoJs, &right, &user.token).await;
    subscribe(&mut page, &room).await;
    subscribe(&mut node, &room).await;
    exchange(&mut page, &mut node, &room).await;
    page.leave().await;
    node.leave().await;
}

/// Stock clients know by the packet that ends a session that they need not come back.
#[tokio::test]
async fn a_login_that_is_over_ends_stock_clients_for_good() {
    let deployment = shared::cluster().await;
    let rest = deployment.rest();
    let [base, _] = deployment.sockets().map(|base| http(&base));
    for make in MAKES {
        let user = rest.new_user("stock").await;
        let mut client = Foreign::login(make, &base, &user.token).await;
        assert_eq!(rest.logout(&user.refresh_token).await.status, 204);
        assert_eq!(client.closed(PATIENCE).await, None, "{make:?}");
        assert_eq!(client.mailbox().seen.last().unwrap()["code"], "unauthenticated", "{make:?}");
    }
}

/// Whoever cannot be let in for the moment is not refused: stock clients would take that for final. Nor is whoever has had
/// the same token for too long, since it may have a newer one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_clients_come_back_by_themselves_once_the_api_is_there_again() {
    let cluster = Cluster::start().await;
    let rest = Rest::new(cluster.api.public_url());
    let user = rest.new_user("stock").await;
    let bare = cluster.api.internal_url().replace("http://", "");
    let to_api = Proxy::start(bare).await;
    let far = cluster.another_gateway_behind(cluster.redis.url().trim_start_matches("redis://"), &to_api.address());
    far.start().await;
    // Its keys it has by then.
    Foreign::login(Make::SocketIoJs, &far.public_url(), &user.token).await.leave().await;
    to_api.set(Mode::Swallow);
    let options = Options { token: &user.token, way: "auth", transports: &WEBSOCKET };
    let mut client = Foreign::connect(Make::SocketIoJs, &far.public_url(), &options);
    tokio::time::sleep(Duration::from_secs(5)).await;
    to_api.set(Mode::Open);
    client.until_back().await;
    assert!(client.mailbox().seen.iter().all(|frame| frame["type"] != "error"));
    client.leave().await;
}

/// A token is renewed in place, by the event `auth`.
#[tokio::test]
async fn a_stock_client_renews_its_token() {
    let deployment = shared::cluster().await;
    let rest = deployment.rest();
    let [base, _] = deployment.sockets().map(|base| http(&base));
    let user = rest.new_user("stock").await;
    let newer = rest.refresh(&user.refresh_token).await.expect(200).json()["access_token"].clone();
    for make in MAKES {
        let mut client = Foreign::login(make, &base, &user.token).await;
        client.send(json!({"type": "auth", "token": newer})).await;
        // Requests are done in order: the one behind it is answered on a connection that lives.
        let client_id = names::unique("c");
        client
            .send(json!({"type": "message", "room": "general", "client_id": client_id, "content": "renewed"}))
            .await;
        client.expect_type("ack").await;
        assert!(client.mailbox().seen.iter().all(|frame| frame["type"] != "error"));
        client.leave().await;
    }
}
