//! What many users are in many rooms, with few questions to the store.
//!
//! Every change of a membership, a role or a sanction raises the room's version in the same transaction. So what a user
//! was in a room at a version holds as long as the room has that version, however long ago it was read. The version itself
//! is read for every answer, and before anything else, as in [`super::LocalAuthority`]'s single answer.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use moka::sync::Cache;
use rookery_bus::authority::{Answer, AuthorityError, Permission, Question};
use rookery_protocol::access::{Action, RoomRole, decide};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{AclVersion, RoomId, RoomRef, UserId};
use rookery_store::Stores;
use rookery_store::limits::STORE_READS_AT_ONCE;
use rookery_store::room::{Pair, Room};
use rookery_store::sanction::Sanction;

use super::store_error;
use crate::limits::{STANDINGS_LIFE, STANDINGS_MAX};

/// A user's place in a room.
type Position = (RoomId, UserId);

/// Memberships and sanctions by room and user.
pub(super) struct MembershipCache {
    known: Cache<Position, Known>,
}

/// What a user was in a room when the room had this version.
#[derive(Clone, Copy)]
struct Known {
    acl: AclVersion,
    role: Option<RoomRole>,
    sanction: Sanction,
    blocked: bool,
}

/// A place of which nothing is known.
struct Unknown {
    acl: AclVersion,
    /// The two of a direct room.
    pair: Option<Pair>,
}

impl MembershipCache {
    /// Nothing is remembered.
    pub(super) fn new() -> Self {
        Self { known: Cache::builder().max_capacity(STANDINGS_MAX).time_to_idle(STANDINGS_LIFE).build() }
    }

    /// One answer for each question.
    pub(super) async fn answers(&self, stores: &Stores, questions: &[Question]) -> Result<Vec<Answer>, AuthorityError> {
        let rooms = rooms(stores, questions).await?;
        let (mut known, mut unknown) = (HashMap::new(), HashMap::new());
        for question in questions {
            let Some(room) = rooms.get(&question.room) else { continue };
            let place = (room.id, question.user);
            match self.known.get(&place).filter(|known| known.acl == room.acl) {
                Some(found) => drop(known.insert(place, found)),
                None => drop(unknown.insert(place, Unknown { acl: room.acl, pair: room.pair })),
            }
        }
        known.extend(self.learn(stores, unknown).await?);
        let answer = |question: &Question| {
            let room = rooms.get(&question.room).ok_or(AuthorityError::Refused(ErrorCode::UnknownRoom))?;
            permission(room, known.get(&(room.id, question.user)))
        };
        Ok(questions.iter().map(answer).collect())
    }

    async fn learn(
        &self,
        stores: &Stores,
        unknown: HashMap<Position, Unknown>,
    ) -> Result<HashMap<Position, Known>, AuthorityError> {
        let places: Vec<Position> = unknown.keys().copied().collect();
        if places.is_empty() {
            return Ok(HashMap::new());
        }
        let pairs: HashSet<Pair> = unknown.values().filter_map(|unknown| unknown.pair).collect();
        let pairs: Vec<Pair> = pairs.into_iter().collect();
        let (members, sanctions, blocked) = tokio::try_join!(
            stores.members.places(&places),
            stores.sanctions.among(&places),
            stores.blocks.of_pairs(&pairs)
        )
        .map_err(store_error)?;
        let roles: HashMap<Position, RoomRole> = members
            .into_iter()
            .map(|member| ((member.room_id, member.user_id), member.role))
            .collect();
        let learnt = unknown.into_iter().map(|(place, Unknown { acl, pair })| {
            let (role, sanction) = (roles.get(&place).copied(), sanctions.get(&place).copied().unwrap_or_default());
            let blocked = pair.is_some_and(|pair| blocked.contains(&pair));
            (place, Known { acl, role, sanction, blocked })
        });
        let learnt: HashMap<Position, Known> = learnt.collect();
        for (place, known) in &learnt {
            self.known.insert(*place, *known);
        }
        Ok(learnt)
    }
}

fn permission(room: &Room, known: Option<&Known>) -> Answer {
    let known = known.map(|known| (known.role, known.sanction, known.blocked));
    let (role, sanction, blocked) = known.unwrap_or_default();
    let permission = Permission {
        room: room.id,
        slug: room.slug.clone(),
        name: room.name.as_str().to_owned(),
        kind: room.kind,
        visibility: room.visibility,
        role,
        acl: room.acl,
        muted: sanction.muted,
        banned: sanction.banned,
        filter: room.filter,
        blocked,
    };
    decide(permission.access(), Action::See, UnixMillis::now()).map_err(AuthorityError::Refused)?;
    Ok(permission)
}

/// The rooms that there are, by the names they were asked for with.
async fn rooms(stores: &Stores, questions: &[Question]) -> Result<HashMap<RoomRef, Room>, AuthorityError> {
    let names: HashSet<&RoomRef> = questions.iter().map(|question| &question.room).collect();
    let (mut ids, mut slugs): (Vec<RoomId>, Vec<RoomRef>) = (Vec::new(), Vec::new());
    for name in names {
        match name {
            RoomRef::Id(id) => ids.push(*id),
            RoomRef::Slug(_) => slugs.push(name.clone()),
        }
    }
    let by_id = async {
        let found = if ids.is_empty() { Vec::new() } else { stores.rooms.by_ids(&ids).await? };
        Ok(found.into_iter().map(|room| (RoomRef::Id(room.id), room)).collect::<Vec<_>>())
    };
    let by_slug = stream::iter(slugs)
        .map(|name| async move {
            let found = stores.rooms.find(&name).await?;
            Ok(found.map(|room| (name, room)))
        })
        .buffer_unordered(STORE_READS_AT_ONCE)
        .try_collect::<Vec<_>>();
    let (by_id, by_slug) = tokio::try_join!(by_id, by_slug).map_err(store_error)?;
    Ok(by_id.into_iter().chain(by_slug.into_iter().flatten()).collect())
}

#[cfg(test)]
mod tests {
    use rookery_protocol::access::{Until, Visibility};
    use rookery_protocol::event::{Event, EventBody, MembershipChange, Sender};
    use rookery_protocol::id::MessageId;

    use super::*;
    use rookery_protocol::position::Position;
    use rookery_store::Cause;
    use rookery_store::room::{Member, RoomName};
    use rookery_store::sanction::SanctionAction;
    use rookery_store_sqlite as sqlite;

    fn event(user: UserId, body: EventBody) -> Event {
        Event::new(MessageId::generate(), Sender { user_id: user, username: "ada".to_owned() }, body)
    }

    async fn with_room(folder: &tempfile::TempDir) -> (Stores, RoomId) {
        let stores = sqlite::open(&folder.path().join("data.sqlite")).await.unwrap();
        stores.backend.migrate().await.unwrap();
        let name = RoomName::try_from("General".to_owned()).unwrap();
        let room = Room {
            slug: Some("general".to_owned().try_into().unwrap()),
            acl: AclVersion(0),
            ..Room::new(RoomId::generate(), name, Visibility::Private, UnixMillis(1))
        };
        stores.rooms.insert(&room).await.unwrap();
        (stores, room.id)
    }

    /// Told by id and by slug alike.
    async fn roles(memberships: &MembershipCache, stores: &Stores, room: RoomId, user: UserId) -> Option<RoomRole> {
        let names = [RoomRef::Id(room), "general".parse().unwrap()];
        let answers = memberships.answers(stores, &names.map(|room| Question { user, room })).await.unwrap();
        assert_eq!(answers[0], answers[1]);
        answers[0].as_ref().ok().and_then(|permission| permission.role)
    }

    #[tokio::test]
    async fn what_is_remembered_is_never_older_than_the_rooms_version() {
        let folder = tempfile::tempdir().unwrap();
        let ((stores, room), memberships) = (with_room(&folder).await, MembershipCache::new());
        let (ada, eve) = (UserId::generate(), UserId::generate());
        let joined = event(ada, EventBody::Membership(MembershipChange::Joined {}));
        let member = Member {
            room_id: room,
            user_id: ada,
            role: RoomRole::Member,
            joined_at: UnixMillis(2),
            read: Position::START,
        };
        assert_eq!(roles(&memberships, &stores, room, ada).await, None);
        stores.members.join(&member, &joined).await.unwrap();
        for _ in 0..2 {
            assert_eq!(roles(&memberships, &stores, room, ada).await, Some(RoomRole::Member));
            assert_eq!(roles(&memberships, &stores, room, eve).await, None);
        }
        let banned = event(eve, EventBody::Membership(MembershipChange::Left {}));
        stores
            .sanctions
            .apply(room, ada, SanctionAction::Ban(Until::Revoked), Cause::Server(&banned))
            .await
            .unwrap();
        assert_eq!(roles(&memberships, &stores, room, ada).await, None);
    }

    #[tokio::test]
    async fn what_nobody_changed_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let ((stores, room), memberships) = (with_room(&folder).await, MembershipCache::new());
        let user = UserId::generate();
        let known = Known {
            acl: AclVersion(0),
            role: Some(RoomRole::Owner),
            sanction: Sanction::default(),
            blocked: false,
        };
        memberships.known.insert((room, user), known);
        assert_eq!(roles(&memberships, &stores, room, user).await, Some(RoomRole::Owner));
        memberships.known.insert((room, user), Known { acl: AclVersion(1), ..known });
        assert_eq!(roles(&memberships, &stores, room, user).await, None);
    }
}
