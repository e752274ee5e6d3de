//! A place for an event, and the promise of an ack for it.

use futures_util::future::BoxFuture;
use rookery_bus::acks::StaleAnswer;
use rookery_bus::authority::Permission;
use rookery_bus::{Append, AppendError, Appended, auto_open};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Event;
use rookery_protocol::id::{ClientId, MessageId, RoomId};
use rookery_protocol::position::StoredPosition;
use rookery_protocol::server::{AckMode, ServerFrame};

use super::Commands;
use crate::acks::Sent;
use crate::error::CommandError;

/// How often a place may come from a server that was replaced, or turn out to be another.
const PLACE_ATTEMPTS: usize = 3;

/// How often rights are read for one event: once remembered ones, once fresh ones.
pub(super) const RIGHTS_ATTEMPTS: usize = 2;

/// The room of an event and its place there.
pub(super) type Placed = Result<(RoomId, Place), CommandError>;

/// Where an event is.
pub(super) enum Place {
    /// It was given this place just now, or not long ago.
    Given(Appended),
    /// It needs none: this is to be told at once.
    Known(KnownPlace),
}

/// A place that the store has.
pub(super) struct KnownPlace {
    /// Of the event or, where nothing changes, of the message.
    pub(super) id: MessageId,
    /// Where.
    pub(super) first: StoredPosition,
    /// Whether nothing changes.
    pub(super) unchanged: bool,
}

impl Commands {
    /// Asks the bus for a place until it is one that can be promised: its server may be replaced on the way.
    pub(super) async fn promise<'a>(
        &self,
        name: &ClientId,
        place: impl Fn() -> BoxFuture<'a, Placed> + Send,
    ) -> Result<(), CommandError> {
        if !self.member.may_wait() {
            self.node.metrics.sheds.with_label_values(&["acks"]).inc();
            return Err(CommandError::Overloaded);
        }
        for _ in 0..PLACE_ATTEMPTS {
            let timer = self.node.metrics.append_seconds.start_timer();
            let (room, appended) = match place().await {
                Ok((room, Place::Given(appended))) => (room, appended),
                Ok((room, Place::Known(known))) => {
                    timer.stop_and_discard();
                    self.member.send_queue.send(&known.ack(room, name.clone()));
                    return Ok(());
                }
                Err(error) => {
                    timer.stop_and_discard();
                    return Err(error);
                }
            };
            timer.observe_duration();
            if self.acknowledge(Sent { room, client_id: name.clone() }, &appended).is_ok() {
                return Ok(());
            }
        }
        Err(CommandError::Unsettled)
    }

    /// A place for the event, if the room's rights are still what the permission says; none if they have changed, and
    /// then the permission is forgotten.
    pub(super) async fn append(
        &self,
        permission: &Permission,
        event: Event,
        client_id: ClientId,
    ) -> Result<Option<Appended>, CommandError> {
        // The last moment at which the end of a login can keep it from happening.
        if self.member.verdict().is_some() {
            return Err(CommandError::Refused(ErrorCode::Unauthenticated));
        }
        let (node, room) = (&self.node, permission.room);
        let append = Append { room, event, client_id, rights: permission.rights(), epoch: None };
        match auto_open::append(node.bus.as_ref(), node.authority.as_ref(), append).await {
            Ok(appended) => Ok(Some(appended)),
            Err(AppendError::StaleRights) => {
                node.permissions.forget(self.member.user, room);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn acknowledge(&self, sent: Sent, appended: &Appended) -> Result<(), StaleAnswer> {
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
}

impl KnownPlace {
    fn ack(self, room: RoomId, client_id: ClientId) -> ServerFrame {
        let Self { id: message_id, first: StoredPosition { epoch, seq, timestamp }, unchanged } = self;
        ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp, unchanged }
    }
}
