//! Buckets that all nodes share: one key and one script each, through the bus's command connection.

use async_trait::async_trait;
use rookery_bus::error::BusError;
use rookery_bus::quota::{Bucket, Quota};
use rookery_protocol::id::Partition;
use rookery_protocol::partition::partition_of_subject;
use rookery_runtime::rate::{Grant, Rate, Want};
use uuid::Uuid;

use super::RedisBus;
use crate::keys;
use crate::limits::QUOTA_NODE_LIFE;

#[async_trait]
impl Quota for RedisBus {
    async fn lease(&self, bucket: Bucket, rate: Rate, want: Want) -> Result<Grant, BusError> {
        let numbers = [rate.burst, want.most, want.least].map(|number| number.to_string());
        let args = [rate.interval_ms.to_string()].into_iter().chain(numbers).collect();
        let (partition, keys) = (partition_of_subject(bucket.subject), vec![keys::quota(bucket)]);
        let answer: Vec<u64> = self.run(partition, |scripts| &scripts.quota_take, keys, args).await?;
        let count = |count: u64| u32::try_from(count).map_err(|_| BusError::Protocol("quota".to_owned()));
        let [granted, remaining, retry_ms, reset_ms] = *answer.as_slice() else {
            return Err(BusError::Protocol("quota".to_owned()));
        };
        Ok(Grant { granted: count(granted)?, remaining: count(remaining)?, retry_ms, reset_ms })
    }

    async fn nodes(&self, node: Uuid) -> Result<u32, BusError> {
        let args = vec![node.simple().to_string(), QUOTA_NODE_LIFE.as_millis().to_string()];
        self.run(Partition(0), |scripts| &scripts.quota_nodes, vec![keys::nodes()], args).await
    }
}
