//! Free TCP ports below the range from which the system takes the ports of outgoing connections, so that a
//! restarted process finds its port free again.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that nobody listens on, given to nobody else in this process. Bound and released again.
pub fn free() -> u16 {
    let start = start();
    for _ in 0..COUNT {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (start + offset % COUNT) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}

/// Test processes that run at the same time begin at different places.
fn start() -> u16 {
    u16::try_from(std::process::id().wrapping_mul(97) % 10_000).unwrap_or(0)
}
