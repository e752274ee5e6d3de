//! The Lua scripts, bound to one incarnation of one server.
//!
//! A restarted or failed-over Redis may have lost the end of its data. Its replication id, the *fence*, tells
//! incarnations apart. Every script begins with a look at the server it runs on and does nothing if that is not the
//! incarnation it was loaded for, and the fence is part of its text, so that a new incarnation does not even know
//! it. Both are the same answer, `NOSCRIPT`: the caller learns the fence of the server that has the data now. On
//! Redis Cluster each master has a fence of its own.
//!
//! What a script takes, and in which order, is said at its top and nowhere else; the first argument is always the fence.

use std::collections::HashMap;
use std::sync::Arc;

use fred::clients::Client;
use fred::interfaces::{ClientLike, ClusterInterface};
use fred::types::cluster::ClusterRouting;
use fred::types::config::Server;
use fred::types::{ClusterHash, CustomCommand, InfoKind};
use parking_lot::{Mutex, RwLock};
use rookery_bus::error::BusError;
use rookery_bus::limits::BUS_COMMAND_DEADLINE;
use rookery_protocol::id::Partition;
use rookery_protocol::partition::partitions;
use tokio::time::timeout;

use crate::client::{self, unavailable};
use crate::keys;

/// Scripts loaded on one incarnation.
#[derive(Clone, Debug)]
pub(super) struct Scripts {
    pub(super) fence: String,
    pub(super) append: String,
    pub(super) heads: String,
    pub(super) open_room: String,
    pub(super) open_partition: String,
    pub(super) read_log: String,
    pub(super) mark_stored: String,
    pub(super) lease: String,
    pub(super) partition: String,
    pub(super) discard: String,
    pub(super) quota_take: String,
    pub(super) quota_nodes: String,
    pub(super) node_cards: String,
    pub(super) leases: String,
    pub(super) presence: String,
    pub(super) occupy: String,
    pub(super) hashes: String,
}

/// The scripts of every server that was used so far; none stands for the only server where there is no cluster.
#[derive(Debug, Default)]
pub(super) struct ScriptsOfServers {
    known: RwLock<HashMap<Option<Server>, Arc<Scripts>>>,
    loading: Mutex<HashMap<Option<Server>, Arc<Loading>>>,
}

/// One at a time loads onto a server. A server that was replaced is noticed by everybody at once, and each of them would
/// connect anew, under the others' commands.
#[derive(Debug, Default)]
struct Loading {
    turn: tokio::sync::Mutex<()>,
    failures: Mutex<(u64, Option<BusError>)>,
}

impl ScriptsOfServers {
    /// The scripts of the server that has the partition's data.
    pub(super) async fn of(&self, client: &Client, partition: Partition) -> Result<Arc<Scripts>, BusError> {
        let server = owner(client, partition).await?;
        let known = || self.known.read().get(&server).cloned();
        if let Some(scripts) = known() {
            return Ok(scripts);
        }
        let loading = Arc::clone(self.loading.lock().entry(server.clone()).or_default());
        let before = loading.failures.lock().0;
        let turn = timeout(BUS_COMMAND_DEADLINE, loading.turn.lock()).await;
        let _turn = turn.map_err(|_| BusError::Unavailable("scripts are still being loaded".to_owned()))?;
        if let Some(scripts) = known() {
            return Ok(scripts);
        }
        // Whoever waited while somebody failed has failed, too.
        if let (failures, Some(error)) = &*loading.failures.lock()
            && *failures != before
        {
            return Err(error.clone());
        }
        match load_on(client, server.as_ref()).await {
            Ok(scripts) => {
                let scripts = Arc::new(scripts);
                self.known.write().insert(server, Arc::clone(&scripts));
                Ok(scripts)
            }
            Err(error) => {
                let mut failures = loading.failures.lock();
                *failures = (failures.0 + 1, Some(error.clone()));
                Err(error)
            }
        }
    }

    /// These are out of date: their server does not know them any more.
    pub(super) fn remove(&self, scripts: &Scripts) {
        self.known.write().retain(|_, known| known.fence != scripts.fence);
    }

    /// All may be out of date.
    pub(super) fn clear(&self) {
        self.known.write().clear();
    }
}

/// Where each partition is, as the client believes; nothing unless the client is connected to a cluster.
pub(super) fn owners(client: &Client) -> Vec<Option<Server>> {
    let routing = client.cached_cluster_state();
    let server = |partition| routing.as_ref().and_then(|routing| owner_in(routing, partition));
    partitions().map(server).collect()
}

fn owner_in(routing: &ClusterRouting, partition: Partition) -> Option<Server> {
    let slot = ClusterRouting::hash_key(keys::partition(partition).as_bytes());
    routing.get_server(slot).cloned()
}

async fn owner(client: &Client, partition: Partition) -> Result<Option<Server>, BusError> {
    if !client.is_clustered() {
        return Ok(None);
    }
    let known = || client.cached_cluster_state().and_then(|routing| owner_in(&routing, partition));
    if let Some(server) = known() {
        return Ok(Some(server));
    }
    // Before the first connection nobody knows the slots.
    timeout(BUS_COMMAND_DEADLINE, client.wait_for_connect()).await.ok();
    let nobody = || BusError::Unavailable(format!("no server has partition {partition}"));
    known().map(Some).ok_or_else(nobody)
}

async fn load_on(client: &Client, server: Option<&Server>) -> Result<Scripts, BusError> {
    let loaded = match server {
        Some(server) => load_all(&client.with_cluster_node(server), "SPUBLISH").await,
        None => load_all(client, "PUBLISH").await,
    };
    if matches!(loaded, Err(NotLoaded::Replica)) {
        // It was a master when the client last looked.
        client::reconnect(client).await?;
    }
    loaded.map_err(BusError::from)
}

/// Why there are no scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NotLoaded {
    /// The server follows another one.
    Replica,
    Bus(BusError),
}

impl From<NotLoaded> for BusError {
    fn from(error: NotLoaded) -> Self {
        match error {
            NotLoaded::Replica => Self::Unavailable("the server is not a master".to_owned()),
            NotLoaded::Bus(error) => error,
        }
    }
}

/// Reads the fence and loads every script under it.
async fn load_all<C: ClientLike>(server: &C, publish: &str) -> Result<Scripts, NotLoaded> {
    let fence = read_fence(server).await?;
    let prelude = prelude(&fence, publish);
    let load = async |text: &str| load_unfenced(server, &format!("{prelude}{text}")).await;
    Ok(Scripts {
        append: load(include_str!("append.lua")).await?,
        heads: load(include_str!("heads.lua")).await?,
        open_room: load(include_str!("open_room.lua")).await?,
        open_partition: load(include_str!("open_partition.lua")).await?,
        read_log: load(include_str!("read_log.lua")).await?,
        mark_stored: load(include_str!("mark_stored.lua")).await?,
        lease: load(include_str!("lease.lua")).await?,
        partition: load(include_str!("partition.lua")).await?,
        discard: load(include_str!("discard.lua")).await?,
        quota_take: load_unfenced(server, include_str!("quota_take.lua")).await?,
        quota_nodes: load_unfenced(server, include_str!("quota_nodes.lua")).await?,
        node_cards: load_unfenced(server, include_str!("node_cards.lua")).await?,
        leases: load(include_str!("leases.lua")).await?,
        presence: load(include_str!("presence.lua")).await?,
        occupy: load(include_str!("occupy.lua")).await?,
        hashes: load(include_str!("hashes.lua")).await?,
        fence,
    })
}

/// A script that any master may run, whatever data it has lost.
async fn load_unfenced<C: ClientLike>(server: &C, text: &str) -> Result<String, NotLoaded> {
    // As a custom command, because the client's own cannot be sent to a chosen server.
    let command = CustomCommand::new_static("SCRIPT", ClusterHash::Random, false);
    let hash: Result<String, _> = server.custom(command, vec!["LOAD".to_owned(), text.to_owned()]).await;
    hash.map_err(|error| NotLoaded::Bus(unavailable(&error)))
}

/// What stands before each script: the command that publishes, and the check that the server is still the one.
fn prelude(fence: &str, publish: &str) -> String {
    format!(
        "local PUBLISH = '{publish}'\n\
         local server = redis.call('INFO', 'replication')\n\
         if not (string.find(server, 'role:master', 1, true)\n\
             and string.find(server, 'master_replid:{fence}', 1, true)) then\n\
           return redis.error_reply('NOSCRIPT this is another server')\n\
         end\n"
    )
}

async fn read_fence<C: ClientLike>(server: &C) -> Result<String, NotLoaded> {
    let info: Result<String, _> = server.info(Some(InfoKind::Replication)).await;
    let info = info.map_err(|error| NotLoaded::Bus(unavailable(&error)))?;
    if !info.contains("role:master") {
        return Err(NotLoaded::Replica);
    }
    info.lines()
        .find_map(|line| line.strip_prefix("master_replid:"))
        .map(|id| id.trim().to_owned())
        .filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric()))
        .ok_or_else(|| NotLoaded::Bus(BusError::Protocol("no replication id".to_owned())))
}
