-- Who has chosen nothing for a room is told what the settings say; `all` was what stood there until somebody chose.
CREATE TABLE room_preferences_of_now (
    user_id       BLOB    NOT NULL,
    room_id       BLOB    NOT NULL,
    notify        TEXT,
    muted_until   INTEGER,
    favourite     INTEGER NOT NULL,
    hidden        INTEGER NOT NULL,
    marked_unread INTEGER NOT NULL,
    PRIMARY KEY (user_id, room_id)
) STRICT, WITHOUT ROWID;

INSERT INTO room_preferences_of_now
    SELECT user_id, room_id, NULLIF(notify, 'all'), muted_until, favourite, hidden, marked_unread FROM room_preferences;

DROP TABLE room_preferences;
ALTER TABLE room_preferences_of_now RENAME TO room_preferences;
CREATE INDEX room_preferences_of_room ON room_preferences (room_id);
