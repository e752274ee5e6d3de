//! The direct room with somebody, which an address may name before there is one.

use rookery_bus::authority::AuthorityError;
use rookery_protocol::access::Action;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_protocol::server::ErrorFrame;

use super::Commands;
use crate::error::CommandError;
use crate::session::Target;

impl Commands {
    /// Makes the room live; the api makes it first where there is none.
    pub(super) async fn enter_direct(&self, with: UserId) -> Option<CloseCode> {
        let (user, room) = (self.member.user, RoomRef::Id(RoomId::of_pair(self.member.user, with)));
        let known = self.node.permissions.check(user, &room, Action::Read).await;
        if matches!(known, Err(AuthorityError::Refused(ErrorCode::UnknownRoom)))
            && let Err(error) = self.node.authority.open_direct(user, with).await
        {
            let error = CommandError::from(error);
            self.record_failure(&error);
            self.refuse(ErrorFrame { room: Some(room), ..error.frame() });
            return Some(error.close_code());
        }
        self.enter(Target { room, position: None }).await
    }
}
