-- The inbox of each user. `epoch` and `seq` are where the message lies that a notice is about.
CREATE TABLE notices (
    id         BLOB    NOT NULL PRIMARY KEY,
    user_id    BLOB    NOT NULL,
    kind       TEXT    NOT NULL,
    room_id    BLOB,
    message_id BLOB,
    epoch      INTEGER,
    seq        INTEGER,
    by_user    BLOB,
    detail     TEXT,
    text       TEXT,
    at         INTEGER NOT NULL,
    read       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_order ON notices (user_id, at, id);
CREATE INDEX notices_unread ON notices (user_id, read, at, id);
CREATE INDEX notices_room ON notices (user_id, room_id, read);
CREATE INDEX notices_at ON notices (at);
CREATE INDEX notices_by ON notices (by_user) WHERE by_user IS NOT NULL;
