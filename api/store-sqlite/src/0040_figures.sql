-- Messages of each day (its beginning in milliseconds).
CREATE TABLE message_days (
    day      INTEGER NOT NULL PRIMARY KEY,
    messages INTEGER NOT NULL
) STRICT;
