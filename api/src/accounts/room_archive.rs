//! A copy of a room: its settings, its members, and its history as it is kept.

use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{RoomId, RoomRef};
use rookery_protocol::position::Position;
use rookery_store::PageQuestion;
use rookery_store::message::Window;
use rookery_store::room::{Member, MemberPlace, Room};
use serde_json::{Value, json};

use crate::accounts::archive::Archive;
use crate::accounts::exporting::Exporting;
use crate::jobs::JobError;
use crate::limits::EXPORT_ROWS_PER_READ;
use crate::purged::clear_purged;

impl Exporting {
    /// Everything of a room. Of one that has ended meanwhile there is nothing.
    pub(super) async fn write_room(&self, room: RoomId, archive: &mut Archive) -> Result<(), JobError> {
        let found = self.stores.rooms.find(&RoomRef::Id(room)).await?;
        archive.file("room.json", &found.as_ref().map(settings)).await?;
        self.members_of(room, archive).await?;
        self.events_of(room, archive).await
    }

    async fn members_of(&self, room: RoomId, archive: &mut Archive) -> Result<(), JobError> {
        archive.begin_list("members.json")?;
        let mut after: Option<MemberPlace> = None;
        loop {
            let members = self.stores.members.page(room, after, EXPORT_ROWS_PER_READ).await?;
            for member in &members {
                let Member { user_id, role, joined_at, .. } = member;
                archive.item(&json!({"user_id": user_id, "role": role, "joined_at": joined_at}))?;
            }
            archive.keep().await?;
            after = members.last().map(Member::place);
            if members.len() < EXPORT_ROWS_PER_READ {
                return archive.end_list();
            }
        }
    }

    /// Every event, oldest first; deleted messages have no texts any more.
    async fn events_of(&self, room: RoomId, archive: &mut Archive) -> Result<(), JobError> {
        archive.begin_list("messages.json")?;
        let mut after = Position::START;
        loop {
            let question = PageQuestion::all(Window::After(after), EXPORT_ROWS_PER_READ);
            let mut page = self.stores.messages.page(room, question).await?;
            clear_purged(&self.stores, &mut page).await?;
            for sequenced in &page {
                archive.item(&event(sequenced)?)?;
            }
            archive.keep().await?;
            let is_last = page.len() < EXPORT_ROWS_PER_READ;
            match page.last() {
                Some(last) if !is_last => after = last.position(),
                Some(_) | None => return archive.end_list(),
            }
        }
    }
}

fn settings(room: &Room) -> Value {
    json!({
        "room_id": room.id,
        "name": room.name.as_str(),
        "slug": room.slug,
        "description": room.description.as_str(),
        "topic": room.topic.as_str(),
        "kind": room.kind,
        "visibility": room.visibility,
        "join": room.join,
        "owner_id": room.owner,
        "retention_days": room.retention_days,
        "created_at": room.created_at,
        "expires_at": room.expires_at,
    })
}

fn event(sequenced: &SequencedEvent) -> Result<Value, JobError> {
    let broken = |error: serde_json::Error| JobError::Never(format!("an event: {error}"));
    let mut value = serde_json::to_value(&sequenced.event).map_err(broken)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("epoch".to_owned(), json!(sequenced.epoch));
        fields.insert("seq".to_owned(), json!(sequenced.seq));
        fields.insert("timestamp".to_owned(), json!(sequenced.timestamp));
    }
    Ok(value)
}
