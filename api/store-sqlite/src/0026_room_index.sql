-- What public rooms are found by, and how many members they had when they were counted last.
CREATE TABLE room_index (
    prefix  TEXT    NOT NULL,
    members INTEGER NOT NULL,
    room_id BLOB    NOT NULL,
    PRIMARY KEY (prefix, members, room_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX room_index_room ON room_index (room_id);
