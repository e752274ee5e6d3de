//! A change of members: the member, the room's new ACL version and the announcement, all or nothing.
//!
//! Within a process the changes of one room take turns. Those of two processes collide at the room's document, which
//! comes first so that the loser has done no work yet; it tries again after a random pause, a bounded number of times.

use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{self, Document, doc};
use mongodb::error::{Error, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::{ReadConcern, ReturnDocument};
use mongodb::{Client, ClientSession, Collection};
use rookery_protocol::access::{RoomRole, decide_on_leaving};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, RoomSettings};
use rookery_protocol::id::{AclVersion, RoomId, UserId};
use rookery_store::room::{Member, SettingsChange};
use rookery_store::sanction::{Sanction, SanctionAction};
use rookery_store::{Announcement, StoreError};
use tokio::time::sleep;

use super::documents::{MemberDocument, OutboxDocument, RoomDocument, SanctionDocument};
use super::error::is_duplicate;
use super::event_document::EventDocument;
use super::{Mongo, by_id, durable};
use crate::documents::one;
use crate::error::Failed;
use crate::event_document::SettingsDocument;
use crate::fields::{date, key};
use crate::limits::TRANSACTION_TRIES_MAX;
use crate::room_locks::RoomLocks;

/// Longest pause before the first new try; it doubles up to the other one.
const PAUSE_MIN: Duration = Duration::from_millis(4);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// What is to change.
pub(super) struct Change {
    /// Room that changes.
    pub(super) room: RoomId,
    /// How.
    pub(super) turn: Turn,
    /// The event to announce.
    pub(super) event: Event,
}

/// The member's part of a change.
pub(super) enum Turn {
    /// This member is added, unless it is shut out.
    Join(MemberDocument, Member),
    /// The member that matches is removed, unless it is an owner who has to stay.
    Leave(Document),
    /// This member is the owner from now on.
    Transfer(UserId),
    /// This is done to this user.
    Sanction(UserId, SanctionAction),
    /// The room's settings become others.
    Settings(SettingsChange),
}

/// How a try ended that was not an error of the database.
enum Outcome {
    /// The event to announce.
    Done(Announcement),
    Unchanged,
    NoRoom,
    Banned,
    OwnerStays,
    Closed,
    Collided,
}

/// What became of the member's part.
enum Turned {
    Changed,
    Settings(RoomSettings),
    Unchanged,
    Banned,
    OwnerStays,
    Closed,
}

impl Turned {
    const fn when(changed: bool) -> Self {
        if changed { Self::Changed } else { Self::Unchanged }
    }
}

/// What a transaction works on, apart from the store so that it can move into a task.
struct Parts {
    turns: Arc<RoomLocks>,
    client: Client,
    rooms: Collection<RoomDocument>,
    members: Collection<MemberDocument>,
    sanctions: Collection<SanctionDocument>,
    outbox: Collection<OutboxDocument>,
}

impl Mongo {
    /// Carries a change out; none if the member was in that state already.
    pub(super) async fn change(&self, change: Change) -> Result<Option<Announcement>, Failed> {
        let parts = Parts {
            turns: Arc::clone(&self.turns),
            client: self.client.clone(),
            rooms: self.rooms.clone(),
            members: self.members.clone(),
            sanctions: self.sanctions.clone(),
            outbox: self.outbox.clone(),
        };
        Ok(self.calls.run(async move { parts.persist(&change).await }).await?)
    }
}

impl Parts {
    async fn persist(&self, change: &Change) -> Result<Option<Announcement>, Failed> {
        let _turn = self.turns.take(change.room).await;
        let mut session = self.client.start_session().await?;
        for tried in 0..TRANSACTION_TRIES_MAX {
            match self.attempt(&mut session, change).await {
                Ok(Outcome::Done(announcement)) => return Ok(Some(announcement)),
                Ok(Outcome::Unchanged) => return Ok(None),
                Ok(Outcome::Banned) => return Err(StoreError::Banned.into()),
                Ok(Outcome::OwnerStays) => return Err(StoreError::OwnerStays.into()),
                Ok(Outcome::Closed) => return Err(StoreError::Closed.into()),
                Ok(Outcome::NoRoom) => return Err(no_room(change.room).into()),
                Ok(Outcome::Collided) => sleep(pause(tried)).await,
                Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => sleep(pause(tried)).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Unavailable("too many changes of one room at once".to_owned()).into())
    }

    async fn attempt(&self, session: &mut ClientSession, change: &Change) -> Result<Outcome, Error> {
        session
            .start_transaction()
            .read_concern(ReadConcern::snapshot())
            .write_concern(durable())
            .await?;
        let outcome = self.steps(session, change).await;
        if let Ok(Outcome::Done(_)) = outcome {
            commit(session).await?;
        } else {
            // The server rolls back an abandoned transaction, so a failure here changes nothing.
            let _ = session.abort_transaction().await;
        }
        outcome
    }

    async fn steps(&self, session: &mut ClientSession, change: &Change) -> Result<Outcome, Error> {
        let room = match self.raise(session, change.room).await {
            Ok(Some(room)) => room,
            Ok(None) => return Ok(Outcome::NoRoom),
            // No unique value is touched here, so this is a rival's update seen half done. MongoDB calls it a conflict,
            // other servers of its protocol may not.
            Err(error) if is_duplicate(&error) => return Ok(Outcome::Collided),
            Err(error) => return Err(error),
        };
        let acl = AclVersion(u64::try_from(room.acl).unwrap_or_default());
        let announcement = match self.turn(session, change, &room).await? {
            Turned::Changed => Announcement { room: change.room, acl, event: change.event.clone() },
            Turned::Settings(settings) => Announcement::of_settings(change.room, settings, change.event.clone()),
            Turned::Unchanged => return Ok(Outcome::Unchanged),
            Turned::Banned => return Ok(Outcome::Banned),
            Turned::OwnerStays => return Ok(Outcome::OwnerStays),
            Turned::Closed => return Ok(Outcome::Closed),
        };
        let id = key(change.event.id.as_uuid());
        let event = EventDocument::from(&announcement.event);
        let room_id = key(change.room.as_uuid());
        let document = OutboxDocument { id, order: room.announced, room_id, acl: room.acl, event };
        self.outbox.insert_one(document).session(&mut *session).await?;
        Ok(Outcome::Done(announcement))
    }

    /// The room with its next version, and the next place of an announcement; none if there is no such room.
    async fn raise(&self, session: &mut ClientSession, room: RoomId) -> Result<Option<RoomDocument>, Error> {
        let after_last = doc! { "$add": ["$announced", 1_i64] };
        let next = doc! { "$set": {
            "acl": { "$add": ["$acl", 1_i64] },
            "announced": { "$max": [after_last, UnixMillis::now().0] },
        } };
        self.rooms
            .find_one_and_update(by_id(key(room.as_uuid())), vec![next])
            .return_document(ReturnDocument::After)
            .session(session)
            .await
    }

    /// Whether the member's state changed.
    async fn turn(&self, session: &mut ClientSession, change: &Change, room: &RoomDocument) -> Result<Turned, Error> {
        match &change.turn {
            Turn::Join(..) if room.closed_at.is_some() => Ok(Turned::Closed),
            Turn::Join(document, member) => {
                let sanction = self.sanction(session, member.room_id, member.user_id).await?;
                if sanction.banned.is_some_and(|until| until.holds(member.joined_at)) {
                    return Ok(Turned::Banned);
                }
                match self.members.insert_one(document).session(session).await {
                    Ok(_) => Ok(Turned::Changed),
                    Err(error) if is_duplicate(&error) => Ok(Turned::Unchanged),
                    Err(error) => Err(error),
                }
            }
            Turn::Leave(member) => self.leave(session, member.clone(), room).await,
            Turn::Transfer(user) => self.transfer(session, *user, room).await,
            Turn::Sanction(user, action) => {
                self.apply_sanction(session, change.room, *user, *action).await.map(Turned::when)
            }
            Turn::Settings(wanted) => self.apply_settings(session, *wanted, room).await,
        }
    }

    /// The room is as it will be apart from its settings: with its next version.
    async fn apply_settings(
        &self,
        session: &mut ClientSession,
        wanted: SettingsChange,
        room: &RoomDocument,
    ) -> Result<Turned, Error> {
        let Some(after) = room.settings_after(wanted) else { return Ok(Turned::Unchanged) };
        let settings = bson::serialize_to_bson(&SettingsDocument::from(after))?;
        let set = doc! { "$set": { "settings": settings } };
        self.rooms.update_one(by_id(room.id), set).session(session).await?;
        Ok(Turned::Settings(after))
    }

    async fn leave(&self, session: &mut ClientSession, member: Document, room: &RoomDocument) -> Result<Turned, Error> {
        let Some(found) = self.members.find_one(member.clone()).session(&mut *session).await? else {
            return Ok(Turned::Unchanged);
        };
        let role = Member::from(found).role;
        let all = self
            .members
            .count_documents(doc! { "room_id": room.id })
            .limit(2)
            .session(&mut *session)
            .await?;
        if decide_on_leaving(role, usize::try_from(all).unwrap_or(usize::MAX)).is_err() {
            return Ok(Turned::OwnerStays);
        }
        let removed = self.remove(session, member).await?;
        if role == RoomRole::Owner {
            let closed = doc! { "visibility": "private", "owner_id": null, "closed_at": date(UnixMillis::now()) };
            let update = doc! { "$set": closed, "$unset": { "slug": "", "name_key": "" } };
            self.rooms.update_one(by_id(room.id), update).session(session).await?;
        }
        Ok(Turned::when(removed))
    }

    async fn transfer(&self, session: &mut ClientSession, user: UserId, room: &RoomDocument) -> Result<Turned, Error> {
        let place = doc! { "room_id": room.id, "user_id": key(user.as_uuid()) };
        let found = self.members.find_one(place.clone()).session(&mut *session).await?;
        if found.is_none_or(|member| Member::from(member).role == RoomRole::Owner) {
            return Ok(Turned::Unchanged);
        }
        if let Some(owner) = room.owner_id {
            // By its place, which is one point of an index; who has left is not there.
            let owner = doc! { "room_id": room.id, "user_id": owner };
            let step_down = self.members.update_one(owner, doc! { "$set": { "role": "moderator" } });
            step_down.session(&mut *session).await?;
        }
        let step_up = self.members.update_one(place, doc! { "$set": { "role": "owner" } });
        step_up.session(&mut *session).await?;
        let settings = room.settings_now();
        let document = bson::serialize_to_bson(&SettingsDocument::from(settings))?;
        let set = doc! { "$set": { "owner_id": key(user.as_uuid()), "settings": document } };
        self.rooms.update_one(by_id(room.id), set).session(session).await?;
        Ok(Turned::Settings(settings))
    }

    async fn apply_sanction(
        &self,
        session: &mut ClientSession,
        room: RoomId,
        user: UserId,
        action: SanctionAction,
    ) -> Result<bool, Error> {
        let before = self.sanction(session, room, user).await?;
        let after = action.apply(before);
        let removed = action.expels() && self.remove(session, one(room, user)).await?;
        if before != after {
            let document = SanctionDocument::new(room, user, after);
            let replaced = self.sanctions.replace_one(one(room, user), document);
            replaced.upsert(true).session(session).await?;
        }
        Ok(removed || before != after)
    }

    async fn sanction(&self, session: &mut ClientSession, room: RoomId, user: UserId) -> Result<Sanction, Error> {
        let found = self.sanctions.find_one(one(room, user)).session(session).await?;
        Ok(found.map(Sanction::from).unwrap_or_default())
    }

    async fn remove(&self, session: &mut ClientSession, member: Document) -> Result<bool, Error> {
        Ok(self.members.delete_one(member).session(session).await?.deleted_count == 1)
    }
}

/// Commits; while the answer is unknown, asks again. A commit that is repeated is carried out once.
async fn commit(session: &mut ClientSession) -> Result<(), Error> {
    let mut tried = 0;
    loop {
        match session.commit_transaction().await {
            Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) && tried < TRANSACTION_TRIES_MAX => {
                sleep(pause(tried)).await;
                tried += 1;
            }
            outcome => return outcome,
        }
    }
}

/// A random part of a time that doubles with every try, so that the losers of one collision do not meet again.
fn pause(tried: u32) -> Duration {
    let longest = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(tried)).min(PAUSE_MAX);
    longest.mul_f64(rand::random_range(0.2..=1.0))
}

fn no_room(room: RoomId) -> StoreError {
    StoreError::Inconsistent(format!("members without a room: {room}"))
}
