//! Schedules as their owners see them.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::MessageId;
use rookery_store::schedule::{Schedule, ScheduleState};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A message that is sent later.
#[derive(Serialize, ToSchema)]
#[schema(as = Schedule)]
pub struct ScheduleView {
    /// Its id.
    schedule_id: Uuid,
    /// Where it is sent.
    room: Uuid,
    /// Its text.
    content: String,
    /// When it is sent.
    #[schema(value_type = String, format = DateTime)]
    send_at: UnixMillis,
    /// The message that it answers; null if it answers none.
    reply_to: Option<Uuid>,
    /// Its files.
    attachments: Vec<Uuid>,
    /// Where it is. It can be changed as long as it is `scheduled`.
    state: ScheduleState,
    /// The message that it has become; null unless it was sent.
    message_id: Option<Uuid>,
    /// The code of why it could not be sent; null unless it failed.
    #[schema(example = "not_a_member")]
    error: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
}

impl From<Schedule> for ScheduleView {
    fn from(schedule: Schedule) -> Self {
        Self {
            schedule_id: schedule.id.as_uuid(),
            room: schedule.room.as_uuid(),
            content: schedule.content,
            send_at: schedule.send_at,
            reply_to: schedule.reply_to.map(MessageId::as_uuid),
            attachments: schedule.files.iter().map(|file| file.as_uuid()).collect(),
            state: schedule.state,
            message_id: schedule.message.map(MessageId::as_uuid),
            error: schedule.error,
            created_at: schedule.created_at,
        }
    }
}
