//! How often one user may say something in one room: the deployment's pace (GCRA) and the room's slow mode. Pure;
//! `shared/bus-redis/src/append.lua` says the same in Lua, and one contract suite holds the two together.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, MessageChanged, RoomSettings};
use rookery_runtime::config::{Reader, Setting};

use crate::limits::{SEND_BURST_MAX, SEND_INTERVAL_MS_MAX};
use crate::quota;

/// So many events at once, then one per interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomRateLimit {
    /// Events at once after a rest; at least 1.
    pub burst: u32,
    /// Milliseconds that one event costs; 0 for no limit.
    pub interval_ms: u64,
}

/// Which limits of a room an event is subject to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageCost {
    /// None: it takes something away, or says nothing.
    Free,
    /// The pace, and whether the room is frozen.
    Reaction,
    /// These, and slow mode.
    Text,
}

/// What is remembered of one user in one room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateState {
    /// When the user will have paid for everything said so far.
    pub paid: UnixMillis,
    /// When the user said something last.
    pub said: Option<UnixMillis>,
    /// When there is nothing left to remember.
    pub ends: UnixMillis,
}

/// Why it is too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooEarly {
    /// By the pace; so many milliseconds.
    RateLimit(u64),
    /// By slow mode; so many milliseconds.
    SlowMode(u64),
}

/// The settings of a [`RoomRateLimit`], the same in every process.
pub const SETTINGS: [Setting; 2] = [
    Setting {
        key: "send_burst",
        default: Some("10"),
        secret: false,
        help: "Messages, edits and reactions that one user may send into one room at once, 1 to 10000; the same in all processes.",
    },
    Setting {
        key: "send_interval_ms",
        default: Some("200"),
        secret: false,
        help: "Milliseconds after which such a user may send one more, up to 60000; 0 for no limit; the same in all processes.",
    },
];

impl RoomRateLimit {
    /// No limit.
    pub const OFF: Self = Self { burst: 1, interval_ms: 0 };

    /// Reads [`SETTINGS`]; what is wrong is remembered by the reader. Where no rate is limited, this one is not either.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let burst = reader.number("send_burst", 1..=SEND_BURST_MAX);
        let interval_ms = reader.number("send_interval_ms", 0..=SEND_INTERVAL_MS_MAX);
        let pace = Self { burst: burst?, interval_ms: interval_ms? };
        Some(if quota::are_switched_off(reader) { Self::OFF } else { pace })
    }

    /// Milliseconds that may be owed when one more is sent.
    pub fn credit_ms(self) -> u64 {
        self.interval_ms * u64::from(self.burst.saturating_sub(1))
    }
}

impl MessageCost {
    /// What an event is subject to.
    pub const fn of(body: &EventBody) -> Self {
        match body {
            EventBody::Message(_) | EventBody::MessageChange(MessageChanged::Edited { .. }) => Self::Text,
            EventBody::MessageChange(MessageChanged::ReactionAdded { .. } | MessageChanged::ReactionRemoved { .. }) => {
                Self::Reaction
            }
            EventBody::MessageChange(
                MessageChanged::Deleted { .. } | MessageChanged::Pinned { .. } | MessageChanged::Unpinned { .. },
            )
            | EventBody::Membership(_)
            | EventBody::Room(_)
            | EventBody::Unknown(_) => Self::Free,
        }
    }

    /// The word for it in the script.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Reaction => "reaction",
            Self::Text => "text",
        }
    }
}

/// One more by the user: what is to be remembered then. `slow_mode_ms` is 0 where it does not hold.
///
/// # Errors
/// If it is too early, and how long to wait. Nothing is to be remembered then.
pub fn step(
    pace: RoomRateLimit,
    slow_mode_ms: u64,
    trace: Option<RateState>,
    now: UnixMillis,
) -> Result<RateState, TooEarly> {
    let millis = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    // A clock that was set back must not make anybody wait longer than the limits do.
    let latest = now.0.saturating_add(millis(pace.credit_ms() + pace.interval_ms));
    let paid = trace.map_or(now.0, |trace| trace.paid.0.clamp(now.0, latest));
    let wait = paid - now.0 - millis(pace.credit_ms());
    if pace.interval_ms > 0 && wait > 0 {
        return Err(TooEarly::RateLimit(wait.unsigned_abs()));
    }
    let said = trace.and_then(|trace| trace.said).map(|said| said.min(now));
    let rest = said.map_or(0, |said| said.0 + millis(slow_mode_ms) - now.0);
    if slow_mode_ms > 0 && rest > 0 {
        return Err(TooEarly::SlowMode(rest.unsigned_abs()));
    }
    let paid = paid.saturating_add(millis(pace.interval_ms));
    let said = if slow_mode_ms > 0 { Some(now) } else { said };
    // What a reaction leaves behind must not end what a text has to wait for.
    let ends = paid.max(now.0 + millis(slow_mode_ms)).max(trace.map_or(0, |trace| trace.ends.0));
    Ok(RateState { paid: UnixMillis(paid), said, ends: UnixMillis(ends) })
}

/// How long somebody must wait between two texts; those who keep order need not.
pub const fn slow_mode_of(load: MessageCost, settings: RoomSettings, is_moderator: bool) -> u64 {
    match load {
        MessageCost::Text if !is_moderator => settings.slow_mode_ms,
        MessageCost::Text | MessageCost::Reaction | MessageCost::Free => 0,
    }
}
