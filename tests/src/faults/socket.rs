//! A client's WebSocket, kept small: there may be thousands.

use std::time::Duration;

use futures_util::SinkExt as _;
use rookery_protocol::close::CloseCode;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::ws::{Way, with_token};

const CONNECT_DEADLINE: Duration = Duration::from_secs(4);
/// Silence after which a client leaves.
pub const SILENCE_MAX: Duration = Duration::from_secs(6);

/// A connection.
pub type Ws = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects and upgrades; none if that did not work in time.
pub async fn connect(node: &str, token: &str) -> Option<Ws> {
    let config = WebSocketConfig::default().read_buffer_size(8 * 1024);
    let request = with_token(node, "/ws", token, Way::Header);
    let attempt = timeout(CONNECT_DEADLINE, connect_async_with_config(request, Some(config), true)).await;
    attempt.ok()?.ok().map(|(socket, _)| socket)
}

/// Sends a frame; a broken connection shows when reading.
pub async fn send(socket: &mut Ws, frame: &Value) {
    timeout(SILENCE_MAX, socket.send(Message::text(frame.to_string()))).await.ok();
}

/// Whether a client may come back after this close.
pub fn may_return(code: Option<u16>) -> bool {
    let known = CloseCode::ALL.into_iter().find(|known| Some(known.number()) == code);
    code.is_none() || known.is_some_and(CloseCode::may_return)
}
