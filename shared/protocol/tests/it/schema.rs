//! What the server sends outside of frames is described as it is.

use rookery_protocol::access::{RoomRole, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_protocol::presence::{PresenceView, Status, VisibleStatus};
use rookery_protocol::schema::sent;
use rookery_protocol::server::{EventFrame, ServerFrame};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::golden::{SERVER_FRAMES, read};

fn validator<T: JsonSchema>() -> jsonschema::Validator {
    let (schema, definitions) = sent::<T>();
    let whole = json!({"allOf": [schema], "components": {"schemas": definitions}});
    jsonschema::options().with_draft(jsonschema::Draft::Draft7).build(&whole).unwrap()
}

fn assert_described<T: JsonSchema + Serialize>(values: &[T]) {
    let validator = validator::<T>();
    for value in values {
        let value = serde_json::to_value(value).unwrap();
        assert!(validator.is_valid(&value), "{value}");
    }
    assert!(!validator.is_valid(&json!("surprise")), "the schema tells right from wrong");
}

#[test]
fn events_are_described_as_they_are() {
    let examples: Vec<Value> = read(SERVER_FRAMES);
    let frames = examples
        .into_iter()
        .map(|example| serde_json::from_value::<ServerFrame>(example["frame"].clone()));
    let events: Vec<EventFrame> = frames
        .filter_map(|frame| if let ServerFrame::Event(event) = frame.unwrap() { Some(event) } else { None })
        .collect();
    assert!(events.len() > 15, "{events:?}");
    assert_described(&events);
    let mut more = serde_json::to_value(&events[0]).unwrap();
    more["surprise"] = json!(1);
    assert!(!validator::<EventFrame>().is_valid(&more), "an event has no field that is not described");
}

#[test]
fn words_are_described_as_they_are() {
    assert_described(&[Visibility::Public, Visibility::Private]);
    assert_described(&[RoomRole::Owner, RoomRole::Moderator, RoomRole::Member]);
    assert_described(&[Status::Online, Status::Away, Status::Dnd]);
    let seen = |status, last_seen| PresenceView { user_id: UserId::generate(), status, text: None, last_seen };
    assert_described(&[
        seen(VisibleStatus::Online, None),
        seen(VisibleStatus::Away, None),
        seen(VisibleStatus::Dnd, None),
        seen(VisibleStatus::Offline, Some(UnixMillis(7))),
    ]);
}
