//! From an event of a room's log to the frame that tells of it.

use super::{Message, ServerFrame, UserBrief};
use crate::event::{Event, EventBody, RoomSettings, SequencedEvent};

impl From<SequencedEvent> for ServerFrame {
    fn from(sequenced: SequencedEvent) -> Self {
        let SequencedEvent { room, epoch, seq, timestamp, event } = sequenced;
        let Event { id, user_id, username, body, v: _ } = event;
        match body {
            EventBody::Message { content, client_id, reply_to } => {
                let message = Message {
                    message_id: id,
                    user_id,
                    username,
                    content,
                    timestamp,
                    client_id,
                    reply_to,
                    attachments: Vec::new(),
                    edited_at: None,
                    deleted: false,
                    reactions: Vec::new(),
                };
                Self::NewMessage { room, epoch, seq, message }
            }
            EventBody::MemberJoined {} => {
                Self::MemberJoined { room, epoch, seq, user: UserBrief { user_id, username }, timestamp }
            }
            EventBody::MemberLeft {} => {
                Self::MemberLeft { room, epoch, seq, user: UserBrief { user_id, username }, timestamp }
            }
            EventBody::MessageEdited { message_id, content, client_id: _ } => {
                let user = UserBrief { user_id, username };
                Self::MessageEdited { room, epoch, seq, message_id, content, user, timestamp }
            }
            EventBody::MessageDeleted { message_id } => {
                let user = UserBrief { user_id, username };
                Self::MessageDeleted { room, epoch, seq, message_id, user, timestamp }
            }
            EventBody::ReactionAdded { message_id, emoji } => {
                let user = UserBrief { user_id, username };
                Self::ReactionAdded { room, epoch, seq, message_id, emoji, user, timestamp }
            }
            EventBody::ReactionRemoved { message_id, emoji } => {
                let user = UserBrief { user_id, username };
                Self::ReactionRemoved { room, epoch, seq, message_id, emoji, user, timestamp }
            }
            EventBody::MemberKicked { member } => {
                let (user, by) = (member.into(), UserBrief { user_id, username });
                Self::MemberKicked { room, epoch, seq, user, by, timestamp }
            }
            EventBody::MemberBanned { member, until } => {
                let (user, by) = (member.into(), UserBrief { user_id, username });
                Self::MemberBanned { room, epoch, seq, user, by, until, timestamp }
            }
            EventBody::MemberUnbanned { member } => {
                let (user, by) = (member.into(), UserBrief { user_id, username });
                Self::MemberUnbanned { room, epoch, seq, user, by, timestamp }
            }
            EventBody::MemberMuted { member, until } => {
                let (user, by) = (member.into(), UserBrief { user_id, username });
                Self::MemberMuted { room, epoch, seq, user, by, until, timestamp }
            }
            EventBody::MemberUnmuted { member } => {
                let (user, by) = (member.into(), UserBrief { user_id, username });
                Self::MemberUnmuted { room, epoch, seq, user, by, timestamp }
            }
            EventBody::RoomUpdated { settings } => {
                let (by, RoomSettings { slow_mode_ms, frozen, version: _ }) =
                    (UserBrief { user_id, username }, settings);
                Self::RoomUpdated { room, epoch, seq, by, slow_mode_ms, frozen, timestamp }
            }
        }
    }
}
