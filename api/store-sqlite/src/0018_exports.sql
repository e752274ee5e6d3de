CREATE TABLE exports (
    id         BLOB    NOT NULL PRIMARY KEY,
    user_id    BLOB    NOT NULL,
    by_user    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    pieces     INTEGER,
    bytes      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX exports_user ON exports (user_id, by_user, id);
CREATE INDEX exports_expires ON exports (expires_at);

CREATE TABLE export_pieces (
    export_id BLOB    NOT NULL REFERENCES exports (id) ON DELETE CASCADE,
    number    INTEGER NOT NULL,
    bytes     BLOB    NOT NULL,
    PRIMARY KEY (export_id, number)
) STRICT;
