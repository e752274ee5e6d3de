//! What is delivered and not kept: channels of rooms and users.

use async_trait::async_trait;
use fred::interfaces::{ClientLike as _, PubsubInterface as _};
use fred::types::Value;
use rookery_bus::PubSub;
use rookery_bus::error::BusError;
use rookery_bus::signal::{EphemeralSignal, Revoked, Signal};
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::news::UserNews;
use tokio::sync::broadcast;

use crate::client::unless_moved;
use crate::{RedisBus, codec, keys};

impl RedisBus {
    async fn publish(&self, channel: String, text: String) -> Result<(), BusError> {
        let clustered = self.commands.is_clustered();
        unless_moved(|| {
            let (channel, text) = (channel.clone(), text.clone());
            async move {
                if clustered {
                    self.commands.spublish::<Value, _, _>(channel, text).await
                } else {
                    self.commands.publish::<Value, _, _>(channel, text).await
                }
            }
        })
        .await
        .map(drop)
    }
}

#[async_trait]
impl PubSub for RedisBus {
    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    async fn subscribe(&self, room: RoomId) -> Result<(), BusError> {
        self.join(vec![keys::room_channel(room)]).await
    }

    async fn unsubscribe(&self, room: RoomId) -> Result<(), BusError> {
        self.leave(vec![keys::room_channel(room)]).await
    }

    async fn subscribe_users(&self, users: &[UserId]) -> Result<(), BusError> {
        self.join(users.iter().map(|user| keys::user_channel(*user)).collect()).await
    }

    async fn unsubscribe_users(&self, users: &[UserId]) -> Result<(), BusError> {
        self.leave(users.iter().map(|user| keys::user_channel(*user)).collect()).await
    }

    async fn publish_ephemeral(&self, room: RoomId, signal: EphemeralSignal) -> Result<(), BusError> {
        self.publish(keys::room_channel(room), codec::ephemeral(&signal)).await
    }

    async fn revoke(&self, user: UserId, revoked: Revoked) -> Result<(), BusError> {
        self.publish(keys::user_channel(user), codec::revocation(revoked)).await
    }

    async fn notify_user(&self, user: UserId, news: &UserNews) -> Result<(), BusError> {
        self.publish(keys::user_channel(user), codec::user_news(news)).await
    }
}
