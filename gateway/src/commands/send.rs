//! Saying something in a room. Membership is what counts: the sender need not be subscribed, but then sees no echo.

use futures_util::FutureExt;
use rookery_shared::access::Action;
use rookery_shared::authority::Permission;
use rookery_shared::bus::{Append, AppendError, Rights, open};
use rookery_shared::event::Event;
use rookery_shared::protocol::server::ErrorFrame;

use super::Commands;
use super::promise::Placed;
use crate::error::CommandError;
use crate::session::Outgoing;

/// Once under the remembered rights, once under fresh ones.
const ATTEMPTS: usize = 2;

impl Commands {
    /// Success has no answer of its own: the echo comes through the room, the ack once the message is stored.
    pub(super) async fn send(&self, outgoing: Outgoing) {
        let placed = self.promise(&outgoing.message.client_id, || self.append_once(&outgoing).boxed()).await;
        if let Err(error) = placed {
            self.note(&error);
            let (room, client_id) = (Some(outgoing.room), Some(outgoing.message.client_id));
            self.tell(ErrorFrame { room, client_id, ..error.frame() });
        }
    }

    async fn append_once(&self, outgoing: &Outgoing) -> Placed {
        let node = &self.node;
        for _ in 0..ATTEMPTS {
            let permission = node.permissions.check(self.member.user, &outgoing.room, Action::Send).await?;
            let append = append_of(&permission, outgoing);
            match open::append(node.bus.as_ref(), node.authority.as_ref(), append).await {
                Ok(appended) => return Ok((permission.room, appended)),
                Err(AppendError::StaleRights) => node.permissions.forget(self.member.user, permission.room).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommandError::Unsettled)
    }
}

fn append_of(permission: &Permission, outgoing: &Outgoing) -> Append {
    let Outgoing { sender, message, .. } = outgoing.clone();
    Append {
        room: permission.room,
        client_id: message.client_id.clone(),
        event: Event::message(permission.room, sender, message),
        rights: Rights::At(permission.acl),
    }
}
