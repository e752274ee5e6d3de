-- What staff have done. Each filter has an index that ends with the id, newest last.
CREATE TABLE audit (
    id      BLOB    NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    actor   BLOB    NOT NULL,
    action  TEXT    NOT NULL,
    room_id BLOB,
    user_id BLOB,
    reason  TEXT,
    detail  TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_room ON audit (room_id, id) WHERE room_id IS NOT NULL;
CREATE INDEX audit_at ON audit (at);

-- What admins have changed of the settings; one row, JSON.
CREATE TABLE server_settings (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 0),
    version INTEGER NOT NULL,
    changed TEXT    NOT NULL
) STRICT;
