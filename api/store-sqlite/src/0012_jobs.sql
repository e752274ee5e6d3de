-- What is carried out later. `due_at` of an open job is when it is due or its lease ends, of others until when it is known.
CREATE TABLE jobs (
    id         BLOB    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    about      BLOB,
    payload    TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    lease      BLOB,
    error      TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX jobs_key ON jobs (key);
CREATE INDEX jobs_due ON jobs (state, due_at);
CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX jobs_about ON jobs (about) WHERE about IS NOT NULL;
