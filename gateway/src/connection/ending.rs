//! How a connection ends: one way out for every reason.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use rookery_protocol::close::CloseCode;
use tokio::time::{Instant, timeout};

use super::Connection;
use crate::commands::Commands;
use crate::frame::Frame;
use crate::limits::{CLOSE_DEADLINE, COMMANDS_FINISH};
use crate::node::Node;
use crate::reads::Reads;
use crate::send_queue::SendQueue;
use crate::session::{Command, Queued, Ran};
use crate::socket::Socket;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// We send a close frame.
    Ours(CloseCode),
    /// The client sent one, with this code.
    Theirs(Option<u16>),
    /// The stream is gone.
    Lost,
}

impl End {
    /// Whether the user wanted to leave: a program that closes says 1000 or nothing, a page that is loaded anew 1001.
    fn is_clean(self) -> bool {
        match self {
            Self::Ours(code) => code == CloseCode::SessionRevoked,
            Self::Theirs(code) => code.is_none_or(|code| code == CloseCode::Normal.number()),
            Self::Lost => false,
        }
    }

    /// Whether nothing that the client asked for is to be done any more.
    fn is_refusal(self) -> bool {
        match self {
            Self::Ours(code) => code.is_refusal(),
            Self::Theirs(_) | Self::Lost => false,
        }
    }
}

impl Connection {
    /// The one way out: the close frame, while commands that were accepted get a moment to finish; then the connection
    /// leaves its rooms, as its commands are dropped. Commands of a user who may not go on are dropped first of all.
    pub(super) async fn finish(mut self, end: End) {
        if end.is_refusal() {
            (self.running, self.waiting, self.reads) = (None, VecDeque::new(), None);
        }
        if let (true, Some(commands)) = (end.is_clean(), &self.commands) {
            commands.mark_clean_close();
        }
        let reads = self.reads.map(|reads| *reads).unwrap_or_default();
        let rest = finish_commands(self.commands, self.running, self.waiting, reads);
        let closing = async {
            match end {
                End::Ours(code) => {
                    let last = self.send_queue.translator().close(code);
                    close(&self.send_queue, &self.socket, last).await;
                }
                End::Theirs(code) => close(&self.send_queue, &self.socket, Frame::close_echo(code)).await,
                End::Lost => {}
            }
        };
        tokio::join!(closing, rest);
    }
}

/// Writes what still waits, such as the error that explains the close, and the close frame. A client that does not
/// go in time is left behind.
async fn close(send_queue: &SendQueue, socket: &Socket, last: Frame) {
    if !timeout(CLOSE_DEADLINE, send_queue.finish(last)).await.unwrap_or(false) {
        return;
    }
    if let Err(error) = socket.wire().shut_down() {
        tracing::debug!(%error, "the stream ended before its close");
    }
    timeout(CLOSE_DEADLINE, socket.linger()).await.ok();
}

async fn finish_commands(
    commands: Option<Arc<Commands>>,
    running: Option<BoxFuture<'static, Ran>>,
    waiting: VecDeque<Queued>,
    mut reads: Reads,
) {
    let rest = async {
        let Some(commands) = &commands else { return };
        let run = async |queued: Queued| Arc::clone(commands).run(queued).await;
        let mut finish = async |ran: Ran| {
            if let Ran::Gather(reading) = ran
                && let Some(now) = reads.offer(reading, Instant::now())
            {
                run(Command::Mark(now).into()).await;
            }
        };
        if let Some(running) = running {
            finish(running.await).await;
        }
        for queued in waiting.into_iter().filter(|queued| is_worth_finishing(&queued.command)) {
            finish(run(queued).await).await;
        }
        for reading in reads.rest() {
            run(Command::Mark(reading).into()).await;
        }
    };
    if timeout(COMMANDS_FINISH, rest).await.is_err() {
        tracing::debug!("connection ended before its commands");
    }
}

/// A message, and what was read, counts without its client; a subscription does not.
const fn is_worth_finishing(command: &Command) -> bool {
    match command {
        Command::Send(_) | Command::MessageChange(_) | Command::Read(_) | Command::Mark(_) => true,
        Command::Subscribe(_)
        | Command::Enter(_)
        | Command::EnterDirect(_)
        | Command::Unsubscribe(_)
        | Command::Heads(_)
        | Command::CatchUp(_)
        | Command::Admit
        | Command::Say(_)
        | Command::Watch(_)
        | Command::Type(..)
        | Command::Background(_)
        | Command::Renew(_)
        | Command::Count => false,
    }
}

/// Counts the connection as long as it lives, also if its task is stopped.
pub(super) struct Count {
    node: Arc<Node>,
    dialect: &'static str,
}

impl Count {
    pub(super) fn new(node: Arc<Node>, dialect: &'static str) -> Self {
        node.metrics.connections.inc();
        node.metrics.dialect_connections.with_label_values(&[dialect]).inc();
        Self { node, dialect }
    }

    pub(super) fn end(&self, end: End) {
        let reason = match end {
            End::Ours(code) => code.reason(),
            End::Theirs(_) => CloseCode::Normal.reason(),
            End::Lost => "lost",
        };
        tracing::debug!(reason, "connection ends");
        if let End::Ours(code) = end {
            self.node.metrics.limit_of_end(code);
        }
        self.node.metrics.closes.with_label_values(&[reason]).inc();
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.node.metrics.connections.dec();
        self.node.metrics.dialect_connections.with_label_values(&[self.dialect]).dec();
    }
}
