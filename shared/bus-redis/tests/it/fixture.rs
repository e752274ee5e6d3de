//! A bus of every kind, with everything it needs to live.

use std::sync::Arc;
use std::time::Duration;

use rookery_bus::memory::MemoryBus;
use rookery_bus::pace::RoomRateLimit;
use rookery_bus::presence::PresenceStore;
use rookery_bus::{Bus, OpenError, PartitionOpening, RoomSeed};
use rookery_bus_redis::{RedisBus, RedisOptions, keys};
use rookery_protocol::event::RoomSettings;
use rookery_protocol::id::{AclVersion, Epoch, RoomId, Seq};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::Position;
use rookery_runtime::shutdown::Shutdown;
use rookery_tests::redis::Redis;
use rookery_tests::redis_cluster::RedisCluster;
use rookery_tests::redis_sentinel::Sentinel;
use tokio::sync::OnceCell;

use crate::journal::VecJournal;

pub(crate) const ACL: AclVersion = AclVersion(4);
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Used by all tests that harm nobody: rooms of their own keep them apart.
static SENTINEL: OnceCell<Sentinel> = OnceCell::const_new();
static CLUSTER: OnceCell<RedisCluster> = OnceCell::const_new();

/// The servers that belong to one test alone.
pub(crate) enum Servers {
    Shared,
    One(Redis),
    Sentinel(Box<Sentinel>),
    Cluster(RedisCluster),
}

/// A bus, and what it runs on.
pub(crate) struct Fixture {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) presence: Arc<dyn PresenceStore>,
    pub(crate) redis: Option<Arc<RedisBus>>,
    pub(crate) servers: Servers,
    shutdown: Shutdown,
}

impl Fixture {
    pub(crate) fn memory() -> Self {
        Self::memory_at(RoomRateLimit::OFF)
    }

    pub(crate) fn memory_at(pace: RoomRateLimit) -> Self {
        let shutdown = Shutdown::new();
        let bus = MemoryBus::start(Epoch(1), pace, Arc::new(VecJournal::default()), &shutdown);
        Self { presence: bus.clone(), bus, redis: None, servers: Servers::Shared, shutdown }
    }

    pub(crate) async fn redis() -> Self {
        Self::redis_at(RoomRateLimit::OFF).await
    }

    pub(crate) async fn redis_at(pace: RoomRateLimit) -> Self {
        let server = Redis::prepare();
        server.start().await;
        let url = server.url();
        Self::connect_at(url, Servers::One(server), pace).await
    }

    pub(crate) async fn sentinel() -> Self {
        let servers = SENTINEL.get_or_init(started_sentinel).await;
        Self::connect(servers.url(), Servers::Shared).await
    }

    pub(crate) async fn cluster() -> Self {
        let servers = CLUSTER.get_or_init(|| started_cluster(0)).await;
        Self::connect(servers.url(), Servers::Shared).await
    }

    pub(crate) async fn own_sentinel() -> Self {
        let servers = started_sentinel().await;
        Self::connect(servers.url(), Servers::Sentinel(Box::new(servers))).await
    }

    pub(crate) async fn own_cluster(replicas: usize) -> Self {
        let servers = started_cluster(replicas).await;
        Self::connect(servers.url(), Servers::Cluster(servers)).await
    }

    async fn connect(url: String, servers: Servers) -> Self {
        Self::connect_at(url, servers, RoomRateLimit::OFF).await
    }

    async fn connect_at(url: String, servers: Servers, pace: RoomRateLimit) -> Self {
        let shutdown = Shutdown::new();
        let bus = RedisBus::connect(&RedisOptions { url: url.into(), pace }, &shutdown).unwrap();
        let fixture = Self { presence: bus.clone(), bus: bus.clone(), redis: Some(bus), servers, shutdown };
        fixture.until_up().await;
        fixture
    }

    /// Another process on the one server of this test.
    pub(crate) fn another(&self) -> Self {
        Self::at(self.server().url())
    }

    /// Another process, which reaches Redis at this address.
    pub(crate) fn at(url: String) -> Self {
        let shutdown = Shutdown::new();
        let bus = RedisBus::connect(&RedisOptions { url: url.into(), pace: RoomRateLimit::OFF }, &shutdown).unwrap();
        Self {
            presence: bus.clone(),
            bus: bus.clone(),
            redis: Some(bus),
            servers: Servers::Shared,
            shutdown,
        }
    }

    /// The one server of this test.
    pub(crate) fn server(&self) -> &Redis {
        let Servers::One(server) = &self.servers else { panic!("has one server of its own") };
        server
    }

    /// Ends the server that has the room's data; returns when it, or a replica in its place, serves again.
    pub(crate) async fn replace_server_of(&self, room: RoomId) {
        match &self.servers {
            Servers::Shared => panic!("has servers of its own"),
            Servers::One(server) => {
                // Ended in peace, so that all of its data survives; nobody can see from outside that it did.
                server.process.terminate().await;
                server.start().await;
            }
            Servers::Sentinel(sentinel) => {
                let master = sentinel.master().await;
                master.replicated().await;
                master.process.kill();
                sentinel.promoted(master).await;
            }
            Servers::Cluster(cluster) => {
                let key = keys::room(room);
                let master = cluster.master_of(&key).await;
                master.replicated().await;
                master.process.kill();
                cluster.promoted(&key, master).await;
            }
        }
        self.until_up().await;
        let answers = async || self.bus.heads(&[room]).await.is_ok();
        rookery_tests::wait::until("the room's server answers", answers).await;
    }

    pub(crate) async fn until_up(&self) {
        let up = async {
            while self.bus.ping().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, up).await.expect("the bus comes up");
    }

    /// A room that is open, with `stored` as its last number in the store.
    pub(crate) async fn room(&self, stored: u64, epoch: u64) -> RoomId {
        let room = RoomId::generate();
        self.open(room, stored, epoch).await;
        room
    }

    pub(crate) async fn open(&self, room: RoomId, stored: u64, epoch: u64) {
        let last = Position { epoch: Epoch(epoch.saturating_sub(1)), seq: Seq::new(stored) };
        let seed = RoomSeed { epoch: None, last, acl: ACL, settings: RoomSettings::default() };
        if self.bus.open_room(room, seed).await == Err(OpenError::PartitionNotOpen) {
            let opening = self.bus.open_partition(partition_of(room), Epoch(epoch)).await;
            assert_eq!(opening, Ok(PartitionOpening::Open));
            self.bus.open_room(room, seed).await.unwrap();
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.shutdown.stop.cancel();
    }
}

async fn started_sentinel() -> Sentinel {
    let servers = Sentinel::prepare();
    servers.start().await;
    servers
}

async fn started_cluster(replicas: usize) -> RedisCluster {
    let servers = RedisCluster::prepare(replicas);
    servers.start().await;
    servers
}
