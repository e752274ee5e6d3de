//! Jobs: added once, carried out at least once, and never by two at a time.

use std::collections::HashSet;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{JobId, UserId};
use rookery_store::Jobs;
use rookery_store::job::{Failure, Job, JobState, Lease, NewJob, Then};
use uuid::Uuid;

use super::{Home, at_once};
use crate::samples::NOON;

pub(crate) fn job(key: &str) -> NewJob {
    NewJob {
        id: JobId::generate(),
        kind: "mail".to_owned(),
        key: key.to_owned(),
        about: None,
        payload: r#"{"n":1}"#.to_owned(),
        created_at: NOON,
        due_at: NOON,
    }
}

fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

pub(crate) fn lease(ms: i64) -> Lease {
    Lease { id: Uuid::new_v4(), until: at(ms) }
}

async fn in_state(jobs: &dyn Jobs, state: JobState) -> Vec<Job> {
    jobs.page(state, None, 100).await.unwrap()
}

pub(crate) async fn a_job_is_added_once(home: Home) {
    let jobs = home.stores().await.jobs;
    let user = UserId::generate();
    let first = NewJob { about: Some(user), ..job("a") };
    assert!(jobs.add(&first).await.unwrap());
    assert!(!jobs.add(&first).await.unwrap(), "the same once more");
    assert!(!jobs.add(&job("a")).await.unwrap(), "the key counts, not the id");
    assert_eq!(in_state(&*jobs, JobState::Open).await, [first.added()]);
    let added = at_once(20, |_| {
        let jobs = jobs.clone();
        async move { jobs.add(&job("b")).await.unwrap() }
    })
    .await;
    assert_eq!(added.into_iter().filter(|added| *added).count(), 1);
}

pub(crate) async fn jobs_are_found_by_their_keys(home: Home) {
    let jobs = home.stores().await.jobs;
    for key in ["a", "b", "c"] {
        assert!(jobs.add(&job(key)).await.unwrap());
    }
    let found = async |keys: &[&str]| {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let mut found: Vec<String> = jobs.by_keys(&keys).await.unwrap().into_iter().map(|job| job.key).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(found(&["c", "unknown", "a"]).await, ["a", "c"]);
    assert_eq!(found(&[]).await, [""; 0]);
}

pub(crate) async fn what_is_due_longest_is_leased_first(home: Home) {
    let jobs = home.stores().await.jobs;
    for (key, due) in [("late", 50), ("first", 10), ("not yet", 200), ("second", 20)] {
        assert!(jobs.add(&NewJob { due_at: at(due), ..job(key) }).await.unwrap());
    }
    let mut keys = Vec::new();
    for limit in [2, 5, 5] {
        let leased = jobs.claim(lease(1_000), at(100), limit).await.unwrap();
        assert!(leased.iter().all(|job| job.attempts == 1 && job.due_at == at(1_000)));
        keys.extend(leased.into_iter().map(|job| job.key));
    }
    assert_eq!(keys, ["first", "second", "late"]);
    assert_eq!(jobs.claim(lease(1_000), at(100), 0).await.unwrap(), []);
}

pub(crate) async fn a_job_has_one_holder(home: Home) {
    let jobs = home.stores().await.jobs;
    for n in 0..40 {
        assert!(jobs.add(&job(&n.to_string())).await.unwrap());
    }
    let claimed = at_once(16, |_| {
        let jobs = jobs.clone();
        async move { jobs.claim(lease(1_000), at(1), 5).await.unwrap() }
    })
    .await;
    let ids: Vec<JobId> = claimed.into_iter().flatten().map(|job| job.id).collect();
    assert_eq!((ids.len(), ids.iter().collect::<HashSet<_>>().len()), (40, 40), "each once");
}

pub(crate) async fn a_lease_that_ends_passes_on(home: Home) {
    let jobs = home.stores().await.jobs;
    let new = job("a");
    jobs.add(&new).await.unwrap();
    let (first, second) = (lease(100), lease(900));
    assert_eq!(jobs.claim(first, at(0), 5).await.unwrap().len(), 1);
    assert_eq!(jobs.claim(second, at(99), 5).await.unwrap(), []);
    assert!(jobs.renew(new.id, Lease { until: at(200), ..first }).await.unwrap());
    assert_eq!(jobs.claim(second, at(199), 5).await.unwrap(), []);
    let again = jobs.claim(second, at(200), 5).await.unwrap();
    assert_eq!((again.len(), again[0].attempts), (1, 2));
    // Whoever held it before has no say any more.
    assert!(!jobs.renew(new.id, first).await.unwrap());
    assert!(!jobs.complete(new.id, first.id, at(5_000)).await.unwrap());
    let failure = Failure { error: "late".to_owned(), then: Then::Again(at(0)) };
    assert!(!jobs.fail(new.id, first.id, &failure).await.unwrap());
    assert!(jobs.complete(new.id, second.id, at(5_000)).await.unwrap());
    assert!(!jobs.complete(new.id, second.id, at(5_000)).await.unwrap(), "it is done");
}

pub(crate) async fn what_is_done_is_known_for_a_while(home: Home) {
    let jobs = home.stores().await.jobs;
    let new = job("a");
    jobs.add(&new).await.unwrap();
    let holder = lease(100);
    jobs.claim(holder, at(0), 1).await.unwrap();
    assert!(jobs.complete(new.id, holder.id, at(5_000)).await.unwrap());
    let done = Job {
        state: JobState::Done,
        payload: String::new(),
        attempts: 1,
        due_at: at(5_000),
        ..new.added()
    };
    assert_eq!(in_state(&*jobs, JobState::Done).await, [done]);
    assert_eq!(jobs.claim(holder, at(9_000), 5).await.unwrap(), [], "it is not due again");
    assert!(!jobs.add(&job("a")).await.unwrap());
    assert_eq!(jobs.purge(at(5_000), 10).await.unwrap(), 0);
    assert_eq!(jobs.purge(at(5_001), 10).await.unwrap(), 1);
    assert!(jobs.add(&job("a")).await.unwrap(), "it is forgotten");
}

pub(crate) async fn what_fails_comes_again_or_is_dead_and_can_be_repeated(home: Home) {
    let jobs = home.stores().await.jobs;
    let new = job("a");
    jobs.add(&new).await.unwrap();
    let holder = lease(100);
    jobs.claim(holder, at(0), 1).await.unwrap();
    let failure = |then| Failure { error: "no route".to_owned(), then };
    assert!(jobs.fail(new.id, holder.id, &failure(Then::Again(at(50)))).await.unwrap());
    assert_eq!(jobs.claim(holder, at(49), 1).await.unwrap(), []);
    let again = jobs.claim(holder, at(50), 1).await.unwrap();
    assert_eq!((again[0].attempts, again[0].error.as_deref()), (2, Some("no route")));
    assert!(!jobs.retry(new.id, at(60)).await.unwrap(), "it is not dead");
    assert!(jobs.fail(new.id, holder.id, &failure(Then::Dead(at(9_000)))).await.unwrap());
    let dead = in_state(&*jobs, JobState::Dead).await;
    assert_eq!((dead.len(), dead[0].payload.as_str(), dead[0].attempts), (1, r#"{"n":1}"#, 2));
    assert_eq!(jobs.claim(holder, at(8_000), 1).await.unwrap(), []);
    assert!(jobs.retry(new.id, at(70)).await.unwrap());
    assert!(!jobs.retry(JobId::generate(), at(70)).await.unwrap());
    assert_eq!(jobs.claim(holder, at(70), 1).await.unwrap()[0].attempts, 1);
    assert!(jobs.fail(new.id, holder.id, &failure(Then::Dead(at(9_000)))).await.unwrap());
    assert_eq!((jobs.purge(at(9_000), 10).await.unwrap(), jobs.purge(at(9_001), 10).await.unwrap()), (0, 1));
}

pub(crate) async fn jobs_come_in_pages_and_are_counted(home: Home) {
    let jobs = home.stores().await.jobs;
    let all: Vec<NewJob> = (0..7).map(|n| job(&n.to_string())).collect();
    for job in &all {
        jobs.add(job).await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = jobs.page(JobState::Open, after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page.into_iter().map(|job| job.id));
    }
    assert_eq!(seen, all.iter().map(|job| job.id).collect::<Vec<_>>());
    let count = async |state, most| jobs.count(state, most).await.unwrap();
    assert_eq!((count(JobState::Open, 100).await, count(JobState::Open, 5).await), (7, 5));
    assert_eq!(count(JobState::Dead, 100).await, 0);
}

pub(crate) async fn jobs_go_with_their_account(home: Home) {
    let jobs = home.stores().await.jobs;
    let (ada, bob) = (UserId::generate(), UserId::generate());
    for (key, about) in [("a", Some(ada)), ("b", Some(bob)), ("c", None), ("d", Some(ada))] {
        jobs.add(&NewJob { about, ..job(key) }).await.unwrap();
    }
    jobs.claim(lease(100), at(0), 1).await.unwrap();
    assert_eq!((jobs.erase_about(ada).await.unwrap(), jobs.erase_about(ada).await.unwrap()), (2, 0));
    let left: Vec<String> = in_state(&*jobs, JobState::Open).await.into_iter().map(|job| job.key).collect();
    assert_eq!(left, ["b", "c"]);
}
