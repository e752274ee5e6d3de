//! One read for many who ask the same: after a cut hundreds of clients come back and open the same page.
//!
//! Only a read that began after the question counts as its answer, so nobody misses what was acknowledged before it
//! asked: whoever comes while a read is under way waits for the next one, which then serves all who waited. Different
//! pages are read side by side, so many at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Entries of the map from which on those that nobody waits for are looked for.
const SWEEP_FROM: usize = 64;

/// Reads under way, by what they read.
pub struct SingleFlight<K, V> {
    by_key: Mutex<HashMap<K, Weak<Flight<V>>>>,
    permits: Semaphore,
    patience: Duration,
}

struct Flight<V> {
    /// Reads that have begun.
    begun: AtomicU64,
    /// The newest result, and which read it came from. Held while reading.
    last: tokio::sync::Mutex<Option<(u64, V)>>,
}

/// Too many different reads are under way.
#[derive(Debug)]
pub struct Full;

impl<K: Eq + Hash + Clone, V: Clone> SingleFlight<K, V> {
    /// So many reads at a time; who waits longer for its turn is refused.
    pub fn new(reads_max: usize, patience: Duration) -> Self {
        Self { by_key: Mutex::default(), permits: Semaphore::new(reads_max), patience }
    }

    /// The result of a read that begins now or later: this one, or somebody else's.
    pub async fn get(&self, key: K, read: impl Future<Output = V>) -> Result<V, Full> {
        let flight = self.flight(key);
        let asked = flight.begun.load(Ordering::SeqCst);
        let mut last = flight.last.lock().await;
        if let Some((number, value)) = last.as_ref()
            && *number > asked
        {
            return Ok(value.clone());
        }
        let Ok(Ok(_permit)) = timeout(self.patience, self.permits.acquire()).await else {
            return Err(Full);
        };
        let number = flight.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let value = read.await;
        *last = Some((number, value.clone()));
        Ok(value)
    }

    /// Lives as long as somebody waits for it.
    fn flight(&self, key: K) -> Arc<Flight<V>> {
        let mut flights = self.by_key.lock();
        if let Some(flight) = flights.get(&key).and_then(Weak::upgrade) {
            return flight;
        }
        if flights.len() >= SWEEP_FROM {
            flights.retain(|_, flight| flight.strong_count() > 0);
        }
        let flight = Arc::new(Flight { begun: AtomicU64::new(0), last: tokio::sync::Mutex::new(None) });
        flights.insert(key, Arc::downgrade(&flight));
        flight
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use tokio::time::sleep;

    use super::*;

    const TICK: Duration = Duration::from_millis(10);

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_the_same_are_few_reads() {
        let (flights, reads) = (SingleFlight::new(4, TICK * 100), AtomicUsize::new(0));
        let read = || async {
            sleep(TICK).await;
            reads.fetch_add(1, Ordering::SeqCst)
        };
        let answers = join_all((0..500).map(|_| flights.get("page", read()))).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(reads.load(Ordering::SeqCst), 2, "the first, and one for all who came during it");
        flights.get("page", read()).await.unwrap();
        assert_eq!(reads.load(Ordering::SeqCst), 3, "a later question is read anew");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_there_before_the_question_is_in_its_answer() {
        let (flights, stored) = (SingleFlight::new(4, TICK * 100), AtomicUsize::new(0));
        let read = || async {
            let seen = stored.load(Ordering::SeqCst);
            sleep(TICK).await;
            seen
        };
        let ask = |n: u32| {
            let (flights, stored) = (&flights, &stored);
            async move {
                sleep(TICK * n / 7).await;
                let before = stored.fetch_add(1, Ordering::SeqCst) + 1;
                let seen = flights.get("page", read()).await.unwrap();
                assert!(seen >= before, "{seen} of {before}");
            }
        };
        join_all((0..50).map(ask)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn different_pages_wait_for_their_turn_and_not_for_ever() {
        let flights = SingleFlight::new(2, TICK * 3);
        let answers = join_all((0..20).map(|page| flights.get(page, async { sleep(TICK).await }))).await;
        let served = answers.iter().filter(|answer| answer.is_ok()).count();
        assert!((6..=8).contains(&served), "{served}");
        assert!(flights.get(99, sleep(TICK)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_in_the_middle_of_a_read_leaves_it_to_the_next() {
        let flights = SingleFlight::new(1, TICK * 100);
        let gone = timeout(TICK, flights.get("page", std::future::pending::<u8>()));
        let (gone, answer) = tokio::join!(gone, flights.get("page", async { 7 }));
        assert!(gone.is_err());
        assert_eq!(answer.unwrap(), 7);
    }
}
