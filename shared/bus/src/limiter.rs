//! Who asks the buckets of [`crate::quota`] on one node: it spends the tokens that were leased, remembers until when a
//! bucket is empty, and counts alone, with its part of the limit, while the shared buckets do not answer.
//!
//! # Promise
//! * Over all nodes, and however long: at most the limit and the leases that are out, which end when their tokens
//!   would have come back anyway.
//! * While the shared buckets are away, each node allows its part: the limit by the number of nodes known last.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use http::HeaderMap;
use parking_lot::Mutex;
use rookery_protocol::clock::UnixMillis;
use rookery_runtime::address::Proxies;
use rookery_runtime::rate::{Grant, Rate, Want};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::limits::{QUOTA_ALONE, QUOTA_BUCKETS_MAX, QUOTA_NODE_INTERVAL, QUOTA_NODES_UNKNOWN, QUOTA_WAIT};
use crate::quota::memory::MemoryQuota;
use crate::quota::{Bucket, Limit, Quota, Rates};

mod entry;
pub mod headers;
mod options;

use entry::Entry;
pub use options::{LimiterOptions, SETTINGS};

const SHARDS: usize = 64;

/// Rate limits of one node, over buckets that all nodes share.
pub struct Limiter {
    quota: Arc<dyn Quota>,
    rates: Rates,
    proxies: Proxies,
    node: Uuid,
    /// Nodes known last; 0 if none ever were.
    nodes: AtomicU32,
    /// Until when the shared buckets are not asked, by [`Limiter::now`].
    alone_until: AtomicI64,
    began: Instant,
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<Bucket, Entry>>>,
}

/// Whether something may be done now, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// By which limit.
    pub limit: Limit,
    /// Its rate.
    pub rate: Rate,
    /// Whether it may be done.
    pub allowed: bool,
    /// How often it may be done at once after this.
    pub remaining: u32,
    /// Milliseconds after which it may be done, if it may not now.
    pub retry_ms: u64,
    /// Milliseconds until everything that was done is paid.
    pub reset_ms: u64,
}

impl Limiter {
    /// Over buckets that it shares with other nodes, or with nobody.
    pub fn new(quota: Arc<dyn Quota>, rates: Rates, proxies: Proxies) -> Arc<Self> {
        Arc::new(Self {
            quota,
            rates,
            proxies,
            node: Uuid::new_v4(),
            nodes: AtomicU32::new(0),
            alone_until: AtomicI64::new(0),
            began: Instant::now(),
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        })
    }

    /// One that limits nothing.
    pub fn off() -> Arc<Self> {
        Self::new(Arc::new(MemoryQuota::default()), Rates::OFF, Proxies::default())
    }

    /// Whether nothing is limited.
    pub fn is_off(&self) -> bool {
        self.rates.are_off()
    }

    /// Where a client is.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        self.proxies.client(peer, headers)
    }

    /// Counts one, if it may be done.
    pub async fn take(&self, limit: Limit, subject: u128) -> Verdict {
        self.take_many(limit, subject, 1).await
    }

    /// Counts what costs so many tokens, if it may be done: all of them or none. What costs more than a bucket can hold
    /// costs a full one.
    pub async fn take_many(&self, limit: Limit, subject: u128, tokens: u32) -> Verdict {
        let rate = self.rates.of(limit);
        let tokens = tokens.min(rate.burst);
        if rate.is_off() || tokens == 0 {
            return Verdict { limit, rate, allowed: true, remaining: u32::MAX, retry_ms: 0, reset_ms: 0 };
        }
        let bucket = Bucket { limit, subject };
        let missing = match self.known(bucket, tokens) {
            Ok(grant) => return verdict(bucket, rate, grant),
            Err(missing) => missing,
        };
        if self.now().0 < self.alone_until.load(Ordering::Relaxed) {
            return self.alone(bucket, rate, tokens);
        }
        let want = Want { least: missing, most: limit.chunk() };
        let cause = match timeout(QUOTA_WAIT, self.quota.lease(bucket, rate, want)).await {
            Ok(Ok(grant)) => return self.apply_grant(bucket, rate, tokens, grant),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(%cause, limit = limit.as_str(), "buckets not shared, this node counts alone");
        self.alone_until.store(self.now().plus(QUOTA_ALONE).0, Ordering::Relaxed);
        self.alone(bucket, rate, tokens)
    }

    /// What was counted turned out not to count.
    pub fn give_back(&self, limit: Limit, subject: u128) {
        let (bucket, rate, now) = (Bucket { limit, subject }, self.rates.of(limit), self.now());
        if !rate.is_off() {
            self.with_entry(bucket, |entry| entry.give_back(rate, 1, now));
        }
    }

    /// Tells the other nodes of this one and learns how many there are, until the process stops.
    pub async fn announce(self: Arc<Self>) {
        while !self.rates.are_off() {
            match self.quota.nodes(self.node).await {
                Ok(nodes) => self.nodes.store(nodes, Ordering::Relaxed),
                Err(error) => tracing::debug!(%error, "nodes not counted"),
            }
            sleep(QUOTA_NODE_INTERVAL).await;
        }
    }

    /// Nodes that share the buckets, as known last.
    pub fn nodes(&self) -> u32 {
        match self.nodes.load(Ordering::Relaxed) {
            0 => QUOTA_NODES_UNKNOWN,
            nodes => nodes,
        }
    }

    fn known(&self, bucket: Bucket, tokens: u32) -> Result<Grant, u32> {
        let now = self.now();
        self.shard(bucket)
            .lock()
            .get_mut(&bucket)
            .map_or(Err(tokens), |entry| entry.known(tokens, now))
    }

    fn apply_grant(&self, bucket: Bucket, rate: Rate, tokens: u32, grant: Grant) -> Verdict {
        let now = self.now();
        let grant = self.with_entry(bucket, |entry| entry.apply_grant(rate, tokens, grant, now));
        verdict(bucket, rate, grant)
    }

    fn alone(&self, bucket: Bucket, rate: Rate, tokens: u32) -> Verdict {
        let (now, nodes) = (self.now(), self.nodes());
        let grant = self.with_entry(bucket, |entry| entry.alone(rate.share(nodes), tokens, now));
        verdict(bucket, rate, grant)
    }

    fn with_entry<T>(&self, bucket: Bucket, act: impl FnOnce(&mut Entry) -> T) -> T {
        let mut shard = self.shard(bucket).lock();
        if shard.len() >= QUOTA_BUCKETS_MAX / SHARDS && !shard.contains_key(&bucket) {
            make_room(&mut shard, self.now());
        }
        act(shard.entry(bucket).or_default())
    }

    /// Time that is never set back.
    fn now(&self) -> UnixMillis {
        UnixMillis(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    fn shard(&self, bucket: Bucket) -> &Mutex<HashMap<Bucket, Entry>> {
        let hash = self.hasher.hash_one(bucket);
        &self.shards[usize::from(hash.to_le_bytes()[0]) % SHARDS]
    }
}

/// Forgets what is of no use any more; if there is no such thing, anything: it is asked for again.
fn make_room(shard: &mut HashMap<Bucket, Entry>, now: UnixMillis) {
    shard.retain(|_, entry| entry.ends() > now);
    if shard.len() >= QUOTA_BUCKETS_MAX / SHARDS
        && let Some(any) = shard.keys().next().copied()
    {
        shard.remove(&any);
    }
}

fn verdict(bucket: Bucket, rate: Rate, grant: Grant) -> Verdict {
    let Grant { granted, remaining, retry_ms, reset_ms } = grant;
    Verdict { limit: bucket.limit, rate, allowed: granted > 0, remaining, retry_ms, reset_ms }
}
