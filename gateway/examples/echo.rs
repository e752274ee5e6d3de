//! Says everything back: the gateway's listener, handshake and reading of frames with nothing behind them, and with
//! bounds of 64 MiB. Autobahn's fuzzing client talks to it (`make autobahn`). No product has such an address.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use rookery_gateway::byte_stream::ByteStream;
use rookery_gateway::frame::Frame;
use rookery_gateway::socket::{Bounds, FrameRate, Incoming, Socket};
use rookery_gateway::upgrade::{Upgrading, shake_hands};
use rookery_runtime::listener::{self, ListenerOptions};
use rookery_runtime::shutdown::Shutdown;

const BOUNDS: Bounds = Bounds {
    message_bytes: 64 << 20,
    fragments: 1_000_000,
    frames: FrameRate { per_second: 1_000_000, burst: 10_000_000 },
    bytes: FrameRate { per_second: 1_000_000_000, burst: 1_000_000_000 },
};

#[tokio::main]
async fn main() -> io::Result<()> {
    let Some(Ok(address)) = std::env::args().nth(1).map(|text| text.parse::<SocketAddr>()) else {
        return Err(io::Error::other("usage: echo ADDRESS:PORT"));
    };
    let listener = listener::bind(address)?;
    let router = Router::new().fallback(answer);
    let options = ListenerOptions::internal(64, Arc::new(()));
    listener::serve(listener, router.into_service(), options, &Shutdown::new()).await;
    Ok(())
}

async fn answer(mut request: Request) -> Response {
    match shake_hands(&mut request) {
        Ok((response, upgrading)) => {
            tokio::spawn(echo(upgrading));
            response
        }
        Err(refusal) => refusal.into_response(),
    }
}

async fn echo(upgrading: Upgrading) {
    let Some((stream, read_before)) = upgrading.finish().await else { return };
    let mut socket = Socket::new(Arc::new(stream), read_before, BOUNDS);
    // The fuzzing client cuts connections on purpose.
    converse(&mut socket).await.ok();
}

async fn converse(socket: &mut Socket) -> io::Result<()> {
    loop {
        let (frame, is_last) = match socket.next().await {
            Incoming::Text(text) => (Frame::text(&text), false),
            Incoming::Binary(bytes) => (Frame::binary(&bytes), false),
            Incoming::Ping(payload) => (Frame::pong(&payload), false),
            Incoming::Pong => continue,
            Incoming::Close(code) => (Frame::close_echo(code), true),
            Incoming::ProtocolError(code) => (Frame::close(code), true),
            Incoming::Lost => return Ok(()),
        };
        write(socket.wire().as_ref(), &frame).await?;
        if is_last {
            socket.wire().shut_down()?;
            return socket.linger().await;
        }
    }
}

async fn write(wire: &dyn ByteStream, frame: &Frame) -> io::Result<()> {
    let mut rest = frame.bytes();
    while !rest.is_empty() {
        poll_fn(|cx| wire.poll_writable(cx)).await?;
        match wire.try_write(&[IoSlice::new(rest)]) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
