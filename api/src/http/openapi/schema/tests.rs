//! The descriptions and the types themselves say the same.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::event::{EVENT_VERSION, Event, EventBody, RoomSettings, Sender, SequencedEvent};
use rookery_protocol::id::{ClientId, Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::server::ServerFrame;
use rookery_protocol::{access, presence as protocol};
use serde::de::DeserializeOwned;

use super::*;

fn agrees<T: Serialize + DeserializeOwned>(real: &impl Serialize) {
    let real = serde_json::to_value(real).unwrap();
    let described: T = serde_json::from_value(real.clone()).unwrap();
    assert_eq!(serde_json::to_value(described).unwrap(), real);
}

#[test]
fn events_are_described_as_they_are() {
    let message = EventBody::Message {
        content: "hi".to_owned(),
        client_id: ClientId::generate(),
        reply_to: Some(MessageId::from_uuid(Uuid::nil())),
    };
    let (message_id, emoji) = (MessageId::generate(), Emoji::try_from("👍".to_owned()).unwrap());
    let member = Sender { user_id: UserId::generate(), username: "def".to_owned() };
    let about = |body: fn(Sender, Option<UnixMillis>) -> EventBody, until| body(member.clone(), until);
    let banned = |member, until| EventBody::MemberBanned { member, until };
    let muted = |member, until| EventBody::MemberMuted { member, until };
    for body in [
        about(|member, _| EventBody::MemberKicked { member }, None),
        about(banned, None),
        about(banned, Some(UnixMillis(4))),
        about(|member, _| EventBody::MemberUnbanned { member }, None),
        about(muted, None),
        about(muted, Some(UnixMillis(4))),
        about(|member, _| EventBody::MemberUnmuted { member }, None),
        message,
        EventBody::RoomUpdated { settings: RoomSettings { slow_mode_ms: 5, frozen: true, ..Default::default() } },
        EventBody::MemberJoined {},
        EventBody::MemberLeft {},
        EventBody::MessageEdited { message_id, content: "ho".to_owned(), client_id: ClientId::generate() },
        EventBody::MessageDeleted { message_id },
        EventBody::ReactionAdded { message_id, emoji: emoji.clone() },
        EventBody::ReactionRemoved { message_id, emoji },
    ] {
        let id = MessageId::from_uuid(Uuid::new_v4());
        let event = Event { v: EVENT_VERSION, id, user_id: UserId::generate(), username: "abc".to_owned(), body };
        let (room, epoch, seq, timestamp) = (RoomId::generate(), Epoch(1), Seq::new(2), UnixMillis(3));
        agrees::<TimelineEvent>(&ServerFrame::from(SequencedEvent { room, epoch, seq, timestamp, event }));
    }
}

#[test]
fn words_are_described_as_they_are() {
    agrees::<Vec<Visibility>>(&[access::Visibility::Public, access::Visibility::Private]);
    agrees::<Vec<Status>>(&[protocol::Status::Online, protocol::Status::Away, protocol::Status::Dnd]);
    agrees::<Vec<Shown>>(&[
        protocol::VisibleStatus::Online,
        protocol::VisibleStatus::Away,
        protocol::VisibleStatus::Dnd,
        protocol::VisibleStatus::Offline,
    ]);
    agrees::<Vec<RoomRole>>(&[access::RoomRole::Owner, access::RoomRole::Moderator, access::RoomRole::Member]);
}
