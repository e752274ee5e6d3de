//! Events of the server as the frames that they stand for. A field that is not expected fails the test.

use serde_json::{Map, Value, json};

use super::fields::native_field;

/// What all events of a room have.
const PLACE: [(&str, &str); 4] =
    [("chatroomId", "room"), ("epoch", "epoch"), ("seq", "seq"), ("timestamp", "timestamp")];
const USER: [(&str, &str); 2] = [("userId", "user_id"), ("username", "username")];

/// The fields of one payload that nobody has asked for yet.
struct Fields<'a> {
    event: &'a str,
    left: Map<String, Value>,
    frame: Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn of(event: &'a str, payload: Value, kind: &str) -> Self {
        let Value::Object(left) = payload else { panic!("the payload of {event} is no object: {payload}") };
        let frame = Map::from_iter([("type".to_owned(), json!(kind))]);
        Self { event, left, frame }
    }

    fn take(&mut self, field: &str) -> Value {
        self.left
            .remove(field)
            .unwrap_or_else(|| panic!("{} has no {field}: {:?}", self.event, self.left))
    }

    fn with(mut self, names: &[(&str, &str)]) -> Self {
        for (field, native) in names {
            let value = self.take(field);
            self.frame.insert((*native).to_owned(), value);
        }
        self
    }

    fn with_if_there(mut self, names: &[(&str, &str)]) -> Self {
        for (field, native) in names {
            if let Some(value) = self.left.remove(*field) {
                self.frame.insert((*native).to_owned(), value);
            }
        }
        self
    }

    fn with_user(mut self) -> Self {
        let user: Map<String, Value> =
            USER.iter().map(|(field, native)| ((*native).to_owned(), self.take(field))).collect();
        self.frame.insert("user".to_owned(), user.into());
        self
    }

    fn with_actor(mut self) -> Self {
        if let Some(Value::Object(mut by)) = self.left.remove("by") {
            let actor = USER.map(|(field, native)| {
                let value = by.remove(field).unwrap_or_else(|| panic!("{} by nobody's {field}", self.event));
                (native.to_owned(), value)
            });
            assert!(by.is_empty(), "{} by more than somebody: {by:?}", self.event);
            self.frame.insert("by".to_owned(), Map::from_iter(actor).into());
        }
        self
    }

    fn done(self) -> Value {
        assert!(self.left.is_empty(), "{} has more fields than it may: {:?}", self.event, self.left);
        self.frame.into()
    }
}

/// The frame that an event stands for.
pub(super) fn frame_of(name: &str, mut payload: Value) -> Value {
    match name {
        "newMessage" => new_message(payload),
        "userJoined" => Fields::of(name, payload, "member_joined").with(&PLACE).with_user().with_actor().done(),
        "userLeft" => {
            let kind = match payload.as_object_mut().and_then(|fields| fields.remove("reason")) {
                Some(Value::String(reason)) if matches!(reason.as_str(), "left" | "kicked" | "banned") => reason,
                reason => panic!("{name} for {reason:?}: {payload}"),
            };
            let fields = Fields::of(name, payload, &format!("member_{kind}")).with(&PLACE).with_user().with_actor();
            let frame = fields.done();
            assert_eq!(frame.get("by").is_some(), kind != "left", "{frame}");
            frame
        }
        "messageEdited" => {
            let fields = Fields::of(name, payload, "message_edited").with(&PLACE).with_user();
            fields.with(&[("messageId", "message_id"), ("message", "content")]).done()
        }
        "messageDeleted" => {
            let fields = Fields::of(name, payload, "message_deleted").with(&PLACE).with_user();
            fields.with(&[("messageId", "message_id")]).done()
        }
        "reaction" => reaction(payload),
        "typing" => Fields::of(name, payload, "typing").with(&PLACE[..1]).with_user().done(),
        "read" => {
            let fields = Fields::of(name, payload, "read").with(&PLACE[..3]);
            fields.with(&[("unread", "unread"), ("mentions", "mentions")]).done()
        }
        "presence" => {
            let fields = Fields::of(name, payload, "presence").with(&[("userId", "user_id"), ("status", "status")]);
            fields.with_if_there(&[("text", "text"), ("lastSeen", "last_seen")]).done()
        }
        "roomGap" => Fields::of(name, payload, "gap")
            .with(&PLACE[..2])
            .with(&[("from", "from"), ("to", "to")])
            .done(),
        "roomReset" => {
            let fields = Fields::of(name, payload, "reset").with(&PLACE[..2]).with(&[("seq", "head")]);
            fields.with_if_there(&[("survived", "survived")]).done()
        }
        "error" => error(payload),
        "reconnectSoon" => Fields::of(name, payload, "reconnect").with(&[("afterMs", "after_ms")]).done(),
        "frame" => payload,
        _ => panic!("an event that is not in the documents: {name} {payload}"),
    }
}

fn new_message(payload: Value) -> Value {
    let mut fields = Fields::of("newMessage", payload, "new_message");
    let mut message = Map::from_iter([
        ("attachments".to_owned(), json!([])),
        ("reply_to".to_owned(), fields.left.remove("replyTo").unwrap_or_default()),
    ]);
    let inner = [
        ("messageId", "message_id"),
        ("message", "content"),
        ("clientId", "client_id"),
        ("timestamp", "timestamp"),
    ];
    for (field, native) in USER.into_iter().chain(inner) {
        message.insert(native.to_owned(), fields.take(field));
    }
    fields.frame.insert("message".to_owned(), message.into());
    fields.with(&PLACE[..3]).done()
}

fn reaction(mut payload: Value) -> Value {
    let kind = match payload.as_object_mut().and_then(|fields| fields.remove("added")) {
        Some(Value::Bool(true)) => "reaction_added",
        Some(Value::Bool(false)) => "reaction_removed",
        added => panic!("a reaction that is {added:?}: {payload}"),
    };
    let fields = Fields::of("reaction", payload, kind).with(&PLACE).with_user();
    fields.with(&[("messageId", "message_id"), ("emoji", "emoji")]).done()
}

/// The `error` frame of a failure, by whatever way it is told.
pub(super) fn error(payload: Value) -> Value {
    let fields = Fields::of("error", payload, "error").with(&[("code", "code"), ("message", "message")]);
    let optional = [("field", "field"), ("chatroomId", "room"), ("retryAfterMs", "retry_after_ms")];
    let mut frame = fields.with_if_there(&optional).done();
    if let Some(field) = frame["field"].as_str().map(native_field) {
        frame["field"] = json!(field);
    }
    frame
}

/// The `error` frame of a namespace that may not be entered.
pub(super) fn refusal(mut refused: Value) -> Value {
    let Some(fields) = refused.as_object_mut() else { panic!("no refusal: {refused}") };
    let (message, data) = (fields.remove("message"), fields.remove("data"));
    assert!(fields.is_empty(), "more than it may say: {fields:?}");
    let data = data.unwrap_or_else(|| panic!("a refusal has a code: {message:?}"));
    assert_eq!(message.as_ref(), data.get("message"), "one refusal, one sentence");
    error(data)
}
