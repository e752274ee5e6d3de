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
use rookery_protocol::access::{Rank, RoomRole, decide_on_leaving, decide_on_role, may_invite, outranks};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, EventBody, MembershipChange, RoomSettings};
use rookery_protocol::id::{AclVersion, MessageId, RoomId, UserId};
use rookery_protocol::room_changes::RoomChanges;
use rookery_store::joining::Entry;
use rookery_store::room::{Closing, Member, SettingsChange};
use rookery_store::sanction::{Sanction, SanctionAction};
use rookery_store::{Announcement, StoreError};
use tokio::time::sleep;

use super::block_turn::{BlockDocument, BlockTurn};
use super::documents::{MemberDocument, OutboxDocument, RoomDocument, SanctionDocument, UserDocument};
use super::error::is_duplicate;
use super::event_document::EventDocument;
use super::join_requests::{self, JoinRequestDocument};
use super::pin_document::PinDocument;
use super::purge_document::PurgeDocument;
use super::room_invites::{self, RoomInviteDocument};
use super::{Mongo, by_id, durable};
use crate::documents::one;
use crate::error::Failed;
use crate::event_document::SettingsDocument;
use crate::fields::{date, key, uuid_of};
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
    /// Whether the rank of the event's user counts.
    pub(super) is_ranked: bool,
}

/// The member's part of a change.
pub(super) enum Turn {
    /// This member is added, who comes in by this entry, unless something is in the way.
    Join(MemberDocument, Member, Entry),
    /// The member that matches is removed, unless it is an owner who has to stay.
    Leave(Document),
    /// This member is the owner from now on.
    Transfer(UserId),
    /// This is done to this user.
    Sanction(UserId, SanctionAction),
    /// The room's settings become others.
    Settings(Box<SettingsChange>),
    /// This member has this role from now on.
    Role(UserId, RoomRole),
    /// The room ends.
    Close(Closing),
    /// One of the two of a direct room has blocked the other from now on, or no more.
    Block(BlockTurn),
    /// What the rights depend on beside the members has changed.
    Settle,
    /// This message is pinned, unless the room has so many.
    Pin(PinDocument, u64),
    /// The pin that matches is taken back.
    Unpin(Document),
    /// What somebody has said is removed.
    Purge(PurgeDocument),
}

/// How a try ended that was not an error of the database.
enum Outcome {
    /// The event to announce.
    Done(Announcement),
    Unchanged,
    NoRoom,
    Banned,
    OwnerStays,
    Outranked,
    Closed,
    Refused(StoreError),
    Collided,
}

/// What became of the member's part.
enum Turned {
    Changed,
    Settings(RoomSettings, RoomChanges),
    Owner(Option<UserId>),
    Unchanged,
    Banned,
    OwnerStays,
    Outranked,
    Closed,
    /// Something else is in the way.
    Refused(StoreError),
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
    pins: Collection<PinDocument>,
    purges: Collection<PurgeDocument>,
    outbox: Collection<OutboxDocument>,
    users: Collection<UserDocument>,
    blocks: Collection<BlockDocument>,
    room_invites: Collection<RoomInviteDocument>,
    join_requests: Collection<JoinRequestDocument>,
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
            pins: self.pins.clone(),
            purges: self.purges.clone(),
            outbox: self.outbox.clone(),
            users: self.users.clone(),
            blocks: self.blocks.clone(),
            room_invites: self.room_invites.clone(),
            join_requests: self.join_requests.clone(),
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
                Ok(Outcome::Outranked) => return Err(StoreError::Outranked.into()),
                Ok(Outcome::Closed) => return Err(StoreError::Closed.into()),
                Ok(Outcome::Refused(error)) => return Err(error.into()),
                Ok(Outcome::NoRoom) => return Err(no_room(change.room).into()),
                Ok(Outcome::Collided) => sleep(pause(tried)).await,
                Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => sleep(pause(tried)).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Unavailable("too many changes of one room at once".to_owned()).into())
    }

    async fn attempt(&self, session: &mut ClientSession, change: &Change) -> Result<Outcome, Error> {
        begin(session).await?;
        let outcome = self.steps(session, change).await;
        end(session, matches!(outcome, Ok(Outcome::Done(_)))).await?;
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
            Turned::Settings(settings, changes) => {
                Announcement::of_settings(change.room, settings, changes, change.event.clone())
            }
            Turned::Owner(previous) => {
                let event = rookery_store::with_previous_owner(change.event.clone(), previous);
                Announcement { room: change.room, acl, event }
            }
            Turned::Unchanged => return Ok(Outcome::Unchanged),
            Turned::Banned => return Ok(Outcome::Banned),
            Turned::OwnerStays => return Ok(Outcome::OwnerStays),
            Turned::Outranked => return Ok(Outcome::Outranked),
            Turned::Closed => return Ok(Outcome::Closed),
            Turned::Refused(error) => return Ok(Outcome::Refused(error)),
        };
        let id = key(change.event.id.as_uuid());
        let event = EventDocument::new(&announcement.event);
        let event = event.ok_or_else(|| Error::custom("an event of a later release"))?;
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
            _ if room.closed_at.is_some() => Ok(Turned::Closed),
            Turn::Join(document, member, entry) => {
                let sanction = self.sanction(session, member.room_id, member.user_id).await?;
                if sanction.banned.is_some_and(|until| until.holds(member.joined_at)) {
                    return Ok(Turned::Banned);
                }
                match self.members.insert_one(document).session(&mut *session).await {
                    Ok(_) => {}
                    Err(error) if is_duplicate(&error) => return Ok(Turned::Unchanged),
                    Err(error) => return Err(error),
                }
                let refused = self.pass(session, (member, *entry), room).await?;
                Ok(refused.map_or(Turned::Changed, Turned::Refused))
            }
            Turn::Leave(member) => self.leave(session, member.clone(), room).await,
            Turn::Transfer(user) => {
                if change.is_ranked && !self.rank(session, room, change.event.user_id).await?.owns() {
                    return Ok(Turned::Outranked);
                }
                let of_owner =
                    |body: &EventBody| matches!(body, EventBody::Membership(MembershipChange::OwnerChanged { .. }));
                let tells_settings = !of_owner(&change.event.body);
                self.transfer(session, *user, room, tells_settings).await
            }
            Turn::Sanction(user, action) => {
                if change.is_ranked {
                    let actor = self.rank(session, room, change.event.user_id).await?;
                    if !outranks(actor, self.rank(session, room, *user).await?) {
                        return Ok(Turned::Outranked);
                    }
                }
                if action.expels() && room.owner_id == Some(key(user.as_uuid())) {
                    return Ok(Turned::OwnerStays);
                }
                self.apply_sanction(session, change.room, *user, *action).await.map(Turned::when)
            }
            Turn::Role(user, role) => self.set_role(session, change, room, (*user, *role)).await,
            Turn::Close(closing) => self.close(session, change, room, *closing).await,
            Turn::Pin(pin, most) => self.pin(session, pin, *most).await.map(Turned::when),
            Turn::Unpin(pin) => {
                let gone = self.pins.delete_one(pin.clone()).session(session).await?;
                Ok(Turned::when(gone.deleted_count == 1))
            }
            Turn::Purge(purge) => match self.purges.insert_one(purge).session(session).await {
                Ok(_) => Ok(Turned::Changed),
                Err(error) if is_duplicate(&error) => Ok(Turned::Unchanged),
                Err(error) => Err(error),
            },
            Turn::Settings(wanted) => self.apply_settings(session, wanted, room).await,
            Turn::Settle => self.settle(session, room).await,
            Turn::Block(block) => {
                if !block.carry_out(&self.blocks, session).await? {
                    return Ok(Turned::Unchanged);
                }
                self.settle(session, room).await
            }
        }
    }

    /// Uses the entry by which a member comes in; what is in the way of it, if something is.
    async fn pass(
        &self,
        session: &mut ClientSession,
        (member, entry): (&Member, Entry),
        room: &RoomDocument,
    ) -> Result<Option<StoreError>, Error> {
        if let Some(most) = room.members_max.and_then(|most| u64::try_from(most).ok()) {
            let all = self.members.count_documents(doc! { "room_id": room.id }).limit(most + 1);
            if all.session(&mut *session).await? > most {
                return Ok(Some(StoreError::Full));
            }
        }
        let (place, now) = ((member.room_id, member.user_id), member.joined_at);
        let was_asked = join_requests::approve_in(&self.join_requests, session, place, now).await?;
        match entry {
            Entry::Open => Ok(None),
            Entry::Request => Ok((!was_asked).then_some(StoreError::Decided)),
            Entry::Invite(hash) => {
                let open = room_invites::open_in(&self.room_invites, session, &hash, member.room_id, now).await?;
                let Some(invite) = open else { return Ok(Some(StoreError::InviteOver)) };
                let holds = may_invite(self.rank(session, room, invite.by).await?, room.members_may_invite);
                let is_used = holds && room_invites::spend_in(&self.room_invites, session, &invite).await?;
                Ok((!is_used).then_some(StoreError::InviteOver))
            }
        }
    }

    async fn pin(&self, session: &mut ClientSession, pin: &PinDocument, most: u64) -> Result<bool, Error> {
        if self.pins.find_one(by_id(pin.message_id)).session(&mut *session).await?.is_some() {
            return Ok(false);
        }
        let of_room = self.pins.count_documents(doc! { "room_id": pin.room_id }).limit(most);
        if of_room.session(&mut *session).await? >= most {
            return Ok(false);
        }
        self.pins.insert_one(pin).session(session).await.map(|_| true)
    }

    /// The room is as it will be apart from its settings: with its next version.
    async fn apply_settings(
        &self,
        session: &mut ClientSession,
        wanted: &SettingsChange,
        room: &RoomDocument,
    ) -> Result<Turned, Error> {
        let Some((after, changes)) = room.after(wanted).map_err(Error::custom)? else {
            return Ok(Turned::Unchanged);
        };
        let update = RoomDocument::update(&after).map_err(Error::custom)?;
        self.rooms.update_one(by_id(room.id), update).session(session).await?;
        Ok(Turned::Settings(after.settings, changes))
    }

    /// The settings stay as they are, under the room's next version.
    async fn settle(&self, session: &mut ClientSession, room: &RoomDocument) -> Result<Turned, Error> {
        let settings = room.settings_now();
        let document = bson::serialize_to_bson(&SettingsDocument::from(settings))?;
        let set = doc! { "$set": { "settings": document } };
        self.rooms.update_one(by_id(room.id), set).session(session).await?;
        Ok(Turned::Settings(settings, RoomChanges::default()))
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
            self.rooms.update_one(by_id(room.id), closing_update(room, None)).session(session).await?;
        }
        Ok(Turned::when(removed))
    }

    /// How high the user stands in the room, at this moment.
    async fn rank(&self, session: &mut ClientSession, room: &RoomDocument, user: UserId) -> Result<Rank, Error> {
        let place = doc! { "room_id": room.id, "user_id": key(user.as_uuid()) };
        let member = self.members.find_one(place).session(&mut *session).await?;
        let account = self.users.find_one(by_id(key(user.as_uuid()))).session(&mut *session).await?;
        let server = account.map(|account| account.rank()).unwrap_or_default();
        Ok(Rank::new(member.map(|member| Member::from(member).role), server))
    }

    async fn set_role(
        &self,
        session: &mut ClientSession,
        change: &Change,
        room: &RoomDocument,
        (user, role): (UserId, RoomRole),
    ) -> Result<Turned, Error> {
        let place = doc! { "room_id": room.id, "user_id": key(user.as_uuid()) };
        let Some(found) = self.members.find_one(place.clone()).session(&mut *session).await? else {
            return Ok(Turned::Refused(StoreError::NoMember));
        };
        let before = Member::from(found).role;
        if decide_on_role(self.rank(session, room, change.event.user_id).await?, before).is_err() {
            return Ok(Turned::Outranked);
        }
        if before == role {
            return Ok(Turned::Unchanged);
        }
        let role = bson::serialize_to_bson(&role)?;
        self.members.update_one(place, doc! { "$set": { "role": role } }).session(session).await?;
        Ok(Turned::Changed)
    }

    /// Ends the room, if what has to hold for that does.
    async fn close(
        &self,
        session: &mut ClientSession,
        change: &Change,
        room: &RoomDocument,
        closing: Closing,
    ) -> Result<Turned, Error> {
        let actor = change.event.user_id;
        match closing {
            Closing::Expired(now) if room.expires_at.is_some_and(|at| at <= date(now)) => {}
            Closing::Expired(_) => return Ok(Turned::Unchanged),
            Closing::Deleted if self.rank(session, room, actor).await?.owns() => {}
            Closing::LastLeft if room.owner_id == Some(key(actor.as_uuid())) => {
                let all = self.members.count_documents(doc! { "room_id": room.id }).limit(2);
                if all.session(&mut *session).await? > 1 {
                    return Ok(Turned::OwnerStays);
                }
            }
            Closing::Deleted | Closing::LastLeft => return Ok(Turned::Outranked),
        }
        self.members.delete_many(doc! { "room_id": room.id }).session(&mut *session).await?;
        let update = closing_update(room, Some((actor, change.event.id)));
        self.rooms.update_one(by_id(room.id), update).session(session).await?;
        Ok(Turned::Changed)
    }

    async fn transfer(
        &self,
        session: &mut ClientSession,
        user: UserId,
        room: &RoomDocument,
        tells_settings: bool,
    ) -> Result<Turned, Error> {
        let place = doc! { "room_id": room.id, "user_id": key(user.as_uuid()) };
        let Some(found) = self.members.find_one(place.clone()).session(&mut *session).await? else {
            return Ok(Turned::Refused(StoreError::NoMember));
        };
        if Member::from(found).role == RoomRole::Owner {
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
        if !tells_settings {
            let set = doc! { "$set": { "owner_id": key(user.as_uuid()) } };
            self.rooms.update_one(by_id(room.id), set).session(session).await?;
            return Ok(Turned::Owner(room.owner_id.map(|owner| UserId::from_uuid(uuid_of(owner)))));
        }
        // For nodes that know no other event of a new owner.
        let settings = room.settings_now();
        let document = bson::serialize_to_bson(&SettingsDocument::from(settings))?;
        let set = doc! { "$set": { "owner_id": key(user.as_uuid()), "settings": document } };
        self.rooms.update_one(by_id(room.id), set).session(session).await?;
        Ok(Turned::Settings(settings, RoomChanges::default()))
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

    /// Ends a membership, and the invites of who had it.
    async fn remove(&self, session: &mut ClientSession, member: Document) -> Result<bool, Error> {
        let place = (member.get("room_id").cloned(), member.get("user_id").cloned());
        let removed = self.members.delete_one(member).session(&mut *session).await?.deleted_count == 1;
        if let (true, (Some(room), Some(user))) = (removed, place) {
            room_invites::end_of(&self.room_invites, session, room, user).await?;
        }
        Ok(removed)
    }
}

/// Begins a transaction that sees one moment and is durable once it is committed.
pub(super) async fn begin(session: &mut ClientSession) -> Result<(), Error> {
    session
        .start_transaction()
        .read_concern(ReadConcern::snapshot())
        .write_concern(durable())
        .await
}

/// Ends a transaction: it counts if all of it was done.
pub(super) async fn end(session: &mut ClientSession, is_done: bool) -> Result<(), Error> {
    if is_done {
        return commit(session).await;
    }
    // The server rolls back an abandoned transaction, so a failure here changes nothing.
    let _ = session.abort_transaction().await;
    Ok(())
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
pub(super) fn pause(tried: u32) -> Duration {
    let longest = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(tried)).min(PAUSE_MAX);
    longest.mul_f64(rand::random_range(0.2..=1.0))
}

/// What ends a room, and notes by whom and with which event.
fn closing_update(room: &RoomDocument, by: Option<(UserId, MessageId)>) -> Document {
    let now = date(UnixMillis::now());
    let mut set = doc! { "visibility": "private", "owner_id": null, "closed_at": now, "unerased_since": now };
    if let Some((user, event)) = by {
        set.insert("closed_by", key(user.as_uuid()));
        set.insert("closing_event", key(event.as_uuid()));
    }
    set.extend(room.slug().map(|slug| ("closed_slug".to_owned(), slug.into())));
    doc! { "$set": set, "$unset": { "slug": "", "name_key": "", "password_hash": "", "expires_at": "" } }
}

fn no_room(room: RoomId) -> StoreError {
    StoreError::Inconsistent(format!("members without a room: {room}"))
}
