//! Says everything back: the gateway's listener, handshake and socket with nothing behind them, and with bounds of
//! 64 MiB. Autobahn's fuzzing client talks to it (`make autobahn`). No product has such an address.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use rookery_gateway::socket::{Bounds, FrameRate, Heard, Socket};
use rookery_gateway::upgrade::{Upgrading, shake_hands};
use rookery_shared::listener::{self, ListenerOptions};
use rookery_shared::shutdown::Shutdown;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

const BOUNDS: Bounds = Bounds {
    message_bytes: 64 << 20,
    write_buffer_bytes: 128 << 20,
    frames: FrameRate { per_second: 1_000_000, burst: 10_000_000 },
};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let Some(Ok(address)) = std::env::args().nth(1).map(|text| text.parse::<SocketAddr>()) else {
        return Err(std::io::Error::other("usage: echo ADDRESS:PORT"));
    };
    let listener = TcpListener::bind(address).await?;
    let (router, options) = (Router::new().fallback(answer), ListenerOptions { connections_max: 64 });
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
    let mut socket = Socket::new(stream, read_before, BOUNDS).await;
    loop {
        let message = match socket.next().await {
            Heard::Text(text) => Message::Text(text),
            Heard::Binary(bytes) => Message::Binary(bytes),
            Heard::Pulse => continue,
            Heard::Goodbye => return socket.close(None).await,
            Heard::Breach(code) => return socket.close(Some(code)).await,
            Heard::Lost => return,
        };
        if socket.write_messages([message]).await.is_err() {
            return;
        }
    }
}
