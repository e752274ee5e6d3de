//! Stock clients of Socket.IO over two gateways behind HAProxy, without sticky sessions: talk, cut, resume, a restart of
//! everything, and gateways that are killed under load. Nothing is lost, nothing comes twice, all in one order.

use rookery_tests::cluster::{Cluster, Topology};
use rookery_tests::dialect::Dialect;
use rookery_tests::faults::proxy::{Mode, Proxy};
use rookery_tests::foreign::{Foreign, Make};
use rookery_tests::front::{self, Front, Servers};
use rookery_tests::mailbox::ChatClient;
use rookery_tests::rest::Rest;
use rookery_tests::view::{View, assert_contiguous, timeline_of};
use rookery_tests::ws::Socket;
use serde_json::Value;

use crate::crowd::Crowd;
use crate::socketio_clients::MAKES;
use crate::talk::{exchange, say};

async fn front(cluster: &Cluster) -> Front {
    let gateways = [&cluster.gateways[0], &cluster.gateways[1]];
    Front::start(front::Make::Haproxy, Servers { gateways, api: &cluster.api }).await
}

/// Takes in what comes until the room is live again, by the position that the client has.
async fn come_back<C: ChatClient + Send>(client: &mut C, view: &mut View, history: &[Value]) {
    client.send(view.subscribe_frame()).await;
    loop {
        let frame = client.expect("anything", |_| true).await;
        view.apply(&frame);
        if frame["type"] == "caught_up" {
            break;
        }
    }
    if view.needs_history() {
        view.merge(history);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_native_and_a_stock_client_talk_are_cut_resume_and_outlive_a_restart_of_everything() {
    let cluster = Cluster::start_alone_on(Topology::One).await;
    let front = front(&cluster).await;
    let wire = Proxy::start(front.address()).await;
    let rest = Rest::new(format!("http://{}", front.address()));
    let (ann, ben) = (rest.new_user("ann").await, rest.new_user("ben").await);
    let room = rest.new_room(&ann, "public").await;
    let _joined = rest.join(&room, &ben).await.expect(200);
    let mut native = Socket::login(&format!("ws://{}", front.address()), "/ws", &ann.token).await;
    native.subscribe(&room).await;
    let mut stock = Foreign::login(Make::SocketIoJs, &format!("http://{}", wire.address()), &ben.token).await;
    let mut view = View::new(&room);
    come_back(&mut stock, &mut view, &rest.history(&room, &ben.token).await).await;
    exchange(&mut native, &mut stock, &room).await;
    stock.mailbox().seen.clone().iter().for_each(|frame| view.apply(frame));

    wire.set(Mode::Cut);
    let mut missed = Vec::new();
    for n in 1..=5 {
        missed.push(say(&mut native, &room, &format!("while Ben was away {n}")).await);
    }
    wire.set(Mode::Open);
    stock.until_back().await;
    view.fresh.clear();
    come_back(&mut stock, &mut view, &[]).await;
    assert_eq!(view.fresh, missed, "exactly what was missed");

    let before = rest.history(&room, &ben.token).await;
    cluster.restart_all().await;
    stock.until_back().await;
    let mut native = Socket::login(&format!("ws://{}", front.address()), "/ws", &ann.token).await;
    native.subscribe(&room).await;
    let history = rest.history(&room, &ben.token).await;
    assert_eq!(history, before, "nothing is lost");
    come_back(&mut stock, &mut view, &history).await;
    assert_eq!(view.timeline(), timeline_of(&before), "and all of it is known");
    exchange(&mut native, &mut stock, &room).await;
    let after = rest.history(&room, &ben.token).await;
    assert_eq!(after.len(), before.len() + 6);
    assert_contiguous(&after, 1);
    stock.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_clients_lose_and_repeat_nothing_when_gateways_are_killed_under_load() {
    let cluster = Cluster::start().await;
    let front = front(&cluster).await;
    let rest = Rest::new(cluster.api.public_url());
    let base = format!("ws://{}", front.address());
    let nodes = [Dialect::Native, Dialect::SocketIo].map(|dialect| dialect.address(&base));
    let mut crowd = Crowd::gather(rest, nodes.to_vec(), 4).await;
    for make in MAKES {
        crowd.joined_by(make, &format!("http://{}", front.address())).await;
    }
    crowd.goes_on("at first").await;
    for gateway in &cluster.gateways {
        gateway.process.kill();
        crowd.goes_on("with one gateway").await;
        gateway.start().await;
    }
    crowd.agrees().await;
}
