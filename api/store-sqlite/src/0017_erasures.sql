-- Who was erased: ids and numbers only.
CREATE TABLE erasures (
    user_id         BLOB    NOT NULL PRIMARY KEY,
    by_user         BLOB    NOT NULL,
    begun_at        INTEGER NOT NULL,
    finished_at     INTEGER,
    sessions        INTEGER NOT NULL DEFAULT 0,
    memberships     INTEGER NOT NULL DEFAULT 0,
    rooms_passed_on INTEGER NOT NULL DEFAULT 0,
    rooms_closed    INTEGER NOT NULL DEFAULT 0,
    events          INTEGER NOT NULL DEFAULT 0,
    records         INTEGER NOT NULL DEFAULT 0,
    files           INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX erasures_open ON erasures (user_id) WHERE finished_at IS NULL;

-- The events that bear somebody's name.
CREATE INDEX messages_author ON messages (json_extract(event, '$.user_id'), room_id, epoch, seq);
CREATE INDEX messages_member ON messages (json_extract(event, '$.member.user_id'), room_id, epoch, seq)
    WHERE json_extract(event, '$.member.user_id') IS NOT NULL;

-- The names that are kept for an account, and what was decided against it.
CREATE INDEX names_owner ON names (owner);
CREATE INDEX sanctions_user ON sanctions (user_id);
