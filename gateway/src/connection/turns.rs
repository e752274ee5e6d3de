//! The commands of a connection: what each costs, whose turn it is, and what is left to do for the connection itself.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::FutureExt;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::server::ServerFrame;
use tokio::time::Instant;

use super::Connection;
use super::ending::End;
use crate::credential::Credential;
use crate::dialect::Asked;
use crate::reads::Reading;
use crate::session::{Command, Input, Output, Queued, Ran};

impl Connection {
    /// A frame of the client's. Whatever comes of it, it is paid for: the command that it leads to carries its price, and
    /// one that leads to none is counted all the same. Before the welcome nobody is known who could pay.
    ///
    /// The request that it came by is acknowledged when the command is done, or at once if there is none.
    pub(super) fn on_input(&mut self, input: Input, tokens: u32, mut asked: Option<Asked>) -> Option<End> {
        let mut unpaid = (self.commands.is_some() && tokens > 0).then_some(tokens);
        for output in self.session.handle(input, UnixMillis::now()) {
            if let Output::Run(command) = output {
                self.waiting
                    .push_back(Queued { command, tokens: unpaid.take().unwrap_or(0), asked: asked.take() });
                continue;
            }
            let is_error = matches!(output, Output::Send(ServerFrame::Error(_)));
            if let Some(asked) = asked.take_if(|_| is_error) {
                self.send_queue.translator().refuse_next(asked);
            }
            if let Some(end) = self.apply(output) {
                return Some(end);
            }
        }
        self.waiting
            .extend(unpaid.map(|tokens| Queued { command: Command::Count, tokens, asked: None }));
        self.send_queue
            .send_all(&asked.and_then(|asked| self.send_queue.translator().acknowledge(asked, None)));
        None
    }

    /// Commands run one by one, so that what a client sends in order happens in order: what follows a renewal waits until
    /// its login is known to live.
    pub(super) fn start_next(&mut self) {
        if self.running.is_some() || self.checking.is_some() {
            return;
        }
        // There are commands to run only after the welcome.
        if let Some(commands) = &self.commands {
            self.running = self.waiting.pop_front().map(|queued| Arc::clone(commands).run(queued).boxed());
        }
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
    }

    pub(super) fn on_ran(&mut self, ran: Ran) -> Option<End> {
        self.running = None;
        match ran {
            Ran::Done => None,
            Ran::Close(code) => Some(End::Ours(code)),
            Ran::Renew(token) => self.present(&Credential::Token(token.0)),
            Ran::Gather(reading) => {
                self.gather(reading);
                None
            }
        }
    }

    fn gather(&mut self, reading: Reading) {
        let now = self.reads.get_or_insert_default().offer(reading, Instant::now());
        if now.is_none() {
            self.node.metrics.reads.with_label_values(&["coalesced"]).inc();
        }
        self.waiting.extend(now.map(|reading| Command::Mark(reading).into()));
    }
}
