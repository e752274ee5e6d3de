//! One frame, several dialects.

use rookery_protocol::error_code::ErrorCode;
use serde_json::json;

use super::*;
use crate::send_queue::{Enqueued, SendQueue};

const SOCKETIO: Dialect = Dialect::SocketIo(Namespace::Root);

fn socketio() -> Translator {
    Translator::SocketIo(Box::default())
}

fn shared() -> SharedFrame {
    ServerFrame::Reconnect { after_ms: 7 }.into()
}

/// The only frame that the connection got.
fn only(queue: &SendQueue) -> Frame {
    let frames = queue.take();
    assert_eq!(frames.len(), 1);
    frames[0].clone()
}

#[test]
fn every_dialect_has_its_place() {
    let all = [Dialect::Native, SOCKETIO, Dialect::SocketIo(Namespace::Path)];
    for (n, dialect) in all.into_iter().enumerate() {
        assert_eq!(dialect.index(), n);
    }
    assert_eq!(all.len(), Dialect::COUNT);
}

#[test]
fn bytes_are_made_once_for_each_dialect_that_somebody_speaks() {
    let connections = || [SendQueue::unwritten(), SendQueue::unwritten()];
    let (natives, frame) = (connections(), shared());
    assert!(!frame.is_encoded(Dialect::Native));
    for queue in &natives {
        assert_eq!(queue.enqueue([&frame]), Enqueued::Unflushed);
    }
    assert!(frame.is_encoded(Dialect::Native) && !frame.is_encoded(SOCKETIO), "nobody speaks the other one");
    let [first, second] = natives.map(|queue| only(&queue));
    assert_eq!(first.as_text(), r#"{"type":"reconnect","after_ms":7}"#);
    assert_eq!(first.bytes().as_ptr(), second.bytes().as_ptr());

    let others = [SendQueue::unwritten_in(socketio()), SendQueue::unwritten_in(socketio())];
    for queue in &others {
        assert_eq!(queue.enqueue([&frame]), Enqueued::Unflushed);
    }
    let [third, fourth] = others.map(|queue| only(&queue));
    assert_eq!(third.as_text(), r#"42["reconnectSoon",{"afterMs":7}]"#);
    assert_eq!(third.bytes().as_ptr(), fourth.bytes().as_ptr());
    assert_eq!(frame.in_dialect(Dialect::Native).bytes().as_ptr(), first.bytes().as_ptr());
}

#[test]
fn what_a_frame_counts_stays_the_same() {
    let (kept, sent) = (shared(), shared());
    let length = kept.cost();
    assert!(!kept.is_encoded(Dialect::Native), "counting encodes nothing");
    assert_eq!(kept.in_dialect(Dialect::Native).as_text().len(), length);
    assert_eq!(kept.cost(), length);
    assert_eq!(sent.in_dialect(SOCKETIO).len(), sent.cost());
}

#[test]
fn a_frame_of_one_connection_is_in_its_dialect_too() {
    let queue = SendQueue::unwritten_in(socketio());
    queue.send(&ServerFrame::Pong {});
    assert_eq!(only(&queue).as_text(), r#"42["frame",{"type":"pong"}]"#);
}

/// A translator that has entered the namespace.
fn entered() -> Translator {
    let hello = json!({"type": "hello", "session": "01920000-0000-7000-8000-000000000001",
        "user": {"user_id": "01920000-0000-7000-8000-000000000002", "username": "a"}, "heartbeat_ms": 1,
        "limits": {"frame_bytes": 1, "content_chars": 1, "content_bytes": 1, "rooms": 1, "resume_events": 1},
        "ack": "stored"});
    let (translator, hello) = (socketio(), serde_json::from_value::<ServerFrame>(hello).unwrap());
    assert!(matches!(translator.decode("40"), Decoded::Connect(None)));
    assert!(!hello.encode(&translator).is_empty());
    translator
}

#[test]
fn who_may_come_back_is_not_refused_and_not_told_to_stay_away() {
    let error = |code| ServerFrame::Error(ErrorFrame::new(code));
    for code in [ErrorCode::Unavailable, ErrorCode::Overloaded, ErrorCode::RateLimited] {
        assert!(error(code).encode(&socketio()).is_empty(), "{code:?}");
    }
    assert!(error(ErrorCode::Unauthenticated).encode(&socketio()).as_text().starts_with("44"));
    let is_told = |code| entered().close(code) != Frame::close(code);
    assert!(!is_told(CloseCode::Unauthenticated), "it may have a newer token");
    assert!(!is_told(CloseCode::Overloaded));
    assert!(is_told(CloseCode::SessionRevoked) && is_told(CloseCode::Replaced));
}
