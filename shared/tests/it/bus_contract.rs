//! The promise of the bus, held against both implementations by the same functions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rookery_shared::acks::PendingAcks;
use rookery_shared::bus::memory::MemoryBus;
use rookery_shared::bus::redis::log::{Batch, From};
use rookery_shared::bus::redis::{RedisBus, RedisOptions};
use rookery_shared::bus::{Append, AppendError, Appended, Bus, OpenError, PartitionOpening, Rights, RoomSeed, Signal};
use rookery_shared::event::{Event, EventBody, NewMessage, RoomSettings, Sender, SequencedEvent};
use rookery_shared::id::{AclVersion, ClientId, Epoch, Partition, RoomId, Seq, UserId};
use rookery_shared::keys::partition_of;
use rookery_shared::pace::Pace;
use rookery_shared::shutdown::Shutdown;
use rookery_tests::redis::Redis;
use tokio::sync::broadcast::Receiver;

use crate::journal::VecJournal;

mod limits;

const ACL: AclVersion = AclVersion(4);
const PATIENCE: Duration = Duration::from_secs(10);

/// A bus with everything it needs to live.
struct Fixture {
    bus: Arc<dyn Bus>,
    redis: Option<(Redis, Arc<RedisBus>)>,
    shutdown: Shutdown,
}

impl Fixture {
    fn memory() -> Self {
        Self::memory_at(Pace::OFF)
    }

    fn memory_at(pace: Pace) -> Self {
        let shutdown = Shutdown::new();
        let bus = MemoryBus::start(Epoch(1), pace, Arc::new(VecJournal::default()), &shutdown);
        Self { bus, redis: None, shutdown }
    }

    async fn redis() -> Self {
        Self::redis_at(Pace::OFF).await
    }

    async fn redis_at(pace: Pace) -> Self {
        let server = Redis::prepare();
        server.start().await;
        let shutdown = Shutdown::new();
        let options = RedisOptions { url: server.url().into(), pace };
        let bus = RedisBus::connect(&options, &shutdown).unwrap();
        let fixture = Self { bus: bus.clone(), redis: Some((server, bus)), shutdown };
        fixture.until_up().await;
        fixture
    }

    async fn until_up(&self) {
        let up = async {
            while self.bus.ping().await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, up).await.expect("the bus comes up");
    }

    /// A room that is open, with `stored` as its last number in the store.
    async fn room(&self, stored: u64, epoch: u64) -> RoomId {
        let room = RoomId::generate();
        self.open(room, stored, epoch).await;
        room
    }

    async fn open(&self, room: RoomId, stored: u64, epoch: u64) {
        let seed = RoomSeed { stored: Seq::new(stored), acl: ACL, settings: RoomSettings::default() };
        if self.bus.open_room(room, seed).await == Err(OpenError::PartitionNotOpen) {
            let opening = self.bus.open_partition(partition_of(room), Epoch(epoch)).await;
            assert_eq!(opening, Ok(PartitionOpening::Open));
            self.bus.open_room(room, seed).await.unwrap();
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.shutdown.stop.cancel();
    }
}

fn message(room: RoomId, user: UserId, name: &str, content: &str) -> Append {
    let client_id = ClientId::try_from(name.to_owned()).unwrap();
    let sender = Sender { user_id: user, username: "alice".into() };
    let text = NewMessage { content: content.into(), client_id: client_id.clone(), reply_to: None };
    Append { room, event: Event::message(room, sender, text), client_id, rights: Rights::At(ACL) }
}

async fn say(fixture: &Fixture, room: RoomId, content: &str) -> Appended {
    fixture.bus.append(message(room, UserId::generate(), "c-1", content)).await.unwrap()
}

/// The next event of a room, past everything else.
async fn next_event(signals: &mut Receiver<Signal>) -> Arc<SequencedEvent> {
    let event = async {
        loop {
            if let Signal::Event(event) = signals.recv().await.unwrap() {
                return event;
            }
        }
    };
    tokio::time::timeout(PATIENCE, event).await.expect("an event arrives")
}

fn content(event: &SequencedEvent) -> &str {
    match &event.event.body {
        EventBody::Message { content, .. } | EventBody::MessageEdited { content, .. } => content,
        EventBody::MemberJoined {}
        | EventBody::MemberLeft {}
        | EventBody::MemberKicked { .. }
        | EventBody::MemberBanned { .. }
        | EventBody::MemberUnbanned { .. }
        | EventBody::MemberMuted { .. }
        | EventBody::MemberUnmuted { .. }
        | EventBody::RoomUpdated { .. }
        | EventBody::MessageDeleted { .. }
        | EventBody::ReactionAdded { .. }
        | EventBody::ReactionRemoved { .. } => "",
    }
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
    let again = fixture.bus.append(message(room, user, "c-1", "something else")).await.unwrap();
    assert_eq!(again, Appended { repeated: true, ..first });
    let other_user = fixture.bus.append(message(room, UserId::generate(), "c-1", "hi")).await.unwrap();
    assert_eq!(other_user.seq, first.seq.next());
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

macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $name() { super::$name(super::Fixture::memory()).await; })+
        }
        mod redis {
            $(#[tokio::test] async fn $name() { super::$name(super::Fixture::redis().await).await; })+
        }
    };
}

contract!(
    numbers_follow_the_store,
    a_room_must_be_open,
    opening_again_changes_nothing,
    a_repeat_gets_the_first_answer,
    a_repeat_is_answered_whatever_the_rights,
    what_takes_no_right_away_is_always_accepted,
    simultaneous_repeats_are_one,
    parallel_senders_share_one_order,
    only_subscribed_rooms_are_heard,
    the_tail_is_read_by_number,
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
    acks.advance(partition_of(room), mark);
    assert_eq!(acks.push(partition_of(room), appended.position, "ack"), Some("ack"));
}

#[tokio::test]
async fn the_log_is_read_once_in_order_and_marked() {
    let fixture = Fixture::redis().await;
    let (_, bus) = fixture.redis.as_ref().unwrap();
    let room = fixture.room(0, 1).await;
    let t = partition_of(room);
    let mut signals = fixture.bus.signals();
    let appended = [say(&fixture, room, "a").await, say(&fixture, room, "b").await];
    assert_eq!(bus.read_log(t, "me", From::New, 10).await, Ok(Batch::NoLease));
    assert!(bus.lease(t, "me").await.unwrap() && bus.lease(t, "me").await.unwrap());
    assert!(!bus.lease(t, "you").await.unwrap());

    let Batch::Entries(entries) = bus.read_log(t, "me", From::New, 10).await.unwrap() else {
        panic!("has the lease")
    };
    let texts: Vec<_> = entries.iter().filter_map(|entry| entry.event.as_ref()).map(content).collect();
    assert_eq!(texts, ["a", "b"]);
    assert_eq!(bus.read_log(t, "me", From::New, 10).await, Ok(Batch::Entries(Vec::new())));

    // Another holder is first given what was handed out and not finished.
    bus.release(t, "me").await.unwrap();
    assert!(bus.lease(t, "you").await.unwrap());
    assert_eq!(bus.read_log(t, "me", From::Unfinished, 10).await, Ok(Batch::NoLease));
    assert_eq!(bus.read_log(t, "you", From::Unfinished, 10).await, Ok(Batch::Entries(entries.clone())));

    bus.mark_stored(t, &entries, appended[1].position).await.unwrap();
    assert_eq!(bus.read_log(t, "you", From::Unfinished, 10).await, Ok(Batch::Entries(Vec::new())));
    assert_eq!(fixture.bus.stored(t).await, Ok(Some(appended[1].position)));
    assert_eq!(fixture.bus.heads(&[room]).await.unwrap()[0].unwrap().stored, Seq::new(2));
    let told = async {
        loop {
            match signals.recv().await.unwrap() {
                Signal::Stored { partition, upto } if partition == t => return Some(upto),
                Signal::Suspect => return fixture.bus.stored(t).await.unwrap(),
                Signal::Stored { .. } | Signal::Event(_) | Signal::Session { .. } => {}
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, told).await, Ok(Some(appended[1].position)));
}

/// What ingest does.
async fn store_all(bus: &RedisBus, t: Partition) {
    assert!(bus.lease(t, "ingest").await.unwrap());
    let Batch::Entries(entries) = bus.read_log(t, "ingest", From::New, 10).await.unwrap() else {
        panic!("has the lease")
    };
    let last = entries.last().and_then(|entry| entry.position(None)).unwrap();
    bus.mark_stored(t, &entries, last).await.unwrap();
}

/// A Redis that was restarted may have lost the end of its data. Its numbers must not be given twice, so everything
/// asks for a new epoch first, and numbers go on after what the store has.
#[tokio::test]
async fn a_restarted_redis_needs_a_new_epoch() {
    let fixture = Fixture::redis().await;
    let (server, bus) = fixture.redis.as_ref().unwrap();
    let room = fixture.room(0, 1).await;
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe(room).await.unwrap();
    say(&fixture, room, "before").await;

    // Ended in peace, so that all of its data survives; nobody can see from outside that it did.
    server.process.terminate().await;
    server.start().await;
    fixture.until_up().await;
    assert_eq!(fixture.bus.heads(&[room]).await.unwrap(), [None]);
    let append = || message(room, UserId::generate(), "c-9", "after");
    assert_eq!(fixture.bus.append(append()).await, Err(AppendError::NotOpen));

    // What survived is stored before anything new gets a number.
    let (t, seed) = (partition_of(room), RoomSeed { stored: Seq::new(5), acl: ACL, settings: RoomSettings::default() });
    assert_eq!(fixture.bus.open_room(room, seed).await, Err(OpenError::PartitionNotOpen));
    assert_eq!(fixture.bus.open_partition(t, Epoch(2)).await, Ok(PartitionOpening::Unstored));
    store_all(bus, t).await;

    // The store has more than Redis remembers: a larger number, never a repeated one.
    fixture.open(room, 5, 2).await;
    let appended = fixture.bus.append(append()).await.unwrap();
    assert_eq!((appended.epoch, appended.seq), (Epoch(2), Seq::new(6)));
    // It is heard live, or found when the bus says that something may have been missed.
    let heard = async {
        loop {
            let events = match signals.recv().await.unwrap() {
                Signal::Event(event) => vec![(*event).clone()],
                Signal::Suspect => fixture.bus.range(room, Seq::new(5), 10).await.unwrap_or_default(),
                Signal::Stored { .. } | Signal::Session { .. } => continue,
            };
            if let Some(event) = events.into_iter().find(|event| content(event) == "after") {
                return event.epoch;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, heard).await, Ok(Epoch(2)), "nothing is missed without a word");
}

#[tokio::test]
async fn a_redis_that_is_away_is_an_error_not_a_hang() {
    let fixture = Fixture::redis().await;
    let (server, _) = fixture.redis.as_ref().unwrap();
    let room = fixture.room(0, 1).await;
    server.process.kill();
    let append = fixture.bus.append(message(room, UserId::generate(), "c-1", "hi"));
    let outcome = tokio::time::timeout(PATIENCE, append).await.expect("an answer in bounded time");
    assert!(matches!(outcome, Err(AppendError::Bus(_))), "{outcome:?}");
}
