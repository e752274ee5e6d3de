-- The newest epoch of a partition that has begun, and the server on which it did.
ALTER TABLE epochs ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
ALTER TABLE epochs ADD COLUMN fence TEXT NOT NULL DEFAULT '';
