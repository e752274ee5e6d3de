//! Faults of a Redis that is more than one server: Sentinel with a replica, or Redis Cluster.

use tokio::time::{Duration, sleep};

use super::acts::GONE;
use super::{Link, Stage};
use crate::cluster::Topology;
use crate::faults::proxy::{Mode, Proxy};
use crate::redis::Redis;
use crate::redis_cluster::RedisCluster;
use crate::redis_sentinel::Sentinel;

/// Roles are changed so often.
const EXCHANGES: usize = 3;

impl Stage {
    /// The old master comes back with what it had.
    pub(super) async fn kill_master(&self) {
        let sentinel = self.sentinel();
        let master = sentinel.master().await;
        master.process.kill();
        sentinel.promoted(master).await;
        self.pause(GONE).await;
        master.start().await;
        sentinel.until_follows().await;
    }

    pub(super) async fn exchange_masters(&self) {
        let sentinel = self.sentinel();
        for _ in 0..EXCHANGES {
            let before = sentinel.master().await;
            sentinel.fail_over().await;
            sentinel.follows(before).await;
            self.pause(2).await;
        }
    }

    /// It is replaced meanwhile, and does not know it when it goes on. The short version waits for that, too.
    pub(super) async fn stop_master(&self, secs: u64) {
        let sentinel = self.sentinel();
        let master = sentinel.master().await;
        master.process.signal("STOP");
        let (_, ()) = tokio::join!(sentinel.promoted(master), self.pause(secs));
        master.process.signal("CONT");
        sentinel.until_follows().await;
    }

    pub(super) async fn kill_replica(&self) {
        let sentinel = self.sentinel();
        let master = sentinel.master().await.port();
        let replica = sentinel
            .servers
            .iter()
            .find(|server| server.port() != master)
            .expect("there are two servers");
        for _ in 0..2 {
            replica.process.kill();
            self.pause(5).await;
            replica.start().await;
            sentinel.until_follows().await;
        }
    }

    /// The master and the first gateway on one side, all others on the other one. Clients stay with the gateway they
    /// have; REST is open to all of them.
    pub(super) async fn part(&self, mode: Mode, secs: u64) {
        let (field, sentinel) = (&self.field, self.sentinel());
        let master = sentinel.master().await;
        for link in [Link::Master, Link::GatewayApi, Link::Sentinels] {
            let alone = field.wires(link).map(Proxy::of_single).sum::<usize>();
            if link != Link::Sentinels && alone == 0 {
                self.complain(format!("{link:?}: no wire knows the gateway that is to be cut off"));
            }
        }
        field.wires(Link::Master).for_each(|wire| wire.set_for_others(mode));
        for link in [Link::Replica, Link::Sentinels, Link::GatewayApi] {
            field.wires(link).for_each(|wire| wire.set_for_single(mode));
        }
        let (_, ()) = tokio::join!(sentinel.promoted(master), self.pause(secs));
        for link in [Link::Master, Link::Replica, Link::Sentinels, Link::GatewayApi] {
            field.wires(link).for_each(|wire| wire.set(Mode::Open));
        }
        sentinel.until_follows().await;
    }

    pub(super) async fn kill_shard(&self) {
        let (cluster, master) = self.shard();
        master.process.kill();
        self.pause(10).await;
        master.start().await;
        cluster.until_complete().await;
    }

    pub(super) async fn stop_shard(&self) {
        let (cluster, master) = self.shard();
        master.process.signal("STOP");
        // Also the short version lets another server take its place.
        sleep(Duration::from_secs(5)).await;
        self.pause(5).await;
        master.process.signal("CONT");
        cluster.until_complete().await;
    }

    fn sentinel(&self) -> &Sentinel {
        match &self.field.topology {
            Topology::Sentinel(sentinel) => sentinel,
            Topology::One | Topology::Cluster(_) => panic!("the row asked for Sentinel"),
        }
    }

    /// One of the masters.
    fn shard(&self) -> (&RedisCluster, &Redis) {
        match &self.field.topology {
            Topology::Cluster(cluster) => (cluster, cluster.master(self.seed)),
            Topology::One | Topology::Sentinel(_) => panic!("the row asked for Redis Cluster"),
        }
    }
}
