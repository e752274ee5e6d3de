//! Bounds of this crate, each with its unit and its reason.

use std::time::Duration;

// --- time ------------------------------------------------------------------------------------

/// How long a REST send waits for "stored" before it answers 202 instead of 201.
pub const STORED_WAIT: Duration = Duration::from_secs(5);

// --- api -------------------------------------------------------------------------------------

/// A REST request that takes longer is logged.
pub const SLOW_REQUEST: Duration = Duration::from_secs(1);
/// From the head of a REST request to its answer, the body included.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// How long a password waits for a free processor before the answer is `overloaded`.
pub const PASSWORD_WAIT: Duration = Duration::from_secs(1);
/// How long a join or leave waits for its announcement to reach the bus; after that it follows by itself.
pub const ANNOUNCE_WAIT: Duration = Duration::from_secs(2);
/// How long the end of a session waits for its push; gateways find it by asking, too.
pub const REVOKE_PUSH_WAIT: Duration = Duration::from_secs(1);
/// Between two looks for announcements that did not reach the bus.
pub const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(1);
/// Announcements that are read from the store at once.
pub const ANNOUNCE_BATCH_MAX: usize = 100;
/// Announcements of one room that are read for what is left to carry.
pub const ANNOUNCED_IN_ROOM_MAX: usize = 2_000;
/// Members that are read at once of a room that ends.
pub const ENDED_MEMBERS_PAGE: usize = 1_000;
/// Members of a room that has ended who are told of it at the same time.
pub const ENDED_MEMBERS_AT_ONCE: usize = 16;
/// REST sends of one process that wait for "stored"; beyond it they are answered 202 at once.
pub const STORED_WAITS_MAX: usize = 10_000;
/// Between two looks at the stored marks while a send waits, in case a signal was lost.
pub const STORED_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long a new epoch waits for writes of the one before that are under way.
pub const ROOM_OPEN_WAIT: Duration = Duration::from_secs(3);
/// Rooms that are being opened of which a process remembers it, so that one call serves all who wait.
pub const ROOMS_OPENING_MAX: u64 = 10_000;
/// How long an admin who looks a message up waits for nodes to say where they stand, and how often is looked.
pub const NODE_HEADS_WAIT: Duration = Duration::from_millis(500);
/// See [`NODE_HEADS_WAIT`].
pub const NODE_HEADS_PAUSE: Duration = Duration::from_millis(25);
/// How long a page of history waits for the bus before it is served from the store alone.
pub const HISTORY_BUS_WAIT: Duration = Duration::from_secs(1);

// --- gateway ---------------------------------------------------------------------------------

/// Bytes of such events, unless the first alone is larger; the gateway asks again for the rest.
pub const EVENTS_BYTES_MAX: usize = 512 * 1024;
/// Different reads of missed events that are under way in one api process.
pub const EVENT_READS_MAX: u64 = 1_024;
/// How far before the last answer the next one begins: clocks of apis may differ, and changes take a while.
pub const CHANGES_OVERLAP: Duration = Duration::from_secs(30);
/// Sessions, and rooms, that one answer names as changed; where there are more, all that are here are asked about.
pub const CHANGES_PER_READ_MAX: usize = 1_000;
/// Different pages of histories that one api process reads at the same time. More at once are not read sooner: a database
/// that has too much in hand answers nothing in time, and is asked again.
pub const HISTORY_READS_MAX: usize = 8;
/// How long a page waits for its turn before it is refused.
pub const HISTORY_READ_WAIT: Duration = Duration::from_secs(2);
/// Bytes of one such call.
pub const AUTHORIZE_BYTES_MAX: usize = 512 * 1024;
/// What users are in rooms, as an api remembers it; it is believed as long as the room's version is the same.
pub const STANDINGS_MAX: u64 = 200_000;
/// How long it is remembered after it was last asked for.
pub const STANDINGS_LIFE: Duration = Duration::from_hours(1);
/// Users that a search for members looks at together.
pub const MEMBER_SEARCH_PAGE: usize = 200;
/// So often a search for members looks for more before the page is short.
pub const MEMBER_SEARCH_PAGES_MAX: usize = 10;
/// Between two looks for rooms whose time is over.
pub const ROOM_EXPIRY_INTERVAL: Duration = Duration::from_secs(1);
/// Rooms that are ended at a time.
pub const ROOMS_PER_EXPIRY: usize = 100;
/// Between two looks for rooms that are to be erased.
pub const ROOM_ERASURE_INTERVAL: Duration = Duration::from_secs(5);
/// After so long a room that has ended is erased: whatever was still being written is stored by then.
pub const ROOM_ERASED_AFTER: Duration = Duration::from_secs(25);
/// Rooms that are erased at a time.
pub const ROOMS_PER_ERASURE: usize = 20;
/// Events of a room that are erased at once.
pub const ROOM_ERASURE_PIECE: usize = 500;
/// Longest slow mode of a room, in milliseconds: 6 hours.
pub const SLOW_MODE_MS_MAX: u64 = 6 * 60 * 60 * 1_000;
/// Shortest life of a temporary room, in seconds.
pub const ROOM_LIFE_S_MIN: u64 = 60;
/// Longest life of a temporary room, in seconds: 366 days.
pub const ROOM_LIFE_S_MAX: u64 = 366 * 24 * 60 * 60;
/// Days after which the messages of a room may be erased, at most.
pub const RETENTION_DAYS_MAX: u64 = 36_500;
/// Members that a room may be limited to, at most.
pub const ROOM_MEMBERS_MAX_MAX: u64 = 1_000_000;

/// Requests to join one room that wait.
pub const JOIN_REQUESTS_PER_ROOM_MAX: usize = 100;
/// When somebody may ask again who was not let in.
pub const JOIN_AGAIN_AFTER: Duration = Duration::from_hours(24);
/// Moderators of one room, and owners, who are told of a request to join.
pub const MODERATORS_TOLD_MAX: usize = 100;
/// Others in a group that somebody makes by naming them, at least.
pub const GROUP_OTHERS_MIN: usize = 2;
/// The same, at most.
pub const GROUP_OTHERS_MAX: usize = 9;

// --- what is done to messages ----------------------------------------------------------------

/// Versions of one message that its history of edits shows, the newest ones.
pub const EDITS_SHOWN_MAX: usize = 100;
/// How long the store remembers that a reaction was taken back, so that an older change that arrives late does not count.
pub const TAKEN_BACK_KEPT: Duration = Duration::from_mins(10);
/// Between two times that such rows are forgotten.
pub const SWEEP_INTERVAL: Duration = Duration::from_mins(1);
/// Rows that are forgotten at a time.
pub const SWEEP_ROWS_MAX: usize = 10_000;
/// Random numbers that are tried behind the slug of a new room when the small ones are taken.
pub const SLUG_TRIES: usize = 8;

// --- saved and pinned messages ---------------------------------------------------------------

/// Messages that one room may have pinned.
pub const PINS_MAX: usize = 100;
/// Messages that one user may have saved.
pub const SAVED_MAX: usize = 1_000;

// --- load tests ------------------------------------------------------------------------------

/// Accounts that one `seed` makes.
pub const SEED_USERS_MAX: usize = 100_000;
/// Rooms that one `seed` makes.
pub const SEED_ROOMS_MAX: usize = 100_000;
/// Rooms of one such account.
pub const SEED_ROOMS_PER_USER_MAX: usize = 200;
/// Gateways over which the accounts of one `seed` are spread.
pub const SEED_GATEWAYS_MAX: usize = 64;
/// Longest life of a token that `seed` prints.
pub const SEED_TOKEN_LIFE_MAX: Duration = Duration::from_hours(24);

// --- passwords -------------------------------------------------------------------------------

/// Passwords from one address that wait for a processor.
pub const PASSWORDS_PER_ADDRESS_MAX: usize = 8;
/// Passwords of one process that wait for a processor.
pub const PASSWORDS_WAITING_MAX: usize = 1_000;
/// What a password costs the address that it comes from, unless it was the right one: whoever owes more has its turn later.
pub const PASSWORD_COST: Duration = Duration::from_secs(10);
/// The most that an address can owe for passwords.
pub const PASSWORD_DEBT_MAX: Duration = Duration::from_mins(10);
/// Addresses of which a process remembers what they owe for passwords.
pub const PASSWORD_ADDRESSES_MAX: usize = 10_000;

// --- read marks and unread counts ------------------------------------------------------------

/// Messages after a read mark that are counted in one room; beyond it the answer is "at least so many".
pub const UNREAD_COUNT_MAX: usize = 1_000;
/// Subscriptions for which an api counts unread messages at the same time. More wait a little and are then told nothing of
/// unread messages: thousands of new connections must not keep the store from storing.
pub const READ_STATES_AT_ONCE: usize = 1;
/// How long they wait.
pub const READ_STATES_TURN: Duration = Duration::from_millis(250);
/// Rooms of a page of `users/me/rooms` if the client does not say.
pub const MY_ROOMS_PAGE_DEFAULT: usize = 500;
/// Rooms of which such a list knows what the user wants.
pub const PREFERENCES_READ_MAX: usize = 10_000;
/// Rooms of such a page that are looked up in one go.
pub const ROOMS_PER_LOOKUP: usize = 250;

/// Members of a room up to which it shows who has read how far.
pub const RECEIPT_MEMBERS_MAX: usize = 200;
/// Rooms of which an api remembers who of their members shows it.
pub const RECEIPT_ROOMS_MAX: u64 = 10_000;
/// How long it does.
pub const RECEIPT_ROOMS_LIFE: Duration = Duration::from_secs(5);

// --- login sessions --------------------------------------------------------------------------

/// Shortest life of an access token, in seconds, that operators may set.
pub const ACCESS_TOKEN_SECONDS_MIN: u64 = 10;
/// Between two looks for sessions of which nothing can come any more.
pub const SESSION_PURGE_INTERVAL: Duration = Duration::from_mins(5);
/// Such sessions that are erased at once.
pub const SESSION_PURGE_MAX: usize = 1_000;
/// How long an api takes a session that was open for one that is over only if it was revoked since.
pub const SESSIONS_OPEN_LIFE: Duration = Duration::from_mins(5);
/// Such sessions that one api remembers; others are read again.
pub const SESSIONS_OPEN_MAX: u64 = 100_000;
/// Up to so many of them in one question are read one by one all the same.
pub const SESSIONS_READ_FEW: usize = 8;

// --- store -----------------------------------------------------------------------------------

/// Accounts that the command `user list` reads at once.
pub const USERS_PER_PAGE: usize = 200;
/// A write whose outcome stayed unknown may still be carried out for so long, and no epoch begins meanwhile.
pub const INGEST_WRITE_LINGER: Duration = Duration::from_secs(20);

/// How long it is believed which kinds of events all processes know.
pub const EVENT_GENERATIONS_BELIEVED: Duration = Duration::from_secs(3);

// --- jobs ------------------------------------------------------------------------------------

/// Jobs that one api carries out at the same time.
pub const JOBS_AT_ONCE: usize = 8;
/// How long nobody else carries a job out; renewed while it goes on.
pub const JOB_LEASE: Duration = Duration::from_secs(30);
/// One try of a job.
pub const JOB_DEADLINE: Duration = Duration::from_mins(10);
/// Between two looks for jobs that are due.
pub const JOB_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Tries of a job before it is dead; the pauses between them are about ten hours together.
pub const JOB_ATTEMPTS_MAX: u32 = 20;
/// Longest pause after the first try; it doubles up to the other one.
pub const JOB_PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest pause between two tries.
pub const JOB_PAUSE_MAX: Duration = Duration::from_hours(1);
/// How long the key of a job is known after it was done.
pub const JOB_DONE_KEPT: Duration = Duration::from_hours(24);
/// How long a dead job is kept.
pub const JOB_DEAD_KEPT: Duration = Duration::from_hours(30 * 24);
/// Between two times that jobs are counted, and those that are over forgotten.
pub const JOB_PURGE_INTERVAL: Duration = Duration::from_secs(30);
/// Jobs that are forgotten at a time.
pub const JOB_PURGE_MAX: usize = 1_000;
/// Jobs of one state that are counted; more are as good as so many.
pub const JOBS_COUNTED_MAX: usize = 10_000;

// --- accounts --------------------------------------------------------------------------------

/// How long a mail server may take for one step of a mail.
pub const MAIL_DEADLINE: Duration = Duration::from_secs(20);
/// How long a name is kept for a registration whose address is not verified, and the registration with it.
pub const REGISTRATION_LIFE: Duration = Duration::from_hours(24);
/// How long a name is kept for an account that gets it this moment.
pub const NAME_CLAIM_LIFE: Duration = Duration::from_mins(5);
/// How often one code of a registration may be tried.
pub const CODE_ATTEMPTS_MAX: u32 = 5;
/// Longest life of such a code that operators may choose, in minutes.
pub const VERIFICATION_MINUTES_MAX: u64 = 24 * 60;
/// Life of a link that sets another password.
pub const RECOVERY_LIFE: Duration = Duration::from_mins(15);
/// Such links of one account that are valid at once.
pub const RECOVERIES_MAX: usize = 3;
/// Life of a link that makes an address that of an account.
pub const EMAIL_CONFIRM_LIFE: Duration = Duration::from_hours(24);
/// Life of the link that undoes it.
pub const EMAIL_UNDO_LIFE: Duration = Duration::from_hours(7 * 24);
/// Bytes of a picture that an account is to show.
pub const AVATAR_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of a word filter: two lists of words, each character written as an escape.
pub const FILTER_BYTES_MAX: usize = 1024 * 1024;
/// Pixels of the sides that it is kept in, the largest first.
pub const AVATAR_SIDES: &[u32] = &[512, 64];
/// When it is looked at again whether an account shows a picture: later than the request that put it can end.
pub const AVATAR_LOOK_AFTER: Duration = Duration::from_secs(40);
/// Between two changes of a user's name.
pub const RENAME_INTERVAL: Duration = Duration::from_hours(24);
/// How long a name that an account had is kept for it.
pub const OLD_NAME_KEPT: Duration = Duration::from_hours(30 * 24);
/// Rows around accounts that are forgotten at a time.
pub const ACCOUNT_PURGE_MAX: usize = 1_000;
/// Between two times that they are.
pub const ACCOUNT_PURGE_INTERVAL: Duration = Duration::from_mins(5);
/// Longest life of an invite to the server, in seconds.
pub const INVITE_SECONDS_MAX: u64 = 366 * 24 * 60 * 60;
/// Most uses of an invite to the server that can be chosen.
pub const INVITE_USES_MAX: u32 = 100_000;
/// Between two looks for settings that an admin has changed at another api.
pub const SETTINGS_POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Tries of one change of settings that loses against others.
pub const SETTINGS_TRIES_MAX: usize = 5;
/// Accounts that one page of the list for admins looks at.
pub const ADMIN_SEARCH_ROWS_MAX: usize = 1_000;
/// How long it is known what staff have done.
pub const AUDIT_KEPT: Duration = Duration::from_hours(400 * 24);
/// Between two times that older entries are forgotten.
pub const AUDIT_PURGE_INTERVAL: Duration = Duration::from_mins(10);
/// Entries that are forgotten at a time.
pub const AUDIT_PURGE_MAX: usize = 1_000;

// --- the directory of rooms ------------------------------------------------------------------

/// Between two counts of the members of rooms in the directory.
pub const DIRECTORY_INTERVAL: Duration = Duration::from_mins(1);
/// How far before the last count the next one begins: clocks of apis may differ.
pub const DIRECTORY_OVERLAP: Duration = Duration::from_secs(10);
/// Rooms that one count looks at; where more have changed, all are counted.
pub const DIRECTORY_CHANGES_MAX: usize = 10_000;
/// Rooms that are counted at a time.
pub const DIRECTORY_ROOMS_PER_PASS: usize = 200;

// --- notices ---------------------------------------------------------------------------------

/// Notices of one user that are kept, the newest ones.
pub const NOTICES_PER_USER_MAX: usize = 1_000;
/// Between two times that one api cuts one inbox to that; meanwhile it may be longer.
pub const INBOX_TRIM_INTERVAL: Duration = Duration::from_mins(1);
/// Inboxes of which an api remembers that it has cut them.
pub const INBOX_TRIMS_MAX: u64 = 10_000;
/// How long a notice is kept.
pub const NOTICE_KEPT: Duration = Duration::from_hours(90 * 24);
/// Accounts that an announcement is told at a time.
pub const ANNOUNCED_PER_PASS: usize = 500;
/// Stored events that wait for their notices in one process; what is beyond makes none.
pub const NOTICE_QUEUE_MAX: usize = 10_000;
/// Rooms of which a process remembers whether they are direct ones.
pub const NOTICE_ROOMS_MAX: u64 = 100_000;
/// Such events that are looked at together.
pub const NOTICE_BATCH_MAX: usize = 200;
/// Tries to make the notices of such events.
pub const NOTICE_ATTEMPTS: u32 = 10;
/// Between two of them.
pub const NOTICE_PAUSE: Duration = Duration::from_secs(1);
/// Between two times that older ones are forgotten.
pub const NOTICE_PURGE_INTERVAL: Duration = Duration::from_mins(5);
/// Notices that are forgotten at a time.
pub const NOTICE_PURGE_MAX: usize = 1_000;

// --- repeated requests -----------------------------------------------------------------------

/// Characters of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// How long such a key is known, and the answer to its request.
pub const KEY_KEPT: Duration = Duration::from_hours(24);
/// Keys of one user that are known, the newest ones.
pub const IDEMPOTENCY_KEYS_MAX: usize = 10_000;
/// How long a repeat waits for the answer to the request before it.
pub const KEY_WAIT: Duration = Duration::from_secs(20);
/// Between two looks whether it is there, at first.
pub const KEY_POLL_MIN: Duration = Duration::from_millis(20);
/// Longest such pause.
pub const KEY_POLL_MAX: Duration = Duration::from_millis(400);
/// How long a request holds its key unless it goes on; then another one may be carried out under it. Longer than
/// [`REQUEST_DEADLINE`], so that only what takes longer than a request has to renew it.
pub const KEY_CLAIM_LIFE: Duration = Duration::from_secs(45);
/// Between two renewals.
pub const KEY_RENEW_INTERVAL: Duration = Duration::from_secs(15);
/// Between two attempts to free a key while the store is away.
pub const KEY_RELEASE_PAUSE: Duration = Duration::from_secs(1);
/// Keys that are being freed; of more each is free when its claim is over.
pub const KEY_RELEASES_MAX: usize = 1_000;
/// Bytes of an answer that is kept.
pub const KEPT_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Between two times that one api cuts the keys of one user to their bound; meanwhile there may be more.
pub const KEY_TRIM_INTERVAL: Duration = Duration::from_mins(1);
/// Users of whom an api remembers that it has cut them.
pub const KEY_TRIMS_MAX: u64 = 10_000;
/// Between two times that keys are forgotten.
pub const KEY_PURGE_INTERVAL: Duration = Duration::from_secs(10);
/// Keys that are forgotten at a time.
pub const KEY_PURGE_MAX: usize = 2_000;

// --- erasures and exports --------------------------------------------------------------------

/// How long the request that erases an account waits for the end; after that it goes on by itself.
pub const ERASURE_WAIT: Duration = Duration::from_secs(5);
/// Between two looks meanwhile.
pub const ERASURE_POLL: Duration = Duration::from_millis(50);
/// Rows that an erasure reads, and changes, at a time.
pub const ERASED_PER_PASS: usize = 200;
/// How long an erasure waits until what was said in rooms is stored; after that it is tried again later.
pub const ERASURE_STORED_WAIT: Duration = Duration::from_secs(10);
/// Members that are read at once to find the next owner of a room.
pub const SUCCESSION_PAGE: usize = 200;
/// Tries to take an owner out of a room whose members change meanwhile.
pub const SUCCESSION_TRIES: usize = 5;
/// When an erasure looks a second time, for what was stored late.
pub const ERASURE_SWEEP_AFTER: Duration = Duration::from_mins(2);
/// Between two looks for erasures whose requests were broken off.
pub const ERASURE_LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// Such erasures that are looked at at a time.
pub const ERASURES_PER_LOOK: usize = 100;
/// How long a copy of what is kept about somebody can be downloaded.
pub const EXPORT_KEPT: Duration = Duration::from_hours(24);
/// Rows of such a copy that are read at a time.
pub const EXPORT_ROWS_PER_READ: usize = 500;
/// Rooms of which such a copy tells what the user wants, and what was decided against the user.
pub const EXPORT_ROOMS_MAX: usize = 10_000;
/// Bytes of its pieces.
pub const EXPORT_PIECE_BYTES: usize = 256 * 1024;
/// Copies that are forgotten at a time.
pub const EXPORT_PURGE_MAX: usize = 100;

// --- reports ---------------------------------------------------------------------------------

/// Reports of one user that wait for somebody to take them up.
pub const REPORTS_OF_USER_MAX: usize = 100;
/// When somebody with so many should try again: by then one may have been decided.
pub const REPORTS_RETRY_MS: u64 = 3_600_000;
/// Rooms of one moderator whose reports are listed together.
pub const MODERATED_ROOMS_MAX: usize = 100;
/// After so long somebody else may take a report up.
pub const REPORT_CLAIM_LIFE: Duration = Duration::from_hours(1);
/// How long a report is kept that was decided: as long as the audit log.
pub const REPORT_KEPT: Duration = AUDIT_KEPT;
/// Between two times that older ones are forgotten and those that wait are counted.
pub const REPORT_PURGE_INTERVAL: Duration = Duration::from_secs(30);
/// Reports that are forgotten at a time.
pub const REPORT_PURGE_MAX: usize = 1_000;
/// Reports that are counted at most.
pub const REPORTS_COUNTED_MAX: usize = 10_000;

// --- sanctions -------------------------------------------------------------------------------

/// Between two looks whether a mute or a ban is over.
pub const SANCTIONS_OVER_INTERVAL: Duration = Duration::from_secs(1);
/// Mutes, and bans, that are ended at a time.
pub const SANCTIONS_OVER_MAX: usize = 100;

// --- purges and retention --------------------------------------------------------------------

/// Messages of which a preview tells how many there are; more are as good as so many.
pub const PURGED_COUNTED_MAX: usize = 10_000;
/// Events of somebody that are read, and texts that are erased, at a time.
pub const PURGE_PAGE: usize = 200;
/// Between two looks whether the event of a purge is stored.
pub const PURGE_EVENT_POLL: Duration = Duration::from_millis(100);
/// How long one try waits for that.
pub const PURGE_EVENT_WAIT: Duration = Duration::from_secs(20);
/// How long a purge that finds nothing waits for what is not stored yet; after that it is carried out.
pub const PURGE_STORED_WAIT: Duration = Duration::from_secs(1);
/// How far the clocks of api and bus may be apart: for so long a purge looks for what came late.
pub const PURGE_LATE: Duration = Duration::from_secs(3);
/// A purge that is done hides for so long what readers have begun to read before.
pub const PURGE_HIDES_ON: Duration = Duration::from_mins(1);
/// How long a purge is known after that.
pub const PURGE_KEPT: Duration = Duration::from_hours(24);
/// Between two looks for purges without a job, and for old ones.
pub const PURGE_LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// Purges without a job that are found at a time.
pub const PURGES_PER_LOOK: usize = 100;
/// Purges that are forgotten at a time.
pub const PURGE_PURGE_MAX: usize = 1_000;
/// Between two times that it is looked what is too old.
pub const RETENTION_INTERVAL: Duration = Duration::from_mins(1);
/// How long nobody else does; renewed with every piece.
pub const RETENTION_LEASE: Duration = Duration::from_mins(5);
/// Rooms that are looked at together.
pub const RETENTION_ROOMS_PER_READ: usize = 200;
/// Events that are erased at a time.
pub const RETENTION_PIECE: usize = 200;
/// Between two pieces.
pub const RETENTION_PAUSE: Duration = Duration::from_millis(20);
/// Days of which admins are told how many messages they had.
pub const STATS_DAYS: usize = 30;
/// Between two times that counted messages are kept.
pub const DAY_COUNTS_INTERVAL: Duration = Duration::from_secs(2);

// --- search ----------------------------------------------------------------------------------

/// After so long a page of a search ends, full or not.
pub const SEARCH_PAGE_TIME: Duration = Duration::from_millis(100);
/// Messages that a search looks at between two looks at the time.
pub const SEARCH_CANDIDATES: usize = 64;
/// Events that the index takes in at a time.
pub const INDEX_BATCH_MAX: usize = 200;
/// Terms that it writes at a time, unless one message alone has more.
pub const INDEX_TERMS_PER_WRITE: usize = 4_000;
/// Between two looks for events that wait for it.
pub const INDEX_POLL_INTERVAL: Duration = Duration::from_millis(300);
/// How long nobody else keeps it; renewed while it is kept.
pub const INDEX_LEASE: Duration = Duration::from_secs(9);
/// When it tries again after a failure, and looks again at a change whose message is not stored.
pub const INDEX_RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long a change waits for its message.
pub const INDEX_WAIT_MAX: Duration = Duration::from_mins(10);
/// Events of before that it takes in at a time.
pub const INDEX_STRETCH_MAX: usize = 200;
/// Between two of those: others want to write, too.
pub const INDEX_STRETCH_PAUSE: Duration = Duration::from_millis(20);
/// Between two times that it is measured how far it is behind.
pub const INDEX_WATCH_INTERVAL: Duration = Duration::from_secs(10);

// --- scheduled messages ----------------------------------------------------------------------

/// A message is scheduled for this far ahead at least.
pub const SCHEDULE_AHEAD_MIN: Duration = Duration::from_secs(10);
/// And for this far at most: 366 days.
pub const SCHEDULE_AHEAD_MAX: Duration = Duration::from_hours(366 * 24);
/// Messages of one user that wait to be sent.
pub const SCHEDULES_PENDING_MAX: usize = 100;
/// Between two looks for those that are due.
pub const SCHEDULE_POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Those that one api sends at the same time.
pub const SCHEDULES_AT_ONCE: usize = 32;
/// How long nobody else sends one that is being sent; longer than a try.
pub const SCHEDULE_LEASE: Duration = Duration::from_secs(30);
/// One try.
pub const SCHEDULE_DEADLINE: Duration = Duration::from_secs(20);
/// Shortest pause after a try that came to nothing; it grows with every try.
pub const SCHEDULE_PAUSE_MIN: Duration = Duration::from_secs(1);
/// Longest such pause.
pub const SCHEDULE_PAUSE_MAX: Duration = Duration::from_secs(30);
/// Tries after which what is refused for good has failed, also if a try before ended in doubt.
pub const SCHEDULE_DOUBTS_MAX: u32 = 10;
/// How late one is sent at most that was refused only for a while, such as by slow mode.
pub const SCHEDULE_LATE_MAX: Duration = Duration::from_hours(24);
/// How long it is known what became of one.
pub const SCHEDULE_KEPT: Duration = Duration::from_hours(30 * 24);
/// Between two times that older ones are forgotten.
pub const SCHEDULE_PURGE_INTERVAL: Duration = Duration::from_mins(5);
/// Those that are forgotten at a time.
pub const SCHEDULE_PURGE_MAX: usize = 1_000;

// --- pushes ----------------------------------------------------------------------------------

/// Devices of one user that are told; of more the newest are.
pub const PUSH_SUBSCRIPTIONS_MAX: usize = 10;
/// Subscriptions that are looked up for the notices of one batch.
pub const PUSH_SUBSCRIPTIONS_READ_MAX: usize = 10_000;
/// How long a notice waits before devices are told: who looks at the room has read it by then.
pub const PUSH_DELAY: Duration = Duration::from_secs(2);
/// How long a push is of use, at the push service or here.
pub const PUSH_TTL: Duration = Duration::from_hours(24);
/// How long a push service may take.
pub const PUSH_DEADLINE: Duration = Duration::from_secs(10);
/// Pushes that one api sends at the same time.
pub const PUSHES_AT_ONCE: usize = 4;
/// How long a push waits for its turn before it is put off.
pub const PUSH_TURN_WAIT: Duration = Duration::from_secs(1);
/// How long a token for a push service is good; at most 24 hours (RFC 8292).
pub const PUSH_TOKEN_LIFE: Duration = Duration::from_hours(12);
/// Bytes of what a push says: with its envelope it is one record of 4,096 bytes.
pub const PUSH_TEXT_BYTES_MAX: usize = 3_500;
/// Pushes are padded to multiples of so many bytes.
pub const PUSH_PADDED_BYTES: usize = 512;
/// Characters of a message in a push.
pub const PUSH_SNIPPET_CHARS: usize = 400;
/// What is taken from the devices of one user at a time.
pub const PUSH_SHOWN_TAKEN_MAX: usize = 1_000;

// --- files -----------------------------------------------------------------------------------

/// How long an upload may say nothing.
pub const UPLOAD_IDLE: Duration = Duration::from_secs(30);
/// How long an upload may take.
pub const UPLOAD_DEADLINE: Duration = Duration::from_mins(10);
/// Uploads of one user that are under way in one process.
pub const UPLOADS_PER_USER_MAX: usize = 4;
/// Uploads that are under way in one process.
pub const UPLOADS_MAX: usize = 64;
/// Files of one user.
pub const FILES_PER_USER_MAX: u64 = 10_000;
/// Bytes that may be set as the most of a file.
pub const FILE_BYTES_MAX_MAX: u64 = 16 * 1024 * 1024 * 1024;
/// Bytes that may be set as the most of a user's files.
pub const USER_QUOTA_BYTES_MAX: u64 = 1024 * 1024 * 1024 * 1024;
/// How long a file is kept that belongs to nothing.
pub const FILE_UNATTACHED_KEPT: Duration = Duration::from_hours(24);
/// How long the bytes of a file may take to be put away before what is there of it is erased.
pub const FILE_ARRIVAL_MAX: Duration = Duration::from_mins(30);
/// How long a message that has claimed a file may take to be appended; then another one may claim it.
pub const FILE_CLAIM_HOLDS: Duration = Duration::from_mins(1);
/// Between two looks for files that are not needed any more.
pub const FILE_LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Files of one such look.
pub const FILES_PER_LOOK: usize = 100;
/// How long a signed link to a file holds.
pub const FILE_LINK_LIFE: Duration = Duration::from_mins(5);
/// Files that are asked about at once.
pub const FILE_LINKS_MAX: usize = 100;
/// How long a scanner may take for a file.
pub const SCAN_DEADLINE: Duration = Duration::from_mins(1);
/// Files that one process has scanned at once.
pub const SCANS_AT_ONCE: usize = 4;
/// How long a file waits for its turn.
pub const SCAN_WAIT: Duration = Duration::from_secs(10);
/// Bytes of a scanner's answer.
pub const SCAN_ANSWER_BYTES_MAX: usize = 4 * 1024;
/// How long a picture of a room is kept that the room does not show.
pub const FILE_REPLACED_KEPT: Duration = Duration::from_mins(1);
