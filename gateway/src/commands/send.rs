//! Saying something in a room. Membership is what counts: the sender need not be subscribed, but then sees no echo.

use rookery_shared::access::Action;
use rookery_shared::authority::Permission;
use rookery_shared::bus::{Append, AppendError, Appended, Rights, open};
use rookery_shared::event::Event;
use rookery_shared::id::RoomId;
use rookery_shared::protocol::server::{AckMode, ErrorFrame, ServerFrame};

use super::Commands;
use crate::acks::{Doubtful, Sent};
use crate::error::CommandError;
use crate::session::Outgoing;

/// Once under the remembered rights, once under fresh ones.
const ATTEMPTS: usize = 2;
/// How often a place may belong to an epoch that ended while it was asked for.
const PLACE_ATTEMPTS: usize = 3;

impl Commands {
    /// Success has no answer of its own: the echo comes through the room, the ack once the message is stored.
    pub(super) async fn send(&self, outgoing: Outgoing) {
        if let Err(error) = self.append(&outgoing).await {
            self.note(&error);
            let (room, client_id) = (Some(outgoing.room), Some(outgoing.message.client_id));
            self.tell(ErrorFrame { room, client_id, ..error.frame() });
        }
    }

    /// Asks the bus for a place until it is one that can be promised: an epoch may end on the way.
    async fn append(&self, outgoing: &Outgoing) -> Result<(), CommandError> {
        if !self.member.may_wait() {
            return Err(CommandError::Overloaded);
        }
        for _ in 0..PLACE_ATTEMPTS {
            let changes = self.node.acks.changes();
            let timer = self.node.metrics.append_seconds.start_timer();
            let outcome = self.append_once(outgoing).await;
            let (room, appended) = match outcome {
                Ok(placed) => placed,
                Err(error) => {
                    timer.stop_and_discard();
                    return Err(error);
                }
            };
            timer.observe_duration();
            let sent = Sent { room, client_id: outgoing.message.client_id.clone(), changes };
            if self.acknowledge(sent, &appended).is_ok() {
                return Ok(());
            }
        }
        Err(CommandError::Unsettled)
    }

    fn acknowledge(&self, sent: Sent, appended: &Appended) -> Result<(), Doubtful> {
        match self.node.ack {
            AckMode::Stored => self.node.acks.wait(&self.member, sent, appended),
            AckMode::Accepted => {
                let (Sent { room, client_id, .. }, Appended { id: message_id, epoch, seq, timestamp, .. }) =
                    (sent, *appended);
                let ack = ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp };
                self.member.outbox.send(&ack);
                Ok(())
            }
        }
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
