//! Doing something to a message: the same steps as sending, after a look at the message.

use futures_util::FutureExt;
use rookery_bus::authority::{BeforeAct, Look, Verdict};
use rookery_protocol::access::Action;
use rookery_protocol::event::Event;
use rookery_protocol::id::RoomId;
use rookery_protocol::limits::{ACT_SETTLE_PAUSE, ACT_SETTLE_TRIES};
use rookery_protocol::server::ErrorFrame;

use super::Commands;
use crate::commands::publish::{KnownPlace, Place, Placed, RIGHTS_ATTEMPTS};
use crate::error::CommandError;
use crate::session::MessageChangeRequest;

impl Commands {
    /// Success has no answer of its own: the event comes through the room, the ack once it is stored. What changes nothing
    /// is no event, and acked at once.
    pub(super) async fn act(&self, deed: MessageChangeRequest) {
        let placed = self.promise(&deed.client_id, || self.place(&deed).boxed()).await;
        if let Err(error) = placed {
            self.note(&error);
            let (room, client_id) = (Some(deed.room), Some(deed.client_id));
            self.tell(ErrorFrame { room, client_id, ..error.frame() });
        }
    }

    async fn place(&self, deed: &MessageChangeRequest) -> Placed {
        for _ in 0..ACT_SETTLE_TRIES {
            if let Some(placed) = self.look_and_place(deed).await? {
                return Ok(placed);
            }
            tokio::time::sleep(ACT_SETTLE_PAUSE).await;
        }
        Err(CommandError::Unsettled)
    }

    /// None if it has to be looked at again in a moment.
    async fn look_and_place(&self, deed: &MessageChangeRequest) -> Result<Option<(RoomId, Place)>, CommandError> {
        let (node, user) = (&self.node, self.member.user);
        for _ in 0..RIGHTS_ATTEMPTS {
            let permission = node.permissions.check(user, &deed.room, Action::Send).await?;
            let (room, message) = (permission.room, deed.act.message_id);
            let MessageChangeRequest { sender, client_id, act, .. } = deed.clone();
            let event = Event::act(room, sender, &client_id, act);
            let before = Some(BeforeAct { user, event: event.id });
            let facts = node.authority.message(Look { room, message, before }).await?;
            let known = |id, first, unchanged| Ok(Some((room, Place::Known(KnownPlace { id, first, unchanged }))));
            match facts.decide(&permission, user, &deed.act).map_err(CommandError::Refused)? {
                Verdict::Unsettled => return Ok(None),
                Verdict::Done(first) => return known(event.id, first, false),
                Verdict::Unchanged(first) => return known(message, first, true),
                Verdict::Change => {}
            }
            if let Some(appended) = self.append(&permission, event, client_id).await? {
                return Ok(Some((room, Place::Given(appended))));
            }
        }
        Err(CommandError::Unsettled)
    }
}
