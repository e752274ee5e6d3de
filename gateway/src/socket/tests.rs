//! Bytes on the wire, without a network: every way to break RFC 6455, whole and byte by byte.

use rookery_protocol::limits::{FRAME_BYTES_MAX, FRAMES_BURST_MAX};
use tokio::io::AsyncWriteExt;

use super::*;
use crate::limits::FRAGMENTS_MAX;
use crate::testing::pipe;

/// A frame as a client sends it.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length.to_le_bytes()[0]),
        Ok(length) => {
            frame.push(0x80 | 0x7e);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 0x7f);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    let mask = [0x11, 0x22, 0x33, 0x44];
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// What a reader makes of the bytes, whether they come at once or one by one.
fn heard(bytes: &[u8]) -> Vec<Incoming> {
    let whole = read_in(bytes, bytes.len().max(1));
    assert_eq!(read_in(bytes, 1), whole, "byte by byte");
    whole
}

fn read_in(bytes: &[u8], piece: usize) -> Vec<Incoming> {
    let mut reader = Reader::new(Bounds::default(), Vec::new());
    let mut all = Vec::new();
    for piece in bytes.chunks(piece) {
        reader.feed(piece);
        loop {
            match reader.take() {
                Ok(Some(heard)) => all.push(heard),
                Ok(None) => break,
                Err(code) => {
                    all.push(Incoming::ProtocolError(code));
                    return all;
                }
            }
        }
    }
    all
}

fn breach(bytes: &[u8]) -> CloseCode {
    match heard(bytes).as_slice() {
        [Incoming::ProtocolError(code)] => *code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_come_whole_in_fragments_and_between_control_frames() {
    let frames = [
        masked(0x81, b"one"),
        masked(0x82, b"\xff"),
        masked(0x01, "zw".as_bytes()),
        masked(0x89, b"still there?"),
        masked(0x00, "ö".as_bytes().split_at(1).0),
        masked(0x80, "ö".as_bytes().split_at(1).1),
        masked(0x81, b""),
        masked(0x8a, b""),
        masked(0x88, b"\x03\xe8bye"),
    ];
    let expected = [
        Incoming::Text("one".into()),
        Incoming::Binary(vec![0xff]),
        Incoming::Ping(b"still there?".to_vec()),
        Incoming::Text("zwö".into()),
        Incoming::Text(String::new()),
        Incoming::Pong,
        Incoming::Close(Some(1_000)),
    ];
    assert_eq!(heard(&frames.concat()), expected);
}

#[test]
fn every_length_is_read() {
    for length in [0, 1, 125, 126, 4_000, FRAME_BYTES_MAX] {
        let text = "x".repeat(length);
        assert_eq!(heard(&masked(0x81, text.as_bytes())), [Incoming::Text(text)]);
    }
}

#[test]
fn every_breach_has_its_code() {
    assert_eq!(breach(&[0x81, 2, b'h', b'i']), CloseCode::ProtocolError, "unmasked");
    for bit in [0x40, 0x20, 0x10] {
        assert_eq!(breach(&masked(0x81 | bit, b"x")), CloseCode::ProtocolError, "reserved bit {bit}");
    }
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        assert_eq!(breach(&masked(0x80 | opcode, b"x")), CloseCode::ProtocolError, "reserved opcode {opcode}");
    }
    assert_eq!(breach(&masked(0x80, b"x")), CloseCode::ProtocolError, "nothing to continue");
    let twice = [masked(0x01, b"x"), masked(0x81, b"y")].concat();
    assert_eq!(breach(&twice), CloseCode::ProtocolError, "a message inside another");
    assert_eq!(breach(&masked(0x09, b"x")), CloseCode::ProtocolError, "fragmented ping");
    assert_eq!(breach(&masked(0x89, &[b'x'; 126])), CloseCode::ProtocolError, "long ping");
    assert_eq!(breach(&[0x81, 0xfe, 0, 5]), CloseCode::ProtocolError, "a length in a longer form than it needs");
    let endless = [&[0x81, 0xff][..], &[0xff; 8]].concat();
    assert_eq!(breach(&endless), CloseCode::ProtocolError, "a length of 64 bits");
}

#[test]
fn a_goodbye_says_nothing_or_something_that_is_defined() {
    assert_eq!(heard(&masked(0x88, b"")), [Incoming::Close(None)]);
    assert_eq!(breach(&masked(0x88, b"\x03")), CloseCode::ProtocolError, "half a code");
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        assert_eq!(breach(&masked(0x88, &code.to_be_bytes())), CloseCode::ProtocolError, "{code}");
    }
    assert_eq!(breach(&masked(0x88, b"\x03\xe8\xff")), CloseCode::InvalidUtf8);
}

#[test]
fn bytes_that_never_become_text_are_refused_early() {
    assert_eq!(breach(&masked(0x81, b"\xff\xfe")), CloseCode::InvalidUtf8);
    assert_eq!(breach(&masked(0x01, b"ok \xff")), CloseCode::InvalidUtf8, "the message has not ended");
    let half = [masked(0x01, b"\xc3"), masked(0x80, b"")].concat();
    assert_eq!(breach(&half), CloseCode::InvalidUtf8, "half a character at the end");
    assert_eq!(breach(&masked(0x81, b"\xed\xa0\x80")), CloseCode::InvalidUtf8, "half a surrogate pair");
}

#[test]
fn what_is_too_large_is_refused_by_its_header() {
    assert_eq!(breach(&[0x81, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0]), CloseCode::TooBig, "a gigabyte");
    let half = vec![b'x'; FRAME_BYTES_MAX / 2 + 1];
    let fragments = [masked(0x01, &half), masked(0x80, &half)].concat();
    assert_eq!(breach(&fragments), CloseCode::TooBig, "in fragments");
    let crumbs = [masked(0x01, b""), masked(0x00, b"").repeat(FRAGMENTS_MAX as usize)].concat();
    assert_eq!(breach(&crumbs), CloseCode::TooBig, "in too many fragments");
}

#[test]
fn a_quiet_reader_keeps_nothing() {
    let mut reader = Reader::new(Bounds::default(), Vec::new());
    reader.feed(&masked(0x81, b"hi"));
    assert_eq!(reader.take(), Ok(Some(Incoming::Text("hi".into()))));
    assert_eq!(reader.held(), 0);
}

#[tokio::test]
async fn frames_without_end_are_a_flood() {
    for frame in [masked(0x89, b""), masked(0x8a, b""), masked(0x81, b"")] {
        let bytes = frame.repeat(2 * FRAMES_BURST_MAX as usize);
        let (ours, mut theirs) = pipe(bytes.len());
        theirs.write_all(&bytes).await.unwrap();
        let mut socket = Socket::new(ours, Vec::new(), Bounds::default());
        let mut heard = 0;
        while socket.next().await != Incoming::ProtocolError(CloseCode::Flooding) {
            heard += 1;
        }
        assert!(heard >= FRAMES_BURST_MAX, "{heard}");
    }
}

#[tokio::test]
async fn bytes_read_with_the_request_head_are_not_lost() {
    let (ours, mut theirs) = pipe(64);
    let (before, after) = (masked(0x81, b"hi"), masked(0x81, b"ho"));
    let mut socket = Socket::new(ours, [&before[..], &after[..3]].concat(), Bounds::default());
    assert_eq!(socket.next().await, Incoming::Text("hi".into()));
    theirs.write_all(&after[3..]).await.unwrap();
    assert_eq!(socket.next().await, Incoming::Text("ho".into()));
}

#[tokio::test]
async fn an_end_without_goodbye_is_a_loss() {
    let (ours, theirs) = pipe(64);
    drop(theirs);
    assert_eq!(Socket::new(ours, Vec::new(), Bounds::default()).next().await, Incoming::Lost);
}
