//! The Lua scripts, bound to one incarnation of the server.
//!
//! A restarted or failed-over Redis may have lost the end of its data. Its replication id, the *fence*, tells
//! incarnations apart: it is written into the text of every script, and a server forgets scripts when it
//! restarts. So a command that was meant for the data of an earlier incarnation finds no script and does nothing,
//! even if it arrives on a connection that was re-established without anybody noticing.

use fred::clients::Client;
use fred::interfaces::{ClientLike, LuaInterface};
use fred::types::InfoKind;

use crate::bus::BusError;
use crate::bus::redis::client::unavailable;

/// Scripts loaded on one incarnation.
#[derive(Clone, Debug)]
pub(super) struct Scripts {
    pub(super) fence: String,
    pub(super) append: String,
    pub(super) open_room: String,
    pub(super) open_partition: String,
    pub(super) read_log: String,
    pub(super) mark_stored: String,
    pub(super) lease: String,
}

impl Scripts {
    /// Reads the fence and loads every script under it.
    pub(super) async fn load(client: &Client) -> Result<Self, BusError> {
        let fence = read_fence(client).await?;
        let scripts = Self {
            append: load(client, &fence, include_str!("append.lua")).await?,
            open_room: load(client, &fence, include_str!("open_room.lua")).await?,
            open_partition: load(client, &fence, include_str!("open_partition.lua")).await?,
            read_log: load(client, &fence, include_str!("read_log.lua")).await?,
            mark_stored: load(client, &fence, include_str!("mark_stored.lua")).await?,
            lease: load(client, &fence, include_str!("lease.lua")).await?,
            fence,
        };
        if read_fence(client).await? == scripts.fence {
            return Ok(scripts);
        }
        // The server changed while scripts of the earlier one were being loaded: make it forget them.
        client.script_flush(false).await.map_err(|error| unavailable(&error))?;
        Err(BusError::Unavailable("the server changed during loading".to_owned()))
    }
}

async fn load(client: &Client, fence: &str, text: &str) -> Result<String, BusError> {
    client
        .script_load(format!("-- fence {fence}\n{text}"))
        .await
        .map_err(|error| unavailable(&error))
}

async fn read_fence(client: &Client) -> Result<String, BusError> {
    let info: String = client.info(Some(InfoKind::Replication)).await.map_err(|error| unavailable(&error))?;
    info.lines()
        .find_map(|line| line.strip_prefix("master_replid:"))
        .map(|id| id.trim().to_owned())
        .ok_or_else(|| BusError::Protocol("no replication id".to_owned()))
}
