//! A WebSocket client that can break every rule: bytes on a TCP connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::dialect::Dialect;
use crate::wait::PATIENCE;
use crate::{socketio, traffic};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
const FIN: u8 = 0x80;
const OPCODE_TEXT: u8 = 0x1;
const OPCODE_CLOSE: u8 = 0x8;

/// First byte of a whole text frame.
pub const TEXT: u8 = FIN | OPCODE_TEXT;
/// First byte of a whole binary frame.
pub const BINARY: u8 = FIN | 0x2;
/// First byte of the first fragment of a text.
pub const TEXT_BEGINS: u8 = OPCODE_TEXT;
/// First byte of a fragment between the first and the last.
pub const GOES_ON: u8 = 0x0;
/// First byte of the last fragment.
pub const ENDS: u8 = FIN;
/// First byte of a close frame.
pub const CLOSE: u8 = FIN | OPCODE_CLOSE;
/// First byte of a pong.
pub const PONG: u8 = FIN | 0xA;
/// First byte of a ping.
pub const PING: u8 = FIN | 0x9;

/// An upgraded connection.
pub struct RawSocket {
    reader: RawReader,
    writer: RawWriter,
}

/// The half of it that hears.
pub struct RawReader {
    stream: BufReader<OwnedReadHalf>,
    dialect: Dialect,
}

/// The half of it that says.
pub struct RawWriter {
    stream: OwnedWriteHalf,
}

/// How a frame is put on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masking {
    /// As RFC 6455 demands from clients.
    Masked,
    /// As only servers may.
    Unmasked,
}

impl RawSocket {
    /// Upgrades with a token in the header and reads up to `hello`.
    pub async fn login(address: &str, token: &str) -> Self {
        Self::login_with(address, token, "").await.0
    }

    /// The same with more header lines; returns the head of the answer, too.
    pub async fn login_with(address: &str, token: &str, headers: &str) -> (Self, String) {
        let stream = TcpStream::connect(address).await.expect("the gateway accepts connections");
        let (mut socket, answer) = Self::upgrade(stream, token, headers, &[]).await;
        let (first, hello) = socket.frame().await.expect("hello comes first");
        assert_eq!(first, TEXT, "{}", String::from_utf8_lossy(&hello));
        (socket, answer)
    }

    /// Upgrades with a token in the header. What is to follow goes along in the same write; nothing but the head of the
    /// answer is read.
    pub async fn upgrade(stream: TcpStream, token: &str, headers: &str, behind: &[u8]) -> (Self, String) {
        Self::upgrade_in(Dialect::Native, stream, token, headers, behind).await
    }

    /// The same, to speak this dialect.
    pub async fn upgrade_in(
        dialect: Dialect,
        stream: TcpStream,
        token: &str,
        headers: &str,
        behind: &[u8],
    ) -> (Self, String) {
        let path = match dialect {
            Dialect::Native => "/ws",
            Dialect::SocketIo => socketio::WEBSOCKET,
        };
        Self::handshake((dialect, path), stream, token, headers, behind).await
    }

    /// Upgrades a connection of Socket.IO that there is, by its path, with a token in the header.
    pub async fn upgrade_to(stream: TcpStream, path: &str, token: &str) -> Self {
        Self::handshake((Dialect::SocketIo, path), stream, token, "", &[]).await.0
    }

    async fn handshake(
        (dialect, path): (Dialect, &str),
        mut stream: TcpStream,
        token: &str,
        headers: &str,
        behind: &[u8],
    ) -> (Self, String) {
        let host = stream.peer_addr().expect("it is connected");
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
        );
        let bytes = [head.as_bytes(), behind].concat();
        stream.write_all(&bytes).await.expect("the head can be sent");
        let answer = read_head(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        let (reader, writer) = stream.into_split();
        let reader = RawReader { stream: BufReader::new(reader), dialect };
        (Self { reader, writer: RawWriter { stream: writer } }, answer)
    }

    /// Sends one frame. The peer may have closed already: what it says shows when reading.
    pub async fn send(&mut self, first: u8, masking: Masking, payload: &[u8]) {
        self.send_bytes(&encoded(first, masking, payload)).await;
    }

    /// Says that nothing more comes, and goes on reading.
    pub async fn half_close(&mut self) {
        let _ = self.writer.stream.shutdown().await;
    }

    /// Its halves, for who wants to say and hear at once.
    pub fn split(self) -> (RawReader, RawWriter) {
        (self.reader, self.writer)
    }

    /// Sends the header of a frame of any claimed length, and nothing of its payload.
    pub async fn send_header(&mut self, first: u8, length: u64) {
        self.send_bytes(&header(first, Masking::Masked, length)).await;
    }

    /// Sends bytes as they are.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.writer.send_bytes(bytes).await;
    }

    /// Reads until the server closes and returns its code; none if it just went away.
    pub async fn closed(&mut self) -> Option<u16> {
        while let Some((first, payload)) = self.frame().await {
            if first == FIN | OPCODE_CLOSE {
                return payload.first_chunk().map(|code| u16::from_be_bytes(*code));
            }
        }
        None
    }

    /// The next frame, its first byte and its payload; none at the end of the stream.
    pub async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        self.reader.frame().await
    }
}

impl RawWriter {
    /// Sends bytes as they are.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }
}

impl RawReader {
    /// The next frame, its first byte and its payload; none at the end of the stream.
    pub async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let frame = timeout(PATIENCE, read_frame(&mut self.stream)).await.expect("a frame or the end comes");
        let (first, payload) = frame.ok()?;
        if first == TEXT && self.dialect == Dialect::Native {
            traffic::heard(&serde_json::from_slice(&payload).expect("the server sends JSON"));
        }
        Some((first, payload))
    }
}

/// Sends bytes on a fresh connection and returns what comes back until the server closes; panics if it does not
/// close within `deadline`.
pub async fn exchange(address: &str, bytes: &[u8], deadline: Duration) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts connections");
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = timeout(deadline, stream.read_to_end(&mut answer)).await;
    // A reset is a way to close, too.
    assert!(read.is_ok(), "still open after {deadline:?}; answer so far: {}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// One frame as bytes.
pub fn encoded(first: u8, masking: Masking, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, masking, payload.len() as u64);
    match masking {
        Masking::Masked => bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask)),
        Masking::Unmasked => bytes.extend_from_slice(payload),
    }
    bytes
}

fn header(first: u8, masking: Masking, length: u64) -> Vec<u8> {
    let flag = if masking == Masking::Masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => bytes.push(flag + short),
        (_, Ok(medium)) => {
            bytes.push(flag + 126);
            bytes.extend(medium.to_be_bytes());
        }
        (_, Err(_)) => {
            bytes.push(flag + 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    if masking == Masking::Masked {
        bytes.extend(MASK);
    }
    bytes
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = timeout(PATIENCE, stream.read_u8())
            .await
            .expect("an answer comes")
            .expect("a whole head comes");
        head.push(byte);
    }
    String::from_utf8_lossy(&head).into_owned()
}

async fn read_frame(stream: &mut BufReader<OwnedReadHalf>) -> std::io::Result<(u8, Vec<u8>)> {
    let first = stream.read_u8().await?;
    let length = match stream.read_u8().await? {
        126 => u64::from(stream.read_u16().await?),
        127 => stream.read_u64().await?,
        short => u64::from(short),
    };
    let mut payload = Vec::new();
    stream.take(length).read_to_end(&mut payload).await?;
    Ok((first, payload))
}
