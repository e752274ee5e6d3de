-- What was answered to requests that name themselves by a key of their user.
CREATE TABLE kept_answers (
    key        BLOB    NOT NULL PRIMARY KEY,
    user_id    BLOB    NOT NULL,
    request    BLOB    NOT NULL,
    holder     BLOB    NOT NULL,
    at         INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    answer     BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_answers_user ON kept_answers (user_id, at);
CREATE INDEX kept_answers_expires ON kept_answers (expires_at);
