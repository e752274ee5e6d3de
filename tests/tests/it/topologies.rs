//! The same promises where Redis is a master with replicas and sentinels, or a cluster of several masters.

use rookery_shared::keys;
use rookery_tests::cluster::{Cluster, Topology};
use rookery_tests::deployment::Deployment;
use rookery_tests::node::Node;
use rookery_tests::redis_cluster::RedisCluster;
use rookery_tests::redis_sentinel::Sentinel;
use rookery_tests::rest::Rest;

use crate::crowd::Crowd;
use crate::scenario::people_chat_and_lose_nothing;

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
    Crowd::gather(Rest::new(cluster.api.public_url()), nodes).await
}
