//! The storing side of Redis: logs, marks, epochs, and servers that are replaced.

use std::time::Duration;

use futures_util::FutureExt as _;
use rookery_bus::signal::Signal;
use rookery_bus::{
    AppendError, Appended, Began, Head, Mark, OpenError, PartitionOpening, PartitionState, Relocated, RoomSeed,
};
use rookery_bus_redis::RedisBus;
use rookery_bus_redis::entry::{Batch, Entry};
use rookery_bus_redis::log::{BatchOutcome, From, Read};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::RoomSettings;
use rookery_protocol::id::{Epoch, LogPosition, Partition, RoomId, Seq, UserId};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::{AlreadyStored, Position, StoredPosition};
use rookery_tests::redis::Redis;
use tokio::sync::broadcast::Receiver;

use crate::bus_contract::{content, message, say};
use crate::fixture::{ACL, Fixture, PATIENCE};

async fn read(bus: &RedisBus, t: Partition, owner: &str, from: From) -> Batch {
    match bus.read_log(t, owner, from, 10).await.unwrap() {
        Read::Batch(batch) => batch,
        Read::NoLease => panic!("{owner} has the lease"),
    }
}

/// A room, and its partition, whose log is ours to store.
async fn held(fixture: &Fixture) -> (&RedisBus, RoomId, Partition) {
    let bus = fixture.redis.as_ref().unwrap();
    let room = fixture.room(0, 1).await;
    let t = partition_of(room);
    assert!(bus.lease(t, "me").await.unwrap());
    (bus, room, t)
}

fn texts(batch: &Batch) -> Vec<&str> {
    batch.entries.iter().filter_map(|entry| entry.event.as_ref()).map(content).collect()
}

fn upto(position: LogPosition) -> Mark {
    Mark { upto: position, moves: 0, moved: Vec::new() }
}

/// Whoever appends hears of what is stored from soon on, and is told first how far that is.
async fn hears(signals: &mut Receiver<Signal>, t: Partition) {
    let is_told = |signal: Signal| matches!(signal, Signal::Stored { partition, .. } if partition == t);
    let heard = async { while !is_told(signals.recv().await.unwrap()) {} };
    tokio::time::timeout(PATIENCE, heard).await.expect("the partition is heard");
}

/// The next mark, and whether it had to be read because a signal may have been lost: then it names no moves.
async fn told(fixture: &Fixture, signals: &mut Receiver<Signal>, t: Partition) -> (Mark, bool) {
    let told = async {
        loop {
            let signal = signals.recv().await.unwrap();
            let is_read = matches!(signal, Signal::Suspect);
            let mark = match signal {
                Signal::Stored { partition, mark } if partition == t => Some((*mark).clone()),
                Signal::Suspect => fixture.bus.stored(t).await.unwrap(),
                Signal::Stored { .. }
                | Signal::Event(_)
                | Signal::Session { .. }
                | Signal::Ephemeral { .. }
                | Signal::Presence(_)
                | Signal::User { .. } => None,
            };
            if let Some(mark) = mark.filter(|mark| mark.upto.ms > 0) {
                return (mark, is_read);
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("a mark is told")
}

#[tokio::test]
async fn the_log_is_read_once_in_order_and_marked() {
    read_once_in_order_and_marked(Fixture::redis().await).await;
}

#[tokio::test]
async fn the_log_of_a_cluster_is_read_once_in_order_and_marked() {
    read_once_in_order_and_marked(Fixture::own_cluster(0).await).await;
}

async fn read_once_in_order_and_marked(fixture: Fixture) {
    let bus = fixture.redis.as_ref().unwrap();
    let room = fixture.room(0, 1).await;
    let t = partition_of(room);
    let mut signals = fixture.bus.signals();
    assert_eq!(fixture.bus.stored(t).await, Ok(Some(upto(LogPosition { epoch: Epoch(1), ms: 0, n: 0 }))));
    let appended = [say(&fixture, room, "a").await, say(&fixture, room, "b").await];
    assert_eq!(bus.read_log(t, "me", From::New, 10).await, Ok(Read::NoLease));
    assert!(bus.lease(t, "me").await.unwrap() && bus.lease(t, "me").await.unwrap());
    assert!(!bus.lease(t, "you").await.unwrap());
    let batch = read(bus, t, "me", From::New).await;
    assert_eq!((texts(&batch), batch.epoch), (vec!["a", "b"], Epoch(1)));
    assert_eq!(read(bus, t, "me", From::New).await, batch, "nothing is new, and this is not finished");

    // Another holder is first given what was handed out and not finished.
    bus.release(t, "me").await.unwrap();
    assert!(bus.lease(t, "you").await.unwrap());
    assert_eq!(bus.read_log(t, "me", From::Unfinished, 10).await, Ok(Read::NoLease));
    assert_eq!(read(bus, t, "you", From::Unfinished).await, batch);
    assert_eq!(
        bus.mark_stored(t, "me", &batch, &[]).await,
        Ok(BatchOutcome::NoLease),
        "who lost the lease marks nothing"
    );
    assert_eq!(bus.mark_stored(t, "you", &batch, &[]).await, Ok(BatchOutcome::Emptied));
    assert_eq!(read(bus, t, "you", From::Unfinished).await.entries, [] as [Entry; 0]);
    assert_eq!(fixture.bus.stored(t).await, Ok(Some(upto(appended[1].position))));
    assert_eq!(fixture.bus.heads(&[room]).await.unwrap()[0].unwrap().stored, Seq::new(2));
    assert_eq!(told(&fixture, &mut signals, t).await.0, upto(appended[1].position));
    assert_eq!(bus.mark_stored(t, "you", &batch, &[]).await, Ok(BatchOutcome::Over), "nothing of it is left");
}

/// A reading command that was carried out after its caller had given up handed an entry to nobody. The next batch was
/// stored, all up to its end was called stored and trimmed, and the entry was in no history, acknowledged.
#[tokio::test]
async fn what_was_handed_to_nobody_is_never_called_stored() {
    let fixture = Fixture::redis().await;
    let (bus, room, t) = held(&fixture).await;
    say(&fixture, room, "a").await;
    read(bus, t, "me", From::New).await;
    let last = say(&fixture, room, "b").await.position;
    let batch = read(bus, t, "me", From::New).await;
    assert_eq!(texts(&batch), ["b"]);
    assert_eq!(bus.mark_stored(t, "me", &batch, &[]).await, Ok(BatchOutcome::Behind));
    let nothing = LogPosition { ms: 0, n: 0, ..last };
    assert_eq!(fixture.bus.stored(t).await, Ok(Some(upto(nothing))));
    let batch = read(bus, t, "me", From::Unfinished).await;
    assert_eq!(texts(&batch), ["a"]);
    assert_eq!(bus.mark_stored(t, "me", &batch, &[]).await, Ok(BatchOutcome::Emptied));
    assert_eq!(fixture.bus.stored(t).await, Ok(Some(upto(last))));
}

/// A batch that was read from one server is marked on another one that has less of it.
#[tokio::test]
async fn a_mark_tells_no_more_than_the_server_had() {
    let fixture = Fixture::redis().await;
    let (bus, room, t) = held(&fixture).await;
    let here = say(&fixture, room, "a").await.position;
    let mut batch = read(bus, t, "me", From::New).await;
    let elsewhere = Entry { id: format!("{}-0", here.ms + 1_000), ..batch.entries[0].clone() };
    batch.entries.push(elsewhere);
    assert_eq!(bus.mark_stored(t, "me", &batch, &[]).await, Ok(BatchOutcome::Emptied));
    assert_eq!(fixture.bus.stored(t).await, Ok(Some(upto(here))));
}

/// What the holder of a partition's log is woken with; it may be woken without anything before.
async fn woken_with(bus: &RedisBus, t: Partition) -> Batch {
    let told = async {
        loop {
            if let Some(batch) = bus.wait_for_wakeup(t).await {
                return batch;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("it was all there is")
}

#[tokio::test]
async fn who_stores_a_log_is_told_what_comes_into_it_and_when_nothing_is_left() {
    told_what_comes(Fixture::redis().await).await;
}

#[tokio::test]
async fn who_stores_a_log_of_a_cluster_is_told_what_comes_into_it() {
    told_what_comes(Fixture::own_cluster(0).await).await;
}

async fn told_what_comes(fixture: Fixture) {
    let (bus, room, t) = held(&fixture).await;
    assert_eq!(read(bus, t, "me", From::New).await.entries, [] as [Entry; 0]);
    bus.subscribe_wakeups(t).await.unwrap();
    assert_eq!(bus.wait_for_wakeup(t).await, None, "something may have come before");
    say(&fixture, room, "a").await;
    let first = woken_with(bus, t).await;
    // As if it had been read, without a read.
    assert_eq!(read(bus, t, "me", From::New).await, first);
    assert_eq!(texts(&first), ["a"]);
    let last = say(&fixture, room, "b").await.position;
    assert_eq!(bus.mark_stored(t, "me", &first, &[]).await, Ok(BatchOutcome::Done));
    let batch = read(bus, t, "me", From::New).await;
    assert_eq!(texts(&batch), ["b"]);
    assert_eq!(bus.mark_stored(t, "me", &batch, &[]).await, Ok(BatchOutcome::Emptied));
    // And this time it is not read.
    let unread = say(&fixture, room, "c").await.position;
    let third = woken_with(bus, t).await;
    assert_eq!(fixture.bus.stored(t).await, Ok(Some(upto(last))));
    assert_eq!(bus.mark_stored(t, "me", &third, &[]).await, Ok(BatchOutcome::Emptied));
    assert_eq!(fixture.bus.stored(t).await, Ok(Some(upto(unread))));
    assert_eq!(read(bus, t, "me", From::New).await.entries, [] as [Entry; 0]);
}

/// A holder that was told, and went on elsewhere: the next one reads.
#[tokio::test]
async fn what_was_told_and_not_stored_is_read_by_the_next_holder() {
    let fixture = Fixture::redis().await;
    let (bus, room, t) = held(&fixture).await;
    bus.subscribe_wakeups(t).await.unwrap();
    say(&fixture, room, "a").await;
    let told = woken_with(bus, t).await;
    bus.release(t, "me").await.unwrap();
    assert_eq!(bus.mark_stored(t, "me", &told, &[]).await, Ok(BatchOutcome::NoLease));
    assert!(bus.lease(t, "you").await.unwrap());
    assert_eq!(read(bus, t, "you", From::Unfinished).await.entries, [] as [Entry; 0]);
    assert_eq!(read(bus, t, "you", From::New).await, told);
}

/// A wake-up that was lost is made up for when the lease is renewed.
#[tokio::test]
async fn a_renewed_lease_wakes_its_holder_if_the_log_has_something() {
    let fixture = Fixture::redis().await;
    let (bus, room, t) = held(&fixture).await;
    bus.subscribe_wakeups(t).await.unwrap();
    bus.unsubscribe_wakeups(t).await.unwrap();
    // Whatever the beginning of the connection rings for has rung.
    let quiet = Duration::from_millis(300);
    while tokio::time::timeout(quiet, bus.wait_for_wakeup(t)).await.is_ok() {}
    say(&fixture, room, "a").await;
    assert!(!bus.lease(t, "you").await.unwrap());
    assert!(bus.wait_for_wakeup(t).now_or_never().is_none());
    assert!(bus.lease(t, "me").await.unwrap());
    assert_eq!(bus.wait_for_wakeup(t).now_or_never(), Some(None));
}

/// Redis forgot a message that is stored; its repeat got a new number, which history never holds.
#[tokio::test]
async fn a_repeat_of_what_is_stored_is_told_its_first_place() {
    let fixture = Fixture::redis().await;
    let bus = fixture.redis.as_ref().unwrap();
    let room = fixture.room(0, 2).await;
    let (t, user) = (partition_of(room), UserId::generate());
    let mut signals = fixture.bus.signals();
    let append = || fixture.bus.append(message(room, user, "c-1", "hi"));
    let fresh = append().await.unwrap();
    hears(&mut signals, t).await;
    let first = StoredPosition { epoch: Epoch(1), seq: Seq::new(41), timestamp: UnixMillis(7) };
    assert!(bus.lease(t, "me").await.unwrap());
    let batch = read(bus, t, "me", From::New).await;
    let held = [AlreadyStored { id: fresh.id, first }];
    assert_eq!(bus.mark_stored(t, "me", &batch, &held).await, Ok(BatchOutcome::Emptied));
    let (mark, is_read) = told(&fixture, &mut signals, t).await;
    let moved = if is_read {
        Vec::new()
    } else {
        vec![Relocated { position: fresh.position, first }]
    };
    assert_eq!(mark, Mark { upto: fresh.position, moves: 1, moved });
    assert_eq!(fixture.bus.stored(t).await, Ok(Some(Mark { moves: 1, ..upto(fresh.position) })));
    let again = append().await.unwrap();
    let Appended { epoch, seq, timestamp, id, stored, answered, .. } = again;
    assert_eq!(StoredPosition { epoch, seq, timestamp }, first);
    assert_eq!((id, stored, answered), (fresh.id, true, Epoch(2)));
}

/// What a replaced server numbered is thrown away; what it remembers of that is not believed afterwards.
#[tokio::test]
async fn what_is_thrown_away_is_not_answered_as_a_repeat() {
    let fixture = Fixture::redis().await;
    let bus = fixture.redis.as_ref().unwrap();
    let room = fixture.room(0, 1).await;
    let (t, user) = (partition_of(room), UserId::generate());
    let append = || fixture.bus.append(message(room, user, "c-1", "hi"));
    let lost = append().await.unwrap();
    assert_eq!(fixture.bus.partition(t).await, Ok(PartitionState::Open(Epoch(1))));
    assert!(bus.lease(t, "me").await.unwrap());
    let batch = read(bus, t, "me", From::New).await;
    assert_eq!(bus.discard(t, "you", &batch).await, Ok(BatchOutcome::NoLease));
    assert_eq!(bus.discard(t, "me", &batch).await, Ok(BatchOutcome::Done));
    assert_eq!(append().await, Err(AppendError::NotOpen));
    assert_eq!(fixture.bus.partition(t).await, Ok(PartitionState::Closed(batch.fence)));
    fixture.open(room, 0, 2).await;
    // The store has less than the server gave numbers, and nothing of that is on its way: history is not to wait for it.
    let kept = Position { epoch: Epoch(1), seq: Seq::ZERO };
    let began = Some(Began { epoch: Epoch(2), after: lost.seq, kept });
    let head = Head { epoch: Epoch(2), seq: lost.seq, stored: lost.seq, began };
    assert_eq!(fixture.bus.heads(&[room]).await, Ok(vec![Some(head)]));
    let again = append().await.unwrap();
    assert_eq!((again.epoch, again.repeated, again.id), (Epoch(2), false, lost.id));
}

/// What ingest does.
pub(crate) async fn store_all(bus: &RedisBus, t: Partition) {
    assert!(bus.lease(t, "ingest").await.unwrap());
    let batch = read(bus, t, "ingest", From::New).await;
    assert_eq!(bus.mark_stored(t, "ingest", &batch, &[]).await, Ok(BatchOutcome::Emptied));
}

/// A Redis that was restarted may have lost the end of its data. Its numbers must not be given twice, so everything
/// asks for a new epoch first, and numbers go on after what the store has.
async fn a_replaced_server_needs_a_new_epoch(fixture: Fixture) {
    let bus = fixture.redis.as_ref().unwrap();
    let room = fixture.room(0, 1).await;
    let mut signals = fixture.bus.signals();
    fixture.bus.subscribe(room).await.unwrap();
    let user = UserId::generate();
    let first = fixture.bus.append(message(room, user, "c-1", "before")).await.unwrap();
    // Whoever stores it has read it from this server, and will go on with what is new on the next one.
    let t = partition_of(room);
    assert!(bus.lease(t, "ingest").await.unwrap());
    read(bus, t, "ingest", From::New).await;

    fixture.replace_server_of(room).await;
    assert_eq!(fixture.bus.heads(&[room]).await.unwrap(), [None]);
    let append = || message(room, UserId::generate(), "c-9", "after");
    assert_eq!(fixture.bus.append(append()).await, Err(AppendError::NotOpen));

    // What survived is stored before anything new gets a number.
    let last = Position { epoch: Epoch(1), seq: Seq::new(5) };
    let seed = RoomSeed { epoch: None, last, acl: ACL, settings: RoomSettings::default() };
    assert_eq!(fixture.bus.open_room(room, seed).await, Err(OpenError::PartitionNotOpen));
    assert_eq!(fixture.bus.open_partition(t, Epoch(2)).await, Ok(PartitionOpening::Unstored));
    store_all(bus, t).await;

    // The store has more than Redis remembers: a larger number, never a repeated one.
    fixture.open(room, 5, 2).await;
    let appended = fixture.bus.append(append()).await.unwrap();
    assert_eq!((appended.epoch, appended.seq), (Epoch(2), Seq::new(6)));
    // A place of the old epoch that the new server knows is stored.
    let again = fixture.bus.append(message(room, user, "c-1", "before")).await.unwrap();
    assert_eq!(again, Appended { repeated: true, answered: Epoch(2), stored: true, ..first });
    // It is heard live, or found when the bus says that something may have been missed.
    let heard = async {
        loop {
            let events = match signals.recv().await.unwrap() {
                Signal::Event(event) => vec![(*event).clone()],
                Signal::Suspect => fixture.bus.range(room, Seq::new(5), 10).await.unwrap_or_default(),
                Signal::Stored { .. }
                | Signal::Session { .. }
                | Signal::Ephemeral { .. }
                | Signal::Presence(_)
                | Signal::User { .. } => continue,
            };
            if let Some(event) = events.into_iter().find(|event| content(event) == "after") {
                return event.epoch;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, heard).await, Ok(Epoch(2)), "nothing is missed without a word");
}

#[tokio::test]
async fn a_restarted_redis_needs_a_new_epoch() {
    a_replaced_server_needs_a_new_epoch(Fixture::redis().await).await;
}

#[tokio::test]
async fn a_promoted_replica_needs_a_new_epoch() {
    a_replaced_server_needs_a_new_epoch(Fixture::own_sentinel().await).await;
}

#[tokio::test]
async fn a_promoted_replica_in_a_cluster_needs_a_new_epoch() {
    a_replaced_server_needs_a_new_epoch(Fixture::own_cluster(1).await).await;
}

/// A replica that is attached to a server which never had one gives the server another replication id while it
/// runs: every process must learn it, or two of them would take turns in asking for new epochs.
#[tokio::test]
async fn a_fence_that_changes_while_the_server_runs_is_learnt() {
    let fixture = Fixture::redis().await;
    let room = fixture.room(0, 1).await;
    say_and_store(&fixture, room).await;
    let replica = Redis::prepare_with(&["--replicaof", "127.0.0.1", &fixture.server().port().to_string()]);
    replica.start().await;
    fixture.server().replicated().await;
    assert_eq!(fixture.bus.heads(&[room]).await.unwrap(), [None]);
    fixture.open(room, 1, 2).await;
    assert_eq!(say(&fixture, room, "after").await.epoch, Epoch(2));
}

/// One message, stored.
async fn say_and_store(fixture: &Fixture, room: RoomId) {
    say(fixture, room, "before").await;
    store_all(fixture.redis.as_ref().unwrap(), partition_of(room)).await;
}

#[tokio::test]
async fn a_redis_that_is_away_is_an_error_not_a_hang() {
    let fixture = Fixture::redis().await;
    let room = fixture.room(0, 1).await;
    fixture.server().process.kill();
    let append = fixture.bus.append(message(room, UserId::generate(), "c-1", "hi"));
    let outcome = tokio::time::timeout(PATIENCE, append).await.expect("an answer in bounded time");
    assert!(matches!(outcome, Err(AppendError::Bus(_))), "{outcome:?}");
}
