//! Saying something in a room. Membership is what counts: the sender need not be subscribed, but then sees no echo.

use futures_util::FutureExt;
use rookery_protocol::access::Action;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Event;
use rookery_protocol::server::ErrorFrame;

use super::Commands;
use crate::commands::publish::{Place, Placed, RIGHTS_ATTEMPTS};
use crate::error::CommandError;
use crate::session::Outgoing;

impl Commands {
    /// Success has no answer of its own: the echo comes through the room, the ack once the message is stored.
    pub(super) async fn send(&self, outgoing: Outgoing) {
        let placed = self.promise(&outgoing.message.client_id, || self.append_once(&outgoing).boxed()).await;
        if let Err(error) = placed {
            self.note(&error);
            let (room, client_id) = (Some(outgoing.room), Some(outgoing.message.client_id));
            let is_reply = error == CommandError::Refused(ErrorCode::UnknownMessage);
            let field = is_reply.then(|| "reply_to".to_owned());
            self.tell(ErrorFrame { room, client_id, field, ..error.frame() });
        }
    }

    async fn append_once(&self, outgoing: &Outgoing) -> Placed {
        let node = &self.node;
        for _ in 0..RIGHTS_ATTEMPTS {
            let permission = node.permissions.check(self.member.user, &outgoing.room, Action::Send).await?;
            if let Some(answered) = outgoing.message.reply_to {
                node.replies.check(permission.room, answered).await?;
            }
            let Outgoing { sender, message, .. } = outgoing.clone();
            let client_id = message.client_id.clone();
            let event = Event::message(permission.room, sender, message);
            if let Some(appended) = self.append(&permission, event, client_id).await? {
                return Ok((permission.room, Place::Given(appended)));
            }
        }
        Err(CommandError::Unsettled)
    }
}
