//! Every metric of the gateway, with its labels. Labels come from enums of this code base or, as ids of keys, from
//! operators, never from clients.

use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};
use rookery_protocol::bounds;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_runtime::listener::Refusals;
use rookery_runtime::token::JwkSet;

/// The numbers of one gateway.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Open WebSocket connections.
    pub connections: IntGauge,
    /// The same by dialect.
    pub dialect_connections: IntGaugeVec,
    /// Messages from clients by dialect: frames, and packets of Socket.IO of every kind.
    pub dialect_messages_in: IntCounterVec,
    /// Connections of Socket.IO by long-polling.
    pub polling_connections: IntGauge,
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

/// Registers what it makes, under the gateway's prefix.
struct Maker(Registry);

impl Metrics {
    /// All numbers at zero.
    ///
    /// # Errors
    /// Only for a name that is used twice, which is a defect.
    pub fn new() -> Result<Self, prometheus::Error> {
        let make = Maker(Registry::new());
        make.0.register(Box::new(ProcessCollector::for_self()))?;
        Ok(Self {
            connections: make.gauge("connections", "Open WebSocket connections")?,
            dialect_connections: make.gauges("dialect_connections", "Open connections by dialect", "dialect")?,
            dialect_messages_in: make.family(
                "dialect_messages_in_total",
                "Messages from clients by dialect",
                "dialect",
            )?,
            polling_connections: make.gauge("polling_connections", "Socket.IO connections by long-polling")?,
            rooms: make.gauge("rooms", "Rooms this node listens to")?,
            acks_pending: make.gauge("acks_pending", "Acks that wait for the store")?,
            deliveries: make.counter("deliveries_total", "Room frames put into send queues")?,
            frames_in: make.family("frames_in_total", "Frames from clients", "type")?,
            errors: make.family("errors_total", "Error frames to clients", "code")?,
            closes: make.family("closes_total", "Ends of connections", "reason")?,
            upgrades_refused: make.family("upgrades_refused_total", "Upgrades refused", "status")?,
            send_queue_overflows: make.counter("send_queue_overflows_total", "Clients that read too slowly")?,
            parked: make.counter("holes_total", "Events that arrived behind a sequence gap")?,
            repairs: make.counter("repairs_total", "Range reads that repaired a room")?,
            gaps: make.counter("gaps_total", "Gaps that clients were told of")?,
            resets: make.counter("resets_total", "Epoch changes of live rooms")?,
            parked_overflows: make.counter("parked_overflows_total", "Parked events that were read again")?,
            behind: make.counter("behind_total", "Times that a client fell behind in a room")?,
            resumes: make.family("resumes_total", "Subscribes", "outcome")?,
            bus_suspects: make.counter("bus_suspects_total", "Times that events may have been lost")?,
            strays: make.counter("strays_total", "Events of rooms without listeners")?,
            append_seconds: make.histogram("append_seconds", "Message frame to place in the room")?,
            failures: make.family("failures_total", "Failed calls to other parts", "part")?,
            limited: make.family("limited_total", "Refusals by a bound", "limit")?,
            presence_users: make.gauge("presence_users", "Users who are online by this node")?,
            presence_writes: make.family("presence_writes_total", "Users and rooms written", "kind")?,
            presence_notified: make.counter("presence_told_total", "Presence frames sent to watchers")?,
            presence_coalesced: make.counter("presence_coalesced_total", "News of users that was not told at once")?,
            typing_dropped: make.family("typing_dropped_total", "Typing that was not told", "reason")?,
            reads: make.family("reads_total", "Read marks of clients", "outcome")?,
            events: make.counter("events_total", "Events of rooms with listeners here")?,
            relay_seconds: make.histogram("relay_seconds", "Number of an event to hearing of it")?,
            write_seconds: make.histogram("write_seconds", "Hearing of an event to writing it")?,
            writes: make.counter("writes_total", "Connections written to for rooms")?,
            frames_written: make.counter("frames_written_total", "Frames of these writes")?,
            ack_seconds: make.histogram("ack_seconds", "Number of a message to its ack")?,
            send_queue_bytes: make.gauge("send_queue_bytes", "Bytes that wait in send queues")?,
            send_queues_waiting: make.gauge("send_queues_waiting", "Send queues with anything in them")?,
            sheds: make.family("sheds_total", "What was too much", "reason")?,
            room_ticks: make.counter("room_ticks_total", "Gathered writes of busy rooms")?,
            keys: make.gauges("keys", "Keys that tokens are verified with", "kid")?,
            registry: make.0,
        })
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

    /// The Prometheus text format.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|error| prometheus::Error::Msg(error.to_string()))
    }
}

impl Refusals for Metrics {
    fn refused(&self, limit: &'static str) {
        self.limit(limit);
    }
}

impl Maker {
    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        let counter = IntCounter::with_opts(opts(name, help))?;
        self.0.register(Box::new(counter.clone()))?;
        Ok(counter)
    }

    fn family(&self, name: &str, help: &str, label: &str) -> Result<IntCounterVec, prometheus::Error> {
        let family = IntCounterVec::new(opts(name, help), &[label])?;
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        let gauge = IntGauge::with_opts(opts(name, help))?;
        self.0.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    }

    fn gauges(&self, name: &str, help: &str, label: &str) -> Result<IntGaugeVec, prometheus::Error> {
        let gauges = IntGaugeVec::new(opts(name, help), &[label])?;
        self.0.register(Box::new(gauges.clone()))?;
        Ok(gauges)
    }

    fn histogram(&self, name: &str, help: &str) -> Result<Histogram, prometheus::Error> {
        let buckets = prometheus::exponential_buckets(0.000_25, 2.0, 15)?;
        let histogram = Histogram::with_opts(HistogramOpts { common_opts: opts(name, help), buckets })?;
        self.0.register(Box::new(histogram.clone()))?;
        Ok(histogram)
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("rookery_gateway")
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
