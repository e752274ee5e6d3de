//! How long the last batch of events had waited that this process stored.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rookery_protocol::clock::UnixMillis;

/// For how long it says something.
const REMEMBERED: Duration = Duration::from_mins(1);

/// The last lag. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lag(Arc<Mutex<Option<(UnixMillis, Duration)>>>);

impl Lag {
    /// A batch was stored.
    pub fn note(&self, waited: Duration, now: UnixMillis) {
        *self.0.lock() = Some((now, waited));
    }

    /// Milliseconds; none if nothing was stored in the last minute.
    pub(crate) fn ms(&self, now: UnixMillis) -> Option<u64> {
        let (at, waited) = (*self.0.lock())?;
        (now.since(at) < REMEMBERED).then(|| u64::try_from(waited.as_millis()).unwrap_or(u64::MAX))
    }
}
