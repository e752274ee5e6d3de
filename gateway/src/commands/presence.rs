//! Presence and typing, as a client asks for them.

use std::collections::BTreeSet;

use rookery_bus::authority::AuthorityError;
use rookery_protocol::access::Action;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Sender;
use rookery_protocol::id::{RoomRef, UserId};
use rookery_protocol::presence::Watch;
use rookery_protocol::server::ErrorFrame;

use super::Commands;
use crate::error::CommandError;

impl Commands {
    /// Users who share no room with this one are left out without a word; a room has to be live here.
    pub(super) async fn watch(&self, watch: Watch) {
        let Watch { users, rooms } = watch;
        let mut live = BTreeSet::new();
        for name in rooms {
            if let Some(room) = self.member.find(&name).filter(|room| self.member.has(*room)) {
                live.insert(room);
            } else {
                let unknown = CommandError::Refused(ErrorCode::UnknownRoom);
                self.refuse(ErrorFrame { room: Some(name), ..unknown.frame() });
            }
        }
        let watched = async {
            let known = self.visible_users(users).await?;
            Ok(self.node.presence.watch(&self.member, known, live.into_iter().collect()).await?)
        };
        let watched: Result<(), CommandError> = watched.await;
        if let Err(error) = watched {
            self.record_failure(&error);
            self.refuse(error.frame());
        }
    }

    async fn visible_users(&self, users: Vec<UserId>) -> Result<Vec<UserId>, AuthorityError> {
        let users: Vec<UserId> = users.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        if users.is_empty() {
            return Ok(users);
        }
        self.node.authority.visible_users(self.member.user, &users).await
    }

    /// Asked for once a connection; the user's other devices tell when it changes.
    async fn shows_typing(&self) -> Result<bool, AuthorityError> {
        if let Some(shown) = self.member.shows_typing() {
            return Ok(shown);
        }
        let shown = self.node.authority.shows_typing(self.member.user).await?;
        self.member.show_typing(shown);
        Ok(shown)
    }

    /// Never answered: the typing of a user who may not send is dropped.
    pub(super) async fn type_in(&self, room: &RoomRef, user: Sender) {
        let outcome = async {
            let permission = self.node.permissions.check(self.member.user, room, Action::Send).await?;
            if !self.shows_typing().await? {
                self.node.presence.drop_typing("settings");
                return Ok(());
            }
            Ok::<_, CommandError>(self.node.presence.type_in(permission.room, user).await?)
        };
        match outcome.await {
            Ok(()) => {}
            Err(CommandError::Refused(_) | CommandError::Muted(_)) => self.node.presence.drop_typing("rights"),
            Err(error) => self.record_failure(&error),
        }
    }
}
