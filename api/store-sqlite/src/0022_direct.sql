-- Direct rooms have two users for ever, which other rooms have not.
ALTER TABLE rooms ADD COLUMN pair_low BLOB;
ALTER TABLE rooms ADD COLUMN pair_high BLOB;
