//! Rights that end while a part is away: Redis, or the api of one gateway.

use http::Method;
use rookery_tests::cluster::Cluster;
use rookery_tests::dialect::Dialect;
use rookery_tests::faults::proxy::{Mode, Proxy};
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::rest::Rest;
use rookery_tests::wait;
use rookery_tests::ws::Socket;
use serde_json::json;

use super::Scene;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a18_and_z06_hold_while_redis_is_down() {
    let cluster = Cluster::start().await;
    let sockets = [0, 1].map(|i| cluster.gateways[i].socket_url());
    let scene = Scene::at(Rest::new(cluster.api.public_url()), sockets, "public").await;
    let leaver = scene.rest.new_user("leaver").await;
    let (mut banned, mut gone) =
        (scene.live(1, &scene.member).await, Socket::login(&scene.sockets[0], "/ws", &leaver.token).await);
    let in_socketio = Dialect::SocketIo.address(&cluster.gateways[1].socket_url());
    let mut gone_too = Socket::login(&in_socketio, "/ws", &leaver.token).await;
    let mut banned_too = Socket::login(&in_socketio, "/ws", &scene.member.token).await;
    banned_too.subscribe(&scene.room).await;
    cluster.redis.process.kill();
    assert_eq!(scene.act(Method::PUT, "ban", json!({})).await, 503, "decided, but the room has not heard");
    for socket in [&mut banned, &mut banned_too] {
        socket.expect_type("unsubscribed").await;
    }
    assert_eq!(scene.may_join().await, "banned");
    assert_eq!(scene.rest.logout(&leaver.refresh_token).await.status, 204);
    for socket in [&mut gone, &mut gone_too] {
        assert_eq!(socket.closed(wait::PATIENCE).await, Some(4409));
    }
    // The room hears of it when it can, and the repeat is answered then.
    cluster.redis.start().await;
    cluster.ready().await;
    wait::until("the ban is answered", async || scene.act(Method::PUT, "ban", json!({})).await == 204).await;
    let mut again = Socket::login(&scene.sockets[1], "/ws", &scene.member.token).await;
    assert_eq!(scene.say(&mut again, "after-the-outage").await["code"], "banned");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a18_and_z06_hold_where_the_api_cannot_be_asked() {
    let cluster = Cluster::start().await;
    let internal = cluster.api.internal_url();
    let to_api = Proxy::start(internal.split_once("://").expect("an address").1.to_owned()).await;
    let redis = cluster.redis.url();
    let far = cluster.another_gateway_behind(redis.split_once("://").expect("an address").1, &to_api.address());
    far.start().await;
    let sockets = [cluster.gateways[0].socket_url(), far.socket_url()];
    let scene = Scene::at(Rest::new(cluster.api.public_url()), sockets, "public").await;
    let leaver = scene.rest.new_user("leaver").await;
    let (mut banned, mut gone) =
        (scene.live(1, &scene.member).await, Socket::login(&scene.sockets[1], "/ws", &leaver.token).await);
    to_api.set(Mode::Cut);
    assert_eq!(scene.act(Method::PUT, "ban", json!({})).await, 204);
    assert_eq!(scene.rest.logout(&leaver.refresh_token).await.status, 204);
    banned.expect_type("member_banned").await;
    banned.expect_type("unsubscribed").await;
    assert_eq!(gone.closed(wait::PATIENCE).await, Some(4409));
}
