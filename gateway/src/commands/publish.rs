//! Publishing what a client sends, and the promise of an ack for it.

use rookery_bus::acks::StaleAnswer;
use rookery_bus::authority::Permission;
use rookery_bus::limits::PUBLISH_DEADLINE;
use rookery_bus::publish::{Cause, Publication, publish};
use rookery_bus::{Append, Appended};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Event;
use rookery_protocol::id::{ClientId, MessageId, RoomId};
use rookery_protocol::position::StoredPosition;
use rookery_protocol::server::{AckMode, ServerFrame};

use super::Commands;
use crate::acks::Sent;
use crate::error::CommandError;

/// A position that the store has: nothing is to be appended.
pub(super) struct KnownPosition {
    /// Of the event or, where nothing changes, of the message.
    pub(super) id: MessageId,
    /// Position of the event, or of the message if nothing changed.
    pub(super) first: StoredPosition,
    /// Whether nothing changes.
    pub(super) unchanged: bool,
}

impl Commands {
    /// Publishes and promises the ack.
    pub(super) async fn publish(
        &self,
        publication: &impl Publication<Done = (), Error = CommandError>,
    ) -> Result<(), CommandError> {
        if !self.member.may_wait() {
            self.node.metrics.sheds.with_label_values(&["acks"]).inc();
            return Err(CommandError::Overloaded);
        }
        let timer = self.node.metrics.append_seconds.start_timer();
        let (bus, authority) = (self.node.bus.as_ref(), self.node.authority.as_ref());
        let outcome = publish(bus, authority, PUBLISH_DEADLINE, publication).await;
        if outcome.is_ok() {
            timer.observe_duration();
        } else {
            timer.stop_and_discard();
        }
        outcome
    }

    /// A remembered permission that turned out to be stale is asked for anew.
    pub(super) fn invalidate_stale(&self, cause: Cause) {
        if let Cause::StaleRights(room) = cause {
            self.node.permissions.invalidate(self.member.user, room);
        }
    }

    /// What is to be appended under the permission.
    pub(super) fn to_append(
        &self,
        permission: &Permission,
        event: Event,
        client_id: ClientId,
    ) -> Result<Box<Append>, CommandError> {
        // The last moment at which the end of a login can keep it from happening.
        if self.member.verdict().is_some() {
            return Err(CommandError::Refused(ErrorCode::Unauthenticated));
        }
        Ok(permission.append(event, client_id))
    }

    /// Acks at once, or when it is stored.
    pub(super) fn acknowledge(&self, sent: Sent, appended: &Appended) -> Result<(), StaleAnswer> {
        match self.node.ack {
            AckMode::Stored => self.node.acks.wait(&self.member, sent, appended),
            AckMode::Accepted => {
                let (Sent { room, client_id }, Appended { id: message_id, epoch, seq, timestamp, .. }) =
                    (sent, *appended);
                let ack = ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp, unchanged: false };
                self.member.send_queue.send(&ack);
                Ok(())
            }
        }
    }

    /// Acks what the store has.
    pub(super) fn acknowledge_known(&self, room: RoomId, client_id: ClientId, known: &KnownPosition) {
        let KnownPosition { id: message_id, first: StoredPosition { epoch, seq, timestamp }, unchanged } = *known;
        let ack = ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp, unchanged };
        self.member.send_queue.send(&ack);
    }
}
