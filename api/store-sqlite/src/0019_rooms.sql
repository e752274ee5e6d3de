-- What a room is for, what is talked about, how people come in, who may send, and when it ends (milliseconds).
ALTER TABLE rooms ADD COLUMN kind TEXT NOT NULL DEFAULT 'room';
ALTER TABLE rooms ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE rooms ADD COLUMN join_rule TEXT NOT NULL DEFAULT 'open';
ALTER TABLE rooms ADD COLUMN password_hash TEXT;
ALTER TABLE rooms ADD COLUMN posting TEXT NOT NULL DEFAULT 'members';
ALTER TABLE rooms ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN expires_at INTEGER;
ALTER TABLE rooms ADD COLUMN retention_days INTEGER;
ALTER TABLE rooms ADD COLUMN members_may_invite INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN members_max INTEGER;
ALTER TABLE rooms ADD COLUMN avatar TEXT;

-- Who ended a room, its last event, and since when its history waits to be erased (milliseconds).
ALTER TABLE rooms ADD COLUMN closed_by BLOB;
ALTER TABLE rooms ADD COLUMN closing_event BLOB;
ALTER TABLE rooms ADD COLUMN unerased_since INTEGER;
UPDATE rooms SET unerased_since = closed_at WHERE closed_at IS NOT NULL;

CREATE INDEX rooms_expires ON rooms (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX rooms_unerased ON rooms (unerased_since) WHERE unerased_since IS NOT NULL;
-- The members with a role, in the order of joining.
CREATE INDEX members_role ON members (room_id, role, joined_at, user_id);
-- Announcements of a room that is erased.
CREATE INDEX outbox_room ON outbox (room_id);
