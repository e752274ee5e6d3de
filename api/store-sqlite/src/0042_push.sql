-- Devices that are told of notices while nobody looks, and the key that this server is known by to push services.
CREATE TABLE push_subscriptions (
    id         BLOB    NOT NULL PRIMARY KEY,
    user_id    BLOB    NOT NULL,
    session_id BLOB    NOT NULL,
    endpoint   TEXT    NOT NULL,
    p256dh     BLOB    NOT NULL,
    auth       BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX push_subscriptions_user ON push_subscriptions (user_id, created_at);

CREATE TABLE push_keys (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    private_key BLOB    NOT NULL
) STRICT;

-- What is on which device, until it is read anywhere.
CREATE TABLE push_shown (
    subscription_id BLOB    NOT NULL,
    topic           TEXT    NOT NULL,
    user_id         BLOB    NOT NULL,
    at              INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, topic)
) STRICT, WITHOUT ROWID;

CREATE INDEX push_shown_user ON push_shown (user_id, topic);
CREATE INDEX push_shown_at ON push_shown (subscription_id, at);
