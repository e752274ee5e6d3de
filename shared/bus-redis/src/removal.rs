//! Taking all our keys away, and no others: what Redis holds is worth nothing beside another database.

use std::collections::HashSet;

use fred::clients::Client;
use fred::interfaces::{ClientLike, ClusterInterface as _, KeysInterface as _};
use fred::types::config::Server;
use fred::types::{ClusterHash, CustomCommand, FromValue};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use rookery_bus::error::BusError;

use super::RedisBus;
use super::client::unavailable;
use crate::keys;
use crate::limits::{REDIS_CALLS_AT_ONCE, REDIS_KEYS_AT_ONCE};

impl RedisBus {
    /// Removes every key of ours from every server, and says how many there were. Nobody may use them meanwhile.
    pub async fn remove_everything(&self) -> Result<u64, BusError> {
        self.commands.wait_for_connect().await.map_err(|error| unavailable(&error))?;
        let mut removed = 0;
        for server in servers(&self.commands) {
            let mut cursor = "0".to_owned();
            loop {
                let (next, found) = scan(&self.commands, server.as_ref(), cursor).await?;
                removed += u64::try_from(found.len()).unwrap_or(0);
                let removals = stream::iter(found).map(|key| async move {
                    let gone: Result<(), _> = self.commands.unlink(key).await;
                    gone.map_err(|error| unavailable(&error))
                });
                removals.buffer_unordered(REDIS_CALLS_AT_ONCE).try_collect::<Vec<()>>().await?;
                cursor = next;
                if cursor == "0" {
                    break;
                }
            }
        }
        Ok(removed)
    }
}

/// Every master; none stands for the only server where there is no cluster.
pub(super) fn servers(client: &Client) -> Vec<Option<Server>> {
    let masters = client.cached_cluster_state().map(|routing| routing.unique_primary_nodes());
    let masters: HashSet<Server> = masters.unwrap_or_default().into_iter().collect();
    if client.is_clustered() {
        masters.into_iter().map(Some).collect()
    } else {
        vec![None]
    }
}

/// The next cursor, and keys of ours.
async fn scan(client: &Client, server: Option<&Server>, cursor: String) -> Result<(String, Vec<String>), BusError> {
    let command = CustomCommand::new_static("SCAN", ClusterHash::Random, false);
    let args = vec![cursor, "COUNT".to_owned(), REDIS_KEYS_AT_ONCE.to_string()];
    let found = match server {
        Some(server) => client.with_cluster_node(server).custom(command, args).await,
        None => client.custom(command, args).await,
    };
    let (next, keys): (String, Vec<String>) =
        found.and_then(FromValue::from_value).map_err(|error| unavailable(&error))?;
    Ok((next, keys.into_iter().filter(|key| keys::is_ours(key)).collect()))
}
