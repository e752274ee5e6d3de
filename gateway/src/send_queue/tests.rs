//! Send queues over a stream in memory.

use rookery_protocol::limits::{SEND_QUEUE_BYTES_MAX, SEND_QUEUE_FRAMES_MAX};
use tokio::io::AsyncReadExt;

use super::*;
use crate::limits::{FLUSH_BYTES_MAX, FLUSH_FRAMES_MAX, SEND_QUEUE_EPHEMERAL_BYTES, SEND_QUEUE_EPHEMERAL_FRAMES};
use crate::testing::{ClientEnd, pipe};

fn send_queue(capacity: usize) -> (Arc<SendQueue>, ClientEnd) {
    let (ours, theirs) = pipe(capacity);
    (SendQueue::new(ours, Translator::Native), theirs)
}

async fn read(client: &mut ClientEnd, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn frames_leave_in_order_with_few_calls() {
    let (send_queue, mut client) = send_queue(1 << 20);
    let frames: Vec<Frame> = (0..=FLUSH_FRAMES_MAX).map(|n| Frame::text(&n.to_string())).collect();
    send_queue.send_all(&frames);
    assert_eq!(send_queue.flush(), Flushed::All);
    let expected: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect();
    assert_eq!(read(&mut client, expected.len()).await, expected);
}

#[tokio::test]
async fn what_the_kernel_does_not_take_waits_for_it() {
    let (send_queue, mut client) = send_queue(10);
    let (first, second) = (Frame::text("0123456789"), Frame::text("abc"));
    send_queue.send_all([&first, &second]);
    assert_eq!(send_queue.flush(), Flushed::Blocked { progress: true });
    assert_eq!(send_queue.flush(), Flushed::Blocked { progress: false });
    assert_eq!(
        send_queue.enqueue_unless_behind(&[Frame::text("d")]),
        Enqueued::Scheduled,
        "whoever waits for the kernel writes it"
    );
    let mut got = read(&mut client, 10).await;
    send_queue.writable().await.unwrap();
    assert_eq!(send_queue.flush(), Flushed::All);
    got.extend(read(&mut client, 10).await);
    assert_eq!(got, [first.bytes(), second.bytes(), Frame::text("d").bytes()].concat());
}

#[tokio::test]
async fn one_of_many_pushers_flushes() {
    let (send_queue, mut client) = send_queue(64);
    assert_eq!(send_queue.enqueue_unless_behind(&[Frame::text("a")]), Enqueued::Unflushed);
    assert_eq!(send_queue.enqueue_unless_behind(&[Frame::text("b")]), Enqueued::Scheduled);
    send_queue.flush_for();
    assert_eq!(read(&mut client, 6).await, b"\x81\x01a\x81\x01b");
    assert_eq!(send_queue.enqueue_unless_behind(&[Frame::text("c")]), Enqueued::Unflushed);
}

#[tokio::test]
async fn too_many_frames_or_bytes_close_it_for_good() {
    let (many, _a) = send_queue(64);
    many.send_all(&vec![Frame::text("x"); SEND_QUEUE_FRAMES_MAX + 1]);
    let (large, _b) = send_queue(64);
    large.send_all(&vec![Frame::text(&"x".repeat(FLUSH_BYTES_MAX)); SEND_QUEUE_BYTES_MAX / FLUSH_BYTES_MAX + 1]);
    for send_queue in [many, large] {
        assert_eq!(send_queue.flush(), Flushed::Overflow);
        send_queue.send(&Frame::text("late"));
        assert_eq!(send_queue.flush(), Flushed::Overflow);
    }
}

#[tokio::test]
async fn a_frame_that_is_partly_written_is_ended_before_the_close_frame() {
    let (send_queue, mut client) = send_queue(4);
    let first = Frame::text("0123456789");
    send_queue.send(&first);
    assert_eq!(send_queue.flush(), Flushed::Blocked { progress: true });
    send_queue.send_all(&vec![Frame::text("x"); SEND_QUEUE_FRAMES_MAX + 1]);
    assert_eq!(send_queue.flush(), Flushed::Overflow);
    let last = Frame::close(CloseCode::TooSlow);
    let length = first.len() + last.len();
    let (finished, got) = tokio::join!(send_queue.finish(last.clone()), read(&mut client, length));
    assert!(finished);
    assert_eq!(got, [first.bytes(), last.bytes()].concat());
}

#[tokio::test]
async fn what_was_owed_before_the_end_is_given_and_nothing_after() {
    let (send_queue, mut client) = send_queue(64);
    send_queue.send(&Frame::text("x"));
    send_queue.end(CloseCode::Forbidden);
    send_queue.end(CloseCode::SessionRevoked);
    send_queue.send(&Frame::text("late"));
    assert_eq!(send_queue.flush(), Flushed::End(CloseCode::Forbidden));
    assert_eq!(read(&mut client, 3).await, b"\x81\x01x");
    assert!(send_queue.finish(Frame::close_echo(None)).await);
    send_queue.send(&Frame::text("later"));
    send_queue.flush();
    assert_eq!(read(&mut client, 2).await, [0x88, 0]);
}

#[tokio::test]
async fn only_the_newest_ping_is_answered() {
    let (send_queue, mut client) = send_queue(64);
    send_queue.send(&Frame::text("x"));
    send_queue.pong(b"1");
    send_queue.pong(b"2");
    assert_eq!(send_queue.flush(), Flushed::All);
    assert_eq!(read(&mut client, 6).await, b"\x8a\x012\x81\x01x");
}

#[tokio::test]
async fn a_push_wakes_the_connection() {
    let (send_queue, _client) = send_queue(64);
    send_queue.send(&Frame::text("x"));
    send_queue.filled().await;
    send_queue.low().await;
}

/// The first rung for those who read slowly: long before their rooms stop, they hear nothing more that may be lost.
#[tokio::test]
async fn what_may_be_lost_is_the_first_to_go() {
    let send_queue = SendQueue::unwritten();
    let (message, sign) = (Frame::text("message"), Frame::text("typing"));
    assert_eq!(send_queue.enqueue_ephemeral(&sign), Enqueued::Unflushed);
    for _ in 0..SEND_QUEUE_EPHEMERAL_FRAMES {
        assert_eq!(send_queue.enqueue_unless_behind(std::slice::from_ref(&message)), Enqueued::Scheduled);
    }
    assert_eq!(send_queue.enqueue_ephemeral(&sign), Enqueued::Refused);
    assert_eq!(
        send_queue.enqueue_unless_behind(std::slice::from_ref(&message)),
        Enqueued::Scheduled,
        "events still come"
    );
    assert_eq!(send_queue.take().len(), SEND_QUEUE_EPHEMERAL_FRAMES + 2);
    send_queue.send(&Frame::text(&"x".repeat(SEND_QUEUE_EPHEMERAL_BYTES)));
    assert_eq!(send_queue.enqueue_ephemeral(&sign), Enqueued::Refused);
}
