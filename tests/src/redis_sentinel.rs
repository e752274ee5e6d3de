//! A real master, its replica, and three sentinels that make the replica a master when the master is gone.

use std::fmt::Write as _;

use crate::process::{Process, Spec};
use crate::redis::{Redis, ask};
use crate::{dirs, ports, wait};

const SENTINELS: usize = 3;
const QUORUM: usize = 2;
/// A master that does not answer this long is down.
const DOWN_AFTER_MS: u32 = 1_000;
const SERVICE: &str = "rookery";

/// Two Redis servers and their sentinels.
pub struct Sentinel {
    /// The first one begins as the master.
    pub servers: [Redis; 2],
    sentinels: Vec<(Process, u16)>,
    /// Where others find the servers and then the sentinels: their own ports, unless wires are put before them.
    announced: Vec<u16>,
}

impl Sentinel {
    /// Chooses ports and folders; nothing runs yet.
    pub fn prepare() -> Self {
        let master = Redis::prepare();
        let replica = Redis::prepare_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
        let sentinels: Vec<_> = (0..SENTINELS).map(|_| sentinel(master.port(), None)).collect();
        let announced = [master.port(), replica.port()].into_iter().chain(sentinels.iter().map(|(_, port)| *port));
        Self { announced: announced.collect(), servers: [master, replica], sentinels }
    }

    /// The same, but everybody finds each of them at another port: see [`Self::announced`].
    pub fn prepare_behind_wires() -> Self {
        let announced: Vec<u16> = (0..2 + SENTINELS).map(|_| ports::free()).collect();
        let ports: Vec<String> = announced.iter().map(u16::to_string).collect();
        let announce = |port: usize| ["--replica-announce-ip", "127.0.0.1", "--replica-announce-port", &ports[port]];
        let replica = [announce(1).as_slice(), &["--replicaof", "127.0.0.1", &ports[0]]].concat();
        let servers = [Redis::prepare_with(&announce(0)), Redis::prepare_with(&replica)];
        let sentinels = announced[2..].iter().map(|port| sentinel(announced[0], Some(*port))).collect();
        Self { servers, sentinels, announced }
    }

    /// Where others find the master of the beginning, its replica and the sentinels, and where these really are.
    pub fn announced(&self) -> impl Iterator<Item = (u16, u16)> {
        let real = self.servers.iter().map(Redis::port).chain(self.sentinels.iter().map(|(_, port)| *port));
        self.announced.iter().copied().zip(real)
    }

    /// Starts all of them and waits until a failover would succeed.
    pub async fn start(&self) {
        for server in &self.servers {
            server.start().await;
        }
        for (process, _) in &self.sentinels {
            process.start();
        }
        wait::until("the sentinels know each other and the replica", async || {
            for (_, port) in &self.sentinels {
                let known = ask(*port, &["SENTINEL", "CKQUORUM", SERVICE])
                    .await
                    .is_some_and(|text| text.contains("+OK 3"));
                let replica = ask(*port, &["SENTINEL", "REPLICAS", SERVICE]).await.unwrap_or_default();
                if !known || !replica.contains("master-link-status\r\n$2\r\nok") {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// The server that the sentinels call the master now.
    pub async fn master(&self) -> &Redis {
        let port = self.master_port().await;
        self.servers
            .iter()
            .find(|server| Some(self.announced_of(server)) == port)
            .expect("the sentinels know the master")
    }

    fn announced_of(&self, server: &Redis) -> u16 {
        let found = self.announced().find(|(_, real)| *real == server.port());
        found.expect("one of these servers").0
    }

    /// Waits until another server than this one is the master, and returns it.
    pub async fn promoted(&self, instead_of: &Redis) -> &Redis {
        let before = self.announced_of(instead_of);
        wait::until("another master", async || self.master_port().await.is_some_and(|port| port != before)).await;
        self.master().await
    }

    /// Makes the replica the master, as an operator does before maintenance; returns it when it is.
    pub async fn fail_over(&self) -> &Redis {
        let master = self.master().await;
        let accepted = async || {
            let answer = ask(self.sentinels[0].1, &["SENTINEL", "FAILOVER", SERVICE]).await;
            answer.is_some_and(|answer| answer.starts_with("+OK"))
        };
        wait::until("a failover begins", accepted).await;
        self.promoted(master).await
    }

    /// Waits until this server follows another one.
    pub async fn follows(&self, server: &Redis) {
        wait::until("a server follows", async || is_linked(server).await).await;
    }

    /// Waits until one server is the master and the other one follows it.
    pub async fn until_follows(&self) {
        wait::until("one server follows the other", async || {
            let master = self.master_port().await;
            let mut others = self.servers.iter().filter(|server| Some(self.announced_of(server)) != master);
            match (others.next(), others.next()) {
                (Some(follower), None) => is_linked(follower).await,
                _ => false,
            }
        })
        .await;
    }

    /// SIGTERM to all of them, until none runs.
    pub async fn stop(&self) {
        for (process, _) in &self.sentinels {
            process.terminate().await;
        }
        for server in &self.servers {
            server.process.terminate().await;
        }
    }

    /// The address for the services.
    pub fn url(&self) -> String {
        let mut url = format!("redis-sentinel://127.0.0.1:{}?sentinelServiceName={SERVICE}", self.announced[2]);
        for port in &self.announced[3..] {
            write!(url, "&node=127.0.0.1:{port}").expect("a text can be written to");
        }
        url
    }

    /// What most of the sentinels say.
    async fn master_port(&self) -> Option<u16> {
        let mut said = Vec::new();
        for (_, port) in &self.sentinels {
            let answer = ask(*port, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE]).await?;
            said.push(answer.lines().last()?.trim().parse::<u16>().ok()?);
        }
        said.iter()
            .copied()
            .find(|port| said.iter().filter(|other| *other == port).count() >= QUORUM)
    }
}

async fn is_linked(server: &Redis) -> bool {
    let info = ask(server.port(), &["INFO", "replication"]).await.unwrap_or_default();
    info.contains("role:slave") && info.contains("master_link_status:up")
}

fn sentinel(master: u16, announced: Option<u16>) -> (Process, u16) {
    let (port, dir) = (ports::free(), dirs::fresh("sentinel"));
    let announce = announced.map_or_else(String::new, |announced| {
        format!("sentinel announce-ip 127.0.0.1\nsentinel announce-port {announced}\n")
    });
    let text = format!(
        "port {port}\nbind 127.0.0.1\n\
         sentinel monitor {SERVICE} 127.0.0.1 {master} {QUORUM}\n\
         sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n\
         sentinel failover-timeout {SERVICE} 4000\n{announce}"
    );
    let config = dir.join("sentinel.conf");
    std::fs::write(&config, text).expect("a configuration can be written");
    let spec = Spec {
        name: format!("sentinel-{port}"),
        program: "redis-server".into(),
        args: vec![config.display().to_string(), "--sentinel".to_owned()],
        env: Vec::new(),
        dir,
    };
    (Process::prepare(spec), port)
}
