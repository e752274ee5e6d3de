//! The list of a room's members.

use std::collections::HashMap;

use rookery_protocol::access::Action;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomRef, UserId};
use rookery_store::room::{Member, MemberPlace, Room};
use rookery_store::user::Username;

use crate::error::ApiError;
use crate::rooms::Rooms;

/// A member as others see one.
pub struct SeenMember {
    /// The membership.
    pub member: Member,
    /// The user's name now.
    pub username: Username,
}

impl Rooms {
    /// The room, and whether the user may see who is in it and not only how many.
    pub async fn with_members(&self, user: UserId, room: &RoomRef) -> Result<(Room, bool), ApiError> {
        match self.find(user, room, Action::SeeMembers).await {
            Ok((room, _)) => Ok((room, true)),
            Err(ApiError::Refused(refusal)) if refusal.code == ErrorCode::NotAMember => {
                self.find(user, room, Action::See).await.map(|(room, _)| (room, false))
            }
            Err(error) => Err(error),
        }
    }

    /// Members in the order of joining, and where the next page begins if there is one.
    pub async fn members_page(
        &self,
        room: &Room,
        after: Option<MemberPlace>,
        limit: usize,
    ) -> Result<(Vec<SeenMember>, Option<MemberPlace>), ApiError> {
        let mut members = self.stores.members.page(room.id, after, limit + 1).await?;
        let more = members.len() > limit;
        members.truncate(limit);
        let next = members.last().filter(|_| more).map(Member::place);
        let ids: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
        let users = self.stores.users.by_ids(&ids).await?;
        let mut names: HashMap<UserId, Username> = users.into_iter().map(|user| (user.id, user.username)).collect();
        let seen = members
            .into_iter()
            .filter_map(|member| names.remove(&member.user_id).map(|username| SeenMember { member, username }));
        Ok((seen.collect(), next))
    }
}
