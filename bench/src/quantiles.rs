//! Many measured times, and where their quantiles are.

use serde::{Deserialize, Serialize};

/// Times in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<u32>);

/// What a table says of many times, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    /// Half of them are below.
    pub(crate) p50: f64,
    /// All but one of a hundred.
    pub(crate) p99: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Times {
    /// Adds one.
    pub(crate) fn add(&mut self, micros: u64) {
        self.0.push(u32::try_from(micros).unwrap_or(u32::MAX));
    }

    /// Their quantiles; zeros of none.
    pub(crate) fn quantiles(&mut self) -> Quantiles {
        self.0.sort_unstable();
        let at = |per_mille: usize| {
            let last = self.0.len().saturating_sub(1);
            f64::from(self.0.get(last * per_mille / 1000).copied().unwrap_or_default()) / 1000.0
        };
        Quantiles { p50: at(500), p99: at(990), max: at(1000) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_where_they_should_be() {
        let mut times = Times::default();
        (1..=1000).rev().for_each(|n| times.add(n * 1000));
        assert_eq!(times.quantiles(), Quantiles { p50: 500.0, p99: 990.0, max: 1000.0 });
        assert_eq!(Times::default().quantiles(), Quantiles::default());
    }
}
