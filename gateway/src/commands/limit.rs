//! What one user may ask for over all connections, nodes and REST together, and how many sockets one may open.

use rookery_shared::id::{ClientId, RoomRef};
use rookery_shared::protocol::error_code::ErrorCode;
use rookery_shared::protocol::server::ErrorFrame;
use rookery_shared::quota::Limit;

use super::Commands;
use crate::session::Command;

impl Commands {
    /// Whether the user may do this now. If not, the client was told when to try again.
    pub(super) async fn admits(&self, command: &Command) -> bool {
        let Some(limit) = limit_of(command) else { return true };
        let user = self.member.user.as_uuid().as_u128();
        let verdict = self.node.limiter.take(limit, user).await;
        if !verdict.allowed {
            self.node.metrics.limit(limit.as_str());
            for (room, client_id) in names_in(command) {
                let retry_after_ms = Some(verdict.retry_ms);
                self.say(ErrorFrame { room, client_id, retry_after_ms, ..ErrorFrame::new(ErrorCode::RateLimited) });
            }
        }
        verdict.allowed
    }
}

/// What the server does by itself, and what comes with the connection, is free.
const fn limit_of(command: &Command) -> Option<Limit> {
    match command {
        Command::Admit => Some(Limit::UserConnects),
        Command::Send(_)
        | Command::Act(_)
        | Command::Subscribe(_)
        | Command::Unsubscribe(_)
        | Command::Heads(_)
        | Command::Say(_)
        | Command::Watch(_)
        | Command::Type(..) => Some(Limit::UserCommands),
        // Read marks are gathered by the connection.
        Command::Enter(_) | Command::CatchUp(_) | Command::Read(_) => None,
    }
}

/// By what the client knows the frame that is refused: each room of a `subscribe` for itself, since each is not live.
fn names_in(command: &Command) -> Vec<(Option<RoomRef>, Option<ClientId>)> {
    match command {
        Command::Send(outgoing) => vec![(Some(outgoing.room.clone()), Some(outgoing.message.client_id.clone()))],
        Command::Act(deed) => vec![(Some(deed.room.clone()), Some(deed.client_id.clone()))],
        Command::Subscribe(targets) => targets.iter().map(|target| (Some(target.room.clone()), None)).collect(),
        Command::Unsubscribe(rooms) => vec![(rooms.first().cloned(), None)],
        Command::Heads(_)
        | Command::Admit
        | Command::Enter(_)
        | Command::CatchUp(_)
        | Command::Read(_)
        | Command::Say(_)
        | Command::Watch(_) => vec![(None, None)],
        // Never answered.
        Command::Type(..) => Vec::new(),
    }
}
