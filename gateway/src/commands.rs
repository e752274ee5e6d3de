//! Doing what a session decided: the part of a connection that waits for the bus and the api.
//!
//! A command may be dropped at any point: what it had asked of the bus either happened or did not, a repeat under
//! the same `client_id` is recognised, and every room that it may have entered was noted before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::RoomRef;
use rookery_protocol::server::{ErrorFrame, ServerFrame};
use tokio_util::sync::DropGuard;

use crate::connection_trace::ConnectionTrace;
use crate::dialect::Asked;
use crate::error::CommandError;
use crate::limits::{PRESENCE_GOODBYE_GRACE, PRESENCE_GRACE};
use crate::node::Node;
use crate::session::{Command, Queued, Ran, Target};
use crate::session_registry::Candidate;
use crate::subscriber::Subscriber;

mod background;
mod direct;
mod limit;
mod message_change;
mod presence;
mod publish;
mod read;
mod room_heads;
mod send;
mod subscribe;

/// The commands of one authenticated connection; dropping it takes the connection out of all rooms.
pub struct Commands {
    node: Arc<Node>,
    member: Arc<Subscriber>,
    trace: Option<Box<ConnectionTrace>>,
    closed_cleanly: AtomicBool,
    /// The request that is being done, until it is acknowledged.
    asked: Mutex<Option<Asked>>,
    /// Ends the counting of what a connection that nobody looks at is not sent.
    counting: Mutex<Option<DropGuard>>,
}

impl Commands {
    /// For a connection that was just greeted.
    pub fn new(node: Arc<Node>, member: Subscriber, trace: Option<Box<ConnectionTrace>>) -> Arc<Self> {
        node.presence.connect(member.user);
        Arc::new(Self {
            node,
            member: Arc::new(member),
            trace,
            closed_cleanly: AtomicBool::new(false),
            asked: Mutex::default(),
            counting: Mutex::default(),
        })
    }

    /// The user leaves on purpose: nobody waits long for a return.
    pub fn mark_clean_close(&self) {
        self.closed_cleanly.store(true, Ordering::Relaxed);
    }

    /// The connection lives by this login: it was greeted with it, or its token was renewed by it.
    pub(crate) fn belong_to(&self, login: &Candidate) {
        self.node.session_registry.enter(&self.member, login);
    }

    /// How the connection ends, if its user may not go on.
    pub fn verdict(&self) -> Option<CloseCode> {
        self.member.verdict()
    }

    /// Runs the command, if the rate limit allows it. Success and failure are answered through the send queue.
    pub async fn run(self: Arc<Self>, queued: Queued) -> Ran {
        *self.asked.lock() = queued.asked;
        let ran = self.execute(queued).await;
        // None if it was refused, or if nobody asked.
        let asked = self.asked.lock().take();
        let translator = self.member.send_queue.translator();
        match (asked, &ran) {
            (Some(asked), Ran::Gather(reading)) => translator.expect_read(asked, reading),
            (Some(asked), Ran::Done) => self.member.send_queue.send_all(&translator.acknowledge(asked, None)),
            (Some(_), Ran::Close(_) | Ran::Renew(_)) | (None, _) => {}
        }
        ran
    }

    async fn execute(&self, queued: Queued) -> Ran {
        if let Some(code) = self.verdict() {
            return Ran::Close(code);
        }
        if !self.admits(&queued).await {
            return if queued.command == Command::Admit {
                Ran::Close(CloseCode::Overloaded)
            } else {
                Ran::Done
            };
        }
        match queued.command {
            Command::Read(reading) => return Ran::Gather(reading),
            Command::Renew(token) => return Ran::Renew(token),
            Command::Subscribe(targets) => self.subscribe(targets).await,
            Command::Enter(room) => return self.enter(Target { room, position: None }).await.into(),
            Command::EnterDirect(with) => return self.enter_direct(with).await.into(),
            Command::Unsubscribe(rooms) => rooms.iter().for_each(|room| self.unsubscribe(room)),
            Command::Send(mut outgoing) => {
                outgoing.sender = self.member.named(outgoing.sender);
                self.send(*outgoing).await;
            }
            Command::Heads(targets) => self.heads(targets).await,
            Command::MessageChange(mut request) => {
                request.sender = self.member.named(request.sender);
                self.change_message(*request).await;
            }
            Command::CatchUp(rooms) => return self.catch_up(rooms).await.into(),
            Command::Admit | Command::Count => {}
            Command::Say(setting) => self.node.presence.set_status(self.member.user, setting),
            Command::Watch(watch) => self.watch(watch).await,
            Command::Type(room, user) => self.type_in(&room, self.member.named(user)).await,
            Command::Mark(reading) => self.mark(reading).await,
            Command::Background(on) => self.background(on),
        }
        Ran::Done
    }

    /// The rooms to catch up with, if it is time to.
    pub fn behind(&self) -> Option<Command> {
        self.member.take_behind().map(Command::CatchUp)
    }

    fn unsubscribe(&self, name: &RoomRef) {
        let Some(room) = self.member.find(name) else {
            let unknown = CommandError::Refused(ErrorCode::UnknownRoom);
            self.refuse(ErrorFrame { room: Some(name.clone()), ..unknown.frame() });
            return;
        };
        self.node.hub.detach(room, &self.member);
        self.node.presence.touch(room);
        self.member.send_queue.send(&ServerFrame::Unsubscribed { room, reason: None });
    }

    fn refuse(&self, error: ErrorFrame) {
        self.node.metrics.limit_of(error.code);
        self.send_error(error);
    }

    /// The first error of a request that is to be acknowledged is what has come of it.
    fn send_error(&self, error: ErrorFrame) {
        self.node.metrics.errors.with_label_values(&[error.code.as_str()]).inc();
        let (asked, send_queue) = (self.asked.lock().take(), &self.member.send_queue);
        match asked.and_then(|asked| send_queue.translator().acknowledge(asked, Some(&error))) {
            Some(answer) => send_queue.send(&answer),
            None => send_queue.send(&ServerFrame::Error(error)),
        }
    }

    /// An error that its requests are told of in another way.
    fn count_error(&self, error: &ErrorFrame) {
        self.node.metrics.limit_of(error.code);
        self.node.metrics.errors.with_label_values(&[error.code.as_str()]).inc();
    }

    /// Counts and logs what is not the client's doing.
    fn record_failure(&self, error: &CommandError) {
        if let Some(part) = error.part() {
            self.node.metrics.failures.with_label_values(&[part]).inc();
            tracing::debug!(user = %self.member.user, %error, "command not done");
        }
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        if self.member.set_background(false) {
            self.node.metrics.background_connections.dec();
        }
        self.node.session_registry.leave(&self.member);
        let rooms = self.member.leave_all();
        for room in &rooms {
            self.node.hub.detach(*room, &self.member);
        }
        let closed_cleanly = self.closed_cleanly.load(Ordering::Relaxed);
        let grace = if closed_cleanly { PRESENCE_GOODBYE_GRACE } else { PRESENCE_GRACE };
        self.node.presence.disconnect(&self.member, &rooms, grace);
    }
}
