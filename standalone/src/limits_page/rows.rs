//! What happens beyond each bound that somebody outside can meet.

use super::{DisplayBound, Row};

/// The bounds of every crate that one process is made of.
mod limits {
    pub(super) use rookery_api::limits::*;
    pub(super) use rookery_bus::limits::*;
    pub(super) use rookery_gateway::limits::*;
    pub(super) use rookery_media::limits::*;
    pub(super) use rookery_protocol::limits::*;
    pub(super) use rookery_runtime::limits::*;
    pub(super) use rookery_store::limits::*;
}

macro_rules! rows {
    ($($name:ident: $beyond:literal $(as $label:literal)?;)+) => {
        &[$(Row {
            name: stringify!($name),
            value: || limits::$name.display(),
            beyond: $beyond,
            label: concat!($($label)?),
        },)+]
    };
}

/// Bounds that are settings: key, what happens, label.
pub(super) const CHOSEN: [(&str, &str, &str); 27] = [
    ("limit_user_commands", "`rate_limited`; status 429", "user_commands"),
    ("limit_user_connects", "`rate_limited`, then 1013", "user_connects"),
    ("limit_address_connects", "status 429", "address_connects"),
    ("limit_address_requests", "status 429", "address_requests"),
    ("limit_address_logins", "status 429", "address_logins"),
    ("limit_address_registrations", "status 429", "address_registrations"),
    ("limit_account_logins", "status 429", "account_logins"),
    ("limit_address_refreshes", "status 429", "address_refreshes"),
    ("limit_address_files", "status 429", "address_files"),
    ("limit_account_registrations", "status 429", "account_registrations"),
    ("limit_session_refreshes", "status 429", "session_refreshes"),
    ("limit_recipient_mails", "the mail is not sent", "recipient_mails"),
    ("limit_recipient_repeats", "the mail is not sent", "recipient_repeats"),
    ("limit_account_codes", "status 429", "account_codes"),
    ("limit_user_directs", "status 429", "user_directs"),
    ("limit_user_room_passwords", "status 429", "user_room_passwords"),
    ("limit_room_passwords", "status 429", "room_passwords"),
    ("file_bytes_max", "`file_too_large`", ""),
    ("user_quota_bytes", "`quota_exceeded`", "quota"),
    ("send_burst", "`rate_limited`; status 429", "pace"),
    ("send_interval_ms", "`rate_limited`; status 429", "pace"),
    ("user_sockets_max", "4410 for the oldest", "user_sockets"),
    ("pending_sockets_max", "status 429", "pending_sockets"),
    ("connections_max", "status 503", "connections"),
    ("accepts_per_second", "status 503", "accepts"),
    ("address_connections_max", "status 429", "address_connections"),
    ("address_accepts_per_second", "status 429", "address_accepts"),
];

/// Bounds that are constants, in any order.
pub(super) const ROWS: &[Row] = rows! {
    FRAME_BYTES_MAX: "1009" as "frame";
    CONTENT_CHARS_MAX: "`content_too_long`" as "content";
    CONTENT_BYTES_MAX: "`content_too_long`" as "content";
    CLIENT_ID_BYTES_MAX: "`bad_field`";
    SLUG_BYTES_MAX: "`bad_field`";
    ROOMS_PER_FRAME_MAX: "`bad_field`";
    ROOMS_PER_CONNECTION_MAX: "`too_many_rooms`" as "rooms";
    BAD_FRAMES_PER_MINUTE_MAX: "1008" as "bad_frames";
    TOKEN_BYTES_MAX: "4401; status 401";
    EMOJI_CHARS_MAX: "`bad_field`";
    EMOJI_BYTES_MAX: "`bad_field`";
    REACTIONS_PER_MESSAGE_MAX: "`too_many_reactions`" as "reactions";
    REACTION_USERS_MAX: "counted; listed by pages";
    REPLIERS_SHOWN_MAX: "counted; listed by pages";
    REPLIES_COUNTED_MAX: "10,000 is shown; the pages have them all";
    PINS_MAX: "`too_many_pins`" as "pins";
    SAVED_MAX: "`too_many_saved`" as "saved";
    EDITS_SHOWN_MAX: "older ones are kept, not shown";
    AUTH_DEADLINE: "4401";
    HEARTBEAT_DEADLINE: "4408" as "heartbeat";
    WRITE_DEADLINE: "4508" as "send_queue";
    HEAD_DEADLINE: "closed without a word";
    IDLE_DEADLINE: "closed";
    ANSWER_DEADLINE: "reset" as "answer";
    ANSWER_BYTES_PER_SECOND_MIN: "reset" as "answer";
    DRAIN_BYTES_MAX: "`Connection: close` with the answer";
    DRAIN_WAIT: "`Connection: close` with the answer";
    LINGER_BYTES_MAX: "closed, and the answer may be lost";
    LINGER_DEADLINE: "closed, and the answer may be lost";
    ACCESS_TOKEN_LIFE: "4401; status 401";
    REFRESH_TOKEN_LIFE: "`bad_refresh_token`";
    SESSION_LIFE_MAX: "`bad_refresh_token`";
    SESSIONS_PER_USER_MAX: "4409 for the oldest" as "user_sessions";
    REFRESHES_AT_ONCE_MAX: "`rate_limited`; status 429" as "pace";
    SESSIONS_WAITING_MAX: "`unavailable`, then 1013";
    STORED_WAIT: "status 202 instead of 201";
    HEAD_BYTES_MAX: "status 431";
    HEADERS_MAX: "status 431";
    BODY_BYTES_MAX: "`body_too_large`" as "body";
    SEND_QUEUE_BYTES_MAX: "4508" as "send_queue";
    SEND_QUEUE_FRAMES_MAX: "4508" as "send_queue";
    COMMANDS_QUEUED_MAX: "the socket is not read meanwhile";
    ACKS_PENDING_PER_CONNECTION_MAX: "`overloaded`" as "overloaded";
    TAIL_EVENTS_MAX: "read from history";
    RESUME_EVENTS_MAX: "`gap`";
    ROOM_EPOCHS_MAX: "`reset` without `survived`";
    LOG_ENTRIES_MAX: "`overloaded`" as "overloaded";
    BUS_COMMAND_DEADLINE: "`unavailable`";
    STORE_DEADLINE: "`unavailable`";
    STORE_CALLS_MAX: "`unavailable`";
    REQUEST_DEADLINE: "`request_timeout`" as "request_deadline";
    PASSWORD_WAIT: "`overloaded`" as "overloaded";
    PASSWORDS_PER_ADDRESS_MAX: "`overloaded`" as "overloaded";
    PASSWORDS_WAITING_MAX: "`overloaded`" as "overloaded";
    STORED_WAITS_MAX: "status 202 instead of 201";
    ROOMS_OF_USER_MAX: "the rest is not listed";
    JOURNAL_QUEUE_MAX: "`overloaded`" as "overloaded";
    SEND_QUEUE_BEHIND_BYTES: "caught up by number, later";
    SEND_QUEUE_BEHIND_FRAMES: "caught up by number, later";
    FRAGMENTS_MAX: "1009" as "frame";
    AUTHORITY_DEADLINE: "`unavailable`";
    ROOM_OPEN_DEADLINE: "`unavailable`";
    FRAMES_PER_SECOND_MAX: "4429" as "flood";
    FRAMES_BURST_MAX: "4429" as "flood";
    SOCKETIO_ACKS_MAX: "`overloaded`";
    SOCKETIO_ACK_ID_MAX: "`bad_field`";
    SOCKETIO_EVENT_ARGUMENTS_MAX: "`bad_field`";
    SOCKETIO_NAMESPACE_CHARS_MAX: "cut";
    POLLING_CONNECTIONS_MAX: "status 503" as "polling_connections";
    POLLING_WRITTEN_BYTES: "the send queue grows";
    POLLING_ANSWER_BYTES_MAX: "the next answer has the rest";
    POLLING_BODY_DEADLINE: "status 400";
    POLLING_UPGRADE_DEADLINE: "the connection goes on by long-polling";
    BYTES_PER_SECOND_MAX: "4429" as "flood";
    BYTES_BURST_MAX: "4429" as "flood";
    SLOW_MODE_MS_MAX: "`bad_field`; inside a room's slow mode `slow_mode`" as "slow_mode";
    ROOM_LIFE_S_MIN: "`bad_field`";
    ROOM_LIFE_S_MAX: "`bad_field`";
    RETENTION_DAYS_MAX: "the process does not start; `bad_field`";
    ROOM_MEMBERS_MAX_MAX: "`bad_field`";
    SEND_BURST_MAX: "the process does not start";
    SEND_INTERVAL_MS_MAX: "the process does not start";
    QUOTA_BURST_MAX: "the process does not start";
    CONNECTIONS_MAX_MAX: "the process does not start";
    ACCESS_TOKEN_SECONDS_MIN: "the process does not start";
    HEALTH_DEADLINE: "the command fails";
    DOCTOR_DEADLINE: "it is an error of the deployment";
    PROBE_ANSWER_BYTES_MAX: "the command fails";
    SIGNING_KEYS_MAX: "the command is refused; the process does not start";
    SIGNING_KEY_NAME_BYTES_MAX: "the command is refused";
    ACCEPTS_PER_SECOND_MAX: "the process does not start";
    SOCKETS_MAX_MAX: "the process does not start";
    DRAIN_MS_MAX: "the process does not start";
    QUOTA_INTERVAL_MS_MAX: "the process does not start";
    QUOTA_LEASE_MAX: "the next lease is asked for";
    QUOTA_WAIT: "the node counts alone, with its part of the limit";
    QUOTA_NODES_UNKNOWN: "as many as there are, once that is known";
    PROXY_HOPS_MAX: "the last address that was looked at counts";
    DESCRIPTORS_KEPT: "status 503" as "descriptors";
    REFUSALS_AT_ONCE: "closed without a word";
    TOKEN_WARNING: "`token_expiring` is sent";
    ACCESS_TOKEN_LIFE_MAX: "the process does not start";
    REFRESH_TOKEN_DAYS_MAX: "the process does not start";
    VERIFICATION_MINUTES_MAX: "the process does not start; `bad_field`";
    CODE_ATTEMPTS_MAX: "`code_invalid`";
    REGISTRATION_LIFE: "the name is free again";
    RECOVERY_LIFE: "`token_invalid`";
    RECOVERIES_MAX: "`token_invalid` for the oldest";
    EMAIL_CONFIRM_LIFE: "`token_invalid`";
    EMAIL_UNDO_LIFE: "`token_invalid`";
    IDEMPOTENCY_KEY_BYTES_MAX: "`bad_field`";
    KEY_KEPT: "the key is free again";
    IDEMPOTENCY_KEYS_MAX: "the oldest are free again";
    KEY_WAIT: "`unavailable`";
    NOTICES_PER_USER_MAX: "the oldest are erased";
    NOTICE_KEPT: "it is erased";
    PUSH_SUBSCRIPTIONS_MAX: "the oldest is forgotten";
    PUSH_TTL: "the push is dropped; the inbox has the notice";
    PUSH_SNIPPET_CHARS: "the rest is left out";
    OUTGOING_URL_BYTES_MAX: "`bad_field`";
    BACKGROUND_COUNTS_INTERVAL: "counts are told so often in the background";
    RECEIPT_MEMBERS_MAX: "nobody is listed, and no `read_by` is sent";
    AVATAR_BYTES_MAX: "`file_too_large`";
    FILTER_BYTES_MAX: "`body_too_large`";
    FILTER_WORDS_MAX: "`bad_field`";
    FILTER_WORD_CHARS_MAX: "`bad_field`";
    FILTER_POLL_INTERVAL: "a change of the server's word filter holds";
    FILTERS_REMEMBERED_MAX: "the filter is asked for again";
    PICTURE_SIDE_MAX: "`bad_image`";
    PICTURE_PIXELS_MAX: "`bad_image`";
    ANIMATION_FRAMES_MAX: "`bad_image`";
    ANIMATION_PIXELS_MAX: "`bad_image`";
    PICTURE_MEMORY_MAX: "`bad_image`";
    PICTURES_WAITING_MAX: "`overloaded`";
    PICTURE_WAIT: "`overloaded`";
    PICTURE_BYTES_MAX: "`file_too_large`";
    DISK_FREE_MIN_PERCENT: "`storage_full`";
    ATTACHMENTS_MAX: "`bad_field`";
    FILE_NAME_CHARS_MAX: "the name is cut";
    UPLOAD_IDLE: "`request_timeout`";
    UPLOAD_DEADLINE: "`request_timeout`";
    UPLOADS_PER_USER_MAX: "`too_many_uploads`" as "uploads";
    UPLOADS_MAX: "`too_many_uploads`" as "uploads";
    FILES_PER_USER_MAX: "`quota_exceeded`" as "quota";
    JOIN_REQUESTS_PER_ROOM_MAX: "`too_many_join_requests`";
    FILE_BYTES_MAX_MAX: "the process does not start; `bad_field`";
    USER_QUOTA_BYTES_MAX: "the process does not start; `bad_field`";
    FILE_UNATTACHED_KEPT: "it is erased";
    FILE_CLAIM_HOLDS: "another message may have the file";
    FILE_LINK_LIFE: "`not_found`";
    FILE_LINKS_MAX: "`bad_field`";
    SCANS_AT_ONCE: "`overloaded`";
    SCAN_WAIT: "`overloaded`";
    SCAN_DEADLINE: "`unavailable`";
    TICKET_LIFE: "4401";
    TICKETS_KEPT_MAX: "1013";
    RENAME_INTERVAL: "`rate_limited`; status 429" as "pace";
    OLD_NAME_KEPT: "the name is free again";
    INVITE_SECONDS_MAX: "`bad_field`";
    INVITE_USES_MAX: "`bad_field`";
    JOB_ATTEMPTS_MAX: "the job is dead";
    JOB_DEADLINE: "the job comes again";
    JOB_DEAD_KEPT: "the job is erased";
    AUDIT_KEPT: "the entry is erased";
    REPORTS_OF_USER_MAX: "`rate_limited`; status 429" as "pace";
    MODERATED_ROOMS_MAX: "reports of further rooms are listed by `room` for staff alone";
    REPORT_CLAIM_LIFE: "somebody else may take it up";
    REPORT_KEPT: "it is erased";
    PURGED_COUNTED_MAX: "10,000 is shown; all are removed";
    RETENTION_INTERVAL: "what is too old is erased";
    SANCTIONS_OVER_INTERVAL: "the end of a mute or a ban is told";
    QUERY_CHARS_MAX: "`bad_query`";
    QUERY_TERMS_MAX: "`bad_query`";
    TERM_CHARS_MAX: "words that differ only after that are one";
    HIGHLIGHTS_MAX: "the first ones are shown";
    SEARCH_PAGE_TIME: "the page is short and has a `next_cursor`";
    SCHEDULE_AHEAD_MIN: "`bad_field`";
    SCHEDULE_AHEAD_MAX: "`bad_field`";
    SCHEDULES_PENDING_MAX: "`too_many_scheduled`" as "scheduled";
    SCHEDULE_LATE_MAX: "`state` is `failed`";
    SCHEDULE_KEPT: "the record is erased";
    ADMIN_SEARCH_ROWS_MAX: "the page is short and has a `next_cursor`";
    SEED_USERS_MAX: "the command is refused";
    SEED_ROOMS_MAX: "the command is refused";
    SEED_ROOMS_PER_USER_MAX: "the command is refused";
    SEED_GATEWAYS_MAX: "the command is refused";
    SEED_TOKEN_LIFE_MAX: "the command is refused";
};
