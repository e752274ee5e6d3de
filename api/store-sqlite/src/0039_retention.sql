-- What is kept of one message, and of one room, when it is erased.
CREATE INDEX saved_messages_message ON saved_messages (message_id);
CREATE INDEX notices_of_room ON notices (room_id) WHERE room_id IS NOT NULL;
CREATE INDEX room_preferences_of_room ON room_preferences (room_id);
-- Of which room a copy is; of a user's things if none.
ALTER TABLE exports ADD COLUMN room_id BLOB;

-- Sanctions whose time is over.
CREATE INDEX sanctions_muted ON sanctions (muted_until) WHERE muted_until IS NOT NULL;
CREATE INDEX sanctions_banned ON sanctions (banned_until) WHERE banned_until IS NOT NULL;
