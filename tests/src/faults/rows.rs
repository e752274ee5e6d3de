//! What a row is. [`table`] has all of them; the acts are in `acts`, `crowds`, `servers` and `pair`.
//!
//! To add a row: an entry in the table, a [`Fault`] for it if there is none yet, and its act in [`Stage::play`].

mod acts;
mod crowds;
pub mod pair;
mod restore;
mod servers;
pub mod table;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::field::{Link, Needs, Shared};
use super::holds::Expectation;
use super::proxy::Mode;

/// What breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of a gateway, started again.
    GatewayKill,
    /// SIGSTOP of a gateway, then SIGCONT.
    GatewayStop,
    /// SIGTERM and start of each gateway in turn.
    GatewaysRoll,
    /// `kill -9` of the api, started again.
    ApiKill,
    /// Replies of MongoDB are lost, then the api is killed.
    ApiKillAfterStore,
    /// SIGSTOP of the api, then SIGCONT.
    ApiStop,
    /// SIGTERM and start of the api, three times.
    ApiRestart,
    /// Redis is killed and its data thrown away.
    RedisWipe,
    /// `kill -9` of Redis, which reads its append-only file when it starts.
    RedisKill,
    /// SIGSTOP of Redis for so many seconds, then SIGCONT.
    RedisStop(u64),
    /// Redis has no memory left for writes.
    RedisNoMemory,
    /// Redis cannot write its append-only file.
    RedisDiskFull,
    /// SIGSTOP of the MongoDB-protocol server for so many seconds, then SIGCONT.
    MongoStop(u64),
    /// `kill -9` of the MongoDB-protocol server, started again.
    MongoKill,
    /// A wire misbehaves for some seconds.
    Wire(&'static [Link], Wire, u64),
    /// All connections of clients are reset again and again.
    ClientsReset,
    /// Clients vanish without a word.
    ClientsVanish,
    /// The balancer is killed with thousands of idle sockets behind it.
    BalancerKill,
    /// The same, and half of the gateways are taken away meanwhile.
    ScaleDown,
    /// Redis throws out those who listen, as it does with those who read too slowly.
    SubscribersOut,
    /// Nobody's log can be written.
    LogsFull,
    /// The MongoDB-protocol server cannot write its files.
    MongoDiskFull,
    /// Redis is wiped while nothing can be stored: only acks that mean "stored" survive it.
    RedisWipeUnstored,
    /// `kill -9` of a master that has a replica and sentinels, started again when it was replaced.
    MasterKill,
    /// Sentinel is told to exchange master and replica, again and again.
    MasterExchange,
    /// SIGSTOP of such a master for so many seconds, then SIGCONT.
    MasterStop(u64),
    /// `kill -9` of the replica, started again.
    ReplicaKill,
    /// The master and one gateway are cut off from all others in this way for so many seconds.
    Partition(Wire, u64),
    /// `kill -9` of a master of Redis Cluster, started again when it was replaced.
    ShardKill,
    /// SIGSTOP of a master of Redis Cluster, then SIGCONT when it was replaced.
    ShardStop,
    /// A backup is made, and put back a little later.
    Restore,
    /// Two faults at once, chosen by the seed.
    Pair,
}

impl Fault {
    /// Whether nothing that was answered may be gone afterwards.
    pub const fn keeps_what_is_answered(self) -> bool {
        !matches!(self, Self::Restore | Self::RedisWipeUnstored)
    }
}

/// How a wire misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Reset and refused.
    Cut,
    /// Silent.
    Swallow,
    /// Silent in one direction: requests get through, replies do not.
    SwallowReplies,
    /// Later, by so many milliseconds, least and most.
    Delay(u64, u64),
    /// Bytes a second.
    Rate(u32),
    /// Byte by byte.
    Slice,
    /// Requests get through, replies are lost and the connection is reset.
    LoseReplies,
}

/// A row of the fault matrix.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Name in the matrix.
    pub id: &'static str,
    /// What is done.
    pub title: &'static str,
    /// What we expect.
    pub hypothesis: &'static str,
    /// What it takes.
    pub needs: Needs,
    /// What breaks.
    pub fault: Fault,
    /// What has to hold beyond the invariants.
    pub holds: &'static [Expectation],
    /// Seconds after the fault in which everybody is to be heard again.
    pub back_s: u64,
    /// Whether the short version plays it.
    pub is_short: bool,
}

/// Where and how a fault is played.
#[derive(Clone)]
pub struct Stage {
    /// The cluster.
    pub field: Shared,
    /// Chooses what is random.
    pub seed: u64,
    /// Faults last this part of their time.
    pub scale: f64,
    /// Idle sockets of the rows that drop them.
    pub idle_sockets: usize,
    /// Times are so many times as long as the row says.
    pub patience: u32,
    /// What did not hold while the fault was played.
    pub complaints: Arc<Mutex<Vec<String>>>,
    /// What took too long.
    pub delays: Arc<Mutex<Vec<String>>>,
    /// When a backup was begun and when it was put back.
    pub restored: Arc<Mutex<Option<(Instant, Instant)>>>,
}

impl Stage {
    /// Notes what does not hold.
    pub fn complain(&self, what: String) {
        self.complaints.lock().push(what);
    }

    /// Notes what took too long.
    pub fn note_delay(&self, what: String) {
        self.delays.lock().push(what);
    }

    /// Waits for `secs` seconds of fault, or a part of it in the short version, 2 s at least.
    pub async fn pause(&self, secs: u64) {
        let whole = Duration::from_secs(secs);
        tokio::time::sleep(whole.mul_f64(self.scale).max(Duration::from_secs(2).min(whole))).await;
    }
}

impl Wire {
    const fn mode(self) -> Mode {
        match self {
            Self::Cut => Mode::Cut,
            Self::Swallow => Mode::Swallow,
            Self::SwallowReplies => Mode::SwallowReplies,
            Self::Delay(least, most) => Mode::Delay(Duration::from_millis(least), Duration::from_millis(most)),
            Self::Rate(bytes) => Mode::Rate(bytes),
            Self::Slice => Mode::Slice,
            Self::LoseReplies => Mode::DropReplies,
        }
    }
}
