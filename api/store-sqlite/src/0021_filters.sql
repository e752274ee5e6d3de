-- Word filters of rooms, JSON.
CREATE TABLE room_filters (
    room_id BLOB    NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    rules   TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Version of the filter that holds in the room.
ALTER TABLE rooms ADD COLUMN filter INTEGER;
