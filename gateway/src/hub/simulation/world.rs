//! Everything together, and the scheduler that decides what happens next.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use rookery_bus::acks::StaleAnswer;
use rookery_bus::signal::Signal;
use rookery_bus::{Appended, Mark};
use rookery_protocol::access::RoomRole;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, SequencedEvent};
use rookery_protocol::id::{AclVersion, Epoch, LogPosition, RoomId, RoomRef, UserId};
use rookery_protocol::partition::partition_of;
use rookery_protocol::server::{ErrorFrame, ServerFrame};
use tokio::time::Instant;
use uuid::Uuid;

use super::Violation;
use super::client::Client;
use super::node::{Connection, Node, Task};
use super::parts::{BusState, Rng, StoreState};
use crate::acks::Sent;
use crate::hub::attach::{Attempt, Progress, SubscribeRequest};
use crate::hub::feed::{Delivery, Fetched};
use crate::hub::room::{Missing, Room};
use crate::metrics::Metrics;
use crate::session::{Command, Outgoing, Target};

mod breakage;
mod services;
mod verdict;

const CLIENTS: usize = 3;
const NODES: usize = 2;
/// Messages of one client that may be open at a time.
const OPEN_MAX: usize = 6;

/// Places in [`World::batches`].
const SERVER: usize = 0;
const REPLACED: usize = 1;

static METRICS: LazyLock<Arc<Metrics>> = LazyLock::new(|| Arc::new(Metrics::new().unwrap()));

/// What is broken on purpose.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutation {
    None,
    NoGapCheck,
    AckAccepted,
    BelieveTheReplaced,
    StoreForTheReplaced,
    TakeOldPages,
    KeepTheLost,
    LoseTheKept,
}

pub(super) struct World {
    rng: Rng,
    mutation: Mutation,
    room: RoomId,
    bus: BusState,
    /// A server that another one stands in for, and that goes on.
    replaced: Option<BusState>,
    /// What ingest has read and not yet stored, from the server and from the one that was replaced.
    batches: [VecDeque<(LogPosition, SequencedEvent)>; 2],
    /// The newest epoch that has begun, and on which server, as the store knows it.
    begun: (u64, Epoch),
    servers: u64,
    snapshot: BusState,
    store: StoreState,
    epochs: u64,
    clock: u64,
    api_up: bool,
    breaks: bool,
    /// The store is slow, and servers fail in quick succession.
    slow: bool,
    /// Failures that are still to come soon.
    failing: usize,
    nodes: Vec<Node>,
    clients: Vec<Client>,
    connections: Vec<Option<Connection>>,
}

impl World {
    pub(super) fn new(seed: u64, mutation: Mutation) -> Self {
        let user = |n: usize| UserId::from_uuid(Uuid::from_u64_pair(1, u64::try_from(n).unwrap()));
        Self {
            rng: Rng(seed),
            mutation,
            room: RoomId::from_uuid(Uuid::from_u64_pair(2, 0)),
            bus: BusState::default(),
            replaced: None,
            batches: [VecDeque::new(), VecDeque::new()],
            begun: (0, Epoch(0)),
            servers: 0,
            snapshot: BusState::default(),
            store: StoreState::default(),
            epochs: 0,
            clock: 0,
            api_up: true,
            breaks: true,
            slow: seed % 2 == 1,
            failing: 0,
            nodes: (0..NODES).map(|_| Node::new(&METRICS)).collect(),
            clients: (0..CLIENTS).map(|n| Client::new(n, user(n))).collect(),
            connections: (0..CLIENTS).map(|_| None).collect(),
        }
    }

    /// One thing happens.
    pub(super) fn step(&mut self) -> Result<(), Violation> {
        self.clock += 1;
        if self.failing > 0 && self.rng.chance(4) {
            self.failing -= 1;
            self.rewind();
        }
        let (client, node) = (self.rng.below(CLIENTS), self.rng.below(NODES));
        match self.rng.below(100) {
            0..20 => self.act(client),
            20..45 => self.progress(client),
            45..60 => self.receive(client)?,
            60..80 => self.deliver(node),
            80..86 => self.repair(node),
            86..93 if self.is_store_ready() => self.ingest(),
            86..93 => {}
            93..95 => self.audit(node),
            95..96 => self.poll(node),
            _ => self.break_something(client, node),
        }
        Ok(())
    }

    /// Nothing breaks any more, and nothing new is said.
    pub(super) fn heal(&mut self) {
        (self.breaks, self.api_up, self.replaced) = (false, true, None);
    }

    /// Everything happens once.
    pub(super) fn round(&mut self) -> Result<(), Violation> {
        self.clock += 1;
        self.ingest();
        for node in 0..NODES {
            self.deliver(node);
            self.audit(node);
            self.repair(node);
            self.poll(node);
        }
        for client in 0..CLIENTS {
            self.act(client);
            self.progress(client);
            self.receive(client)?;
        }
        Ok(())
    }

    // --- clients ---

    fn act(&mut self, n: usize) {
        self.read_history(n);
        let client = &mut self.clients[n];
        let Some(connection) = &mut self.connections[n] else {
            client.disconnected();
            self.connections[n] = Some(Connection::new(self.rng.below(NODES), client.user));
            return;
        };
        if !client.live {
            if !client.asked {
                client.asked = true;
                connection.push(&client.subscribe_frame(self.room));
            }
            return;
        }
        if self.breaks && client.send_queue.len() < OPEN_MAX {
            client.compose();
        }
        if let Some(frame) = client.next_to_send(self.room) {
            connection.push(&frame);
        }
    }

    fn receive(&mut self, n: usize) -> Result<(), Violation> {
        let frames = self.connections[n].as_ref().map(Connection::take).unwrap_or_default();
        for frame in frames {
            if let Some((acked, place)) = self.clients[n].receive(frame)?
                && !self.store.has_at(acked, place)
            {
                return Err(format!("client {n} has an ack for what is not stored there"));
            }
        }
        Ok(())
    }

    // --- nodes ---

    fn progress(&mut self, n: usize) {
        let Some(mut connection) = self.connections[n].take() else { return };
        let task = connection.running.take().or_else(|| begin(&mut connection));
        connection.running = match task {
            Some(Task::Attach(joining, progress)) => self.attach(connection.node, joining, progress),
            Some(Task::Append(outgoing)) => self.append(&connection, outgoing),
            Some(Task::Await(outgoing, mut appended)) => {
                if self.mutation == Mutation::BelieveTheReplaced {
                    appended.answered = Epoch(self.epochs);
                    appended.stored |= appended.epoch < appended.answered;
                }
                let sent = Sent { room: self.room, client_id: outgoing.message.client_id.clone() };
                let outcome = self.nodes[connection.node].acks.wait(&connection.member, sent, &appended);
                outcome.err().map(|StaleAnswer| Task::Append(outgoing))
            }
            None => None,
        };
        self.connections[n] = Some(connection);
    }

    /// One step of `Hub::attach`.
    fn attach(&mut self, node: usize, joining: Box<SubscribeRequest>, mut progress: Box<Progress>) -> Option<Task> {
        let Some(room) = self.enter(node) else { return self.refuse(node, &joining) };
        match room.attach(&joining, &mut progress) {
            Attempt::Done(_) => return None,
            Attempt::Closed | Attempt::Wait => {}
            Attempt::Fetch(after) => {
                let frames = self.events_after(after).into_iter().map(Delivery::of);
                let events = frames.map(|(at, delivery)| (at, delivery.frame)).collect();
                progress.fetched = Some(Fetched { after, events });
            }
            Attempt::Epochs => room.learn(self.bus.epochs.clone()),
            Attempt::Ahead => {
                let Some(head) = self.head() else { return self.refuse(node, &joining) };
                drop(room.compare(head));
                self.repair(node);
                self.repair(node);
                progress.asked = true;
            }
        }
        Some(Task::Attach(joining, progress))
    }

    fn refuse(&self, node: usize, joining: &SubscribeRequest) -> Option<Task> {
        if let Some(room) = &self.nodes[node].room {
            room.detach(joining.member.id, Instant::now());
        }
        let room = Some(RoomRef::Id(self.room));
        let error = ErrorFrame { room, ..ErrorFrame::new(ErrorCode::Unavailable) };
        joining.member.send_queue.send(&ServerFrame::Error(error));
        None
    }

    /// One step of `Commands::send`: the answer of the bus, which the node has yet to act on.
    fn append(&mut self, connection: &Connection, outgoing: Box<Outgoing>) -> Option<Task> {
        let Some(appended) = self.append_once(&outgoing) else {
            let (room, client_id) = (Some(outgoing.room), Some(outgoing.message.client_id));
            let error = ErrorFrame { room, client_id, ..ErrorFrame::new(ErrorCode::Unavailable) };
            connection.member.send_queue.send(&ServerFrame::Error(error));
            return None;
        };
        if self.mutation == Mutation::AckAccepted {
            let Appended { id: message_id, epoch, seq, timestamp, .. } = appended;
            let (room, client_id) = (self.room, outgoing.message.client_id);
            let ack = ServerFrame::Ack { client_id, room, message_id, epoch, seq, timestamp, unchanged: false };
            connection.member.send_queue.send(&ack);
            return None;
        }
        Some(Task::Await(outgoing, appended))
    }

    fn append_once(&mut self, outgoing: &Outgoing) -> Option<Appended> {
        self.head()?;
        let Outgoing { sender, message, .. } = outgoing.clone();
        let name = message.client_id.clone();
        let event = Event::message(self.room, sender, message);
        self.clock += 1;
        // What a server that was replaced finds in its buffers is carried out like anything else.
        let strayed = self.rng.chance(30);
        let bus = self.replaced.as_mut().filter(|_| strayed).unwrap_or(&mut self.bus);
        let (appended, event) = bus.append(self.room, &name, event, self.clock)?;
        if let Some(event) = event {
            self.publish(&Signal::Event(Arc::new(event)));
        }
        Some(appended)
    }

    fn enter(&mut self, node: usize) -> Option<Arc<Room>> {
        if let Some(room) = &self.nodes[node].room {
            return Some(Arc::clone(room));
        }
        let head = self.head()?;
        let room = Arc::new(Room::new(self.room));
        // Nobody writes here: clients look into their queues.
        drop(room.go_live(head, Instant::now()));
        self.nodes[node].room = Some(Arc::clone(&room));
        Some(room)
    }

    fn deliver(&mut self, node: usize) {
        let waiting = self.nodes[node].signals.len();
        if waiting == 0 {
            return;
        }
        // A few arrive in another order than they were sent.
        let next = if self.rng.chance(10) { self.rng.below(waiting.min(3)) } else { 0 };
        let signal = self.nodes[node].signals.remove(next);
        if self.breaks && self.rng.chance(5) {
            self.nodes[node].signals.push(signal.clone());
        }
        match signal {
            Signal::Event(event) => self.offer(node, &event),
            Signal::Stored { partition, mark } => drop(self.nodes[node].acks.advance(partition, &mark)),
            Signal::Suspect => self.audit(node),
            Signal::Session { .. } | Signal::Ephemeral { .. } | Signal::Presence(_) | Signal::User { .. } => {}
        }
    }

    fn offer(&self, node: usize, event: &SequencedEvent) {
        let Some(room) = &self.nodes[node].room else { return };
        let (mut at, delivery) = Delivery::of(event.clone());
        if self.mutation == Mutation::NoGapCheck
            && let Some(live) = room.live()
        {
            at.seq = at.seq.min(live.feed.head().seq.next());
        }
        drop(room.offer(at, delivery));
    }

    /// Reads what is missing, or sorts in what was read.
    fn repair(&mut self, node: usize) {
        let Some(room) = self.nodes[node].room.clone() else { return };
        if let Some(events) = self.nodes[node].read_again.take() {
            drop(room.fill(events.into_iter().map(Delivery::of).collect()));
            return;
        }
        match room.missing() {
            Some(Missing::Events(gap)) => self.nodes[node].read_again = Some(self.events_after(gap.after)),
            Some(Missing::Epoch(_)) => {
                if let Some(head) = self.head() {
                    room.learn(self.bus.epochs.clone());
                    drop(room.compare(head));
                }
            }
            None => {}
        }
    }

    fn audit(&mut self, node: usize) {
        let Some(room) = self.nodes[node].room.clone() else { return };
        if let Some(head) = self.head() {
            drop(room.compare(head));
        }
    }

    fn poll(&self, node: usize) {
        if let Some(upto) = self.bus.mark {
            let mark = Mark { upto, moves: self.bus.moves, moved: Vec::new() };
            drop(self.nodes[node].acks.advance(partition_of(self.room), &mark));
        }
    }
}

/// What a connection does next.
fn begin(connection: &mut Connection) -> Option<Task> {
    let command = connection.next_command()?;
    if let Command::Send(outgoing) = command {
        return Some(Task::Append(outgoing));
    }
    let Command::Subscribe(targets) = command else { return None };
    let Target { room: RoomRef::Id(room), position } = targets.into_iter().next()? else { return None };
    let member = Arc::clone(&connection.member);
    let (name, role) = ("General".to_owned(), RoomRole::Member);
    let joining =
        SubscribeRequest { member, room, slug: None, name, role, position, acl: AclVersion::default(), read: None };
    Some(Task::Attach(Box::new(joining), Box::new(Progress::new(position))))
}
