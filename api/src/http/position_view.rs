//! Positions as answers show them.

use rookery_protocol::id::{Epoch, Seq};
use rookery_protocol::position::Position;
use serde::Serialize;
use utoipa::ToSchema;

/// A place in a room.
#[derive(Serialize, ToSchema)]
#[schema(as = EventPlace)]
pub struct PlaceView {
    /// Epoch of the number.
    #[schema(value_type = String, example = "e1")]
    pub(crate) epoch: Epoch,
    /// Number of the event.
    #[schema(value_type = u64)]
    pub(crate) seq: Seq,
}

impl From<Position> for PlaceView {
    fn from(Position { epoch, seq }: Position) -> Self {
        Self { epoch, seq }
    }
}
