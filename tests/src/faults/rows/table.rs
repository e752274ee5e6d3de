//! Every row of the fault matrix: what is done, what we expect, what has to hold.

use super::{Fault, Row, Wire};
use crate::faults::field::{Link, Needs, PLAIN, Servers};
use crate::faults::holds::Expectation::{self, Acked, DoorsOpen, Shown, SocketsStay, ToldLater};

const GATEWAY_REDIS: &[Link] = &[Link::GatewayRedis];
const GATEWAY_API: &[Link] = &[Link::GatewayApi];
const API_MONGO: &[Link] = &[Link::ApiMongo];
const ANY_REDIS: &[Link] = &[Link::GatewayRedis, Link::ApiRedis];
const CLIENT: &[Link] = &[Link::Client];
const SERVERS: &[Link] = &[Link::GatewayRedis, Link::ApiRedis, Link::GatewayApi, Link::ApiMongo];

const fn row(id: &'static str, title: &'static str, fault: Fault, back_s: u64) -> Row {
    let needs = match fault {
        Fault::Wire(links, ..) => Needs { links, ..PLAIN },
        Fault::ClientsReset => Needs { links: CLIENT, ..PLAIN },
        Fault::ApiKillAfterStore => Needs { links: API_MONGO, ..PLAIN },
        Fault::Pair => Needs { links: SERVERS, ..PLAIN },
        Fault::GatewaysRoll | Fault::BalancerKill => Needs { balancer: true, ..PLAIN },
        Fault::ScaleDown => Needs { balancer: true, gateways: 4, ..PLAIN },
        Fault::MasterKill | Fault::MasterExchange | Fault::MasterStop(_) | Fault::ReplicaKill => {
            Needs { servers: Servers::Sentinel, ..PLAIN }
        }
        Fault::Partition(..) => Needs { servers: Servers::Apart, links: GATEWAY_API, ..PLAIN },
        Fault::ShardKill | Fault::ShardStop => Needs { servers: Servers::Cluster, ..PLAIN },
        Fault::RedisWipeUnstored => Needs { ack: "accepted", ..PLAIN },
        Fault::GatewayKill
        | Fault::GatewayStop
        | Fault::ApiKill
        | Fault::ApiStop
        | Fault::ApiRestart
        | Fault::RedisWipe
        | Fault::RedisKill
        | Fault::RedisStop(_)
        | Fault::RedisNoMemory
        | Fault::RedisDiskFull
        | Fault::SubscribersOut
        | Fault::ClientsVanish
        | Fault::LogsFull
        | Fault::MongoStop(_)
        | Fault::MongoKill
        | Fault::MongoDiskFull
        | Fault::Restore => PLAIN,
    };
    Row { id, title, hypothesis: "", needs, fault, holds: &[], back_s, is_short: false }
}

impl Row {
    const fn expecting(self, hypothesis: &'static str, holds: &'static [Expectation]) -> Self {
        Self { hypothesis, holds, ..self }
    }

    const fn with_apis(self, apis: usize) -> Self {
        let needs = Needs { apis, ..self.needs };
        Self { needs, ..self }
    }

    const fn short(self) -> Self {
        Self { is_short: true, ..self }
    }
}

/// Every row, in the order of the matrix.
pub const ALL: &[Row] = &[
    row("F01", "a gateway is killed with -9", Fault::GatewayKill, 5)
        .expecting(
            "Its clients resume on another node and get what they missed once; the others notice nothing.",
            &[Shown, Acked],
        )
        .short(),
    row("F02", "a gateway is stopped for 30 s, then goes on", Fault::GatewayStop, 5)
        .expecting("Its clients leave; when it wakes it sends nothing out of order.", &[Shown, Acked]),
    row("F03", "three gateways behind HAProxy are restarted in turn with SIGTERM", Fault::GatewaysRoll, 15)
        .expecting("Clients are asked to come back elsewhere and resume there; each gateway ends with code 0.", &[
            Shown, Acked, DoorsOpen,
        ])
        .short(),
    row("F05a", "gateways and Redis: 15 s of refused connections", Fault::Wire(GATEWAY_REDIS, Wire::Cut, 15), 5)
        .expecting("Sends are refused for a while, sockets stay; holes are repaired when the wire is back.", &[
            SocketsStay, ToldLater,
        ])
        .short(),
    row("F05b", "gateways and Redis: 15 s of silence", Fault::Wire(GATEWAY_REDIS, Wire::Swallow, 15), 5)
        .expecting("As above, though nobody is told that the connection is dead.", &[SocketsStay, ToldLater]),
    row("F06", "the api is killed when MongoDB has stored and the reply is lost", Fault::ApiKillAfterStore, 3)
        .expecting("The batch is applied again and changes nothing; the ack follows.", &[Shown, SocketsStay])
        .short(),
    row("F07a", "the only api is stopped for 30 s", Fault::ApiStop, 5)
        .expecting("Rooms that are open go on; acks wait and follow.", &[Shown, SocketsStay]),
    row("F07b", "one of two apis is stopped for 30 s", Fault::ApiStop, 5)
        .expecting("The other one takes its partitions over; acks go on. The one that wakes finds its leases gone.", &[
            Shown, Acked, SocketsStay,
        ])
        .with_apis(2),
    row("F08", "the api is restarted under load, three times", Fault::ApiRestart, 5).expecting(
        "Ingest gives its leases back and goes on after the start; it ends with code 0.",
        &[Shown, SocketsStay],
    ),
    row(
        "F09",
        "every call from gateways to the api takes 2 s more",
        Fault::Wire(GATEWAY_API, Wire::Delay(1_000, 1_000), 20),
        5,
    )
    .expecting("Rooms that are open do not need the api; nothing waits for it.", &[Shown, Acked, SocketsStay]),
    row("F10a", "api and MongoDB: 20 s of refused connections", Fault::Wire(API_MONGO, Wire::Cut, 20), 10)
        .expecting("Live chat goes on, acks wait; REST answers in time; ingest catches up.", &[Shown, SocketsStay])
        .short(),
    row("F10b", "api and MongoDB: 20 s of silence", Fault::Wire(API_MONGO, Wire::Swallow, 20), 10)
        .expecting("As above; calls that hang are given up.", &[Shown, SocketsStay]),
    row("F11a", "Redis starts again empty", Fault::RedisWipe, 10)
        .expecting(
            "A new epoch; what had no ack is sent again and found again by its id. A session that was logged out stays so.",
            &[SocketsStay, ToldLater],
        )
        .short(),
    row("F11b", "Redis is killed with -9 and keeps its append-only file", Fault::RedisKill, 10).expecting(
        "A new epoch after what survived is stored; the last second may have to be sent again.",
        &[SocketsStay, ToldLater],
    ),
    row("F12a", "the master of a Redis with Sentinel is killed with -9, and comes back", Fault::MasterKill, 5)
        .expecting(
            "The replica takes over as a new incarnation; what only the old master had is sent again.",
            &[Shown, Acked, SocketsStay],
        )
        .short(),
    row("F12b", "one of three masters of a Redis Cluster is killed with -9, and comes back", Fault::ShardKill, 5).expecting(
        "Its replica takes over; what only the old master had is sent again.",
        &[Shown, Acked, SocketsStay],
    ),
    row("F13", "Sentinel exchanges master and replica three times", Fault::MasterExchange, 5)
        .expecting("Everybody follows the new master each time.", &[Shown, Acked, SocketsStay])
        .short(),
    row("F14a", "Redis is stopped for 4 s", Fault::RedisStop(4), 5)
        .expecting("Sends wait or time out as unavailable; afterwards the same epoch goes on.", &[SocketsStay]),
    row("F14b", "Redis is stopped for 30 s", Fault::RedisStop(30), 5)
        .expecting("Sends time out as unavailable; afterwards the same epoch goes on.", &[SocketsStay, ToldLater]),
    row("F14c", "the master of a Redis with Sentinel is stopped for 4 s and goes on", Fault::MasterStop(4), 5)
        .expecting("It is replaced; what it numbers when it wakes is believed by nobody.", &[Shown, Acked, SocketsStay])
        .short(),
    row("F14d", "the master of a Redis with Sentinel is stopped for 30 s and goes on", Fault::MasterStop(30), 5)
        .expecting("As above.", &[Shown, Acked, SocketsStay]),
    row("F14e", "one of three masters of a Redis Cluster is stopped for 10 s and goes on", Fault::ShardStop, 5)
        .expecting("As above, for its partitions.", &[Shown, Acked, SocketsStay]),
    row(
        "F15",
        "every reply and request of Redis takes 100 to 500 ms",
        Fault::Wire(ANY_REDIS, Wire::Delay(50, 250), 20),
        5,
    )
    .expecting("Slower, but everything is acknowledged.", &[Shown, Acked, SocketsStay]),
    row("F16a", "Redis has no memory left (noeviction)", Fault::RedisNoMemory, 10)
        .expecting("Sends are refused as unavailable until there is room again.", &[SocketsStay, ToldLater]),
    row("F16b", "Redis cannot write its append-only file: the disk is full", Fault::RedisDiskFull, 10)
        .expecting("Sends are refused as unavailable until there is room again.", &[SocketsStay, ToldLater]),
    row("F17", "the replica of a Redis with Sentinel is killed with -9 and started again, twice", Fault::ReplicaKill, 5)
        .expecting("Nobody notices.", &[Shown, Acked, SocketsStay]),
    row(
        "F18a",
        "the Redis master and one gateway are parted from replica, sentinels, api and the other gateways for 10 s",
        Fault::Partition(Wire::Swallow, 10),
        10,
    )
    .expecting(
        "Only what the store has is acknowledged on either side. Afterwards there is one order: the old master's is thrown away, \
         and what was sent there is sent again.",
        &[Shown, Acked],
    )
    .short(),
    row(
        "F18b",
        "the same in one direction: requests from side to side get through, replies do not",
        Fault::Partition(Wire::SwallowReplies, 10),
        10,
    )
    .expecting("As above.", &[Shown, Acked]),
    row("F19", "Redis throws out all who listen, as if over their output buffer, every 2 s", Fault::SubscribersOut, 5)
        .expecting("Gateways listen again and read what they missed.", &[Shown, Acked, SocketsStay]),
    row("F20", "the MongoDB-protocol server is killed with -9", Fault::MongoKill, 12).expecting(
        "What was acknowledged is still there; the batch under way is applied again.",
        &[Shown, SocketsStay],
    ),
    row("F21", "the MongoDB-protocol server is stopped for 30 s", Fault::MongoStop(30), 10)
        .expecting("Live chat goes on, acks wait; REST answers in time; ingest catches up.", &[Shown, SocketsStay]),
    row(
        "F22a",
        "every reply of the MongoDB-protocol server is lost for 10 s",
        Fault::Wire(API_MONGO, Wire::LoseReplies, 10),
        5,
    )
    .expecting("What was stored unseen is stored again without effect.", &[Shown, SocketsStay]),
    row("F22b", "the MongoDB-protocol server cannot write its files for 15 s, then is started again", Fault::MongoDiskFull, 12)
        .expecting("Its storage gives up; acks wait until it runs again, and nothing acknowledged is missing.", &[Shown, SocketsStay]),
    row("F24a", "clients' links carry 16 KB/s", Fault::Wire(CLIENT, Wire::Rate(16_000), 20), 10)
        .expecting("Whoever is too slow is closed and resumes; nobody else waits.", &[Shown]),
    row("F24b", "clients' connections are reset every 2 s", Fault::ClientsReset, 10)
        .expecting("They resume each time; an ack that was lost is told again.", &[Shown, Acked])
        .short(),
    row("F24c", "clients' links carry one byte at a time", Fault::Wire(CLIENT, Wire::Slice, 15), 10)
        .expecting("Slower, nothing else.", &[Shown, Acked]),
    row(
        "F24d",
        "clients' links take 200 ms, more or less 100",
        Fault::Wire(CLIENT, Wire::Delay(100, 300), 15),
        10,
    )
    .expecting("Later, nothing else.", &[Shown, Acked, SocketsStay]),
    row("F25", "100 clients vanish without a word", Fault::ClientsVanish, 5).expecting(
        "Their gateways give them up within 45 s and one look; the others notice nothing.",
        &[Shown, Acked, SocketsStay],
    ),
    row("F26", "the disk of the logs is full: no process of ours can write a line", Fault::LogsFull, 5)
        .expecting("Nothing but lost lines.", &[Shown, Acked, SocketsStay, DoorsOpen])
        .short(),
    row("F28", "the balancer dies with 5,000 idle sockets behind it", Fault::BalancerKill, 45)
        .expecting("All are live again; those who talk lose nothing.", &[]),
    row("F29", "the same, and two of four gateways leave while the sockets come back", Fault::ScaleDown, 60)
        .expecting("The two that are left take all of them.", &[]),
    row("F30", "two faults at once, chosen by the seed", Fault::Pair, 60)
        .expecting("The invariants hold for pairs as well.", &[]),
    row("F31", "the database is backed up under load, and the backup put back with everything stopped", Fault::Restore, 10)
        .expecting(
            "What was acknowledged before the backup began is there, without holes. Whoever had more is told by a reset, and \
             what had no ack is sent again.",
            &[],
        ),
];

/// A product that promises less than ours, by its own setting `ack = "accepted"`: the judge has to find what it loses.
pub const BROKEN: Row = row(
    "X",
    "acks mean accepted, and Redis is wiped before anything is stored",
    Fault::RedisWipeUnstored,
    60,
)
.expecting("Acked messages are lost.", &[]);

/// Rows of the matrix that are not here, and why.
pub const NOT_PLAYED: &[(&str, &str)] = &[
    ("F04", "memory limit of a gateway: needs a memory cgroup"),
    ("F23", "a write concern below majority cannot be configured"),
    ("F27", "wrong clocks: nothing here can turn one process's clock"),
];
