-- How rooms are talked in: since which ACL version, milliseconds of slow mode, whether frozen.
ALTER TABLE rooms ADD COLUMN settings_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN slow_mode_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rooms ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;

-- The members of a room, in the order of joining.
CREATE INDEX members_room_joined ON members (room_id, joined_at, user_id);
