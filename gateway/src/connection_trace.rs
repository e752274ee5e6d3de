//! The trace of a connection whose upgrade came with one: its first messages belong to it.

use std::sync::atomic::{AtomicU32, Ordering};

use rookery_protocol::trace::TraceParent;
use rookery_runtime::limits::TRACE_CONNECTION_MESSAGES_MAX;
use rookery_runtime::trace::{self, Parent};

/// What the caller of an upgrade said about its trace. A trace of a connection that lives for days would be of no use to
/// anybody: behind [`TRACE_CONNECTION_MESSAGES_MAX`] messages each one is a trace of its own.
#[derive(Debug)]
pub struct ConnectionTrace {
    /// The span of the upgrade or, where that is not recorded, the caller's.
    upgrade: TraceParent,
    left: AtomicU32,
}

impl ConnectionTrace {
    /// Of a connection whose upgrade has this span.
    pub fn new(upgrade: TraceParent) -> Box<Self> {
        Box::new(Self { upgrade, left: AtomicU32::new(TRACE_CONNECTION_MESSAGES_MAX) })
    }

    /// Whether a message of the connection is recorded, and where; `None` as connection for one that came without a trace.
    pub fn next(connection: Option<&Self>) -> Option<Parent> {
        let Some(Self { upgrade, left }) = connection else { return own() };
        if !upgrade.is_sampled() {
            return None;
        }
        let take = |left: u32| left.checked_sub(1);
        match left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Some(Parent::Remote(*upgrade)),
            Err(_) => own(),
        }
    }

    /// What a failure belongs to.
    pub fn caller(connection: Option<&Self>) -> Option<TraceParent> {
        connection.map(|connection| connection.upgrade)
    }
}

fn own() -> Option<Parent> {
    trace::is_sampled(None).then_some(Parent::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_messages_belong_to_the_trace_of_the_upgrade() {
        let upgrade = TraceParent::new(1, 2, 1).unwrap();
        let connection = ConnectionTrace::new(upgrade);
        for _ in 0..TRACE_CONNECTION_MESSAGES_MAX {
            assert_eq!(ConnectionTrace::next(Some(&connection)), Some(Parent::Remote(upgrade)));
        }
        assert_eq!(ConnectionTrace::next(Some(&connection)), None, "tracing is off, so none begins here");
    }

    #[test]
    fn who_does_not_record_is_not_recorded() {
        let connection = ConnectionTrace::new(TraceParent::new(1, 2, 0).unwrap());
        assert_eq!(ConnectionTrace::next(Some(&connection)), None);
    }
}
