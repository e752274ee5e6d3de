//! Telling where rooms stand that are not live on the connection: a client with many rooms keeps the others by this.

use rookery_bus::Head;
use rookery_bus::authority::AuthorityError;
use rookery_bus::error::BusError;
use rookery_protocol::access::Action;
use rookery_protocol::id::{RoomId, RoomRef};
use rookery_protocol::position::Position;
use rookery_protocol::server::{ErrorFrame, RoomHead, ServerFrame};

use super::Commands;
use crate::error::CommandError;
use crate::session::Target;

/// A room the user may read, and where the client stands in it.
type Asked = (RoomId, Option<Position>);

impl Commands {
    /// One answer for all rooms, and an error for each of which nothing can be said now.
    pub(super) async fn heads(&self, targets: Vec<Target>) {
        let names: Vec<&RoomRef> = targets.iter().map(|target| &target.room).collect();
        let checked = self.node.permissions.check_all(self.member.user, &names, Action::Read).await;
        let mut asked: Vec<Asked> = Vec::with_capacity(targets.len());
        for (Target { room: name, position }, checked) in targets.into_iter().zip(checked) {
            match checked {
                // The answer does not reveal whether the room exists or may not be read.
                Ok(permission) => asked.extend(permission.role.map(|_| (permission.room, position))),
                Err(AuthorityError::Refused(_)) => {}
                Err(error) => self.fail(Some(name), &error.into()),
            }
        }
        match self.look_up(&asked).await {
            Ok(rooms) => self.member.send_queue.send(&ServerFrame::Heads { rooms }),
            Err(error) => self.fail(None, &error.into()),
        }
    }

    async fn look_up(&self, asked: &[Asked]) -> Result<Vec<RoomHead>, BusError> {
        let ids: Vec<RoomId> = asked.iter().map(|(room, _)| *room).collect();
        let found = self.node.bus.heads(&ids).await?;
        let mut rooms = Vec::with_capacity(found.len());
        for (&(room, position), head) in asked.iter().zip(found) {
            let head = match head {
                Some(head) => head,
                None => self.node.hub.head(room).await?,
            };
            rooms.extend(news(room, position, head));
        }
        Ok(rooms)
    }

    fn fail(&self, room: Option<RoomRef>, error: &CommandError) {
        self.record_failure(error);
        self.refuse(ErrorFrame { room, ..error.frame() });
    }
}

fn news(room: RoomId, position: Option<Position>, head: Head) -> Option<RoomHead> {
    let Head { epoch, seq, .. } = head;
    (position != Some(Position { epoch, seq })).then_some(RoomHead { room, epoch, seq })
}
