-- Second factors, and the hashes of the codes for who has lost the device.
CREATE TABLE second_factors (
    user_id      BLOB    NOT NULL PRIMARY KEY,
    secret       BLOB    NOT NULL,
    is_confirmed INTEGER NOT NULL,
    last_step    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    user_id BLOB NOT NULL,
    hash    BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
