//! What a scenario runs against: a cluster or one process. The scenario cannot tell which.

use std::path::PathBuf;

use crate::cluster::{Cluster, Topology};
use crate::dialect::Dialect;
use crate::node::Node;
use crate::rest::Rest;
use crate::standalone::Standalone;

/// A running server of either kind.
pub enum Deployment {
    /// Several processes.
    Cluster(Box<Cluster>),
    /// One process.
    Standalone(Box<Standalone>),
}

impl Deployment {
    /// A cluster that shares no process with anybody.
    pub async fn cluster_alone() -> Self {
        Self::Cluster(Box::new(Cluster::start_alone_on(Topology::chosen()).await))
    }

    /// A cluster on the shared database server.
    pub async fn cluster() -> Self {
        Self::Cluster(Box::new(Cluster::start_on(Topology::chosen()).await))
    }

    /// One process.
    pub async fn standalone() -> Self {
        Self::Standalone(Box::new(Standalone::start().await))
    }

    /// Both kinds, with these settings beside.
    pub async fn both_with(settings: &[(&'static str, String)]) -> [Self; 2] {
        let given: Vec<(&'static str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let server = Standalone::prepare_with(&[&[("limits", "off")], &given[..]].concat());
        server.node.start().await;
        [Self::Cluster(Box::new(Cluster::start_apis_with(&given).await)), Self::Standalone(Box::new(server))]
    }

    /// Runs a command of the program that has the store, to its end; returns what it printed.
    pub fn command(&self, args: &[&str], input: &str) -> String {
        match self {
            Self::Cluster(cluster) => cluster.run_api(args, input),
            Self::Standalone(server) => server.done(args, input),
        }
    }

    /// Name for messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cluster(_) => "cluster",
            Self::Standalone(_) => "standalone",
        }
    }

    /// A REST client.
    pub fn rest(&self) -> Rest {
        Rest::new(self.api().public_url())
    }

    /// Two base addresses for sockets: two gateways, or the same address twice.
    pub fn sockets(&self) -> [String; 2] {
        match self {
            Self::Cluster(cluster) => [0, 1].map(|i| cluster.gateways[i].socket_url()),
            Self::Standalone(server) => [server.node.socket_url(), server.node.socket_url()],
        }
    }

    /// The same, for clients that speak this dialect.
    pub fn sockets_in(&self, dialect: Dialect) -> [String; 2] {
        self.sockets().map(|base| dialect.address(&base))
    }

    /// The process that answers REST.
    pub fn api(&self) -> &Node {
        match self {
            Self::Cluster(cluster) => &cluster.api,
            Self::Standalone(server) => &server.node,
        }
    }

    /// Every process of ours.
    pub fn nodes(&self) -> Vec<&Node> {
        match self {
            Self::Cluster(cluster) => cluster.gateways.iter().chain([&cluster.api]).collect(),
            Self::Standalone(server) => vec![&server.node],
        }
    }

    /// Folder that holds the signing keys, at any depth.
    pub fn keys_dir(&self) -> PathBuf {
        match self {
            Self::Cluster(cluster) => cluster.keys_dir.clone(),
            Self::Standalone(server) => server.data_dir.clone(),
        }
    }

    /// Stops every process and starts it again with the same data.
    pub async fn restart_all(&self) {
        match self {
            Self::Cluster(cluster) => cluster.restart_all().await,
            Self::Standalone(server) => server.restart().await,
        }
    }

    /// Panics unless every process of ours runs and none has panicked.
    pub fn assert_alive(&self) {
        for node in self.nodes() {
            assert!(node.process.runs(), "{}", node.process.log_tail());
            assert!(!node.process.log().contains("panicked at"), "{}", node.process.log_tail());
        }
    }
}
