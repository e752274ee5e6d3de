//! An HTTP client that can break every rule: bytes on a TCP connection, and a strict reading of what comes back. Every
//! request carries an id that its answer has to carry, too.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uuid::Uuid;

use crate::wait::PATIENCE;

/// Stands for the id of a request in what is sent.
pub const ID: &str = "{id}";

/// One connection to a server or a proxy.
pub struct Exchange {
    stream: BufReader<TcpStream>,
    /// Ids of requests without an answer yet, the oldest first.
    pub open: Vec<String>,
}

/// A step of a client.
#[derive(Clone, Debug)]
pub enum Step {
    /// Bytes, with [`ID`] where a request has its id.
    Send(String),
    /// Nothing for so many milliseconds.
    Pause(u64),
    /// An interim answer comes.
    HearsContinue,
    /// No more bytes follow; answers are still read.
    HalfClose,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header line of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is the last of its connection.
    pub fn closes(&self) -> bool {
        let says = |wanted: &str| {
            let values = self.headers.iter().filter(|(name, _)| name == "connection");
            values
                .flat_map(|(_, value)| value.split(','))
                .any(|token| token.trim().eq_ignore_ascii_case(wanted))
        };
        says("close")
    }
}

impl Exchange {
    /// Connects.
    pub async fn connect(address: &str) -> Self {
        Self::over(TcpStream::connect(address).await.expect("the server accepts connections"))
    }

    /// On a connection that there is.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("TCP_NODELAY can be set");
        Self { stream: BufReader::new(stream), open: Vec::new() }
    }

    /// Does one step. A peer that has closed already shows when reading.
    pub async fn step(&mut self, step: &Step) {
        match step {
            Step::Send(text) => {
                let mut text = text.clone();
                while text.contains(ID) {
                    let id = Uuid::new_v4().to_string();
                    text = text.replacen(ID, &id, 1);
                    self.open.push(id);
                }
                let _ = timeout(PATIENCE, self.stream.get_mut().write_all(text.as_bytes())).await;
            }
            Step::Pause(ms) => tokio::time::sleep(Duration::from_millis(*ms)).await,
            Step::HearsContinue => {
                let reply = self.read(false).await.expect("an interim answer comes");
                assert_eq!(reply.status, 100, "{reply:?}");
            }
            Step::HalfClose => {
                let _ = self.stream.get_mut().shutdown().await;
            }
        }
    }

    /// The next answer; none at the end of the connection.
    pub async fn reply(&mut self, to_head: bool) -> Option<Reply> {
        self.read(to_head).await
    }

    /// Whether the connection ends without another byte.
    pub async fn ends(&mut self) -> bool {
        let mut byte = [0];
        let read = timeout(PATIENCE, self.stream.read(&mut byte)).await.expect("the connection ends");
        // A reset is an end, too.
        matches!(read, Ok(0) | Err(_))
    }

    async fn read(&mut self, to_head: bool) -> Option<Reply> {
        let mut reply = Reply::default();
        let first = self.line().await?;
        assert!(first.starts_with("HTTP/1."), "no status line: {first:?}");
        reply.status = first.split(' ').nth(1).and_then(|text| text.parse().ok()).expect("a status");
        loop {
            let line = self.line().await.expect("a whole head comes");
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').expect("a header line");
            reply.headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let empty = to_head || reply.status < 200 || matches!(reply.status, 204 | 304);
        reply.body = if empty { Vec::new() } else { self.body(&reply).await };
        Some(reply)
    }

    async fn body(&mut self, reply: &Reply) -> Vec<u8> {
        let mut body = Vec::new();
        if reply.header("transfer-encoding").is_some() {
            loop {
                let size = self.line().await.expect("a chunk comes");
                let size = usize::from_str_radix(&size, 16).expect("a size of a chunk");
                body.extend(self.exactly(size).await);
                assert_eq!(self.line().await.as_deref(), Some(""), "the end of a chunk");
                if size == 0 {
                    return body;
                }
            }
        }
        if let Some(length) = reply.header("content-length") {
            return self.exactly(length.parse().expect("a length")).await;
        }
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut body)).await;
        read.expect("the connection ends").expect("and not by a reset");
        body
    }

    async fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let read = timeout(PATIENCE, self.stream.read_exact(&mut bytes)).await.expect("a whole body comes");
        read.expect("and is not cut off");
        bytes
    }

    /// A line without its end; none at the end of the connection.
    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_until(b'\n', &mut line))
            .await
            .expect("an answer comes");
        if line.is_empty() {
            return None;
        }
        read.expect("a line is not cut off");
        let text = String::from_utf8_lossy(&line);
        Some(text.strip_suffix("\r\n").expect("a line ends with CRLF").to_owned())
    }
}
