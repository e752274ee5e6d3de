//! Doing something to a message: the same steps as sending, after a look at the message.

use futures_util::FutureExt;
use rookery_shared::access::Action;
use rookery_shared::event::Event;
use rookery_shared::protocol::server::ErrorFrame;

use super::Commands;
use super::promise::{Placed, RIGHTS_ATTEMPTS};
use crate::error::CommandError;
use crate::session::Deed;

impl Commands {
    /// Success has no answer of its own: the event comes through the room, the ack once it is stored.
    pub(super) async fn act(&self, deed: Deed) {
        let placed = self.promise(&deed.client_id, || self.place(&deed).boxed()).await;
        if let Err(error) = placed {
            self.note(&error);
            let (room, client_id) = (Some(deed.room), Some(deed.client_id));
            self.tell(ErrorFrame { room, client_id, ..error.frame() });
        }
    }

    async fn place(&self, deed: &Deed) -> Placed {
        let (node, user) = (&self.node, self.member.user);
        for _ in 0..RIGHTS_ATTEMPTS {
            let permission = node.permissions.check(user, &deed.room, Action::Send).await?;
            let room = permission.room;
            let facts = node.authority.message(room, deed.act.message_id).await?;
            facts.check(&permission, user, &deed.act).map_err(CommandError::Refused)?;
            let Deed { sender, client_id, act, .. } = deed.clone();
            let event = Event::act(room, sender, &client_id, act);
            if let Some(appended) = self.append(&permission, event, client_id).await? {
                return Ok((room, appended));
            }
        }
        Err(CommandError::Unsettled)
    }
}
