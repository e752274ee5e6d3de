//! What each fault does to the field. An act ends when the fault is over and everything runs again.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::crowds::opens;
use super::{Fault, Link, Stage, Wire};
use crate::faults::proxy::Mode;
use crate::node::Node;
use crate::process::{Process, is_clean};

/// Time that a part is gone before it is started again, in seconds.
pub(super) const GONE: u64 = 3;
/// A call to the store is given up after 3 s; REST may need two of them.
const REST_MAX: Duration = Duration::from_secs(8);

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
            Fault::RedisWipe => self.wipe_redis().await,
            Fault::RedisKill => self.kill_redis(false).await,
            Fault::RedisWipeUnstored => self.wipe_redis_unstored().await,
            Fault::RedisStop(secs) => self.stop(&field.redis.process, secs).await,
            Fault::SubscribersOut => self.throw_subscribers_out().await,
            Fault::LogsFull => self.fill_logs().await,
            Fault::MongoDiskFull => self.fill_mongo().await,
            Fault::RedisNoMemory => self.fill_memory().await,
            Fault::RedisDiskFull => self.fill_disk().await,
            Fault::MongoStop(secs) => self.stop_mongo(secs).await,
            Fault::MongoKill => self.kill_mongo().await,
            Fault::Wire(links, wire, secs) => self.disturb(links, wire, secs).await,
            Fault::ClientsReset => self.reset_clients().await,
            Fault::ClientsVanish => self.lose_clients().await,
            Fault::BalancerKill => self.kill_balancer(0).await,
            Fault::ScaleDown => self.kill_balancer(2).await,
            Fault::MasterKill => self.kill_master().await,
            Fault::MasterExchange => self.exchange_masters().await,
            Fault::MasterStop(secs) => self.stop_master(secs).await,
            Fault::ReplicaKill => self.kill_replica().await,
            Fault::Partition(wire, secs) => self.part(wire.mode(), secs).await,
            Fault::ShardKill => self.kill_shard().await,
            Fault::ShardStop => self.stop_shard().await,
            Fault::Restore => self.restore_backup().await,
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

    async fn stop_mongo(&self, secs: u64) {
        let _turn = self.field.database_turn.take().await;
        tokio::join!(self.stop(&self.field.mongo.process, secs), self.rest_answers());
    }

    async fn roll(&self) {
        for gateway in &self.field.gateways {
            self.restart(gateway).await;
            self.pause(GONE).await;
        }
    }

    async fn restart(&self, node: &Node) {
        self.terminate(node).await;
        node.start().await;
    }

    pub(super) async fn terminate(&self, node: &Node) {
        let status = node.process.terminate().await;
        if !is_clean(status) {
            self.complain(format!("SIGTERM ended it with {status}\n{}", node.process.log_tail()));
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
            self.restart(&self.field.api).await;
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

    /// A session that ended before stays ended, though Redis forgot it.
    async fn wipe_redis(&self) {
        let rest = self.field.rest();
        let user = rest.new_user("leaver").await;
        let _done = rest.post("/api/v1/auth/logout-all", Some(&user.token), &json!({})).await.expect(204);
        self.kill_redis(true).await;
        for gateway in &self.field.gateways {
            let is_open = opens(&gateway.socket_url(), &user.token, self.patience).await;
            if is_open {
                self.complain("a session that had ended opens a socket after Redis was wiped".to_owned());
            }
        }
    }

    async fn wipe_redis_unstored(&self) {
        let api = &self.field.api.process;
        api.signal("STOP");
        self.pause(GONE).await;
        let redis = &self.field.redis;
        redis.process.kill();
        redis.wipe();
        api.signal("CONT");
        redis.start().await;
    }

    async fn throw_subscribers_out(&self) {
        for _ in 0..5 {
            self.tell_redis("CLIENT KILL TYPE pubsub", ":").await;
            self.pause(2).await;
        }
    }

    async fn fill_logs(&self) {
        self.field.nodes().for_each(|node| limit_files(node.process.id(), "1"));
        // Each of them has something to say: a lost subscription, a refused request.
        self.throw_subscribers_out().await;
        self.rest_answers().await;
        self.field.nodes().for_each(|node| limit_files(node.process.id(), "unlimited"));
    }

    /// The storage engine gives up for good when it cannot write: the server has to be started again.
    async fn fill_mongo(&self) {
        limit_files(self.field.mongo.process.id(), "1");
        self.pause(15).await;
        let _turn = self.field.database_turn.take().await;
        self.field.mongo.process.kill();
        self.field.mongo.start().await;
    }

    /// REST answers in time whatever the store does.
    async fn rest_answers(&self) {
        sleep(Duration::from_secs(1)).await;
        let (begin, deadline) = (Instant::now(), REST_MAX * self.patience);
        let answer = self.field.rest().try_get("/api/v1/rooms", None).await;
        let status = answer.map(|answer| answer.status).map_err(|error| error.to_string());
        let took = begin.elapsed();
        let text = format!("REST took {took:?} to answer {status:?}");
        if status.as_ref().map_or(true, |status| *status == 500) {
            self.complain(text);
        } else if took > deadline {
            self.note_delay(text);
        }
    }

    async fn kill_mongo(&self) {
        let _turn = self.field.database_turn.take().await;
        self.field.mongo.process.kill();
        self.pause(GONE).await;
        self.field.mongo.start().await;
    }

    async fn fill_memory(&self) {
        self.tell_redis("CONFIG SET maxmemory 1", "+OK").await;
        self.pause(15).await;
        self.tell_redis("CONFIG SET maxmemory 0", "+OK").await;
    }

    /// The kernel lets Redis write no file beyond the first byte, which fails as a full disk does.
    async fn fill_disk(&self) {
        let id = self.field.redis.process.id();
        limit_files(id, "1");
        self.pause(15).await;
        limit_files(id, "unlimited");
    }

    async fn tell_redis(&self, command: &str, expected: &str) {
        let url = self.field.redis.url();
        let address = url.trim_start_matches("redis://");
        let mut stream = TcpStream::connect(address).await.expect("Redis accepts connections");
        stream.write_all(format!("{command}\r\n").as_bytes()).await.expect("Redis reads");
        let mut answer = vec![0; expected.len()];
        stream.read_exact(&mut answer).await.expect("Redis answers");
        assert_eq!(answer, expected.as_bytes(), "{command}");
    }

    async fn disturb(&self, links: &[Link], wire: Wire, secs: u64) {
        self.set(links, wire.mode());
        if links == [Link::ApiMongo] {
            tokio::join!(self.pause(secs), self.rest_answers());
        } else {
            self.pause(secs).await;
        }
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
}

fn limit_files(pid: u32, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    let status = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
    assert!(status.is_ok_and(|status| status.success()), "prlimit limits the files of Redis");
}
