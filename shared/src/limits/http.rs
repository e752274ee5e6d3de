//! Bounds of HTTP connections.

use std::time::Duration;

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
