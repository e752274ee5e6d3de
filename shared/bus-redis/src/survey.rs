//! What each server of Redis says about itself, for the command `doctor`.

use std::collections::BTreeMap;

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::ClientLike;
use fred::types::config::Server;
use fred::types::{ClusterHash, CustomCommand};
use rookery_bus::error::BusError;
use rookery_bus::limits::BUS_COMMAND_DEADLINE;
use rookery_protocol::clock::UnixMillis;
use tokio::time::timeout;

use crate::RedisAddress;
use crate::client::{build, unavailable};
use crate::removal::servers;

/// Clients for one question need no room for news.
const NEWS: usize = 16;

/// One server.
#[derive(Clone, Debug)]
pub struct ServerFacts {
    /// Its address; nothing where there is only one.
    pub name: Option<String>,
    /// Its clock.
    pub clock: UnixMillis,
    /// Ours before and after its clock was read.
    pub read: [UnixMillis; 2],
    info: BTreeMap<String, String>,
}

impl ServerFacts {
    /// A line of `INFO`.
    pub fn info(&self, key: &str) -> Option<&str> {
        self.info.get(key).map(String::as_str)
    }
}

/// Asks every master.
///
/// # Errors
/// If one of them does not answer in time.
pub async fn survey(address: &RedisAddress) -> Result<Vec<ServerFacts>, BusError> {
    let client = build(address, NEWS)?;
    let connection = client.connect();
    let answer = timeout(BUS_COMMAND_DEADLINE * 2, ask_all(&client)).await;
    // An orderly close could wait for a server that does not answer.
    connection.abort();
    answer.map_err(|_| BusError::Unavailable("Redis does not answer in time".to_owned()))?
}

async fn ask_all(client: &Client) -> Result<Vec<ServerFacts>, BusError> {
    client.wait_for_connect().await.map_err(|error| unavailable(&error))?;
    let mut facts = Vec::new();
    for server in servers(client) {
        let asked = match &server {
            Some(server) => ask(&client.with_cluster_node(server), Some(server)).await,
            None => ask(client, None).await,
        };
        facts.push(asked.map_err(|error| unavailable(&error))?);
    }
    Ok(facts)
}

async fn ask<C: ClientLike>(client: &C, server: Option<&Server>) -> Result<ServerFacts, Error> {
    let command = |name: &'static str| CustomCommand::new_static(name, ClusterHash::Random, false);
    let before = UnixMillis::now();
    let (seconds, micros): (i64, i64) = client.custom(command("TIME"), Vec::<String>::new()).await?;
    let read = [before, UnixMillis::now()];
    let info: String = client.custom(command("INFO"), Vec::<String>::new()).await?;
    let line = |line: &str| line.split_once(':').map(|(key, value)| (key.to_owned(), value.trim().to_owned()));
    Ok(ServerFacts {
        name: server.map(ToString::to_string),
        clock: UnixMillis(seconds * 1_000 + micros / 1_000),
        read,
        info: info.lines().filter_map(line).collect(),
    })
}
