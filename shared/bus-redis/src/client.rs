//! How this project connects to Redis: bounded waits, endless reconnects, and no silent repeat of a command.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fred::clients::Client;
use fred::error::Error;
use fred::interfaces::ClientLike as _;
use fred::types::config::{ReconnectPolicy, UnresponsiveConfig};
use fred::types::{Builder, RespVersion};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rookery_bus::error::BusError;
use rookery_bus::limits::BUS_COMMAND_DEADLINE;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::RedisAddress;
use crate::limits::REDIS_ATTEMPTS;

const RECONNECT_MIN_MS: u32 = 50;
const RECONNECT_MAX_MS: u32 = 2_000;
const CONNECT_DEADLINE: Duration = Duration::from_secs(2);

/// A client that is not connected yet. Each of its dozen channels of news and messages holds `news` items, in memory that
/// is taken at once.
///
/// # Errors
/// If the address cannot be read.
pub(super) fn build(address: &RedisAddress, news: usize) -> Result<Client, BusError> {
    let mut config = address.config()?;
    config.version = RespVersion::RESP3;
    config.fail_fast = false;
    let mut policy = ReconnectPolicy::new_exponential(0, RECONNECT_MIN_MS, RECONNECT_MAX_MS, 2);
    policy.set_jitter(RECONNECT_MIN_MS);
    Builder::from_config(config)
        .with_performance_config(|performance| {
            performance.default_command_timeout = BUS_COMMAND_DEADLINE;
            performance.broadcast_channel_capacity = news;
        })
        .with_connection_config(|connection| {
            connection.connection_timeout = CONNECT_DEADLINE;
            connection.internal_command_timeout = CONNECT_DEADLINE;
            connection.max_command_attempts = 1;
            connection.tcp.nodelay = Some(true);
            connection.unresponsive =
                UnresponsiveConfig { max_timeout: Some(BUS_COMMAND_DEADLINE), interval: Duration::from_secs(1) };
        })
        .set_policy(policy)
        .build()
        .map_err(|error| unavailable(&error))
}

/// A command that is waited for to its deadline, also when its caller has gone. The library forgets one that it could not send
/// in time, but only as long as somebody waits for it; else it would send it whenever Redis is back.
pub(super) struct WaitedFor<T: Send + 'static>(Option<BoxFuture<'static, T>>);

impl<T: Send + 'static> WaitedFor<T> {
    /// A command that is not sent yet.
    pub(super) fn new(command: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Some(command.boxed()))
    }
}

impl<T: Send + 'static> Future for WaitedFor<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // Nobody asks again after the answer.
        let Some(command) = self.0.as_mut() else { return Poll::Pending };
        let answer = ready!(command.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(answer)
    }
}

impl<T: Send + 'static> Drop for WaitedFor<T> {
    fn drop(&mut self) {
        if let (Some(command), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(command.map(drop));
        }
    }
}

/// Connects anew. Returns after a while even if nobody can be reached; the client goes on trying.
pub(super) async fn reconnect(client: &Client) -> Result<(), BusError> {
    let connected = timeout(BUS_COMMAND_DEADLINE, client.force_reconnection()).await;
    let connected = connected.map_err(|_| BusError::Unavailable("not connected again yet".to_owned()))?;
    connected.map_err(|error| unavailable(&error))
}

/// Every failure of a command is "no answer" to the caller; the text says more.
pub(super) fn unavailable(error: &Error) -> BusError {
    BusError::Unavailable(format!("{:?}: {}", error.kind(), error.details()))
}

/// Whether the server does not know the script: it is not the one the script was loaded for.
pub(super) fn is_unknown_script(error: &Error) -> bool {
    error.details().contains("NOSCRIPT")
}

/// Whether the server that was asked no longer had the slot. The command was not run, and the client has learnt
/// meanwhile where the slot is: it follows redirections by counting a second attempt, which our commands do not get.
pub(super) fn was_moved(error: &Error) -> bool {
    error.details().contains("Too many failed write attempts")
}

/// Runs a command, and again where its slot had moved.
pub(super) async fn unless_moved<T, F, R>(run: F) -> Result<T, BusError>
where
    F: Fn() -> R,
    R: Future<Output = Result<T, Error>>,
{
    for _ in 1..REDIS_ATTEMPTS {
        match run().await {
            Err(error) if was_moved(&error) => {}
            outcome => return outcome.map_err(|error| unavailable(&error)),
        }
    }
    run().await.map_err(|error| unavailable(&error))
}
