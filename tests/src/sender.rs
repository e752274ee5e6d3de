//! A client that talks through faults, as `docs/protocol.md` tells clients to: it keeps what has no ack, comes back
//! to another node with its position, sends again what is open, and repairs its view when told so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rookery_protocol::close::CloseCode;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::foreign::Foreign;
use crate::mailbox::{ChatClient, Incoming};
use crate::rest::{Account, Rest};
use crate::view::{Place, View};
use crate::ws::{Attempt, Socket, Way};

const SEND_INTERVAL: Duration = Duration::from_millis(150);
const OUTBOX_MAX: usize = 20;
const RETRY_MS: u64 = 300;
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// What all senders of one test share.
#[derive(Default)]
pub struct Progress {
    /// Messages acknowledged so far.
    pub acked: AtomicUsize,
    /// Senders that have nothing open and make nothing new.
    pub drained: AtomicUsize,
    /// The names of messages without an ack, by sender.
    pub open: Mutex<BTreeMap<String, Vec<String>>>,
    /// The last error that a sender was told.
    pub last_error: Mutex<Value>,
    /// Nothing new is to be said.
    pub quiet: AtomicBool,
    /// Where every view has to arrive before its client may end.
    pub target: Mutex<Option<Place>>,
}

/// Where a sender lives.
#[derive(Clone)]
pub struct Route {
    /// Base addresses of the nodes, the first one first.
    pub nodes: Vec<String>,
    /// REST.
    pub rest: Rest,
    /// The room.
    pub room: String,
}

/// A sending client.
pub struct Sender {
    account: Account,
    route: Route,
    progress: Arc<Progress>,
    outbox: BTreeMap<String, Open>,
    made: usize,
    live: bool,
    drained: bool,
    report: Report,
}

/// A message without an ack, and when it is sent next.
struct Open {
    content: String,
    due: Option<Instant>,
}

/// What a sender has to show at the end.
pub struct Report {
    /// Its name.
    pub username: String,
    /// Acked messages by `client_id`: the acks.
    pub acked: BTreeMap<String, Value>,
    /// Its view of the room.
    pub view: View,
    /// How often it got a connection.
    pub connections: usize,
}

impl Sender {
    /// A client that has not connected yet.
    pub fn new(account: Account, route: Route, progress: Arc<Progress>) -> Self {
        let view = View::new(&route.room);
        let report = Report { username: account.username.clone(), acked: BTreeMap::new(), view, connections: 0 };
        let outbox = BTreeMap::new();
        Self { account, route, progress, outbox, made: 0, live: false, drained: false, report }
    }

    /// Talks until it is told to stop and has seen everything.
    pub async fn run(mut self) -> Report {
        let mut backoff = BACKOFF_FIRST;
        while !self.is_done() {
            let node = self.route.nodes[0].clone();
            if let Attempt::Open(mut socket) = Socket::connect(&node, "/ws", &self.account.token, Way::Header).await {
                self.report.connections += 1;
                self.converse(&mut *socket).await;
                backoff = BACKOFF_FIRST;
            }
            self.route.nodes.rotate_left(1);
            sleep(backoff).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
        self.report
    }

    /// The same through a client of another make that comes back by itself, by the one address it has.
    pub async fn run_by(mut self, mut client: Foreign) -> Report {
        loop {
            self.report.connections += 1;
            self.converse(&mut client).await;
            if self.is_done() {
                client.leave().await;
                return self.report;
            }
            client.until_back().await;
        }
    }

    fn is_done(&self) -> bool {
        self.outbox.is_empty() && self.progress.target.lock().is_some_and(|place| self.report.view.reaches(place))
    }

    async fn converse<C: ChatClient + Send>(&mut self, socket: &mut C) {
        self.live = false;
        socket.send(self.report.view.subscribe_frame()).await;
        let mut ticks = interval(SEND_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_done() {
            tokio::select! {
                incoming = socket.incoming() => match incoming {
                    Incoming::Frame(frame) => self.hear(&frame),
                    Incoming::Closed(code) => return assert_may_return(code),
                    Incoming::Lost(_) => return,
                },
                _ = ticks.tick() => self.act(socket).await,
            }
        }
    }

    fn hear(&mut self, frame: &Value) {
        self.report.view.apply(frame);
        match frame["type"].as_str().unwrap_or_default() {
            "caught_up" | "reset" => {
                self.live = true;
                self.outbox.values_mut().for_each(|open| open.due = Some(Instant::now()));
            }
            "ack" => self.hear_ack(frame),
            "error" => self.hear_error(frame),
            _ => {}
        }
    }

    fn hear_ack(&mut self, frame: &Value) {
        let client_id = frame["client_id"].as_str().unwrap_or_default();
        if self.outbox.remove(client_id).is_some() {
            self.report.acked.insert(client_id.to_owned(), frame.clone());
            self.progress.acked.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn hear_error(&mut self, frame: &Value) {
        let code = frame["code"].as_str().unwrap_or_default();
        *self.progress.last_error.lock() = frame.clone();
        assert!(matches!(code, "unavailable" | "overloaded"), "an error that no fault explains: {frame}");
        let after = Duration::from_millis(frame["retry_after_ms"].as_u64().unwrap_or(RETRY_MS));
        match frame["client_id"].as_str().and_then(|id| self.outbox.get_mut(id)) {
            Some(open) => open.due = Some(Instant::now() + after),
            None => self.live = false,
        }
    }

    async fn act<C: ChatClient + Send>(&mut self, socket: &mut C) {
        if self.report.view.needs_history() {
            self.repair().await;
        }
        if !self.live {
            socket.send(self.report.view.subscribe_frame()).await;
            return;
        }
        if !self.progress.quiet.load(Ordering::Relaxed) && self.outbox.len() < OUTBOX_MAX {
            self.compose();
        }
        self.send_due(socket).await;
        let open = self.outbox.keys().cloned().collect();
        self.progress.open.lock().insert(self.report.username.clone(), open);
        if !self.drained && self.outbox.is_empty() && self.progress.quiet.load(Ordering::Relaxed) {
            self.drained = true;
            self.progress.drained.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn compose(&mut self) {
        self.made += 1;
        let client_id = format!("{}-{:05}", self.report.username, self.made);
        let content = format!("message {} of {}", self.made, self.report.username);
        self.outbox.insert(client_id, Open { content, due: Some(Instant::now()) });
    }

    async fn send_due<C: ChatClient + Send>(&mut self, socket: &mut C) {
        let now = Instant::now();
        for (client_id, open) in &mut self.outbox {
            if open.due.is_some_and(|due| due <= now) {
                open.due = None;
                let room = &self.route.room;
                let content = &open.content;
                let frame = json!({"type": "message", "room": room, "client_id": client_id, "content": content});
                socket.send(frame).await;
            }
        }
    }

    async fn repair(&mut self) {
        // The api may be the part that is down: then the next tick tries again.
        if let Ok(history) = self.route.rest.try_history(&self.route.room, &self.account.token).await {
            self.report.view.merge(&history);
        }
    }
}

fn assert_may_return(code: Option<u16>) {
    let known = CloseCode::ALL.into_iter().find(|known| Some(known.number()) == code);
    assert!(known.is_some_and(CloseCode::may_return), "closed with {code:?}, which no fault explains");
}
