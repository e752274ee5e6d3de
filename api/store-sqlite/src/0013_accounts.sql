-- What accounts say of themselves and have chosen; the settings are JSON, with what is not there as it is by default.
ALTER TABLE users ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN display_name TEXT;
ALTER TABLE users ADD COLUMN bio TEXT;
ALTER TABLE users ADD COLUMN language TEXT;
ALTER TABLE users ADD COLUMN avatar TEXT;
ALTER TABLE users ADD COLUMN renamed_at INTEGER;
ALTER TABLE users ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
CREATE INDEX users_admins ON users (role, disabled) WHERE role = 'admin';

-- What accounts are found by; those of before by their names.
CREATE TABLE user_keys (
    key     TEXT NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (key, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_keys_user ON user_keys (user_id);
INSERT INTO user_keys (key, user_id) SELECT username_key, id FROM users;

ALTER TABLE sessions ADD COLUMN device TEXT;

CREATE TABLE registrations (
    id              BLOB    NOT NULL PRIMARY KEY,
    user_id         BLOB    NOT NULL,
    username        TEXT    NOT NULL,
    username_key    TEXT    NOT NULL,
    email           TEXT    NOT NULL,
    email_key       TEXT    NOT NULL,
    password_hash   TEXT    NOT NULL,
    is_decoy        INTEGER NOT NULL,
    code_hash       BLOB    NOT NULL,
    code_number     INTEGER NOT NULL,
    attempts_left   INTEGER NOT NULL,
    code_expires_at INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX registrations_username ON registrations (username_key, id);
CREATE INDEX registrations_email ON registrations (email_key, id);
CREATE INDEX registrations_expires ON registrations (expires_at);

-- Names that are kept; none in `until` means for ever.
CREATE TABLE names (
    key   TEXT NOT NULL PRIMARY KEY,
    owner BLOB NOT NULL,
    until INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX names_until ON names (until) WHERE until IS NOT NULL;

CREATE TABLE one_time_tokens (
    id         BLOB    NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL,
    purpose    TEXT    NOT NULL,
    user_id    BLOB    NOT NULL,
    email      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_time_tokens_hash ON one_time_tokens (hash);
CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id, purpose, id);
CREATE INDEX one_time_tokens_expires ON one_time_tokens (expires_at);

CREATE TABLE server_invites (
    id         BLOB    NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL,
    uses       INTEGER NOT NULL,
    max_uses   INTEGER,
    by_user    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX server_invites_hash ON server_invites (hash);
CREATE INDEX server_invites_expires ON server_invites (expires_at) WHERE expires_at IS NOT NULL;
