//! What a message refers to: looked at by the api in one call, under the message's id, before the message is appended.

use async_trait::async_trait;
use parking_lot::Mutex;
use rookery_protocol::attachment::Attachment;
use rookery_protocol::clock::UnixMillis;
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
    /// What the same try was told before: it looks again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<UnixMillis>,
}

/// What the api adds to the message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Its files, which are the message's from now on, in the order in which they were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Since when the message has its files by this try alone, so that it may give them back; none if another try counts on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<UnixMillis>,
}

/// Files that a message was to have which is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Id of its room.
    pub room: RoomId,
    /// Its own id.
    pub message: MessageId,
    /// Since when it has them by this try alone.
    pub held: UnixMillis,
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
        Some(Self {
            room,
            user: event.user_id,
            message: event.id,
            reply_to: message.reply_to,
            files,
            again: None,
        })
    }
}

/// Looks at what messages refer to, before they are appended.
#[async_trait]
pub trait MessagePreparer: Send + Sync + 'static {
    /// Whether the message may refer to these things; repeats are safe. Refused with
    /// [`rookery_protocol::error_code::ErrorCode::UnknownMessage`] where it answers no message of its room, and with
    /// [`rookery_protocol::error_code::ErrorCode::BadAttachment`] where it names a file that cannot be attached to it.
    async fn prepare(&self, preparation: Preparation) -> Result<Prepared, AuthorityError>;

    /// The message was refused for good, so its files may be another's, unless it was sent by another try after all.
    async fn withdraw(&self, withdrawal: Withdrawal) -> Result<(), AuthorityError>;
}

/// The files that one try to publish a message holds. When the message is refused for good, they are given back at once; where the
/// outcome is unknown they stay the message's.
#[derive(Debug, Default)]
pub struct HeldFiles(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    alone: Option<Withdrawal>,
    is_doubtful: bool,
}

impl HeldFiles {
    /// What is asked of the api about the event.
    pub fn preparation(&self, room: RoomId, event: &Event) -> Option<Preparation> {
        let again = self.0.lock().alone.map(|alone| alone.held);
        Preparation::of(room, event).map(|asked| Preparation { again, ..asked })
    }

    /// What the api answered.
    pub fn note(&self, room: RoomId, message: MessageId, prepared: &Prepared) {
        self.0.lock().alone = prepared.held.map(|held| Withdrawal { room, message, held });
    }

    /// The message may have been appended, though that does not count.
    pub fn doubt(&self) {
        self.0.lock().is_doubtful = true;
    }

    /// The message was refused for good. What cannot be given back now is given back later, when it is looked at.
    pub async fn give_back(&self, preparer: &(impl MessagePreparer + ?Sized)) {
        let alone = {
            let mut held = self.0.lock();
            held.alone.take().filter(|_| !held.is_doubtful)
        };
        let Some(withdrawal) = alone else { return };
        if let Err(error) = preparer.withdraw(withdrawal).await {
            tracing::debug!(%error, message_id = %withdrawal.message, "files of a refused message are given back later");
        }
    }
}

#[cfg(test)]
mod tests {
    use rookery_protocol::event::{NewMessage, Sender};
    use rookery_protocol::id::ClientId;

    use super::*;

    #[derive(Default)]
    struct Asked(Mutex<Vec<Withdrawal>>);

    #[async_trait]
    impl MessagePreparer for Asked {
        async fn prepare(&self, _preparation: Preparation) -> Result<Prepared, AuthorityError> {
            Ok(Prepared::default())
        }

        async fn withdraw(&self, withdrawal: Withdrawal) -> Result<(), AuthorityError> {
            self.0.lock().push(withdrawal);
            Ok(())
        }
    }

    #[tokio::test]
    async fn only_what_a_try_holds_alone_is_given_back_once() {
        let (room, message, asked) = (RoomId::generate(), MessageId::generate(), Asked::default());
        let told = |held| Prepared { attachments: Vec::new(), held };
        let held = HeldFiles::default();
        held.give_back(&asked).await;
        held.note(room, message, &told(Some(UnixMillis(7))));
        held.note(room, message, &told(None));
        held.give_back(&asked).await;
        assert_eq!(*asked.0.lock(), [], "another try counts on them");
        held.note(room, message, &told(Some(UnixMillis(8))));
        held.give_back(&asked).await;
        held.give_back(&asked).await;
        assert_eq!(*asked.0.lock(), [Withdrawal { room, message, held: UnixMillis(8) }]);
        held.note(room, message, &told(Some(UnixMillis(9))));
        held.doubt();
        held.give_back(&asked).await;
        assert_eq!(asked.0.lock().len(), 1, "it may have been appended");
    }

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
        let asked =
            Preparation { room, user, message: reply.id, reply_to: Some(answered), files: Vec::new(), again: None };
        assert_eq!(Preparation::of(room, &reply), Some(asked));
        let file = FileId::generate();
        let attachments = vec![Attachment::unclaimed(file)];
        let message =
            NewMessage { content: String::new(), client_id: ClientId::generate(), reply_to: None, attachments };
        let mut sent = Event::message(room, Sender { user_id: user, username: "ada".to_owned() }, message);
        let asked = Preparation::of(room, &sent);
        assert_eq!(asked.map(|asked| asked.files), Some(vec![file]));
        let whole = Attachment { name: "a.txt".to_owned(), ..Attachment::unclaimed(file) };
        Prepared { attachments: vec![whole.clone()], held: None }.add_to(&mut sent);
        assert!(matches!(sent.body, EventBody::Message(message) if message.attachments == [whole]));
    }
}
