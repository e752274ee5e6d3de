//! One WebSocket connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Mutex;

use crate::Failure;
use crate::frame::{PONG, TEXT, from_client};

/// Connections per source address: the range of ports belongs to a pair of addresses.
const PORTS: usize = 10_000;
/// Receive buffer of a connection that is not read.
const NARROW_BYTES: u32 = 4 * 1024;
/// Open files of a load generator that are no connections.
const SPARE_FILES: usize = 64;
const HEAD_MAX: usize = 8 * 1024;

/// The connection; one task reads, any may write.
#[derive(Clone)]
pub(crate) struct Link {
    stream: Arc<TcpStream>,
    turn: Arc<Mutex<()>>,
}

impl Link {
    /// Connects and shakes hands. `number` tells connections apart.
    pub(crate) async fn open(address: SocketAddr, number: usize, path: &str, headers: &str) -> io::Result<Self> {
        Self::open_on(TcpSocket::new_v4()?, address, number, (path, headers)).await
    }

    /// The same with a receive buffer that is soon full.
    pub(crate) async fn open_narrow(address: SocketAddr, number: usize, path: &str, headers: &str) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(NARROW_BYTES)?;
        Self::open_on(socket, address, number, (path, headers)).await
    }

    async fn open_on(
        socket: TcpSocket,
        address: SocketAddr,
        number: usize,
        (path, headers): (&str, &str),
    ) -> io::Result<Self> {
        let net = u8::try_from(number / PORTS).unwrap_or(u8::MAX);
        if net > 0 {
            socket.bind((IpAddr::from(Ipv4Addr::new(127, 0, net, 1)), 0).into())?;
        }
        let mut stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cm9va2VyeS1iZW5jaC0wMQ==\r\n{headers}\r\n"
        );
        write(&stream, head.as_bytes()).await?;
        expect_upgrade(&mut stream).await?;
        Ok(Self { stream: Arc::new(stream), turn: Arc::default() })
    }

    /// Sends a text.
    pub(crate) async fn send(&self, text: &str) -> io::Result<()> {
        self.write(&from_client(TEXT, text.as_bytes())).await
    }

    /// Answers a ping.
    pub(crate) async fn pong(&self, payload: &[u8]) -> io::Result<()> {
        self.write(&from_client(PONG, payload)).await
    }

    /// Appends what has come; no bytes mean the end.
    pub(crate) async fn read(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            self.stream.readable().await?;
            match self.stream.try_read_buf(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
        }
    }

    async fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let _turn = self.turn.lock().await;
        write(&self.stream, bytes).await
    }
}

/// Whether this process may have so many sockets: every one is a file to the kernel.
pub(crate) fn fit(sockets: usize) -> Result<(), Failure> {
    let (limits, wanted) = (std::fs::read_to_string("/proc/self/limits")?, sockets + SPARE_FILES);
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    match soft {
        Some(soft) if soft < wanted => Err(format!(
            "{sockets} sockets need {wanted} open files, and this process may have {soft}: raise the limit (as root: \
             `ulimit -Hn {wanted}`) or ask for fewer connections"
        )
        .into()),
        Some(_) | None => Ok(()),
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Byte by byte, so that nothing of the first frame is taken with the head.
async fn expect_upgrade(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_MAX {
        head.push(stream.read_u8().await?);
    }
    if head.starts_with(b"HTTP/1.1 101 ") {
        Ok(())
    } else {
        let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
        Err(io::Error::other(format!("no upgrade: {line}")))
    }
}
