//! Which partitions' stored marks this process follows: those in which it has appended lately. Nobody else waits for
//! them, and a cluster stores all the time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fred::interfaces::HashesInterface;
use futures_util::stream::{self, StreamExt as _};
use parking_lot::Mutex;
use rookery_bus::Mark;
use rookery_bus::error::BusError;
use rookery_bus::signal::Signal;
use rookery_protocol::id::Partition;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use crate::client::unless_moved;
use crate::limits::{MARKS_LINGER, REDIS_CALLS_AT_ONCE, SUBSCRIBE_PAUSE};
use crate::{RedisBus, codec, keys};

/// The marks that are subscribed to. One entry for each partition at most.
#[derive(Default)]
pub(super) struct Marks {
    used: Mutex<HashMap<Partition, Instant>>,
    wanted: Notify,
}

impl Marks {
    /// This process is about to append to the partition.
    pub(super) fn want(&self, partition: Partition) {
        if self.used.lock().insert(partition, Instant::now()).is_none() {
            self.wanted.notify_one();
        }
    }

    /// The partitions whose marks are wanted now.
    fn current(&self) -> BTreeSet<Partition> {
        let mut used = self.used.lock();
        used.retain(|_, at| at.elapsed() < MARKS_LINGER);
        used.keys().copied().collect()
    }
}

/// Subscribes to what is wanted and leaves what is not, until the process stops.
pub(super) async fn follow_wanted(bus: Arc<RedisBus>) {
    let mut subscribed = BTreeSet::new();
    loop {
        // Either way it is time to look.
        timeout(MARKS_LINGER / 4, bus.marks.wanted.notified()).await.ok();
        while let Err(error) = follow(&bus, &mut subscribed).await {
            tracing::debug!(%error, "stored marks are not subscribed yet");
            sleep(SUBSCRIBE_PAUSE).await;
        }
    }
}

async fn follow(bus: &RedisBus, subscribed: &mut BTreeSet<Partition>) -> Result<(), BusError> {
    let wanted = bus.marks.current();
    let new: Vec<Partition> = wanted.difference(subscribed).copied().collect();
    if !new.is_empty() {
        bus.join(new.iter().map(|t| keys::marks_channel(*t)).collect()).await?;
        subscribed.extend(&new);
        // A mark from before the subscription is not published again.
        stream::iter(new).for_each_concurrent(REDIS_CALLS_AT_ONCE, |t| emit_mark(bus, t)).await;
    }
    let left: Vec<Partition> = subscribed.difference(&wanted).copied().collect();
    if !left.is_empty() {
        // Also if the server does not get this in time: they are not resubscribed to after a reconnect.
        subscribed.retain(|t| !left.contains(t));
        bus.leave(left.iter().map(|t| keys::marks_channel(*t)).collect()).await?;
    }
    Ok(())
}

async fn emit_mark(bus: &RedisBus, partition: Partition) {
    match read(bus, partition).await {
        Ok(Some(mark)) => bus.emit(Signal::Stored { partition, mark: Arc::new(mark) }),
        Ok(None) => {}
        // Whoever waits reads it again soon.
        Err(error) => tracing::debug!(%partition, %error, "stored mark not read"),
    }
}

/// How far the partition is stored; it names no moves.
pub(super) async fn read(bus: &RedisBus, partition: Partition) -> Result<Option<Mark>, BusError> {
    let read = || bus.commands.hmget(keys::partition(partition), vec!["mark", "moves"]);
    let found: Vec<Option<String>> = unless_moved(read).await?;
    let [mark, moves] = found.as_slice() else { return Err(BusError::Protocol("mark".to_owned())) };
    let moves = moves.as_deref().and_then(|moves| moves.parse().ok()).unwrap_or(0);
    let upto = mark.as_deref().and_then(codec::parse_mark);
    Ok(upto.map(|upto| Mark { upto, moves, moved: Vec::new() }))
}
