-- Messages that users have saved for themselves.
CREATE TABLE saved_messages (
    user_id    BLOB    NOT NULL,
    message_id BLOB    NOT NULL,
    room_id    BLOB    NOT NULL,
    saved_at   INTEGER NOT NULL,
    PRIMARY KEY (user_id, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX saved_messages_order ON saved_messages (user_id, saved_at, message_id, room_id);
CREATE INDEX saved_messages_room ON saved_messages (room_id);
