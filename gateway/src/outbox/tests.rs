//! Outboxes over a stream in memory.

use rookery_protocol::limits::{OUTBOX_BYTES_MAX, OUTBOX_FRAMES_MAX};
use tokio::io::AsyncReadExt;

use super::*;
use crate::limits::{FLUSH_BYTES_MAX, FLUSH_FRAMES_MAX, OUTBOX_EPHEMERAL_BYTES, OUTBOX_EPHEMERAL_FRAMES};
use crate::testing::{ClientEnd, pipe};

fn outbox(capacity: usize) -> (Arc<SendQueue>, ClientEnd) {
    let (ours, theirs) = pipe(capacity);
    (SendQueue::new(ours), theirs)
}

async fn read(client: &mut ClientEnd, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn frames_leave_in_order_with_few_calls() {
    let (outbox, mut client) = outbox(1 << 20);
    let frames: Vec<Frame> = (0..=FLUSH_FRAMES_MAX).map(|n| Frame::text(&n.to_string())).collect();
    outbox.push_all(frames.clone());
    assert_eq!(outbox.flush(), Flushed::All);
    let expected: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect();
    assert_eq!(read(&mut client, expected.len()).await, expected);
}

#[tokio::test]
async fn what_the_kernel_does_not_take_waits_for_it() {
    let (outbox, mut client) = outbox(10);
    let (first, second) = (Frame::text("0123456789"), Frame::text("abc"));
    outbox.push_all([first.clone(), second.clone()]);
    assert_eq!(outbox.flush(), Flushed::Blocked { progress: true });
    assert_eq!(outbox.flush(), Flushed::Blocked { progress: false });
    assert_eq!(outbox.owe(&[Frame::text("d")]), Enqueued::Known, "whoever waits for the kernel writes it");
    let mut got = read(&mut client, 10).await;
    outbox.writable().await.unwrap();
    assert_eq!(outbox.flush(), Flushed::All);
    got.extend(read(&mut client, 10).await);
    assert_eq!(got, [first.bytes(), second.bytes(), Frame::text("d").bytes()].concat());
}

#[tokio::test]
async fn one_of_many_pushers_flushes() {
    let (outbox, mut client) = outbox(64);
    assert_eq!(outbox.owe(&[Frame::text("a")]), Enqueued::Unflushed);
    assert_eq!(outbox.owe(&[Frame::text("b")]), Enqueued::Known);
    outbox.flush_for();
    assert_eq!(read(&mut client, 6).await, b"\x81\x01a\x81\x01b");
    assert_eq!(outbox.owe(&[Frame::text("c")]), Enqueued::Unflushed);
}

#[tokio::test]
async fn too_many_frames_or_bytes_close_it_for_good() {
    let (many, _a) = outbox(64);
    many.push_all((0..=OUTBOX_FRAMES_MAX).map(|_| Frame::text("x")));
    let (large, _b) = outbox(64);
    large.push_all((0..=OUTBOX_BYTES_MAX / FLUSH_BYTES_MAX).map(|_| Frame::text(&"x".repeat(FLUSH_BYTES_MAX))));
    for outbox in [many, large] {
        assert_eq!(outbox.flush(), Flushed::Overflow);
        outbox.push(Frame::text("late"));
        assert_eq!(outbox.flush(), Flushed::Overflow);
    }
}

#[tokio::test]
async fn a_frame_that_is_begun_is_ended_before_the_goodbye() {
    let (outbox, mut client) = outbox(4);
    let begun = Frame::text("0123456789");
    outbox.push(begun.clone());
    assert_eq!(outbox.flush(), Flushed::Blocked { progress: true });
    outbox.push_all((0..=OUTBOX_FRAMES_MAX).map(|_| Frame::text("x")));
    assert_eq!(outbox.flush(), Flushed::Overflow);
    let last = Frame::close(CloseCode::TooSlow);
    let length = begun.len() + last.len();
    let (finished, got) = tokio::join!(outbox.finish(last.clone()), read(&mut client, length));
    assert!(finished);
    assert_eq!(got, [begun.bytes(), last.bytes()].concat());
}

#[tokio::test]
async fn what_was_owed_before_the_end_is_given_and_nothing_after() {
    let (outbox, mut client) = outbox(64);
    outbox.push(Frame::text("x"));
    outbox.end(CloseCode::Forbidden);
    outbox.end(CloseCode::SessionRevoked);
    outbox.push(Frame::text("late"));
    assert_eq!(outbox.flush(), Flushed::End(CloseCode::Forbidden));
    assert_eq!(read(&mut client, 3).await, b"\x81\x01x");
    assert!(outbox.finish(Frame::close_echo(None)).await);
    outbox.push(Frame::text("later"));
    outbox.flush();
    assert_eq!(read(&mut client, 2).await, [0x88, 0]);
}

#[tokio::test]
async fn only_the_newest_ping_is_answered() {
    let (outbox, mut client) = outbox(64);
    outbox.push(Frame::text("x"));
    outbox.pong(b"1");
    outbox.pong(b"2");
    assert_eq!(outbox.flush(), Flushed::All);
    assert_eq!(read(&mut client, 6).await, b"\x8a\x012\x81\x01x");
}

#[tokio::test]
async fn a_push_wakes_the_connection() {
    let (outbox, _client) = outbox(64);
    outbox.push(Frame::text("x"));
    outbox.filled().await;
    outbox.low().await;
}

/// The first rung for those who read slowly: long before their rooms stop, they hear nothing more that may be lost.
#[tokio::test]
async fn what_may_be_lost_is_the_first_to_go() {
    let outbox = SendQueue::unwritten();
    let (message, sign) = (Frame::text("message"), Frame::text("typing"));
    assert_eq!(outbox.owe_in_passing(&sign), Enqueued::Unflushed);
    for _ in 0..OUTBOX_EPHEMERAL_FRAMES {
        assert_eq!(outbox.owe(std::slice::from_ref(&message)), Enqueued::Known);
    }
    assert_eq!(outbox.owe_in_passing(&sign), Enqueued::Behind);
    assert_eq!(outbox.owe(std::slice::from_ref(&message)), Enqueued::Known, "events still come");
    assert_eq!(outbox.take().len(), OUTBOX_EPHEMERAL_FRAMES + 2);
    outbox.push(Frame::text(&"x".repeat(OUTBOX_EPHEMERAL_BYTES)));
    assert_eq!(outbox.owe_in_passing(&sign), Enqueued::Behind);
}
