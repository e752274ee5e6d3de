//! Edits, deletions and reactions: the same steps as sending, after a look at the message.

use rookery_bus::Appended;
use rookery_bus::acks::StaleAnswer;
use rookery_bus::authority::{Look, PendingChange, Verdict};
use rookery_bus::publish::{Cause, Publication, Step};
use rookery_protocol::access::Action;
use rookery_protocol::event::Event;
use rookery_protocol::id::RoomId;
use rookery_protocol::server::ErrorFrame;

use super::Commands;
use crate::acks::Sent;
use crate::commands::publish::KnownPosition;
use crate::error::CommandError;
use crate::session::MessageChangeRequest;

/// A change of a message, asked for on this connection.
struct Change<'a> {
    commands: &'a Commands,
    request: &'a MessageChangeRequest,
}

impl Commands {
    /// Success has no answer of its own: the event comes through the room, the ack once it is stored. What changes nothing
    /// is no event, and acked at once.
    pub(super) async fn change_message(&self, request: MessageChangeRequest) {
        if let Err(error) = self.publish(&Change { commands: self, request: &request }).await {
            self.record_failure(&error);
            let (room, client_id) = (Some(request.room), Some(request.client_id));
            self.refuse(ErrorFrame { room, client_id, ..error.frame() });
        }
    }
}

impl Publication for Change<'_> {
    type Done = ();
    type Error = CommandError;

    async fn prepare(&self, cause: Cause) -> Result<Step<()>, CommandError> {
        let Self { commands, request } = self;
        let (node, user) = (&commands.node, commands.member.user);
        commands.invalidate_stale(cause);
        let permission = node.permissions.check(user, &request.room, Action::Send).await?;
        let (room, message) = (permission.room, request.change.message_id);
        let MessageChangeRequest { sender, client_id, change, .. } = (*request).clone();
        let event = Event::message_change(room, sender, &client_id, change);
        let before = Some(PendingChange { user, event: event.id });
        let facts = node.authority.message(Look { room, message, before }).await?;
        let known = |id, first, unchanged| {
            commands.acknowledge_known(room, client_id.clone(), &KnownPosition { id, first, unchanged });
            Ok(Step::Done(()))
        };
        match facts.decide(&permission, user, &request.change).map_err(CommandError::Refused)? {
            Verdict::Pending => Ok(Step::Later),
            Verdict::Done(first) => known(event.id, first, false),
            Verdict::Unchanged(first) => known(message, first, true),
            Verdict::Change => commands.to_append_filtered(permission, event, client_id).await.map(Step::Append),
        }
    }

    fn accept(&self, room: RoomId, appended: Appended) -> Result<(), StaleAnswer> {
        let client_id = self.request.client_id.clone();
        self.commands.acknowledge(Sent { room, client_id }, &appended)
    }
}
