-- What members have read up to; those of before begin at the start, where nothing counts.
ALTER TABLE members ADD COLUMN read_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN read_seq INTEGER NOT NULL DEFAULT 0;

-- The author of a message that counts as unread for others; none for any other event and for deleted messages.
ALTER TABLE messages ADD COLUMN said_by BLOB;
CREATE INDEX messages_unread ON messages (room_id, epoch, seq, said_by) WHERE said_by IS NOT NULL;

-- Names in texts of messages, at the place of the message; `edit_*` is the place of the edit that brought the text.
CREATE TABLE mentions (
    message_id BLOB    NOT NULL,
    name       TEXT    NOT NULL,
    edit_epoch INTEGER,
    edit_seq   INTEGER,
    room_id    BLOB    NOT NULL,
    epoch      INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    said_by    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX mentions_message ON mentions (message_id, name, ifnull(edit_epoch, 0), ifnull(edit_seq, 0));
CREATE INDEX mentions_name ON mentions (name, room_id, epoch, seq);
