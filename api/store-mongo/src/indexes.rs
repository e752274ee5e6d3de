//! Every index and the question it answers. Lookups by id use the index that each collection has of itself.

use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;

use crate::fields::key;

/// One index.
pub(super) struct Index {
    /// Its collection.
    pub(super) collection: &'static str,
    /// Its name in the collection.
    pub(super) name: &'static str,
    fields: &'static [&'static str],
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Unique,
    /// Unique among the documents that have a text in the field.
    UniqueText(&'static str),
    /// Of the documents that have the field.
    Sparse,
    /// Of the documents that have an id in the field.
    WithId(&'static str),
}

/// What the first release needs.
pub(super) const START: &[Index] = &[
    // Login and registration.
    index("users", "users_username_key", &["username_key"], Kind::Unique),
    index("users", "users_email_key", &["email_key"], Kind::Unique),
    // A refresh token.
    index("sessions", "sessions_lookup", &["lookup"], Kind::Unique),
    // Rotation and revocation: one session, if it is in the expected state.
    index("sessions", "sessions_state", &["_id", "revoked_at", "current"], Kind::Plain),
    // A room by its readable address, and the list of public rooms.
    index("rooms", "rooms_slug", &["slug"], Kind::UniqueText("slug")),
    index("rooms", "rooms_visibility", &["visibility", "_id"], Kind::Plain),
    // One user in one room, the members of a room, the rooms of a user.
    index("members", "members_room_user", &["room_id", "user_id"], Kind::Unique),
    index("members", "members_user", &["user_id", "joined_at", "room_id"], Kind::Plain),
    // Announcements in order.
    index("outbox", "outbox_order", &["order", "_id"], Kind::Plain),
    // Pages of a history, and the largest number of a room in any epoch.
    index("messages", "messages_place", &["room_id", "epoch", "seq"], Kind::Unique),
    index("messages", "messages_seq", &["room_id", "seq"], Kind::Plain),
];

/// Indexes for changes of messages. The states of messages are found by their ids.
pub(super) const ACTS: &[Index] = &[
    // The edits of a message.
    index("messages", "messages_edits", &["edit_of"], Kind::Sparse),
    // The guards of changes: one document, if what is known is older.
    index("message_states", "message_states_place", &["_id", "place"], Kind::Plain),
    index("reactions", "reactions_place", &["_id", "place"], Kind::Plain),
    // The reactions to a message.
    index("reactions", "reactions_message", &["message_id"], Kind::Plain),
];

/// Indexes for moderation and for the end of sessions.
pub(super) const RIGHTS: &[Index] = &[
    // What was decided against one user in one room.
    index("sanctions", "sanctions_room_user", &["room_id", "user_id"], Kind::Unique),
    // All sessions of a user that are not revoked.
    index("sessions", "sessions_user", &["user_id", "revoked_at"], Kind::Plain),
];

/// What the list of members needs.
pub(super) const LIMITS: &[Index] = &[
    // The members of a room, in the order of joining.
    index("members", "members_room_joined", &["room_id", "joined_at", "user_id"], Kind::Plain),
];

/// What unread counts need. Marks are part of the members.
pub(super) const UNREAD: &[Index] = &[
    // The marks of one user in some rooms.
    index("members", "members_user_room", &["user_id", "room_id"], Kind::Plain),
    // The messages of a part of a room's history that count, and whose they are.
    index("messages", "messages_unread", &["room_id", "epoch", "seq", "said_by"], Kind::WithId("said_by")),
    // Those that mention a name, and all names of a message.
    index("mentions", "mentions_name", &["name", "room_id", "epoch", "seq"], Kind::Plain),
    index("mentions", "mentions_message", &["message_id"], Kind::Plain),
];

/// What the look for changes needs.
pub(super) const CHANGES: &[Index] = &[
    // Sessions that were revoked lately.
    index("sessions", "sessions_revoked", &["revoked_at"], Kind::Plain),
    // Rooms whose rights changed lately.
    index("rooms", "rooms_announced", &["announced"], Kind::Plain),
];

/// What pages of a history need that count messages, and reactions of many users.
pub(super) const HISTORY: &[Index] = &[
    // The timeline of a room: changes of messages are part of the messages.
    index("messages", "messages_shown", &["room_id", "is_act", "epoch", "seq"], Kind::Plain),
    // Who has a reaction, in the order of reacting.
    index("reactions", "reactions_users", &["message_id", "emoji", "active", "place"], Kind::Plain),
    // Reactions that were taken back.
    index("reactions", "reactions_taken_back", &["taken_back_at"], Kind::Sparse),
    // Forgetting those: by id, if nobody has given it again.
    index("reactions", "reactions_state", &["_id", "taken_back_at"], Kind::Plain),
];

/// What names need.
pub(super) const NAMES: &[Index] = &[
    // The name of a public room.
    index("rooms", "rooms_name_key", &["name_key"], Kind::UniqueText("name_key")),
];

/// What forgetting sessions needs; those that were revoked are found as changes are.
pub(super) const SESSIONS: &[Index] = &[
    // Sessions that have ended by themselves.
    index("sessions", "sessions_expires", &["expires_at"], Kind::Plain),
];

/// What epochs need that do not follow each other.
pub(super) const EPOCHS: &[Index] = &[
    // The next one: one partition, if nobody was faster.
    index("epochs", "epochs_counter", &["_id", "epoch"], Kind::Plain),
];

const fn index(collection: &'static str, name: &'static str, fields: &'static [&'static str], kind: Kind) -> Index {
    Index { collection, name, fields, kind }
}

impl Index {
    /// The index as the driver wants it.
    pub(super) fn model(&self) -> IndexModel {
        let keys: Document = self.fields.iter().map(|field| ((*field).to_owned(), 1.into())).collect();
        let mut options = IndexOptions::builder().name(self.name.to_owned()).build();
        match self.kind {
            Kind::Plain => {}
            Kind::Sparse => options.sparse = Some(true),
            Kind::Unique => options.unique = Some(true),
            Kind::UniqueText(field) => {
                options.unique = Some(true);
                // A bound, because every planner sees that an equality implies it.
                options.partial_filter_expression = Some(doc! { field: { "$gt": "" } });
            }
            Kind::WithId(field) => {
                options.partial_filter_expression = Some(doc! { field: { "$gt": key(uuid::Uuid::nil()) } });
            }
        }
        IndexModel::builder().keys(keys).options(options).build()
    }
}
