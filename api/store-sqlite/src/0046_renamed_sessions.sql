-- The name of a session's user, if it has changed since the login.
ALTER TABLE sessions ADD COLUMN username TEXT;
