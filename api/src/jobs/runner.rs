//! Leases jobs that are due and carries them out, so many at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rookery_protocol::clock::UnixMillis;
use rookery_runtime::shutdown::Shutdown;
use rookery_store::job::{Failure, Job, JobState, Lease, Then};
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Handler, JobError, JobQueue};
use crate::limits::{
    JOB_ATTEMPTS_MAX, JOB_DEAD_KEPT, JOB_DEADLINE, JOB_DONE_KEPT, JOB_LEASE, JOB_PAUSE_MAX, JOB_PAUSE_MIN,
    JOB_POLL_INTERVAL, JOB_PURGE_INTERVAL, JOB_PURGE_MAX, JOBS_AT_ONCE, JOBS_COUNTED_MAX,
};
use crate::metrics::Metrics;

/// Carries jobs out. Cheap to clone.
#[derive(Clone)]
pub struct JobRunner {
    queue: JobQueue,
    handlers: Arc<HashMap<&'static str, Arc<dyn Handler>>>,
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
    metrics: Metrics,
}

/// What comes of a try, as the metric names it.
const DONE: &str = "done";
const FAILED: &str = "failed";
const DEAD: &str = "dead";
const RESULTS: [&str; 3] = [DONE, FAILED, DEAD];

impl JobRunner {
    /// Carries jobs out with these handlers; one of a kind that none of them has waits for a process that knows it.
    pub fn new(queue: JobQueue, handlers: Vec<Arc<dyn Handler>>, metrics: Metrics) -> Self {
        let handlers: HashMap<_, _> = handlers.into_iter().map(|handler| (handler.kind(), handler)).collect();
        // From the start, as 0: a rate does not see the step with which a counter appears.
        for (kind, result) in handlers.keys().flat_map(|kind| RESULTS.map(|result| (*kind, result))) {
            metrics.jobs.with_label_values(&[kind, result]).inc_by(0);
        }
        Self {
            queue,
            handlers: Arc::new(handlers),
            permits: Arc::new(Semaphore::new(JOBS_AT_ONCE)),
            tasks: TaskTracker::new(),
            metrics,
        }
    }

    /// Starts; the drain waits for jobs that are under way, and nothing new is begun then.
    pub fn start(&self, shutdown: &Shutdown) {
        let (runner, drain) = (self.clone(), shutdown.drain.clone());
        shutdown.spawn_work("jobs", async move {
            drain.run_until_cancelled(runner.follow()).await;
            runner.tasks.close();
            runner.tasks.wait().await;
        });
        let runner = self.clone();
        shutdown.spawn("job purge", async move { runner.purge().await });
    }

    /// Carries out what is due, again and again.
    async fn follow(&self) {
        loop {
            let more = match self.pass().await {
                Ok(more) => more,
                Err(error) => {
                    tracing::debug!(%error, "jobs not looked at");
                    false
                }
            };
            if !more {
                // An error here is the time being over.
                let _ = timeout(JOB_POLL_INTERVAL, self.queue.added.notified()).await;
            }
        }
    }

    /// Begins as many jobs as may be begun; whether there may be more.
    async fn pass(&self) -> Result<bool, rookery_store::StoreError> {
        let Ok(first) = Arc::clone(&self.permits).acquire_owned().await else { return Ok(false) };
        let mut permits = vec![first];
        while let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            permits.push(permit);
        }
        let now = UnixMillis::now();
        let lease = Lease { id: Uuid::new_v4(), until: now.plus(JOB_LEASE) };
        let jobs = self.queue.store.claim(lease, now, permits.len()).await?;
        let more = jobs.len() == permits.len();
        for (job, permit) in jobs.into_iter().zip(permits) {
            let runner = self.clone();
            self.tasks.spawn(async move {
                runner.carry_out(job, lease.id).await;
                drop(permit);
            });
        }
        Ok(more)
    }

    async fn carry_out(&self, job: Job, lease: Uuid) {
        let outcome = tokio::select! {
            outcome = self.attempt(&job) => outcome,
            () = self.keep(&job, lease) => {
                tracing::warn!(job_id = %job.id, kind = job.kind, "a job's lease was lost, its work is given up");
                return;
            }
        };
        let (now, store) = (UnixMillis::now(), &self.queue.store);
        let noted = match &outcome {
            Ok(()) => store.complete(job.id, lease, now.plus(JOB_DONE_KEPT)).await,
            Err(error) => store.fail(job.id, lease, &failure(&job, error, now)).await,
        };
        self.tell(&job, &outcome, now);
        match noted {
            Ok(true) => {}
            Ok(false) => tracing::warn!(job_id = %job.id, kind = job.kind, "a job passed to somebody else meanwhile"),
            // It is leased until then, and comes again.
            Err(error) => tracing::warn!(%error, job_id = %job.id, kind = job.kind, "a job's outcome was not noted"),
        }
    }

    async fn attempt(&self, job: &Job) -> Result<(), JobError> {
        let Some(handler) = self.handlers.get(job.kind.as_str()) else {
            return Err(JobError::Again("this program knows no jobs of this kind".to_owned()));
        };
        let late = || JobError::Again("it took too long".to_owned());
        timeout(JOB_DEADLINE, handler.run(job)).await.unwrap_or_else(|_| Err(late()))
    }

    /// Renews the lease as long as it can be; ends when it is lost.
    async fn keep(&self, job: &Job, lease: Uuid) {
        let mut renewals = interval(JOB_LEASE / 3);
        renewals.tick().await;
        loop {
            renewals.tick().await;
            let until = UnixMillis::now().plus(JOB_LEASE);
            match self.queue.store.renew(job.id, Lease { id: lease, until }).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::debug!(%error, job_id = %job.id, "lease not renewed"),
            }
        }
    }

    fn tell(&self, job: &Job, outcome: &Result<(), JobError>, now: UnixMillis) {
        let result = match outcome {
            Ok(()) => DONE,
            Err(error) if matches!(failure(job, error, now).then, Then::Dead(_)) => DEAD,
            Err(_) => FAILED,
        };
        // Kinds of other programs are no labels.
        let kind = self.handlers.get_key_value(job.kind.as_str()).map_or("unknown", |(kind, _)| kind);
        self.metrics.jobs.with_label_values(&[kind, result]).inc();
        match outcome {
            Ok(()) => tracing::debug!(job_id = %job.id, kind, "job done"),
            Err(JobError::Again(error) | JobError::After(error, _) | JobError::Never(error)) => {
                tracing::warn!(job_id = %job.id, kind, attempts = job.attempts, error, result, "job not done");
            }
        }
    }

    /// Forgets what is over, and counts what is left.
    async fn purge(&self) {
        loop {
            let store = &self.queue.store;
            let counted = async {
                let open = store.count(JobState::Open, JOBS_COUNTED_MAX).await?;
                Ok::<_, rookery_store::StoreError>((open, store.count(JobState::Dead, JOBS_COUNTED_MAX).await?))
            };
            match counted.await {
                Ok((open, dead)) => {
                    self.metrics.jobs_open.set(i64::try_from(open).unwrap_or(i64::MAX));
                    self.metrics.jobs_dead.set(i64::try_from(dead).unwrap_or(i64::MAX));
                }
                Err(error) => tracing::debug!(%error, "jobs not counted"),
            }
            if let Err(error) = store.purge(UnixMillis::now(), JOB_PURGE_MAX).await {
                tracing::debug!(%error, "jobs not purged");
            }
            sleep(JOB_PURGE_INTERVAL).await;
        }
    }
}

fn failure(job: &Job, error: &JobError, now: UnixMillis) -> Failure {
    let dead = Then::Dead(now.plus(JOB_DEAD_KEPT));
    let (error, then) = match error {
        JobError::Never(error) => (error, dead),
        JobError::Again(error) | JobError::After(error, _) if job.attempts >= JOB_ATTEMPTS_MAX => (error, dead),
        JobError::Again(error) => (error, Then::Again(now.plus(pause(job.attempts)))),
        JobError::After(error, wait) => (error, Then::Again(now.plus(pause(job.attempts).max(*wait)))),
    };
    Failure { error: error.clone(), then }
}

/// Doubles with every try; a random part of it, so that what failed together does not come together again.
fn pause(attempts: u32) -> Duration {
    let longest = JOB_PAUSE_MIN
        .saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)))
        .min(JOB_PAUSE_MAX);
    longest.mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use rookery_protocol::id::JobId;
    use rookery_store::job::NewJob;

    use super::super::Order;
    use super::*;

    /// Fails so often before it is done.
    struct Flaky {
        failures: u32,
        calls: AtomicU32,
        error: JobError,
    }

    #[async_trait]
    impl Handler for Flaky {
        fn kind(&self) -> &'static str {
            "flaky"
        }

        async fn run(&self, _job: &Job) -> Result<(), JobError> {
            if self.calls.fetch_add(1, Ordering::Relaxed) < self.failures {
                Err(self.error.clone())
            } else {
                Ok(())
            }
        }
    }

    async fn queue(dir: &tempfile::TempDir) -> JobQueue {
        let stores = rookery_store_sqlite::open(&dir.path().join("jobs.db")).await.unwrap();
        stores.backend.migrate().await.unwrap();
        JobQueue::new(stores.jobs)
    }

    async fn until(what: &str, met: impl AsyncFn() -> bool) {
        for _ in 0..2_000 {
            if met().await {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("never: {what}");
    }

    #[tokio::test]
    async fn a_job_that_fails_is_carried_out_in_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let (queue, shutdown) = (queue(&dir).await, Shutdown::new());
        let flaky = Arc::new(Flaky { failures: 2, calls: AtomicU32::new(0), error: JobError::Again("no".to_owned()) });
        JobRunner::new(queue.clone(), vec![flaky.clone()], Metrics::new().unwrap()).start(&shutdown);
        let order = || Order { kind: "flaky", key: "k", about: None, payload: &7 };
        assert!(queue.add(order(), UnixMillis::now()).await.unwrap());
        until("it is done", async || queue.store.count(JobState::Done, 9).await.unwrap() == 1).await;
        assert_eq!(flaky.calls.load(Ordering::Relaxed), 3);
        assert!(!queue.add(order(), UnixMillis::now()).await.unwrap(), "its key is known");
        shutdown.stop().await;
    }

    #[tokio::test]
    async fn what_can_never_be_done_is_dead_and_may_be_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let (queue, shutdown) = (queue(&dir).await, Shutdown::new());
        let flaky = Arc::new(Flaky { failures: 1, calls: AtomicU32::new(0), error: JobError::Never("no".to_owned()) });
        JobRunner::new(queue.clone(), vec![flaky.clone()], Metrics::new().unwrap()).start(&shutdown);
        queue
            .add(Order { kind: "flaky", key: "k", about: None, payload: &7 }, UnixMillis::now())
            .await
            .unwrap();
        until("it is dead", async || queue.store.count(JobState::Dead, 9).await.unwrap() == 1).await;
        let dead = queue.store.page(JobState::Dead, None, 9).await.unwrap();
        assert_eq!((dead[0].payload.as_str(), dead[0].error.as_deref()), ("7", Some("no")));
        assert!(queue.store.retry(dead[0].id, UnixMillis::now()).await.unwrap());
        until("it is done", async || queue.store.count(JobState::Done, 9).await.unwrap() == 1).await;
        shutdown.stop().await;
    }

    #[test]
    fn pauses_double_and_end_in_death() {
        let new = NewJob {
            id: JobId::generate(),
            kind: String::new(),
            key: String::new(),
            about: None,
            payload: String::new(),
            created_at: UnixMillis(0),
            due_at: UnixMillis(0),
        };
        let after =
            |attempts| failure(&Job { attempts, ..new.added() }, &JobError::Again(String::new()), UnixMillis(0));
        for (attempts, longest) in [(1, 1_000), (2, 2_000), (5, 16_000), (JOB_ATTEMPTS_MAX - 1, 3_600_000)] {
            let Then::Again(UnixMillis(at)) = after(attempts).then else {
                panic!("{attempts} is not the last")
            };
            assert!((longest / 2..=longest).contains(&at), "{attempts}: {at}");
        }
        assert!(matches!(after(JOB_ATTEMPTS_MAX).then, Then::Dead(_)));
        let asked = JobError::After(String::new(), Duration::from_mins(7));
        let wait = |attempts| failure(&Job { attempts, ..new.added() }, &asked, UnixMillis(0)).then;
        assert_eq!(wait(1), Then::Again(UnixMillis(7 * 60_000)));
        assert!(matches!(wait(JOB_ATTEMPTS_MAX), Then::Dead(_)));
    }
}
