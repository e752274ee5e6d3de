//! Every bound that users or operators can meet, with its unit and its reason, in one place.

use std::time::Duration;

pub use acts::*;
pub use http::*;
pub use load::*;
pub use passwords::*;
pub use presence::*;
pub use reads::*;
pub use sessions::*;
pub use settings::*;
pub use store::*;

mod acts;
mod http;
mod load;
mod passwords;
mod presence;
mod reads;
mod sessions;
mod settings;
mod store;

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
/// Between two pings of the server.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(25);
/// Pings, and looks at who is silent, come together so often: both are due up to this much sooner.
pub const HEARTBEAT_TICK: Duration = Duration::from_millis(250);
/// Silence after which a connection is given up: one ping and 20 s for its answer.
pub const HEARTBEAT_DEADLINE: Duration = Duration::from_secs(45);
/// One flush to a client's socket; a peer that takes longer reads too slowly.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// From the accept, a TLS handshake included, or from the first byte of a later request, to the end of the request head.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// Life of an access token.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_mins(15);
/// Life of a refresh token since its last use.
pub const REFRESH_TOKEN_LIFE: Duration = Duration::from_hours(7 * 24);
/// Time in which the parent of a refresh token still answers with the same child (two tabs, a lost reply).
pub const REFRESH_GRACE: Duration = Duration::from_secs(10);
/// Difference of clocks that is forgiven when a token's times are checked.
pub const TOKEN_LEEWAY: Duration = Duration::from_secs(5);
/// How often a gateway fetches the api's public keys; a removed key is refused within this time.
pub const KEY_REFRESH_INTERVAL: Duration = Duration::from_secs(30);
/// How long a REST send waits for "stored" before it answers 202 instead of 201.
pub const STORED_WAIT: Duration = Duration::from_secs(5);

// --- connections and queues ------------------------------------------------------------------

/// Request head: all header lines together.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Request head: number of header lines.
pub const HEADERS_MAX: usize = 100;
/// Body of a REST request.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes a connection may owe its client before it is closed with 4508.
pub const OUTBOX_BYTES_MAX: usize = 1024 * 1024;
/// Frames a connection may owe its client before it is closed with 4508.
pub const OUTBOX_FRAMES_MAX: usize = 1_024;
/// Commands of one connection that wait their turn; beyond it the socket is not read.
pub const COMMANDS_QUEUED_MAX: usize = 64;
/// Acks of one connection that wait for "stored"; beyond it sends answer `overloaded`.
pub const ACKS_PENDING_PER_CONNECTION_MAX: usize = 1_000;
/// Bytes that are read from a socket at once; the buffer is shared by all sockets of a thread.
pub const READ_BUFFER_BYTES: usize = 16 * 1024;

// --- bus -------------------------------------------------------------------------------------

/// Partitions of the rooms; fixed when a cluster is first started.
pub const PARTITIONS: u16 = 64;
/// Entries of a room's hot tail.
pub const TAIL_EVENTS_MAX: usize = 200;
/// Life of an idle hot tail.
pub const TAIL_LIFE: Duration = Duration::from_hours(1);
/// Epochs of a room of which is remembered what is left of them; who comes from an older one reads history again.
pub const ROOM_EPOCHS_MAX: usize = 16;
/// Rooms that a gateway opens at the same time after the bus has forgotten them.
pub const REOPENS_AT_ONCE: usize = 8;
/// Frames of a room that a gateway keeps in its own memory.
pub const RING_FRAMES_MAX: usize = 64;
/// Missed events that a resume replays; beyond it the client is told of a gap.
pub const RESUME_EVENTS_MAX: u64 = 500;
/// Entries of a partition's log that wait for the store before sends answer `overloaded`.
pub const LOG_ENTRIES_MAX: u64 = 200_000;
/// Length of one dedupe bucket; current and previous are read, so a repeat is known for 2 to 4 minutes in Redis.
pub const DEDUPE_BUCKET: Duration = Duration::from_mins(2);
/// Events that wait in a process between the bus and its rooms.
pub const SIGNALS_MAX: usize = 65_536;
/// Between two attempts to subscribe to channels of the bus.
pub const SUBSCRIBE_PAUSE: Duration = Duration::from_millis(200);
/// A process hears a partition's stored marks this long after it has last appended there.
pub const MARKS_LINGER: Duration = Duration::from_mins(2);
/// One command to Redis.
pub const BUS_COMMAND_DEADLINE: Duration = Duration::from_secs(3);
/// A room nobody on this node listens to any more is unsubscribed this much later.
pub const ROOM_LINGER: Duration = Duration::from_secs(30);
/// Between two audits of the heads of all live rooms (a lost last event leaves no hole).
pub const HEAD_AUDIT_INTERVAL: Duration = Duration::from_secs(30);
/// Events of one partition that ingest stores in one batch.
pub const INGEST_BATCH_MAX: usize = 200;
/// Events of several partitions that ingest gives to the store in one call.
pub const INGEST_GROUP_MAX: usize = 200;
/// Stored events that ingest remembers, so that it does not write them again: a batch of each partition.
pub const INGEST_REMEMBERED_MAX: usize = 2 * INGEST_BATCH_MAX * PARTITIONS as usize;
/// Such calls of one process under way at once.
pub const INGEST_WRITES_AT_ONCE: usize = 2;
/// How often a write is tried whose outcome is not known, before its batches are read again.
pub const INGEST_WRITE_ATTEMPTS: usize = 5;
/// A write whose outcome stayed unknown may still be carried out for so long, and no epoch begins meanwhile.
pub const INGEST_WRITE_LINGER: Duration = Duration::from_secs(20);
/// Between two of these.
pub const INGEST_WRITE_PAUSE: Duration = Duration::from_millis(200);
/// From the begin of one such call to the next, at least: what comes meanwhile goes together.
pub const INGEST_WRITE_GAP: Duration = Duration::from_millis(10);
/// Life of a partition lease; renewed at a third of it. So long nothing is stored after an api has died.
pub const LEASE_LIFE: Duration = Duration::from_secs(2);

/// Version of what is kept in Redis. A change that an older process would misread raises it.
pub const REDIS_LAYOUT: u16 = 1;

// --- api -------------------------------------------------------------------------------------

/// A REST request that takes longer is told in the log.
pub const SLOW_REQUEST: Duration = Duration::from_secs(1);
/// From the head of a REST request to its answer, the body included.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// How long a password waits for a free processor before the answer is `overloaded`.
pub const PASSWORD_WAIT: Duration = Duration::from_secs(1);
/// How long a join or leave waits for its announcement to reach the bus; after that it follows by itself.
pub const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
/// How long the end of a session waits for its push; gateways find it by asking, too.
pub const REVOKE_PUSH_WAIT: Duration = Duration::from_secs(1);
/// Between two looks for announcements that did not reach the bus.
pub const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(1);
/// Announcements that are read from the store at once.
pub const ANNOUNCE_BATCH_MAX: usize = 100;
/// REST sends of one process that wait for "stored"; beyond it they are answered 202 at once.
pub const STORED_WAITS_MAX: usize = 10_000;
/// Between two looks at the stored marks while a send waits, in case a signal was lost.
pub const STORED_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a new epoch waits for writes of the one before that are under way.
pub const ROOM_OPEN_WAIT: Duration = Duration::from_secs(3);
/// From the first who wants a room that nobody has open to the answer for all who wait for it. Each step has a deadline of
/// its own; after a cold start a database may need all of it.
pub const ROOM_OPEN_DEADLINE: Duration = Duration::from_secs(10);
/// Between two tries to open a room within that.
pub const ROOM_OPEN_PAUSE: Duration = Duration::from_millis(250);
/// Rooms that are being opened of which a process remembers it, so that one call serves all who wait.
pub const ROOMS_OPENING_MAX: u64 = 10_000;
/// Rooms of one user that `rooms/mine` lists.
pub const ROOMS_OF_USER_MAX: usize = 1_000;
/// How long a page of history waits for the bus before it is served from the store alone.
pub const HISTORY_BUS_WAIT: Duration = Duration::from_secs(1);
/// Between the first two attempts to prepare the store; it doubles up to [`START_PAUSE_MAX`].
pub const START_PAUSE_MIN: Duration = Duration::from_millis(200);
/// Longest time between two attempts to prepare the store.
pub const START_PAUSE_MAX: Duration = Duration::from_secs(5);
/// Before a warning about something that is tried again and again is logged again with the same reason.
pub const WARNING_INTERVAL: Duration = Duration::from_secs(30);
/// Reasons that one kind of warning gives meanwhile; more are not logged.
pub const WARNING_REASONS_MAX: usize = 16;
/// Appends that wait for the in-process journal; beyond it sends answer `overloaded`.
pub const JOURNAL_QUEUE_MAX: usize = 4_096;
/// Appends that share one write of the in-process journal.
pub const JOURNAL_BATCH_MAX: usize = 256;

// --- gateway ---------------------------------------------------------------------------------

/// From our close frame to the end of the socket, however the client behaves.
pub const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// How long commands of a client that said goodbye, or of a node that drains, may still take.
pub const COMMANDS_FINISH: Duration = Duration::from_secs(2);
/// Bytes a connection may owe its client before its rooms stop adding to them; it catches up by number later.
pub const OUTBOX_BEHIND_BYTES: usize = 192 * 1024;
/// Frames a connection may owe its client before its rooms stop adding to them.
pub const OUTBOX_BEHIND_FRAMES: usize = 512;
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
/// Bytes an outbox may hold when the replay of one more room begins.
pub const OUTBOX_LOW_BYTES: usize = 128 * 1024;
/// Frames an outbox may hold when the replay of one more room begins.
pub const OUTBOX_LOW_FRAMES: usize = 256;
/// Rooms of one `subscribe` frame that are prepared at the same time.
pub const SUBSCRIBES_AT_ONCE: usize = 32;
/// Permissions that a gateway remembers: of 20,000 connections in 20 rooms each.
pub const PERMISSIONS_MAX: usize = 400_000;
/// How long a permission is believed without asking again. Sends are checked against the room's ACL version anyway.
pub const PERMISSION_LIFE: Duration = Duration::from_mins(1);
/// How long it is believed while the api does not answer.
pub const PERMISSION_KEPT: Duration = Duration::from_hours(1);
/// Slugs that a gateway remembers.
pub const SLUGS_MAX: u64 = 10_000;
/// Events of one room that wait while it is opened or a hole is repaired; more are read again.
pub const PARKED_EVENTS_MAX: usize = 256;
/// Rooms of one gateway that are repaired at the same time.
pub const REPAIRS_AT_ONCE_MAX: usize = 64;
/// Rooms whose heads are read in one go.
pub const HEADS_PER_READ_MAX: usize = 500;
/// Between two looks for rooms that nobody listens to.
pub const ROOM_SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Between two looks at the stored marks while acks wait, in case a signal was lost.
pub const ACK_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// One call to the api, the connect included.
pub const AUTHORITY_DEADLINE: Duration = Duration::from_secs(3);
/// The connect to the api.
pub const AUTHORITY_CONNECT_DEADLINE: Duration = Duration::from_secs(1);
/// Connections to the api that a gateway keeps when nobody asks for anything; a busy one has more.
pub const AUTHORITY_IDLE_MAX: usize = 16;
/// Bytes of an answer of the api to a gateway.
pub const AUTHORITY_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// First pause of a gateway that has no keys yet; it doubles up to [`KEY_REFRESH_INTERVAL`].
pub const KEY_RETRY_MIN: Duration = Duration::from_millis(200);
/// Longest pause of a gateway that has no keys yet.
pub const KEY_RETRY_MAX: Duration = Duration::from_secs(2);
/// Milliseconds after which a client should try again what was not possible right now.
pub const RETRY_AFTER_MS: u64 = 1_000;
/// Bytes of a room's frames that a gateway keeps in its own memory, beside [`RING_FRAMES_MAX`].
pub const RING_BYTES_MAX: usize = 64 * 1024;
/// Milliseconds over which the clients of a draining node are asked to spread their return.
pub const RECONNECT_SPREAD_MS: u64 = 2_000;
/// Range reads for one hole before it waits for the next audit.
pub const REPAIR_ROUNDS_MAX: u32 = 8;
/// Pause after a range read that failed; it doubles with every round.
pub const REPAIR_PAUSE: Duration = Duration::from_millis(50);
/// Pause after a comparison of heads that failed.
pub const AUDIT_PAUSE: Duration = Duration::from_secs(1);
/// Messages from Redis that wait until they are sorted to their listeners; more are a loss, which is repaired.
pub const REDIS_MESSAGES_MAX: usize = 8_192;
/// News of the command connection, such as reconnects, that wait to be heard.
pub const REDIS_NEWS_MAX: usize = 64;
/// How often a command is sent when Redis says that its data is on another server; it was not run then.
pub const REDIS_ATTEMPTS: usize = 3;
/// Calls of one kind, such as subscribing after a reconnect, that wait for Redis at the same time.
pub const REDIS_CALLS_AT_ONCE: usize = 512;
/// Between two signs of life that the subscriber connections ask for; without one they would never notice that a
/// server only listens any more.
pub const SUBSCRIBER_PING_INTERVAL: Duration = Duration::from_secs(1);
/// Between two questions to Redis Cluster who has which slots, in case nothing else made it tell.
pub const TOPOLOGY_INTERVAL: Duration = Duration::from_secs(5);
/// Missed events that a resume puts into the outbox before it waits until the client has read most of them.
pub const REPLAY_FRAMES_MAX: usize = 128;
/// Bytes of such a piece of a resume, unless its first frame alone is larger.
pub const REPLAY_BYTES_MAX: usize = 128 * 1024;
/// Events that the api reads from the store for a gateway at once.
pub const EVENTS_PER_READ_MAX: usize = 200;
/// Bytes of such events, unless the first alone is larger; the gateway asks again for the rest.
pub const EVENTS_BYTES_MAX: usize = 512 * 1024;
/// Bytes of the api's answer with such events: every character escaped, and what lies between them.
pub const EVENTS_ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Different reads of missed events that are under way in one api process.
pub const EVENT_READS_MAX: u64 = 1_024;
/// Between two looks for sessions and rights that ended, in case a push was lost: with the calls it takes, an end is
/// known within 5 s.
pub const REVOCATION_POLL_INTERVAL: Duration = Duration::from_secs(4);
/// How far before the last answer the next one begins: clocks of apis may differ, and changes take a while.
pub const CHANGES_OVERLAP: Duration = Duration::from_secs(30);
/// Sessions, and rooms, that one answer names as changed; where there are more, all that are here are asked about.
pub const CHANGES_PER_READ_MAX: usize = 1_000;
/// After so many looks each session and room was asked about by itself, in case a clock was wrong.
pub const REVOCATION_ROUND: u64 = 16;
/// Sessions, rooms or users in one question for what ended.
pub const REVOCATIONS_PER_READ_MAX: usize = 500;
/// How long new connections are gathered before their users are subscribed and their sessions checked in one go.
pub const LOGIN_GATHER: Duration = Duration::from_millis(20);
/// Pause after subscribing users failed.
pub const LOGIN_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Revoked sessions that a gateway remembers, so that their tokens open nothing any more.
pub const REVOKED_REMEMBERED_MAX: u64 = 100_000;
/// A permission that says no is asked for again if it is older than this: the no may have been taken back.
pub const REFUSAL_LIFE: Duration = Duration::from_secs(1);
/// WebSocket frames of one client in a second, of every kind: fragments, pings and pongs, too. More, beyond
/// [`FRAMES_BURST_MAX`], closes with 4429. A busy bot says a few dozen.
pub const FRAMES_PER_SECOND_MAX: u32 = 1_000;
/// WebSocket frames of one client that may come at once before the rate counts.
pub const FRAMES_BURST_MAX: u32 = 5_000;
/// Different pages of histories that one api process reads at the same time. More at once are not read sooner: a database
/// that has too much in hand answers nothing in time, and is asked again.
pub const HISTORY_READS_MAX: usize = 8;
/// How long a page waits for its turn before it is refused.
pub const HISTORY_READ_WAIT: Duration = Duration::from_secs(2);
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
/// Frames that go into outboxes before a gateway writes, so that a room of thousands does not keep the others waiting.
pub const DELIVERIES_PER_FLUSH_MAX: u64 = 4_096;
/// Bytes that the kernel takes for a client that does not read; it counts its own overhead on top.
pub const SEND_BUFFER_BYTES: usize = 128 * 1024;
/// Questions about rights that a gateway asks the api with one call.
pub const AUTHORIZE_QUESTIONS_MAX: usize = 2_000;
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
/// Bytes of one such call.
pub const AUTHORIZE_BYTES_MAX: usize = 512 * 1024;
/// Bytes of its answer.
pub const AUTHORIZE_ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;
/// What users are in rooms, as an api remembers it; it is believed as long as the room's version is the same.
pub const STANDINGS_MAX: u64 = 200_000;
/// How long it is remembered after it was last asked for.
pub const STANDINGS_LIFE: Duration = Duration::from_hours(1);
/// Ids in one question to MongoDB about many documents.
pub const STORE_IDS_PER_READ_MAX: usize = 20;
/// Such questions of one call that are under way.
pub const STORE_READS_AT_ONCE: usize = 8;
/// Longest slow mode of a room, in milliseconds: 6 hours.
pub const SLOW_MODE_MS_MAX: u64 = 6 * 60 * 60 * 1_000;
/// Largest burst that operators may allow one user in one room.
pub const SEND_BURST_MAX: u32 = 10_000;
/// Longest interval, in milliseconds, that operators may set between what one user says in one room.
pub const SEND_INTERVAL_MS_MAX: u64 = 60_000;
/// Before the end of the access token a connection is told that it has to renew it.
pub const TOKEN_WARNING: Duration = Duration::from_mins(1);
/// Largest burst that operators may set for what one user or one address may ask for.
pub const QUOTA_BURST_MAX: u32 = 1_000_000;
/// Longest interval, in milliseconds, that operators may set between two of them: a day.
pub const QUOTA_INTERVAL_MS_MAX: u64 = 24 * 60 * 60 * 1_000;
/// Tokens of a user that a node takes out of the shared bucket at once, so that not every command asks Redis.
pub const QUOTA_LEASE_MAX: u32 = 10;
/// How long a request waits for the shared bucket before the node counts alone.
pub const QUOTA_WAIT: Duration = Duration::from_millis(250);
/// How long a node counts alone before it asks for the shared buckets again.
pub const QUOTA_ALONE: Duration = Duration::from_secs(1);
/// Between two signs of life of a node that shares buckets with others.
pub const QUOTA_NODE_INTERVAL: Duration = Duration::from_secs(5);
/// After so long without a sign of life a node is not counted any more.
pub const QUOTA_NODE_LIFE: Duration = Duration::from_secs(15);
/// Nodes that a process counts with while it has never heard how many there are.
pub const QUOTA_NODES_UNKNOWN: u32 = 4;
/// Buckets that a process remembers; beyond it those that are full again are forgotten, then any.
pub const QUOTA_BUCKETS_MAX: usize = 100_000;
/// Bytes of WebSocket frames that one client may send in a second. More, beyond [`BYTES_BURST_MAX`], closes with 4429.
pub const BYTES_PER_SECOND_MAX: u32 = 512 * 1024;
/// Bytes of WebSocket frames that one client may send at once before the rate counts.
pub const BYTES_BURST_MAX: u32 = 8 * 1024 * 1024;
/// Proxies that are looked at in `X-Forwarded-For`, from the right.
pub const PROXY_HOPS_MAX: usize = 16;
/// File descriptors that a listener leaves to everything else in the process.
pub const DESCRIPTORS_KEPT: usize = 128;
/// Refused connections of one listener whose answer is waited for at the same time; others are just closed.
pub const REFUSALS_AT_ONCE: usize = 64;
/// How long a refused connection may take to read why.
pub const REFUSAL_DEADLINE: Duration = Duration::from_millis(500);
