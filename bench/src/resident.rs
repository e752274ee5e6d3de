//! Clients that keep their place: each knows the last number it had of every room, comes back with it, and notices
//! whatever is missing or there twice.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::Failure;
use crate::clients::ClientOptions;
use crate::dialect::Credentials;
use crate::frame::{Kind, first};
use crate::link::Link;

mod frame_view;

use frame_view::{FrameView, Place};

/// Without any progress.
const PATIENCE: Duration = Duration::from_mins(1);
/// Connections that are being opened at the same time.
const OPENING_MAX: usize = 256;
/// Before a node that does not answer is tried again.
const AGAIN: Duration = Duration::from_millis(200);
const READ_BYTES: usize = 4 * 1024;
/// All of them, and what they noticed.
pub(crate) struct Residents {
    all: Vec<Arc<Resident>>,
    shared: Arc<Shared>,
    visits: JoinSet<()>,
    handles: HashMap<usize, AbortHandle>,
}

/// What all have in common.
pub(crate) struct Shared {
    credentials: Credentials,
    /// Number of a room by its id.
    numbers: HashMap<String, usize>,
    opening: Semaphore,
    /// Rooms of connections that are live and caught up.
    live: AtomicUsize,
    /// Connections that ended without being told to.
    ended: AtomicUsize,
    /// Numbers that nobody was told of.
    holes: AtomicU64,
    /// Numbers that came again.
    repeats: AtomicU64,
    /// Numbers that were left out with a `gap` or a `reset`.
    skipped: AtomicU64,
    /// Messages received.
    received: AtomicU64,
    errors: Mutex<HashMap<String, u64>>,
    /// The last ack of each room.
    acks: Mutex<HashMap<usize, (String, Place)>>,
}

/// One client.
struct Resident {
    user: usize,
    rooms: Vec<usize>,
    places: Mutex<Vec<Option<Place>>>,
    /// The connection, while there is one.
    link: Mutex<Option<Link>>,
    /// Its rooms that are live.
    live: AtomicUsize,
    shared: Arc<Shared>,
}

/// What became of the numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Never received.
    pub(crate) lost: u64,
    /// Heard again.
    pub(crate) repeats: u64,
    /// Left out openly.
    pub(crate) skipped: u64,
    /// Heard.
    pub(crate) received: u64,
}

impl Residents {
    /// Nobody is connected yet.
    pub(crate) fn new(options: &ClientOptions, credentials: Credentials) -> Self {
        let numbers = credentials.rooms.iter().cloned().enumerate().map(|(n, id)| (id, n)).collect();
        let shared = Arc::new(Shared {
            credentials,
            numbers,
            opening: Semaphore::new(OPENING_MAX),
            live: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            holes: AtomicU64::new(0),
            repeats: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            received: AtomicU64::new(0),
            errors: Mutex::default(),
            acks: Mutex::default(),
        });
        let resident = |user| {
            let rooms = options.place(user).rooms;
            let places = Mutex::new(vec![None; rooms.len()]);
            let (link, live, shared) = (Mutex::default(), AtomicUsize::new(0), Arc::clone(&shared));
            Arc::new(Resident { user, rooms, places, link, live, shared })
        };
        let all = (0..options.connections).map(resident).collect();
        Self { all, shared, visits: JoinSet::new(), handles: HashMap::new() }
    }

    /// Client `user` goes to a node, and to the next ones in turn when the connection ends.
    pub(crate) fn visit(&mut self, user: usize, nodes: Vec<SocketAddr>) {
        let resident = Arc::clone(&self.all[user]);
        self.handles.insert(user, self.visits.spawn(async move { resident.stay(nodes).await }));
    }

    /// Cuts the connections of these clients.
    pub(crate) async fn cut(&mut self, users: std::ops::Range<usize>) {
        for user in users {
            let Some(handle) = self.handles.remove(&user) else { continue };
            handle.abort();
            self.all[user].leave();
        }
        // Sockets close when their tasks are gone.
        while self.visits.len() > self.handles.len() {
            self.visits.join_next().await;
        }
    }

    /// Waits until every room of these clients is live and caught up.
    pub(crate) async fn subscribed(&self, users: usize) -> Result<(), Failure> {
        let wanted: usize = self.all[..users].iter().map(|resident| resident.rooms.len()).sum();
        let (mut before, mut end) = (0, Instant::now() + PATIENCE);
        loop {
            let now = self.shared.live.load(Ordering::Relaxed);
            if now >= wanted {
                return Ok(());
            }
            if now != before {
                (before, end) = (now, Instant::now() + PATIENCE);
            } else if Instant::now() > end {
                let errors = self.shared.errors.lock().clone();
                return Err(format!("only {now} of {wanted} rooms are live; errors: {errors:?}").into());
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until so many connections have ended.
    pub(crate) async fn ended(&self, count: usize) -> Result<(), Failure> {
        let waited = async {
            while self.shared.ended.load(Ordering::Relaxed) < count {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, waited).await.map_err(|_| "connections outlive their node".into())
    }

    /// How many connections have ended by themselves.
    pub(crate) fn endings(&self) -> usize {
        self.shared.ended.load(Ordering::Relaxed)
    }

    /// Says something in a client's first room; false if it has no connection now.
    pub(crate) async fn say(&self, user: usize, client_id: &str) -> bool {
        let resident = &self.all[user];
        let link = resident.link.lock().clone();
        let (Some(link), Some(&room)) = (link, resident.rooms.first()) else { return false };
        let room = self.shared.credentials.room(room);
        let text = serde_json::json!({"type": "message", "room": room, "client_id": client_id, "content": client_id});
        link.send(&text.to_string()).await.is_ok()
    }

    /// The name and the place of the last message of each room that was acked.
    pub(crate) fn acks(&self) -> HashMap<usize, (String, Place)> {
        self.shared.acks.lock().clone()
    }

    /// How many rooms of all clients have not come to the last acked place of the room.
    pub(crate) fn behind(&self) -> usize {
        let acks = self.acks();
        let has = |room: &usize, place: Option<&Place>| match (acks.get(room), place) {
            (None, _) => true,
            (Some((_, ack)), Some(place)) => place.epoch == ack.epoch && place.seq >= ack.seq,
            (Some(_), None) => false,
        };
        let of = |resident: &Resident| {
            let places = resident.places.lock();
            resident
                .rooms
                .iter()
                .zip(places.iter())
                .filter(|(room, place)| !has(room, place.as_ref()))
                .count()
        };
        self.all.iter().map(|resident| of(resident)).sum()
    }

    /// Compares all places: who is behind the farthest of a room has lost what is between.
    pub(crate) fn account(&self) -> Account {
        let mut farthest: HashMap<usize, u64> = HashMap::new();
        let each = || {
            self.all.iter().flat_map(|resident| {
                let places = resident.places.lock().clone();
                resident.rooms.clone().into_iter().zip(places)
            })
        };
        for (room, place) in each() {
            let seq = place.map_or(0, |place| place.seq);
            let farthest = farthest.entry(room).or_default();
            *farthest = seq.max(*farthest);
        }
        let behind: u64 = each().map(|(room, place)| farthest[&room] - place.map_or(0, |place| place.seq)).sum();
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Account {
            lost: behind + load(&self.shared.holes),
            repeats: load(&self.shared.repeats),
            skipped: load(&self.shared.skipped),
            received: load(&self.shared.received),
        }
    }

    /// Ends everything.
    pub(crate) async fn leave(mut self) {
        self.visits.shutdown().await;
    }
}

impl Resident {
    async fn stay(&self, nodes: Vec<SocketAddr>) {
        for node in nodes.iter().cycle() {
            match self.visit(*node).await {
                Ok(()) => {
                    self.leave();
                    self.shared.ended.fetch_add(1, Ordering::Relaxed);
                }
                Err(_) => sleep(AGAIN).await,
            }
        }
    }

    /// One connection, to its end; an error if it was never opened.
    async fn visit(&self, node: SocketAddr) -> std::io::Result<()> {
        let link = {
            let _turn = self.shared.opening.acquire().await;
            let token = self.shared.credentials.tokens.get(self.user).map(String::as_str).unwrap_or_default();
            let headers = format!("Authorization: Bearer {token}\r\n");
            let link = Link::open(node, self.user, "/ws", &headers).await?;
            link.send(&self.question()).await?;
            link
        };
        *self.link.lock() = Some(link.clone());
        let (mut buffer, mut live) = (Vec::new(), vec![false; self.rooms.len()]);
        loop {
            buffer.reserve(READ_BYTES);
            if matches!(link.read(&mut buffer).await, Ok(0) | Err(_)) {
                return Ok(());
            }
            let mut at = 0;
            while let Some(frame) = first(&buffer[at..]) {
                at += frame.length;
                match frame.kind {
                    Kind::Text => self.handle(frame.payload, &mut live),
                    Kind::Ping => drop(link.pong(frame.payload).await),
                    Kind::Close => return Ok(()),
                    Kind::Other => {}
                }
            }
            buffer.drain(..at);
            if buffer.is_empty() {
                buffer.shrink_to(READ_BYTES);
            }
        }
    }

    fn question(&self) -> String {
        let places = self.places.lock();
        let rooms: Vec<_> = self
            .rooms
            .iter()
            .zip(places.iter())
            .map(|(room, place)| self.target(*room, place.as_ref()))
            .collect();
        serde_json::json!({"type": "subscribe", "rooms": rooms}).to_string()
    }

    fn target(&self, number: usize, place: Option<&Place>) -> serde_json::Value {
        let room = self.shared.credentials.room(number);
        match place {
            Some(Place { epoch, seq }) => serde_json::json!({"room": room, "epoch": epoch, "seq": seq}),
            None => serde_json::json!({ "room": room }),
        }
    }

    /// Which of its rooms this is.
    fn slot(&self, room: &str) -> Option<usize> {
        let number = self.shared.numbers.get(room)?;
        self.rooms.iter().position(|room| room == number)
    }

    /// What is not possible now is asked for later, as every client does; without a time it will never be.
    fn ask_again(&self, room: Option<&str>, after_ms: Option<u64>) {
        let (Some(room), Some(after_ms)) = (room, after_ms) else { return };
        let Some(link) = self.link.lock().clone() else { return };
        let Some(slot) = self.slot(room) else { return };
        let target = self.target(self.rooms[slot], self.places.lock()[slot].as_ref());
        let text = serde_json::json!({"type": "subscribe", "rooms": [target]}).to_string();
        tokio::spawn(async move {
            sleep(Duration::from_millis(after_ms)).await;
            // A connection that is gone is counted where it is read.
            let _ = link.send(&text).await;
        });
    }

    fn handle(&self, text: &[u8], live: &mut [bool]) {
        let Some(frame) = FrameView::read(text) else { return };
        if frame.kind == "error" {
            let code = frame.code.unwrap_or_default().to_owned();
            *self.shared.errors.lock().entry(code).or_default() += 1;
            // What was said and refused is said again by whoever said it.
            if frame.client_id.is_none() {
                self.ask_again(frame.room, frame.retry_after_ms);
            }
            return;
        }
        let Some(slot) = frame.room.and_then(|room| self.slot(room)) else { return };
        if let ("ack", Some(client_id), Some(epoch), Some(seq)) = (frame.kind, frame.client_id, frame.epoch, frame.seq)
        {
            let ack = (client_id.to_owned(), Place { epoch: epoch.to_owned(), seq });
            self.shared.acks.lock().insert(self.rooms[slot], ack);
            return;
        }
        let mut places = self.places.lock();
        match (frame.kind, &mut places[slot]) {
            ("subscribed", place @ None) => {
                *place = frame
                    .epoch
                    .map(|epoch| Place { epoch: epoch.to_owned(), seq: frame.head.unwrap_or_default() });
            }
            ("caught_up", _) if !std::mem::replace(&mut live[slot], true) => {
                self.live.fetch_add(1, Ordering::Relaxed);
                self.shared.live.fetch_add(1, Ordering::Relaxed);
            }
            ("new_message", Some(place)) => self.shared.count(place, &frame),
            ("gap", Some(place)) => {
                let to = frame.to.unwrap_or_default();
                self.shared.skipped.fetch_add(to.saturating_sub(place.seq), Ordering::Relaxed);
                place.seq = place.seq.max(to);
            }
            ("reset", Some(place)) => {
                self.shared.skipped.fetch_add(u64::from(frame.survived.is_none()), Ordering::Relaxed);
                *place =
                    Place { epoch: frame.epoch.unwrap_or_default().to_owned(), seq: frame.head.unwrap_or_default() };
            }
            _ => {}
        }
    }

    /// The connection is over: none of its rooms is live any more.
    fn leave(&self) {
        *self.link.lock() = None;
        self.shared.live.fetch_sub(self.live.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }
}

impl Shared {
    fn count(&self, place: &mut Place, frame: &FrameView<'_>) {
        let seq = frame.seq.unwrap_or_default();
        self.received.fetch_add(1, Ordering::Relaxed);
        if seq <= place.seq && frame.epoch == Some(place.epoch.as_str()) {
            self.repeats.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.holes.fetch_add(seq.saturating_sub(place.seq + 1), Ordering::Relaxed);
        place.seq = seq;
    }
}
