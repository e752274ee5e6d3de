//! Bounds of acts on messages, of what answers them, and of names.

use std::time::Duration;

// --- what is done to messages ----------------------------------------------------------------

/// Characters of a reaction: the longest emoji of the Unicode list.
pub const EMOJI_CHARS_MAX: usize = 10;
/// Bytes of a reaction as UTF-8.
pub const EMOJI_BYTES_MAX: usize = 35;
/// Different reactions to one message.
pub const REACTIONS_PER_MESSAGE_MAX: usize = 20;
/// Users who are named with a reaction, the first ones; the others are counted, and listed by pages.
pub const REACTION_USERS_MAX: usize = 20;
/// Versions of one message that its history of edits shows, the newest ones.
pub const EDITS_SHOWN_MAX: usize = 100;
/// How long the store remembers that a reaction was taken back, so that an older act that comes late does not count.
pub const TAKEN_BACK_KEPT: Duration = Duration::from_mins(10);
/// Between two times that such rows are forgotten.
pub const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// Rows that are forgotten at a time.
pub const SWEEP_ROWS_MAX: usize = 10_000;
/// Between two looks at a message of which something is not stored yet that an act would repeat.
pub const ACT_SETTLE_PAUSE: Duration = Duration::from_millis(50);
/// How often it is looked at before the act is answered `unavailable`.
pub const ACT_SETTLE_TRIES: usize = 40;
/// Acts on messages of one batch that are applied side by side in MongoDB.
pub const ACTS_AT_ONCE: usize = 16;
/// Messages that a gateway remembers to be there, so that it need not ask before they are answered.
pub const REPLIES_REMEMBERED_MAX: u64 = 50_000;
/// Random numbers that are tried behind the slug of a new room when the small ones are taken.
pub const SLUG_TRIES: usize = 8;
