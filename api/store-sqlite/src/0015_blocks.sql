-- Who has blocked whom.
CREATE TABLE blocks (
    by_user    BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (by_user, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX blocks_user ON blocks (user_id);
