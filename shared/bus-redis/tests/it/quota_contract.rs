//! The promise of the shared buckets, held against both implementations, and every kind of Redis, by the same
//! functions; and what several nodes make of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use rookery_bus::error::BusError;
use rookery_bus::limiter::Limiter;
use rookery_bus::pace::RoomRateLimit;
use rookery_bus::quota::memory::MemoryQuota;
use rookery_bus::quota::{Bucket, Limit, Quota, Rates};
use rookery_bus_redis::{RedisBus, RedisOptions};
use rookery_runtime::address::Proxies;
use rookery_runtime::rate::{Grant, Rate, Want};
use rookery_runtime::shutdown::Shutdown;
use rookery_tests::redis::Redis;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::fixture::Fixture;

/// Slow enough that nothing comes back while a test runs.
const SLOW: Rate = Rate { burst: 100, interval_ms: 60_000 };

/// Buckets, and what they need to live.
struct Buckets {
    quota: Arc<dyn Quota>,
    _fixture: Option<Fixture>,
}

impl Buckets {
    fn memory() -> Self {
        Self { quota: Arc::new(MemoryQuota::default()), _fixture: None }
    }

    async fn redis() -> Self {
        Self::of(Fixture::redis().await)
    }

    async fn sentinel() -> Self {
        Self::of(Fixture::sentinel().await)
    }

    async fn cluster() -> Self {
        Self::of(Fixture::cluster().await)
    }

    fn of(fixture: Fixture) -> Self {
        let quota = fixture.redis.clone().expect("is Redis");
        Self { quota, _fixture: Some(fixture) }
    }

    async fn lease(&self, bucket: Bucket, rate: Rate, most: u32) -> Grant {
        self.take(bucket, rate, Want::up_to(most)).await
    }

    async fn take(&self, bucket: Bucket, rate: Rate, want: Want) -> Grant {
        self.quota.lease(bucket, rate, want).await.unwrap()
    }
}

fn bucket() -> Bucket {
    Bucket { limit: Limit::UserCommands, subject: Uuid::new_v4().as_u128() }
}

async fn of_many_at_once_exactly_the_burst_is_given(buckets: Buckets) {
    let bucket = bucket();
    let grants = join_all((0..200).map(|_| buckets.lease(bucket, SLOW, 10))).await;
    assert_eq!(grants.iter().map(|grant| grant.granted).sum::<u32>(), SLOW.burst);
    let refused: Vec<_> = grants.iter().filter(|grant| grant.granted == 0).collect();
    assert!(!refused.is_empty() && refused.iter().all(|grant| (1..=SLOW.interval_ms).contains(&grant.retry_ms)));
    let full = SLOW.full_ms();
    assert!(
        refused.iter().all(|grant| (full - SLOW.interval_ms..=full).contains(&grant.reset_ms)),
        "{refused:?}"
    );
}

async fn a_lease_is_at_most_half_of_what_is_left(buckets: Buckets) {
    let bucket = bucket();
    let first = buckets.lease(bucket, SLOW, 1_000).await;
    assert_eq!((first.granted, first.remaining, first.retry_ms), (50, 50, 0));
    let second = buckets.lease(bucket, SLOW, 10).await;
    assert_eq!((second.granted, second.remaining), (10, 40));
}

async fn who_needs_many_tokens_gets_them_all_or_none(buckets: Buckets) {
    let bucket = bucket();
    let first = buckets.take(bucket, SLOW, Want { least: 70, most: 10 }).await;
    assert_eq!((first.granted, first.remaining), (70, 30));
    let second = buckets.take(bucket, SLOW, Want::exactly(32)).await;
    assert_eq!((second.granted, second.remaining), (0, 30), "nothing was taken");
    assert!((SLOW.interval_ms + 1..=2 * SLOW.interval_ms).contains(&second.retry_ms), "two tokens are missing");
    assert_eq!(buckets.take(bucket, SLOW, Want::exactly(30)).await.granted, 30, "what costs less is not refused");
    let other = Bucket { subject: bucket.subject + 1, ..bucket };
    assert_eq!(buckets.take(other, SLOW, Want::exactly(1_000)).await.granted, 100, "all that it can hold");
}

async fn the_wait_that_is_told_is_exact(buckets: Buckets) {
    let (bucket, rate) = (bucket(), Rate { burst: 2, interval_ms: 300 });
    let began = Instant::now();
    let mut given = 0_u32;
    for _ in 0..5 {
        let grant = buckets.lease(bucket, rate, 1).await;
        given += grant.granted;
        if grant.granted == 0 {
            sleep(Duration::from_millis(grant.retry_ms + 1)).await;
            assert_eq!(buckets.lease(bucket, rate, 1).await.granted, 1, "its time had come");
            given += 1;
        }
    }
    let limit = 2 + began.elapsed().as_millis() / 300;
    assert!(given >= 5 && u128::from(given) <= limit, "{given} of {limit}");
}

async fn buckets_are_apart(buckets: Buckets) {
    let (one, rate) = (bucket(), Rate { burst: 1, interval_ms: 60_000 });
    assert_eq!(buckets.lease(one, rate, 1).await.granted, 1);
    assert_eq!(buckets.lease(one, rate, 1).await.granted, 0);
    for other in [bucket(), Bucket { limit: Limit::UserConnects, ..one }] {
        assert_eq!(buckets.lease(other, rate, 1).await.granted, 1);
    }
}

async fn a_node_is_counted_once(buckets: Buckets) {
    let node = Uuid::new_v4();
    let count = buckets.quota.nodes(node).await.unwrap();
    assert!(count >= 1);
    assert_eq!(buckets.quota.nodes(node).await, Ok(count));
}

contract!(
    Buckets:
    of_many_at_once_exactly_the_burst_is_given,
    a_lease_is_at_most_half_of_what_is_left,
    who_needs_many_tokens_gets_them_all_or_none,
    the_wait_that_is_told_is_exact,
    buckets_are_apart,
    a_node_is_counted_once,
);

/// Counts the calls.
#[derive(Default)]
struct Counted {
    quota: MemoryQuota,
    calls: AtomicU32,
}

#[async_trait]
impl Quota for Counted {
    async fn lease(&self, bucket: Bucket, rate: Rate, want: Want) -> Result<Grant, BusError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.quota.lease(bucket, rate, want).await
    }

    async fn nodes(&self, node: Uuid) -> Result<u32, BusError> {
        self.quota.nodes(node).await
    }
}

#[tokio::test]
async fn most_commands_ask_nobody() {
    let quota = Arc::new(Counted::default());
    let rates = Rates::OFF.with(Limit::UserCommands, Rate { burst: 1_000, interval_ms: 60_000 });
    let limiter = Limiter::new(Arc::clone(&quota) as _, rates, Proxies::default());
    for _ in 0..500 {
        assert!(limiter.take(Limit::UserCommands, 7).await.allowed);
    }
    assert_eq!(quota.calls.load(Ordering::SeqCst), 50);
}

#[tokio::test]
async fn who_is_refused_asks_nobody_before_the_time() {
    let quota = Arc::new(Counted::default());
    let rates = Rates::OFF.with(Limit::AddressLogins, Rate { burst: 1, interval_ms: 60_000 });
    let limiter = Limiter::new(Arc::clone(&quota) as _, rates, Proxies::default());
    let mut allowed = 0;
    for _ in 0..500 {
        allowed += u32::from(limiter.take(Limit::AddressLogins, 7).await.allowed);
    }
    assert_eq!((allowed, quota.calls.load(Ordering::SeqCst)), (1, 2));
}

/// Four nodes that know of each other, over one Redis.
async fn four_nodes(server: &Redis, rate: Rate, shutdown: &Shutdown) -> Vec<Arc<Limiter>> {
    let rates = Rates::OFF.with(Limit::UserCommands, rate);
    let nodes: Vec<Arc<Limiter>> = (0..4)
        .map(|_| {
            let options = RedisOptions { url: server.url().into(), pace: RoomRateLimit::OFF };
            Limiter::new(RedisBus::connect(&options, shutdown).unwrap(), rates, Proxies::default())
        })
        .collect();
    // The first has to hear of the last; waiting for its next turn would take seconds.
    for _ in 0..2 {
        for node in &nodes {
            let turn = tokio::time::timeout(Duration::from_millis(500), Arc::clone(node).announce());
            turn.await.expect_err("goes on for ever");
        }
    }
    assert!(nodes.iter().all(|node| node.nodes() == 4));
    nodes
}

/// What the nodes allow of as much as they are asked for, in a time; and how much the limit is.
async fn flood(nodes: &[Arc<Limiter>], rate: Rate, span: Duration) -> (u64, u64) {
    let began = Instant::now();
    let floods = nodes.iter().map(|node| async move {
        let mut allowed = 0_u64;
        while began.elapsed() < span {
            allowed += u64::from(node.take(Limit::UserCommands, 7).await.allowed);
            sleep(Duration::from_millis(2)).await;
        }
        allowed
    });
    let allowed = join_all(floods).await.iter().sum();
    let elapsed = u64::try_from(began.elapsed().as_millis()).unwrap();
    (allowed, u64::from(rate.burst) + elapsed / rate.interval_ms)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r02_without_redis_nodes_share_the_limit_by_their_number() {
    let (server, shutdown) = (Redis::prepare(), Shutdown::new());
    server.start().await;
    let rate = Rate { burst: 40, interval_ms: 20 };
    let nodes = four_nodes(&server, rate, &shutdown).await;
    server.process.kill();
    let (allowed, limit) = flood(&nodes, rate, Duration::from_secs(3)).await;
    assert!(allowed * 10 <= limit * 15, "never open: {allowed} of {limit}");
    assert!(allowed >= u64::from(rate.burst), "nor closed: {allowed} of {limit}");
    server.start().await;
    sleep(rate_to_fill(rate)).await;
    let (allowed, limit) = flood(&nodes, rate, Duration::from_secs(3)).await;
    assert!(allowed * 10 <= limit * 15, "back together: {allowed} of {limit}");
    shutdown.stop().await;
}

/// Until every part of the limit is there again.
fn rate_to_fill(rate: Rate) -> Duration {
    Duration::from_millis(rate.full_ms())
}
