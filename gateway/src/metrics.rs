//! Every metric of the gateway, with its labels. Labels come from enums of this code base or, as ids of keys, from
//! operators, never from clients.

use prometheus::{Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};
use rookery_protocol::bounds;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_runtime::listener::Refusals;
use rookery_runtime::metrics::{Description, Registrar, label, short_buckets};
use rookery_runtime::token::JwkSet;

/// The numbers of one gateway.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    described: Vec<Description>,
    /// Open WebSocket connections.
    pub connections: IntGauge,
    /// The same by dialect.
    pub dialect_connections: IntGaugeVec,
    /// Messages from clients by dialect: frames, and packets of Socket.IO of every kind.
    pub dialect_messages_in: IntCounterVec,
    /// Connections of Socket.IO by long-polling.
    pub polling_connections: IntGauge,
    /// Connections that nobody looks at.
    pub background_connections: IntGauge,
    /// Rooms this node listens to.
    pub rooms: IntGauge,
    /// Acks that wait for "stored".
    pub acks_pending: IntGauge,
    /// Frames put into send queues by rooms.
    pub deliveries: IntCounter,
    /// Frames from clients by type; `rejected` for those that mean nothing.
    pub frames_in: IntCounterVec,
    /// Error frames by code.
    pub errors: IntCounterVec,
    /// Ends of connections by reason.
    pub closes: IntCounterVec,
    /// Upgrades that became connections.
    pub upgrades: IntCounter,
    /// Connections whose login was accepted.
    pub logins: IntCounter,
    /// Upgrades that were refused, by status.
    pub upgrades_refused: IntCounterVec,
    /// Send queues that grew over their bound.
    pub send_queue_overflows: IntCounter,
    /// Events that arrived behind a sequence gap.
    pub parked: IntCounter,
    /// Range reads that repaired a room.
    pub repairs: IntCounter,
    /// `gap` frames sent to clients.
    pub gaps: IntCounter,
    /// Epoch changes of live rooms.
    pub resets: IntCounter,
    /// Times that a client read too slowly for a room and was to catch up later.
    pub behind: IntCounter,
    /// Events that could not be kept while a room was opened or repaired; they were read again.
    pub parked_overflows: IntCounter,
    /// Subscribes by outcome: `fresh` without a position, `head` with nothing missed, by this node's `ring`, the hot
    /// `tail` or the `store`, or `gap`, `reset`, `left`.
    pub resumes: IntCounterVec,
    /// Times the bus said that something may be lost, or this process lagged behind it.
    pub bus_suspects: IntCounter,
    /// Events of rooms that nobody here listens to.
    pub strays: IntCounter,
    /// Seconds from a message frame to its place in the room.
    pub append_seconds: Histogram,
    /// Failed calls to the bus or the api, by part.
    pub failures: IntCounterVec,
    /// Refusals because a bound was reached, by its name in `docs/limits.md`.
    limited: IntCounterVec,
    /// Users who are here, those included who may come back in time.
    pub presence_users: IntGauge,
    /// What was written of presence, by kind: users who connected, disconnected or set a status, rooms, users of dead nodes.
    pub presence_writes: IntCounterVec,
    /// Frames of presence to connections that watch.
    pub presence_notified: IntCounter,
    /// News of users that was none here, or that waits to become one with what follows.
    pub presence_coalesced: IntCounter,
    /// Typing signals dropped, by reason.
    pub typing_dropped: IntCounterVec,
    /// Read marks: sent to the api, or left to a later one of the same connection and room.
    pub reads: IntCounterVec,
    /// Events of subscribed rooms received from the bus.
    pub events: IntCounter,
    /// Seconds from an event's number, by the clock of the bus, until this node received it.
    pub relay_seconds: Histogram,
    /// Seconds from hearing an event until it was written to a part of those who get it.
    pub write_seconds: Histogram,
    /// Connections written to for rooms. Frames by this is how well writes are shared.
    pub writes: IntCounter,
    /// Frames that these writes took.
    pub frames_written: IntCounter,
    /// Seconds from a message's number, by the clock of the bus, to its ack: storing it is the larger part.
    pub ack_seconds: Histogram,
    /// Bytes that wait in send queues, all together, at the last look.
    pub send_queue_bytes: IntGauge,
    /// Send queues with anything in them, at the last look.
    pub send_queues_waiting: IntGauge,
    /// What was not done because there was too much, by reason.
    pub sheds: IntCounterVec,
    /// Times that a busy and full room wrote what it had gathered.
    pub room_ticks: IntCounter,
    /// Keys that tokens are verified with, by id.
    keys: IntGaugeVec,
}

impl Metrics {
    /// All numbers at zero.
    ///
    /// # Errors
    /// Only for a name that is used twice, which is a defect.
    #[expect(clippy::too_many_lines, reason = "one entry per metric")]
    pub fn new() -> Result<Self, prometheus::Error> {
        let mut make = Registrar::new("rookery_gateway");
        let dialect = label("dialect", "`native`, `socketio`");
        Ok(Self {
            connections: make.gauge("connections", "Open WebSocket connections.")?,
            dialect_connections: make.gauges("dialect_connections", "Open connections by dialect.", &[dialect])?,
            dialect_messages_in: make.counters(
                "dialect_messages_in_total",
                "Messages from clients: frames, and packets of Socket.IO of every kind.",
                &[dialect],
            )?,
            polling_connections: make.gauge("polling_connections", "Connections of Socket.IO by long-polling.")?,
            background_connections: make
                .gauge("background_connections", "Connections that nobody looks at: their rooms wait.")?,
            rooms: make.gauge("rooms", "Rooms this node listens to.")?,
            acks_pending: make.gauge("acks_pending", "Acks that wait for the store.")?,
            deliveries: make.counter("deliveries_total", "Frames that rooms put into send queues.")?,
            frames_in: make.counters(
                "frames_in_total",
                "Frames from clients.",
                &[label("type", "the frame's type; `rejected` for what means nothing")],
            )?,
            errors: make.counters("errors_total", "Error frames to clients.", &[label("code", "the error's code")])?,
            closes: make.counters(
                "closes_total",
                "Ends of connections.",
                &[label("reason", "the reason of [protocol.md](protocol.md); `lost` without a close")],
            )?,
            upgrades: make.counter("upgrades_total", "Upgrades that became connections.")?,
            logins: make.counter("logins_total", "Connections whose token was accepted.")?,
            upgrades_refused: make.counters(
                "upgrades_refused_total",
                "Upgrades that were refused.",
                &[label("status", "an HTTP status")],
            )?,
            send_queue_overflows: make.counter(
                "send_queue_overflows_total",
                "Connections closed because their send queue grew over its bound.",
            )?,
            parked: make.counter("holes_total", "Events that arrived behind a sequence gap.")?,
            repairs: make.counter("repairs_total", "Range reads that repaired a room.")?,
            gaps: make
                .counter("gaps_total", "Gaps that clients were told of: events that could not be had any more.")?,
            resets: make.counter("resets_total", "Epoch changes of live rooms.")?,
            parked_overflows: make.counter(
                "parked_overflows_total",
                "Events that came behind a sequence gap and could not be kept; they were read again.",
            )?,
            behind: make
                .counter("behind_total", "Times that a client read too slowly for a room and was to catch up later.")?,
            resumes: make.counters(
                "resumes_total",
                "Subscribes, by how the client got to the newest event.",
                &[label("outcome", "`fresh`, `head`, `ring`, `tail`, `store`, `gap`, `survived`, `reset`, `left`")],
            )?,
            bus_suspects: make.counter("bus_suspects_total", "Times that events on the bus may have been lost.")?,
            strays: make.counter("strays_total", "Events of rooms that nobody here listens to.")?,
            append_seconds: make.histogram(
                "append_seconds",
                "From a message frame to its number in the room.",
                short_buckets(),
            )?,
            failures: make.counters(
                "failures_total",
                "Failed calls to other parts.",
                &[label("part", "`bus`, `api`")],
            )?,
            limited: make.counters(
                "limited_total",
                "Refusals because a bound was reached.",
                &[label("limit", "the name of the bound in [limits.md](limits.md)")],
            )?,
            presence_users: make.gauge("presence_users", "Users who are online by this node.")?,
            presence_writes: make.counters(
                "presence_writes_total",
                "Users and rooms whose presence was written.",
                &[label("kind", "`come`, `go`, `say` of users, `room`, `reap` of dead nodes")],
            )?,
            presence_notified: make.counter("presence_told_total", "Presence frames sent to watchers.")?,
            presence_coalesced: make
                .counter("presence_coalesced_total", "Changes of presence that were not told at once.")?,
            typing_dropped: make.counters(
                "typing_dropped_total",
                "Typing signals that were not told.",
                &[label("reason", "why")],
            )?,
            reads: make.counters(
                "reads_total",
                "Read marks of clients.",
                &[label("outcome", "`written`, `coalesced` with a later one")],
            )?,
            events: make.counter("events_total", "Events of rooms with subscribers here.")?,
            relay_seconds: make.histogram(
                "relay_seconds",
                "From an event's number, by the clock of Redis, until this node received it.",
                short_buckets(),
            )?,
            write_seconds: make.histogram(
                "write_seconds",
                "From receiving an event until it was written to a part of its subscribers.",
                short_buckets(),
            )?,
            writes: make.counter("writes_total", "Connections written to for rooms.")?,
            frames_written: make.counter("frames_written_total", "Frames that these writes took.")?,
            ack_seconds: make.histogram(
                "ack_seconds",
                "From a message's number, by the clock of Redis, to its ack.",
                short_buckets(),
            )?,
            send_queue_bytes: make.gauge("send_queue_bytes", "Bytes that wait in send queues, all together.")?,
            send_queues_waiting: make.gauge("send_queues_waiting", "Send queues with anything in them.")?,
            sheds: make.counters(
                "sheds_total",
                "What was not done because there was too much.",
                &[label("reason", "`acks`: too many of one connection wait")],
            )?,
            room_ticks: make
                .counter("room_ticks_total", "Times that a busy and full room wrote what it had gathered.")?,
            keys: make.gauges(
                "keys",
                "Keys that tokens are verified with: 1 for each.",
                &[label("kid", "the id of a key")],
            )?,
            described: Vec::new(),
            registry: Registry::new(),
        }
        .registered(make))
    }

    fn registered(self, make: Registrar) -> Self {
        // What is always of interest has a series from the start: a rate of nothing is no data, not zero.
        for part in ["bus", "api"] {
            self.failures.with_label_values(&[part]).inc_by(0);
        }
        self.sheds.with_label_values(&["acks"]).inc_by(0);
        self.limited.with_label_values(&["connections"]).inc_by(0);
        for code in [ErrorCode::Unavailable, ErrorCode::Overloaded, ErrorCode::Internal] {
            self.errors.with_label_values(&[code.as_str()]).inc_by(0);
        }
        let (registry, described) = make.finish();
        Self { registry, described, ..self }
    }

    /// What each of them means.
    pub fn described(&self) -> &[Description] {
        &self.described
    }

    /// Shows which keys are in use from now on.
    pub fn show_keys(&self, set: &JwkSet) {
        self.keys.reset();
        for key in &set.keys {
            self.keys.with_label_values(&[&key.kid]).set(1);
        }
    }

    /// All numbers, for a process that shows those of several parts.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Somebody has reached a bound.
    pub fn limit(&self, name: &'static str) {
        self.limited.with_label_values(&[name]).inc();
    }

    /// The same, where an error says so.
    pub fn limit_of(&self, code: ErrorCode) {
        if let Some(name) = bounds::of_code(code) {
            self.limit(name);
        }
    }

    /// The same, where a connection ends for it.
    pub fn limit_of_end(&self, code: CloseCode) {
        if let Some(name) = bounds::of_end(code) {
            self.limit(name);
        }
    }

    /// The Prometheus text format, the process itself included.
    ///
    /// # Errors
    /// If a metric of another part has a name of ours, which is a defect.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        rookery_runtime::metrics::render(&[&self.registry])
    }
}

impl Refusals for Metrics {
    fn refused(&self, limit: &'static str) {
        self.limit(limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_rendered() {
        let metrics = Metrics::new().unwrap();
        metrics.connections.inc();
        assert!(metrics.render().unwrap().contains("rookery_gateway_connections 1"));
    }
}
