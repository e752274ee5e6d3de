//! Read marks and unread counts: where a user stands in its rooms, and what waits there.
//!
//! Counts are taken from the store, up to the place that it is known to have; what is newer is counted when it is
//! stored. A room whose newest event is read costs no question.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use rookery_bus::authority::AuthorityError;
use rookery_bus::{Bus, Head, open};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::limits::HEADS_PER_READ_MAX;
use rookery_protocol::unread::{ReadState, ReadTo, UserNews};
use rookery_store::limits::COUNTS_AT_ONCE;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::position::Position;
use rookery_store::message::Window;
use rookery_store::room::{Member, MembershipPlace, Room};
use rookery_store::unread::{Counts, Reader, Span};
use rookery_store::{PageQuestion, StoreError, Stores};
use tokio::time::timeout;

use super::authority::{LocalAuthority, LocalAuthorityParts, bus_error, store_error};
use crate::limits::{HISTORY_BUS_WAIT, ROOMS_PER_LOOKUP, UNREAD_COUNT_MAX};

/// A room of a user, and what is unread there.
pub struct MyRoom {
    /// The room.
    pub room: Room,
    /// The membership.
    pub member: Member,
    /// Place of the newest event.
    pub head: Position,
    /// What waits.
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

/// A mark, and where its room stands.
#[derive(Clone, Copy)]
struct Standing {
    room: RoomId,
    mark: Position,
    head: Head,
}

impl LocalAuthority {
    /// Moves the mark on, if the place is news, and tells the user's connections; gives what is unread then.
    pub(crate) async fn mark(&self, user: UserId, room: RoomId, to: ReadTo) -> Result<ReadState, AuthorityError> {
        let parts = self.parts();
        let head = open::head(&*parts.bus, self, room).await.map_err(|error| bus_error(&error))?;
        let to = Position { epoch: to.epoch.unwrap_or(head.epoch), seq: to.seq }.min(newest(head));
        let known = parts.stores.unread.marks(user, &[room]).await.map_err(store_error)?;
        let before = known.first().ok_or(AuthorityError::Refused(ErrorCode::UnknownRoom))?.read;
        if to <= before {
            return parts.state(user, Standing { room, mark: before, head }).await;
        }
        let mark = parts.stores.unread.advance(room, user, to).await.map_err(store_error)?;
        let mark = mark.ok_or(AuthorityError::Refused(ErrorCode::UnknownRoom))?;
        let state = parts.state(user, Standing { room, mark, head }).await?;
        parts.metrics.reads_marked.inc();
        if let Err(error) = parts.bus.tell_user(user, &UserNews::Read { room, state }).await {
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
        let standings = parts.standings(&members).await?;
        let states = parts.states(user, &standings).await?;
        Ok(standings.iter().map(|standing| standing.room).zip(states).collect())
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
        let more = members.len() > limit;
        members.truncate(limit);
        let next = members.last().filter(|_| more).map(Member::membership_place);
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
        let standings = parts.standings(&members).await?;
        let states = parts.states(user, &standings).await?;
        let mine = members.into_iter().zip(standings).zip(states).filter_map(|((member, standing), state)| {
            let room = rooms.remove(&member.room_id)?;
            Some(MyRoom { room, member, head: newest(standing.head), state })
        });
        Ok(mine.collect())
    }
}

impl LocalAuthorityParts {
    async fn state(&self, user: UserId, standing: Standing) -> Result<ReadState, AuthorityError> {
        let states = self.states(user, &[standing]).await?;
        let state = states.into_iter().next();
        state.ok_or_else(|| AuthorityError::Unavailable("a room without counts".to_owned()))
    }

    /// Where the rooms of the memberships stand, in their order.
    async fn standings(&self, members: &[Member]) -> Result<Vec<Standing>, AuthorityError> {
        let ids: Vec<RoomId> = members.iter().map(|member| member.room_id).collect();
        let heads = heads(&self.stores, &*self.bus, &ids).await.map_err(store_error)?;
        let standings = members.iter().zip(heads);
        Ok(standings
            .map(|(member, head)| Standing { room: member.room_id, mark: member.read, head })
            .collect())
    }

    /// What is unread at each, in the order given.
    async fn states(&self, user: UserId, standings: &[Standing]) -> Result<Vec<ReadState>, AuthorityError> {
        let spans: Vec<Span> = standings.iter().filter_map(Standing::span).collect();
        let counts = self.counts(user, &spans).await?;
        let mut counts = counts.into_iter();
        let state = |standing: &Standing| {
            let counts = standing.span().and_then(|_| counts.next()).unwrap_or_default();
            standing.state(counts)
        };
        Ok(standings.iter().map(state).collect())
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

impl Standing {
    /// What has to be counted; none if nothing can be there.
    fn span(&self) -> Option<Span> {
        let span = Span { room: self.room, after: self.mark, upto: stored(self.head) };
        (!span.is_empty() && span.upto.seq.get() > 0).then_some(span)
    }

    fn state(&self, counts: Counts) -> ReadState {
        let Counts { unread, mentions, capped } = counts;
        let Position { epoch, seq } = self.mark;
        ReadState { epoch, seq, unread, mentions, capped, counted: stored(self.head).into() }
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

const fn newest(head: Head) -> Position {
    Position { epoch: head.epoch, seq: head.seq }
}

const fn stored(head: Head) -> Position {
    Position { epoch: head.epoch, seq: head.stored }
}

/// Where the user comes in: nothing of before will be unread.
pub(super) async fn here(stores: &Stores, bus: &dyn Bus, room: RoomId) -> Result<Position, StoreError> {
    let heads = heads(stores, bus, &[room]).await?;
    Ok(heads.first().map_or(Position::START, |head| newest(*head)))
}

/// The heads of rooms in the order asked. Where the bus does not know a room, or does not answer, the store says.
async fn heads(stores: &Stores, bus: &dyn Bus, rooms: &[RoomId]) -> Result<Vec<Head>, StoreError> {
    let known = stream::iter(rooms.chunks(HEADS_PER_READ_MAX)).then(|rooms| on_the_bus(bus, rooms));
    let known: Vec<Vec<Option<Head>>> = known.collect().await;
    let heads = stream::iter(rooms.iter().copied().zip(known.concat()).map(|(room, head)| async move {
        match head {
            Some(head) => Ok(head),
            None => in_the_store(stores, room).await,
        }
    }));
    heads.buffered(COUNTS_AT_ONCE).try_collect().await
}

async fn on_the_bus(bus: &dyn Bus, rooms: &[RoomId]) -> Vec<Option<Head>> {
    match timeout(HISTORY_BUS_WAIT, bus.heads(rooms)).await {
        Ok(Ok(heads)) => heads,
        Ok(Err(error)) => {
            tracing::debug!(%error, "heads read from the store");
            vec![None; rooms.len()]
        }
        Err(_) => vec![None; rooms.len()],
    }
}

async fn in_the_store(stores: &Stores, room: RoomId) -> Result<Head, StoreError> {
    let newest = stores.messages.page(room, PageQuestion::all(Window::Latest, 1)).await?;
    let Position { epoch, seq } = newest.first().map_or(Position::START, SequencedEvent::position);
    Ok(Head { epoch, seq, stored: seq, began: None })
}
