//! `rookery-api doctor`: the whole cluster, as an api sees it.

use std::time::Duration;

use rookery_bus_redis::survey::{self as redis, ServerFacts};
use rookery_runtime::doctor::clock::{self, Reading};
use rookery_runtime::doctor::public::{self, Deployment};
use rookery_runtime::doctor::{Report, files};
use rookery_runtime::token::KeyFolder;
use rookery_store_mongo::survey::{self as mongo, StoreFacts};

use crate::config::Config;

/// The releases of which `docs/operations.md` says that they are enough.
const REDIS_MIN: u32 = 7;
const MONGO_MIN: u32 = 6;
const CLOCK_UNIT: Duration = Duration::from_millis(1);

/// Looks at everything that an api stands on.
pub(crate) async fn look(config: &Config) -> Report {
    let mut report = Report::default();
    let keys = KeyFolder::new(&config.keys_dir, config.signing_key.as_deref());
    let keys = files::keys(&mut report, &keys);
    files::open_files(&mut report, config.connections_max);
    match redis::survey(&config.redis_url).await {
        Ok(servers) => servers.iter().for_each(|server| redis_server(&mut report, server)),
        Err(error) => report.error(
            "redis",
            format!("Redis cannot be asked: {error}."),
            "Start it, and look at redis_url, its password and its certificate.",
        ),
    }
    match mongo::survey(&config.mongo_url, &config.mongo_database).await {
        Ok(facts) => database(&mut report, &facts),
        Err(error) => report.error(
            "mongo",
            format!("MongoDB cannot be asked: {error}."),
            "Start it, and look at mongo_url, its password, its certificate and the rights of its user.",
        ),
    }
    let deployment =
        Deployment { origins: &config.origins, listen: &config.listen, proxies: config.limits.proxies(), keys };
    public::look(&mut report, &deployment).await;
    report
}

fn redis_server(report: &mut Report, server: &ServerFacts) {
    let name = server.name.as_ref().map_or_else(|| "Redis".to_owned(), |name| format!("Redis {name}"));
    clock::compare(report, "redis_clock", &name, Reading { shown: server.clock, read: server.read, unit: CLOCK_UNIT });
    let version = server.info("redis_version").unwrap_or("unknown");
    if major(version).is_some_and(|major| major < REDIS_MIN) {
        report.error("redis_version", format!("{name} is version {version}."), "Run Redis 7 or later.");
    } else {
        report.ok("redis_version", format!("{name} is version {version}."));
    }
    match server.info("maxmemory_policy") {
        Some("noeviction") => report.ok("redis_policy", format!("{name} throws nothing away.")),
        Some(policy) => report.error(
            "redis_policy",
            format!("{name} throws messages away when its memory is full: maxmemory-policy is {policy}."),
            "CONFIG SET maxmemory-policy noeviction, and the same in its configuration file.",
        ),
        None => report.warn(
            "redis_policy",
            format!("{name} does not say what it does when its memory is full."),
            "See to maxmemory-policy noeviction.",
        ),
    }
    persistence(report, &name, server);
    replication(report, &name, server);
}

fn persistence(report: &mut Report, name: &str, server: &ServerFacts) {
    if server.info("aof_enabled") != Some("1") {
        report.error(
            "redis_persistence",
            format!("{name} keeps no append-only file: after a crash rooms begin new epochs, and messages without an ack are lost."),
            "CONFIG SET appendonly yes, and the same in its configuration file (appendfsync everysec).",
        );
    } else if server.info("aof_last_write_status").is_some_and(|status| status != "ok") {
        report.error(
            "redis_persistence",
            format!("{name} cannot write its append-only file."),
            "Look at its disk and its log.",
        );
    } else {
        report.ok("redis_persistence", format!("{name} keeps an append-only file."));
    }
}

fn replication(report: &mut Report, name: &str, server: &ServerFacts) {
    if server.info("role").is_some_and(|role| role != "master") {
        return report.error(
            "redis_replication",
            format!("{name} is a replica: nothing can be written there."),
            "Name the master in redis_url, or the sentinels.",
        );
    }
    let replicas = server.info("connected_slaves").and_then(|count| count.parse::<u32>().ok()).unwrap_or(0);
    // The line is there only if a number of replicas is asked for.
    if replicas > 0 && server.info("min_slaves_good_slaves").is_none() {
        report.warn(
            "redis_replication",
            format!("{name} takes messages also where no replica hears of them; a failover then forgets these."),
            "CONFIG SET min-replicas-to-write 1 and min-replicas-max-lag 5, and the same in the configuration files.",
        );
    } else {
        report.ok("redis_replication", format!("{name} has {replicas} replicas."));
    }
}

fn database(report: &mut Report, facts: &StoreFacts) {
    if let Some(shown) = facts.clock {
        clock::compare(report, "mongo_clock", "MongoDB", Reading { shown, read: facts.read, unit: CLOCK_UNIT });
    }
    match &facts.version {
        Some(version) if major(version).is_some_and(|major| major < MONGO_MIN) => {
            report.error("mongo_version", format!("MongoDB is version {version}."), "Run MongoDB 6 or later.");
        }
        Some(version) => report.ok("mongo_version", format!("MongoDB is version {version}.")),
        None => report.warn("mongo_version", "MongoDB does not say which version it is.", "Run MongoDB 6 or later."),
    }
    match &facts.replica_set {
        Some(set) => report.ok("mongo_replica_set", format!("MongoDB is the replica set {set}.")),
        None if facts.is_router => report.ok("mongo_replica_set", "MongoDB is a sharded cluster."),
        None => report.error(
            "mongo_replica_set",
            "MongoDB is no replica set: what is acknowledged is on one disk, and there is no failover.",
            "Run it with replSet and three members, initiate the set, and name it in mongo_url (replicaSet=…).",
        ),
    }
    // Every write of an api asks for the journal of a majority itself, whatever the address or the server say.
    report.ok("mongo_write_concern", "Every write waits for the journal of a majority.");
    if facts.missing_indexes.is_empty() {
        report.ok("mongo_indexes", "MongoDB has every index.");
    } else {
        report.error(
            "mongo_indexes",
            format!("MongoDB lacks indexes: {}.", facts.missing_indexes.join(", ")),
            "rookery-api migrate makes them in a new database; where one was dropped, restore a backup or make it by hand as api/store-mongo/src/indexes.rs says.",
        );
    }
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}
