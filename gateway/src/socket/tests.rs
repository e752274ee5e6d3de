//! Bytes on the wire, without a network.

use tokio::io::DuplexStream;

use super::*;

async fn pair() -> (Socket<DuplexStream>, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    (Socket::new(ours, Vec::new(), Bounds::default()).await, theirs)
}

/// A frame as a client sends it, masked with zeros.
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
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

async fn breach_by(bytes: &[u8]) -> CloseCode {
    let (mut socket, mut client) = pair().await;
    client.write_all(bytes).await.unwrap();
    let Heard::Breach(code) = socket.next().await else { panic!("accepted") };
    // Whatever went wrong, the reason must reach the client.
    let closing = tokio::spawn(socket.close(Some(code)));
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    drop(client);
    closing.await.unwrap();
    assert_eq!(answer[0], 0x88);
    assert_eq!(u16::from_be_bytes([answer[2], answer[3]]), code.number());
    assert_eq!(&answer[4..], code.reason().as_bytes());
    code
}

#[tokio::test]
async fn every_breach_has_its_code_and_the_client_gets_it() {
    assert_eq!(breach_by(&masked(0x81, b"\xff\xfe")).await, CloseCode::InvalidUtf8);
    assert_eq!(breach_by(&[0x81, 2, b'h', b'i']).await, CloseCode::ProtocolError, "unmasked");
    assert_eq!(breach_by(&masked(0xc1, b"x")).await, CloseCode::ProtocolError, "reserved bit");
    assert_eq!(breach_by(&masked(0x83, b"x")).await, CloseCode::ProtocolError, "reserved opcode");
    assert_eq!(breach_by(&masked(0x80, b"x")).await, CloseCode::ProtocolError, "nothing to continue");
    assert_eq!(breach_by(&masked(0x09, b"x")).await, CloseCode::ProtocolError, "fragmented ping");
    let large = vec![b'x'; FRAME_BYTES_MAX + 1];
    assert_eq!(breach_by(&masked(0x81, &large)).await, CloseCode::TooBig);
    let half = vec![b'x'; FRAME_BYTES_MAX / 2 + 1];
    let fragments = [masked(0x01, &half), masked(0x80, &half)].concat();
    assert_eq!(breach_by(&fragments).await, CloseCode::TooBig, "in fragments");
}

#[tokio::test]
async fn empty_fragments_without_end_are_a_flood() {
    let endless = [masked(0x01, b""), masked(0x00, b"").repeat(2 * FRAMES_BURST_MAX as usize)].concat();
    assert_eq!(breach_by(&endless).await, CloseCode::Flooding);
    let pings = masked(0x89, b"").repeat(2 * FRAMES_BURST_MAX as usize);
    let (mut socket, mut client) = pair().await;
    client.write_all(&pings).await.unwrap();
    let mut heard = Heard::Pulse;
    while heard == Heard::Pulse {
        heard = socket.next().await;
    }
    assert_eq!(heard, Heard::Breach(CloseCode::Flooding));
}

#[tokio::test]
async fn a_goodbye_is_answered_with_its_own_code() {
    let (mut socket, mut client) = pair().await;
    client.write_all(&masked(0x88, &1000_u16.to_be_bytes())).await.unwrap();
    assert_eq!(socket.next().await, Heard::Goodbye);
    tokio::spawn(socket.close(None));
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, [0x88, 2, 0x03, 0xe8]);
}

#[tokio::test]
async fn bytes_read_with_the_request_head_are_not_lost() {
    let (ours, _theirs) = tokio::io::duplex(64);
    let mut socket = Socket::new(ours, masked(0x81, b"hi"), Bounds::default()).await;
    assert_eq!(socket.next().await, Heard::Text("hi".into()));
}

#[tokio::test]
async fn an_end_without_goodbye_is_a_loss() {
    let (mut socket, client) = pair().await;
    drop(client);
    assert_eq!(socket.next().await, Heard::Lost);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_too_slow() {
    let (ours, _theirs) = tokio::io::duplex(64);
    let mut socket = Socket::new(ours, Vec::new(), Bounds::default()).await;
    assert_eq!(socket.write(vec!["x".repeat(1_000).into()]).await, Err(WriteError::TooSlow));
}
