//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

// --- what a client may send -------------------------------------------------------------------

/// Bytes of one WebSocket message from a client. Room for the longest text with every character escaped.
pub const FRAME_BYTES_MAX: usize = 32 * 1024;
/// Unicode characters of one message text.
pub const CONTENT_CHARS_MAX: usize = 4_000;
/// Bytes of one message text as UTF-8.
pub const CONTENT_BYTES_MAX: usize = 12_000;
/// Bytes of a `client_id`.
pub const CLIENT_ID_BYTES_MAX: usize = 64;
/// Bytes of a room's slug.
pub const SLUG_BYTES_MAX: usize = 64;
/// Rooms in one `subscribe` or `unsubscribe` frame.
pub const ROOMS_PER_FRAME_MAX: usize = 100;
/// Live rooms of one connection; more belong to the room list, not to the socket.
pub const ROOMS_PER_CONNECTION_MAX: usize = 200;
/// Frames that are not understood, in one minute, before the connection is closed with 1008.
pub const BAD_FRAMES_PER_MINUTE_MAX: u32 = 30;
/// Bytes of an access token; ours have about 400.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;

// --- time ------------------------------------------------------------------------------------

/// From the upgrade to a valid token.
pub const AUTH_DEADLINE: Duration = Duration::from_secs(10);
/// Silence after which a connection is given up: one ping and 20 s for its answer.
pub const HEARTBEAT_DEADLINE: Duration = Duration::from_secs(45);
/// One flush to a client's socket; a peer that takes longer reads too slowly.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// From the accept, a TLS handshake included, or from the first byte of a later request, to the end of the request head.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// Life of an access token.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_mins(15);
/// Longest life of an access token that operators may choose; gateways know for so long which sessions have ended.
pub const ACCESS_TOKEN_LIFE_MAX: Duration = Duration::from_hours(1);
/// Difference of clocks that is forgiven when a token's times are checked.
pub const TOKEN_LEEWAY: Duration = Duration::from_secs(5);
/// How long a ticket opens a socket.
pub const TICKET_LIFE: Duration = Duration::from_secs(30);
/// Time in which the parent of a refresh token still answers with the same child (two tabs, a lost reply).
pub const REFRESH_GRACE: Duration = Duration::from_secs(10);

// --- connections and queues ------------------------------------------------------------------

/// Request head: all header lines together.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Request head: number of header lines.
pub const HEADERS_MAX: usize = 100;
/// Words of one list of a word filter.
pub const FILTER_WORDS_MAX: usize = 1_000;
/// Characters of a word of a word filter.
pub const FILTER_WORD_CHARS_MAX: usize = 64;
/// Body of a REST request.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes a connection may owe its client before it is closed with 4508.
pub const SEND_QUEUE_BYTES_MAX: usize = 1024 * 1024;
/// Frames a connection may owe its client before it is closed with 4508.
pub const SEND_QUEUE_FRAMES_MAX: usize = 1_024;
/// Acks of one connection that wait for "stored"; beyond it sends answer `overloaded`.
pub const ACKS_PENDING_PER_CONNECTION_MAX: usize = 1_000;

// --- bus -------------------------------------------------------------------------------------

/// Partitions of the rooms; fixed when a cluster is first started.
pub const PARTITIONS: u16 = 64;
/// Entries of a room's hot tail.
pub const TAIL_EVENTS_MAX: usize = 200;
/// Epochs of a room of which is remembered what is left of them; who comes from an older one reads history again.
pub const ROOM_EPOCHS_MAX: usize = 16;
/// Missed events that a resume replays; beyond it the client gets a `gap`.
pub const RESUME_EVENTS_MAX: u64 = 500;
/// Entries of a partition's log that wait for the store before sends answer `overloaded`.
pub const LOG_ENTRIES_MAX: u64 = 200_000;

// --- gateway ---------------------------------------------------------------------------------

/// Rooms whose heads are read in one go.
pub const HEADS_PER_READ_MAX: usize = 500;
/// Milliseconds over which the clients of a draining node are asked to spread their return.
pub const RECONNECT_SPREAD_MS: u64 = 2_000;
/// Events that the api reads from the store for a gateway at once.
pub const EVENTS_PER_READ_MAX: usize = 200;
/// Sessions, rooms or users in one question for what ended.
pub const REVOCATIONS_PER_READ_MAX: usize = 500;
/// WebSocket frames of one client in a second, of every kind: fragments, pings and pongs, too. More, beyond
/// [`FRAMES_BURST_MAX`], closes with 4429. A busy bot says a few dozen.
pub const FRAMES_PER_SECOND_MAX: u32 = 1_000;
/// WebSocket frames of one client that may come at once before the rate counts.
pub const FRAMES_BURST_MAX: u32 = 5_000;
/// Questions about rights that a gateway asks the api with one call.
pub const AUTHORIZE_QUESTIONS_MAX: usize = 2_000;
/// Bytes of WebSocket frames that one client may send in a second. More, beyond [`BYTES_BURST_MAX`], closes with 4429.
pub const BYTES_PER_SECOND_MAX: u32 = 512 * 1024;
/// Bytes of WebSocket frames that one client may send at once before the rate counts.
pub const BYTES_BURST_MAX: u32 = 8 * 1024 * 1024;

// --- what is done to messages ----------------------------------------------------------------

/// Characters of a reaction: the longest emoji of the Unicode list.
pub const EMOJI_CHARS_MAX: usize = 10;
/// Bytes of a reaction as UTF-8.
pub const EMOJI_BYTES_MAX: usize = 35;
/// Different reactions to one message.
pub const REACTIONS_PER_MESSAGE_MAX: usize = 20;
/// Users who are named with a reaction, the first ones; the others are counted, and listed by pages.
pub const REACTION_USERS_MAX: usize = 20;
/// Users who answered a message that its `replies` name, those who did last.
pub const REPLIERS_SHOWN_MAX: usize = 5;
/// Files of a message.
pub const ATTACHMENTS_MAX: usize = 10;
/// Characters of a file's name.
pub const FILE_NAME_CHARS_MAX: usize = 120;
/// Bytes of a file's media type.
pub const MEDIA_TYPE_BYTES_MAX: usize = 100;

// --- presence and typing -----------------------------------------------------------------------

/// Users online in a room up to which they are named; more are only counted, and typing is not sent.
pub const ROOM_PRESENCE_MAX: usize = 200;
/// Users that one connection watches.
pub const WATCHED_USERS_MAX: usize = 500;
/// Rooms whose presence one connection watches.
pub const WATCHED_ROOMS_MAX: usize = 100;
/// Users in one REST question for presence, so that it fits a request head.
pub const PRESENCE_IDS_MAX: usize = 200;
/// Characters of a status text.
pub const STATUS_TEXT_CHARS_MAX: usize = 100;
/// Bytes of a status text as UTF-8.
pub const STATUS_TEXT_BYTES_MAX: usize = 300;
/// Between two signs that one user is typing in one room; those between are dropped.
pub const TYPING_INTERVAL: Duration = Duration::from_secs(3);

// --- read marks and unread counts ------------------------------------------------------------

/// Different names that one text mentions; further ones are not counted.
pub const MENTIONS_PER_MESSAGE_MAX: usize = 50;
/// Rooms of a page of `users/me/rooms`.
pub const MY_ROOMS_PAGE_MAX: usize = 2_000;

// --- login sessions --------------------------------------------------------------------------

/// Open sessions of one user; one more ends the oldest.
pub const SESSIONS_PER_USER_MAX: usize = 50;
/// Refreshes of one session in 10 s; for more of them the client has to wait.
pub const REFRESHES_AT_ONCE_MAX: usize = 16;

// --- what operators may set -------------------------------------------------------------------

/// Longest time, in milliseconds, that operators may give a process to stop: an hour.
pub const DRAIN_MS_MAX: u64 = 60 * 60 * 1_000;
