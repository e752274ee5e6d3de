use std::collections::HashMap;

use async_trait::async_trait;
use rookery_shared::bus::FirstPlace;
use rookery_shared::clock::UnixMillis;
use rookery_shared::event::{EVENT_VERSION, Event, EventBody};
use rookery_shared::id::{Epoch, MessageId, RoomId, Seq, UserId};
use tokio::sync::Semaphore;

use super::*;
use crate::domain::message::Window;
use crate::domain::message_state::MessageState;

/// Refused, whatever is beside it.
const POISON: Seq = Seq::new(13);

/// Held at another place.
const HELD: Seq = Seq::new(1_000);

fn held(event: &SequencedEvent) -> Held {
    let first = FirstPlace { epoch: Epoch(0), seq: Seq::new(7), timestamp: UnixMillis(0) };
    Held { id: event.event.id, first }
}

/// Remembers the sizes of its calls, and carries each out when it is allowed to.
struct Store {
    calls: Mutex<Vec<usize>>,
    allowed: Semaphore,
}

#[async_trait]
impl Messages for Store {
    async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<Held>, StoreError> {
        self.calls.lock().push(events.len());
        self.allowed.acquire().await.unwrap().forget();
        if events.iter().any(|event| event.seq == POISON) {
            return Err(StoreError::Inconsistent("poison".to_owned()));
        }
        Ok(events.iter().filter(|event| event.seq == HELD).map(held).collect())
    }

    async fn page(&self, _: RoomId, _: Window, _: usize) -> Result<Vec<SequencedEvent>, StoreError> {
        Ok(Vec::new())
    }

    async fn last_seq(&self, _: RoomId) -> Result<Seq, StoreError> {
        Ok(Seq::ZERO)
    }

    async fn message(&self, _: RoomId, _: MessageId) -> Result<Option<SequencedEvent>, StoreError> {
        Ok(None)
    }

    async fn states(&self, _: &[MessageId]) -> Result<HashMap<MessageId, MessageState>, StoreError> {
        Ok(HashMap::new())
    }

    async fn edits(&self, _: MessageId, _: usize) -> Result<Vec<SequencedEvent>, StoreError> {
        Ok(Vec::new())
    }
}

struct Bench {
    store: Arc<Store>,
    group: Arc<Group>,
}

impl Bench {
    fn new() -> Self {
        let store = Arc::new(Store { calls: Mutex::default(), allowed: Semaphore::new(0) });
        let group = Arc::new(Group::new(Arc::clone(&store) as Arc<dyn Messages>));
        Self { store, group }
    }

    /// A partition's task with a batch of one.
    fn apply(&self, seq: u64) -> tokio::task::JoinHandle<Result<Vec<Held>, StoreError>> {
        let group = Arc::clone(&self.group);
        tokio::spawn(async move { group.apply(&[event(seq)]).await })
    }

    async fn settle(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

fn event(seq: u64) -> SequencedEvent {
    let user = UserId::generate();
    let id = MessageId::from_uuid(uuid::Uuid::new_v4());
    let event = Event {
        v: EVENT_VERSION,
        id,
        user_id: user,
        username: "ada".to_owned(),
        body: EventBody::MemberLeft {},
    };
    let room = RoomId::generate();
    SequencedEvent { room, epoch: Epoch(1), seq: Seq::new(seq), timestamp: UnixMillis(0), event }
}

#[tokio::test]
async fn what_comes_while_the_store_works_goes_in_one_call() {
    let bench = Bench::new();
    let mut partitions = Vec::new();
    for seq in 0..INGEST_WRITES_AT_ONCE as u64 {
        partitions.push(bench.apply(seq));
        bench.settle().await;
    }
    partitions.extend((100..119).map(|seq| bench.apply(seq)));
    let twice = bench.apply(HELD.get());
    bench.settle().await;
    let first = vec![1; INGEST_WRITES_AT_ONCE];
    assert_eq!(*bench.store.calls.lock(), first, "nobody waited for company");
    bench.store.allowed.add_permits(100);
    for partition in partitions {
        assert!(partition.await.unwrap().unwrap().is_empty(), "what others held is not theirs");
    }
    assert_eq!(twice.await.unwrap().unwrap().len(), 1);
    assert_eq!(*bench.store.calls.lock(), [first, vec![20]].concat());
}

/// A batch that another one took along does not spin for a turn of its own.
#[tokio::test]
async fn nobody_makes_empty_calls() {
    let bench = Bench::new();
    let first: Vec<_> = (0..INGEST_WRITES_AT_ONCE as u64).map(|seq| bench.apply(seq)).collect();
    bench.settle().await;
    let (leader, follower) = (bench.apply(20), bench.apply(21));
    bench.settle().await;
    // One of the calls ends, so the leader takes both batches; then another ends, and there is a turn for the follower.
    bench.store.allowed.add_permits(INGEST_WRITES_AT_ONCE);
    bench.settle().await;
    assert!(bench.store.calls.lock().iter().all(|events| *events > 0));
    bench.store.allowed.add_permits(100);
    for partition in first.into_iter().chain([leader, follower]) {
        partition.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_refused_batch_fails_alone() {
    let bench = Bench::new();
    let first: Vec<_> = (0..INGEST_WRITES_AT_ONCE as u64).map(|seq| bench.apply(seq)).collect();
    bench.settle().await;
    let (good, bad, last) = (bench.apply(12), bench.apply(POISON.get()), bench.apply(14));
    bench.settle().await;
    bench.store.allowed.add_permits(100);
    for partition in first.into_iter().chain([good, last]) {
        partition.await.unwrap().unwrap();
    }
    assert!(matches!(bad.await.unwrap(), Err(StoreError::Inconsistent(_))));
}

/// Whoever has the turn is dropped in the middle of it, as at the end of a process; the others hear of it and try again.
#[tokio::test]
async fn nobody_waits_for_one_who_has_gone() {
    let bench = Bench::new();
    let first: Vec<_> = (0..INGEST_WRITES_AT_ONCE as u64).map(|seq| bench.apply(seq)).collect();
    bench.settle().await;
    let (leader, follower) = (bench.apply(20), bench.apply(21));
    bench.settle().await;
    bench.store.allowed.add_permits(1);
    bench.settle().await;
    leader.abort();
    assert!(matches!(follower.await.unwrap(), Err(StoreError::Unavailable(_))));
    bench.store.allowed.add_permits(100);
    for partition in first {
        partition.await.unwrap().unwrap();
    }
}
