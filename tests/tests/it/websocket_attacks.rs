//! Attacks on the WebSocket itself (rows W of the attack rows): bytes that a library would not send, in amounts that a
//! person would not. What one frame can break is in `bad_frames`.

use rookery_protocol::limits::{FRAME_BYTES_MAX, FRAMES_BURST_MAX};
use rookery_tests::deployment::Deployment;
use rookery_tests::raw::{BINARY, CLOSE, ENDS, GOES_ON, Masking, PING, PONG, RawSocket, TEXT, TEXT_BEGINS, encoded};
use rookery_tests::rest::Rest;
use rookery_tests::standalone::Standalone;
use rookery_tests::{shared, wait};
use tokio::time::timeout;

/// One write of a flood.
const PIECE_FRAMES: usize = 10_000;
/// Row W09 allows 1 MiB, and the allocator takes 2 MiB at a time from the system. Fragments that were kept would take at
/// least 24 MiB.
const GROWTH_KIB_MAX: u64 = 3 * 1_024;

async fn raw(deployment: &Deployment) -> RawSocket {
    let user = deployment.rest().new_user("raw").await;
    RawSocket::login(&deployment.sockets()[0].replace("ws://", ""), &user.token).await
}

/// Sends frames and checks the code that the server closes with.
async fn assert_closes(frames: &[(u8, Vec<u8>)], code: u16) {
    for deployment in shared::both().await {
        let mut socket = raw(deployment).await;
        for (first, payload) in frames {
            socket.send(*first, Masking::Masked, payload).await;
        }
        assert_eq!(socket.closed().await, Some(code), "{}: {frames:?}", deployment.name());
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn w05_a_ping_in_fragments_closes_with_1002() {
    assert_closes(&[(PING & 0x0F, b"half".to_vec())], 1002).await;
}

#[tokio::test]
async fn w05_close_frames_that_say_nothing_allowed_close_with_1002() {
    assert_closes(&[(CLOSE, vec![3])], 1002).await;
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        assert_closes(&[(CLOSE, code.to_be_bytes().to_vec())], 1002).await;
    }
}

#[tokio::test]
async fn w06_bad_utf8_in_fragments_and_in_the_reason_of_a_close_is_refused() {
    // A character that is cut in two is whole again; one whose rest never comes is not.
    let half = "é".as_bytes()[..1].to_vec();
    assert_closes(&[(TEXT_BEGINS, half.clone()), (ENDS, b"x".to_vec())], 1007).await;
    let mut close = 1000_u16.to_be_bytes().to_vec();
    close.extend(half);
    assert_closes(&[(CLOSE, close)], 1007).await;
}

#[tokio::test]
async fn w11_a_message_begun_inside_another_closes_with_1002() {
    assert_closes(&[(TEXT_BEGINS, b"{".to_vec()), (TEXT, b"{}".to_vec())], 1002).await;
    assert_closes(&[(TEXT_BEGINS, b"{".to_vec()), (TEXT_BEGINS, b"{".to_vec())], 1002).await;
}

#[tokio::test]
async fn w08_continuations_without_end_close_with_1009_at_the_limit() {
    let part = vec![b'x'; FRAME_BYTES_MAX / 16];
    let mut frames = vec![(TEXT_BEGINS, part.clone())];
    frames.extend(std::iter::repeat_n((GOES_ON, part), 16));
    assert_closes(&frames, 1009).await;
}

/// A server that nobody else uses, so that its memory tells something.
struct Alone {
    server: Standalone,
    token: String,
}

impl Alone {
    async fn start() -> Self {
        let server = Standalone::start().await;
        let token = Rest::new(server.node.public_url()).new_user("alone").await.token;
        Self { server, token }
    }

    async fn raw(&self) -> RawSocket {
        RawSocket::login(&self.server.node.public_address(), &self.token).await
    }

    /// Sends the same bytes again and again until the server closes; returns its code and how many frames it said.
    async fn flood(&self, first: &[u8], again: &[u8], times: usize) -> (Option<u16>, usize) {
        let (mut sender, mut told) = (self.raw().await, 0);
        sender.send_bytes(first).await;
        let piece = again.repeat(PIECE_FRAMES);
        let (mut reader, mut writer) = sender.split();
        let write = async {
            for _ in 0..times / PIECE_FRAMES {
                writer.send_bytes(&piece).await;
            }
            std::future::pending::<()>().await;
        };
        let read = async {
            while let Some((first, payload)) = reader.frame().await {
                if first == CLOSE {
                    return payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                }
                assert_eq!(first, PONG, "nothing else answers a flood");
                told += 1;
            }
            None
        };
        let code = tokio::select! { () = write => None, code = read => code };
        (code, told)
    }

    async fn connections(&self) -> String {
        let metrics = reqwest::get(format!("{}/metrics", self.server.node.internal_url())).await.unwrap();
        let text = metrics.text().await.unwrap();
        let line = text.lines().find(|line| line.starts_with("rookery_gateway_connections "));
        line.and_then(|line| line.split(' ').nth(1)).expect("the metric is there").to_owned()
    }

    async fn until_alone(&self) {
        wait::until("no connection is left", async || self.connections().await == "0").await;
    }
}

#[tokio::test]
async fn w09_a_million_tiny_fragments_are_refused_and_cost_no_memory() {
    let alone = Alone::start().await;
    let (begin, tiny) = (encoded(TEXT_BEGINS, Masking::Masked, b"x"), encoded(GOES_ON, Masking::Masked, b"x"));
    let empty = encoded(GOES_ON, Masking::Masked, b"");
    // The first round warms the allocator.
    let _warm = alone.flood(&begin, &tiny, 1_000_000).await;
    let before = alone.server.node.process.rss_kib();
    for fragment in [&tiny, &empty] {
        let (code, _) = alone.flood(&begin, fragment, 1_000_000).await;
        assert!(matches!(code, Some(1009 | 4429)), "closed with {code:?}");
    }
    let growth = alone.server.node.process.rss_kib().saturating_sub(before);
    assert!(growth < GROWTH_KIB_MAX, "{growth} KiB more");
    alone.until_alone().await;
}

#[tokio::test]
async fn w10_a_flood_of_empty_frames_or_pings_closes_with_4429() {
    let alone = Alone::start().await;
    for payload in [&b""[..], &[0; 125]] {
        let ping = encoded(PING, Masking::Masked, payload);
        let (code, pongs) = alone.flood(b"", &ping, 1_000_000).await;
        assert_eq!(code, Some(4429), "pings of {} bytes", payload.len());
        assert!(pongs <= 2 * FRAMES_BURST_MAX as usize, "{pongs} pongs");
    }
    let pongs = encoded(PONG, Masking::Masked, b"");
    assert_eq!(alone.flood(b"", &pongs, 1_000_000).await, (Some(4429), 0));
    alone.until_alone().await;
}

#[tokio::test]
async fn w12_what_comes_after_a_close_is_ignored_and_the_connection_ends() {
    for deployment in shared::both().await {
        let mut socket = raw(deployment).await;
        socket.send(CLOSE, Masking::Masked, &1000_u16.to_be_bytes()).await;
        socket.send(TEXT, Masking::Masked, br#"{"type":"ping"}"#).await;
        let (first, payload) = socket.frame().await.expect("the close is answered");
        assert_eq!((first, payload), (CLOSE, 1000_u16.to_be_bytes().to_vec()));
        assert_eq!(socket.frame().await, None, "and nothing follows");
        deployment.assert_alive();
    }
}

#[tokio::test]
async fn w12_a_client_that_never_answers_a_close_or_closes_half_is_left_behind() {
    let alone = Alone::start().await;
    let (mut silent, mut half) = (alone.raw().await, alone.raw().await);
    silent.send(BINARY, Masking::Masked, b"x").await;
    assert_eq!(silent.closed().await, Some(1003));
    half.half_close().await;
    assert_eq!(timeout(wait::PATIENCE, half.closed()).await, Ok(None), "the other half ends, too");
    // Both sockets are still held here.
    timeout(wait::PATIENCE, alone.until_alone()).await.expect("torn down in time");
    drop((silent, half));
}

#[tokio::test]
async fn w14_compression_is_not_negotiated() {
    for deployment in shared::both().await {
        let user = deployment.rest().new_user("raw").await;
        let address = deployment.sockets()[0].replace("ws://", "");
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        let (mut socket, answer) = RawSocket::login_with(&address, &user.token, offer).await;
        assert!(!answer.to_lowercase().contains("sec-websocket-extensions"), "{answer}");
        // Ten MiB of nothing, were it ever inflated.
        socket.send(TEXT | 0x40, Masking::Masked, &[0xAB; 10_240]).await;
        assert_eq!(socket.closed().await, Some(1002));
        deployment.assert_alive();
    }
}
