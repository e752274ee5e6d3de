//! One trace follows a message through every process, and nobody notices when it cannot be told.

use std::collections::HashSet;

use http::{HeaderValue, Method};
use rookery_tests::cluster::Cluster;
use rookery_tests::mailbox::ChatClient as _;
use rookery_tests::node::Node;
use rookery_tests::otlp::{Receiver, Span};
use rookery_tests::rest::{Account, Rest};
use rookery_tests::ws::{Socket, Way, with_token};
use rookery_tests::{names, ports, wait};
use serde_json::{Value, json};

use crate::talk::{exchange, hear, say};

/// A caller's trace: id, span, and both as a header.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

struct Scene {
    cluster: Cluster,
    ann: Account,
}

impl Scene {
    async fn set(endpoint: &str, ratio: &str) -> Self {
        let settings = [("limits", "off"), ("otlp_endpoint", endpoint), ("trace_ratio", ratio)];
        let cluster = Cluster::start_limited(2, &settings).await;
        let ann = Rest::new(cluster.api.public_url()).new_user("ann").await;
        Self { cluster, ann }
    }

    /// A connection to each gateway, both in `general`.
    async fn sockets(&self) -> (Socket, Socket) {
        let [here, there] = [0, 1].map(|node| self.cluster.gateways[node].socket_url());
        let mut here = Socket::login(&here, "/ws/general", &self.ann.token).await;
        let mut there = Socket::login(&there, "/ws/general", &self.ann.token).await;
        here.live().await;
        there.live().await;
        (here, there)
    }
}

fn id_of(echo: &Value) -> String {
    echo["message"]["message_id"].as_str().expect("an echo has an id").to_owned()
}

fn append_of<'a>(spans: &'a [Span], message: &str) -> Option<&'a Span> {
    spans.iter().find(|span| span.name == "append" && span.attribute("message") == message)
}

/// The spans of a message's trace, once every stage after its append is there.
async fn whole_trace(receiver: &Receiver, message: &str) -> Vec<Span> {
    receiver
        .until("every stage of the message is received", |spans| {
            let append = append_of(spans, message)?;
            let of_trace: Vec<Span> = spans.iter().filter(|span| span.trace == append.trace).cloned().collect();
            let count = |name: &str| of_trace.iter().filter(|span| span.name == name).count();
            let above = of_trace.iter().any(|span| span.id == append.parent);
            (count("deliver") == 2 && count("store") == 1 && above).then_some(of_trace)
        })
        .await
}

fn only<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "{name} in {spans:#?}");
    found[0]
}

/// From the append on, a trace looks the same however the message came.
fn assert_follows(spans: &[Span], message: &str, seq: &str) -> String {
    let append = only(spans, "append");
    assert_eq!((append.attribute("message"), append.attribute("seq")), (message, seq));
    let deliveries: Vec<&Span> = spans.iter().filter(|span| span.name == "deliver").collect();
    assert!(
        deliveries
            .iter()
            .all(|span| span.parent == append.id && span.service == "rookery-gateway")
    );
    assert!(
        deliveries
            .iter()
            .all(|span| span.attribute("message") == message && span.attribute("seq") == seq)
    );
    let nodes: HashSet<&str> = deliveries.iter().map(|span| span.instance.as_str()).collect();
    assert_eq!(nodes.len(), 2, "both gateways deliver");
    let store = only(spans, "store");
    assert_eq!((store.parent.as_str(), store.service.as_str()), (append.id.as_str(), "rookery-api"));
    assert!(spans.iter().all(|span| !span.attributes.contains_key("trace_id")), "ids are no attributes");
    append.parent.clone()
}

#[tokio::test]
async fn one_trace_follows_a_message_through_every_process() {
    let receiver = Receiver::start().await;
    let scene = Scene::set(&receiver.url(), "1").await;
    let (mut here, mut there) = scene.sockets().await;
    let echo = say(&mut here, "general", "followed").await;
    hear(&mut there, &echo).await;
    let message = id_of(&echo);
    let spans = whole_trace(&receiver, &message).await;
    let above = assert_follows(&spans, &message, &echo["seq"].to_string());
    let send = only(&spans, "send");
    assert_eq!((send.id.as_str(), send.parent.as_str()), (above.as_str(), ""), "the frame begins the trace");
    let append = only(&spans, "append");
    assert!(send.nanos >= append.nanos && append.nanos > 0, "a span contains those below it");
    assert_eq!(send.instance, append.instance, "the sender's gateway appends");

    let links = &only(&spans, "store").links;
    let batch = receiver
        .until("the batch is received", |all| {
            all.iter()
                .find(|span| span.name == "store batch" && links.contains(&place(span)))
                .cloned()
        })
        .await;
    assert_ne!(batch.trace, send.trace, "a batch is of many traces, and belongs to none");
    assert!(batch.links.contains(&place(append)), "{batch:?}");
}

fn place(span: &Span) -> (String, String) {
    (span.trace.clone(), span.id.clone())
}

#[tokio::test]
async fn messages_that_are_stored_together_are_linked() {
    let receiver = Receiver::start().await;
    let scene = Scene::set(&receiver.url(), "1").await;
    let (mut here, _there) = scene.sockets().await;
    // What comes while a batch is being stored is the next batch.
    for round in 0..50 {
        let names: Vec<String> = (0..20).map(|_| names::unique("c")).collect();
        for name in &names {
            here.send(json!({"type": "message", "room": "general", "client_id": name, "content": "together"}))
                .await;
        }
        for name in &names {
            here.expect("an ack", |frame| frame["type"] == "ack" && frame["client_id"] == name.as_str())
                .await;
        }
        let many = |span: &&Span| {
            let traces: HashSet<&String> = span.links.iter().map(|(trace, _)| trace).collect();
            span.name == "store batch" && traces.len() > 1
        };
        if let Some(batch) = receiver.spans().iter().find(many) {
            assert!(batch.links.len() <= 64, "links are bounded");
            return;
        }
        assert!(round < 49, "no two messages of a thousand were stored together");
    }
}

#[tokio::test]
async fn callers_name_the_trace_and_decide_whether_it_is_recorded() {
    let receiver = Receiver::start().await;
    let scene = Scene::set(&receiver.url(), "0").await;
    let (mut here, mut there) = scene.sockets().await;
    let plain = say(&mut here, "general", "nobody traces this").await;
    hear(&mut there, &plain).await;

    // Over REST.
    let told = rest_send(&scene, &format!("00-{TRACE}-{CALLER}-01")).await;
    let spans = whole_trace(&receiver, &told).await;
    assert!(spans.iter().all(|span| span.trace == TRACE));
    let seq = append_of(&spans, &told).expect("it is there").attribute("seq").to_owned();
    let above = assert_follows(&spans, &told, &seq);
    let request = spans.iter().find(|span| span.id == above).expect("it is there");
    assert_eq!((request.service.as_str(), request.parent.as_str()), ("rookery-api", CALLER));
    assert_eq!(request.name, "POST /api/v1/rooms/{room}/messages");
    assert_eq!(request.attribute("http.response.status_code"), "201");

    // By the upgrade of a socket.
    let other = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let mut traced = upgraded(&scene, &format!("00-{other}-{CALLER}-01")).await;
    let heard = id_of(&say(&mut traced, "general", "traced by the upgrade").await);
    let spans = whole_trace(&receiver, &heard).await;
    let (send, upgrade) = (only(&spans, "send"), only(&spans, "upgrade"));
    assert!(spans.iter().all(|span| span.trace == other));
    assert_eq!((send.parent.as_str(), upgrade.parent.as_str()), (upgrade.id.as_str(), CALLER));

    // Who says no is followed, too; and a bad header is none.
    let unsampled = rest_send(&scene, &format!("00-{TRACE}-{CALLER}-00")).await;
    let mut silent = upgraded(&scene, &format!("00-{TRACE}-{CALLER}-00")).await;
    let silent = id_of(&say(&mut silent, "general", "not recorded").await);
    let bad = rest_send(&scene, "00-zz-01").await;
    let last = rest_send(&scene, &format!("00-{}-{CALLER}-01", "b".repeat(32))).await;
    whole_trace(&receiver, &last).await;
    let all = receiver.spans();
    for message in [&id_of(&plain), &unsampled, &silent, &bad] {
        assert!(append_of(&all, message).is_none(), "{message} is not recorded");
    }
}

async fn rest_send(scene: &Scene, traceparent: &str) -> String {
    let url = format!("{}/api/v1/rooms/general/messages", scene.cluster.api.public_url());
    let answer = reqwest::Client::new()
        .request(Method::POST, url)
        .bearer_auth(&scene.ann.token)
        .header("traceparent", traceparent)
        .json(&json!({"content": "by REST"}))
        .send()
        .await
        .expect("the api answers");
    let sent: Value = answer.json().await.expect("JSON");
    sent["message_id"].as_str().unwrap_or_else(|| panic!("sent: {sent}")).to_owned()
}

async fn upgraded(scene: &Scene, traceparent: &str) -> Socket {
    let base = scene.cluster.gateways[0].socket_url();
    let mut request = with_token(&base, "/ws/general", &scene.ann.token, Way::Header);
    request
        .headers_mut()
        .insert("traceparent", HeaderValue::from_str(traceparent).expect("it is ASCII"));
    let mut socket = Socket::open(request).await.open();
    socket.expect_type("hello").await;
    socket.live().await;
    socket
}

#[tokio::test]
async fn a_failure_of_ours_is_told_and_logged_with_its_place_whatever_the_ratio() {
    let receiver = Receiver::start().await;
    let scene = Scene::set(&receiver.url(), "0").await;
    let (mut here, _there) = scene.sockets().await;
    scene.cluster.redis.process.signal("STOP");
    here.send(json!({"type": "message", "room": "general", "client_id": "c-lost", "content": "into the void"}))
        .await;
    here.expect("unavailable", |frame| frame["type"] == "error" && frame["code"] == "unavailable")
        .await;
    scene.cluster.redis.process.signal("CONT");
    let failed = receiver
        .until("the failure is received", |spans| {
            spans.iter().find(|span| span.name == "send" && span.is_error).cloned()
        })
        .await;
    assert!(failed.nanos > 0, "it says how long it took: {failed:?}");
    let log = scene.cluster.gateways[0].process.log();
    let line = log
        .lines()
        .find(|line| line.contains(&failed.trace))
        .expect("a log line has the trace id");
    let line: Value = serde_json::from_str(line).expect("a log line is JSON");
    assert_eq!((&line["trace_id"], &line["span_id"]), (&json!(failed.trace), &json!(failed.id)));
}

#[tokio::test]
async fn log_lines_of_a_traced_request_have_its_ids() {
    let receiver = Receiver::start().await;
    let scene = Scene::set(&receiver.url(), "1").await;
    let (mut here, _there) = scene.sockets().await;
    here.send(json!({"type": "message", "room": "general", "client_id": "c-1", "content": "once"}))
        .await;
    here.expect("the ack", |frame| frame["type"] == "ack").await;
    // The same name for something else is refused, and that is logged.
    here.send(json!({"type": "message", "room": "general", "client_id": "c-1", "content": "twice"}))
        .await;
    here.expect_type("error").await;
    let refused = receiver
        .until("the refusal is received", |spans| {
            spans.iter().find(|span| span.attribute("code") == "client_id_reused").cloned()
        })
        .await;
    assert!(!refused.is_error, "the client is at fault");
    let log = scene.cluster.gateways[0].process.log();
    let line = log
        .lines()
        .find(|line| line.contains(&refused.trace))
        .expect("a log line has the trace id");
    let line: Value = serde_json::from_str(line).expect("a log line is JSON");
    let span = &line["span"];
    assert_eq!((&span["trace_id"], &span["span_id"]), (&json!(refused.trace), &json!(refused.id)));
}

/// What a process counts of its spans.
async fn spans_counted(node: &Node, outcome: &str) -> u64 {
    let text = Rest::new(node.internal_url()).get("/metrics", None).await.expect(200).text;
    let name = format!("rookery_trace_spans_total{{outcome=\"{outcome}\"}} ");
    let count = text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok());
    count.unwrap_or_else(|| panic!("{name} in {text}"))
}

#[tokio::test]
async fn a_dead_receiver_costs_nothing_but_a_count() {
    let scene = Scene::set(&format!("http://127.0.0.1:{}", ports::free()), "1").await;
    let (mut here, mut there) = scene.sockets().await;
    exchange(&mut here, &mut there, "general").await;
    for node in [&scene.cluster.gateways[0], &scene.cluster.api] {
        wait::until("failed exports are counted", async || spans_counted(node, "failed").await > 0).await;
        assert_eq!(spans_counted(node, "exported").await, 0);
    }
    exchange(&mut here, &mut there, "general").await;
    let status = scene.cluster.gateways[0].process.terminate().await;
    assert!(rookery_tests::process::is_clean(status), "{}", scene.cluster.gateways[0].process.log_tail());
}

#[tokio::test]
async fn a_receiver_that_never_answers_costs_nothing_but_a_count() {
    let receiver = Receiver::mute().await;
    let scene = Scene::set(&receiver.url(), "1").await;
    let (mut here, _) = scene.sockets().await;
    let mut sent = 0;
    // Each message has some spans; the queue holds thousands, and what leaves it waits for a deadline. Many at a time, or
    // a slow machine makes them no faster than that.
    while spans_counted(&scene.cluster.gateways[0], "dropped").await == 0 {
        let names: Vec<String> = (0..500).map(|_| names::unique("c")).collect();
        for name in &names {
            here.send(json!({"type": "message", "room": "general", "client_id": name, "content": "on and on"}))
                .await;
        }
        for name in &names {
            here.expect("an ack", |frame| frame["type"] == "ack" && frame["client_id"] == name.as_str())
                .await;
        }
        sent += names.len();
        assert!(sent < 20_000, "no span was dropped");
    }
    let (mut here, mut there) = scene.sockets().await;
    let echo = say(&mut here, "general", "the last one").await;
    hear(&mut there, &echo).await;
    let seq = echo["seq"].as_u64().expect("a number");
    assert!(seq > u64::try_from(sent).expect("a small number"), "every message has its number");
}
