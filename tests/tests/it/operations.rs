//! What operators rely on: health and metrics on the internal listener only, a clean stop, a start in any order.

use std::sync::Arc;

use rookery_tests::cluster::Cluster;
use rookery_tests::deployment::Deployment;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::mongo::Mongo;
use rookery_tests::process::is_clean;
use rookery_tests::rest::Rest;
use rookery_tests::shared;
use rookery_tests::wait::PATIENCE;
use rookery_tests::ws::Socket;

#[tokio::test]
async fn health_and_metrics_are_on_the_internal_listener_only() {
    for deployment in shared::both().await {
        for node in deployment.nodes() {
            let (public, internal) = (Rest::new(node.public_url()), Rest::new(node.internal_url()));
            for path in ["/live", "/ready", "/metrics"] {
                let _inside = internal.get(path, None).await.expect(200);
                let outside = public.get(path, None).await;
                assert_eq!(outside.status, 404, "{path} of {}", node.public_url());
            }
            let metrics = internal.get("/metrics", None).await.text;
            assert!(metrics.lines().any(|line| line.starts_with("# TYPE rookery_")), "{metrics:.500}");
        }
    }
}

#[tokio::test]
async fn the_internal_calls_of_gateways_need_the_secret() {
    let Deployment::Cluster(cluster) = shared::cluster().await else {
        unreachable!("the shared cluster is one")
    };
    let internal = Rest::new(cluster.api.internal_url());
    let body = serde_json::json!({"user": "01890000-0000-7000-8000-000000000000", "room": "general"});
    for token in [None, Some("wrong"), Some("internal-secret-of-the-test")] {
        let answer = internal.post("/internal/v1/authorize", token, &body).await;
        assert_eq!(answer.status, 401, "{token:?}: {}", answer.text);
    }
    // A gateway asks for the keys first, and is not ready without: with another secret it would turn every socket away.
    let _anybody = internal.get("/.well-known/jwks.json", None).await.expect(200);
    let _wrong = internal.get("/.well-known/jwks.json", Some("wrong")).await.expect(401);
}

#[tokio::test]
async fn sigterm_tells_clients_to_move_and_ends_the_process_cleanly() {
    for deployment in [Deployment::cluster().await, Deployment::standalone().await] {
        let user = deployment.rest().new_user("moved").await;
        let mut socket = Socket::login(&deployment.sockets()[0], "/ws/general", &user.token).await;
        socket.live().await;
        let node = deployment.nodes()[0];
        node.process.signal("TERM");
        assert_eq!(socket.closed(PATIENCE).await, Some(1012));
        let told = socket.mailbox().waiting().find(|frame| frame["type"] == "reconnect").cloned();
        assert!(told.expect("told before the close")["after_ms"].is_u64());
        assert!(is_clean(node.process.ended().await), "{}", node.process.log_tail());
        node.until_refusing().await;
        for other in &deployment.nodes()[1..] {
            assert!(is_clean(other.process.terminate().await), "{}", other.process.log_tail());
        }
    }
}

#[tokio::test]
async fn services_start_before_what_they_need() {
    let cluster = Cluster::prepare(Arc::new(Mongo::prepare()));
    let services = || cluster.gateways.iter().chain([&cluster.api]);
    for node in services() {
        node.process.start();
    }
    for node in services() {
        node.until_internal("/live", 200).await;
        node.until_internal("/ready", 503).await;
    }
    cluster.redis.start().await;
    cluster.mongo.start().await;
    cluster.ready().await;
    assert_serves(Deployment::Cluster(Box::new(cluster))).await;
}

#[tokio::test]
async fn two_apis_may_prepare_the_store_at_once() {
    let cluster = Cluster::prepare(Mongo::shared().await);
    let second = cluster.another_api();
    cluster.redis.start().await;
    second.process.start();
    cluster.start_services().await;
    second.ready().await;
    let user = Rest::new(second.public_url()).new_user("second").await;
    let _me = Rest::new(cluster.api.public_url()).get("/api/v1/users/me", Some(&user.token)).await;
    assert_serves(Deployment::Cluster(Box::new(cluster))).await;
}

#[tokio::test]
async fn tokens_and_texts_are_not_in_the_logs() {
    for deployment in shared::both().await {
        let rest = deployment.rest();
        let user = rest.new_user("private").await;
        let secret = "a text that no log may tell";
        let request = rookery_tests::ws::with_token(
            &deployment.sockets()[0],
            "/ws/general",
            &user.token,
            rookery_tests::ws::Way::Query,
        );
        let mut socket = Socket::open(request).await.open();
        socket.live().await;
        crate::talk::say(&mut socket, "general", secret).await;
        for node in deployment.nodes() {
            let log = node.process.log();
            for hidden in [secret, &user.token, &user.refresh_token, &user.email, rookery_tests::rest::PASSWORD] {
                assert!(!log.contains(hidden), "{} logs {hidden:.20}…", node.public_url());
            }
        }
    }
}

async fn assert_serves(deployment: Deployment) {
    let user = deployment.rest().new_user("late").await;
    let [left, right] = deployment.sockets();
    let mut here = Socket::login(&left, "/ws/general", &user.token).await;
    let mut there = Socket::login(&right, "/ws/general", &user.token).await;
    here.live().await;
    there.live().await;
    crate::talk::exchange(&mut here, &mut there, "general").await;
}
