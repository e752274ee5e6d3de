//! Socket.IO 5 over Engine.IO 4, over a WebSocket of ours (decision 26). Events and their payloads are those of
//! [`rookery_protocol::socketio`]; this module puts them into packets, and keeps what one connection needs for that: its
//! namespace, and the requests that wait for their acknowledgement.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rookery_protocol::changes::{Delete, Edit, React};
use rookery_protocol::client::{ClientFrame, Message, Rejected, RoomPosition, Subscribe, Unsubscribe};
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::ClientId;
use rookery_protocol::limits::{FRAME_BYTES_MAX, HEARTBEAT_DEADLINE};
use rookery_protocol::server::{ErrorFrame, ServerFrame};
use rookery_protocol::socketio::{Acknowledgement, AuthRequest, Event, Failure, ROOT_NAMESPACE, Request, bare_token};
use serde_json::json;
use serde_json::value::RawValue;

mod packet;
mod pending_acks;

pub use packet::Namespace;
use packet::{AckId, BadPacket, Packet};
use pending_acks::PendingAcks;

use super::Decoded;
use crate::frame::Frame;
use crate::limits::{HEARTBEAT_INTERVAL, SOCKETIO_NAMESPACE_CHARS_MAX};
use crate::reads::{READ_FIELD, Reading};

/// The event that carries a frame of the protocol.
const FRAME: &str = "frame";

/// Names a connection by long-polling to its client. Who knows it can go on with the connection, so it cannot be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sid(u128);

impl Sid {
    /// A new one.
    pub fn generate() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Sid {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

/// What one Socket.IO connection is known by.
#[derive(Debug, Default)]
pub struct SocketIo {
    /// Its name, if it is one by long-polling.
    sid: Option<Sid>,
    state: Mutex<State>,
    /// Whether the client has entered the namespace that has the server's path for a name.
    is_path: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// Kept apart, since an idle connection waits for nothing.
    waiting: Option<Box<PendingAcks>>,
    /// The request that was refused just now, before the error is sent.
    refused: Option<Refused>,
}

/// A request that is to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    id: AckId,
    wording: Wording,
}

/// By which names the client knows fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wording {
    /// By those of events.
    Events,
    /// By those of frames, since it sent one.
    Frames,
}

/// A request that was refused, and where to answer, if the client wants that.
#[derive(Clone, Copy, Debug)]
struct Refused {
    id: Option<AckId>,
    wording: Wording,
}

/// How far the connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The client has connected to no namespace.
    #[default]
    Opened,
    /// It wants to; its token is being checked.
    Connecting,
    /// It has.
    Connected,
}

impl SocketIo {
    /// How events for many are encoded for it.
    pub fn namespace(&self) -> Namespace {
        if self.is_path.load(Ordering::Relaxed) {
            Namespace::Path
        } else {
            Namespace::Root
        }
    }

    /// A connection by long-polling.
    pub fn polling(sid: Sid) -> Self {
        Self { sid: Some(sid), ..Self::default() }
    }

    /// The first packet of a connection (Engine.IO `open`).
    pub fn open(&self) -> Frame {
        let upgrades: &[&str] = if self.sid.is_some() { &["websocket"] } else { &[] };
        let ms = |span: std::time::Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let hello = json!({
            "sid": self.sid.unwrap_or_else(Sid::generate).to_string(),
            "upgrades": upgrades,
            "pingInterval": ms(HEARTBEAT_INTERVAL),
            "pingTimeout": ms(HEARTBEAT_DEADLINE),
            "maxPayload": FRAME_BYTES_MAX,
        });
        Frame::text(&format!("0{hello}"))
    }

    /// A heartbeat.
    pub fn ping() -> Frame {
        Frame::text("2")
    }

    /// What the client says by one text message.
    pub fn decode(&self, text: &str) -> Decoded {
        match Packet::read(text) {
            Ok(Packet::Close | Packet::Disconnect) => Decoded::Close,
            Ok(Packet::Pong | Packet::Noop | Packet::Ack) => Decoded::Nothing,
            Ok(Packet::Ping(payload)) => Decoded::Answer(Frame::text(&format!("3{payload}"))),
            Ok(Packet::Connect { namespace, auth }) => self.connect(namespace, auth),
            Ok(Packet::Event { namespace, ack, arguments }) => self.event(namespace, ack, &arguments),
            Err(bad) if self.is_connected() => {
                let id = if let BadPacket::Arguments(id) = bad { id } else { None };
                self.state.lock().refused = Some(Refused { id, wording: Wording::Events });
                Decoded::Frame(Err(refusal(bad)), None)
            }
            Err(_) => Decoded::Broken(CloseCode::Policy),
        }
    }

    fn connect(&self, namespace: &str, auth: Option<&RawValue>) -> Decoded {
        let Some(known) = Namespace::find(namespace) else {
            return Decoded::Answer(connect_error(namespace, "Invalid namespace", None));
        };
        let mut state = self.state.lock();
        if state.phase != Phase::Opened {
            return Decoded::Answer(connect_error(namespace, "One namespace is entered already", None));
        }
        state.phase = Phase::Connecting;
        self.is_path.store(known == Namespace::Path, Ordering::Relaxed);
        let auth = auth.and_then(|auth| serde_json::from_str::<AuthRequest>(auth.get()).ok());
        Decoded::Connect(auth.map(|AuthRequest { token }| bare_token(&token).to_owned()))
    }

    fn event(&self, namespace: Option<Namespace>, ack: Option<AckId>, arguments: &[&RawValue]) -> Decoded {
        if !self.is_connected() || namespace != Some(self.namespace()) {
            return Decoded::Broken(CloseCode::Policy);
        }
        let name = arguments.first().and_then(|name| serde_json::from_str::<String>(name.get()).ok());
        let wording = if name.as_deref() == Some(FRAME) { Wording::Frames } else { Wording::Events };
        let request = match name {
            Some(name) => Request::decode(&name, arguments.get(1).copied()),
            None => Err(Rejected::new(ErrorCode::BadField, None, "the name of an event is a text")),
        };
        let mut state = self.state.lock();
        if let (Some(id), true) = (ack, state.is_full()) {
            let full = ErrorFrame::new(ErrorCode::Overloaded);
            return Decoded::Answer(acknowledgement(self.namespace(), id, &Failure::from(&full).into()));
        }
        let asked = ack.map(|id| Asked { id, wording });
        match request.and_then(|request| state.expect(request, asked)) {
            Ok((frame, asked)) => Decoded::Frame(Ok(frame), asked),
            Err(rejected) => {
                state.refused = Some(Refused { id: ack, wording });
                Decoded::Frame(Err(rejected), None)
            }
        }
    }

    /// A frame for this connection alone, or one that may answer a request of it.
    pub fn encode(&self, frame: &ServerFrame) -> Frame {
        let namespace = self.namespace();
        let mut state = self.state.lock();
        if let ServerFrame::Error(error) = frame
            && state.phase != Phase::Connected
        {
            // Clients take a refusal for final. Who may come back is not refused: the connection ends, and that is all.
            if matches!(error.code, ErrorCode::Unavailable | ErrorCode::Overloaded | ErrorCode::RateLimited) {
                return Frame::concat(&[]);
            }
            return connect_error(namespace.name(), &error.message, Some(error));
        }
        if let ServerFrame::Error(error) = frame
            && let Some(refused) = state.take_refused(error)
        {
            return refused.told(namespace, error);
        }
        let answer = state.with_waiting(|waiting| waiting.answer(frame));
        let mut packets = Vec::new();
        if let ServerFrame::Hello { .. } = frame {
            state.phase = Phase::Connected;
            let connected = json!({"sid": Sid::generate().to_string()});
            packets.push(Frame::text(&format!("40{}{connected}", namespace.prefix())));
        }
        if answer.is_none() {
            // Otherwise the acknowledgement says it all.
            packets.push(event(namespace, frame));
        }
        packets.extend(answer.map(|(id, answer)| acknowledgement(namespace, id, &answer)));
        Frame::concat(&packets)
    }

    /// The newer token holds from now on.
    pub fn renewed(&self) -> Option<Frame> {
        let asked = self.state.lock().with_waiting(PendingAcks::renewed)?;
        Some(self.acknowledge(asked, None))
    }

    /// What has come of a request.
    pub fn acknowledge(&self, Asked { id, wording }: Asked, error: Option<&ErrorFrame>) -> Frame {
        let answer = error.map_or(Acknowledgement::DONE, |error| wording.refusal(error));
        acknowledgement(self.namespace(), id, &answer)
    }

    /// The error that is sent next is what has come of this request.
    pub fn refuse_next(&self, Asked { id, wording }: Asked) {
        self.state.lock().refused = Some(Refused { id: Some(id), wording });
    }

    /// A read mark waits for its turn.
    pub fn expect_read(&self, asked: Asked, reading: &Reading) {
        self.state.lock().waiting.get_or_insert_default().expect_read(asked, reading.clone());
    }

    /// What has come of a read mark.
    pub fn read(&self, reading: &Reading, error: Option<&ErrorFrame>) -> Vec<Frame> {
        let settled = self.state.lock().with_waiting(|waiting| Some(waiting.read(reading)));
        settled.into_iter().flatten().map(|asked| self.acknowledge(asked, error)).collect()
    }

    /// The last words: a client that is not to come back is told so by the packet that keeps it from trying. One whose token
    /// has expired may have a newer one when it connects.
    pub fn close(&self, code: CloseCode) -> Frame {
        let last = Frame::close(code);
        if code.may_return() || code == CloseCode::Unauthenticated || !self.is_connected() {
            return last;
        }
        let disconnect = Frame::text(&format!("41{}", self.namespace().prefix()));
        Frame::concat(&[disconnect, last])
    }

    fn is_connected(&self) -> bool {
        self.state.lock().phase == Phase::Connected
    }
}

impl State {
    fn is_full(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| waiting.is_full())
    }

    /// The request as a frame. It waits for the frame that answers it, or is given back if it has no such.
    fn expect(&mut self, request: Request, asked: Option<Asked>) -> Result<(ClientFrame, Option<Asked>), Rejected> {
        let mut frame = request.into_frame()?;
        let Some(asked) = asked else { return Ok((frame, None)) };
        name_for_answer(&mut frame);
        let waiting = self.waiting.get_or_insert_default();
        match &frame {
            ClientFrame::Auth(_) => waiting.expect_renewal(asked),
            ClientFrame::Subscribe(Subscribe { rooms }) => match rooms.as_slice() {
                [RoomPosition { room, epoch, seq }] => waiting.expect_join(asked, room.clone(), epoch.zip(*seq)),
                _ => return Ok((frame, Some(asked))),
            },
            ClientFrame::Unsubscribe(Unsubscribe { rooms }) => match rooms.as_slice() {
                [room] => waiting.expect_leave(asked, room.clone()),
                _ => return Ok((frame, Some(asked))),
            },
            ClientFrame::Message(Message { client_id: Some(name), room, .. })
            | ClientFrame::Edit(Edit { client_id: Some(name), room, .. })
            | ClientFrame::Delete(Delete { client_id: Some(name), room, .. })
            | ClientFrame::React(React { client_id: Some(name), room, .. }) => {
                waiting.expect_message(asked, name.clone(), room.clone());
            }
            ClientFrame::Message(_)
            | ClientFrame::Edit(_)
            | ClientFrame::Delete(_)
            | ClientFrame::React(_)
            | ClientFrame::Ping(_)
            | ClientFrame::Heads(_)
            | ClientFrame::Presence(_)
            | ClientFrame::Watch(_)
            | ClientFrame::Typing(_)
            | ClientFrame::Read(_)
            | ClientFrame::Background(_) => return Ok((frame, Some(asked))),
        }
        Ok((frame, None))
    }

    /// What is wrong with a request itself is told at once, and never that something is unavailable.
    fn take_refused(&mut self, error: &ErrorFrame) -> Option<Refused> {
        if error.code == ErrorCode::Unavailable { None } else { self.refused.take() }
    }

    fn with_waiting<T>(&mut self, of: impl FnOnce(&mut PendingAcks) -> Option<T>) -> Option<T> {
        let waiting = self.waiting.as_mut()?;
        let answer = of(waiting);
        if waiting.is_empty() {
            self.waiting = None;
        }
        answer
    }
}

impl Refused {
    fn told(self, namespace: Namespace, error: &ErrorFrame) -> Frame {
        match self.id {
            Some(id) => acknowledgement(namespace, id, &self.wording.refusal(error)),
            None => packet(namespace, &Event::Error(self.wording.failure(error))),
        }
    }
}

impl Wording {
    fn failure(self, error: &ErrorFrame) -> Failure {
        match self {
            Self::Events => Failure::from(error),
            Self::Frames => Failure::of_frame(error),
        }
    }

    fn refusal(self, error: &ErrorFrame) -> Acknowledgement {
        let mut failure = self.failure(error);
        if failure.code != ErrorCode::BadField {
            // It is there to tell the error from one about a subscription, which an acknowledgement is not.
            failure.field = failure.field.filter(|field| field != READ_FIELD);
        }
        failure.into()
    }
}

/// A name for what its client gave none, so that the answer finds its way back.
fn name_for_answer(frame: &mut ClientFrame) {
    let name = match frame {
        ClientFrame::Message(Message { client_id, .. })
        | ClientFrame::Edit(Edit { client_id, .. })
        | ClientFrame::Delete(Delete { client_id, .. })
        | ClientFrame::React(React { client_id, .. }) => client_id,
        ClientFrame::Auth(_)
        | ClientFrame::Subscribe(_)
        | ClientFrame::Unsubscribe(_)
        | ClientFrame::Ping(_)
        | ClientFrame::Heads(_)
        | ClientFrame::Presence(_)
        | ClientFrame::Watch(_)
        | ClientFrame::Typing(_)
        | ClientFrame::Read(_)
        | ClientFrame::Background(_) => return,
    };
    name.get_or_insert_with(ClientId::generate);
}

/// Whether the frame may be the answer to a request of one connection.
pub const fn may_answer(frame: &ServerFrame) -> bool {
    match frame {
        ServerFrame::Hello { .. }
        | ServerFrame::Subscribed { .. }
        | ServerFrame::Unsubscribed { .. }
        | ServerFrame::CaughtUp { .. }
        | ServerFrame::Gap { .. }
        | ServerFrame::Reset { .. }
        | ServerFrame::Ack { .. }
        | ServerFrame::Error(_) => true,
        ServerFrame::Event(_)
        | ServerFrame::User(_)
        | ServerFrame::ReadBy { .. }
        | ServerFrame::Pong {}
        | ServerFrame::Reconnect { .. }
        | ServerFrame::Heads { .. }
        | ServerFrame::TokenExpiring { .. }
        | ServerFrame::Presence(_)
        | ServerFrame::Watching { .. }
        | ServerFrame::RoomPresence { .. }
        | ServerFrame::Typing { .. }
        | ServerFrame::Read { .. } => false,
    }
}

/// An event as a packet; the same for everybody in the namespace.
pub fn event(namespace: Namespace, frame: &ServerFrame) -> Frame {
    packet(namespace, &Event::from(frame))
}

fn packet(namespace: Namespace, event: &Event) -> Frame {
    Frame::text(&format!("42{}{}", namespace.prefix(), event.to_json()))
}

fn acknowledgement(namespace: Namespace, id: AckId, answer: &Acknowledgement) -> Frame {
    // Ids, texts and numbers only: nothing in it can fail to serialise.
    let answer = serde_json::to_string(answer).unwrap_or_default();
    Frame::text(&format!("43{}{id}[{answer}]", namespace.prefix()))
}

/// The packet that refuses a namespace. Its name is what the client wrote, and no longer than names of ours may be.
fn connect_error(namespace: &str, message: &str, error: Option<&ErrorFrame>) -> Frame {
    let length = SOCKETIO_NAMESPACE_CHARS_MAX;
    let name = if namespace == ROOT_NAMESPACE {
        String::new()
    } else {
        format!("{namespace:.length$},")
    };
    let mut said = json!({"message": message});
    if let Some(error) = error {
        said["data"] = json!(Failure::from(error));
    }
    Frame::text(&format!("44{name}{said}"))
}

fn refusal(bad: BadPacket) -> Rejected {
    match bad {
        BadPacket::Malformed => Rejected::new(ErrorCode::BadJson, None, "not a packet of Socket.IO 5"),
        BadPacket::Binary => Rejected::new(ErrorCode::BadField, None, "binary attachments are not taken"),
        BadPacket::AckId => Rejected::new(ErrorCode::BadField, None, "the id of the acknowledgement is too large"),
        BadPacket::Arguments(_) => {
            Rejected::new(ErrorCode::BadField, None, "an event is an array with a name and arguments")
        }
    }
}
