//! Things to store.

use rookery_protocol::access::{RoomRole, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, EventBody, MembershipChange, NewMessage, Sender, SequencedEvent};
use rookery_protocol::id::{AclVersion, ClientId, Epoch, MessageId, RoomId, Seq, SessionId, UserId};
use rookery_protocol::position::Position;
use rookery_store::room::{Member, Room, RoomDescription, RoomName};
use rookery_store::session::Session;
use rookery_store::user::{Email, User, Username};

/// 2026-03-12, in milliseconds that are not whole seconds.
pub(crate) const NOON: UnixMillis = UnixMillis(1_773_309_600_123);

pub(crate) fn user(name: &str) -> User {
    user_with_email(name, &format!("{name}@Example.org"))
}

pub(crate) fn user_with_email(name: &str, email: &str) -> User {
    let (username, email) = (Username::try_from(name.to_owned()).unwrap(), Email::try_from(email.to_owned()).unwrap());
    let password_hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned();
    User::new(UserId::generate(), username, email, password_hash, NOON)
}

pub(crate) fn session() -> Session {
    let id = SessionId::generate();
    Session {
        id,
        lookup: *id.as_uuid().as_bytes(),
        user_id: UserId::generate(),
        chain_key: [0xab; 32],
        current: [1; 32],
        parent: None,
        rotated_at: NOON,
        replaced: Vec::new(),
        created_at: UnixMillis(NOON.0 - 5),
        expires_at: UnixMillis(NOON.0 + 1_000),
        revoked_at: None,
        device: None,
    }
}

pub(crate) fn room(slug: Option<&str>) -> Room {
    let name = RoomName::try_from(format!("Räume & mehr {}", slug.unwrap_or_default())).unwrap();
    let visibility = if slug.is_some() { Visibility::Public } else { Visibility::Private };
    Room {
        slug: slug.map(|slug| slug.to_owned().try_into().unwrap()),
        description: RoomDescription::try_from("two\nlines".to_owned()).unwrap(),
        acl: AclVersion(0),
        ..Room::new(RoomId::generate(), name, visibility, NOON)
    }
}

pub(crate) fn member(room: RoomId, user: UserId) -> Member {
    Member {
        room_id: room,
        user_id: user,
        role: RoomRole::Member,
        joined_at: NOON,
        read: Position::START,
    }
}

/// An event of the user with no text.
pub(crate) fn event(user: UserId, body: EventBody) -> Event {
    let sender = Sender { user_id: user, username: "ada".to_owned() };
    Event::new(MessageId::from_uuid(uuid::Uuid::new_v4()), sender, body)
}

pub(crate) fn joined(user: UserId) -> Event {
    event(user, EventBody::Membership(MembershipChange::Joined {}))
}

pub(crate) fn left(user: UserId) -> Event {
    event(user, EventBody::Membership(MembershipChange::Left {}))
}

/// A message of somebody, at a place.
pub(crate) fn message(room: RoomId, epoch: u64, seq: u64) -> SequencedEvent {
    let sender = Sender { user_id: UserId::generate(), username: "ada".to_owned() };
    let content = format!("number {seq} in epoch {epoch}");
    let new = NewMessage { content, client_id: ClientId::generate(), reply_to: None, attachments: Vec::new() };
    at(room, epoch, seq, Event::message(room, sender, new))
}

/// An event at a place.
pub(crate) fn at(room: RoomId, epoch: u64, seq: u64, event: Event) -> SequencedEvent {
    SequencedEvent { room, epoch: Epoch(epoch), seq: Seq::new(seq), timestamp: NOON, event }
}

/// Messages with the numbers of a range.
pub(crate) fn messages(room: RoomId, epoch: u64, seqs: std::ops::RangeInclusive<u64>) -> Vec<SequencedEvent> {
    seqs.map(|seq| message(room, epoch, seq)).collect()
}

/// Something said by somebody.
pub(crate) fn said(room: RoomId, epoch: u64, seq: u64, content: &str) -> SequencedEvent {
    message_by(UserId::generate(), room, (epoch, seq), content)
}

pub(crate) fn message_by(user_id: UserId, room: RoomId, (epoch, seq): (u64, u64), content: &str) -> SequencedEvent {
    let sender = Sender { user_id, username: "bob".to_owned() };
    let new = NewMessage {
        content: content.to_owned(),
        client_id: ClientId::generate(),
        reply_to: None,
        attachments: Vec::new(),
    };
    at(room, epoch, seq, Event::message(room, sender, new))
}
