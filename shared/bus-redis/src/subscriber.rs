//! The subscriber connection: subscribes again after every reconnect, and turns what arrives into signals.

use std::collections::BTreeSet;
use std::sync::Arc;

use fred::clients::Client;
use fred::interfaces::{ClientLike, ClusterInterface, EventInterface, PubsubInterface};
use fred::types::Message;
use fred::types::config::Server;
use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use rookery_bus::error::BusError;
use rookery_bus::signal::Signal;
use rookery_protocol::id::Partition;
use rookery_runtime::shutdown::Shutdown;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::keys::{self, Channel};
use crate::limits::{REDIS_CALLS_AT_ONCE, SUBSCRIBE_PAUSE, SUBSCRIBER_PING_INTERVAL, TOPOLOGY_INTERVAL};
use crate::metrics::METRICS;
use crate::{RedisBus, client, codec, failures, figures, marks, scripts};

/// Channels per SUBSCRIBE.
const CHUNK: usize = 500;

/// Connects both clients and serves them until the process stops.
pub(super) fn start(bus: &Arc<RedisBus>, shutdown: &Shutdown) {
    // Listening begins before connecting, so that neither the first connect nor a message is missed.
    let messages = bus.subscriber.message_rx();
    let (subscriber, commands) = (bus.subscriber.reconnect_rx(), bus.commands.reconnect_rx());
    // One of the two is enough: both have the same address.
    shutdown.spawn("bus failures", failures::log(bus.commands.clone()));
    // The clients' own tasks end with the connection; every later call reports the same error.
    drop(bus.subscriber.connect());
    drop(bus.commands.connect());
    shutdown.spawn("bus messages", receive(Arc::clone(bus), messages));
    shutdown.spawn("bus subscriptions", keep_subscribed(Arc::clone(bus), subscriber));
    shutdown.spawn("bus scripts", keep_bound(Arc::clone(bus), commands));
    shutdown.spawn("bus marks", marks::follow_wanted(Arc::clone(bus)));
    shutdown.spawn("bus figures", figures::watch(Arc::clone(bus)));
    shutdown.spawn("bus signs of life", ask_for_life(Arc::clone(bus)));
    if bus.commands.is_clustered() {
        shutdown.spawn("bus topology", watch_topology(Arc::clone(bus)));
    }
}

/// Waits until the subscriber has connected, or partitions have moved; false if neither will happen again.
async fn suspicious(bus: &RedisBus, connects: &mut Receiver<Server>) -> bool {
    tokio::select! {
        connected = connects.recv() => !matches!(connected, Err(RecvError::Closed)),
        () = bus.moved.notified() => true,
    }
}

async fn keep_subscribed(bus: Arc<RedisBus>, mut connects: Receiver<Server>) {
    while suspicious(&bus, &mut connects).await {
        // The connects to all servers of a cluster are one event.
        while connects.try_recv().is_ok() {}
        while let Err(error) = subscribe_all(&bus).await {
            tracing::warn!(%error, "subscribing again failed");
            tokio::time::sleep(SUBSCRIBE_PAUSE).await;
        }
        // Only now is everything published from here on received; what was missed before can be asked for.
        bus.emit(Signal::Suspect);
        bus.wakeups.notify_all();
    }
}

/// Scripts belong to one incarnation of a server; which one this is, is not known before asking.
async fn keep_bound(bus: Arc<RedisBus>, mut connects: Receiver<Server>) {
    while let Ok(_) | Err(RecvError::Lagged(_)) = connects.recv().await {
        METRICS.connects.inc();
        bus.scripts.clear();
        bus.emit(Signal::Suspect);
    }
}

/// A connection that only listens does not notice a server that has stopped: somebody has to expect an answer. Neither
/// does the library notice it on a connection that is written to all the time, since it counts from the last write.
async fn ask_for_life(bus: Arc<RedisBus>) {
    loop {
        tokio::time::sleep(SUBSCRIBER_PING_INTERVAL).await;
        if bus.subscriber.is_clustered() {
            let servers: BTreeSet<Server> = scripts::owners(&bus.subscriber).into_iter().flatten().collect();
            join_all(servers.into_iter().map(|server| has_life(bus.subscriber.with_cluster_node(server)))).await;
        } else {
            join(revive(&bus.subscriber), revive(&bus.commands)).await;
        }
    }
}

async fn revive(redis: &Client) {
    if has_life(redis.clone()).await || !redis.is_connected() {
        return;
    }
    tracing::warn!("Redis does not answer, connecting again");
    if let Err(error) = client::reconnect(redis).await {
        tracing::debug!(%error, "not connected again");
    }
}

async fn has_life<C: ClientLike>(connection: C) -> bool {
    let answer = connection.ping::<String>(None).await;
    if let Err(error) = &answer {
        tracing::debug!(%error, "no sign of life from Redis");
    }
    answer.is_ok()
}

/// A server of a cluster that hands a slot to another one drops its subscribers without telling this client.
async fn watch_topology(bus: Arc<RedisBus>) {
    let mut changes = bus.commands.cluster_change_rx();
    let mut known = scripts::owners(&bus.subscriber);
    loop {
        // The commands notice first, since they are redirected.
        tokio::select! {
            _ = changes.recv() => {}
            () = tokio::time::sleep(TOPOLOGY_INTERVAL) => {}
        }
        while changes.try_recv().is_ok() {}
        if let Err(error) = bus.subscriber.sync_cluster().await {
            tracing::debug!(%error, "the slots are not known");
        }
        let now = scripts::owners(&bus.subscriber);
        // A server that has stopped redirects nobody.
        if scripts::owners(&bus.commands) != now
            && let Err(error) = bus.commands.sync_cluster().await
        {
            tracing::debug!(%error, "the slots are not known to the commands");
        }
        if now != known {
            tracing::info!("partitions are on other servers now");
            known = now;
            bus.moved.notify_one();
        }
    }
}

async fn subscribe_all(bus: &RedisBus) -> Result<(), BusError> {
    let channels: Vec<String> = bus.channels.lock().iter().cloned().collect();
    let count = channels.len();
    subscribe(bus, channels).await?;
    tracing::info!(channels = count, "subscribed");
    Ok(())
}

/// Subscribes, and returns when the servers have seen it.
pub(super) async fn subscribe(bus: &RedisBus, channels: Vec<String>) -> Result<(), BusError> {
    if !bus.subscriber.is_clustered() {
        for chunk in channels.chunks(CHUNK) {
            client::unless_moved(|| bus.subscriber.subscribe(chunk.to_vec())).await?;
        }
        return confirm(&bus.subscriber).await;
    }
    let partitions: BTreeSet<Partition> = channels.iter().filter_map(|name| keys::partition_of_channel(name)).collect();
    // One each: the client takes the first of several answers to a sharded subscription for the whole of it, and the
    // others for answers to later commands.
    stream::iter(channels)
        .map(|channel| async move { client::unless_moved(|| bus.subscriber.ssubscribe(channel.clone())).await })
        .buffer_unordered(REDIS_CALLS_AT_ONCE)
        .try_collect::<()>()
        .await?;
    let owners = scripts::owners(&bus.subscriber);
    let servers: BTreeSet<Server> = partitions
        .into_iter()
        .filter_map(|t| owners.get(usize::from(t.0)).cloned().flatten())
        .collect();
    for server in servers {
        confirm(&bus.subscriber.with_cluster_node(server)).await?;
    }
    Ok(())
}

/// The client answers a subscription before the server has seen it. Commands of one connection are carried out in order,
/// so an answered PING says that the server has.
async fn confirm<C: ClientLike>(connection: &C) -> Result<(), BusError> {
    let answered = connection.ping::<String>(None).await;
    answered.map(|_| ()).map_err(|error| client::unavailable(&error))
}

pub(super) async fn unsubscribe(bus: &RedisBus, channels: Vec<String>) -> Result<(), BusError> {
    let client = &bus.subscriber;
    if !client.is_clustered() {
        return client.unsubscribe(channels).await.map_err(|error| client::unavailable(&error));
    }
    for channel in channels {
        client.sunsubscribe(channel).await.map_err(|error| client::unavailable(&error))?;
    }
    Ok(())
}

async fn receive(bus: Arc<RedisBus>, mut messages: Receiver<Message>) {
    loop {
        match messages.recv().await {
            Ok(message) => dispatch(&bus, &message),
            Err(RecvError::Lagged(lost)) => {
                tracing::warn!(lost, "bus messages overflowed");
                bus.emit(Signal::Suspect);
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn dispatch(bus: &RedisBus, message: &Message) {
    let channel = keys::parse_channel(&message.channel);
    let Some((channel, text)) = channel.zip(message.value.as_str()) else {
        tracing::warn!("message on a foreign channel skipped");
        return;
    };
    match channel {
        Channel::Room(room) => {
            if let Some(signal) = codec::parse_ephemeral(&text) {
                bus.emit(Signal::Ephemeral { room, signal: Arc::new(signal) });
            } else if let Some(event) = codec::parse_entry(room, &text) {
                bus.emit(Signal::Event(Arc::new(event)));
            } else {
                tracing::warn!(%room, "event not understood, skipped");
            }
        }
        Channel::Marks(partition) => {
            if let Some(mark) = codec::parse_stored(&text) {
                bus.emit(Signal::Stored { partition, mark: Arc::new(mark) });
            } else {
                tracing::warn!(%partition, "stored mark not understood, skipped");
            }
        }
        Channel::Wake(partition) => bus.wakeups.notify(partition, codec::parse_wake(&text)),
        Channel::User(user) => {
            if let Some(revoked) = codec::parse_revocation(&text) {
                bus.emit(Signal::Session { user, revoked });
            } else if let Some(presence) =
                text.strip_prefix(codec::PRESENCE).and_then(|row| codec::parse_presence(user, row))
            {
                bus.emit(Signal::Presence(Arc::new(presence)));
            } else if let Some(news) = codec::parse_user_news(&text) {
                bus.emit(Signal::User { user, news: Arc::new(news) });
            } else {
                tracing::warn!(%user, "message to a user not understood, skipped");
            }
        }
    }
}

impl RedisBus {
    /// Hears these channels, after every reconnect too. Remembered first, so that a reconnect in between subscribes to
    /// them.
    pub(super) async fn join(&self, channels: Vec<String>) -> Result<(), BusError> {
        self.channels.lock().extend(channels.iter().cloned());
        subscribe(self, channels).await
    }

    /// Hears these channels no more.
    pub(super) async fn leave(&self, channels: Vec<String>) -> Result<(), BusError> {
        {
            let mut known = self.channels.lock();
            for channel in &channels {
                known.remove(channel);
            }
        }
        unsubscribe(self, channels).await
    }
}
