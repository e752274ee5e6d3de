//! What all devices of a user are told when it comes into a room or is out of it.

use rookery_bus::PubSub;
use rookery_protocol::access::RoomKind;
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::news::UserNews;
use rookery_protocol::server::UserFrame;

/// Tells the devices of a user that it is a member of a room.
pub(crate) async fn tell_added(news: &dyn PubSub, user: UserId, room: RoomId, kind: RoomKind) {
    let frame = UserFrame::RoomAdded { room, room_kind: kind };
    if let Err(error) = news.notify_user(user, &UserNews::Frame { frame }).await {
        tracing::debug!(%error, "devices not told of a new room");
    }
}

/// Tells the devices of a user that it is no longer a member of a room.
pub(crate) async fn tell_removed(news: &dyn PubSub, user: UserId, room: RoomId) {
    let frame = UserFrame::RoomRemoved { room };
    if let Err(error) = news.notify_user(user, &UserNews::Frame { frame }).await {
        tracing::debug!(%error, "devices not told of a room that is gone");
    }
}
