-- A user's own requests in the order of their list.
DROP INDEX join_requests_user;
CREATE INDEX join_requests_user ON join_requests (user_id, state, created_at, room_id);
