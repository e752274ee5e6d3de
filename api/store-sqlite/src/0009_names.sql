-- The form in which the name of a public room is unique; none of others. The index is made when the names are.
ALTER TABLE rooms ADD COLUMN name_key TEXT;

-- When the last member left, milliseconds; nobody comes into such a room any more.
ALTER TABLE rooms ADD COLUMN closed_at INTEGER;
