//! A client that talks at a set pace through faults, as `docs/protocol.md` tells clients to: it keeps what has no ack,
//! comes back to another node with its position, sends again what is open, and repairs its timeline when told so.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::frame::Frame;
use super::ledger::{Kept, Outcome, Shown};
use super::pager::Pager;
use super::socket::{SILENCE_MAX, Ws, connect, send};
use super::timeline::{Next, Timeline};
use crate::faults::talk::Talk;

const TICK: Duration = Duration::from_millis(25);
const HISTORY_DEADLINE: Duration = Duration::from_secs(10);
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// Silence after which a client asks whether the node is there.
const QUIET: Duration = Duration::from_secs(2);
/// Time between two messages that have to be refused; the server closes on too many.
const PROBE_INTERVAL: Duration = Duration::from_secs(6);
const RETRY_MS: u64 = 300;
/// A client whose window is full still says something new this often: whoever waits for acks is not silent.
const TRICKLE: Duration = Duration::from_secs(1);
/// Messages beyond the window that a client says so.
const TRICKLE_MAX: usize = 60;
/// Events before the last one shown that a reset reads at first; it grows until the two histories meet.
const MARGIN: u64 = 200;

/// One client in one room.
pub struct Client {
    name: String,
    /// Base addresses of the nodes, the first one first.
    nodes: Vec<String>,
    pager: Pager,
    talk: Arc<Talk>,
    outbox: BTreeMap<String, Open>,
    made: usize,
    budget: f64,
    live: bool,
    drained: bool,
    recovered: bool,
    heard: Instant,
    asked: Instant,
    probed: Instant,
    composed: Instant,
    probes: HashSet<String>,
    margin: u64,
    comes_back_after: Option<Duration>,
    /// A reading of history, and how many resets there had been when it began.
    history: Option<(usize, JoinHandle<Read>)>,
    timeline: Timeline,
    report: Report,
}

/// What a reading of history found.
type Read = Result<Vec<Kept>, String>;

/// How a connection ended that was still wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The node asked the client to come back.
    Asked,
    /// The node closed it, with this code.
    Closed(Option<u16>),
    /// It broke.
    Broken,
    /// The node said nothing for [`SILENCE_MAX`].
    Silent,
}

/// A message without an ack.
struct Open {
    composed_ms: u64,
    sends: usize,
    due: Option<Instant>,
}

/// What a client has to show at the end.
#[derive(Default)]
pub struct Report {
    /// What became of its messages.
    pub sent: BTreeMap<String, Outcome>,
    /// Composed and acked, in milliseconds of the load.
    pub acks: Vec<(u64, u64)>,
    /// What it shows.
    pub shown: Shown,
    /// When it showed what.
    pub times: Vec<(super::ledger::Place, u64)>,
    /// How often it got a connection.
    pub connections: usize,
    /// How its connections ended before their time.
    pub ends: Vec<End>,
    /// How often it got none.
    pub refused_at_the_door: usize,
    /// How often it was told to try a message again later.
    pub told_later: usize,
}

impl Client {
    /// Has not connected yet.
    pub fn new(name: String, nodes: Vec<String>, pager: Pager, talk: Arc<Talk>) -> Self {
        let now = Instant::now();
        Self {
            name,
            nodes,
            pager,
            talk,
            outbox: BTreeMap::new(),
            made: 0,
            budget: 0.0,
            live: false,
            drained: false,
            recovered: false,
            heard: now,
            asked: now,
            probed: now,
            composed: now,
            probes: HashSet::new(),
            margin: MARGIN,
            comes_back_after: None,
            history: None,
            timeline: Timeline::default(),
            report: Report::default(),
        }
    }

    /// Talks until it is told to stop and has seen everything.
    pub async fn run(mut self) -> Report {
        let mut backoff = BACKOFF_FIRST;
        while !self.is_done() {
            if let Some(mut socket) = connect(&self.nodes[0], &self.pager.token).await {
                self.report.connections += 1;
                let end = self.converse(&mut socket).await;
                self.report.ends.extend(end);
                self.live = false;
                backoff = BACKOFF_FIRST;
            } else {
                self.report.refused_at_the_door += 1;
            }
            self.nodes.rotate_left(1);
            sleep(self.comes_back_after.take().unwrap_or(backoff).mul_f64(0.5 + self.jitter())).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
        for name in self.outbox.into_keys() {
            self.report.sent.insert(name, Outcome::Unknown);
        }
        for name in self.probes {
            self.report.sent.insert(name, Outcome::Unanswered);
        }
        self.report.times = std::mem::take(&mut self.timeline.times);
        Report { shown: self.timeline.into_shown(), ..self.report }
    }

    /// Clients of one name come back at one pace, others at another.
    fn jitter(&self) -> f64 {
        let sum: u32 = self.name.bytes().map(u32::from).sum();
        f64::from(sum % 16) / 16.0
    }

    fn is_done(&self) -> bool {
        let whole = self.outbox.is_empty() && self.talk.target().is_some_and(|place| self.timeline.reaches(place));
        whole || self.talk.is_over()
    }

    /// Returns how the connection ended, unless the client needs it no longer.
    async fn converse(&mut self, socket: &mut Ws) -> Option<End> {
        self.heard = Instant::now();
        self.subscribe(socket).await;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // At the tick before: what came while this client itself stood still is read between two ticks.
        let mut was_silent = false;
        while !self.is_done() {
            if self.comes_back_after.is_some() {
                return Some(End::Asked);
            }
            tokio::select! {
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) => self.read(&text, socket).await,
                    Some(Ok(Message::Close(frame))) => {
                        let code = frame.map(|frame| frame.code.into());
                        self.talk.note_close(code);
                        return Some(End::Closed(code));
                    }
                    Some(Ok(_)) => self.heard = Instant::now(),
                    Some(Err(_)) | None => return Some(End::Broken),
                },
                (resets, history) = arrived(&mut self.history) => self.merge(resets, history, socket).await,
                _ = ticks.tick() => {
                    self.act(socket).await;
                    let is_silent = self.heard.elapsed() > SILENCE_MAX;
                    if is_silent && was_silent {
                        return Some(End::Silent);
                    }
                    was_silent = is_silent;
                }
            }
        }
        None
    }

    async fn subscribe(&mut self, socket: &mut Ws) {
        self.asked = Instant::now();
        send(socket, &self.timeline.subscribe_frame(&self.pager.room)).await;
    }

    async fn read(&mut self, text: &str, socket: &mut Ws) {
        self.heard = Instant::now();
        let Ok(frame) = serde_json::from_str::<Frame>(text) else {
            return self.talk.surprise(format!("not a frame: {text}"));
        };
        match frame.kind.as_str() {
            "ack" => self.hear_ack(frame),
            "error" => self.hear_error(&frame, text),
            "reconnect" => self.comes_back_after = Some(Duration::from_millis(frame.after_ms)),
            _ => {
                if self.timeline.apply(&frame, self.talk.now_ms()) == Next::Resubscribe {
                    self.subscribe(socket).await;
                }
                if matches!(frame.kind.as_str(), "caught_up" | "reset") {
                    self.live = true;
                    self.outbox.values_mut().for_each(|open| open.due = Some(Instant::now()));
                }
            }
        }
    }

    fn hear_ack(&mut self, frame: Frame) {
        let place = frame.at(frame.seq);
        let Some(name) = frame.client_id else { return };
        if self.probes.contains(&name) {
            self.talk.surprise(format!("acked though it had to be refused: {name}"));
        }
        let Some(open) = self.outbox.remove(&name) else { return };
        let at_ms = self.talk.now_ms();
        let outcome = Outcome::Acked { place, message_id: frame.message_id, resent: open.sends > 1, at_ms };
        self.report.acks.push((open.composed_ms, at_ms));
        self.report.sent.insert(name, outcome);
        self.talk.acked();
        if !self.recovered && self.talk.is_after_fault(open.composed_ms) {
            self.recovered = true;
            self.talk.recovered();
        }
    }

    fn hear_error(&mut self, frame: &Frame, text: &str) {
        let code = frame.code.as_deref().unwrap_or_default();
        let is_passing = matches!(code, "unavailable" | "overloaded");
        let after = Duration::from_millis(frame.retry_after_ms.unwrap_or(RETRY_MS));
        match frame.client_id.as_ref() {
            Some(name) if self.probes.contains(name) => {
                if !is_passing {
                    self.probes.remove(name);
                    self.report.sent.insert(name.clone(), Outcome::Refused);
                }
            }
            Some(name) if is_passing => {
                self.report.told_later += 1;
                if let Some(open) = self.outbox.get_mut(name) {
                    open.due = Some(Instant::now() + after);
                }
            }
            Some(name) => {
                self.talk.surprise(text.to_owned());
                if self.outbox.remove(name).is_some() {
                    self.report.sent.insert(name.clone(), Outcome::Refused);
                }
            }
            None if is_passing => self.live = false,
            None => self.talk.surprise(text.to_owned()),
        }
    }

    async fn act(&mut self, socket: &mut Ws) {
        self.look_at_history();
        if self.heard.elapsed() > QUIET {
            send(socket, &json!({"type": "ping"})).await;
        }
        if !self.live {
            if self.asked.elapsed() > BACKOFF_MAX {
                self.subscribe(socket).await;
            }
            return;
        }
        if self.talk.is_quiet() {
            if !self.drained && self.outbox.is_empty() {
                self.drained = true;
                self.talk.drained();
            }
        } else {
            self.probe(socket).await;
            self.compose();
        }
        self.send_due(socket).await;
    }

    fn compose(&mut self) {
        self.budget = (self.budget + self.talk.pace.per_second * TICK.as_secs_f64()).min(20.0);
        let window = self.talk.pace.window;
        while self.budget >= 1.0 && self.outbox.len() < window {
            self.budget -= 1.0;
            self.compose_one();
        }
        if self.composed.elapsed() > TRICKLE && self.outbox.len() < window + TRICKLE_MAX {
            self.compose_one();
        }
    }

    fn compose_one(&mut self) {
        self.made += 1;
        self.composed = Instant::now();
        let open = Open { composed_ms: self.talk.now_ms(), sends: 0, due: Some(self.composed) };
        self.outbox.insert(format!("{}-{:06}", self.name, self.made), open);
    }

    async fn send_due(&mut self, socket: &mut Ws) {
        let now = Instant::now();
        let mut sent = false;
        for (name, open) in &mut self.outbox {
            if open.due.is_some_and(|due| due <= now) {
                open.due = None;
                open.sends += 1;
                let content = format!("text of {name}");
                let frame = json!({"type": "message", "room": self.pager.room, "client_id": name, "content": content});
                let fed = timeout(SILENCE_MAX, socket.feed(Message::text(frame.to_string()))).await;
                sent = true;
                if !matches!(fed, Ok(Ok(()))) {
                    break;
                }
            }
        }
        if sent {
            // A broken connection shows when reading.
            timeout(SILENCE_MAX, socket.flush()).await.ok();
        }
    }

    /// Sends what has to be refused: a blank text, or a text to a room of others.
    async fn probe(&mut self, socket: &mut Ws) {
        if self.probed.elapsed() < PROBE_INTERVAL {
            return;
        }
        self.probed = Instant::now();
        self.made += 1;
        let name = format!("{}-probe-{:06}", self.name, self.made);
        let (room, content) = if self.made.is_multiple_of(2) {
            (&self.pager.room, " ")
        } else {
            (&self.talk.foreign_room, "of a stranger")
        };
        send(socket, &json!({"type": "message", "room": room, "client_id": name, "content": content})).await;
        self.probes.insert(name);
    }

    fn look_at_history(&mut self) {
        if self.history.is_none() && self.timeline.history_to().is_some() {
            let pager = self.pager.clone();
            let floor = self.timeline.last_number().saturating_sub(self.margin);
            self.talk.reads_history();
            let reading = tokio::spawn(async move {
                let read = timeout(HISTORY_DEADLINE, pager.newest(floor)).await;
                read.unwrap_or_else(|_| Err("no history in time".to_owned()))
            });
            self.history = Some((self.timeline.resets, reading));
        }
    }

    async fn merge(&mut self, resets: usize, history: Read, socket: &mut Ws) {
        match history {
            // It may tell what the epoch that has ended meanwhile never stored.
            Ok(_) if resets != self.timeline.resets => {}
            Ok(newest) => {
                if self.timeline.merge(&newest, self.talk.now_ms()) == Next::Resubscribe {
                    self.subscribe(socket).await;
                }
                let is_merged = self.timeline.history_to().is_none();
                self.margin = if is_merged { MARGIN } else { self.margin * 2 };
            }
            // The api may be the part that is down; the next tick tries again.
            Err(_) => sleep(TICK).await,
        }
    }
}

async fn arrived(history: &mut Option<(usize, JoinHandle<Read>)>) -> (usize, Read) {
    let Some((resets, reading)) = history else { return std::future::pending().await };
    let (resets, read) = (*resets, reading.await);
    *history = None;
    (resets, read.unwrap_or_else(|error| Err(error.to_string())))
}
