//! The promise of the bus, held against both implementations, and every kind of Redis, by the same functions.

use std::collections::BTreeSet;
use std::sync::Arc;

use rookery_bus::acks::PendingAcks;
use rookery_bus::signal::{Revoked, Signal};
use rookery_bus::{Append, AppendError, Appended};
use rookery_protocol::access::Rights;
use rookery_protocol::event::{Event, EventBody, MessageChanged, NewMessage, Sender, SequencedEvent};
use rookery_protocol::id::{AclVersion, ClientId, Epoch, RoomId, Seq, SessionId, UserId};
use rookery_protocol::news::UserNews;
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::Position;
use rookery_protocol::server::EventFrame;
use rookery_protocol::unread::ReadState;
use tokio::sync::broadcast::Receiver;

use crate::fixture::{ACL, Fixture, PATIENCE};

mod limits;

pub(crate) fn message(room: RoomId, user: UserId, name: &str, content: &str) -> Append {
    let client_id = ClientId::try_from(name.to_owned()).unwrap();
    let sender = Sender { user_id: user, username: "alice".into() };
    let text = NewMessage {
        content: content.into(),
        client_id: client_id.clone(),
        reply_to: None,
        attachments: Vec::new(),
    };
    Append {
        room,
        event: Event::message(room, sender, text),
        client_id,
        rights: Rights::At(ACL),
        epoch: None,
    }
}

pub(crate) async fn say(fixture: &Fixture, room: RoomId, content: &str) -> Appended {
    fixture.bus.append(message(room, UserId::generate(), "c-1", content)).await.unwrap()
}

/// The next event of a room, past everything else.
pub(crate) async fn next_event(signals: &mut Receiver<Signal>) -> Arc<SequencedEvent> {
    let event = async {
        loop {
            if let Signal::Event(event) = signals.recv().await.unwrap() {
                return event;
            }
        }
    };
    tokio::time::timeout(PATIENCE, event).await.expect("an event arrives")
}

pub(crate) fn content(event: &SequencedEvent) -> &str {
    match &event.event.body {
        EventBody::Message(NewMessage { content, .. })
        | EventBody::MessageChange(MessageChanged::Edited { content, .. }) => content,
        EventBody::MessageChange(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_) => "",
    }
}

/// The example of W3C Trace Context.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn trace_context_crosses_the_bus(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe(room).await.unwrap();
    let mut append = message(room, UserId::generate(), "c-1", "hi");
    append.event.trace = Some(TRACEPARENT.parse().unwrap());
    fixture.bus.append(append.clone()).await.unwrap();
    let heard = next_event(&mut signals).await;
    assert_eq!(heard.event, append.event);
    let read = fixture.bus.range(room, Seq::ZERO, 10).await.unwrap();
    assert!(read.iter().all(|event| event.event.trace == append.event.trace), "{read:?}");
    let frame = serde_json::to_string(&EventFrame::from(Arc::unwrap_or_clone(heard))).unwrap();
    assert!(!frame.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "{frame}");
}

async fn numbers_follow_the_store(fixture: Fixture) {
    let room = fixture.room(7, 1).await;
    let appended = say(&fixture, room, "one").await;
    assert_eq!((appended.epoch, appended.seq), (Epoch(1), Seq::new(8)));
    assert_eq!(say(&fixture, room, "two").await.seq, Seq::new(9));
    let head = fixture.bus.heads(&[room, RoomId::generate()]).await.unwrap();
    assert_eq!(head[0].map(|head| head.seq), Some(Seq::new(9)));
    assert_eq!(head[1], None, "a room that was never opened has no head");
}

async fn a_room_must_be_open(fixture: Fixture) {
    let append = message(RoomId::generate(), UserId::generate(), "c-1", "hi");
    assert_eq!(fixture.bus.append(append).await, Err(AppendError::NotOpen));
}

/// What was decided in one epoch is not carried in the next.
async fn an_append_may_be_for_one_epoch(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let of = |epoch, name| Append { epoch: Some(Epoch(epoch)), ..message(room, user, name, "hi") };
    assert_eq!(fixture.bus.append(of(2, "c-1")).await, Err(AppendError::NotOpen));
    let appended = fixture.bus.append(of(1, "c-1")).await.unwrap();
    assert_eq!((appended.epoch, appended.seq), (Epoch(1), Seq::new(1)));
}

async fn opening_again_changes_nothing(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    say(&fixture, room, "one").await;
    fixture.open(room, 0, 2).await;
    assert_eq!(say(&fixture, room, "two").await.seq, Seq::new(2));
}

async fn a_repeat_gets_the_first_answer(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let first = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    let again = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    assert_eq!(again, Appended { repeated: true, stored: again.stored, ..first });
    assert_eq!((first.answered, again.answered), (first.epoch, first.epoch));
    let other_user = fixture.bus.append(message(room, UserId::generate(), "c-1", "hi")).await.unwrap();
    assert_eq!(other_user.seq, first.seq.next());
}

async fn a03_a_name_that_was_given_to_something_else_is_refused(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let first = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    let other = fixture.bus.append(message(room, user, "c-1", "something else")).await;
    assert_eq!(other, Err(AppendError::Reused));
    let raised = Append { rights: Rights::Raise(AclVersion(9)), ..message(room, user, "c-2", "raise") };
    fixture.bus.append(raised).await.unwrap();
    let stale = fixture.bus.append(message(room, user, "c-1", "something else")).await;
    assert_eq!(stale, Err(AppendError::Reused), "whatever the rights");
    let again = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    assert_eq!((again.id, again.seq, again.repeated), (first.id, first.seq, true));
    let heads = fixture.bus.heads(&[room]).await.unwrap();
    assert_eq!(heads[0].map(|head| head.seq), Some(first.seq.next()), "a refusal leaves no trace");
}

async fn a_repeat_is_answered_whatever_the_rights(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let first = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    let raise = Append { rights: Rights::Raise(AclVersion(9)), ..message(room, user, "c-2", "raise") };
    fixture.bus.append(raise).await.unwrap();
    let again = fixture.bus.append(message(room, user, "c-1", "hi")).await;
    assert_eq!(again.map(|again| again.seq), Ok(first.seq));
    let fresh = fixture.bus.append(message(room, user, "c-3", "hi")).await;
    assert_eq!(fresh, Err(AppendError::StaleRights));
    let renewed = Append { rights: Rights::At(AclVersion(9)), ..message(room, user, "c-3", "hi") };
    assert!(fixture.bus.append(renewed).await.is_ok());
}

async fn what_takes_no_right_away_is_always_accepted(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let keep = |name| Append { rights: Rights::Keep, ..message(room, user, name, "joined") };
    assert!(fixture.bus.append(keep("c-1")).await.is_ok());
    assert!(fixture.bus.append(message(room, user, "c-2", "hi")).await.is_ok(), "the snapshot still counts");
}

async fn simultaneous_repeats_are_one(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let appends = (0..50).map(|_| fixture.bus.append(message(room, user, "c-1", "hi")));
    let outcomes = futures_util::future::join_all(appends).await;
    let places: BTreeSet<Seq> = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().seq).collect();
    assert_eq!(places.len(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.as_ref().unwrap().repeated).count(), 1);
}

async fn parallel_senders_share_one_order(fixture: Fixture) {
    let room = fixture.room(0, 1).await;
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe(room).await.unwrap();
    let appends = (0..200).map(|i| say(&fixture, room, if i % 2 == 0 { "even" } else { "odd" }));
    let seqs: BTreeSet<u64> = futures_util::future::join_all(appends)
        .await
        .iter()
        .map(|appended| appended.seq.get())
        .collect();
    assert_eq!(seqs, (1..=200).collect());
    for expected in 1..=200 {
        assert_eq!(next_event(&mut signals).await.seq, Seq::new(expected));
    }
}

async fn only_subscribed_rooms_are_heard(fixture: Fixture) {
    let (heard, unheard) = (fixture.room(0, 1).await, fixture.room(0, 1).await);
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe(heard).await.unwrap();
    say(&fixture, unheard, "quiet").await;
    let appended = say(&fixture, heard, "loud").await;
    let event = next_event(&mut signals).await;
    assert_eq!((content(&event), event.timestamp, event.event.id), ("loud", appended.timestamp, appended.id));
    fixture.bus.unsubscribe(heard).await.unwrap();
    fixture.bus.subscribe(unheard).await.unwrap();
    say(&fixture, heard, "nobody").await;
    say(&fixture, unheard, "again").await;
    assert_eq!(content(&*next_event(&mut signals).await), "again");
}

async fn the_tail_is_read_by_number(fixture: Fixture) {
    let room = fixture.room(10, 1).await;
    for text in ["a", "b", "c"] {
        say(&fixture, room, text).await;
    }
    let range = |after, limit| fixture.bus.range(room, Seq::new(after), limit);
    let all = range(10, 10).await.unwrap();
    assert_eq!(all.iter().map(content).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(all.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [11, 12, 13]);
    assert_eq!(range(11, 1).await.unwrap().iter().map(content).collect::<Vec<_>>(), ["b"]);
    assert_eq!(range(13, 10).await.unwrap(), Vec::new());
}

async fn the_end_of_logins_is_told_to_who_listens(fixture: Fixture) {
    let (heard, unheard) = (UserId::generate(), UserId::generate());
    let (one, all) = (Revoked::One(SessionId::generate()), Revoked::All);
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe_users(&[heard, UserId::generate()]).await.unwrap();
    fixture.bus.revoke(unheard, all).await.unwrap();
    fixture.bus.revoke(heard, one).await.unwrap();
    assert_eq!(next_end(&mut signals).await, (heard, one));
    fixture.bus.unsubscribe_users(&[heard]).await.unwrap();
    fixture.bus.subscribe_users(&[unheard]).await.unwrap();
    fixture.bus.revoke(heard, all).await.unwrap();
    fixture.bus.revoke(unheard, all).await.unwrap();
    assert_eq!(next_end(&mut signals).await, (unheard, all));
}

async fn news_is_told_to_who_listens(fixture: Fixture) {
    let (heard, unheard) = (UserId::generate(), UserId::generate());
    let counted = Position { epoch: Epoch(2), seq: Seq::new(9) };
    let state = ReadState { epoch: Epoch(1), seq: Seq::new(7), unread: 2, mentions: 1, capped: false, counted };
    let sent = UserNews::Read { room: RoomId::generate(), state };
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe_users(&[heard]).await.unwrap();
    fixture.bus.notify_user(unheard, &sent).await.unwrap();
    fixture.bus.notify_user(heard, &sent).await.unwrap();
    let told = async {
        loop {
            if let Signal::User { user, news } = signals.recv().await.unwrap() {
                return (user, news);
            }
        }
    };
    let (user, news) = tokio::time::timeout(PATIENCE, told).await.expect("the news arrives");
    assert_eq!((user, news.as_ref()), (heard, &sent));
}

/// The next end of logins, past everything else.
async fn next_end(signals: &mut Receiver<Signal>) -> (UserId, Revoked) {
    let end = async {
        loop {
            if let Signal::Session { user, revoked } = signals.recv().await.unwrap() {
                return (user, revoked);
            }
        }
    };
    tokio::time::timeout(PATIENCE, end).await.expect("the end of a login arrives")
}

contract!(
    Fixture:
    numbers_follow_the_store,
    a_room_must_be_open,
    an_append_may_be_for_one_epoch,
    opening_again_changes_nothing,
    a_repeat_gets_the_first_answer,
    a03_a_name_that_was_given_to_something_else_is_refused,
    a_repeat_is_answered_whatever_the_rights,
    what_takes_no_right_away_is_always_accepted,
    simultaneous_repeats_are_one,
    parallel_senders_share_one_order,
    only_subscribed_rooms_are_heard,
    trace_context_crosses_the_bus,
    the_tail_is_read_by_number,
    the_end_of_logins_is_told_to_who_listens,
    news_is_told_to_who_listens,
);

/// In one process what is delivered is stored; between processes ingest says so.
#[tokio::test]
async fn memory_marks_what_it_delivers_as_stored() {
    let fixture = Fixture::memory();
    let room = fixture.room(0, 1).await;
    let mut acks = PendingAcks::default();
    assert_eq!(fixture.bus.stored(partition_of(room)).await, Ok(None));
    let appended = say(&fixture, room, "hi").await;
    let mark = fixture.bus.stored(partition_of(room)).await.unwrap().unwrap();
    acks.advance(partition_of(room), &mark);
    let completed = acks.wait(partition_of(room), &appended, "ack").unwrap();
    assert_eq!(completed.stored, [("ack", None)]);
}

/// A message that was stored long ago is sent again: its answer is where history has it.
#[tokio::test]
async fn memory_tells_the_first_place_of_a_late_repeat() {
    let fixture = Fixture::memory();
    let room = fixture.room(0, 1).await;
    let user = UserId::generate();
    let first = fixture.bus.append(message(room, user, "c-1", "hi")).await.unwrap();
    // Under another name it has the id of the first one: the bus has forgotten the name.
    let late = Append { client_id: ClientId::generate(), ..message(room, user, "c-1", "hi") };
    let again = fixture.bus.append(late).await.unwrap();
    assert_eq!((again.epoch, again.seq, again.timestamp), (first.epoch, first.seq, first.timestamp));
    assert_eq!(say(&fixture, room, "next").await.seq, Seq::new(3));
}
