use std::collections::HashMap;

use async_trait::async_trait;
use rookery_bus_redis::entry::Entry;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, EventBody, MembershipChange, Sender};
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::position::{Position, StoredPosition};
use rookery_store::message_state::{MessageState, Reacted};
use rookery_store::{PageQuestion, Reaction};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

const PARTITION: Partition = Partition(3);

/// Refused, whatever is beside it.
const POISON: Seq = Seq::new(13);

/// Not answered the first time.
const SILENT: Seq = Seq::new(14);

/// Has a place that another event has.
const COLLIDING: Seq = Seq::new(15_000);

/// `AlreadyStored` at another place.
const HELD: Seq = Seq::new(1_000);

fn held(event: &SequencedEvent) -> AlreadyStored {
    let first = StoredPosition { epoch: Epoch(0), seq: Seq::new(7), timestamp: UnixMillis(0) };
    AlreadyStored { id: event.event.id, first }
}

/// Remembers the sizes of its calls, and carries each out when it is allowed to.
struct Store {
    calls: Mutex<Vec<usize>>,
    allowed: Semaphore,
}

#[async_trait]
impl Messages for Store {
    async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<AlreadyStored>, StoreError> {
        self.calls.lock().push(events.len());
        self.allowed.acquire().await.unwrap().forget();
        if events.iter().any(|event| event.seq == POISON) {
            return Err(StoreError::Inconsistent("poison".to_owned()));
        }
        if let Some(event) = events.iter().find(|event| event.seq == COLLIDING) {
            return Err(StoreError::Collision { room: event.room, epoch: event.epoch, seq: event.seq });
        }
        if events.iter().any(|event| event.seq == SILENT) && self.calls.lock().len() == 1 {
            return Err(StoreError::Unavailable("silent".to_owned()));
        }
        Ok(events.iter().filter(|event| event.seq == HELD).map(held).collect())
    }

    async fn page(&self, _: RoomId, _: PageQuestion) -> Result<Vec<SequencedEvent>, StoreError> {
        Ok(Vec::new())
    }

    async fn last(&self, _: RoomId) -> Result<Position, StoreError> {
        Ok(Position::START)
    }

    async fn message(&self, _: RoomId, _: MessageId) -> Result<Option<SequencedEvent>, StoreError> {
        Ok(None)
    }

    async fn place(&self, _: RoomId, _: MessageId) -> Result<Option<StoredPosition>, StoreError> {
        Ok(None)
    }

    async fn states(&self, _: &[MessageId], _: &[UserId]) -> Result<HashMap<MessageId, MessageState>, StoreError> {
        Ok(HashMap::new())
    }

    async fn reacted(&self, _: Reaction<'_>, _: Option<Position>, _: usize) -> Result<Vec<Reacted>, StoreError> {
        Ok(Vec::new())
    }

    async fn sweep(&self, _: UnixMillis, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }

    async fn first_since(&self, _: RoomId, _: UnixMillis) -> Result<Option<Position>, StoreError> {
        Ok(None)
    }

    async fn by_ids(&self, _: &[MessageId]) -> Result<Vec<SequencedEvent>, StoreError> {
        Ok(Vec::new())
    }

    async fn edits(&self, _: MessageId, _: usize) -> Result<Vec<SequencedEvent>, StoreError> {
        Ok(Vec::new())
    }
}

/// What has begun; nothing at first.
#[derive(Default)]
struct Notes(Mutex<HashMap<Partition, EpochStart>>);

#[async_trait]
impl Epochs for Notes {
    async fn next(&self, _: Partition) -> Result<Epoch, StoreError> {
        Err(StoreError::Unavailable("not asked for here".to_owned()))
    }

    async fn current(&self, _: Partition) -> Result<Option<Epoch>, StoreError> {
        Ok(None)
    }

    async fn begin(&self, partition: Partition, begun: EpochStart) -> Result<bool, StoreError> {
        self.0.lock().insert(partition, begun);
        Ok(true)
    }

    async fn begun(&self, _: &[Partition]) -> Result<HashMap<Partition, EpochStart>, StoreError> {
        Ok(self.0.lock().clone())
    }
}

struct Bench {
    store: Arc<Store>,
    notes: Arc<Notes>,
    underway: Arc<InFlightWrites>,
    group: Arc<BatchWriter>,
}

impl Bench {
    fn new() -> Self {
        let store = Arc::new(Store { calls: Mutex::default(), allowed: Semaphore::new(0) });
        let (notes, underway) = (Arc::new(Notes::default()), Arc::new(InFlightWrites::default()));
        let (messages, epochs) = (Arc::clone(&store) as Arc<dyn Messages>, Arc::clone(&notes) as Arc<dyn Epochs>);
        let group = Arc::new(BatchWriter::new(messages, epochs, Arc::clone(&underway)));
        Self { store, notes, underway, group }
    }

    /// A partition's task with a batch of one, of epoch 1.
    fn apply(&self, seq: u64) -> JoinHandle<Result<Applied, StoreError>> {
        self.apply_event(event(seq))
    }

    fn apply_event(&self, event: SequencedEvent) -> JoinHandle<Result<Applied, StoreError>> {
        let (group, entry) =
            (Arc::clone(&self.group), Entry { id: "1-0".to_owned(), event: Some(event), result: None });
        let batch = Batch { fence: "a".to_owned(), epoch: Epoch(1), entries: vec![entry] };
        tokio::spawn(async move { group.apply(PARTITION, &batch).await })
    }

    /// Epoch 2 begins.
    async fn begin(&self, fence: &str) {
        let begun = EpochStart { epoch: Epoch(2), fence: fence.to_owned() };
        self.notes.begin(PARTITION, begun).await.unwrap();
    }

    /// Everybody has done what can be done. Time is paused, so this takes none.
    async fn wait_until_idle(&self) {
        sleep(INGEST_WRITE_GAP * 4).await;
    }
}

fn event(seq: u64) -> SequencedEvent {
    let user = UserId::generate();
    let id = MessageId::from_uuid(uuid::Uuid::new_v4());
    let sender = Sender { user_id: user, username: "ada".to_owned() };
    let event = Event::new(id, sender, EventBody::Membership(MembershipChange::Left {}));
    let room = RoomId::generate();
    SequencedEvent { room, epoch: Epoch(1), seq: Seq::new(seq), timestamp: UnixMillis(0), event }
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_the_store_works_goes_in_one_call() {
    let bench = Bench::new();
    let mut partitions = Vec::new();
    for seq in 0..INGEST_WRITES_AT_ONCE as u64 {
        partitions.push(bench.apply(seq));
        bench.wait_until_idle().await;
    }
    partitions.extend((100..119).map(|seq| bench.apply(seq)));
    let twice = bench.apply(HELD.get());
    bench.wait_until_idle().await;
    let first = vec![1; INGEST_WRITES_AT_ONCE];
    assert_eq!(*bench.store.calls.lock(), first, "nobody waited for company");
    bench.store.allowed.add_permits(100);
    for partition in partitions {
        assert_eq!(partition.await.unwrap().unwrap(), Applied::Stored(Vec::new()), "what others held is not theirs");
    }
    assert!(matches!(twice.await.unwrap().unwrap(), Applied::Stored(held) if held.len() == 1));
    assert_eq!(*bench.store.calls.lock(), [first, vec![20]].concat());
}

/// A batch that another one took along does not spin for a turn of its own.
#[tokio::test(start_paused = true)]
async fn nobody_makes_empty_calls() {
    let bench = Bench::new();
    let first: Vec<_> = (0..INGEST_WRITES_AT_ONCE as u64).map(|seq| bench.apply(seq)).collect();
    bench.wait_until_idle().await;
    let (leader, follower) = (bench.apply(20), bench.apply(21));
    bench.wait_until_idle().await;
    // One of the calls ends, so the leader takes both batches; then another ends, and there is a turn for the follower.
    bench.store.allowed.add_permits(INGEST_WRITES_AT_ONCE);
    bench.wait_until_idle().await;
    assert!(bench.store.calls.lock().iter().all(|events| *events > 0));
    bench.store.allowed.add_permits(100);
    for partition in first.into_iter().chain([leader, follower]) {
        partition.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_batch_fails_alone() {
    let bench = Bench::new();
    let first: Vec<_> = (0..INGEST_WRITES_AT_ONCE as u64).map(|seq| bench.apply(seq)).collect();
    bench.wait_until_idle().await;
    let (good, bad, last) = (bench.apply(12), bench.apply(POISON.get()), bench.apply(15));
    bench.wait_until_idle().await;
    bench.store.allowed.add_permits(100);
    for partition in first.into_iter().chain([good, last]) {
        partition.await.unwrap().unwrap();
    }
    assert!(matches!(bad.await.unwrap(), Err(StoreError::Inconsistent(_))));
}

/// Whoever has the turn is dropped in the middle of it, as at the end of a process; the others hear of it and try again.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_one_who_has_gone() {
    let bench = Bench::new();
    let first: Vec<_> = (0..INGEST_WRITES_AT_ONCE as u64).map(|seq| bench.apply(seq)).collect();
    bench.wait_until_idle().await;
    let (leader, follower) = (bench.apply(20), bench.apply(21));
    bench.wait_until_idle().await;
    bench.store.allowed.add_permits(1);
    bench.wait_until_idle().await;
    leader.abort();
    assert!(matches!(follower.await.unwrap(), Err(StoreError::Unavailable(_))));
    bench.store.allowed.add_permits(100);
    for partition in first {
        partition.await.unwrap().unwrap();
    }
}

/// It is not written, if that was known before, and not acknowledged, if it was known after.
#[tokio::test(start_paused = true)]
async fn a_batch_of_a_server_that_was_replaced_is_over() {
    let bench = Bench::new();
    let early = bench.apply(1);
    bench.wait_until_idle().await;
    bench.begin("b").await;
    bench.store.allowed.add_permits(100);
    assert_eq!(early.await.unwrap().unwrap(), Applied::Over);
    assert_eq!(bench.apply(2).await.unwrap().unwrap(), Applied::Over);
    assert_eq!(*bench.store.calls.lock(), [1]);
    bench.begin("a").await;
    assert_eq!(bench.apply(3).await.unwrap().unwrap(), Applied::Stored(Vec::new()), "its own server goes on");
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_is_under_way_until_a_repeat_succeeds() {
    let bench = Bench::new();
    let write = bench.apply(SILENT.get());
    bench.store.allowed.add_permits(1);
    bench.wait_until_idle().await;
    let ended = timeout(INGEST_WRITE_PAUSE / 2, bench.underway.ended());
    assert!(ended.await.is_err(), "it may still be on its way");
    bench.store.allowed.add_permits(1);
    assert_eq!(write.await.unwrap().unwrap(), Applied::Stored(Vec::new()));
    assert_eq!(*bench.store.calls.lock(), [1, 1]);
    bench.underway.ended().await;
}

/// Whoever begins an epoch can wait for what is being written of the one before.
#[tokio::test(start_paused = true)]
async fn a_write_is_under_way_until_it_is_answered() {
    let bench = Bench::new();
    let write = bench.apply(1);
    bench.wait_until_idle().await;
    let underway = Arc::clone(&bench.underway);
    let ended = tokio::spawn(async move { underway.ended().await });
    bench.wait_until_idle().await;
    assert!(!ended.is_finished());
    bench.store.allowed.add_permits(1);
    write.await.unwrap().unwrap();
    ended.await.unwrap();
}

/// A1: what another event has the place of is neither stored nor acknowledged, alone or beside others.
#[tokio::test(start_paused = true)]
async fn a1_a_collision_ends_the_epoch_of_its_own_batch_only() {
    let bench = Bench::new();
    let first: Vec<_> = (0..INGEST_WRITES_AT_ONCE as u64).map(|seq| bench.apply(seq)).collect();
    bench.wait_until_idle().await;
    let (good, colliding) = (bench.apply(16), bench.apply(COLLIDING.get()));
    bench.wait_until_idle().await;
    bench.store.allowed.add_permits(100);
    for partition in first {
        partition.await.unwrap().unwrap();
    }
    assert_eq!(good.await.unwrap().unwrap(), Applied::Stored(Vec::new()));
    assert_eq!(colliding.await.unwrap().unwrap(), Applied::Over);
    let alone = bench.apply(COLLIDING.get());
    assert_eq!(alone.await.unwrap().unwrap(), Applied::Over);
}

/// As after a failover, when nobody could mark it in the log.
#[tokio::test(start_paused = true)]
async fn what_was_stored_and_is_read_again_is_not_written_again() {
    let bench = Bench::new();
    bench.store.allowed.add_permits(100);
    let (stored, elsewhere) = (event(1), event(HELD.get()));
    for _ in 0..2 {
        assert_eq!(bench.apply_event(stored.clone()).await.unwrap().unwrap(), Applied::Stored(Vec::new()));
        let outcome = bench.apply_event(elsewhere.clone()).await.unwrap().unwrap();
        assert_eq!(outcome, Applied::Stored(vec![held(&elsewhere)]));
    }
    assert_eq!(*bench.store.calls.lock(), [1, 1]);
    // Its epoch may have ended meanwhile, and then it is not acknowledged.
    bench.begin("b").await;
    assert_eq!(bench.apply_event(stored).await.unwrap().unwrap(), Applied::Over);
}
