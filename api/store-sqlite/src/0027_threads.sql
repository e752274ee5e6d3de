-- What a message answers.
ALTER TABLE messages ADD COLUMN reply_to BLOB;
UPDATE messages SET reply_to = unhex(replace(json_extract(event, '$.reply_to'), '-', ''))
WHERE json_extract(event, '$.reply_to') IS NOT NULL;
CREATE INDEX messages_replies ON messages (room_id, reply_to, epoch, seq, said_by, timestamp)
    WHERE reply_to IS NOT NULL AND said_by IS NOT NULL;

-- How many messages answer one and are not deleted, and who said the newest: ids of 16 bytes. None without answers.
CREATE TABLE threads (
    room_id    BLOB    NOT NULL,
    message_id BLOB    NOT NULL,
    replies    INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    users      BLOB    NOT NULL,
    PRIMARY KEY (room_id, message_id)
) STRICT, WITHOUT ROWID;

-- The first event since a time.
CREATE INDEX messages_time ON messages (room_id, timestamp, epoch, seq);
