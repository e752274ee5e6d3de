//! Saying something in a room. Membership is what counts: the sender need not be subscribed, but then sees no echo.

use rookery_bus::Appended;
use rookery_bus::acks::StaleAnswer;
use rookery_bus::authority::HeldFiles;
use rookery_bus::publish::{Cause, Publication, Step};
use rookery_protocol::access::Action;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Event;
use rookery_protocol::id::RoomId;
use rookery_protocol::server::ErrorFrame;

use super::Commands;
use crate::acks::Sent;
use crate::error::CommandError;
use crate::session::Outgoing;

/// A message of this connection.
struct Message<'a> {
    commands: &'a Commands,
    outgoing: &'a Outgoing,
    held: HeldFiles,
}

impl Commands {
    /// Success has no answer of its own: the echo comes through the room, the ack once the message is stored.
    pub(super) async fn send(&self, outgoing: Outgoing) {
        let message = Message { commands: self, outgoing: &outgoing, held: HeldFiles::default() };
        let published = self.publish(&message).await;
        if let Err(error) = published {
            if !error.is_ours() {
                self.node.replies.give_back(&message.held).await;
            }
            self.record_failure(&error);
            let (room, client_id) = (Some(outgoing.room), Some(outgoing.message.client_id));
            let of_field = [(ErrorCode::UnknownMessage, "reply_to"), (ErrorCode::BadAttachment, "attachments")];
            let wrong = of_field.iter().find(|(code, _)| error == CommandError::Refused(*code));
            let field = wrong.map(|(_, field)| (*field).to_owned());
            self.refuse(ErrorFrame { room, client_id, field, ..error.frame() });
        }
    }
}

impl Publication for Message<'_> {
    type Done = ();
    type Error = CommandError;

    async fn prepare(&self, cause: Cause) -> Result<Step<()>, CommandError> {
        let Self { commands, outgoing, held } = self;
        let node = &commands.node;
        commands.invalidate_stale(cause);
        let permission = node.permissions.check(commands.member.user, &outgoing.room, Action::Send).await?;
        let Outgoing { sender, message, .. } = (*outgoing).clone();
        let client_id = message.client_id.clone();
        let mut event = Event::message(permission.room, sender, message);
        node.replies.prepare(permission.room, &event, held).await?.add_to(&mut event);
        commands.to_append_filtered(permission, event, client_id).await.map(Step::Append)
    }

    fn accept(&self, room: RoomId, appended: Appended) -> Result<(), StaleAnswer> {
        let client_id = self.outgoing.message.client_id.clone();
        let accepted = self.commands.acknowledge(Sent { room, client_id }, &appended);
        accepted.inspect_err(|StaleAnswer| self.held.doubt())
    }
}
