//! The list of a room's members.

use std::collections::HashMap;

use rookery_protocol::access::{Action, RoomRole};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_store::room::{Member, MemberPlace, Room};
use rookery_store::user::{SearchPlace, Username};

use crate::error::ApiError;
use crate::limits::{MEMBER_SEARCH_PAGE, MEMBER_SEARCH_PAGES_MAX};
use crate::rooms::Rooms;
use rookery_store::page;

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
        role: Option<RoomRole>,
        after: Option<MemberPlace>,
        limit: usize,
    ) -> Result<(Vec<SeenMember>, Option<MemberPlace>), ApiError> {
        let mut members = match role {
            None => self.stores.members.page(room.id, after, limit + 1).await?,
            Some(role) => self.stores.members.of_role(room.id, role, after, limit + 1).await?,
        };
        let next = page::cut(&mut members, limit).map(Member::place);
        let ids: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
        let users = self.stores.users.by_ids(&ids).await?;
        let mut names: HashMap<UserId, Username> = users.into_iter().map(|user| (user.id, user.username)).collect();
        let seen = members
            .into_iter()
            .filter_map(|member| names.remove(&member.user_id).map(|username| SeenMember { member, username }));
        Ok((seen.collect(), next))
    }

    /// Members with this role whose names begin so, in the order of the names, and where the next page begins if there may
    /// be one: only so many users are looked at, whoever of them is a member.
    pub async fn members_found(
        &self,
        room: &Room,
        role: Option<RoomRole>,
        (prefix, mut after): (&str, Option<SearchPlace>),
        limit: usize,
    ) -> Result<(Vec<SeenMember>, Option<SearchPlace>), ApiError> {
        let mut seen = Vec::new();
        for _ in 0..MEMBER_SEARCH_PAGES_MAX {
            let mut found = self.stores.users.search(prefix, after.as_ref(), MEMBER_SEARCH_PAGE + 1).await?;
            let is_last = page::cut(&mut found, MEMBER_SEARCH_PAGE).is_none();
            let places: Vec<(RoomId, UserId)> = found.iter().map(|(_, user)| (room.id, user.id)).collect();
            let members = self.stores.members.places(&places).await?;
            let mut members: HashMap<UserId, Member> =
                members.into_iter().map(|member| (member.user_id, member)).collect();
            for (place, user) in found {
                let member = members.remove(&user.id).filter(|member| role.is_none_or(|role| member.role == role));
                after = Some(place);
                let Some(member) = member else { continue };
                seen.push(SeenMember { member, username: user.username });
                if seen.len() == limit {
                    return Ok((seen, after));
                }
            }
            if is_last {
                return Ok((seen, None));
            }
        }
        Ok((seen, after))
    }
}
