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
}

impl Sentinel {
    /// Chooses ports and folders; nothing runs yet.
    pub fn prepare() -> Self {
        let master = Redis::prepare();
        let replica = Redis::prepare_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
        let sentinels = (0..SENTINELS).map(|_| sentinel(master.port())).collect();
        Self { servers: [master, replica], sentinels }
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
            .find(|server| Some(server.port()) == port)
            .expect("the sentinels know the master")
    }

    /// Waits until another server than this one is the master, and returns it.
    pub async fn promoted(&self, instead_of: &Redis) -> &Redis {
        wait::until("another master", async || self.master_port().await.is_some_and(|port| port != instead_of.port()))
            .await;
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
        wait::until("a server follows", async || {
            let info = ask(server.port(), &["INFO", "replication"]).await.unwrap_or_default();
            info.contains("role:slave") && info.contains("master_link_status:up")
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
        let mut url = format!("redis-sentinel://127.0.0.1:{}?sentinelServiceName={SERVICE}", self.sentinels[0].1);
        for (_, port) in &self.sentinels[1..] {
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

fn sentinel(master: u16) -> (Process, u16) {
    let (port, dir) = (ports::free(), dirs::fresh("sentinel"));
    let text = format!(
        "port {port}\nbind 127.0.0.1\n\
         sentinel monitor {SERVICE} 127.0.0.1 {master} {QUORUM}\n\
         sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n\
         sentinel failover-timeout {SERVICE} 4000\n"
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
