//! What one user may ask for over all connections, nodes and REST together, and how many sockets one may open.

use rookery_bus::quota::Limit;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{ClientId, RoomRef};
use rookery_protocol::server::ErrorFrame;

use super::Commands;
use crate::reads::READ_FIELD;
use crate::session::{Command, Queued};

impl Commands {
    /// Whether the rate limit allows the command now. If not, the client was sent an error with the time to retry.
    pub(super) async fn admits(&self, Queued { command, tokens, asked: _ }: &Queued) -> bool {
        let is_connect = *command == Command::Admit;
        let (limit, tokens) = if is_connect {
            (Limit::UserConnects, 1)
        } else {
            (Limit::UserCommands, *tokens)
        };
        let user = self.member.user.as_uuid().as_u128();
        let verdict = self.node.limiter.take_many(limit, user, tokens).await;
        if !verdict.allowed {
            self.node.metrics.limit(limit.as_str());
            for Name { room, client_id, field } in names_in(command) {
                let (field, retry_after_ms) = (field.map(str::to_owned), Some(verdict.retry_ms));
                let error =
                    ErrorFrame { room, client_id, field, retry_after_ms, ..ErrorFrame::new(ErrorCode::RateLimited) };
                self.send_error(error);
            }
        }
        verdict.allowed
    }
}

/// By what the client knows the frame that is refused.
#[derive(Default)]
struct Name {
    room: Option<RoomRef>,
    client_id: Option<ClientId>,
    field: Option<&'static str>,
}

impl Name {
    fn of(room: &RoomRef, client_id: &ClientId) -> Self {
        Self { room: Some(room.clone()), client_id: Some(client_id.clone()), field: None }
    }
}

/// Each room of a `subscribe` is named for itself, since each is not live.
fn names_in(command: &Command) -> Vec<Name> {
    let of_room = |room: &RoomRef| Name { room: Some(room.clone()), ..Name::default() };
    match command {
        Command::Send(outgoing) => vec![Name::of(&outgoing.room, &outgoing.message.client_id)],
        Command::MessageChange(request) => vec![Name::of(&request.room, &request.client_id)],
        Command::Subscribe(targets) => targets.iter().map(|target| of_room(&target.room)).collect(),
        Command::Unsubscribe(rooms) => rooms.iter().take(1).map(of_room).collect(),
        // With a field, so that nobody takes it for the end of a subscription.
        Command::Read(reading) => vec![Name { field: Some(READ_FIELD), ..of_room(&reading.room) }],
        Command::Renew(_) => vec![Name { field: Some("token"), ..Name::default() }],
        Command::Heads(_)
        | Command::Admit
        | Command::Enter(_)
        | Command::EnterDirect(_)
        | Command::CatchUp(_)
        | Command::Mark(_)
        | Command::Say(_)
        | Command::Watch(_)
        | Command::Background(_) => vec![Name::default()],
        // Never answered, or answered before.
        Command::Type(..) | Command::Count => Vec::new(),
    }
}
