//! Faults that many sockets meet at once.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::Stage;
use crate::faults::idle::Idle;
use crate::faults::proxy::{Mode, Proxy};
use crate::faults::socket::connect;
use crate::node::Node;
use crate::wait;

const BACK_DEADLINE: Duration = Duration::from_mins(3);
const VANISHING: usize = 100;
/// The server gives up after 45 s of silence, and it looks at times.
const GIVE_UP_DEADLINE: Duration = Duration::from_mins(1);
/// Lost rights reach open sockets within 5 s also if the push was lost.
const REVOKED_WITHIN: Duration = Duration::from_secs(5);

impl Stage {
    /// Kills the balancer with a crowd behind it; meanwhile the last `leaving` gateways leave for a while.
    pub(super) async fn kill_balancer(&self, leaving: usize) {
        let field = &self.field;
        let idle = Idle::start(&field.rest(), &field.entrances(), self.idle_sockets).await;
        field.balancer().kill();
        wait::within(BACK_DEADLINE, "no idle socket is left", async || idle.live() == 0).await;
        field.balancer().start();
        field.until_front_is_open().await;
        let leavers = &field.gateways[field.gateways.len() - leaving..];
        for gateway in leavers {
            gateway.process.terminate().await;
        }
        let back = wait::holds(BACK_DEADLINE * self.patience, async || idle.are_live()).await;
        if !back {
            self.complain(format!("only {} of {} idle sockets came back", idle.live(), self.idle_sockets));
        }
        for gateway in leavers {
            gateway.start().await;
        }
    }

    /// Sockets behind a wire of their own, which falls silent for ever.
    pub(super) async fn lose_clients(&self) {
        let field = &self.field;
        let wire = Proxy::start(field.gateways[0].public_address()).await;
        let idle = Idle::start(&field.rest(), &[format!("ws://{}", wire.address())], VANISHING).await;
        let with_them = connections(&field.gateways[0]).await.unwrap_or(0);
        assert!(with_them >= VANISHING, "the gateway counts its connections");
        wire.set(Mode::Swallow);
        let gone = wait::holds(GIVE_UP_DEADLINE * self.patience, async || {
            connections(&field.gateways[0]).await.is_some_and(|left| left + VANISHING <= with_them)
        });
        if !gone.await {
            let deadline = GIVE_UP_DEADLINE * self.patience;
            self.note_delay(format!("clients that vanished were not given up within {deadline:?}"));
        }
        drop(idle);
    }
}

/// Connections that a gateway has, by its own count.
async fn connections(gateway: &Node) -> Option<usize> {
    let answer = reqwest::get(format!("{}/metrics", gateway.internal_url())).await.ok()?;
    let text = answer.text().await.ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("rookery_gateway_connections "));
    line?.parse().ok()
}

/// Whether a token opens a socket that stays: `hello` may come before the gateway knows that the session has ended.
pub(super) async fn opens(node: &str, token: &str, patience: u32) -> bool {
    let Some(mut socket) = connect(node, token).await else { return false };
    let closed = timeout(REVOKED_WITHIN * patience, async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            }
        }
    });
    closed.await.is_err()
}
