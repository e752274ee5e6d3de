//! Where a row is played: a cluster of its own, three gateways by default, with a faulty wire wherever the row asks for
//! one, and HAProxy in front when the row needs a balancer.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use tokio::net::TcpStream;

use super::proxy::Proxy;
use crate::cluster::Topology;
use crate::faults::turn::Turn;
use crate::mongo::Mongo;
use crate::node::Node;
use crate::process::{self, Process, Spec};
use crate::redis::Redis;
use crate::redis_cluster::RedisCluster;
use crate::redis_sentinel::Sentinel;
use crate::rest::Rest;
use crate::{dirs, names, ports, tools, wait};

const INTERNAL_SECRET: &str = "internal-secret-of-the-tests";

/// A wire between two parts that a row wants to disturb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Gateways to Redis.
    GatewayRedis,
    /// Api to Redis.
    ApiRedis,
    /// Gateways to the api's internal listener.
    GatewayApi,
    /// Api to MongoDB.
    ApiMongo,
    /// Clients to the gateways.
    Client,
    /// Everybody to the server that begins as the master; only for [`Servers::Apart`], like the next two.
    Master,
    /// Everybody to its replica.
    Replica,
    /// Everybody to the sentinels.
    Sentinels,
}

/// Which kind of Redis a row needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Servers {
    /// One.
    One,
    /// A master, a replica and three sentinels.
    Sentinel,
    /// The same, each of them behind a wire, so that they can be parted with the first gateway.
    Apart,
    /// Three masters with a replica each.
    Cluster,
}

/// What a row needs.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// Redis.
    pub servers: Servers,
    /// Wires; those before Redis only where it is one server.
    pub links: &'static [Link],
    /// HAProxy between clients and gateways.
    pub balancer: bool,
    /// Gateways.
    pub gateways: usize,
    /// Apis; gateways and clients ask the first one, all of them store.
    pub apis: usize,
    /// What an ack means, as the setting of gateways says it.
    pub ack: &'static str,
}

/// A running cluster with its wires.
pub struct TestBed {
    /// Redis, where it is one server.
    pub redis: Redis,
    /// What stands in for it where it is not.
    pub topology: Topology,
    /// The MongoDB-protocol server.
    pub mongo: Mongo,
    /// Who may stop it.
    pub database_turn: Turn,
    /// The api that gateways and clients ask.
    pub api: Node,
    /// Apis that only store.
    pub more_apis: Vec<Node>,
    /// The gateways.
    pub gateways: Vec<Node>,
    /// HAProxy, if the row needs it.
    pub balancer: Option<Process>,
    front: u16,
    wires: Vec<(Link, Proxy)>,
}

impl TestBed {
    /// Starts everything.
    pub async fn start(needs: Needs) -> Self {
        let (dir, keys_dir) = (dirs::fresh("field"), dirs::fresh("keys"));
        let keys = keys_dir.display().to_string();
        process::run(&tools::binary("rookery-api"), &["keygen", "--out", &keys], &dir);
        let (redis, mut mongo) = (Redis::prepare(), Mongo::prepare());
        mongo.process = mongo.process.with_full_disks_as_errors();
        let mut wires = Vec::new();
        let topology = prepare_servers(&mut wires, needs.servers).await;
        tokio::join!(topology.start(&redis), mongo.start());
        let redis_url = topology.url(&redis);
        let mongo_url = wired(&mut wires, needs, Link::ApiMongo, mongo.url()).await;
        // The load decides how fast somebody talks.
        let [unpaced, unlimited] = [("send_interval_ms", "0".to_owned()), ("limits", "off".to_owned())];
        let settings = [
            ("redis_url", wired(&mut wires, needs, Link::ApiRedis, redis_url.clone()).await),
            ("mongo_url", mongo_url),
            ("mongo_database", names::unique("faults")),
            ("internal_secret", INTERNAL_SECRET.to_owned()),
            ("keys_dir", keys),
            ("log_filter", "info".to_owned()),
            ("files_dir", dirs::fresh("files").display().to_string()),
            unpaced.clone(),
            unlimited.clone(),
        ];
        let api = || prepare("rookery-api", &dir, &settings);
        let (api, more_apis) = (api(), (1..needs.apis).map(|_| api()).collect::<Vec<_>>());
        let settings = [
            ("redis_url", wired(&mut wires, needs, Link::GatewayRedis, redis_url).await),
            ("api_url", wired(&mut wires, needs, Link::GatewayApi, api.internal_url()).await),
            ("internal_secret", INTERNAL_SECRET.to_owned()),
            ("ack", needs.ack.to_owned()),
            unpaced,
            unlimited,
        ];
        let gateways = (0..needs.gateways).map(|_| prepare("rookery-gateway", &dir, &settings)).collect();
        let front = ports::free();
        let (database_turn, balancer) = (Turn::default(), None);
        let mut field =
            Self { redis, topology, mongo, database_turn, api, more_apis, gateways, balancer, front, wires };
        field.start_nodes();
        field.ready().await;
        field.start_front(needs).await;
        field
    }

    /// The first gateway's connections are told from those of others by its number: before it makes the first one.
    fn start_nodes(&self) {
        let first = &self.gateways[0].process;
        first.start();
        self.wires.iter().for_each(|(_, wire)| wire.single_out(first.id()));
        self.nodes().skip(1).for_each(|node| node.process.start());
    }

    /// Our processes.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.gateways.iter().chain([&self.api]).chain(&self.more_apis)
    }

    /// Waits until all our processes are ready.
    pub async fn ready(&self) {
        join_all(self.nodes().map(Node::ready)).await;
    }

    /// REST.
    pub fn rest(&self) -> Rest {
        Rest::new(self.api.public_url())
    }

    /// Where clients connect.
    pub fn entrances(&self) -> Vec<String> {
        let wires: Vec<String> = self.wires(Link::Client).map(|wire| format!("ws://{}", wire.address())).collect();
        match &self.balancer {
            Some(_) => vec![format!("ws://127.0.0.1:{}", self.front)],
            None if wires.is_empty() => self.gateways.iter().map(Node::socket_url).collect(),
            None => wires,
        }
    }

    /// The wires of a link.
    pub fn wires(&self, link: Link) -> impl Iterator<Item = &Proxy> {
        self.wires.iter().filter(move |(of, _)| *of == link).map(|(_, wire)| wire)
    }

    /// The balancer; panics if the row has none.
    pub fn balancer(&self) -> &Process {
        self.balancer.as_ref().expect("the row asked for a balancer")
    }

    /// Waits until the balancer takes connections.
    pub async fn until_front_is_open(&self) {
        let front = ("127.0.0.1", self.front);
        wait::until("the balancer is open", async || TcpStream::connect(front).await.is_ok()).await;
    }

    /// What is wrong with our processes at the end.
    pub fn complaints(&self) -> Vec<String> {
        let bad = self
            .nodes()
            .filter(|node| !node.process.runs() || node.process.log().contains("panicked at"));
        bad.map(|node| format!("ended or panicked\n{}", node.process.log_tail())).collect()
    }

    async fn start_front(&mut self, needs: Needs) {
        if needs.links.contains(&Link::Client) {
            for gateway in &self.gateways {
                self.wires.push((Link::Client, Proxy::start(gateway.public_address()).await));
            }
        }
        if needs.balancer {
            self.balancer = Some(Process::prepare(self.balancer_spec()));
            self.balancer().start();
            self.until_front_is_open().await;
        }
    }

    /// The configuration that the project ships, with more gateways.
    fn balancer_spec(&self) -> Spec {
        let dir = dirs::fresh("balancer");
        let shipped = |name: &str| {
            std::fs::read_to_string(tools::repository().join("deploy/proxies/haproxy").join(name))
                .expect("the balancer's configuration can be read")
        };
        let servers = shipped("servers.cfg");
        let second = "    server gateway-2 \"${GATEWAY_2}\" check port \"${GATEWAY_2_INTERNAL_PORT}\"\n";
        assert!(servers.contains(second), "the shipped configuration has two gateways");
        let all: String = (2..=self.gateways.len()).map(|number| second.replace('2', &number.to_string())).collect();
        for (name, text) in [("haproxy.cfg", shipped("haproxy.cfg")), ("servers.cfg", servers.replace(second, &all))] {
            std::fs::write(dir.join(name), text).expect("a file can be written");
        }
        let port_of = |url: String| url.rsplit(':').next().unwrap_or_default().to_owned();
        let mut env = vec![
            ("FRONT".to_owned(), format!("127.0.0.1:{}", self.front)),
            ("API".to_owned(), self.api.public_address()),
            ("API_INTERNAL_PORT".to_owned(), port_of(self.api.internal_url())),
        ];
        for (index, gateway) in self.gateways.iter().enumerate() {
            env.push((format!("GATEWAY_{}", index + 1), gateway.public_address()));
            env.push((format!("GATEWAY_{}_INTERNAL_PORT", index + 1), port_of(gateway.internal_url())));
        }
        let args = ["-db", "-f", "haproxy.cfg", "-f", "servers.cfg"].map(str::to_owned).to_vec();
        // Debian keeps it where not everybody's path leads.
        let program = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        Spec { name: "haproxy".into(), program: program.unwrap_or("haproxy").into(), args, env, dir }
    }
}

/// Nothing runs yet but the wires.
async fn prepare_servers(wires: &mut Vec<(Link, Proxy)>, servers: Servers) -> Topology {
    match servers {
        Servers::One => Topology::One,
        Servers::Sentinel => Topology::Sentinel(Box::new(Sentinel::prepare())),
        Servers::Cluster => Topology::Cluster(RedisCluster::prepare(1)),
        Servers::Apart => {
            let sentinel = Sentinel::prepare_behind_wires();
            let links = [Link::Master, Link::Replica].into_iter().chain(std::iter::repeat(Link::Sentinels));
            for (link, (announced, real)) in links.zip(sentinel.announced()) {
                wires.push((link, Proxy::start_at(announced, format!("127.0.0.1:{real}")).await));
            }
            Topology::Sentinel(Box::new(sentinel))
        }
    }
}

/// A process of ours for which a full disk is an error.
fn prepare(binary: &str, dir: &Path, settings: &[(&str, String)]) -> Node {
    let mut node = Node::prepare(binary, dir.to_owned(), settings, &[]);
    node.process = node.process.with_full_disks_as_errors();
    node
}

/// The address behind a wire of this link if the row needs one, else the address itself.
async fn wired(wires: &mut Vec<(Link, Proxy)>, needs: Needs, link: Link, url: String) -> String {
    if !needs.links.contains(&link) {
        return url;
    }
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    let proxy = Proxy::start(url[start..end].to_owned()).await;
    let through = format!("{}{}{}", &url[..start], proxy.address(), &url[end..]);
    wires.push((link, proxy));
    through
}

/// A value for rows that need nothing.
pub const PLAIN: Needs =
    Needs { servers: Servers::One, links: &[], balancer: false, gateways: 3, apis: 1, ack: "stored" };

/// Shares a field with tasks.
pub type Shared = Arc<TestBed>;
