//! The rows: which fault, what we expect of it, what has to hold beyond the invariants. The acts are in `rows/`.
//!
//! To add a row: an entry in [`ALL`], a [`Fault`] for it if there is none yet, and its act in [`Stage::play`].

mod acts;
pub mod pair;

use std::time::Duration;

use super::field::{Link, Needs, PLAIN, Shared};
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
    /// SIGSTOP of Redis, then SIGCONT.
    RedisStop,
    /// Redis has no memory left for writes.
    RedisNoMemory,
    /// Redis cannot write its append-only file.
    RedisDiskFull,
    /// SIGSTOP of the MongoDB-protocol server, then SIGCONT.
    MongoStop,
    /// `kill -9` of the MongoDB-protocol server, started again.
    MongoKill,
    /// A wire misbehaves for some seconds.
    Wire(&'static [Link], Wire, u64),
    /// All connections of clients are reset again and again.
    ClientsReset,
    /// The balancer is killed with thousands of idle sockets behind it.
    BalancerKill,
    /// Two faults at once, chosen by the seed.
    Pair,
}

/// How a wire misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Reset and refused.
    Cut,
    /// Silent.
    Swallow,
    /// Later, by so many milliseconds, least and most.
    Delay(u64, u64),
    /// Bytes a second.
    Rate(u32),
    /// Byte by byte.
    Slice,
}

/// What has to hold beyond the invariants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// Nothing more.
    Nothing,
    /// Messages are delivered while the fault lasts.
    Shown,
    /// Messages are acknowledged while the fault lasts.
    Acked,
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
    pub beyond: Beyond,
    /// Whether the short version plays it.
    pub is_short: bool,
}

const GATEWAY_REDIS: &[Link] = &[Link::GatewayRedis];
const GATEWAY_API: &[Link] = &[Link::GatewayApi];
const API_MONGO: &[Link] = &[Link::ApiMongo];
const ANY_REDIS: &[Link] = &[Link::GatewayRedis, Link::ApiRedis];
const CLIENT: &[Link] = &[Link::Client];
const SERVERS: &[Link] = &[Link::GatewayRedis, Link::ApiRedis, Link::GatewayApi, Link::ApiMongo];

const fn row(id: &'static str, title: &'static str, fault: Fault, beyond: Beyond) -> Row {
    let needs = match fault {
        Fault::Wire(links, ..) => Needs { links, balancer: false },
        Fault::ClientsReset => Needs { links: CLIENT, balancer: false },
        Fault::ApiKillAfterStore => Needs { links: API_MONGO, balancer: false },
        Fault::Pair => Needs { links: SERVERS, balancer: false },
        Fault::GatewaysRoll | Fault::BalancerKill => Needs { links: &[], balancer: true },
        Fault::GatewayKill
        | Fault::GatewayStop
        | Fault::ApiKill
        | Fault::ApiStop
        | Fault::ApiRestart
        | Fault::RedisWipe
        | Fault::RedisKill
        | Fault::RedisStop
        | Fault::RedisNoMemory
        | Fault::RedisDiskFull
        | Fault::MongoStop
        | Fault::MongoKill => PLAIN,
    };
    Row { id, title, hypothesis: "", needs, fault, beyond, is_short: false }
}

impl Row {
    const fn expecting(self, hypothesis: &'static str) -> Self {
        Self { hypothesis, ..self }
    }

    const fn short(self) -> Self {
        Self { is_short: true, ..self }
    }
}

/// Every row, in the order of the matrix.
pub const ALL: &[Row] = &[
    row("F01", "a gateway is killed with -9", Fault::GatewayKill, Beyond::Acked)
        .expecting("Its clients resume on another node and get what they missed once; the others notice nothing.")
        .short(),
    row("F02", "a gateway is stopped for 30 s, then goes on", Fault::GatewayStop, Beyond::Acked)
        .expecting("Its clients leave; when it wakes it sends nothing out of order."),
    row(
        "F03",
        "three gateways behind HAProxy are restarted in turn with SIGTERM",
        Fault::GatewaysRoll,
        Beyond::Acked,
    )
    .expecting("Clients are asked to come back elsewhere and resume there."),
    row(
        "F05a",
        "gateways and Redis: 15 s of refused connections",
        Fault::Wire(GATEWAY_REDIS, Wire::Cut, 15),
        Beyond::Nothing,
    )
    .expecting("Sends are refused for a while, sockets stay; holes are repaired when the wire is back.")
    .short(),
    row(
        "F05b",
        "gateways and Redis: 15 s of silence",
        Fault::Wire(GATEWAY_REDIS, Wire::Swallow, 15),
        Beyond::Nothing,
    )
    .expecting("As above, though nobody is told that the connection is dead."),
    row(
        "F06",
        "the api is killed when MongoDB has stored and the reply is lost",
        Fault::ApiKillAfterStore,
        Beyond::Shown,
    )
    .expecting("The batch is applied again and changes nothing; the ack follows.")
    .short(),
    row("F07", "the api is stopped for 30 s", Fault::ApiStop, Beyond::Shown)
        .expecting("Rooms that are open go on; acks wait and follow."),
    row("F08", "the api is restarted under load, three times", Fault::ApiRestart, Beyond::Shown)
        .expecting("Ingest gives its leases back and goes on after the start."),
    row(
        "F09",
        "every call from gateways to the api takes 2 s more",
        Fault::Wire(GATEWAY_API, Wire::Delay(1_000, 1_000), 20),
        Beyond::Acked,
    )
    .expecting("Rooms that are open do not need the api; nothing waits for it."),
    row(
        "F10a",
        "api and MongoDB: 20 s of refused connections",
        Fault::Wire(API_MONGO, Wire::Cut, 20),
        Beyond::Shown,
    )
    .expecting("Live chat goes on, acks wait; ingest catches up.")
    .short(),
    row("F10b", "api and MongoDB: 20 s of silence", Fault::Wire(API_MONGO, Wire::Swallow, 20), Beyond::Shown)
        .expecting("As above; calls that hang are given up."),
    row("F11", "Redis starts again empty", Fault::RedisWipe, Beyond::Nothing)
        .expecting("A new epoch; what had no ack is sent again and found again by its id.")
        .short(),
    row("F11k", "Redis is killed with -9 and keeps its append-only file", Fault::RedisKill, Beyond::Nothing)
        .expecting("A new epoch after what survived is stored; the last second may have to be sent again."),
    row("F14", "Redis is stopped for 10 s", Fault::RedisStop, Beyond::Nothing)
        .expecting("Sends time out as unavailable; afterwards the same epoch goes on."),
    row(
        "F15",
        "every reply and request of Redis takes 100 to 500 ms",
        Fault::Wire(ANY_REDIS, Wire::Delay(50, 250), 20),
        Beyond::Acked,
    )
    .expecting("Slower, but everything is acknowledged."),
    row("F16a", "Redis has no memory left (noeviction)", Fault::RedisNoMemory, Beyond::Nothing)
        .expecting("Sends are refused as unavailable until there is room again."),
    row(
        "F16b",
        "Redis cannot write its append-only file: the disk is full",
        Fault::RedisDiskFull,
        Beyond::Nothing,
    )
    .expecting("Sends are refused as unavailable until there is room again."),
    row("F21a", "the MongoDB-protocol server is stopped for 20 s", Fault::MongoStop, Beyond::Shown)
        .expecting("Live chat goes on, acks wait; ingest catches up."),
    row("F21b", "the MongoDB-protocol server is killed with -9", Fault::MongoKill, Beyond::Shown)
        .expecting("What was acknowledged is still there; the batch under way is applied again."),
    row("F24a", "clients' links carry 16 KB/s", Fault::Wire(CLIENT, Wire::Rate(16_000), 20), Beyond::Shown)
        .expecting("Whoever is too slow is closed and resumes; nobody else waits."),
    row("F24b", "clients' connections are reset every 2 s", Fault::ClientsReset, Beyond::Acked)
        .expecting("They resume each time; an ack that was lost is told again."),
    row(
        "F24c",
        "clients' links carry one byte at a time",
        Fault::Wire(CLIENT, Wire::Slice, 15),
        Beyond::Acked,
    )
    .expecting("Slower, nothing else."),
    row("F28", "the balancer dies with 5,000 idle sockets behind it", Fault::BalancerKill, Beyond::Nothing)
        .expecting("All are live again; those who talk lose nothing."),
    row("F30", "two faults at once, chosen by the seed", Fault::Pair, Beyond::Nothing)
        .expecting("The invariants hold for pairs as well."),
];

/// Where and how a fault is played.
#[derive(Clone)]
pub struct Stage {
    /// The cluster.
    pub field: Shared,
    /// Chooses what is random.
    pub seed: u64,
    /// Faults last this part of their time.
    pub scale: f64,
    /// Idle sockets of the row that drops them.
    pub idle_sockets: usize,
}

impl Stage {
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
            Self::Delay(least, most) => Mode::Delay(Duration::from_millis(least), Duration::from_millis(most)),
            Self::Rate(bytes) => Mode::Rate(bytes),
            Self::Slice => Mode::Slice,
        }
    }
}
