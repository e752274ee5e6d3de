//! After `hello`: every frame of the protocol, until the token expires.

use rookery_bus::presence::Setting;
use rookery_protocol::attachment::Attachment;
use rookery_protocol::changes::Parts;
use rookery_protocol::client::{Background, ClientFrame, Message, Read, RoomPosition};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{NewMessage, Sender};
use rookery_protocol::id::{ClientId, RoomRef, SessionId};
use rookery_protocol::limits::{
    CONTENT_BYTES_MAX, CONTENT_CHARS_MAX, FRAME_BYTES_MAX, RESUME_EVENTS_MAX, ROOMS_PER_CONNECTION_MAX, TOKEN_LEEWAY,
};
use rookery_protocol::position::Position;
use rookery_protocol::presence::Presence;
use rookery_protocol::server::{AckMode, ErrorFrame, Limits, ServerFrame, UserBrief};
use rookery_protocol::unread::ReadTo;
use rookery_runtime::token::{Claims, Signer};

use super::budget::Budget;
use super::{Command, Input, LoginState, MessageChangeRequest, Outgoing, Output, Place, Target};
use crate::limits::{HEARTBEAT_INTERVAL, TOKEN_WARNING};
use crate::reads::Reading;
use crate::session::output::{ended, refuse};

/// A connection of a known user.
#[derive(Debug)]
pub struct Authenticated {
    sender: Sender,
    login: SessionId,
    room: Option<RoomRef>,
    expires: UnixMillis,
    /// The key of its token; without it the token is worth nothing.
    signer: Signer,
    /// When `token_expiring` is due; none once it was sent.
    warning: Option<UnixMillis>,
    budget: Budget,
}

impl Authenticated {
    pub(super) fn greet(claims: &Claims, place: Option<Place>, ack: AckMode, now: UnixMillis) -> (Self, Vec<Output>) {
        let mut outputs = vec![Output::Welcome(claims.sub), Output::Send(hello(claims, ack))];
        let room = place.as_ref().map(|place| place.room(claims.sub));
        outputs.extend(place.map(|place| {
            Output::Run(match place {
                Place::Room(room) => Command::Enter(room),
                Place::Direct(with) => Command::EnterDirect(with),
            })
        }));
        let (expires, warning) = (expiry(claims), Some(warning(claims)));
        let (sender, login, signer) = (sender(claims), claims.sid, claims.signer.clone());
        let session = Self { sender, login, room, expires, signer, warning, budget: Budget::new(now) };
        (session, outputs)
    }

    pub(super) fn deadline(&self) -> UnixMillis {
        self.warning.map_or(self.expires, |warning| warning.min(self.expires))
    }

    pub(super) fn handle(&mut self, input: Input, now: UnixMillis) -> Vec<Output> {
        match input {
            // A connection is sent the end of its own login.
            Input::Token(Ok(claims)) if self.is_own(&claims) && claims.sid == self.login => self.renew(&claims),
            Input::Token(Ok(claims)) if self.is_own(&claims) => vec![Output::Check(Box::new(claims))],
            Input::Checked(claims, LoginState::Open) => self.renew(&claims),
            Input::Checked(_, LoginState::Ended) => ended(),
            Input::Token(_) | Input::Checked(_, LoginState::Spent) => refuse(),
            Input::Tick if now >= self.expires || self.signer.is_removed() => refuse(),
            // A token that cannot be checked now changes nothing; the old one holds as long as it holds.
            Input::Checked(_, LoginState::Unknown) | Input::Keyless => vec![Output::error(ErrorCode::Unavailable)],
            Input::Tick => self.warn(now),
            Input::Rejected(rejected) => self.bad(rejected.into(), now),
            Input::Frame(frame) => self.on_frame(frame, now),
        }
    }

    fn on_frame(&mut self, frame: ClientFrame, now: UnixMillis) -> Vec<Output> {
        match frame {
            ClientFrame::Auth(_) => refuse(),
            ClientFrame::Ping(_) => vec![Output::Send(ServerFrame::Pong {})],
            ClientFrame::Unsubscribe(unsubscribe) => vec![Output::Run(Command::Unsubscribe(unsubscribe.rooms))],
            ClientFrame::Subscribe(subscribe) => self.subscribe(subscribe.rooms, now),
            ClientFrame::Message(message) => self.message(message, now),
            ClientFrame::Heads(heads) => self.heads(heads.rooms, now),
            ClientFrame::Edit(edit) => self.change_message(edit.into(), now),
            ClientFrame::Delete(delete) => self.change_message(delete.into(), now),
            ClientFrame::React(react) => self.change_message(react.into(), now),
            ClientFrame::Presence(Presence { status, text }) => {
                vec![Output::Run(Command::Say(Setting { status, text }))]
            }
            ClientFrame::Watch(watch) => vec![Output::Run(Command::Watch(watch))],
            ClientFrame::Typing(typing) => self.typing(typing.room, now),
            ClientFrame::Read(read) => self.read(read, now),
            ClientFrame::Background(Background { on }) => vec![Output::Run(Command::Background(on))],
        }
    }

    fn subscribe(&mut self, rooms: Vec<RoomPosition>, now: UnixMillis) -> Vec<Output> {
        match rooms.into_iter().enumerate().map(target).collect() {
            Ok(targets) => vec![Output::Run(Command::Subscribe(targets))],
            Err(error) => self.bad(error, now),
        }
    }

    fn heads(&mut self, rooms: Vec<RoomPosition>, now: UnixMillis) -> Vec<Output> {
        match rooms.into_iter().enumerate().map(target).collect() {
            Ok(targets) => vec![Output::Run(Command::Heads(targets))],
            Err(error) => self.bad(error, now),
        }
    }

    fn message(&mut self, message: Message, now: UnixMillis) -> Vec<Output> {
        let Message { room, client_id, content, reply_to, attachments } = message;
        let Some(room) = room.or_else(|| self.room.clone()) else {
            return self.nowhere(client_id, now);
        };
        let client_id = client_id.unwrap_or_else(ClientId::generate);
        let attachments = attachments.into_iter().map(Attachment::unclaimed).collect();
        let message = NewMessage { content, client_id, reply_to, attachments };
        vec![Output::Run(Command::Send(Box::new(Outgoing { room, sender: self.sender.clone(), message })))]
    }

    fn change_message(&mut self, parts: Parts, now: UnixMillis) -> Vec<Output> {
        let Parts { room, client_id, change } = parts;
        let Some(room) = room.or_else(|| self.room.clone()) else {
            return self.nowhere(client_id, now);
        };
        let client_id = client_id.unwrap_or_else(ClientId::generate);
        vec![Output::Run(Command::MessageChange(Box::new(MessageChangeRequest {
            room,
            sender: self.sender.clone(),
            client_id,
            change,
        })))]
    }

    fn typing(&mut self, room: Option<RoomRef>, now: UnixMillis) -> Vec<Output> {
        match room.or_else(|| self.room.clone()) {
            Some(room) => vec![Output::Run(Command::Type(room, self.sender.clone()))],
            None => self.nowhere(None, now),
        }
    }

    fn read(&mut self, read: Read, now: UnixMillis) -> Vec<Output> {
        let Read { room, epoch, seq } = read;
        match room.or_else(|| self.room.clone()) {
            Some(room) => vec![Output::Run(Command::Read(Reading { room, to: ReadTo { epoch, seq } }))],
            None => self.nowhere(None, now),
        }
    }

    fn nowhere(&mut self, client_id: Option<ClientId>, now: UnixMillis) -> Vec<Output> {
        let field = Some("room".to_owned());
        self.bad(ErrorFrame { field, client_id, ..ErrorFrame::new(ErrorCode::RoomRequired) }, now)
    }

    fn is_own(&self, claims: &Claims) -> bool {
        claims.sub == self.sender.user_id
    }

    /// A renewed token may carry a new name, another login and a later end; the connection goes on without a word.
    fn renew(&mut self, claims: &Claims) -> Vec<Output> {
        self.sender = sender(claims);
        self.login = claims.sid;
        self.expires = expiry(claims);
        self.signer = claims.signer.clone();
        self.warning = Some(warning(claims));
        Vec::new()
    }

    /// Once, a while before the token ends, so that the client can renew it without a gap.
    fn warn(&mut self, now: UnixMillis) -> Vec<Output> {
        if self.warning.take_if(|warning| now >= *warning).is_none() {
            return Vec::new();
        }
        let rest = self.expires.since(now).saturating_sub(TOKEN_LEEWAY);
        let after_ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX);
        vec![Output::Send(ServerFrame::TokenExpiring { after_ms })]
    }

    fn bad(&mut self, error: ErrorFrame, now: UnixMillis) -> Vec<Output> {
        let mut outputs = vec![Output::Send(ServerFrame::Error(error))];
        if self.budget.spend(now) {
            outputs.push(Output::Close(CloseCode::Policy));
        }
        outputs
    }
}

/// Half a position proves nothing, so it is refused rather than guessed at.
fn target((index, wanted): (usize, RoomPosition)) -> Result<Target, ErrorFrame> {
    let RoomPosition { room, epoch, seq } = wanted;
    let missing = match (epoch, seq) {
        (None, None) => return Ok(Target { room, position: None }),
        (Some(epoch), Some(seq)) => return Ok(Target { room, position: Some(Position { epoch, seq }) }),
        (None, Some(_)) => "epoch",
        (Some(_), None) => "seq",
    };
    Err(ErrorFrame {
        message: "epoch and seq belong together".to_owned(),
        field: Some(format!("rooms[{index}].{missing}")),
        room: Some(room),
        ..ErrorFrame::new(ErrorCode::BadField)
    })
}

fn sender(claims: &Claims) -> Sender {
    Sender { user_id: claims.sub, username: claims.name.clone() }
}

/// Ends where the verifier would refuse the token, so that a token it accepts is good for a moment at least.
pub(super) fn expiry(claims: &Claims) -> UnixMillis {
    UnixMillis(claims.exp.saturating_mul(1000)).plus(TOKEN_LEEWAY)
}

/// A token that was made for less time than that is warned of at once.
fn warning(claims: &Claims) -> UnixMillis {
    let before = i64::try_from(TOKEN_WARNING.as_millis()).unwrap_or(0);
    UnixMillis(claims.exp.saturating_mul(1000).saturating_sub(before))
}

fn hello(claims: &Claims, ack: AckMode) -> ServerFrame {
    ServerFrame::Hello {
        session: claims.sid,
        user: UserBrief { user_id: claims.sub, username: claims.name.clone() },
        heartbeat_ms: u64::try_from(HEARTBEAT_INTERVAL.as_millis()).unwrap_or(u64::MAX),
        limits: Limits {
            frame_bytes: FRAME_BYTES_MAX,
            content_chars: CONTENT_CHARS_MAX,
            content_bytes: CONTENT_BYTES_MAX,
            rooms: ROOMS_PER_CONNECTION_MAX,
            resume_events: RESUME_EVENTS_MAX,
        },
        ack,
    }
}
