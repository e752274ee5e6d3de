//! Read marks and unread counts: where a user stands in its rooms, and what waits there.
//!
//! Counts are taken from the store, up to the place that it is known to have; what is newer is counted when it is
//! stored. A room whose newest event is read costs no question.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::FromRef;
use rookery_bus::authority::AuthorityError;
use rookery_bus::{Head, auto_open};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::news::UserNews;
use rookery_protocol::position::Position;
use rookery_protocol::unread::{ReadState, ReadTo};
use rookery_store::room::{Member, MembershipPlace, Room};
use rookery_store::unread::{Counts, Reader, Span};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::authority::{LocalAuthorityParts, bus_error, store_error};
use crate::authority::LocalAuthority;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::http::limit::Limits;
use crate::limits::{ROOMS_PER_LOOKUP, UNREAD_COUNT_MAX};
use crate::room_heads::{heads, newest};
use crate::rooms::Rooms;
use rookery_store::page;

pub mod counts;
pub mod mark;
pub mod my_rooms;
pub mod receipts;

/// The routes of what is unread.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<LocalAuthority>: FromRef<S>,
    Authentication: FromRef<S>,
    Cursors: FromRef<S>,
    Limits: FromRef<S>,
    Rooms: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(mark::get, mark::put))
        .routes(routes!(my_rooms::my_rooms))
        .routes(routes!(receipts::reads))
        .routes(routes!(counts::unread))
}

/// A room of a user, and what is unread there.
pub struct MyRoom {
    /// The room.
    pub room: Room,
    /// The membership.
    pub member: Member,
    /// Place of the newest event.
    pub head: Position,
    /// Read state of the room.
    pub state: ReadState,
}

/// Sums over all rooms of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rooms with something unread.
    pub rooms: u64,
    /// Messages.
    pub unread: u64,
    /// Those that mention the user.
    pub mentions: u64,
    /// Whether there may be more.
    pub capped: bool,
}

/// A read mark and the head of its room.
#[derive(Clone, Copy)]
struct MarkedRoom {
    room: RoomId,
    mark: Position,
    head: Head,
}

impl LocalAuthority {
    /// Advances the mark, if the position is newer, and notifies the user's connections; returns the new read state.
    pub(crate) async fn mark(&self, user: UserId, room: RoomId, to: ReadTo) -> Result<ReadState, AuthorityError> {
        let parts = self.parts();
        let head = auto_open::head(&*parts.bus, self, room).await.map_err(|error| bus_error(&error))?;
        let to = Position { epoch: to.epoch.unwrap_or(head.epoch), seq: to.seq }.min(newest(head));
        let known = parts.stores.unread.marks(user, &[room]).await.map_err(store_error)?;
        let before = known.first().ok_or(AuthorityError::Refused(ErrorCode::UnknownRoom))?.read;
        if to <= before {
            parts.clear_notices(user, room, before).await;
            return parts.state(user, MarkedRoom { room, mark: before, head }).await;
        }
        let mark = parts.stores.unread.advance(room, user, to).await.map_err(store_error)?;
        let mark = mark.ok_or(AuthorityError::Refused(ErrorCode::UnknownRoom))?;
        parts.clear_notices(user, room, mark).await;
        parts.tell_read(user, room, mark).await;
        let state = parts.state(user, MarkedRoom { room, mark, head }).await?;
        parts.metrics.reads_marked.inc();
        if let Err(error) = parts.bus.notify_user(user, &UserNews::Read { room, state }).await {
            tracing::debug!(%error, "other devices not told of what was read");
        }
        Ok(state)
    }

    /// What is unread in a room, for a member.
    pub(crate) async fn unread_in(&self, user: UserId, room: RoomId) -> Result<ReadState, AuthorityError> {
        let state = self.unread_in_all(user, &[room]).await?.pop();
        state.map(|(_, state)| state).ok_or(AuthorityError::Refused(ErrorCode::UnknownRoom))
    }

    /// What is unread in those of the rooms that the user is a member of.
    pub(crate) async fn unread_in_all(
        &self,
        user: UserId,
        rooms: &[RoomId],
    ) -> Result<Vec<(RoomId, ReadState)>, AuthorityError> {
        let parts = self.parts();
        let members = parts.stores.unread.marks(user, rooms).await.map_err(store_error)?;
        let marked = parts.marked_rooms(&members).await?;
        let states = parts.states(user, &marked).await?;
        Ok(marked.iter().map(|marked| marked.room).zip(states).collect())
    }

    /// Rooms of a user in the order of joining, and where the next page begins if there is one.
    pub async fn my_rooms(
        &self,
        user: UserId,
        after: Option<MembershipPlace>,
        limit: usize,
    ) -> Result<(Vec<MyRoom>, Option<MembershipPlace>), AuthorityError> {
        let (members, next) = self.memberships(user, after, limit).await?;
        Ok((self.rooms_of(user, members).await?, next))
    }

    /// A user's memberships in the order of joining, and where the next page begins if there is one.
    pub(crate) async fn memberships(
        &self,
        user: UserId,
        after: Option<MembershipPlace>,
        limit: usize,
    ) -> Result<(Vec<Member>, Option<MembershipPlace>), AuthorityError> {
        let found = self.parts().stores.unread.rooms(user, after, limit + 1).await;
        let mut members = found.map_err(store_error)?;
        let next = page::cut(&mut members, limit).map(Member::membership_place);
        Ok((members, next))
    }

    /// The rooms of these memberships of a user, with what is unread in each.
    pub(crate) async fn rooms_of(&self, user: UserId, members: Vec<Member>) -> Result<Vec<MyRoom>, AuthorityError> {
        let parts = self.parts();
        let ids: Vec<RoomId> = members.iter().map(|member| member.room_id).collect();
        let mut rooms: HashMap<RoomId, Room> = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(ROOMS_PER_LOOKUP) {
            let found = parts.stores.rooms.by_ids(ids).await.map_err(store_error)?;
            rooms.extend(found.into_iter().map(|room| (room.id, room)));
        }
        let marked = parts.marked_rooms(&members).await?;
        let states = parts.states(user, &marked).await?;
        let mine = members.into_iter().zip(marked).zip(states).filter_map(|((member, marked), state)| {
            let room = rooms.remove(&member.room_id)?;
            Some(MyRoom { room, member, head: newest(marked.head), state })
        });
        Ok(mine.collect())
    }
}

impl LocalAuthorityParts {
    /// The mark is what counts: a notice that stays unread is cleared by the next one.
    async fn clear_notices(&self, user: UserId, room: RoomId, mark: Position) {
        let (cleared, unmarked) =
            tokio::join!(self.notices.room_read(user, room, mark), self.notices.unmark(user, room));
        if let Err(error) = cleared.and(unmarked) {
            tracing::debug!(%error, "notices of a room that was read not cleared");
        }
    }

    async fn state(&self, user: UserId, marked: MarkedRoom) -> Result<ReadState, AuthorityError> {
        let states = self.states(user, &[marked]).await?;
        let state = states.into_iter().next();
        state.ok_or_else(|| AuthorityError::Unavailable("a room without counts".to_owned()))
    }

    /// The read marks and heads of the rooms, in the order of the memberships.
    async fn marked_rooms(&self, members: &[Member]) -> Result<Vec<MarkedRoom>, AuthorityError> {
        let ids: Vec<RoomId> = members.iter().map(|member| member.room_id).collect();
        let heads = heads(&self.stores, &*self.bus, &ids).await.map_err(store_error)?;
        let marked = members.iter().zip(heads);
        Ok(marked
            .map(|(member, head)| MarkedRoom { room: member.room_id, mark: member.read, head })
            .collect())
    }

    /// What is unread at each, in the order given.
    async fn states(&self, user: UserId, marked: &[MarkedRoom]) -> Result<Vec<ReadState>, AuthorityError> {
        let spans: Vec<Span> = marked.iter().filter_map(MarkedRoom::span).collect();
        let counts = self.counts(user, &spans).await?;
        let mut counts = counts.into_iter();
        let state = |marked: &MarkedRoom| {
            let counts = marked.span().and_then(|_| counts.next()).unwrap_or_default();
            marked.state(counts)
        };
        Ok(marked.iter().map(state).collect())
    }

    async fn counts(&self, user: UserId, spans: &[Span]) -> Result<Vec<Counts>, AuthorityError> {
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        let account = self.stores.users.by_id(user).await.map_err(store_error)?;
        let account = account.ok_or(AuthorityError::Refused(ErrorCode::UnknownRoom))?;
        let reader = Reader::new(user, &account.username);
        let counts = self.stores.unread.counts(&reader, spans, UNREAD_COUNT_MAX).await.map_err(store_error)?;
        let capped = counts.iter().filter(|counts| counts.capped).count();
        self.metrics.unread_counts.inc_by(u64::try_from(counts.len()).unwrap_or(0));
        self.metrics.unread_capped.inc_by(u64::try_from(capped).unwrap_or(0));
        Ok(counts)
    }
}

impl MarkedRoom {
    /// What has to be counted; none if nothing can be there.
    fn span(&self) -> Option<Span> {
        let span = Span { room: self.room, after: self.mark, upto: stored(self.head) };
        (!span.is_empty() && span.upto.seq.get() > 0).then_some(span)
    }

    fn state(&self, counts: Counts) -> ReadState {
        let Counts { unread, mentions, capped } = counts;
        let Position { epoch, seq } = self.mark;
        ReadState { epoch, seq, unread, mentions, capped, counted: stored(self.head) }
    }
}

impl Totals {
    /// With one more room.
    #[must_use]
    pub const fn and(self, state: &ReadState) -> Self {
        Self {
            rooms: self.rooms + (state.unread > 0) as u64,
            unread: self.unread + state.unread,
            mentions: self.mentions + state.mentions,
            capped: self.capped || state.capped,
        }
    }
}

const fn stored(head: Head) -> Position {
    Position { epoch: head.epoch, seq: head.stored }
}
