-- What was done to messages. `message_states` has the newest edit by place, or nothing but the fact of a deletion;
-- `reactions` the last word of each user about each reaction.

ALTER TABLE messages ADD COLUMN edit_of BLOB;
CREATE INDEX messages_edits ON messages (edit_of, epoch, seq) WHERE edit_of IS NOT NULL;

CREATE TABLE message_states (
    message_id BLOB    NOT NULL PRIMARY KEY,
    deleted    INTEGER NOT NULL,
    epoch      INTEGER,
    seq        INTEGER,
    edited_at  INTEGER,
    content    TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE reactions (
    message_id BLOB    NOT NULL,
    user_id    BLOB    NOT NULL,
    emoji      TEXT    NOT NULL,
    epoch      INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    active     INTEGER NOT NULL,
    PRIMARY KEY (message_id, user_id, emoji)
) STRICT, WITHOUT ROWID;
