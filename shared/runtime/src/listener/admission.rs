//! Admission of connections by a listener: by number, by rate, and by what the system allows.

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::MonotonicClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::addresses::{self, Addresses, Place};
use super::{ListenerOptions, Refusals};
use crate::limits::{DESCRIPTORS_KEPT, REFUSAL_DEADLINE, REFUSALS_AT_ONCE};
use crate::shutdown::Shutdown;

/// How long the loop rests when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The answer to a connection that is refused.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nCache-Control: no-store\r\n\
    X-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
    Content-Type: application/problem+json\r\nContent-Length: 139\r\nConnection: close\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"code\":\"overloaded\",\
    \"detail\":\"This server takes no more connections now.\"}";
/// The same where it is for the address that it comes from.
const TOO_MANY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 2\r\nCache-Control: no-store\r\n\
    X-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
    Content-Type: application/problem+json\r\nContent-Length: 141\r\nConnection: close\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Too Many Requests\",\"status\":429,\"code\":\"rate_limited\",\
    \"detail\":\"Too many connections come from this address.\"}";
/// The codes of "this process" and "this machine has too many open files".
const NO_DESCRIPTORS: [i32; 2] = [24, 23];

/// Names of what keeps connections out, as metric labels.
pub(super) const CONNECTIONS: &str = "connections";
const ACCEPTS: &str = "accepts";
const DESCRIPTORS: &str = "descriptors";

type Meter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock>;

/// Who may connect, by number and rate.
pub(super) struct Admission {
    permits: Arc<Semaphore>,
    rate: Option<Meter>,
    addresses: Arc<Addresses>,
    answers: Arc<Semaphore>,
    refusals: Arc<dyn Refusals>,
    /// Whoever wants to speak TLS understands no answer before the handshake.
    is_tls: bool,
    /// Given back to the system when it has none left, so that one connection can be answered.
    reserve: Mutex<Option<File>>,
    shutdown: Shutdown,
}

impl Admission {
    pub(super) fn new(options: ListenerOptions, shutdown: &Shutdown) -> Self {
        let ListenerOptions { connections_max, accepts_per_second, per_address, refusals, is_https: _, tls } = options;
        let connections_max = fitting(connections_max);
        let rate = NonZeroU32::new(accepts_per_second).map(|per_second| {
            let burst = per_second.saturating_mul(NonZeroU32::MIN.saturating_add(1));
            RateLimiter::direct_with_clock(Quota::per_second(per_second).allow_burst(burst), MonotonicClock)
        });
        Self {
            permits: Arc::new(Semaphore::new(connections_max)),
            rate,
            addresses: Addresses::new(per_address, connections_max),
            answers: Arc::new(Semaphore::new(REFUSALS_AT_ONCE)),
            refusals,
            is_tls: tls.is_some(),
            reserve: Mutex::new(reserve()),
            shutdown: shutdown.clone(),
        }
    }

    /// A place for a connection, or what is in the way. Its address comes first: what one has too many of is not taken
    /// from what all share.
    pub(super) fn admit(&self, peer: IpAddr) -> Result<(OwnedSemaphorePermit, Option<Place>), &'static str> {
        let place = self.addresses.enter(peer)?;
        if self.rate.as_ref().is_some_and(|rate| rate.check().is_err()) {
            return Err(ACCEPTS);
        }
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| CONNECTIONS)?;
        Ok((permit, place))
    }

    /// Tells why and closes. Only so many are waited for: in a flood the others see a closed connection.
    pub(super) fn refuse(&self, stream: TcpStream, limit: &'static str) {
        self.refusals.refused(limit);
        if self.is_tls {
            return;
        }
        let Ok(turn) = Arc::clone(&self.answers).try_acquire_owned() else { return };
        let of_address = [addresses::CONNECTIONS, addresses::ACCEPTS].contains(&limit);
        let text = if of_address { TOO_MANY } else { FULL };
        self.shutdown.spawn("refusal", async move {
            if timeout(REFUSAL_DEADLINE, send_refusal(stream, text)).await.is_err() {
                tracing::debug!("refused connection left behind");
            }
            drop(turn);
        });
    }

    /// After a failed accept. A peer that left again is its own problem; a missing file descriptor needs time.
    pub(super) async fn recover(&self, error: &io::Error, listener: &TcpListener) {
        if error.kind() == io::ErrorKind::ConnectionAborted {
            return;
        }
        tracing::warn!(%error, "accept failed");
        if error.raw_os_error().is_some_and(|code| NO_DESCRIPTORS.contains(&code)) {
            self.turn_away(listener).await;
        }
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }

    /// Nobody is left to wait in the queue without a word, as far as the reserve reaches.
    async fn turn_away(&self, listener: &TcpListener) {
        let held = self.reserve.lock().take();
        if held.is_some() {
            drop(held);
            if let Ok(Ok((stream, _))) = timeout(ACCEPT_PAUSE, listener.accept()).await {
                self.refusals.refused(DESCRIPTORS);
                if !self.is_tls {
                    // It fits the socket's empty buffer or is not worth waiting for.
                    stream.try_write(FULL).ok();
                }
            }
        }
        *self.reserve.lock() = reserve();
    }
}

async fn send_refusal(mut stream: TcpStream, text: &[u8]) -> io::Result<()> {
    stream.write_all(text).await?;
    stream.shutdown().await?;
    // Closing before the request was read would take the answer back.
    let mut rest = [0; 1_024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

/// As many connections as are wanted, or as the system has file descriptors for.
fn fitting(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let fitting = fitting_in(&limits, wanted);
    if fitting < wanted {
        tracing::warn!(wanted, fitting, "fewer connections than configured: raise the limit of open files (ulimit -n)");
    }
    fitting
}

fn fitting_in(limits: &str, wanted: usize) -> usize {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    soft.map_or(wanted, |soft| wanted.min(soft.saturating_sub(DESCRIPTORS_KEPT).max(soft / 2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_as_long_as_they_say() {
        for (answer, code) in [(FULL, "overloaded"), (TOO_MANY, "rate_limited")] {
            let text = std::str::from_utf8(answer).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
            assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap()["code"], code);
        }
    }

    #[test]
    fn connections_fit_what_the_system_allows() {
        let limits = |soft: &str| format!("Limit  Soft  Hard\nMax open files            {soft}    4096    files\n");
        assert_eq!(fitting_in(&limits("1024"), 15_000), 896);
        assert_eq!(fitting_in(&limits("1024"), 64), 64);
        assert_eq!(fitting_in(&limits("100"), 64), 50);
        assert_eq!(fitting_in(&limits("unlimited"), 64), 64);
        assert_eq!(fitting_in("", 64), 64);
    }
}
