//! One frame, several dialects.

use super::*;
use crate::send_queue::{Enqueued, SendQueue};

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
    for (n, dialect) in [Dialect::Native, Dialect::Shout].into_iter().enumerate() {
        assert_eq!(dialect.index(), n);
        assert!(dialect.index() < Dialect::COUNT);
    }
}

#[test]
fn bytes_are_made_once_for_each_dialect_that_somebody_speaks() {
    let connections = || [SendQueue::unwritten(), SendQueue::unwritten()];
    let (natives, frame) = (connections(), shared());
    assert!(!frame.is_encoded(Dialect::Native));
    for queue in &natives {
        assert_eq!(queue.enqueue([&frame]), Enqueued::Unflushed);
    }
    assert!(
        frame.is_encoded(Dialect::Native) && !frame.is_encoded(Dialect::Shout),
        "nobody speaks the other one"
    );
    let [first, second] = natives.map(|queue| only(&queue));
    assert_eq!(first.as_text(), r#"{"type":"reconnect","after_ms":7}"#);
    assert_eq!(first.bytes().as_ptr(), second.bytes().as_ptr());

    let shouting = SendQueue::unwritten_in(Dialect::Shout);
    assert_eq!(shouting.enqueue([&frame]), Enqueued::Unflushed);
    assert_eq!(only(&shouting).as_text(), r#"{"TYPE":"RECONNECT","AFTER_MS":7}"#);
    assert_eq!(frame.in_dialect(Dialect::Native).bytes().as_ptr(), first.bytes().as_ptr());
}

#[test]
fn what_a_frame_counts_stays_the_same() {
    let (kept, sent) = (shared(), shared());
    let length = kept.cost();
    assert!(!kept.is_encoded(Dialect::Native), "counting encodes nothing");
    assert_eq!(kept.in_dialect(Dialect::Native).as_text().len(), length);
    assert_eq!(kept.cost(), length);
    assert_eq!(sent.in_dialect(Dialect::Shout).len(), sent.cost());
}

#[test]
fn a_frame_of_one_connection_is_in_its_dialect_too() {
    let queue = SendQueue::unwritten_in(Dialect::Shout);
    queue.send(&ServerFrame::Pong {});
    assert_eq!(only(&queue).as_text(), r#"{"TYPE":"PONG"}"#);
    assert_eq!(Dialect::Shout.decode(r#"{"TYPE":"PING"}"#), Dialect::Native.decode(r#"{"type":"ping"}"#));
}
