//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

// --- time ------------------------------------------------------------------------------------

/// How often a process that signs tokens reads the folder of its keys again.
pub const KEY_RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// How long the command `health` waits for its answer: longer than a process takes to see that what it needs does not answer.
pub const HEALTH_DEADLINE: Duration = Duration::from_secs(5);
/// How long the command `doctor` waits for an answer.
pub const DOCTOR_DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of an answer that the commands `health` and `doctor` read.
pub const PROBE_ANSWER_BYTES_MAX: usize = 256 * 1024;

// --- api -------------------------------------------------------------------------------------

/// Before a warning about something that is tried again and again is logged again with the same reason.
pub const WARNING_INTERVAL: Duration = Duration::from_secs(30);
/// Reasons that one kind of warning gives meanwhile; more are not logged.
pub const WARNING_REASONS_MAX: usize = 16;

// --- gateway ---------------------------------------------------------------------------------

/// Proxies that are looked at in `X-Forwarded-For`, from the right.
pub const PROXY_HOPS_MAX: usize = 16;
/// File descriptors that a listener leaves to everything else in the process.
pub const DESCRIPTORS_KEPT: usize = 128;
/// Refused connections of one listener whose answer is waited for at the same time; others are just closed.
pub const REFUSALS_AT_ONCE: usize = 64;
/// How long a refused connection may take to read why.
pub const REFUSAL_DEADLINE: Duration = Duration::from_millis(500);

// --- http connections ------------------------------------------------------------------------

/// Between an answer and the next request on its connection. Longer than common proxies keep an idle connection, so that
/// it is the proxy that ends one and never sends a request into its end.
pub const IDLE_DEADLINE: Duration = Duration::from_secs(75);
/// How long a client that reads nothing may keep an answer waiting.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of an answer in a second that a client has to take to keep [`ANSWER_DEADLINE`] away.
pub const ANSWER_BYTES_PER_SECOND_MIN: u64 = 8 * 1024;
/// Bytes of an answer that the kernel keeps for a client that does not read; it counts its own overhead on top.
pub const ANSWER_BUFFER_BYTES: usize = 256 * 1024;
/// Bytes of a body nobody wants that are read so that the connection stays usable.
pub const DRAIN_BYTES_MAX: usize = 256 * 1024;
/// How long such a body may take to come.
pub const DRAIN_WAIT: Duration = Duration::from_secs(1);
/// Bytes that are read and dropped after an answer that ends its connection, so that the answer is not lost.
pub const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long they may take.
pub const LINGER_DEADLINE: Duration = Duration::from_secs(5);
/// How long nothing may come meanwhile.
pub const LINGER_QUIET: Duration = Duration::from_secs(1);
/// Addresses whose connections a listener remembers, open ones aside.
pub const ADDRESSES_REMEMBERED_MAX: usize = 65_536;
/// Connections that the system keeps until a listener accepts them; more are not answered at once.
pub const ACCEPT_QUEUE: u32 = 4_096;

// --- traces ----------------------------------------------------------------------------------

/// Traces that are recorded at once because a caller says so; beyond it the caller's flag is not followed.
pub const TRACE_CALLERS_BURST: u32 = 200;
/// Milliseconds after which one more is.
pub const TRACE_CALLERS_INTERVAL_MS: u64 = 10;
/// Spans that wait to be exported; more are dropped and counted.
pub const TRACE_QUEUE_SPANS_MAX: usize = 4_096;
/// Spans in one request to the receiver.
pub const TRACE_EXPORT_SPANS_MAX: usize = 512;
/// Longest time before spans are exported.
pub const TRACE_EXPORT_PAUSE: Duration = Duration::from_secs(1);
/// How long the receiver may take.
pub const TRACE_EXPORT_DEADLINE: Duration = Duration::from_secs(5);
/// How long the last export may take when a process ends.
pub const TRACE_FINISH_DEADLINE: Duration = Duration::from_secs(2);
/// Bytes of the receiver's answer.
pub const TRACE_ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Messages of a batch whose traces get a span for being stored.
pub const TRACE_BATCH_SPANS_MAX: usize = 64;
/// Links of one span.
pub const TRACE_LINKS_MAX: u32 = 128;
/// Messages of one connection that are traced because its upgrade was; later ones are by the ratio.
pub const TRACE_CONNECTION_MESSAGES_MAX: u32 = 128;

// --- what operators may set -------------------------------------------------------------------

/// Signing keys in one folder.
pub const SIGNING_KEYS_MAX: usize = 32;
/// Bytes of a signing key's name.
pub const SIGNING_KEY_NAME_BYTES_MAX: usize = 64;
/// Largest number of connections that operators may allow a listener; the system's limit of open files holds beside it.
pub const CONNECTIONS_MAX_MAX: usize = 1_000_000;
/// Largest number of connections per second that operators may allow a listener.
pub const ACCEPTS_PER_SECOND_MAX: u32 = 1_000_000;
/// Largest burst that operators may set for what one user or one address may ask for.
pub const QUOTA_BURST_MAX: u32 = 1_000_000;
/// Longest interval, in milliseconds, that operators may set between two of them: a day.
pub const QUOTA_INTERVAL_MS_MAX: u64 = 24 * 60 * 60 * 1_000;

// --- requests to addresses of others ----------------------------------------------------------

/// Bytes of an address that somebody names.
pub const OUTGOING_URL_BYTES_MAX: usize = 2_048;
/// How long a connection may take, its name included.
pub const OUTGOING_CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection is kept that nothing is sent over.
pub const OUTGOING_IDLE: Duration = Duration::from_secs(30);
/// Such connections to one host.
pub const OUTGOING_IDLE_MAX: usize = 4;
/// Bytes of an answer that are read.
pub const OUTGOING_ANSWER_BYTES_MAX: usize = 16 * 1024;
/// The longest wait that an answer may ask for; longer ones are cut.
pub const OUTGOING_RETRY_AFTER_MAX: Duration = Duration::from_hours(1);
