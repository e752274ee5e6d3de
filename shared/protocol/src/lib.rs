//! Wire protocol v1: JSON text frames over WebSocket. `docs/protocol.md` is its prose, `shared/fixtures` its
//! examples; the tests of Rust and of the browser client both read those.
//!
//! Untrusted text is parsed here once. Sizes are checked before anything is decoded.

use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use crate::id::MessageId;

pub mod access;
pub mod ack_mode;
pub mod asyncapi;
pub mod attachment;
pub mod bounds;
pub mod changes;
pub mod client;
pub mod clock;
pub mod close;
pub mod content;
pub mod cost;
pub mod emoji;
pub mod error_code;
pub mod event;
pub mod filter;
pub mod id;
pub mod integer;
pub mod limits;
pub mod mention;
pub mod message_change;
pub mod news;
pub mod notice;
pub mod object;
pub mod partition;
pub mod parts;
pub mod position;
pub mod presence;
pub mod reserved;
pub mod room;
pub mod room_changes;
pub mod schema;
pub mod server;
pub mod socketio;
pub mod text;
pub mod trace;
pub mod typescript;
pub mod unread;

/// The WebSocket subprotocol; a client may offer it together with `bearer.<token>`.
pub const SUBPROTOCOL: &str = "chat.v1";
/// Prefix of the subprotocol entry that carries an access token.
pub const BEARER_PREFIX: &str = "bearer.";

/// A message that somebody names, if any: a text that is no id is answered like an id that no message has.
///
/// # Errors
/// If it is no text.
pub fn named_message<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MessageId>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let nothing = || MessageId::from_uuid(Uuid::nil());
    Ok(text.map(|text| MessageId::from_hyphenated(&text).unwrap_or_else(|_| nothing())))
}

/// A field that may be left out may be null, too: both mean the default.
fn null_or<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
