-- Pages of a history count what is shown: acts on messages are told in the messages.
ALTER TABLE messages ADD COLUMN is_act INTEGER NOT NULL DEFAULT 0;
UPDATE messages SET is_act = 1
WHERE json_extract(event, '$.kind') IN ('message_edited', 'message_deleted', 'reaction_added', 'reaction_removed');
CREATE INDEX messages_shown ON messages (room_id, epoch, seq) WHERE is_act = 0;

-- Reactions that were taken back are kept for a while, so that older acts that come late do not count; milliseconds.
DELETE FROM reactions WHERE active = 0;
ALTER TABLE reactions ADD COLUMN taken_back_at INTEGER;
CREATE INDEX reactions_taken_back ON reactions (taken_back_at) WHERE taken_back_at IS NOT NULL;

-- Who has a reaction, in the order of reacting.
CREATE INDEX reactions_users ON reactions (message_id, emoji, epoch, seq, user_id) WHERE active = 1;
