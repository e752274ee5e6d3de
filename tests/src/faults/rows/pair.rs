//! Two faults at once on different parts, chosen by a seed.

use super::{Fault, Link, Stage, Wire};

/// Faults that may meet, by the part they are about.
const FAULTS: &[(&str, Fault)] = &[
    ("gateway", Fault::GatewayKill),
    ("gateway", Fault::GatewayStop),
    ("api", Fault::ApiKill),
    ("api", Fault::ApiStop),
    ("redis", Fault::RedisKill),
    ("redis", Fault::RedisWipe),
    ("redis", Fault::RedisStop(10)),
    ("mongo", Fault::MongoKill),
    ("mongo", Fault::MongoStop(20)),
    ("gateway-redis", Fault::Wire(&[Link::GatewayRedis], Wire::Cut, 10)),
    ("api-redis", Fault::Wire(&[Link::ApiRedis], Wire::Cut, 10)),
    ("api-mongo", Fault::Wire(&[Link::ApiMongo], Wire::Swallow, 10)),
    ("gateway-api", Fault::Wire(&[Link::GatewayApi], Wire::Delay(500, 2_000), 10)),
];

impl Stage {
    /// Plays a fault to its end.
    pub async fn play(&self, fault: Fault) {
        if fault == Fault::Pair {
            let (first, second) = pair(self.seed);
            tokio::join!(self.play_one(first), self.play_one(second));
        } else {
            self.play_one(fault).await;
        }
    }
}

/// Two faults of different parts.
pub(super) fn pair(seed: u64) -> (Fault, Fault) {
    let pairs: Vec<(Fault, Fault)> = FAULTS
        .iter()
        .flat_map(|first| FAULTS.iter().map(move |second| (first, second)))
        .filter(|(first, second)| first.0 < second.0)
        .map(|(first, second)| (first.1, second.1))
        .collect();
    let index = usize::try_from(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33).unwrap_or(0);
    pairs[index % pairs.len()]
}

/// What the pair of a seed is, for the report.
pub fn name_of(seed: u64) -> String {
    let (first, second) = pair(seed);
    format!("{first:?} with {second:?}")
}
