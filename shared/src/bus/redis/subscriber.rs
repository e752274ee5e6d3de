//! The subscriber connection: subscribes again after every reconnect, and turns what arrives into signals.

use std::sync::Arc;
use std::time::Duration;

use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::types::Message;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::bus::redis::wire::{self, Control};
use crate::bus::redis::{RedisBus, client};
use crate::bus::{BusError, Signal};
use crate::keys::{self, Channel};
use crate::shutdown::Shutdown;

/// Channels per SUBSCRIBE.
const CHUNK: usize = 500;
/// Between two attempts to subscribe.
const PAUSE: Duration = Duration::from_millis(200);

/// Connects both clients and serves them until the process stops.
pub(super) fn start(bus: &Arc<RedisBus>, shutdown: &Shutdown) {
    // Listening begins before connecting, so that neither the first connect nor a message is missed.
    let messages = bus.subscriber.message_rx();
    let (mut subscriber, mut commands) = (bus.subscriber.reconnect_rx(), bus.commands.reconnect_rx());
    // The clients' own tasks end with the connection; an error here is told by every later call.
    drop(bus.subscriber.connect());
    drop(bus.commands.connect());
    shutdown.spawn("bus messages", receive(Arc::clone(bus), messages));
    let resubscribing = Arc::clone(bus);
    shutdown.spawn("bus subscriptions", async move {
        while connected(&mut subscriber).await {
            resubscribe(&resubscribing).await;
        }
    });
    let rebinding = Arc::clone(bus);
    shutdown.spawn("bus scripts", async move {
        while connected(&mut commands).await {
            rebind(&rebinding);
        }
    });
}

/// Waits for the next connect; false if there will be none.
async fn connected<T: Clone>(connects: &mut Receiver<T>) -> bool {
    match connects.recv().await {
        Ok(_) | Err(RecvError::Lagged(_)) => true,
        Err(RecvError::Closed) => false,
    }
}

/// Scripts belong to one incarnation of the server; which one this is, is not known before asking.
fn rebind(bus: &Arc<RedisBus>) {
    *bus.scripts.write() = None;
    bus.tell(Signal::Suspect);
}

async fn resubscribe(bus: &Arc<RedisBus>) {
    while let Err(error) = subscribe_all(bus).await {
        tracing::warn!(%error, "subscribing again failed");
        tokio::time::sleep(PAUSE).await;
    }
    // Only now is everything published from here on heard; what was missed before can be asked for.
    bus.tell(Signal::Suspect);
    bus.wakes.iter().for_each(tokio::sync::Notify::notify_one);
}

async fn subscribe_all(bus: &RedisBus) -> Result<(), BusError> {
    let channels: Vec<String> = bus.channels.lock().iter().cloned().collect();
    for chunk in channels.chunks(CHUNK) {
        bus.subscriber
            .subscribe(chunk.to_vec())
            .await
            .map_err(|error| client::unavailable(&error))?;
    }
    bus.confirm_subscriptions().await?;
    tracing::info!(channels = channels.len(), "subscribed");
    Ok(())
}

async fn receive(bus: Arc<RedisBus>, mut messages: Receiver<Message>) {
    loop {
        match messages.recv().await {
            Ok(message) => dispatch(&bus, &message),
            Err(RecvError::Lagged(lost)) => {
                tracing::warn!(lost, "bus messages overflowed");
                bus.tell(Signal::Suspect);
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
            if let Some(event) = wire::parse_entry(room, &text) {
                bus.tell(Signal::Event(Arc::new(event)));
            } else {
                tracing::warn!(%room, "event not understood, skipped");
            }
        }
        Channel::Control(partition) => match wire::parse_control(&text) {
            Some(Control::Stored(upto)) => bus.tell(Signal::Stored { partition, upto }),
            Some(Control::Wake) => {
                if let Some(wake) = bus.wakes.get(usize::from(partition.0)) {
                    wake.notify_one();
                }
            }
            None => tracing::warn!(%partition, "control message not understood, skipped"),
        },
        Channel::User(user) => {
            if let Some(revoked) = wire::parse_revocation(&text) {
                bus.tell(Signal::Session { user, revoked });
            } else {
                tracing::warn!(%user, "message to a user not understood, skipped");
            }
        }
    }
}
