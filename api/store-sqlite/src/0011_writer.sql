-- Which process may write: the one that took the store over last. Each take-over has a generation of its own, and whoever
-- finds another one than its own has been replaced. `touched_at` is written by health checks, milliseconds.
CREATE TABLE writer (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 0),
    generation INTEGER NOT NULL,
    holder     TEXT    NOT NULL,
    touched_at INTEGER NOT NULL
) STRICT;
INSERT INTO writer (id, generation, holder, touched_at) VALUES (0, 0, '', 0);
