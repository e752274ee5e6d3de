//! Buckets inside one process: of one that is alone, and of each while Redis is away.

use std::collections::HashMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use rookery_protocol::clock::UnixMillis;
use rookery_runtime::rate::{Grant, Rate, Want};
use uuid::Uuid;

use super::{Bucket, Quota};
use crate::error::BusError;
use crate::limits::QUOTA_BUCKETS_MAX;

/// Buckets of one process.
#[derive(Debug, Default)]
pub struct MemoryQuota {
    /// When everything is paid. A bucket that is full is not kept.
    paid: Mutex<HashMap<Bucket, UnixMillis>>,
}

impl MemoryQuota {
    fn take(&self, bucket: Bucket, rate: Rate, want: Want, now: UnixMillis) -> Grant {
        let mut buckets = self.paid.lock();
        if buckets.len() >= QUOTA_BUCKETS_MAX && !buckets.contains_key(&bucket) {
            make_room(&mut buckets, now);
        }
        let before = buckets.get(&bucket).copied().unwrap_or_default();
        let (grant, paid) = rate.lease(before, want, now);
        buckets.insert(bucket, paid);
        grant
    }
}

/// Forgets the buckets that are full again; if there are none, one that is not: somebody else gets its tokens back.
fn make_room(buckets: &mut HashMap<Bucket, UnixMillis>, now: UnixMillis) {
    buckets.retain(|_, paid| *paid > now);
    if buckets.len() >= QUOTA_BUCKETS_MAX
        && let Some(any) = buckets.keys().next().copied()
    {
        buckets.remove(&any);
    }
}

#[async_trait]
impl Quota for MemoryQuota {
    async fn lease(&self, bucket: Bucket, rate: Rate, want: Want) -> Result<Grant, BusError> {
        Ok(self.take(bucket, rate, want, UnixMillis::now()))
    }

    async fn nodes(&self, _node: Uuid) -> Result<u32, BusError> {
        Ok(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Limit;

    #[test]
    fn buckets_are_bounded_and_full_ones_are_forgotten_first() {
        let (quota, rate) = (MemoryQuota::default(), Rate { burst: 1, interval_ms: 1_000 });
        let bucket = |subject| Bucket { limit: Limit::AddressConnects, subject };
        for subject in 0..QUOTA_BUCKETS_MAX as u128 {
            assert_eq!(quota.take(bucket(subject), rate, Want::exactly(1), UnixMillis(0)).granted, 1);
        }
        assert_eq!(quota.take(bucket(u128::MAX), rate, Want::exactly(1), UnixMillis(500)).granted, 1);
        assert_eq!(quota.paid.lock().len(), QUOTA_BUCKETS_MAX);
        assert_eq!(quota.take(bucket(u128::MAX - 1), rate, Want::exactly(1), UnixMillis(1_200)).granted, 1);
        assert_eq!(quota.paid.lock().len(), 2, "all but the last one were full again");
        assert_eq!(quota.take(bucket(u128::MAX), rate, Want::exactly(1), UnixMillis(1_201)).granted, 0);
    }
}
