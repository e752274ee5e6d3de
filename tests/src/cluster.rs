//! A cluster of real processes: Redis, a MongoDB-protocol server, one api, several gateways.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::join_all;
use rookery_bus::pace::RoomRateLimit;
use rookery_bus::quota;

use crate::mongo::Mongo;
use crate::node::Node;
use crate::process::{self, Spec};
use crate::redis::Redis;
use crate::redis_cluster::RedisCluster;
use crate::redis_sentinel::Sentinel;
use crate::{dirs, names, tools};

/// Secret between gateways and api, the same in every test cluster.
const INTERNAL_SECRET: &str = "internal-secret-of-the-tests";

/// The processes of one cluster.
pub struct Cluster {
    /// Redis.
    pub redis: Redis,
    /// The MongoDB-protocol server.
    pub mongo: Arc<Mongo>,
    /// The api.
    pub api: Node,
    /// The gateways.
    pub gateways: Vec<Node>,
    /// Folder of the signing keys.
    pub keys_dir: PathBuf,
    /// What stands in for `redis` where it is not one server.
    pub topology: Topology,
    settings: ApiSettings,
}

/// Which kind of Redis a cluster uses.
pub enum Topology {
    /// One server.
    One,
    /// A master, a replica and sentinels.
    Sentinel(Box<Sentinel>),
    /// Several masters.
    Cluster(RedisCluster),
}

impl Topology {
    /// What `make test REDIS=…` asks for: `one` (default), `sentinel` or `cluster`.
    pub fn chosen() -> Self {
        let asked = std::env::var_os("ROOKERY_TEST_REDIS").unwrap_or_default();
        match asked.to_str() {
            Some("" | "one") => Self::One,
            Some("sentinel") => Self::Sentinel(Box::new(Sentinel::prepare())),
            Some("cluster") => Self::Cluster(RedisCluster::prepare(0)),
            _ => panic!("REDIS is one, sentinel or cluster, not {}", asked.display()),
        }
    }

    /// Starts it; `one` is what is started where it is one server.
    pub async fn start(&self, one: &Redis) {
        match self {
            Self::One => one.start().await,
            Self::Sentinel(sentinel) => sentinel.start().await,
            Self::Cluster(cluster) => cluster.start().await,
        }
    }

    async fn stop(&self, one: &Redis) {
        match self {
            Self::One => drop(one.process.terminate().await),
            Self::Sentinel(sentinel) => sentinel.stop().await,
            Self::Cluster(cluster) => cluster.stop().await,
        }
    }

    /// Its address for the services.
    pub fn url(&self, one: &Redis) -> String {
        match self {
            Self::One => one.url(),
            Self::Sentinel(sentinel) => sentinel.url(),
            Self::Cluster(cluster) => cluster.url(),
        }
    }
}

struct ApiSettings {
    pace: RoomRateLimit,
    common: Vec<(&'static str, String)>,
    /// Of gateways and apis alike.
    limits: Vec<(&'static str, String)>,
    dir: PathBuf,
}

impl Cluster {
    /// Two gateways over `mongo`, which is started by the caller; nothing runs yet.
    pub fn prepare(mongo: Arc<Mongo>) -> Self {
        // Tests talk faster than people; those of the pace choose one.
        Self::prepare_at(mongo, Topology::One, RoomRateLimit::OFF)
    }

    /// The same on any kind of Redis.
    pub fn prepare_on(topology: Topology, mongo: Arc<Mongo>) -> Self {
        Self::prepare_at(mongo, topology, RoomRateLimit::OFF)
    }

    /// The same, where one user may talk so fast in one room.
    pub fn prepare_at(mongo: Arc<Mongo>, topology: Topology, pace: RoomRateLimit) -> Self {
        let (dir, keys_dir) = (dirs::fresh("cluster"), dirs::fresh("keys"));
        process::run(&tools::binary("rookery-api"), &["keygen", "--out", &keys_dir.display().to_string()], &dir);
        let redis = Redis::prepare();
        let common = api_settings(topology.url(&redis), &mongo, &keys_dir);
        // Tests open and ask more from one address than anybody; those of the limits choose them.
        let limits = if pace == RoomRateLimit::OFF {
            vec![("limits", "off".to_owned())]
        } else {
            unlimited_but_for_the_pace()
        };
        let settings = ApiSettings { pace, common, limits, dir };
        let api = settings.node();
        let gateways = (0..2).map(|_| gateway(topology.url(&redis), api.internal_url(), &settings)).collect();
        Self { redis, mongo, api, gateways, keys_dir, topology, settings }
    }

    /// A running cluster with its own Redis and its own database on the shared MongoDB-protocol server.
    pub async fn start() -> Self {
        Self::start_on(Topology::One).await
    }

    /// The same on any kind of Redis.
    pub async fn start_on(topology: Topology) -> Self {
        let cluster = Self::prepare_on(topology, Mongo::shared().await);
        cluster.topology.start(&cluster.redis).await;
        cluster.start_services().await;
        cluster
    }

    /// A running cluster where one user may talk so fast in one room.
    pub async fn start_at(pace: RoomRateLimit) -> Self {
        let cluster = Self::prepare_at(Mongo::shared().await, Topology::One, pace);
        cluster.redis.start().await;
        cluster.start_services().await;
        cluster
    }

    /// A running cluster of so many gateways, with these limits and settings beside.
    pub async fn start_limited(gateways: usize, limits: &[(&'static str, &str)]) -> Self {
        let mut cluster = Self::prepare(Mongo::shared().await);
        cluster.settings.limits = limits.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        cluster.api = cluster.settings.node();
        cluster.gateways = (0..gateways)
            .map(|_| gateway(cluster.redis.url(), cluster.api.internal_url(), &cluster.settings))
            .collect();
        cluster.redis.start().await;
        cluster.start_services().await;
        cluster
    }

    /// A running cluster where apis have these settings beside.
    pub async fn start_apis_with(settings: &[(&'static str, &str)]) -> Self {
        let cluster = Self::prepare_apis_with(settings).await;
        cluster.redis.start().await;
        cluster.start_services().await;
        cluster
    }

    /// The same; nothing runs yet.
    pub async fn prepare_apis_with(settings: &[(&'static str, &str)]) -> Self {
        let mut cluster = Self::prepare(Mongo::shared().await);
        if settings.iter().any(|(key, _)| *key == "s3_bucket") {
            cluster.settings.common.retain(|(key, _)| *key != "files_dir");
        }
        cluster
            .settings
            .common
            .extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
        cluster.api = cluster.settings.node();
        cluster.gateways = (0..2)
            .map(|_| gateway(cluster.redis.url(), cluster.api.internal_url(), &cluster.settings))
            .collect();
        cluster
    }

    /// A running cluster that shares no process with anybody.
    pub async fn start_alone_on(topology: Topology) -> Self {
        let cluster = Self::prepare_on(topology, Arc::new(Mongo::prepare()));
        cluster.mongo.start().await;
        cluster.topology.start(&cluster.redis).await;
        cluster.start_services().await;
        cluster
    }

    /// Runs `rookery-api` with arguments against the data of this cluster, to its end; returns what it printed.
    pub fn run_api(&self, args: &[&str], input: &str) -> String {
        let output = self.api_command(args).fed(input);
        let [printed, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert!(output.status.success(), "{args:?}: {}\n{printed}{errors}", output.status);
        printed
    }

    /// The same; panics unless it fails, and returns why.
    pub fn refused_api(&self, args: &[&str]) -> String {
        let output = self.api_command(args).fed("");
        let [printed, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert!(!output.status.success(), "{args:?} succeeded\n{printed}{errors}");
        errors
    }

    /// The same; whether it succeeds.
    pub fn try_api(&self, args: &[&str]) -> bool {
        self.api_command(args).fed("").status.success()
    }

    fn api_command(&self, args: &[&str]) -> Spec {
        let common = self.settings.common.iter();
        Spec {
            name: "rookery-api-command".to_owned(),
            program: tools::binary("rookery-api"),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: common
                .map(|(key, value)| (format!("ROOKERY_{}", key.to_uppercase()), value.clone()))
                .collect(),
            dir: self.settings.dir.clone(),
        }
    }

    /// Its database on the server.
    pub fn database(&self) -> &str {
        let found = self.settings.common.iter().find(|(key, _)| *key == "mongo_database");
        found.map(|(_, name)| name.as_str()).expect("every cluster has one")
    }

    /// Another api of the same cluster; it does not run yet.
    pub fn another_api(&self) -> Node {
        self.settings.node()
    }

    /// Another gateway of the same cluster; it does not run yet.
    pub fn another_gateway(&self) -> Node {
        gateway(self.topology.url(&self.redis), self.api.internal_url(), &self.settings)
    }

    /// The same, where Redis and the api have other addresses, such as those of wires; only for one Redis.
    pub fn another_gateway_behind(&self, redis: &str, api: &str) -> Node {
        gateway(format!("redis://{redis}"), format!("http://{api}"), &self.settings)
    }

    /// Starts the api and the gateways at once and waits until all are ready.
    pub async fn start_services(&self) {
        self.api.process.start();
        for gateway in &self.gateways {
            gateway.process.start();
        }
        self.ready().await;
    }

    /// Waits until the api and the gateways are ready.
    pub async fn ready(&self) {
        self.api.ready().await;
        join_all(self.gateways.iter().map(Node::ready)).await;
    }

    /// SIGTERM to every process of the cluster, also Redis and the database server, until none runs; then starts
    /// them again. Only for a cluster that is alone.
    pub async fn restart_all(&self) {
        for node in self.gateways.iter().chain([&self.api]) {
            node.process.terminate().await;
        }
        self.topology.stop(&self.redis).await;
        self.mongo.process.terminate().await;
        self.mongo.start().await;
        self.topology.start(&self.redis).await;
        self.start_services().await;
    }
}

impl ApiSettings {
    fn node(&self) -> Node {
        let shared = self.common.iter().chain(&self.limits).cloned();
        let settings: Vec<_> = shared.chain(pace_settings(self.pace)).collect();
        Node::prepare("rookery-api", self.dir.clone(), &settings, &[])
    }
}

fn api_settings(redis_url: String, mongo: &Mongo, keys_dir: &std::path::Path) -> Vec<(&'static str, String)> {
    vec![
        ("redis_url", redis_url),
        ("mongo_url", mongo.url()),
        ("mongo_database", names::unique("test")),
        ("internal_secret", INTERNAL_SECRET.to_owned()),
        ("keys_dir", keys_dir.display().to_string()),
        ("files_dir", format!("{}-files", keys_dir.display())),
        ("log_filter", "info".to_owned()),
    ]
}

/// Off would lift the pace, too.
fn unlimited_but_for_the_pace() -> Vec<(&'static str, String)> {
    let rates = quota::SETTINGS[1..].iter().map(|setting| setting.key);
    rates.map(|key| (key, "0".to_owned())).collect()
}

fn pace_settings(pace: RoomRateLimit) -> [(&'static str, String); 2] {
    [("send_burst", pace.burst.to_string()), ("send_interval_ms", pace.interval_ms.to_string())]
}

fn gateway(redis_url: String, api_url: String, ours: &ApiSettings) -> Node {
    let [burst, interval] = pace_settings(ours.pace);
    let mut settings = vec![
        ("redis_url", redis_url),
        ("api_url", api_url),
        ("internal_secret", INTERNAL_SECRET.to_owned()),
        ("allowed_origins", ALLOWED_ORIGIN.to_owned()),
        ("drain_ms", "3000".to_owned()),
        burst,
        interval,
    ];
    settings.extend(ours.limits.iter().cloned());
    Node::prepare("rookery-gateway", ours.dir.clone(), &settings, &[])
}

/// The one foreign Origin that test deployments allow.
pub const ALLOWED_ORIGIN: &str = "https://chat.example";
