//! Applying events: once, whatever is repeated.

use rookery_protocol::access::{Posting, RoomRole};
use rookery_protocol::event::{
    DeletionReason, Event, EventBody, MembershipChange, MessageChanged, NewMessage, RoomChange, RoomSettings, Sender,
    SequencedEvent,
};
use rookery_protocol::id::{ClientId, Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::position::{AlreadyStored, Position, StoredPosition};
use rookery_protocol::room_changes::RoomChanges;
use rookery_store::message::Window;
use rookery_store::{PageQuestion, StoreError, Stores};

use super::{Home, at_once};
use crate::samples::{NOON, at, event, joined, left, message, messages};

async fn history(stores: &Stores, room: RoomId) -> Vec<SequencedEvent> {
    stores.messages.page(room, PageQuestion::all(Window::Latest, 10_000)).await.unwrap()
}

pub(crate) async fn history_returns_what_was_applied(home: Home) {
    let stores = home.stores().await;
    let (room, user) = (RoomId::generate(), UserId::generate());
    let sender = Sender { user_id: user, username: "Ada".to_owned() };
    let answer = NewMessage {
        content: "żółć \u{1F980}\n\0 {\"$set\":1} 'quoted'".to_owned(),
        client_id: ClientId::generate(),
        reply_to: Some(MessageId::generate()),
        attachments: vec![super::files::file(user).attachment()],
    };
    let events = [
        at(room, 1, 1, joined(user)),
        message(room, 1, 2),
        at(room, 1, 3, Event::message(room, sender, answer)),
        at(room, 1, Seq::MAX.get(), left(user)),
    ];
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(history(&stores, room).await, events);
}

/// What the second generation of events has.
pub(crate) async fn every_kind_of_event_is_kept_whole(home: Home) {
    let stores = home.stores().await;
    let (room, user) = (RoomId::generate(), UserId::generate());
    let member = Sender { user_id: UserId::generate(), username: "Bob".to_owned() };
    let changed = RoomChanges {
        name: Some(Some("Tea".to_owned())),
        slug: Some(None),
        posting: Some(Posting::Moderators),
        archived: Some(true),
        expires_at: Some(Some(NOON)),
        members_max: Some(None),
        ..RoomChanges::default()
    };
    let settings = RoomSettings { posting: Posting::Moderators, archived: true, ..RoomSettings::default() };
    let (message_id, previous) = (MessageId::generate(), Some(user));
    let bodies = [
        EventBody::Room(RoomChange::Updated { settings, changed: Some(Box::new(changed)) }),
        EventBody::Membership(MembershipChange::Added { member: member.clone() }),
        EventBody::Membership(MembershipChange::RoleChanged { member: member.clone(), role: RoomRole::Moderator }),
        EventBody::Membership(MembershipChange::OwnerChanged { member: member.clone(), previous }),
        EventBody::Membership(MembershipChange::OwnerChanged { member: member.clone(), previous: None }),
        EventBody::Membership(MembershipChange::MessagesPurged { member: member.clone(), from: Some(NOON), to: NOON }),
        EventBody::Membership(MembershipChange::MessagesPurged { member, from: None, to: NOON }),
        EventBody::MessageChange(MessageChanged::Pinned { message_id }),
        EventBody::MessageChange(MessageChanged::Unpinned { message_id }),
        EventBody::Room(RoomChange::Deleted { reason: DeletionReason::Expired }),
    ];
    let events: Vec<SequencedEvent> =
        (1..).zip(bodies).map(|(seq, body)| at(room, 1, seq, event(user, body))).collect();
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(history(&stores, room).await, events);
}

/// Trace context is for the way into the store, not for what is kept.
pub(crate) async fn trace_context_is_not_stored(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    let kept = message(room, 1, 1);
    let mut traced = kept.clone();
    traced.event.trace = Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap());
    stores.messages.apply(&[traced]).await.unwrap();
    assert_eq!(history(&stores, room).await, [kept]);
}

/// The repeat after a crash: everything again, and more.
pub(crate) async fn applying_again_changes_nothing(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    let mut events = messages(room, 1, 1..=5);
    stores.messages.apply(&events).await.unwrap();
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(history(&stores, room).await, events);
    events.extend(messages(room, 1, 6..=8));
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(history(&stores, room).await, events);
}

pub(crate) async fn a_place_is_taken_once(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    let first = message(room, 1, 1);
    stores.messages.apply(std::slice::from_ref(&first)).await.unwrap();
    let (beside, other) = (message(room, 1, 2), message(room, 1, 1));
    let refused = stores.messages.apply(&[beside, other.clone()]).await;
    assert!(matches!(refused, Err(StoreError::Collision { epoch: Epoch(1), .. })), "{refused:?}");
    assert!(stores.messages.apply(&[other]).await.is_err(), "and again");
    // The same event is no collision, and does not hide one.
    assert_eq!(stores.messages.apply(std::slice::from_ref(&first)).await.unwrap(), []);
    assert_eq!(history(&stores, room).await.first(), Some(&first));
}

pub(crate) async fn an_event_has_one_place(home: Home) {
    let stores = home.stores().await;
    let (room, elsewhere) = (RoomId::generate(), RoomId::generate());
    let first = message(room, 1, 1);
    stores.messages.apply(std::slice::from_ref(&first)).await.unwrap();
    let moved = [at(room, 1, 2, first.event.clone()), at(elsewhere, 2, 1, first.event.clone())];
    stores.messages.apply(&moved).await.unwrap();
    assert_eq!(history(&stores, room).await, [first]);
    assert_eq!(history(&stores, elsewhere).await, []);
}

/// Who waits for an ack is told where the event is, not where it would have been.
pub(crate) async fn an_event_that_is_held_is_told_with_its_place(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    let first = message(room, 1, 7);
    assert_eq!(stores.messages.apply(std::slice::from_ref(&first)).await.unwrap(), []);
    assert_eq!(stores.messages.apply(std::slice::from_ref(&first)).await.unwrap(), [], "the same place");
    let batch = [message(room, 2, 8), at(room, 2, 9, first.event.clone()), message(room, 2, 10)];
    let SequencedEvent { epoch, seq, timestamp, .. } = first;
    let held = AlreadyStored { id: first.event.id, first: StoredPosition { epoch, seq, timestamp } };
    assert_eq!(stores.messages.apply(&batch).await.unwrap(), [held]);
    assert_eq!(stores.messages.apply(&batch).await.unwrap(), [held], "and again");
}

pub(crate) async fn batches_may_be_partly_repeated(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    let events = messages(room, 1, 1..=9);
    stores.messages.apply(&events[3..6]).await.unwrap();
    let mut mixed = vec![at(room, 1, 20, events[4].event.clone())];
    mixed.extend_from_slice(&events);
    stores.messages.apply(&mixed).await.unwrap();
    assert_eq!(history(&stores, room).await, events);
}

pub(crate) async fn an_event_may_be_twice_in_a_batch(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    let (one, two) = (message(room, 1, 1), message(room, 1, 2));
    stores
        .messages
        .apply(&[one.clone(), one.clone(), two.clone(), one.clone()])
        .await
        .unwrap();
    assert_eq!(history(&stores, room).await, [one, two]);
}

pub(crate) async fn concurrent_repeats_end_in_one_history(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    let events = messages(room, 1, 1..=60);
    at_once(12, |n| {
        let (store, part) = (stores.messages.clone(), events[n * 4..n * 4 + 16].to_vec());
        async move { store.apply(&part).await.unwrap() }
    })
    .await;
    assert_eq!(history(&stores, room).await, events);
}

pub(crate) async fn an_empty_batch_is_nothing(home: Home) {
    home.stores().await.messages.apply(&[]).await.unwrap();
}

pub(crate) async fn large_batches_are_applied(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    let events = messages(room, 1, 1..=rookery_store::limits::INGEST_BATCH_MAX as u64);
    stores.messages.apply(&events).await.unwrap();
    assert_eq!(history(&stores, room).await, events);
}

fn place(epoch: u64, seq: u64) -> Position {
    Position { epoch: Epoch(epoch), seq: Seq::new(seq) }
}

pub(crate) async fn the_last_place_is_that_of_the_largest_number(home: Home) {
    let stores = home.stores().await;
    let room = RoomId::generate();
    assert_eq!(stores.messages.last(room).await.unwrap(), Position::START);
    stores.messages.apply(&messages(room, 1, 1..=9)).await.unwrap();
    assert_eq!(stores.messages.last(room).await.unwrap(), place(1, 9));
    // The other side of a partition wrote in a later epoch, from an older state.
    stores.messages.apply(&messages(room, 2, 4..=6)).await.unwrap();
    assert_eq!(stores.messages.last(room).await.unwrap(), place(1, 9));
    stores.messages.apply(&messages(room, 2, 7..=11)).await.unwrap();
    assert_eq!(stores.messages.last(room).await.unwrap(), place(2, 11));
    stores.messages.apply(&messages(RoomId::generate(), 3, 50..=50)).await.unwrap();
    assert_eq!(stores.messages.last(room).await.unwrap(), place(2, 11));
}
