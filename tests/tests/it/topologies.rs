//! The same promises where Redis is a master with replicas and sentinels, or a cluster of several masters.

use rookery_bus_redis::keys;
use rookery_tests::cluster::{Cluster, Topology};
use rookery_tests::deployment::Deployment;
use rookery_tests::node::Node;
use rookery_tests::redis_cluster::RedisCluster;
use rookery_tests::redis_sentinel::Sentinel;
use rookery_tests::rest::Rest;
use tokio::time::{Duration, Instant, sleep_until};

use crate::crowd::{Crowd, FEW};
use crate::scenario::people_chat_and_lose_nothing;

/// A master that does not answer this long was replaced long ago.
const STOPPED: Duration = Duration::from_secs(10);

#[tokio::test]
async fn sentinel_people_chat_and_lose_nothing() {
    people_chat_and_lose_nothing(alone_on(Topology::Sentinel(Box::new(Sentinel::prepare()))).await).await;
}

#[tokio::test]
async fn redis_cluster_people_chat_and_lose_nothing() {
    people_chat_and_lose_nothing(alone_on(Topology::Cluster(RedisCluster::prepare(0))).await).await;
}

/// The replica is a new incarnation: what it did not get before the master died was never acknowledged, and is sent
/// again. The old master comes back as a replica.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel_failover_loses_no_acked_message() {
    let cluster = Cluster::start_on(Topology::Sentinel(Box::new(Sentinel::prepare()))).await;
    let Topology::Sentinel(sentinel) = &cluster.topology else { unreachable!("made a line above") };
    let crowd = crowd_on(&cluster).await;
    crowd.goes_on("at first").await;

    let first = sentinel.master().await;
    first.process.kill();
    let second = sentinel.promoted(first).await;
    crowd.goes_on("after the master was killed").await;

    first.start().await;
    second.replicated().await;
    crowd.goes_on("after it came back as a replica").await;
    crowd.agrees_connected().await;
}

/// It goes on with what lies in its buffers, as a master of an epoch that is over: nothing of that may be believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel_master_that_was_stopped_and_goes_on_loses_no_acked_message() {
    let cluster = Cluster::start_on(Topology::Sentinel(Box::new(Sentinel::prepare()))).await;
    let Topology::Sentinel(sentinel) = &cluster.topology else { unreachable!("made a line above") };
    let crowd = crowd_on(&cluster).await;
    crowd.goes_on("at first").await;

    let (first, stopped) = (sentinel.master().await, Instant::now());
    first.process.signal("STOP");
    sentinel.promoted(first).await;
    crowd.goes_on("after another server took over").await;
    sleep_until(stopped + STOPPED).await;
    first.process.signal("CONT");
    crowd.goes_on("while the old master believes in itself").await;
    sentinel.follows(first).await;
    crowd.goes_on("after it became a replica").await;
    crowd.agrees_connected().await;
}

/// Each master was a replica before, with its scripts still loaded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinel_masters_that_change_places_lose_no_acked_message() {
    let cluster = Cluster::start_on(Topology::Sentinel(Box::new(Sentinel::prepare()))).await;
    let Topology::Sentinel(sentinel) = &cluster.topology else { unreachable!("made a line above") };
    let crowd = crowd_on(&cluster).await;
    crowd.goes_on("at first").await;

    for _ in 0..3 {
        let before = sentinel.master().await;
        sentinel.fail_over().await;
        crowd.goes_on("after the servers changed places").await;
        sentinel.follows(before).await;
    }
    crowd.agrees_connected().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_cluster_master_that_was_stopped_and_goes_on_loses_no_acked_message() {
    let cluster = Cluster::start_on(Topology::Cluster(RedisCluster::prepare(1))).await;
    let Topology::Cluster(servers) = &cluster.topology else { unreachable!("made a line above") };
    let crowd = crowd_on(&cluster).await;
    crowd.goes_on("at first").await;

    let key = keys::room(crowd.room());
    let (master, stopped) = (servers.master_of(&key).await, Instant::now());
    master.process.signal("STOP");
    servers.promoted(&key, master).await;
    crowd.goes_on("after another server took over").await;
    sleep_until(stopped + STOPPED).await;
    master.process.signal("CONT");
    crowd.goes_on("after it went on").await;
    crowd.agrees_connected().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_cluster_failover_loses_no_acked_message() {
    let cluster = Cluster::start_on(Topology::Cluster(RedisCluster::prepare(1))).await;
    let Topology::Cluster(servers) = &cluster.topology else { unreachable!("made a line above") };
    let crowd = crowd_on(&cluster).await;
    crowd.goes_on("at first").await;

    let key = keys::room(crowd.room());
    let master = servers.master_of(&key).await;
    master.process.kill();
    servers.promoted(&key, master).await;
    crowd.goes_on("after the room's master was killed").await;

    master.start().await;
    crowd.goes_on("after it came back as a replica").await;
    crowd.agrees_connected().await;
}

async fn alone_on(topology: Topology) -> Deployment {
    Deployment::Cluster(Box::new(Cluster::start_alone_on(topology).await))
}

async fn crowd_on(cluster: &Cluster) -> Crowd {
    let nodes = cluster.gateways.iter().map(Node::socket_url).collect();
    Crowd::gather(Rest::new(cluster.api.public_url()), nodes, FEW).await
}
