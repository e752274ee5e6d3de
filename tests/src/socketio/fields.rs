//! Fields of frames, and what events call them.

const NAMES: [(&str, &str); 4] =
    [("room", "chatroomId"), ("content", "message"), ("client_id", "clientId"), ("reply_to", "replyTo")];

/// A field by the name that events have for it.
pub(super) fn event_field(field: &str) -> &str {
    NAMES.iter().find(|(native, _)| *native == field).map_or(field, |(_, event)| *event)
}

/// A field by the name that frames have for it.
pub(super) fn native_field(field: &str) -> &str {
    NAMES.iter().find(|(_, event)| *event == field).map_or(field, |(native, _)| *native)
}
