//! The Rust test client: a WebSocket with each way to bring a token. It speaks the dialect that its address asks for.

use std::collections::VecDeque;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderValue, Request};
use rookery_protocol::{BEARER_PREFIX, SUBPROTOCOL};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::dialect::Dialect;
use crate::mailbox::{ChatClient, Incoming, Mailbox};
use crate::socketio::{self, Heard, PONG, Packets};
use crate::traffic;

/// How a token gets to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `Authorization: Bearer`.
    Header,
    /// `Sec-WebSocket-Protocol: chat.v1, bearer.<token>`.
    Subprotocol,
    /// `?token=`.
    Query,
    /// A first frame of type `auth`; in Socket.IO the `auth` of the packet that connects.
    FirstFrame,
    /// `?ticket=`, with a ticket in the place of the token.
    Ticket,
}

impl Way {
    /// All of them that bring a token.
    pub const ALL: [Self; 4] = [Self::Header, Self::Subprotocol, Self::Query, Self::FirstFrame];
}

/// A connected client.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    mailbox: Mailbox,
    /// What is spoken, if it is not the protocol's own dialect.
    socketio: Option<Box<SocketIo>>,
}

#[derive(Default)]
struct SocketIo {
    packets: Packets,
    /// Frames of packets that were read already.
    heard: VecDeque<Value>,
}

/// What happened to an attempt to connect.
pub enum Attempt {
    /// It is upgraded.
    Open(Box<Socket>),
    /// It was answered with this status instead.
    Refused(u16),
    /// Nobody answered.
    Unreachable(String),
}

impl Socket {
    /// Connects and waits for `hello`.
    pub async fn login(base: &str, path: &str, token: &str) -> Self {
        let mut socket = Self::connect(base, path, token, Way::Header).await.open();
        socket.expect_type("hello").await;
        socket
    }

    /// Connects with a token; says nothing about whether the server likes it.
    pub async fn connect(base: &str, path: &str, token: &str, way: Way) -> Attempt {
        let mut attempt = Self::open(with_token(base, path, token, way)).await;
        let Attempt::Open(socket) = &mut attempt else { return attempt };
        if way == Way::FirstFrame {
            socket.send(json!({"type": "auth", "token": token})).await;
        }
        if let Some(socketio) = &mut socket.socketio {
            // No address of Socket.IO is that of a room: who wants to live in one joins it first of all.
            let room = path.rsplit('/').next().unwrap_or_default();
            if room != "ws" {
                socketio.packets.live_in(room);
                socket.send(json!({"type": "subscribe", "rooms": [{"room": room}]})).await;
            }
        }
        attempt
    }

    /// Sends a handshake as it is. In Socket.IO, one that brings a token is followed by the packet that connects.
    pub async fn open(request: Request<()>) -> Attempt {
        let is_socketio = request.uri().path() == socketio::PATH;
        let connects = is_socketio && brings_token(&request);
        match connect_async(request).await {
            Ok((stream, _)) => {
                let mailbox = Mailbox::default();
                let mut socket = Self { stream, mailbox, socketio: is_socketio.then(Box::default) };
                if connects {
                    socket.send_message(Message::text(Packets::connect(None))).await;
                }
                Attempt::Open(Box::new(socket))
            }
            Err(Error::Http(response)) => Attempt::Refused(response.status().as_u16()),
            Err(error) => Attempt::Unreachable(error.to_string()),
        }
    }

    /// Sends any message of the WebSocket protocol; a broken connection shows when reading.
    pub async fn send_message(&mut self, message: Message) {
        if let (Message::Text(text), None) = (&message, &self.socketio) {
            traffic::said(text);
        }
        let _ = self.stream.send(message).await;
    }

    /// Subscribes to one room from now on, and waits until it is live.
    pub async fn subscribe(&mut self, room: &str) -> Value {
        self.send(json!({"type": "subscribe", "rooms": [{"room": room}]})).await;
        self.live().await
    }

    /// Waits until a room of this connection is live; returns its `subscribed` frame.
    pub async fn live(&mut self) -> Value {
        let subscribed = self.expect_type("subscribed").await;
        let room = subscribed["room"].clone();
        self.expect("caught_up", |frame| frame["type"] == "caught_up" && frame["room"] == room)
            .await;
        subscribed
    }

    /// Answers a `ping` frame, so everything sent before has been handled.
    pub async fn sync(&mut self) {
        self.send(json!({"type": "ping"})).await;
        self.expect_type("pong").await;
    }

    /// Says goodbye and waits until the server has answered.
    pub async fn leave(mut self) {
        let _ = self.stream.close(None).await;
        while let Some(Ok(_)) = self.stream.next().await {}
    }
}

impl ChatClient for Socket {
    async fn send(&mut self, frame: Value) {
        let text = match &mut self.socketio {
            Some(socketio) => socketio.packets.write(&frame),
            None => frame.to_string(),
        };
        self.send_message(Message::text(text)).await;
    }

    async fn incoming(&mut self) -> Incoming {
        loop {
            if let Some(frame) = self.socketio.as_mut().and_then(|socketio| socketio.heard.pop_front()) {
                return Incoming::Frame(frame);
            }
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => match &mut self.socketio {
                    None => return parsed(&text),
                    Some(socketio) => match socketio.packets.read(&text) {
                        Heard::Frames(frames) => socketio.heard.extend(frames),
                        Heard::Ping => self.send_message(Message::text(PONG)).await,
                    },
                },
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map(|frame| frame.code.into());
                    if let Some(socketio) = &self.socketio {
                        socketio.packets.closed(code);
                    }
                    return Incoming::Closed(code);
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => return Incoming::Lost(format!("not a text frame: {other:?}")),
                Some(Err(error)) => return Incoming::Lost(error.to_string()),
                None => return Incoming::Lost("end of stream".to_owned()),
            }
        }
    }

    fn mailbox(&mut self) -> &mut Mailbox {
        &mut self.mailbox
    }
}

impl Attempt {
    /// The socket; panics if there is none.
    pub fn open(self) -> Socket {
        match self {
            Self::Open(socket) => *socket,
            Self::Refused(status) => panic!("the upgrade was refused with {status}"),
            Self::Unreachable(cause) => panic!("no answer: {cause}"),
        }
    }
}

/// A handshake that carries `token` in the given way.
pub fn with_token(base: &str, path: &str, token: &str, way: Way) -> Request<()> {
    let mut request = handshake(&match (Dialect::of(base), way) {
        ((Dialect::Native, base), Way::Query) => format!("{base}{path}?token={token}"),
        ((Dialect::Native, base), Way::Ticket) => format!("{base}{path}?ticket={token}"),
        ((Dialect::Native, base), _) => format!("{base}{path}"),
        ((Dialect::SocketIo, base), Way::Query) => format!("{base}{}&token={token}", socketio::WEBSOCKET),
        ((Dialect::SocketIo, base), Way::Ticket) => format!("{base}{}&ticket={token}", socketio::WEBSOCKET),
        ((Dialect::SocketIo, base), _) => format!("{base}{}", socketio::WEBSOCKET),
    });
    let header = match way {
        Way::Header => Some(("authorization", format!("Bearer {token}"))),
        Way::Subprotocol => Some(("sec-websocket-protocol", format!("{SUBPROTOCOL}, {BEARER_PREFIX}{token}"))),
        Way::Query | Way::FirstFrame | Way::Ticket => None,
    };
    if let Some((name, value)) = header {
        let value = HeaderValue::from_str(&value).expect("a token is visible ASCII");
        request.headers_mut().insert(name, value);
    }
    request
}

fn brings_token(request: &Request<()>) -> bool {
    let headers = request.headers();
    let by_query = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("&token=") || query.contains("&ticket="));
    by_query || ["authorization", "sec-websocket-protocol"].iter().any(|name| headers.contains_key(*name))
}

/// A plain handshake.
pub fn handshake(url: &str) -> Request<()> {
    url.into_client_request().unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn parsed(text: &str) -> Incoming {
    match serde_json::from_str(text) {
        Ok(frame) => {
            traffic::heard(&frame);
            Incoming::Frame(frame)
        }
        Err(_) => Incoming::Lost(format!("not JSON: {text}")),
    }
}
