-- Under which address a room was known that has ended: who ended it may say so again.
ALTER TABLE rooms ADD COLUMN closed_slug TEXT;

CREATE INDEX rooms_closed_slug ON rooms (closed_slug, closed_by, closed_at) WHERE closed_slug IS NOT NULL;
