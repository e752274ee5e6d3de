//! What a message refers to: looked at by the api in one call, under the message's id, before the message is appended.

use async_trait::async_trait;
use rookery_protocol::attachment::Attachment;
use rookery_protocol::event::{Event, EventBody};
use rookery_protocol::id::{FileId, MessageId, RoomId, UserId};
use serde::{Deserialize, Serialize};

use super::AuthorityError;

/// A message that refers to something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    /// Id of its room.
    pub room: RoomId,
    /// Id of its author.
    pub user: UserId,
    /// Its own id: a repeat asks under the same one, so whatever is done for it is done once.
    pub message: MessageId,
    /// The message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The files that it names, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileId>,
}

/// What the api adds to the message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Its files, which are the message's from now on, in the order in which they were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

impl Prepared {
    /// Completes the message.
    pub fn add_to(self, event: &mut Event) {
        if let EventBody::Message(message) = &mut event.body {
            message.attachments = self.attachments;
        }
    }
}

impl Preparation {
    /// Of an event of the room; none if it refers to nothing, and nobody has to be asked.
    pub fn of(room: RoomId, event: &Event) -> Option<Self> {
        let EventBody::Message(message) = &event.body else { return None };
        if message.reply_to.is_none() && message.attachments.is_empty() {
            return None;
        }
        let files = message.attachments.iter().map(|attachment| attachment.file_id).collect();
        Some(Self { room, user: event.user_id, message: event.id, reply_to: message.reply_to, files })
    }
}

/// Looks at what messages refer to, before they are appended.
#[async_trait]
pub trait MessagePreparer: Send + Sync + 'static {
    /// Whether the message may refer to these things; repeats are safe. Refused with
    /// [`rookery_protocol::error_code::ErrorCode::UnknownMessage`] where it answers no message of its room, and with
    /// [`rookery_protocol::error_code::ErrorCode::BadAttachment`] where it names a file that cannot be attached to it.
    async fn prepare(&self, preparation: Preparation) -> Result<Prepared, AuthorityError>;
}

#[cfg(test)]
mod tests {
    use rookery_protocol::event::{NewMessage, Sender};
    use rookery_protocol::id::ClientId;

    use super::*;

    #[test]
    fn nobody_is_asked_about_a_message_that_refers_to_nothing() {
        let (room, user) = (RoomId::generate(), UserId::generate());
        let said = |reply_to| {
            let message = NewMessage {
                content: "hi".to_owned(),
                client_id: ClientId::generate(),
                reply_to,
                attachments: Vec::new(),
            };
            Event::message(room, Sender { user_id: user, username: "ada".to_owned() }, message)
        };
        assert_eq!(Preparation::of(room, &said(None)), None);
        let answered = MessageId::generate();
        let reply = said(Some(answered));
        let asked = Preparation { room, user, message: reply.id, reply_to: Some(answered), files: Vec::new() };
        assert_eq!(Preparation::of(room, &reply), Some(asked));
        let file = FileId::generate();
        let attachments = vec![Attachment::unclaimed(file)];
        let message =
            NewMessage { content: String::new(), client_id: ClientId::generate(), reply_to: None, attachments };
        let mut sent = Event::message(room, Sender { user_id: user, username: "ada".to_owned() }, message);
        let asked = Preparation::of(room, &sent);
        assert_eq!(asked.map(|asked| asked.files), Some(vec![file]));
        let whole = Attachment { name: "a.txt".to_owned(), ..Attachment::unclaimed(file) };
        Prepared { attachments: vec![whole.clone()] }.add_to(&mut sent);
        assert!(matches!(sent.body, EventBody::Message(message) if message.attachments == [whole]));
    }
}
