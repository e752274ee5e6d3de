//! `GET /api/v1/rooms/{room}/reads`, and the frame `read_by`: who has read how far, among those who show it.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_bus::signal::EphemeralSignal;
use rookery_protocol::access::Action;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{Epoch, RoomId, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_store::StoreError;
use rookery_store::room::Pair;
use rookery_store::unread::Receipt;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::authority::{LocalAuthority, LocalAuthorityParts, Receivers};
use crate::error::ApiError;
use crate::http::extract::{Caller, RoomPath};
use crate::limits::RECEIPT_MEMBERS_MAX;
use crate::rooms::Rooms;

/// How far the members of a room have read.
#[derive(Serialize, ToSchema)]
pub struct ReadsView {
    /// Those of them who show it, without the caller.
    reads: Vec<ReceiptView>,
}

/// How far somebody has read.
#[derive(Serialize, ToSchema)]
#[schema(as = Receipt)]
pub struct ReceiptView {
    /// Id of the user.
    user_id: Uuid,
    /// Epoch of the read mark.
    #[schema(value_type = String, example = "e1")]
    epoch: Epoch,
    /// Number of the last event that the user has read.
    #[schema(value_type = u64)]
    seq: Seq,
    /// When that was; null if nothing was read since the user came in.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<UnixMillis>,
}

/// The two whose direct room it is, if it is one.
fn pair_of(room: RoomId, members: &[UserId]) -> Option<Pair> {
    let [one, other] = *members else { return None };
    Pair::new(one, other).filter(|_| RoomId::of_pair(one, other) == room)
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        let Receipt { user, read: Position { epoch, seq }, at } = receipt;
        Self { user_id: user.as_uuid(), epoch, seq, at }
    }
}

/// Who has read how far
///
/// In rooms of at most 200 members; nobody is listed in larger ones, nor in a direct room where one has blocked the other. Whoever has `read_receipts` switched off is not listed and
/// sees nobody.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/reads",
    operation_id = "list_reads",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    responses(
        (status = 200, description = "The read marks of the others", body = ReadsView),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn reads(
    State(rooms): State<Rooms>,
    State(authority): State<Arc<LocalAuthority>>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<Json<ReadsView>, ApiError> {
    let (room, role) = rooms.find(caller.user_id, &room, Action::Read).await?;
    if role.is_none() {
        return Err(ApiError::refused(ErrorCode::NotAMember));
    }
    let receipts = if authority.parts().is_silent(room.pair).await? {
        Vec::new()
    } else {
        authority.parts().receipts(caller.user_id, room.id).await?
    };
    Ok(Json(ReadsView { reads: receipts.into_iter().map(ReceiptView::from).collect() }))
}

impl LocalAuthorityParts {
    /// The marks of the others, for somebody who shows the own one.
    async fn receipts(&self, user: UserId, room: RoomId) -> Result<Vec<Receipt>, StoreError> {
        let mut receipts = self.stores.unread.receipts(room, RECEIPT_MEMBERS_MAX + 1).await?;
        if receipts.len() > RECEIPT_MEMBERS_MAX {
            return Ok(Vec::new());
        }
        let members: Vec<UserId> = receipts.iter().map(|receipt| receipt.user).collect();
        let hidden = self.hidden(&members).await?;
        if hidden.contains(&user) {
            return Ok(Vec::new());
        }
        receipts.retain(|receipt| receipt.user != user && !hidden.contains(&receipt.user));
        Ok(receipts)
    }

    /// Whether the two of a direct room are told nothing of each other: one has blocked the other.
    async fn is_silent(&self, pair: Option<Pair>) -> Result<bool, StoreError> {
        match pair {
            Some(pair) => Ok(self.stores.blocks.of_pairs(&[pair]).await?.contains(&pair)),
            None => Ok(false),
        }
    }

    /// Those of them who show nobody what they have read.
    async fn hidden(&self, users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
        let shown: HashSet<UserId> = self
            .stores
            .users
            .by_ids(users)
            .await?
            .into_iter()
            .filter(|user| user.settings.read_receipts && !user.disabled)
            .map(|user| user.id)
            .collect();
        Ok(users.iter().copied().filter(|user| !shown.contains(user)).collect())
    }

    /// Tells the room that somebody has read on. It may be lost, and who shows nothing tells nothing.
    pub(super) async fn tell_read(&self, user: UserId, room: RoomId, to: Position) {
        let told = async {
            let receivers = if let Some(receivers) = self.receivers.get(&room) {
                receivers
            } else {
                let members = self.stores.unread.receipts(room, RECEIPT_MEMBERS_MAX + 1).await?;
                let members: Vec<UserId> = members.iter().map(|receipt| receipt.user).collect();
                let small = members.len() <= RECEIPT_MEMBERS_MAX;
                let receivers = if small {
                    let except = self.hidden(&members).await?.into_iter().collect();
                    Some(Receivers { except, pair: pair_of(room, &members) })
                } else {
                    None
                };
                let receivers = Arc::new(receivers);
                self.receivers.insert(room, Arc::clone(&receivers));
                receivers
            };
            let Some(Receivers { except, pair }) = (*receivers).clone() else { return Ok(()) };
            if self.is_silent(pair).await? {
                return Ok(());
            }
            // What others show may be known from a moment ago; what one shows oneself is read anew.
            let own = self.stores.users.by_id(user).await?;
            if own.is_some_and(|own| own.settings.read_receipts) {
                let signal = EphemeralSignal::ReadBy { user, to, at: UnixMillis::now(), except };
                if let Err(error) = self.bus.publish_ephemeral(room, signal).await {
                    tracing::debug!(%error, "a room was not told who has read on");
                }
            }
            Ok::<(), StoreError>(())
        };
        if let Err(error) = told.await {
            tracing::debug!(%error, "a room was not told who has read on");
        }
    }
}
