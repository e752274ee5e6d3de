//! Saying something in a room. Membership is what counts: the sender need not be subscribed, but then sees no echo.

use rookery_shared::access::Action;
use rookery_shared::authority::Permission;
use rookery_shared::bus::{Append, AppendError, Appended, Rights, open};
use rookery_shared::event::Event;
use rookery_shared::id::RoomId;
use rookery_shared::protocol::server::ErrorFrame;

use super::Commands;
use crate::error::CommandError;
use crate::session::Outgoing;

/// Once under the remembered rights, once under fresh ones.
const ATTEMPTS: usize = 2;

impl Commands {
    /// Success has no answer of its own: the echo comes through the room, the ack once the message is stored.
    pub(super) async fn send(&self, outgoing: Outgoing) {
        let timer = self.node.metrics.append_seconds.start_timer();
        match self.append(&outgoing).await {
            Ok((room, appended)) => {
                timer.observe_duration();
                self.node.acks.wait(&self.member, room, outgoing.message.client_id, &appended);
            }
            Err(error) => {
                timer.stop_and_discard();
                self.note(&error);
                let (room, client_id) = (Some(outgoing.room), Some(outgoing.message.client_id));
                self.tell(ErrorFrame { room, client_id, ..error.frame() });
            }
        }
    }

    async fn append(&self, outgoing: &Outgoing) -> Result<(RoomId, Appended), CommandError> {
        if !self.member.may_wait() {
            return Err(CommandError::Overloaded);
        }
        let (room, appended) = self.append_once(outgoing).await?;
        if self.node.acks.is_over(room, &appended) {
            // Either the bus has lost this place since, or it is a repeat's first place; the second answer tells.
            return self.append_once(outgoing).await;
        }
        Ok((room, appended))
    }

    async fn append_once(&self, outgoing: &Outgoing) -> Result<(RoomId, Appended), CommandError> {
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
