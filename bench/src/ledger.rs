//! What was sent, what came back, and when: kept by all connections of a run together.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use rookery_protocol::clock::UnixMillis;
use serde::Deserialize;

use crate::quantiles::Times;
use crate::tag::Tag;

/// Before a refused message is sent again, where the server does not say.
const RETRY_MS: u64 = 500;

/// See the module.
pub(crate) struct Ledger {
    start: Instant,
    /// Begins every `client_id`; no other run has it.
    prefix: String,
    totals: Mutex<Totals>,
    /// The largest number that was used.
    numbers: AtomicU64,
}

/// The totals themselves.
#[derive(Default)]
pub(crate) struct Totals {
    /// Messages that were sent at least once: when they were due.
    pub(crate) sent: HashMap<u64, u64>,
    /// Messages with an ack: their ids.
    pub(crate) acked: HashMap<u64, String>,
    /// From due to delivered.
    pub(crate) delivery: Times,
    /// From due to acked.
    pub(crate) ack: Times,
    /// From the time that the server gave a message to its ack.
    pub(crate) lag: Times,
    /// Frames that brought a message.
    pub(crate) deliveries: u64,
    /// Their bytes, heads included.
    pub(crate) bytes: u64,
    /// Deliveries that a connection had already, or that came after a later one of the same sender.
    pub(crate) repeats: u64,
    /// Refused sends by their codes; they are sent again.
    pub(crate) refused: HashMap<String, u64>,
    /// Connections that ended before the run did.
    pub(crate) lost: u64,
}

/// What was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A message.
    Message(u64),
    /// Entering a room.
    Room(String),
}

/// Something that has to be tried again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Again {
    /// Which.
    pub(crate) what: Refused,
    /// How long to wait.
    pub(crate) after_ms: u64,
}

/// What of an `ack` or an `error` counts here.
#[derive(Deserialize)]
struct Answer {
    client_id: Option<String>,
    room: Option<String>,
    message_id: Option<String>,
    timestamp: Option<UnixMillis>,
    code: Option<String>,
    retry_after_ms: Option<u64>,
}

impl Ledger {
    /// Empty; its time begins now.
    pub(crate) fn new() -> Self {
        let prefix = format!("bench-{}-", uuid::Uuid::new_v4().simple());
        Self { start: Instant::now(), prefix, totals: Mutex::default(), numbers: AtomicU64::new(0) }
    }

    /// Microseconds since the start.
    pub(crate) fn now_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The largest number that a message had so far.
    pub(crate) fn numbers(&self) -> u64 {
        self.numbers.load(Ordering::Relaxed)
    }

    /// The `client_id` of a message.
    pub(crate) fn client_id(&self, number: u64) -> String {
        format!("{}{number}", self.prefix)
    }

    /// The message of a `client_id` of this run.
    pub(crate) fn number(&self, client_id: &str) -> Option<u64> {
        client_id.strip_prefix(&self.prefix)?.parse().ok()
    }

    /// A message goes out.
    pub(crate) fn send(&self, tag: Tag) {
        self.numbers.fetch_max(tag.number, Ordering::Relaxed);
        self.totals.lock().sent.insert(tag.number, tag.due_us);
    }

    /// A frame has come; `last` is what the connection had of each sender before.
    pub(crate) fn deliver(&self, tag: Tag, bytes: usize, last: &mut HashMap<u32, u64>) {
        let late = self.now_us().saturating_sub(tag.due_us);
        let before = last.insert(tag.publisher, tag.number).unwrap_or_default();
        let mut totals = self.totals.lock();
        totals.deliveries += 1;
        totals.bytes += bytes as u64;
        totals.delivery.add(late);
        totals.repeats += u64::from(tag.number <= before);
    }

    /// An `ack` or an `error` of ours has come.
    pub(crate) fn answer(&self, text: &[u8]) -> Option<Again> {
        let (now, clock) = (self.now_us(), UnixMillis::now());
        let Answer { client_id, room, message_id, timestamp, code, retry_after_ms } =
            serde_json::from_slice(text).ok()?;
        let number = client_id.and_then(|client_id| self.number(&client_id));
        if let Some(code) = code {
            *self.totals.lock().refused.entry(code).or_default() += 1;
            let what = number.map(Refused::Message).or(room.map(Refused::Room))?;
            return Some(Again { what, after_ms: retry_after_ms.unwrap_or(RETRY_MS) });
        }
        let (number, message_id) = (number?, message_id?);
        let mut totals = self.totals.lock();
        let due = totals.sent.get(&number).copied().unwrap_or(now);
        if totals.acked.insert(number, message_id).is_none() {
            totals.ack.add(now.saturating_sub(due));
            let lag = timestamp.map_or(0, |accepted| clock.since(accepted).as_micros());
            totals.lag.add(u64::try_from(lag).unwrap_or(u64::MAX));
        }
        None
    }

    /// A connection ended.
    pub(crate) fn lose(&self) {
        self.totals.lock().lost += 1;
    }

    /// How many messages were sent and how many of them have an ack.
    pub(crate) fn progress(&self) -> (usize, usize) {
        let totals = self.totals.lock();
        (totals.sent.len(), totals.acked.len())
    }

    /// The totals, and empty ones from now on.
    pub(crate) fn close(&self) -> Totals {
        std::mem::take(&mut *self.totals.lock())
    }
}
