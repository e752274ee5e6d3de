//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

// --- time ------------------------------------------------------------------------------------

/// Between two pings of the server.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(25);
/// Pings, and looks at who is silent, come together so often: both are due up to this much sooner.
pub const HEARTBEAT_TICK: Duration = Duration::from_millis(250);
/// How often a gateway fetches the api's public keys; a key that the api has removed is refused within this time.
pub const KEY_REFRESH_INTERVAL: Duration = Duration::from_secs(10);

// --- connections and queues ------------------------------------------------------------------

/// Commands of one connection that wait their turn; beyond it the socket is not read.
pub const COMMANDS_QUEUED_MAX: usize = 64;
/// Bytes that are read from a socket at once; the buffer is shared by all sockets of a thread.
pub const READ_BUFFER_BYTES: usize = 16 * 1024;

// --- bus -------------------------------------------------------------------------------------

/// Rooms that a gateway opens at the same time after the bus has forgotten them.
pub const REOPENS_AT_ONCE: usize = 8;
/// Frames of a room that a gateway keeps in its own memory.
pub const RING_FRAMES_MAX: usize = 64;
/// A room nobody on this node listens to any more is unsubscribed this much later.
pub const ROOM_LINGER: Duration = Duration::from_secs(30);
/// Between two audits of the heads of all live rooms (a lost last event leaves no sequence gap).
pub const HEAD_AUDIT_INTERVAL: Duration = Duration::from_secs(30);

// --- gateway ---------------------------------------------------------------------------------

/// From our close frame to the end of the socket, however the client behaves.
pub const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// How long commands of a client that said goodbye, or of a node that drains, may still take.
pub const COMMANDS_FINISH: Duration = Duration::from_secs(2);
/// Bytes that may wait for a client before its rooms stop adding to them; it catches up by number later.
pub const SEND_QUEUE_BEHIND_BYTES: usize = 192 * 1024;
/// Frames that may wait for a client before its rooms stop adding to them.
pub const SEND_QUEUE_BEHIND_FRAMES: usize = 512;
/// Frames that are written with one system call.
pub const FLUSH_FRAMES_MAX: usize = 64;
/// Bytes that are written with one system call, unless the first frame alone is larger.
pub const FLUSH_BYTES_MAX: usize = 64 * 1024;
/// System calls of one flush; after that others have a turn.
pub const FLUSH_ROUNDS_MAX: usize = 4;
/// Connections that one task flushes; more are flushed by several, side by side.
pub const FLUSHES_PER_TASK: usize = 256;
/// Signals of the bus that are handled before the connections they concern are flushed.
pub const SIGNALS_PER_FLUSH_MAX: usize = 64;
/// Fragments of one message from a client.
pub const FRAGMENTS_MAX: u32 = 1_024;
/// Bytes a send queue may hold when the replay of one more room begins.
pub const SEND_QUEUE_LOW_BYTES: usize = 128 * 1024;
/// Frames a send queue may hold when the replay of one more room begins.
pub const SEND_QUEUE_LOW_FRAMES: usize = 256;
/// Rooms of one `subscribe` frame that are prepared at the same time.
pub const SUBSCRIBES_AT_ONCE: usize = 32;
/// Permissions that a gateway remembers: of 20,000 connections in 20 rooms each.
pub const PERMISSIONS_MAX: usize = 400_000;
/// How long a permission is believed without asking again. Sends are checked against the room's ACL version anyway.
pub const PERMISSION_LIFE: Duration = Duration::from_mins(1);
/// How long it is believed while the api does not answer.
pub const PERMISSION_KEPT: Duration = Duration::from_hours(1);
/// Deleted rooms that a node remembers as such, as long as it may remember permissions of them.
pub const GONE_ROOMS_MAX: u64 = 100_000;
/// Slugs that a gateway remembers.
pub const SLUGS_MAX: u64 = 10_000;
/// Events of one room that wait while it is opened or a sequence gap is repaired; more are read again.
pub const PARKED_EVENTS_MAX: usize = 256;
/// Rooms of one gateway that are repaired at the same time.
pub const REPAIRS_AT_ONCE_MAX: usize = 64;
/// Between two looks for rooms that nobody listens to.
pub const ROOM_SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Between two looks at the stored marks while acks wait, in case a signal was lost.
pub const ACK_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// One call to the api, the connect included.
pub const AUTHORITY_DEADLINE: Duration = Duration::from_secs(3);
/// First pause of a gateway that has no keys yet; it doubles up to [`KEY_REFRESH_INTERVAL`].
pub const KEY_RETRY_MIN: Duration = Duration::from_millis(200);
/// Longest pause of a gateway that has no keys yet.
pub const KEY_RETRY_MAX: Duration = Duration::from_secs(2);
/// Milliseconds after which a client should try again what was not possible right now.
pub const RETRY_AFTER_MS: u64 = 1_000;
/// Bytes of a room's frames, in one dialect, that a gateway keeps in its own memory, beside [`RING_FRAMES_MAX`].
pub const RING_BYTES_MAX: usize = 64 * 1024;
/// Range reads for one sequence gap before it waits for the next audit.
pub const REPAIR_ROUNDS_MAX: u32 = 8;
/// Pause after a range read that failed; it doubles with every round.
pub const REPAIR_PAUSE: Duration = Duration::from_millis(50);
/// Pause after a comparison of heads that failed.
pub const AUDIT_PAUSE: Duration = Duration::from_secs(1);
/// Missed events that a resume puts into the send queue before it waits until the client has read most of them.
pub const REPLAY_FRAMES_MAX: usize = 128;
/// Bytes of such a piece of a resume, unless its first frame alone is larger.
pub const REPLAY_BYTES_MAX: usize = 128 * 1024;
/// Between two looks for sessions and rights that ended, in case a push was lost: with the calls it takes, an end is
/// known within 5 s.
pub const REVOCATION_POLL_INTERVAL: Duration = Duration::from_secs(4);
/// After so many looks each session and room was asked about by itself, in case a clock was wrong.
pub const REVOCATION_ROUND: u64 = 16;
/// How long new connections are gathered before their users are subscribed and their sessions checked in one go.
pub const LOGIN_GATHER: Duration = Duration::from_millis(20);
/// Pause after subscribing users failed.
pub const LOGIN_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Revoked sessions that a gateway remembers, so that their tokens open nothing any more.
pub const REVOKED_REMEMBERED_MAX: u64 = 100_000;
/// A permission that says no is asked for again if it is older than this: the no may have been taken back.
pub const REFUSAL_LIFE: Duration = Duration::from_secs(1);
/// Connections of one gateway in one room from which on what may be lost, such as typing, is not said there.
pub const BIG_ROOM_MEMBERS: usize = 1_000;
/// Deliveries of one room in a second, above which a gateway gathers its events: about half a processor.
pub const ROOM_DELIVERIES_PER_SECOND: u64 = 100_000;
/// Time over which they are counted.
pub const ROOM_TEMPO_WINDOW: Duration = Duration::from_millis(500);
/// Shortest time for which such a room gathers.
pub const ROOM_TICK_MIN: Duration = Duration::from_millis(50);
/// Longest time for which it does.
pub const ROOM_TICK_MAX: Duration = Duration::from_millis(100);
/// Frames that go into send queues before a gateway writes, so that a room of thousands does not keep the others waiting.
pub const DELIVERIES_PER_FLUSH_MAX: u64 = 4_096;
/// Bytes that the kernel takes for a client that does not read; it counts its own overhead on top.
pub const SEND_BUFFER_BYTES: usize = 128 * 1024;
/// Such calls of one gateway that are under way; what is asked meanwhile goes along with the next.
pub const AUTHORIZE_CALLS_MAX: usize = 2;
/// The least that it asks with one call, however slow the api is.
pub const AUTHORIZE_QUESTIONS_MIN: usize = 64;
/// A call that takes longer makes the next ones smaller, and is not waited for by those who ask something else.
pub const AUTHORIZE_SLOW: Duration = Duration::from_secs(1);
/// Such calls, if the newest of them is that slow.
pub const AUTHORIZE_CALLS_HANGING_MAX: usize = 4;
/// Questions about rights that wait in one gateway.
pub const AUTHORIZE_WAITING_MAX: usize = 200_000;
/// Before the end of the access token a connection gets `token_expiring`.
pub const TOKEN_WARNING: Duration = Duration::from_mins(1);

// --- what is done to messages ----------------------------------------------------------------

/// Messages that a gateway remembers to be there, so that it need not ask before they are answered.
pub const REPLIES_REMEMBERED_MAX: u64 = 50_000;

// --- presence and typing -----------------------------------------------------------------------

/// Life of a gateway's lease on the presence it has written. With [`PRESENCE_RENEW_INTERVAL`] it is 10 to 15 s after a
/// crash that its users are offline.
pub const PRESENCE_LEASE_LIFE: Duration = Duration::from_secs(15);
/// Between two renewals of that lease: the only write of presence that comes from time alone.
pub const PRESENCE_RENEW_INTERVAL: Duration = Duration::from_secs(5);
/// How long a user whose last connection broke is still shown as online: reconnects and deploys take less.
pub const PRESENCE_GRACE: Duration = Duration::from_secs(10);
/// The same for a user who said goodbye.
pub const PRESENCE_GOODBYE_GRACE: Duration = Duration::from_secs(2);
/// How long changes of presence are gathered before they are written in one go.
pub const PRESENCE_GATHER: Duration = Duration::from_millis(50);
/// Between two changes of one user, or of one room, that are written or sent; those between become one.
pub const PRESENCE_INTERVAL: Duration = Duration::from_secs(1);
/// The same for a room in which users are only counted.
pub const PRESENCE_COUNT_INTERVAL: Duration = Duration::from_secs(10);
/// Pause after presence could not be written or read.
pub const PRESENCE_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Users in one question for presence.
pub const PRESENCE_READ_MAX: usize = 500;
/// Pause between two pieces of that cleaning: at most 10,000 users a second are announced.
pub const REAP_PAUSE: Duration = Duration::from_millis(20);
/// Users and rooms that a gateway remembers for [`TYPING_INTERVAL`](rookery_protocol::limits::TYPING_INTERVAL).
pub const TYPING_REMEMBERED_MAX: u64 = 100_000;
/// Bytes that may wait for a client before it is sent no more of what may be lost, such as typing.
pub const SEND_QUEUE_EPHEMERAL_BYTES: usize = 16 * 1024;
/// Frames that may wait for a client before it is sent no more of what may be lost.
pub const SEND_QUEUE_EPHEMERAL_FRAMES: usize = 32;

// --- read marks and unread counts ------------------------------------------------------------

/// Between two writes of the read mark of one connection in one room.
pub const READ_WRITE_INTERVAL: Duration = Duration::from_secs(1);
/// Rooms of one connection whose read marks are coalesced; those of more are written at once.
pub const READS_COALESCED_MAX: usize = 256;
/// How long the first read mark of a connection waits for the subscription to its user.
pub const NEWS_WAIT: Duration = Duration::from_secs(1);
/// How long `subscribed` waits for the counts before it is sent without them.
pub const READ_STATE_WAIT: Duration = Duration::from_secs(1);
/// Between two times that a connection which nobody looks at is told what is unread.
pub const BACKGROUND_COUNTS_INTERVAL: Duration = Duration::from_secs(10);

// --- login sessions --------------------------------------------------------------------------

/// Questions about sessions that a gateway asks the api with one call.
pub const SESSION_QUESTIONS_MAX: usize = 500;
/// The least that it asks with one call, however slow the api is.
pub const SESSION_QUESTIONS_MIN: usize = 64;
/// Such calls of one gateway that are under way; what is asked meanwhile goes along with the next.
pub const SESSION_CALLS_MAX: usize = 4;
/// Such calls, if the newest of them is slow.
pub const SESSION_CALLS_HANGING_MAX: usize = 8;
/// Connections of one gateway whose sessions wait to be asked about; more are refused for now.
pub const SESSIONS_WAITING_MAX: usize = 50_000;
/// How long a new connection waits until news of its user is heard, before its session is asked about. If it is not heard
/// by then, the session is asked about once more when it is.
pub const SESSION_HEARD_WAIT: Duration = Duration::from_millis(250);

// --- what operators may set -------------------------------------------------------------------

/// Largest number of sockets that operators may allow one user, or one address that has brought no token.
pub const SOCKETS_MAX_MAX: usize = 1_000_000;

/// Requests of a Socket.IO connection that may wait for their acknowledgement, as many as messages of any connection; one
/// more is refused.
pub const SOCKETIO_ACKS_MAX: usize = 1_000;
/// The largest id of an acknowledgement: the largest number that a JavaScript client counts exactly.
pub const SOCKETIO_ACK_ID_MAX: u64 = (1 << 53) - 1;
/// Arguments of a Socket.IO event, beside its name. Those after the first are ignored.
pub const SOCKETIO_EVENT_ARGUMENTS_MAX: usize = 8;
/// Connections by HTTP long-polling on one gateway.
pub const POLLING_CONNECTIONS_MAX: usize = 2_000;
/// Bytes that wait for a request that asks for packets; beyond it the connection's send queue keeps the rest.
pub const POLLING_WRITTEN_BYTES: usize = 64 * 1024;
/// Bytes of one answer with packets, unless the first packet alone is larger.
pub const POLLING_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long the body of a request with packets may take.
pub const POLLING_BODY_DEADLINE: Duration = Duration::from_secs(10);
/// How long a WebSocket may take to become the transport of a connection by long-polling.
pub const POLLING_UPGRADE_DEADLINE: Duration = Duration::from_secs(10);
/// Characters of an unknown namespace that are told back to the client.
pub const SOCKETIO_NAMESPACE_CHARS_MAX: usize = 100;
