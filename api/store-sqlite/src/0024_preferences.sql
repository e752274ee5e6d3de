-- What users want of rooms; who never chose has no row.
CREATE TABLE room_preferences (
    user_id       BLOB    NOT NULL,
    room_id       BLOB    NOT NULL,
    notify        TEXT    NOT NULL,
    muted_until   INTEGER,
    favourite     INTEGER NOT NULL,
    hidden        INTEGER NOT NULL,
    marked_unread INTEGER NOT NULL,
    PRIMARY KEY (user_id, room_id)
) STRICT, WITHOUT ROWID;

-- What those who run the server tell everybody.
CREATE TABLE server_announcements (
    id         BLOB    NOT NULL PRIMARY KEY,
    content    TEXT    NOT NULL,
    by_user    BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
