//! A real Redis Cluster of three masters, each with a replica that takes its place when it is gone.

use std::fmt::Write as _;
use std::path::Path;

use crate::redis::{Redis, ask};
use crate::{dirs, process, wait};

const MASTERS: usize = 3;
const SLOTS: usize = 16_384;
/// A master that does not answer this long is down.
const NODE_TIMEOUT_MS: &str = "1000";

/// The servers of one cluster.
pub struct RedisCluster {
    /// The first three begin as masters; each of the others follows the master three places before it.
    pub servers: Vec<Redis>,
}

impl RedisCluster {
    /// Three masters and as many replicas for each; nothing runs yet.
    pub fn prepare(replicas: usize) -> Self {
        let options = [
            ["--cluster-enabled", "yes"],
            ["--cluster-config-file", "nodes.conf"],
            ["--cluster-node-timeout", NODE_TIMEOUT_MS],
            ["--cluster-replica-validity-factor", "0"],
        ];
        let servers = (0..MASTERS * (1 + replicas))
            .map(|_| Redis::prepare_with(options.as_flattened()))
            .collect();
        Self { servers }
    }

    /// Starts all of them and waits until every slot is served and every replica follows.
    pub async fn start(&self) {
        for server in &self.servers {
            server.process.start();
        }
        for server in &self.servers {
            server.answering().await;
        }
        let fresh = ask(self.servers[0].port(), &["CLUSTER", "SLOTS"])
            .await
            .is_some_and(|slots| slots.trim() == "*0");
        if fresh {
            self.join_together().await;
        }
        self.until_complete().await;
    }

    /// Waits until every slot is served and every replica follows.
    pub async fn until_complete(&self) {
        wait::until("the cluster is complete", async || self.is_complete().await).await;
    }

    /// One of those that begin as masters.
    pub fn master(&self, number: u64) -> &Redis {
        &self.servers[usize::try_from(number).unwrap_or(0) % MASTERS]
    }

    /// The server that has a key's slot now, as most of the cluster believes.
    pub async fn master_of(&self, key: &str) -> &Redis {
        for server in self.servers.iter().filter(|server| server.process.runs()) {
            let answer = ask(server.port(), &["TTL", key]).await.unwrap_or_default();
            if answer.starts_with(':') && is_master(server).await {
                return server;
            }
        }
        panic!("no server has the slot of {key}")
    }

    /// Waits until another server than this one has a key's slot, and returns it.
    pub async fn promoted(&self, key: &str, instead_of: &Redis) -> &Redis {
        let mut found = None;
        wait::until("another master", async || {
            for server in self.servers.iter().filter(|server| server.port() != instead_of.port()) {
                let has_slot = ask(server.port(), &["TTL", key]).await.is_some_and(|answer| answer.starts_with(':'));
                if has_slot && is_master(server).await {
                    found = Some(server);
                    return true;
                }
            }
            false
        })
        .await;
        found.expect("set when the wait ended")
    }

    /// SIGTERM to all of them, until none runs.
    pub async fn stop(&self) {
        for server in &self.servers {
            server.process.terminate().await;
        }
    }

    /// The address for the services.
    pub fn url(&self) -> String {
        let mut url = format!("redis-cluster://127.0.0.1:{}", self.servers[0].port());
        for (n, server) in self.servers[1..].iter().enumerate() {
            let mark = if n == 0 { '?' } else { '&' };
            write!(url, "{mark}node=127.0.0.1:{}", server.port()).expect("a text can be written to");
        }
        url
    }

    async fn join_together(&self) {
        let (masters, replicas) = self.servers.split_at(MASTERS);
        let dir = dirs::fresh("redis-cli");
        for (n, master) in masters.iter().enumerate() {
            let (first, next) = (SLOTS * n / MASTERS, SLOTS * (n + 1) / MASTERS);
            cli(master, &["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &(next - 1).to_string()], &dir);
            cli(master, &["CLUSTER", "SET-CONFIG-EPOCH", &(n + 1).to_string()], &dir);
        }
        let hub = self.servers[0].port().to_string();
        for server in &self.servers[1..] {
            cli(server, &["CLUSTER", "MEET", "127.0.0.1", &hub], &dir);
        }
        let all = self.servers.len().to_string();
        wait::until("all have met", async || self.each_says(&["CLUSTER", "INFO"], &format!("known_nodes:{all}")).await)
            .await;
        for (n, replica) in replicas.iter().enumerate() {
            let master = cli(&masters[n % MASTERS], &["CLUSTER", "MYID"], &dir);
            cli(replica, &["CLUSTER", "REPLICATE", master.trim()], &dir);
        }
    }

    async fn is_complete(&self) -> bool {
        let linked = async |server: &Redis| {
            let info = ask(server.port(), &["INFO", "replication"]).await.unwrap_or_default();
            info.contains("role:master") || info.contains("master_link_status:up")
        };
        for server in &self.servers {
            if !linked(server).await {
                return false;
            }
        }
        self.each_says(&["CLUSTER", "INFO"], "cluster_state:ok").await
            && self.each_says(&["CLUSTER", "INFO"], "cluster_slots_ok:16384").await
    }

    async fn each_says(&self, command: &[&str], text: &str) -> bool {
        for server in &self.servers {
            if !ask(server.port(), command).await.is_some_and(|answer| answer.contains(text)) {
                return false;
            }
        }
        true
    }
}

async fn is_master(server: &Redis) -> bool {
    ask(server.port(), &["INFO", "replication"])
        .await
        .is_some_and(|info| info.contains("role:master"))
}

fn cli(server: &Redis, command: &[&str], dir: &Path) -> String {
    let port = server.port().to_string();
    process::run(Path::new("redis-cli"), &[&["-e", "-p", &port], command].concat(), dir)
}
