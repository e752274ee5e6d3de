//! What dies with a node or a connection: the real room, acks, sessions and send queues, and the commands under way.

use std::collections::VecDeque;
use std::sync::Arc;

use rookery_bus::Appended;
use rookery_bus::signal::Signal;
use rookery_protocol::client::ClientFrame;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{SessionId, UserId};
use rookery_protocol::server::{AckMode, ServerFrame};
use rookery_runtime::token::{AUDIENCE, Claims, Signer};
use uuid::Uuid;

use crate::acks::Acks;
use crate::hub::attach::{Progress, SubscribeRequest};
use crate::hub::room::Room;
use crate::metrics::Metrics;
use crate::send_queue::SendQueue;
use crate::session::{Command, Input, LoginState, Outgoing, Output, ProtocolState};
use crate::subscriber::Subscriber;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

/// A gateway.
pub(super) struct Node {
    pub(super) room: Option<Arc<Room>>,
    pub(super) acks: Arc<Acks>,
    /// On their way from the bus.
    pub(super) signals: Vec<Signal>,
    /// Read for a repair, not yet sorted in.
    pub(super) read_again: Option<Vec<SequencedEvent>>,
}

impl Node {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        let acks = Acks::new(Arc::clone(metrics), Box::new(|_, _| {}));
        Self { room: None, acks, signals: Vec::new(), read_again: None }
    }
}

/// A command that waits for bus or store.
pub(super) enum Task {
    Attach(Box<SubscribeRequest>, Box<Progress>),
    Append(Box<Outgoing>),
    /// The bus has answered.
    Await(Box<Outgoing>, Appended),
}

/// A socket.
pub(super) struct Connection {
    pub(super) node: usize,
    pub(super) member: Arc<Subscriber>,
    pub(super) running: Option<Task>,
    session: ProtocolState,
    inbox: VecDeque<String>,
    commands: VecDeque<Command>,
}

impl Connection {
    pub(super) fn new(node: usize, user: UserId) -> Self {
        let claims = Claims {
            iss: "rookery".into(),
            aud: AUDIENCE.into(),
            sub: user,
            sid: SessionId::from_uuid(Uuid::nil()),
            name: "somebody".into(),
            iat: NOW.seconds(),
            exp: NOW.seconds() + 3_600,
            signer: Signer::default(),
            ticket: None,
        };
        let mut connection = Self {
            node,
            member: Arc::new(Subscriber::new(user, SendQueue::unwritten(), false)),
            running: None,
            session: ProtocolState::new(None, AckMode::Stored, NOW),
            inbox: VecDeque::new(),
            commands: VecDeque::new(),
        };
        connection.handle(Input::Token(Ok(claims)));
        connection
    }

    /// The client has sent a frame.
    pub(super) fn push(&mut self, frame: &serde_json::Value) {
        self.inbox.push_back(frame.to_string());
    }

    /// The next command, if none is under way.
    pub(super) fn next_command(&mut self) -> Option<Command> {
        if let Some(text) = self.inbox.pop_front() {
            self.handle(Input::Frame(ClientFrame::decode(&text).unwrap()));
        }
        self.commands.pop_front()
    }

    /// Everything that was written to the client.
    pub(super) fn take(&self) -> Vec<ServerFrame> {
        let frames = self.member.send_queue.take();
        frames.iter().map(|frame| serde_json::from_str(frame.as_text()).unwrap()).collect()
    }

    fn handle(&mut self, input: Input) {
        for output in self.session.handle(input, NOW) {
            match output {
                Output::Run(command) => self.commands.push_back(command),
                Output::Send(frame) => self.member.send_queue.send(&frame),
                Output::Check(claims) => self.handle(Input::Checked(claims, LoginState::Open)),
                Output::Welcome(_) => {}
                Output::Close(code) => panic!("closed with {code:?}"),
            }
        }
    }
}
