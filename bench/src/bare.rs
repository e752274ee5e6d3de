//! The bare limit: one thread and epoll. A text of a member is framed once and written to every member of its room with
//! one system call each. No Redis, no accounts, no numbers, no queue beyond what a socket refuses.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::Failure;
use crate::frame::{Kind, TEXT, first, from_server};

const LISTENER: Token = Token(usize::MAX);
const EVENTS: usize = 4096;
const READ_BYTES: usize = 64 * 1024;
/// What RFC 6455 appends to the key of a handshake.
const HANDSHAKE: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The subcommand.
#[derive(Args)]
pub(crate) struct Bare {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
}

struct Member {
    socket: TcpStream,
    /// The path of its handshake; none before.
    room: Option<String>,
    input: Vec<u8>,
    /// What the socket did not take.
    output: Vec<u8>,
}

#[derive(Default)]
struct Server {
    members: HashMap<usize, Member>,
    rooms: HashMap<String, Vec<usize>>,
    next: usize,
}

impl Bare {
    pub(crate) fn serve(self) -> Result<(), Failure> {
        let mut poll = Poll::new()?;
        let mut listener = TcpListener::bind(self.listen)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let (mut events, mut server) = (Events::with_capacity(EVENTS), Server::default());
        let mut scratch = vec![0; READ_BYTES];
        loop {
            match poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error.into()),
                Ok(()) | Err(_) => {}
            }
            for event in &events {
                if event.token() == LISTENER {
                    server.accept(&listener, &poll)?;
                } else {
                    server.turn(event.token().0, &mut scratch);
                }
            }
        }
    }
}

impl Server {
    fn accept(&mut self, listener: &TcpListener, poll: &Poll) -> io::Result<()> {
        while let Ok((mut socket, _)) = listener.accept() {
            socket.set_nodelay(true)?;
            self.next += 1;
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut socket, Token(self.next), interest)?;
            let member = Member { socket, room: None, input: Vec::new(), output: Vec::new() };
            self.members.insert(self.next, member);
        }
        Ok(())
    }

    /// A socket has something, or takes something again.
    fn turn(&mut self, id: usize, scratch: &mut [u8]) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let open = member.flush() && member.read(scratch);
        if member.room.is_none()
            && let Some(room) = member.shake_hands()
        {
            self.rooms.entry(room).or_default().push(id);
        }
        let (room, texts) = (member.room.clone().unwrap_or_default(), member.texts());
        for text in texts {
            self.say(&room, &from_server(TEXT, &text));
        }
        if !open {
            self.members.remove(&id);
            self.rooms.entry(room).or_default().retain(|&other| other != id);
        }
    }

    fn say(&mut self, room: &str, frame: &[u8]) {
        for id in self.rooms.get(room).into_iter().flatten() {
            if let Some(member) = self.members.get_mut(id) {
                member.write(frame);
            }
        }
    }
}

impl Member {
    /// False at the end of the connection.
    fn read(&mut self, scratch: &mut [u8]) -> bool {
        loop {
            match self.socket.read(scratch) {
                Ok(0) => return false,
                Ok(count) => self.input.extend_from_slice(&scratch[..count]),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let taken = if self.output.is_empty() {
            self.socket.write(bytes).unwrap_or_default()
        } else {
            0
        };
        self.output.extend_from_slice(&bytes[taken..]);
    }

    /// False at the end of the connection.
    fn flush(&mut self) -> bool {
        while !self.output.is_empty() {
            match self.socket.write(&self.output) {
                Ok(count) => drop(self.output.drain(..count)),
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
        true
    }

    /// The room, once the request is whole.
    fn shake_hands(&mut self) -> Option<String> {
        let end = self.input.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&self.input[..end]).into_owned();
        self.input.drain(..end);
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let key = head.lines().filter_map(header).find(|(name, _)| name == "sec-websocket-key")?.1;
        let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{HANDSHAKE}").as_bytes()));
        self.write(
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            )
            .as_bytes(),
        );
        self.room = head.split(' ').nth(1).map(str::to_owned);
        self.room.clone()
    }

    fn texts(&mut self) -> Vec<Vec<u8>> {
        let (mut texts, mut at) = (Vec::new(), 0);
        while let Some(frame) = self.room.as_ref().and_then(|_| first(&self.input[at..])) {
            if frame.kind == Kind::Text {
                texts.push(frame.unmasked());
            }
            at += frame.length;
        }
        self.input.drain(..at);
        texts
    }
}
