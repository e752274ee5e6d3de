-- Says who is in rooms of one partition by one lease, and tells that it has changed.
-- KEYS: what the lease has written here, then the rooms' occupancies
-- ARGV: fence (makes the script belong to this server), lease, what is told, then for each room: id, channel,
--       who is there (empty for nobody)
for i = 2, #KEYS do
  local at = 4 + (i - 2) * 3
  local id, channel, who = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if who == '' then
    redis.call('HDEL', KEYS[i], ARGV[2])
    redis.call('SREM', KEYS[1], 'r:' .. id)
  else
    redis.call('HSET', KEYS[i], ARGV[2], who)
    redis.call('SADD', KEYS[1], 'r:' .. id)
  end
  redis.call(PUBLISH, channel, ARGV[3])
end
return 1
