//! Engine.IO connections over HTTP requests (long-polling), for clients whose proxies let no WebSocket through. Off unless
//! the setting says otherwise, since every request of a connection has to reach the node that has it.
//!
//! To the task of a connection it is a byte stream like any other (`stream`): packets that the client posts come out of
//! it as WebSocket frames, and frames that the server writes are cut into packets again. So bounds, heartbeats and ends are
//! those of a WebSocket, and such a connection can go on over one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use prometheus::IntGauge;
use rookery_protocol::id::UserId;
use rookery_runtime::config::{Reader, Setting, Switch};

use crate::byte_stream::ByteStream;
use crate::dialect::socketio::Sid;
use crate::limits::POLLING_CONNECTIONS_MAX;

mod payload;
mod stream;

use payload::{BadPayload, frames_of};
use stream::PollingStream;

/// The setting of this module.
pub const SETTINGS: [Setting; 1] = [Setting {
    key: "socketio_polling",
    default: Some("off"),
    secret: false,
    help: "Whether Socket.IO clients may connect by HTTP long-polling: on or off. With several gateways the load balancer then has to send all requests of a client to one of them.",
}];

/// Whether clients may connect by long-polling. Reads [`SETTINGS`]; what is wrong is remembered by the reader.
pub fn read_switch(reader: &mut Reader) -> Option<Switch> {
    let [setting] = SETTINGS;
    reader.required(setting.key)
}

/// The connections of this node that are made of HTTP requests.
#[derive(Debug)]
pub struct PollingConnections {
    switch: Switch,
    open: IntGauge,
    connections: Mutex<HashMap<Sid, Arc<PollingConnection>>>,
}

/// Who a connection belongs to: another address, or the token of another user, has no part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// What stands for the client's address.
    pub address: u128,
    /// The user of the token that came with the first request, if one did.
    pub user: Option<UserId>,
}

/// One connection.
#[derive(Debug)]
pub struct PollingConnection {
    owner: Owner,
    stream: Arc<PollingStream>,
    /// Held by the request that waits for packets.
    poll: tokio::sync::Mutex<()>,
    /// Held by the request that brings packets.
    post: tokio::sync::Mutex<()>,
    is_upgrading: AtomicBool,
}

/// Keeps a connection known for as long as its task runs.
#[derive(Debug)]
pub struct Registration {
    connections: Arc<PollingConnections>,
    sid: Sid,
}

/// Why a request of a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRequest {
    /// Another one of its kind is under way, which ends the connection.
    Overlap,
    /// It is none of Engine.IO.
    Payload,
    /// The connection goes on over a WebSocket.
    Upgraded,
}

/// An upgrade under way; the connection stays what it was if this is dropped.
#[derive(Debug)]
pub struct Upgrade<'a>(&'a PollingConnection);

impl PollingConnections {
    /// None yet; `open` counts them.
    pub fn new(switch: Switch, open: IntGauge) -> Arc<Self> {
        Arc::new(Self { switch, open, connections: Mutex::default() })
    }

    /// Whether clients may connect so.
    pub fn are_allowed(&self) -> bool {
        self.switch == Switch::On
    }

    /// A new connection; none if there are as many as there may be.
    pub fn open(self: &Arc<Self>, owner: Owner) -> Option<(Sid, Arc<PollingConnection>, Registration)> {
        let sid = Sid::generate();
        let connection = Arc::new(PollingConnection {
            owner,
            stream: Arc::default(),
            poll: tokio::sync::Mutex::default(),
            post: tokio::sync::Mutex::default(),
            is_upgrading: AtomicBool::new(false),
        });
        let mut connections = self.connections.lock();
        if connections.len() >= POLLING_CONNECTIONS_MAX {
            return None;
        }
        connections.insert(sid, Arc::clone(&connection));
        self.open.inc();
        Some((sid, connection, Registration { connections: Arc::clone(self), sid }))
    }

    /// The connection of this name, if it is the caller's.
    pub fn find(&self, sid: Sid, caller: Owner) -> Option<Arc<PollingConnection>> {
        self.connections.lock().get(&sid).filter(|known| known.owner == caller).cloned()
    }
}

impl PollingConnection {
    /// What the connection's task reads and writes.
    pub fn stream(&self) -> Arc<dyn ByteStream> {
        Arc::<PollingStream>::clone(&self.stream)
    }

    /// Packets for the client, as the body of an answer. Waits until there is one.
    ///
    /// # Errors
    /// If it cannot be asked for them.
    pub async fn poll(&self) -> Result<String, BadRequest> {
        let Ok(_guard) = self.poll.try_lock() else { return Err(self.overlap()) };
        if self.stream.is_upgraded() {
            return Err(BadRequest::Upgraded);
        }
        let upgrading = || self.is_upgrading.load(Ordering::Acquire);
        Ok(self.stream.packets(upgrading).await.into_body())
    }

    /// Takes the packets of a request's body.
    ///
    /// # Errors
    /// If it is none, or the connection takes none.
    pub async fn post(&self, body: &str) -> Result<(), BadRequest> {
        let Ok(_guard) = self.post.try_lock() else { return Err(self.overlap()) };
        if self.stream.is_upgraded() {
            return Err(BadRequest::Upgraded);
        }
        match frames_of(body) {
            Ok(frames) => {
                self.stream.receive(&frames).await;
                Ok(())
            }
            Err(BadPayload) => Err(self.end(BadRequest::Payload)),
        }
    }

    /// Whether it goes on over a WebSocket.
    pub fn has_moved(&self) -> bool {
        self.stream.is_upgraded()
    }

    /// Begins to move it to a WebSocket; none if that is done or under way.
    pub fn upgrade(&self) -> Option<Upgrade<'_>> {
        let is_first = !self.stream.is_upgraded() && !self.is_upgrading.swap(true, Ordering::AcqRel);
        is_first.then(|| {
            self.stream.wake_poll();
            Upgrade(self)
        })
    }

    /// A move to a WebSocket holds off requests, too, and is no reason to end the connection.
    fn overlap(&self) -> BadRequest {
        if self.is_upgrading.load(Ordering::Acquire) {
            BadRequest::Upgraded
        } else {
            self.end(BadRequest::Overlap)
        }
    }

    fn end(&self, why: BadRequest) -> BadRequest {
        self.stream.end();
        why
    }
}

impl Upgrade<'_> {
    /// From here on the connection's task reads and writes this stream, behind what was read of it and what waits.
    ///
    /// # Errors
    /// If the stream ends meanwhile.
    pub async fn finish(self, websocket: Arc<dyn ByteStream>, read_before: &[u8]) -> std::io::Result<()> {
        let _no_poll = self.0.poll.lock().await;
        let _no_post = self.0.post.lock().await;
        self.0.stream.upgrade(websocket, read_before).await
    }
}

impl Drop for Upgrade<'_> {
    fn drop(&mut self) {
        self.0.is_upgrading.store(false, Ordering::Release);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let connection = self.connections.connections.lock().remove(&self.sid);
        if let Some(connection) = connection {
            self.connections.open.dec();
            connection.stream.close();
        }
    }
}

#[cfg(test)]
mod tests;
