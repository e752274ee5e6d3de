//! Making rooms live on a connection.

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt, stream};
use rookery_bus::authority::AuthorityError;
use rookery_bus::limits::ROOM_OPEN_DEADLINE;
use rookery_protocol::access::Action;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, RoomRef};
use rookery_protocol::position::Position;
use rookery_protocol::server::ErrorFrame;
use tokio::time::{Instant, timeout};

use super::Commands;
use crate::authorize::Checked;
use crate::error::CommandError;
use crate::hub::SubscribeRequest;
use crate::limits::{AUTHORIZE_SLOW, READ_STATE_WAIT, SUBSCRIBES_AT_ONCE};
use crate::session::Target;

/// A room as the client named it, and what is needed to enter it.
type Prepared = (RoomRef, Result<SubscribeRequest, CommandError>);

/// Whether the api was slow, and there is time to ask it again. One that is away is not waited for.
fn asks_again(checked: &Checked, asked: Instant, end: Instant) -> bool {
    let was_slow = asked.elapsed() >= AUTHORIZE_SLOW && Instant::now() < end;
    was_slow && matches!(checked, Err(AuthorityError::Unavailable(_)))
}

impl Commands {
    /// Rooms that a slow api says nothing about are asked about again, after the others were entered.
    pub(super) async fn subscribe(&self, mut targets: Vec<Target>) {
        let end = Instant::now() + ROOM_OPEN_DEADLINE;
        while !targets.is_empty() {
            let (asked, names) = (Instant::now(), targets.iter().map(|target| &target.room).collect::<Vec<_>>());
            let checked = self.node.permissions.check_all(self.member.user, &names, Action::Read).await;
            let is_late = |checked: &Checked| asks_again(checked, asked, end);
            let (late, answered): (Vec<_>, Vec<_>) =
                targets.into_iter().zip(checked).partition(|(_, checked)| is_late(checked));
            self.enter_all(answered).await;
            targets = late.into_iter().map(|(target, _)| target).collect();
        }
    }

    /// Rooms are prepared side by side but entered one by one, so that their replays fit the send queue.
    async fn enter_all(&self, targets: Vec<(Target, Checked)>) {
        let prepared = stream::iter(targets)
            .map(|(target, checked)| self.prepare_with(target, checked))
            .buffered(SUBSCRIBES_AT_ONCE);
        let mut prepared: Vec<_> = prepared.collect().await;
        self.add_read_states(&mut prepared).await;
        for (name, joining) in prepared {
            self.attach(name, joining).await.ok();
        }
    }

    /// One question for all rooms that begin anew. Who resumes knows what was unread, and storms of returning clients
    /// must not reach the store. Without an answer the rooms are live all the same.
    async fn add_read_states(&self, prepared: &mut [Prepared]) {
        let fresh = prepared.iter().filter_map(|(_, joining)| joining.as_ref().ok());
        let fresh: Vec<RoomId> =
            fresh.filter(|joining| joining.position.is_none()).map(|joining| joining.room).collect();
        if fresh.is_empty() {
            return;
        }
        let asked = self.node.authority.read_states(self.member.user, &fresh);
        let states = match timeout(READ_STATE_WAIT, asked).await {
            Ok(Ok(states)) => states.into_iter().collect::<HashMap<_, _>>(),
            Ok(Err(error)) => return self.record_failure(&error.into()),
            Err(_) => return,
        };
        for joining in prepared.iter_mut().filter_map(|(_, joining)| joining.as_mut().ok()) {
            joining.read = states.get(&joining.room).copied();
        }
    }

    /// The only room of a connection: without it the connection has no use.
    pub(super) async fn enter(&self, target: Target) -> Option<CloseCode> {
        let mut prepared = [self.prepare(target).await];
        self.add_read_states(&mut prepared).await;
        let [(name, joining)] = prepared;
        self.attach(name, joining).await.err().map(|error| error.close_code())
    }

    /// The client reads again. Rooms it has left meanwhile are no longer its business; if it cannot be brought up to
    /// date it comes back by position.
    pub(super) async fn catch_up(&self, rooms: BTreeMap<RoomId, Position>) -> Option<CloseCode> {
        for (room, position) in rooms {
            let (_, joining) = self.prepare(Target { room: RoomRef::Id(room), position: Some(position) }).await;
            let caught_up = match joining {
                Ok(joining) => self.node.hub.catch_up(&joining).await.is_ok(),
                Err(CommandError::Refused(_)) => {
                    self.node.hub.detach(room, &self.member);
                    self.member.lose(room, None);
                    true
                }
                Err(_) => false,
            };
            if !caught_up {
                return Some(CloseCode::TooSlow);
            }
        }
        None
    }

    async fn prepare(&self, target: Target) -> Prepared {
        let end = Instant::now() + ROOM_OPEN_DEADLINE;
        loop {
            let asked = Instant::now();
            let checked = self.node.permissions.check(self.member.user, &target.room, Action::Read).await;
            if !asks_again(&checked, asked, end) {
                return self.prepare_with(target, checked).await;
            }
        }
    }

    async fn prepare_with(&self, target: Target, checked: Checked) -> Prepared {
        let Target { room: name, position } = target;
        let joining = async {
            let permission = checked?;
            let Some(role) = permission.role else { return Err(CommandError::Refused(ErrorCode::NotAMember)) };
            self.node.hub.enter(permission.room).await?;
            Ok(SubscribeRequest {
                member: self.member.clone(),
                room: permission.room,
                slug: permission.slug.clone(),
                name: permission.name.clone(),
                role,
                acl: permission.acl,
                position,
                read: None,
            })
        };
        let joining = joining.await;
        (name, joining)
    }

    async fn attach(&self, name: RoomRef, joining: Result<SubscribeRequest, CommandError>) -> Result<(), CommandError> {
        let outcome = match joining {
            Ok(joining) => self.join(&joining).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome {
            self.record_failure(error);
            self.refuse(ErrorFrame { room: Some(name), ..error.frame() });
        }
        outcome
    }

    async fn join(&self, joining: &SubscribeRequest) -> Result<(), CommandError> {
        self.member.send_queue.low().await;
        if !self.member.add_room(joining.room, joining.slug.clone()) {
            return Err(CommandError::Refused(ErrorCode::TooManyRooms));
        }
        if let Err(error) = self.node.hub.attach(joining).await {
            // It may have received a part of what it missed; it is live again when it asks again.
            self.node.hub.detach(joining.room, &self.member);
            return Err(error.into());
        }
        self.node.presence.touch(joining.room);
        self.look_again(joining.room).await
    }

    /// What took the right away may have come by before the connection was in the room, and made the node forget the
    /// permission: then it is asked for once more. An api that is away now changes nothing; the poll asks it.
    async fn look_again(&self, room: RoomId) -> Result<(), CommandError> {
        let again = self.node.permissions.check(self.member.user, &RoomRef::Id(room), Action::Read).await;
        if let Err(AuthorityError::Refused(code)) = again {
            self.node.hub.detach(room, &self.member);
            self.member.lose(room, None);
            return Err(CommandError::Refused(code));
        }
        Ok(())
    }
}
