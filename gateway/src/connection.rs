//! The task of one connection. It alone owns the socket; it waits for the client, the send queue, the command under way,
//! the clock and the drain, asks the session what to do, and ends in one place.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rookery_protocol::client::{ClientFrame, Rejected};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::close::CloseCode;
use rookery_protocol::cost::Work;
use rookery_protocol::id::UserId;
use rookery_protocol::limits::{RECONNECT_SPREAD_MS, WRITE_DEADLINE};
use rookery_protocol::server::ServerFrame;
use rookery_runtime::token::Claims;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::commands::Commands;
use crate::connection_trace::ConnectionTrace;
use crate::credential::Credential;
use crate::dialect::{Asked, Decoded, Translator};
use crate::heartbeat::{Beat, Heartbeat};
use crate::limits::COMMANDS_QUEUED_MAX;
use crate::node::Node;
use crate::pending_sockets::Pending;
use crate::reads::Reads;
use crate::send_queue::{Flushed, SendQueue};
use crate::session::{Command, Input, LoginState, Output, Place, ProtocolState, Queued, Ran, Renewal};
use crate::session_registry::Candidate;
use crate::socket::{Incoming, Socket};
use crate::subscriber::Subscriber;

mod ending;
mod turns;

use ending::{Count, End};

/// What the upgrade request said.
#[derive(Debug)]
pub struct Opening {
    /// The access token or ticket, if it came by header, subprotocol or query.
    pub credential: Option<Credential>,
    /// What the path names, if it names a room or a user.
    pub place: Option<Place>,
    /// What the client speaks.
    pub translator: Translator,
    /// Its place among those that have not said whose they are.
    pub pending: Option<Pending>,
    /// The trace that its upgrade came with.
    pub trace: Option<Box<ConnectionTrace>>,
}

/// What woke the task.
enum Wake {
    Incoming(Incoming),
    Filled,
    Done(Ran),
    Checked(Checked),
    Clock,
    Drain,
}

/// A token, and what is known of its login.
struct Checked {
    claims: Box<Claims>,
    login: Candidate,
    state: LoginState,
}

struct Connection {
    node: Arc<Node>,
    socket: Socket,
    send_queue: Arc<SendQueue>,
    /// When a client that takes nothing is given up.
    blocked_until: Option<Instant>,
    session: ProtocolState,
    session_due: Instant,
    heartbeat: Heartbeat,
    commands: Option<Arc<Commands>>,
    waiting: VecDeque<Queued>,
    running: Option<BoxFuture<'static, Ran>>,
    /// The question about the login of a token. Until it is answered, nothing is read.
    checking: Option<BoxFuture<'static, Checked>>,
    /// Whether it lives for one room only.
    is_single: bool,
    /// Its place among those that have not said whose they are.
    pending: Option<Pending>,
    trace: Option<Box<ConnectionTrace>>,
    /// Read marks that wait for their turn; most connections have none.
    reads: Option<Box<Reads>>,
    /// What came with the upgrade, as long as the client has not said that it is to be used.
    offered: Option<Box<Credential>>,
}

/// Serves a client from the upgrade to the end. The future is the size of a living connection, since what is needed only
/// before it, or behind it, has no place in it.
pub fn serve(node: Arc<Node>, socket: Socket, opening: Opening) -> impl Future<Output = ()> + Send + 'static {
    let Opening { credential, place, translator, pending, trace } = opening;
    let count = Count::new(Arc::clone(&node), translator.name());
    let waits = translator.connects_by_message();
    let mut connection = Connection::new(node, socket, place, translator);
    (connection.pending, connection.trace) = (pending, trace);
    let refused = if waits {
        connection.offered = credential.map(Box::new);
        None
    } else {
        credential.and_then(|credential| connection.present(&credential))
    };
    async move {
        let end = match refused {
            Some(end) => end,
            None => connection.live().await,
        };
        count.end(end);
        Box::pin(connection.finish(end)).await;
    }
}

impl Connection {
    fn new(node: Arc<Node>, socket: Socket, place: Option<Place>, translator: Translator) -> Self {
        let (now, wall, ack, heartbeat_origin) = (Instant::now(), UnixMillis::now(), node.ack, node.heartbeat_origin);
        let mut connection = Self {
            node,
            send_queue: SendQueue::new(Arc::clone(socket.wire()), translator),
            socket,
            blocked_until: None,
            is_single: place.is_some(),
            session: ProtocolState::new(place, ack, wall),
            session_due: now,
            heartbeat: Heartbeat::new(now, heartbeat_origin),
            commands: None,
            waiting: VecDeque::new(),
            running: None,
            checking: None,
            pending: None,
            trace: None,
            reads: None,
            offered: None,
        };
        connection.send_queue.send_all(&connection.send_queue.translator().opening());
        connection.update_session_due();
        connection
    }

    async fn live(&mut self) -> End {
        let mut drain = std::pin::pin!(turn_to_leave(Arc::clone(&self.node)));
        let mut clock = std::pin::pin!(sleep_until(self.due()));
        loop {
            if let Some(code) = self.commands.as_ref().and_then(|commands| commands.verdict()) {
                return End::Ours(code);
            }
            self.start_next();
            let may_read = self.may_read();
            let wake = tokio::select! {
                incoming = self.socket.next(), if may_read => Wake::Incoming(incoming),
                () = self.send_queue.filled() => Wake::Filled,
                _ = self.send_queue.writable(), if self.blocked_until.is_some() => Wake::Filled,
                ran = progress(&mut self.running) => Wake::Done(ran),
                checked = progress(&mut self.checking) => Wake::Checked(checked),
                () = clock.as_mut() => Wake::Clock,
                () = drain.as_mut() => Wake::Drain,
            };
            if let Some(end) = self.on_wake(wake) {
                return end;
            }
            self.arm(clock.as_mut());
        }
    }

    fn on_wake(&mut self, wake: Wake) -> Option<End> {
        match wake {
            Wake::Incoming(incoming) => self.on_incoming(incoming),
            Wake::Filled => self.write(),
            Wake::Done(ran) => self.on_ran(ran),
            Wake::Checked(checked) => self.on_checked(checked),
            Wake::Clock => self.on_clock(),
            Wake::Drain => {
                let after_ms = rand::random_range(0..=RECONNECT_SPREAD_MS);
                self.send_queue.send(&ServerFrame::Reconnect { after_ms });
                Some(End::Ours(CloseCode::Restart))
            }
        }
    }

    fn on_incoming(&mut self, incoming: Incoming) -> Option<End> {
        self.heartbeat.record_activity(Instant::now());
        match incoming {
            Incoming::Text(text) => self.on_text(&text),
            Incoming::Binary(_) => Some(End::Ours(CloseCode::Unsupported)),
            Incoming::Ping(payload) => {
                self.send_queue.pong(&payload);
                None
            }
            Incoming::Pong => None,
            Incoming::Close(code) => Some(End::Theirs(code)),
            Incoming::ProtocolError(code) => Some(End::Ours(code)),
            Incoming::Lost => Some(End::Lost),
        }
    }

    fn on_text(&mut self, text: &str) -> Option<End> {
        let translator = self.send_queue.translator();
        self.node.metrics.dialect_messages_in.with_label_values(&[translator.name()]).inc();
        match translator.decode(text) {
            Decoded::Frame(decoded, asked) => self.on_frame(decoded, asked),
            Decoded::Connect(token) => self.connect(token),
            Decoded::Answer(frame) => {
                self.send_queue.send(&frame);
                None
            }
            Decoded::Nothing => None,
            Decoded::Close => Some(End::Theirs(None)),
            Decoded::Broken(code) => Some(End::Ours(code)),
        }
    }

    /// The token that the client says it by counts; without one, that of the upgrade.
    fn connect(&mut self, token: Option<String>) -> Option<End> {
        let offered = self.offered.take().map(|offered| *offered);
        // Without any it is refused like one that does not hold.
        let credential = token.map(Credential::Token).or(offered);
        self.present(&credential.unwrap_or_else(|| Credential::Token(String::new())))
    }

    fn on_frame(&mut self, decoded: Result<ClientFrame, Rejected>, asked: Option<Asked>) -> Option<End> {
        let label = decoded.as_ref().map_or("rejected", label);
        self.node.metrics.frames_in.with_label_values(&[label]).inc();
        let tokens = Work::of(&decoded).tokens();
        match decoded {
            Ok(ClientFrame::Auth(auth)) if self.commands.is_none() => self.present(&Credential::Token(auth.token)),
            Ok(ClientFrame::Auth(auth)) => {
                self.waiting
                    .push_back(Queued { command: Command::Renew(Renewal(auth.token)), tokens, asked });
                None
            }
            Ok(frame) => self.on_input(Input::Frame(frame), tokens, asked),
            Err(rejected) => self.on_input(Input::Rejected(rejected), tokens, asked),
        }
    }

    fn present(&mut self, credential: &Credential) -> Option<End> {
        let verifier = &self.node.verifier;
        let input = if verifier.is_ready() {
            Input::Token(credential.verify(verifier, UnixMillis::now()))
        } else {
            Input::Keyless
        };
        let end = self.handle(input);
        self.after_token();
        end
    }

    fn on_checked(&mut self, checked: Checked) -> Option<End> {
        self.checking = None;
        let Checked { claims, login, state } = checked;
        // It may have ended since it was asked about.
        let state = if login.is_over() { LoginState::Ended } else { state };
        let end = self.handle(Input::Checked(claims, state));
        if let (None, LoginState::Open, Some(commands)) = (end, state, &self.commands) {
            commands.belong_to(&login);
        }
        self.after_token();
        end
    }

    /// A token was looked at. Unless its login is still asked about, the client learns that it holds.
    fn after_token(&mut self) {
        if self.checking.is_none() {
            self.send_queue.send_all(&self.send_queue.translator().renewed());
        }
        self.update_session_due();
    }

    fn may_read(&self) -> bool {
        self.checking.is_none() && self.waiting.len() < COMMANDS_QUEUED_MAX
    }

    fn handle(&mut self, input: Input) -> Option<End> {
        let outputs = self.session.handle(input, UnixMillis::now());
        outputs.into_iter().find_map(|output| self.apply(output))
    }

    fn apply(&mut self, output: Output) -> Option<End> {
        match output {
            Output::Check(claims) => {
                let login = self.node.session_registry.expect(claims.sub, claims.sid);
                self.checking = Some(check(Arc::clone(&self.node), claims, login).boxed());
            }
            Output::Welcome(user) => self.welcome(user),
            Output::Send(frame) => {
                if let ServerFrame::Error(error) = &frame {
                    self.node.metrics.errors.with_label_values(&[error.code.as_str()]).inc();
                    self.node.metrics.limit_of(error.code);
                }
                self.send_queue.send(&frame);
            }
            Output::Run(command) => self.waiting.push_back(command.into()),
            Output::Close(code) => return Some(End::Ours(code)),
        }
        None
    }

    fn welcome(&mut self, user: UserId) {
        let member = Subscriber::new(user, Arc::clone(&self.send_queue), self.is_single);
        self.node.metrics.logins.inc();
        self.commands = Some(Commands::new(Arc::clone(&self.node), member, self.trace.take()));
        self.pending = None;
        self.waiting.push_back(Command::Admit.into());
    }

    fn write(&mut self) -> Option<End> {
        let flushed = self.send_queue.flush();
        self.blocked_until = match (flushed, self.blocked_until) {
            (Flushed::Blocked { progress: false }, Some(until)) => Some(until),
            (Flushed::Blocked { .. }, _) => Some(Instant::now() + WRITE_DEADLINE),
            _ => None,
        };
        let behind = self.commands.as_ref().and_then(|commands| commands.behind());
        self.waiting.extend(behind.map(Queued::from));
        match flushed {
            Flushed::All | Flushed::More | Flushed::Blocked { .. } => None,
            Flushed::End(code) => Some(End::Ours(code)),
            Flushed::Lost => Some(End::Lost),
            Flushed::Overflow => {
                self.node.metrics.send_queue_overflows.inc();
                Some(End::Ours(CloseCode::TooSlow))
            }
        }
    }

    fn on_clock(&mut self) -> Option<End> {
        let now = Instant::now();
        if !self.may_read() {
            // Nobody reads, so silence means nothing.
            self.heartbeat.record_activity(now);
        }
        if self.blocked_until.is_some_and(|until| until <= now) {
            return Some(End::Ours(CloseCode::TooSlow));
        }
        if let Some(reads) = &mut self.reads {
            self.waiting
                .extend(reads.due(now).into_iter().map(|reading| Command::Mark(reading).into()));
        }
        if let Some(end) = self.handle(Input::Tick) {
            return Some(end);
        }
        self.update_session_due();
        match self.heartbeat.beat(now) {
            Beat::Wait => None,
            Beat::Ping => {
                self.send_queue.ping();
                None
            }
            Beat::Silent => Some(End::Ours(CloseCode::Timeout)),
        }
    }

    /// Converts the deadline of the session from wall time to the timer's clock.
    fn update_session_due(&mut self) {
        self.session_due = Instant::now() + self.session.deadline().since(UnixMillis::now());
    }

    fn due(&self) -> Instant {
        let due = self.session_due.min(self.heartbeat.next());
        let reads = self.reads.as_ref().and_then(|reads| reads.next_due());
        [self.blocked_until, reads].into_iter().flatten().fold(due, Instant::min)
    }

    /// Resets the timer only if it fired or would fire too late: firing early costs one check.
    fn arm(&self, clock: Pin<&mut Sleep>) {
        let due = self.due();
        if clock.is_elapsed() || due < clock.deadline() {
            clock.reset(due);
        }
    }
}

/// Ends when the node drains and this connection is to go. Asked for once.
async fn turn_to_leave(node: Arc<Node>) {
    node.shutdown.drain.cancelled().await;
    let connections = u32::try_from(node.metrics.connections.get()).unwrap_or(0);
    // Boxed for the same reason as the end of a connection.
    Box::pin(sleep_until(node.drain_schedule.turn(Instant::now(), connections))).await;
}

async fn check(node: Arc<Node>, mut claims: Box<Claims>, mut login: Candidate) -> Checked {
    let state = match claims.ticket {
        None => login.ask().await,
        Some(ticket) => match node.bus.spend(ticket).await {
            Ok(true) => login.ask().await,
            Ok(false) => LoginState::Spent,
            Err(error) => {
                tracing::debug!(%error, "whether a ticket was used is not known");
                LoginState::Unknown
            }
        },
    };
    login.name(&mut claims);
    Checked { claims, login, state }
}

/// What is under way, if anything is. Safe to drop: it stays where it is.
async fn progress<T>(running: &mut Option<BoxFuture<'static, T>>) -> T {
    match running {
        Some(running) => running.await,
        None => std::future::pending().await,
    }
}

const fn label(frame: &ClientFrame) -> &'static str {
    match frame {
        ClientFrame::Auth(_) => "auth",
        ClientFrame::Subscribe(_) => "subscribe",
        ClientFrame::Unsubscribe(_) => "unsubscribe",
        ClientFrame::Message(_) => "message",
        ClientFrame::Ping(_) => "ping",
        ClientFrame::Heads(_) => "heads",
        ClientFrame::Edit(_) => "edit",
        ClientFrame::Delete(_) => "delete",
        ClientFrame::React(_) => "react",
        ClientFrame::Presence(_) => "presence",
        ClientFrame::Watch(_) => "watch",
        ClientFrame::Typing(_) => "typing",
        ClientFrame::Read(_) => "read",
        ClientFrame::Background(_) => "background",
    }
}

#[cfg(test)]
mod tests;
