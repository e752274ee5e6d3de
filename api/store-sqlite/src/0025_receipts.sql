-- When a mark moved last; none before it did.
ALTER TABLE members ADD COLUMN read_at INTEGER;
