//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

// --- gateway ---------------------------------------------------------------------------------

/// The connect to the api.
pub(crate) const AUTHORITY_CONNECT_DEADLINE: Duration = Duration::from_secs(1);
/// Connections to the api that a gateway keeps when nobody asks for anything; a busy one has more.
pub(crate) const AUTHORITY_IDLE_MAX: usize = 16;
/// Bytes of an answer of the api to a gateway.
pub(crate) const AUTHORITY_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the api's answer with such events: every character escaped, and what lies between them.
pub(crate) const EVENTS_ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of its answer.
pub(crate) const AUTHORIZE_ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of its answer with a word filter.
pub(crate) const FILTER_ANSWER_BYTES_MAX: usize = 1024 * 1024;
