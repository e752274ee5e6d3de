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

/// What jobs need.
pub(super) const JOBS: &[Index] = &[
    // A job that is added again.
    index("jobs", "jobs_key", &["key"], Kind::Unique),
    // Jobs that are due, and those that are forgotten.
    index("jobs", "jobs_due", &["state", "due_at"], Kind::Plain),
    // The jobs of a state, oldest first.
    index("jobs", "jobs_state", &["state", "_id"], Kind::Plain),
    // Changes of a leased one, and of a dead one.
    index("jobs", "jobs_lease", &["_id", "lease", "state"], Kind::Plain),
    index("jobs", "jobs_dead", &["_id", "state"], Kind::Plain),
    // Those that go with an account.
    index("jobs", "jobs_about", &["about"], Kind::Sparse),
];

/// What accounts need beside logins.
pub(super) const ACCOUNTS: &[Index] = &[
    // Who runs the server.
    index("users", "users_role", &["role", "disabled"], Kind::Plain),
    // A change of name: one account, if it was not renamed lately.
    index("users", "users_renamed", &["_id", "renamed_at"], Kind::Plain),
    // What accounts are found by.
    index("user_keys", "user_keys_key", &["key", "user_id"], Kind::Unique),
    index("user_keys", "user_keys_user", &["user_id"], Kind::Plain),
    // Registrations by name and address, the changes of one, and those that have ended.
    index("registrations", "registrations_username", &["username_key", "_id"], Kind::Plain),
    index("registrations", "registrations_email", &["email_key", "_id"], Kind::Plain),
    index("registrations", "registrations_code", &["_id", "code_number", "attempts_left"], Kind::Plain),
    index("registrations", "registrations_expires", &["expires_at"], Kind::Plain),
    // Names that are kept: one of an owner, and those whose time is over.
    index("names", "names_owner", &["_id", "owner", "until"], Kind::Plain),
    index("names", "names_until", &["until"], Kind::Sparse),
    // Secrets that work once.
    index("one_time_tokens", "one_time_tokens_hash", &["hash"], Kind::Unique),
    index("one_time_tokens", "one_time_tokens_user", &["user_id", "purpose", "_id"], Kind::Plain),
    index("one_time_tokens", "one_time_tokens_expires", &["expires_at"], Kind::Plain),
    // A second factor, if no code of the step was taken.
    index("second_factors", "second_factors_step", &["_id", "last_step"], Kind::Plain),
    index("second_factors", "second_factors_recovery", &["_id", "recovery"], Kind::Plain),
    // Who has blocked whom, and by whom somebody is blocked.
    index("blocks", "blocks_by", &["by", "user_id"], Kind::Unique),
    index("blocks", "blocks_user", &["user_id"], Kind::Plain),
    // What staff have done, newest first, and what is forgotten of it.
    index("audit", "audit_actor", &["actor", "_id"], Kind::Plain),
    index("audit", "audit_action", &["action", "_id"], Kind::Plain),
    index("audit", "audit_room", &["room_id", "_id"], Kind::Plain),
    index("audit", "audit_actor_action", &["actor", "action", "_id"], Kind::Plain),
    index("audit", "audit_room_actor", &["room_id", "actor", "_id"], Kind::Plain),
    index("audit", "audit_room_action", &["room_id", "action", "_id"], Kind::Plain),
    index("audit", "audit_room_actor_action", &["room_id", "actor", "action", "_id"], Kind::Plain),
    index("audit", "audit_order", &["_id", "at"], Kind::Plain),
    index("audit", "audit_at", &["at"], Kind::Plain),
    // The settings, if nobody was faster.
    index("server_settings", "server_settings_version", &["_id", "version"], Kind::Plain),
    // Invites to the server.
    index("server_invites", "server_invites_hash", &["hash"], Kind::Unique),
    index("server_invites", "server_invites_order", &["_id", "created_at"], Kind::Plain),
    index("server_invites", "server_invites_left", &["hash", "left"], Kind::Plain),
    index("server_invites", "server_invites_uses", &["hash", "uses"], Kind::Plain),
    index("server_invites", "server_invites_expires", &["expires_at"], Kind::Sparse),
];

/// What erasures need.
pub(super) const ERASURES: &[Index] = &[
    // Events that bear somebody's name.
    index("messages", "messages_author", &["user_id", "room_id", "epoch", "seq"], Kind::Plain),
    index(
        "messages",
        "messages_member",
        &["member.user_id", "room_id", "epoch", "seq"],
        Kind::WithId("member.user_id"),
    ),
    // Names that are kept for an account, and what was decided against it.
    index("names", "names_of_owner", &["owner"], Kind::Plain),
    index("sanctions", "sanctions_user", &["user_id"], Kind::Plain),
    // Erasures that are not finished, and the end of one.
    index("erasures", "erasures_open", &["finished_at"], Kind::Plain),
    index("erasures", "erasures_end", &["_id", "finished_at"], Kind::Plain),
];

/// What copies of what is kept about people need.
pub(super) const EXPORTS: &[Index] = &[
    // The newest of a user.
    index("exports", "exports_user", &["user_id", "by", "_id"], Kind::Plain),
    // Those that have ended.
    index("exports", "exports_expires", &["expires_at"], Kind::Plain),
    // Their pieces.
    index("export_pieces", "export_pieces_number", &["export_id", "number"], Kind::Unique),
];

/// What inboxes need.
pub(super) const NOTICES: &[Index] = &[
    // An inbox, newest first; what of it was not read; what of that is about a room.
    index("notices", "notices_order", &["user_id", "place"], Kind::Plain),
    index("notices", "notices_unread", &["user_id", "read", "place"], Kind::Plain),
    index("notices", "notices_room", &["user_id", "room_id", "read", "said_at"], Kind::Plain),
    // One of a direct room, if what was said there is older.
    index("notices", "notices_said", &["_id", "said_at"], Kind::Plain),
    // Who of some has blocked somebody.
    index("blocks", "blocks_user_by", &["user_id", "by"], Kind::Plain),
    // Those that are forgotten, and those that go with who caused them.
    index("notices", "notices_at", &["at"], Kind::Plain),
    index("notices", "notices_by", &["by"], Kind::Sparse),
];

/// What the ends of rooms and lists of their members need.
pub(super) const ROOMS: &[Index] = &[
    // Rooms whose time is over, and rooms that wait to be erased.
    index("rooms", "rooms_expires", &["expires_at"], Kind::Sparse),
    index("rooms", "rooms_unerased", &["unerased_since"], Kind::Sparse),
    // The members with a role, in the order of joining.
    index("members", "members_role", &["room_id", "role", "joined_at", "user_id"], Kind::Plain),
    // Announcements of a room that is erased.
    index("outbox", "outbox_room", &["room_id"], Kind::Plain),
];

/// What invites to rooms and requests to be let in need.
pub(super) const JOINING: &[Index] = &[
    // An invite by its code, those of a room, and those of a member.
    index("room_invites", "room_invites_hash", &["hash"], Kind::Unique),
    index("room_invites", "room_invites_left", &["hash", "left"], Kind::Plain),
    index("room_invites", "room_invites_room", &["room_id", "_id"], Kind::Plain),
    index("room_invites", "room_invites_by", &["room_id", "by", "_id"], Kind::Plain),
    index("room_invites", "room_invites_expires", &["expires_at"], Kind::Sparse),
    // The request of a user in a room, in its state; the open ones of a room and of a user; those that are over.
    index("join_requests", "join_requests_room_user", &["room_id", "user_id"], Kind::Unique),
    index("join_requests", "join_requests_state", &["room_id", "user_id", "state"], Kind::Plain),
    index("join_requests", "join_requests_room", &["room_id", "state", "created_at", "user_id"], Kind::Plain),
    index("join_requests", "join_requests_user", &["user_id", "state", "created_at"], Kind::Plain),
    index("join_requests", "join_requests_decided", &["decided_at"], Kind::Sparse),
];

/// What reports of messages need.
pub(super) const REPORTS: &[Index] = &[
    // One of each user and message, and how many of a user wait.
    index("reports", "reports_once", &["reporter_id", "message_id"], Kind::Unique),
    index("reports", "reports_waiting", &["reporter_id", "state"], Kind::Plain),
    // Of whom they are.
    index("reports", "reports_author", &["author_id"], Kind::Plain),
    // Lists for staff and for those who keep order in a room.
    index("reports", "reports_state", &["state", "_id"], Kind::Plain),
    index("reports", "reports_room", &["room_id", "_id"], Kind::Plain),
    index("reports", "reports_room_state", &["room_id", "state", "_id"], Kind::Plain),
    index("reports", "reports_open", &["room_id", "staff_only", "_id"], Kind::Plain),
    index("reports", "reports_open_state", &["room_id", "staff_only", "state", "_id"], Kind::Plain),
    // One, if it is in the expected state and hands.
    index("reports", "reports_claim", &["_id", "state", "by"], Kind::Plain),
    index("reports", "reports_stale", &["_id", "state", "at"], Kind::Plain),
    // Those that are over.
    index("reports", "reports_resolved", &["resolved_at"], Kind::Sparse),
];

/// What purges need.
pub(super) const PURGES: &[Index] = &[
    // Those that hide something in a room, and those that are done.
    index("purges", "purges_hiding", &["room_id", "hides_until"], Kind::Plain),
    index("purges", "purges_done", &["hides_until"], Kind::Plain),
];

/// What the ends of messages and rooms need.
pub(super) const RETENTION: &[Index] = &[
    // What is kept of one message, and of one room.
    index("saved_messages", "saved_messages_message", &["message_id"], Kind::Plain),
    index("notices", "notices_of_room", &["room_id"], Kind::Sparse),
    // Rooms that have not ended, in the order of their ids, and the days of messages.
    index("rooms", "rooms_all", &["_id", "closed_at"], Kind::Plain),
    index("message_days", "message_days_order", &["_id", "messages"], Kind::Plain),
    // Sanctions whose time is over.
    index("sanctions", "sanctions_muted", &["muted_until"], Kind::Sparse),
    index("sanctions", "sanctions_banned", &["banned_until"], Kind::Sparse),
];

/// What receipts need.
pub(super) const RECEIPTS: &[Index] = &[
    // A mark, if it is to move on.
    index("members", "members_read", &["room_id", "user_id", "read"], Kind::Plain),
];

/// What public rooms are found by.
pub(super) const ROOM_INDEX: &[Index] = &[
    // Beginnings of words, most members first.
    index("room_index", "room_index_prefixes", &["prefixes", "place"], Kind::Plain),
];

/// What preferences and announcements need.
pub(super) const PREFERENCES: &[Index] = &[
    // What one user wants of one room, and of all.
    index("room_preferences", "room_preferences_place", &["user_id", "room_id"], Kind::Unique),
    // What some users want of one room.
    index("room_preferences", "room_preferences_room", &["room_id", "user_id"], Kind::Plain),
    // Announcements, newest first.
    index("server_announcements", "server_announcements_order", &["_id", "created_at"], Kind::Plain),
];

/// What threads and jumps in a history need.
pub(super) const THREADS: &[Index] = &[
    // The answers of a message that are not deleted, in the order of the history.
    index(
        "messages",
        "messages_replies",
        &["room_id", "reply_to", "epoch", "seq", "said_by"],
        Kind::WithId("reply_to"),
    ),
    // The first event since a time.
    index("messages", "messages_time", &["room_id", "timestamp", "epoch", "seq"], Kind::Plain),
    // The counts of a room.
    index("threads", "threads_room", &["room_id"], Kind::Plain),
    // A count, if nobody has counted meanwhile.
    index("threads", "threads_version", &["_id", "version"], Kind::Plain),
];

/// What saved messages need.
pub(super) const SAVED: &[Index] = &[
    // Those of a user, newest first, and those of a room.
    index("saved_messages", "saved_messages_order", &["user_id", "saved_at", "message_id"], Kind::Plain),
    index("saved_messages", "saved_messages_room", &["room_id"], Kind::Plain),
];

/// What pinned messages need.
pub(super) const PINS: &[Index] = &[
    // Those of a room, newest first, and one of a room.
    index("pins", "pins_order", &["room_id", "pinned_at", "_id"], Kind::Plain),
    index("pins", "pins_room", &["_id", "room_id"], Kind::Plain),
];

/// What the list of mentions needs.
pub(super) const MENTIONS: &[Index] = &[
    // Those of a name over all rooms, newest first.
    index("mentions", "mentions_time", &["name", "said_at", "message_id"], Kind::Plain),
];

/// What the index of messages by terms needs, and who keeps it.
pub(super) const SEARCH: &[Index] = &[
    // Events that wait for it.
    index("messages", "messages_unindexed", &["unindexed_since"], Kind::Sparse),
    // What has a term, newest first; and all of a room.
    index("search_entries", "search_entries_terms", &["room_id", "terms", "order"], Kind::Plain),
    // The guard of an entry: one document, if its text is older.
    index("search_entries", "search_entries_place", &["_id", "place"], Kind::Plain),
    index("search_building", "search_building_id", &["_id", "building"], Kind::Plain),
    index("leases", "leases_holder", &["_id", "holder"], Kind::Plain),
    index("leases", "leases_until", &["_id", "until"], Kind::Plain),
];

/// What messages need that are sent later.
pub(super) const SCHEDULES: &[Index] = &[
    // Those that are due, and those that are forgotten.
    index("schedules", "schedules_due", &["pending", "due_at"], Kind::Plain),
    // Those of a user, of a user in a room, and how many wait.
    index("schedules", "schedules_owner", &["owner_id", "_id"], Kind::Plain),
    index("schedules", "schedules_place", &["owner_id", "room_id", "_id"], Kind::Plain),
    index("schedules", "schedules_pending", &["owner_id", "pending"], Kind::Plain),
    // Those of a room.
    index("schedules", "schedules_room", &["room_id"], Kind::Plain),
    // Changes of one, if it is where it was.
    index("schedules", "schedules_state", &["_id", "state", "lease"], Kind::Plain),
];

/// What devices need that are pushed to.
pub(super) const PUSH: &[Index] = &[
    // Those of a user, newest first, and the end of one.
    index("push_subscriptions", "push_subscriptions_user", &["user_id", "created_at"], Kind::Plain),
    index("push_subscriptions", "push_subscriptions_own", &["_id", "user_id"], Kind::Plain),
    // What is on which device, by whose it is and by when it was put there.
    index("push_shown", "push_shown_user", &["user_id", "topic"], Kind::Plain),
    index("push_shown", "push_shown_at", &["subscription_id", "at"], Kind::Plain),
];

/// Rooms that have ended, by the address that they had and who ended them.
pub(super) const CLOSED_SLUGS: &[Index] =
    &[index("rooms", "rooms_closed_slug", &["closed_slug", "closed_by", "closed_at"], Kind::Sparse)];

/// A user's own requests in the order of their list, what one room has to announce, and what a try to send holds.
pub(super) const JOINING_LISTS: &[Index] = &[
    index("join_requests", "join_requests_own", &["user_id", "state", "created_at", "room_id"], Kind::Plain),
    index("outbox", "outbox_room_order", &["room_id", "order"], Kind::Plain),
    // What one try holds: a file of it, and all that it may give back.
    index("files", "files_try", &["_id", "state", "holder", "held_at"], Kind::Plain),
    index("files", "files_withdrawn", &["holder", "state", "held_at", "check_at"], Kind::Plain),
];

/// Answers to requests that are repeated.
pub(super) const KEPT_ANSWERS: &[Index] = &[
    // Changes of one, if it is as it was.
    index("kept_answers", "kept_answers_holder", &["_id", "holder", "answered"], Kind::Plain),
    // Those of a user, newest first, and those that are over.
    index("kept_answers", "kept_answers_user", &["user_id", "at"], Kind::Plain),
    index("kept_answers", "kept_answers_expires", &["expires_at"], Kind::Plain),
];

/// What is known of uploaded files.
pub(super) const FILES: &[Index] = &[
    // Those that are to be looked at.
    index("files", "files_due", &["check_at"], Kind::Sparse),
    // Those of a message, and of a room.
    index("files", "files_holder", &["holder", "state"], Kind::Plain),
    index("files", "files_room", &["room_id"], Kind::Sparse),
    // What those of a user take, in order, and those that belong to no message.
    index("files", "files_usage", &["owner_id", "bytes"], Kind::Plain),
    index("files", "files_owner", &["owner_id", "_id"], Kind::Plain),
    index("files", "files_unattached", &["owner_id", "attached", "state"], Kind::Plain),
    // Changes of one, if it is as it was.
    index("files", "files_state", &["_id", "state", "holder"], Kind::Plain),
    index("files", "files_free", &["_id", "holder", "state"], Kind::Plain),
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
