//! Doing something to a message over REST: a look at the message, then the same steps as for sending.

use rookery_bus::Appended;
use rookery_bus::acks::StaleAnswer;
use rookery_bus::authority::{HistorySource as _, Look, PendingChange, Verdict};
use rookery_bus::publish::{Cause, Publication, Step};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, EventBody, MessageChanged, NewMessage, Sender, SequencedEvent};
use rookery_protocol::id::{ClientId, MessageId, RoomId, RoomRef, UserId};
use rookery_protocol::message_change::MessageChange;
use rookery_protocol::position::Position;
use rookery_store::Reaction;
use rookery_store::message::edit_of;
use rookery_store::message_state::Version;
use rookery_store::user::User;

use crate::error::ApiError;
use crate::history::{self, MessageLookup};
use crate::limits::{EDITS_SHOWN_MAX, SWEEP_INTERVAL, SWEEP_ROWS_MAX, TAKEN_BACK_KEPT};
use crate::messages::{Messages, Sent};
use rookery_store::page;

/// Something to be done to a message.
pub struct MessageChangeRequest {
    /// The author of the change.
    pub sender: Sender,
    /// The sender's name for it.
    pub client_id: ClientId,
    /// The change.
    pub change: MessageChange,
}

impl Messages {
    /// Does it. None if it changes nothing.
    pub async fn change(&self, room: &RoomRef, request: MessageChangeRequest) -> Result<Option<Sent>, ApiError> {
        match self.publish(&Change { messages: self, room, request: &request }).await? {
            Outcome::Unchanged => Ok(None),
            Outcome::Known(sent) => Ok(Some(sent)),
            Outcome::Appended(room, appended) => self.await_stored(room, appended).await.map(Some),
        }
    }

    /// Who has a reaction to a message, as far as it is stored, and where the next page begins if there is one.
    pub async fn reaction_users(
        &self,
        (room, message): (RoomId, MessageId),
        emoji: &Emoji,
        after: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<User>, Option<Position>), ApiError> {
        let found = history::find_message(&self.rooms.stores, &*self.rooms.log, (room, message), &[]).await?;
        if found.is_none_or(|found| found.state.deleted) {
            return Err(ApiError::refused(ErrorCode::UnknownMessage));
        }
        let reaction = Reaction { message, emoji };
        let mut reacted = self.rooms.stores.messages.reacted(reaction, after, limit + 1).await?;
        let next = page::cut(&mut reacted, limit).map(|last| last.place);
        let ids: Vec<UserId> = reacted.iter().map(|reacted| reacted.user).collect();
        let mut users = self.rooms.stores.users.by_ids(&ids).await?;
        users.sort_by_key(|user| ids.iter().position(|id| *id == user.id));
        Ok((users, next))
    }

    /// All texts of a message, oldest first, beginning with what was said first. A deleted message has none.
    pub async fn versions(&self, room: RoomId, id: MessageId) -> Result<Vec<Version>, ApiError> {
        let found = history::find_message(&self.rooms.stores, &*self.rooms.log, (room, id), &[])
            .await?
            .filter(|found| !found.state.deleted);
        let MessageLookup { said, unstored, .. } = found.ok_or_else(|| ApiError::refused(ErrorCode::UnknownMessage))?;
        let mut edits = self.rooms.stores.messages.edits(id, EDITS_SHOWN_MAX).await?;
        edits.extend(unstored.into_iter().filter(|event| edit_of(&event.event.body) == Some(id)));
        edits.sort_by_key(SequencedEvent::position);
        edits.dedup_by_key(|event| event.event.id);
        Ok(std::iter::once(said).chain(edits).filter_map(version).collect())
    }

    /// Forgets reactions that were taken back a while ago. Endless.
    pub async fn sweep(&self) {
        loop {
            tokio::time::sleep(SWEEP_INTERVAL).await;
            let before = UnixMillis::now().minus(TAKEN_BACK_KEPT);
            // What is left, or could not be forgotten now, is there the next time.
            match self.rooms.stores.messages.sweep(before, SWEEP_ROWS_MAX).await {
                Ok(rows) => tracing::debug!(rows, "reactions that were taken back are forgotten"),
                Err(error) => tracing::debug!(%error, "reactions that were taken back are kept"),
            }
        }
    }
}

/// What became of a change.
enum Outcome {
    Appended(RoomId, Appended),
    /// The store has it.
    Known(Sent),
    Unchanged,
}

/// A change that a caller asks for.
struct Change<'a> {
    messages: &'a Messages,
    room: &'a RoomRef,
    request: &'a MessageChangeRequest,
}

impl Publication for Change<'_> {
    type Done = Outcome;
    type Error = ApiError;

    async fn prepare(&self, _cause: Cause) -> Result<Step<Outcome>, ApiError> {
        let MessageChangeRequest { sender, client_id, change } = self.request;
        let (user, message) = (sender.user_id, change.message_id);
        let permission = self.messages.may_send(user, self.room).await?;
        let room = permission.room;
        let event = Event::message_change(room, sender.clone(), client_id, change.clone());
        let id = event.id;
        let look = Look { room, message, before: Some(PendingChange { user, event: id }) };
        let facts = self.messages.authority.message(look).await?;
        Ok(match facts.decide(&permission, user, change).map_err(ApiError::refused)? {
            Verdict::Pending => Step::Later,
            Verdict::Unchanged(_) => Step::Done(Outcome::Unchanged),
            Verdict::Done(first) => Step::Done(Outcome::Known(Sent { room, id, first, stored: true })),
            Verdict::Change => {
                let mut event = event;
                self.messages.rooms.filters.apply(&permission, &mut event).await?;
                Step::Append(permission.append(event, client_id.clone()))
            }
        })
    }

    fn accept(&self, room: RoomId, appended: Appended) -> Result<Outcome, StaleAnswer> {
        Ok(Outcome::Appended(room, appended))
    }
}

fn version(event: SequencedEvent) -> Option<Version> {
    let (place, at) = (event.position(), event.timestamp);
    match event.event.body {
        EventBody::Message(NewMessage { content, .. })
        | EventBody::MessageChange(MessageChanged::Edited { content, .. }) => Some(Version { place, content, at }),
        EventBody::MessageChange(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_) => None,
    }
}
