//! Calls of the driver.
//!
//! Dropping the driver's future in the middle closes its connection, so a call runs in a task of its own and only
//! the wait for it ends early. What the caller has given up ends by itself: at the latest after
//! [`STORE_CALL_LIFE`], by then on a connection that is better closed.

use std::sync::Arc;
use std::time::Duration;

use rookery_store::StoreError;
use rookery_store::limits::{STORE_CALLS_MAX, STORE_DEADLINE};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::error::Failed;
use crate::limits::STORE_CALL_LIFE;
use crate::metrics::METRICS;

/// Starts calls, so many at a time.
#[derive(Clone)]
pub(super) struct Calls {
    permits: Arc<Semaphore>,
}

impl Calls {
    /// None under way.
    pub(super) fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(STORE_CALLS_MAX)) }
    }

    /// Runs a call; its caller waits [`STORE_DEADLINE`].
    pub(super) async fn run<T, F>(&self, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failed>> + Send + 'static,
    {
        self.run_for(STORE_DEADLINE, STORE_CALL_LIFE, call).await
    }

    /// Runs a call that nobody at a screen waits for, to the end of its life.
    pub(super) async fn run_long<T, F>(&self, life: Duration, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failed>> + Send + 'static,
    {
        self.run_for(life, life, call).await
    }

    async fn run_for<T, F>(&self, deadline: Duration, life: Duration, call: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failed>> + Send + 'static,
    {
        let permits = Arc::clone(&self.permits);
        let under_way = UnderWay::begin();
        let answer = timeout(deadline, async move {
            let permit = permits.acquire_owned().await.map_err(|_| late())?;
            let task = tokio::spawn(async move {
                let answer = timeout(life, call).await;
                drop(permit);
                answer.unwrap_or_else(|_| Err(late().into()))
            });
            task.await
                .unwrap_or_else(|_| Err(StoreError::Unavailable("the call was given up".to_owned()).into()))
        });
        let answer = answer.await.unwrap_or_else(|_| Err(late().into()));
        under_way.end(&answer);
        Ok(answer?)
    }
}

/// Counts a call, also where its caller has gone.
struct UnderWay(Instant);

impl UnderWay {
    fn begin() -> Self {
        METRICS.in_flight.inc();
        Self(Instant::now())
    }

    /// An answer that says no, such as a name that is taken, is an answer.
    fn end<T>(self, answer: &Result<T, Failed>) {
        METRICS.call_seconds.observe(self.0.elapsed().as_secs_f64());
        if let Err(Failed(StoreError::Unavailable(_))) = answer {
            METRICS.failures.inc();
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        METRICS.in_flight.dec();
    }
}

fn late() -> StoreError {
    StoreError::Unavailable("no answer in time".to_owned())
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_caller_waits_no_longer_than_the_deadline() {
        let start = Instant::now();
        let outcome = Calls::new().run(pending::<Result<(), Failed>>()).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))));
        assert_eq!(start.elapsed().as_secs(), STORE_DEADLINE.as_secs());
    }

    /// A frozen server is asked again and again; when it is back, nothing of that may be in the way.
    #[tokio::test(start_paused = true)]
    async fn calls_that_were_given_up_end() {
        let calls = Calls::new();
        for _ in 0..STORE_CALLS_MAX {
            let calls = calls.clone();
            tokio::spawn(async move { calls.run(pending::<Result<(), Failed>>()).await });
        }
        sleep(STORE_DEADLINE).await;
        assert_eq!(calls.permits.available_permits(), 0);
        assert!(calls.run(async { Ok(()) }).await.is_err(), "more is not started");
        sleep(STORE_CALL_LIFE).await;
        assert_eq!(calls.permits.available_permits(), STORE_CALLS_MAX);
        calls.run(async { Ok(()) }).await.unwrap();
    }
}
