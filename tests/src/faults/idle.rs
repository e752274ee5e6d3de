//! Thousands of sockets that say nothing: they listen to a room each, and come back when they are dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::socket::connect;
use crate::rest::Rest;
use crate::wait;

const ROOMS: usize = 50;
/// Between the first attempts to connect of two sockets; all of them at once is what comes later.
const PACE: Duration = Duration::from_millis(3);
/// Clients come back after a random part of this, as the protocol asks for.
const SPREAD_MS: u64 = 10_000;
const LIVE_DEADLINE: Duration = Duration::from_secs(20);

/// A crowd of listeners.
pub struct Idle {
    live: Arc<AtomicUsize>,
    count: usize,
    _tasks: JoinSet<()>,
}

impl Idle {
    /// Connects `count` sockets of one user and waits until all are live in their room.
    pub async fn start(rest: &Rest, entrances: &[String], count: usize) -> Self {
        let user = rest.new_user("listener").await;
        let mut rooms = Vec::new();
        for _ in 0..ROOMS {
            rooms.push(rest.new_room(&user, "public").await);
        }
        let (live, mut tasks) = (Arc::new(AtomicUsize::new(0)), JoinSet::new());
        for number in 0..count {
            let (token, live) = (user.token.clone(), Arc::clone(&live));
            let (entrance, room) = (entrances[number % entrances.len()].clone(), rooms[number % ROOMS].clone());
            tasks.spawn(async move {
                sleep(PACE * u32::try_from(number).unwrap_or(0)).await;
                loop {
                    listen(&entrance, &token, &room, &live).await;
                    let pause = u64::try_from(number).unwrap_or(0).wrapping_mul(7_919) % SPREAD_MS;
                    sleep(Duration::from_millis(100 + pause)).await;
                }
            });
        }
        let idle = Self { live, count, _tasks: tasks };
        wait::within(Duration::from_mins(3), "all idle sockets are live", async || idle.are_live()).await;
        idle
    }

    /// Whether all of them are live.
    pub fn are_live(&self) -> bool {
        self.live() == self.count
    }

    /// How many are live.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }
}

async fn listen(entrance: &str, token: &str, room: &str, live: &AtomicUsize) {
    let Some(mut socket) = connect(entrance, token).await else { return };
    let subscribe = json!({"type": "subscribe", "rooms": [{"room": room}]});
    if socket.send(Message::text(subscribe.to_string())).await.is_err() {
        return;
    }
    let caught_up = timeout(LIVE_DEADLINE, async {
        while let Some(Ok(message)) = socket.next().await {
            if message.to_text().is_ok_and(|text| text.contains("\"caught_up\"")) {
                return true;
            }
        }
        false
    });
    if caught_up.await.unwrap_or(false) {
        live.fetch_add(1, Ordering::Relaxed);
        while let Some(Ok(_)) = socket.next().await {}
        live.fetch_sub(1, Ordering::Relaxed);
    }
}
