//! A chat client on a raw socket: it reads nothing that it is not asked to read, and says its first frames in the same
//! write as the handshake. It speaks the dialect that it is told to.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::dialect::Dialect;
use crate::mailbox::{ChatClient, Incoming, Mailbox};
use crate::raw::{CLOSE, Masking, RawSocket, TEXT, encoded};
use crate::socketio::{Heard, PONG, Packets};

/// A connected client.
pub struct RawClient {
    socket: RawSocket,
    packets: Option<Packets>,
    heard: VecDeque<Value>,
    mailbox: Mailbox,
}

impl RawClient {
    /// Connects with a token in the header and waits for `hello`.
    pub async fn login(dialect: Dialect, address: &str, token: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the gateway accepts connections");
        let mut client = Self::knock(dialect, stream, token, &[]).await;
        client.expect_type("hello").await;
        client
    }

    /// Sends the handshake with a token in the header and these frames in one write. Nothing is read but the head of the
    /// answer.
    pub async fn knock(dialect: Dialect, stream: TcpStream, token: &str, frames: &[Value]) -> Self {
        let mut packets = (dialect == Dialect::SocketIo).then(Packets::default);
        let connect = packets.is_some().then(|| Packets::connect(None));
        let texts = frames.iter().map(|frame| match &mut packets {
            Some(packets) => packets.write(frame),
            None => frame.to_string(),
        });
        let frames = connect
            .into_iter()
            .chain(texts)
            .flat_map(|text| encoded(TEXT, Masking::Masked, text.as_bytes()));
        let behind: Vec<u8> = frames.collect();
        let (socket, _) = RawSocket::upgrade_in(dialect, stream, token, "", &behind).await;
        Self { socket, packets, heard: VecDeque::new(), mailbox: Mailbox::default() }
    }

    /// Makes a room live.
    pub async fn subscribe(&mut self, room: &str) {
        self.send(json!({"type": "subscribe", "rooms": [{"room": room}]})).await;
        self.expect_type("subscribed").await;
        self.expect_type("caught_up").await;
    }

    async fn say(&mut self, text: &str) {
        self.socket.send(TEXT, Masking::Masked, text.as_bytes()).await;
    }
}

impl ChatClient for RawClient {
    async fn send(&mut self, frame: Value) {
        let text = match &mut self.packets {
            Some(packets) => packets.write(&frame),
            None => frame.to_string(),
        };
        self.say(&text).await;
    }

    async fn incoming(&mut self) -> Incoming {
        loop {
            if let Some(frame) = self.heard.pop_front() {
                return Incoming::Frame(frame);
            }
            match (self.socket.frame().await, &mut self.packets) {
                (Some((TEXT, text)), packets) => {
                    let text = String::from_utf8(text).expect("a text is UTF-8");
                    match packets.as_mut().map(|packets| packets.read(&text)) {
                        None => self.heard.push_back(serde_json::from_str(&text).expect("the server sends JSON")),
                        Some(Heard::Frames(frames)) => self.heard.extend(frames),
                        Some(Heard::Ping) => self.say(PONG).await,
                    }
                }
                (Some((CLOSE, payload)), packets) => {
                    let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    if let Some(packets) = packets {
                        packets.closed(code);
                    }
                    return Incoming::Closed(code);
                }
                (Some(_), _) => {}
                (None, _) => return Incoming::Lost("end of stream".to_owned()),
            }
        }
    }

    fn mailbox(&mut self) -> &mut Mailbox {
        &mut self.mailbox
    }
}
