//! Connections spread over nodes and rooms, and messages at a fixed rate.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::Failure;
use crate::accounting::{Usage, Watched};
use crate::dialect::{Credentials, Dialect, Meaning, Place};
use crate::frame::{Kind, first};
use crate::ledger::{Again, Ledger, Refused};
use crate::link::{self, Link};
use crate::tag::Tag;

/// Without any progress.
const JOIN_DEADLINE: Duration = Duration::from_mins(1);
const READ_BYTES: usize = 16 * 1024;

/// Who connects, and to what.
#[derive(Args, Clone, Debug)]
pub(crate) struct ClientOptions {
    /// The protocol.
    #[arg(long, value_enum, default_value = "rookery")]
    pub(crate) dialect: Dialect,
    /// Nodes, separated by commas; connections are spread over them in turn.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) nodes: Vec<SocketAddr>,
    /// Connections.
    #[arg(long, default_value_t = 1000)]
    pub(crate) connections: usize,
    /// Rooms; connection i is in room i / nodes % rooms, as `seed --gateways` has it.
    #[arg(long, default_value_t = 1)]
    pub(crate) rooms: usize,
    /// Rooms of each connection: that one and the ones after it.
    #[arg(long, default_value_t = 1)]
    pub(crate) rooms_per_connection: usize,
    /// What `seed` printed.
    #[arg(long)]
    credentials: Option<PathBuf>,
    /// New connections in a second.
    #[arg(long, default_value_t = 1000)]
    connect_rate: u64,
    /// Processes to account for, as name=pid.
    #[arg(long = "pid")]
    pub(crate) watched: Vec<Watched>,
}

/// Messages at a fixed rate.
#[derive(Args, Clone, Debug)]
pub(crate) struct Talk {
    /// Connections that send.
    #[arg(long, default_value_t = 1)]
    pub(crate) publishers: usize,
    /// Messages in a second, all publishers together.
    #[arg(long, default_value_t = 20.0)]
    pub(crate) rate: f64,
    /// Messages that are due at the same moment.
    #[arg(long, default_value_t = 1)]
    pub(crate) burst: u64,
    /// Seconds.
    #[arg(long, default_value_t = 6.0)]
    pub(crate) seconds: f64,
    /// Bytes of a text.
    #[arg(long, default_value_t = 120)]
    pub(crate) size: usize,
}

/// Connections that are open and in their rooms.
pub(crate) struct ConnectedClients {
    dialect: Dialect,
    credentials: Credentials,
    members: Vec<Arc<Member>>,
    readers: JoinSet<()>,
}

struct Member {
    link: Link,
    place: Place,
}

struct Reader {
    member: Arc<Member>,
    ledger: Arc<Ledger>,
    dialect: Dialect,
    credentials: Arc<Credentials>,
    size: usize,
    joined: Arc<AtomicUsize>,
}

impl ClientOptions {
    /// The rooms of a connection.
    pub(crate) fn place(&self, user: usize) -> Place {
        let first = user / self.nodes.len();
        let rooms = (0..self.rooms_per_connection.min(self.rooms)).map(|n| (first + n) % self.rooms);
        Place { user, rooms: rooms.collect() }
    }

    /// Connects everybody and waits until all are in their rooms. `size` is that of texts which are sent again.
    pub(crate) async fn gather(&self, ledger: &Arc<Ledger>, size: usize) -> Result<ConnectedClients, Failure> {
        self.fits_with(0)?;
        let credentials = Arc::new(self.credentials()?);
        let joined = Arc::new(AtomicUsize::new(0));
        let (mut members, mut readers, mut joins) = (Vec::new(), JoinSet::new(), 0);
        for user in 0..self.connections {
            let place = self.place(user);
            let (path, headers) = self.dialect.handshake(&place, &credentials);
            let node = self.nodes[user % self.nodes.len()];
            let link = timeout(JOIN_DEADLINE, Link::open(node, user, &path, &headers)).await??;
            if let Some(text) = self.dialect.greeting(&place, &credentials) {
                link.send(&text).await?;
            }
            joins += self.dialect.joins(&place);
            let member = Arc::new(Member { link, place });
            members.push(Arc::clone(&member));
            let (ledger, dialect, joined) = (Arc::clone(ledger), self.dialect, Arc::clone(&joined));
            let reader = Reader { member, ledger, dialect, credentials: Arc::clone(&credentials), size, joined };
            readers.spawn(reader.run());
            self.pace().await;
        }
        wait_for(&joined, joins).await?;
        let credentials = Arc::unwrap_or_clone(credentials);
        Ok(ConnectedClients { dialect: self.dialect, credentials, members, readers })
    }

    /// What the watched processes have used so far.
    pub(crate) fn usage(&self) -> Vec<Usage> {
        self.watched.iter().map(Watched::usage).collect()
    }

    /// Seconds of CPU that each watched process used since.
    pub(crate) fn since(&self, before: &[Usage]) -> Vec<f64> {
        self.usage().iter().zip(before).map(|(now, before)| now.cpu_since(before)).collect()
    }

    /// The same by name, in microseconds for each of so many things.
    pub(crate) fn spent(&self, seconds: &[f64], things: u64) -> Vec<(String, f64)> {
        let each = seconds.iter().map(|seconds| seconds * 1e6 / number_of(things.max(1)));
        self.watched.iter().map(|watched| watched.name.clone()).zip(each).collect()
    }

    /// Waits so long that no more connections are opened than should be.
    pub(crate) async fn pace(&self) {
        sleep(Duration::from_micros(1_000_000 / self.connect_rate.max(1))).await;
    }

    /// Refuses to begin what would end in the middle.
    pub(crate) fn fits_with(&self, more: usize) -> Result<(), Failure> {
        link::fit(self.connections + more)
    }

    /// One more connection of a user to the first node, which is in the user's rooms and is never to be read.
    pub(crate) async fn connect_deaf(&self, credentials: &Credentials, user: usize) -> Result<Link, Failure> {
        let place = self.place(user);
        let (path, headers) = self.dialect.handshake(&place, credentials);
        let link = Link::open_narrow(self.nodes[0], self.connections + user, &path, &headers).await?;
        if let Some(text) = self.dialect.greeting(&place, credentials) {
            link.send(&text).await?;
        }
        Ok(link)
    }

    /// Kills a watched process, without any last word.
    pub(crate) fn kill(&self, name: &str) -> Result<(), Failure> {
        let found = self.watched.iter().find(|watched| watched.name == name);
        let pid = found.ok_or_else(|| format!("no --pid {name}=…"))?.pid.to_string();
        let killed = std::process::Command::new("kill").args(["-KILL", &pid]).status()?;
        if killed.success() {
            Ok(())
        } else {
            Err(format!("{name} was not killed").into())
        }
    }

    pub(crate) fn credentials(&self) -> Result<Credentials, Failure> {
        let Some(path) = &self.credentials else { return Ok(Credentials::default()) };
        let read: Credentials = serde_json::from_slice(&std::fs::read(path)?)?;
        if read.rooms.len() < self.rooms || read.tokens.is_empty() {
            return Err(
                format!("{} has {} rooms and {} tokens", path.display(), read.rooms.len(), read.tokens.len()).into()
            );
        }
        Ok(read)
    }
}

async fn wait_for(joined: &AtomicUsize, joins: usize) -> Result<(), Failure> {
    let (mut before, mut end) = (0, Instant::now() + JOIN_DEADLINE);
    loop {
        let now = joined.load(Ordering::Relaxed);
        if now >= joins {
            return Ok(());
        }
        if now > before {
            (before, end) = (now, Instant::now() + JOIN_DEADLINE);
        } else if Instant::now() > end {
            return Err(format!("only {now} of {joins} rooms were joined").into());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

impl ConnectedClients {
    /// Sends at the fixed rate; returns how many were sent and how many deliveries that makes.
    pub(crate) async fn talk(&self, talk: &Talk, ledger: &Ledger) -> Result<(u64, u64), Failure> {
        let publishers = talk.publishers.clamp(1, self.members.len().max(1));
        let members_in = self.members_of_rooms();
        let begin = Instant::now();
        let offset_us = ledger.now_us();
        // A number is never used again, also not in a later talk of the same clients: it names the message.
        let first = ledger.numbers();
        let (mut number, mut expected) = (first, 0);
        let between = Duration::from_secs_f64(number_of(talk.burst) / talk.rate);
        let end = begin + Duration::from_secs_f64(talk.seconds);
        let mut due = begin;
        while due < end {
            tokio::time::sleep_until(due).await;
            let due_us = offset_us + u64::try_from((due - begin).as_micros()).unwrap_or(u64::MAX);
            for _ in 0..talk.burst {
                let sender = usize::try_from(number).unwrap_or_default() % publishers;
                number += 1;
                let member = &self.members[sender];
                let room = member.place.rooms.first().copied().unwrap_or_default();
                expected += members_in.get(&room).copied().unwrap_or_default();
                let tag = Tag { publisher: u32::try_from(sender).unwrap_or_default(), number, due_us };
                ledger.send(tag);
                let room = self.credentials.room(room);
                let client_id = ledger.client_id(number);
                member.link.send(&self.dialect.message(&room, &client_id, &tag.text(talk.size))).await?;
            }
            due += between;
        }
        Ok((number - first, expected))
    }

    /// Ends all connections.
    pub(crate) async fn leave(mut self) {
        self.readers.shutdown().await;
    }

    /// The room ids that `seed` printed.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    fn members_of_rooms(&self) -> HashMap<usize, u64> {
        let mut members = HashMap::new();
        for room in self.members.iter().flat_map(|member| &member.place.rooms) {
            *members.entry(*room).or_default() += 1;
        }
        members
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^52")]
pub(crate) const fn number_of(count: u64) -> f64 {
    count as f64
}

impl Reader {
    async fn run(self) {
        let (mut buffer, mut last) = (Vec::new(), HashMap::new());
        loop {
            buffer.reserve(READ_BYTES.min(buffer.len() + 2048));
            if matches!(self.member.link.read(&mut buffer).await, Ok(0) | Err(_)) {
                return self.ledger.lose();
            }
            let mut at = 0;
            while let Some(frame) = first(&buffer[at..]) {
                at += frame.length;
                match frame.kind {
                    Kind::Text => self.handle(frame.payload, frame.length, &mut last).await,
                    Kind::Ping => drop(self.member.link.pong(frame.payload).await),
                    Kind::Close => return self.ledger.lose(),
                    Kind::Other => {}
                }
            }
            buffer.drain(..at);
            if buffer.is_empty() {
                buffer.shrink_to(2048);
            }
        }
    }

    async fn handle(&self, text: &[u8], length: usize, last: &mut HashMap<u32, u64>) {
        match self.dialect.meaning(text, &self.member.place, &self.credentials) {
            Meaning::Joined => {
                self.joined.fetch_add(1, Ordering::Relaxed);
            }
            Meaning::Answer(answer) => drop(self.member.link.send(&answer).await),
            Meaning::Answered => {
                if let Some(again) = self.ledger.answer(text) {
                    self.send_again(again);
                }
            }
            Meaning::Other => {
                if let Some(tag) = Tag::find(text) {
                    self.ledger.deliver(tag, length, last);
                }
            }
        }
    }

    fn send_again(&self, Again { what, after_ms }: Again) {
        let text = match what {
            Refused::Message(number) => self.message(number),
            Refused::Room(room) => serde_json::json!({"type": "subscribe", "rooms": [{"room": room}]}).to_string(),
        };
        let member = Arc::clone(&self.member);
        // Not all at once.
        let spread_ms = self.member.place.user as u64 * 7 % 1000;
        tokio::spawn(async move {
            sleep(Duration::from_millis(after_ms + spread_ms)).await;
            // A connection that is gone is counted where it is read.
            let _ = member.link.send(&text).await;
        });
    }

    fn message(&self, number: u64) -> String {
        let room = self.member.place.rooms.first().copied().unwrap_or_default();
        let publisher = u32::try_from(self.member.place.user).unwrap_or_default();
        let tag = Tag { publisher, number, due_us: self.ledger.now_us() };
        let room = self.credentials.room(room);
        self.dialect.message(&room, &self.ledger.client_id(number), &tag.text(self.size))
    }
}
