-- Purges of what somebody has said in a room. Times in milliseconds; one that is not done hides until far in the future.
CREATE TABLE purges (
    id          BLOB    NOT NULL PRIMARY KEY,
    room_id     BLOB    NOT NULL,
    user_id     BLOB    NOT NULL,
    by_user     BLOB    NOT NULL,
    from_at     INTEGER,
    to_at       INTEGER NOT NULL,
    event_id    BLOB    NOT NULL,
    hides_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX purges_hiding ON purges (room_id, hides_until);
CREATE INDEX purges_done ON purges (hides_until);
