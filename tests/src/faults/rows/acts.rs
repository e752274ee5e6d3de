//! What each fault does to the field. An act ends when the fault is over and everything runs again.

use std::process::Command;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::{Fault, Link, Stage, Wire};
use crate::faults::idle::Idle;
use crate::faults::proxy::Mode;
use crate::node::Node;
use crate::process::Process;
use crate::wait;

/// Time that a part is gone before it is started again, in seconds.
const GONE: u64 = 3;
const IDLE_BACK_DEADLINE: Duration = Duration::from_mins(3);

impl Stage {
    /// Plays a fault that is not a pair.
    pub(super) async fn play_one(&self, fault: Fault) {
        let field = &self.field;
        match fault {
            Fault::GatewayKill => self.kill_gateway().await,
            Fault::GatewayStop => self.stop(&self.gateway().process, 30).await,
            Fault::GatewaysRoll => self.roll().await,
            Fault::ApiKill => self.kill_node(&field.api).await,
            Fault::ApiKillAfterStore => self.kill_api_after_store().await,
            Fault::ApiStop => self.stop(&field.api.process, 30).await,
            Fault::ApiRestart => self.restart_api().await,
            Fault::RedisWipe => self.kill_redis(true).await,
            Fault::RedisKill => self.kill_redis(false).await,
            Fault::RedisStop => self.stop(&field.redis.process, 10).await,
            Fault::RedisNoMemory => self.fill_memory().await,
            Fault::RedisDiskFull => self.fill_disk().await,
            Fault::MongoStop => self.stop(&field.mongo.process, 20).await,
            Fault::MongoKill => self.kill_mongo().await,
            Fault::Wire(links, wire, secs) => self.disturb(links, wire, secs).await,
            Fault::ClientsReset => self.reset_clients().await,
            Fault::BalancerKill => self.kill_balancer().await,
            // Its parts come here one by one.
            Fault::Pair => {}
        }
    }

    fn gateway(&self) -> &Node {
        let gateways = &self.field.gateways;
        &gateways[usize::try_from(self.seed).unwrap_or(0) % gateways.len()]
    }

    async fn kill_gateway(&self) {
        self.kill_node(self.gateway()).await;
    }

    async fn kill_node(&self, node: &Node) {
        node.process.kill();
        self.pause(GONE).await;
        node.start().await;
    }

    async fn stop(&self, process: &Process, secs: u64) {
        process.signal("STOP");
        self.pause(secs).await;
        process.signal("CONT");
    }

    async fn roll(&self) {
        for gateway in &self.field.gateways {
            gateway.restart().await;
            gateway.ready().await;
            self.pause(GONE).await;
        }
    }

    async fn kill_api_after_store(&self) {
        for _ in 0..3 {
            self.set(&[Link::ApiMongo], Mode::DropReplies);
            sleep(Duration::from_millis(700)).await;
            self.field.api.process.kill();
            self.set(&[Link::ApiMongo], Mode::Open);
            self.field.api.start().await;
            self.pause(2).await;
        }
    }

    async fn restart_api(&self) {
        for _ in 0..3 {
            self.field.api.restart().await;
            self.field.api.ready().await;
            self.pause(GONE).await;
        }
    }

    async fn kill_redis(&self, is_wiped: bool) {
        let redis = &self.field.redis;
        redis.process.kill();
        if is_wiped {
            redis.wipe();
        }
        self.pause(GONE).await;
        redis.start().await;
    }

    async fn kill_mongo(&self) {
        self.field.mongo.process.kill();
        self.pause(GONE).await;
        self.field.mongo.start().await;
    }

    async fn fill_memory(&self) {
        self.tell_redis("CONFIG SET maxmemory 1").await;
        self.pause(15).await;
        self.tell_redis("CONFIG SET maxmemory 0").await;
    }

    /// The kernel lets Redis write no file beyond the first byte, which fails as a full disk does.
    async fn fill_disk(&self) {
        let id = self.field.redis.process.id();
        limit_files(id, "1");
        self.pause(15).await;
        limit_files(id, "unlimited");
    }

    async fn tell_redis(&self, command: &str) {
        let url = self.field.redis.url();
        let address = url.trim_start_matches("redis://");
        let mut stream = TcpStream::connect(address).await.expect("Redis accepts connections");
        stream.write_all(format!("{command}\r\n").as_bytes()).await.expect("Redis reads");
        let mut answer = [0; 3];
        stream.read_exact(&mut answer).await.expect("Redis answers");
        assert_eq!(&answer, b"+OK", "{command}");
    }

    async fn disturb(&self, links: &[Link], wire: Wire, secs: u64) {
        self.set(links, wire.mode());
        self.pause(secs).await;
        self.set(links, Mode::Open);
    }

    fn set(&self, links: &[Link], mode: Mode) {
        for link in links {
            self.field.wires(*link).for_each(|wire| wire.set(mode));
        }
    }

    async fn reset_clients(&self) {
        for _ in 0..8 {
            for wire in self.field.wires(Link::Client) {
                wire.reset().await;
            }
            self.pause(2).await;
        }
    }

    async fn kill_balancer(&self) {
        let idle = Idle::start(&self.field.rest(), &self.field.entrances(), self.idle_sockets).await;
        self.field.balancer().kill();
        wait::within(IDLE_BACK_DEADLINE, "no idle socket is left", async || idle.live() == 0).await;
        self.field.balancer().start();
        self.field.until_front_is_open().await;
        wait::within(IDLE_BACK_DEADLINE, "all idle sockets are live again", async || idle.are_live()).await;
    }
}

fn limit_files(pid: u32, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    let status = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
    assert!(status.is_ok_and(|status| status.success()), "prlimit limits the files of Redis");
}
