-- Messages that are pinned to their rooms.
CREATE TABLE pins (
    message_id BLOB    NOT NULL PRIMARY KEY,
    room_id    BLOB    NOT NULL,
    pinned_by  BLOB    NOT NULL,
    pinned_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pins_order ON pins (room_id, pinned_at, message_id, pinned_by);
