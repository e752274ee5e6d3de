-- Says who is in rooms of one partition by one lease, and tells that it has changed.
-- The caller passes keys and arguments in the order of these names.
-- ARGV[1] is the fence, which the prelude has checked.
-- What the lease has written in this partition.
local written_key = KEYS[1]
local lease, signal = ARGV[2], ARGV[3]
-- Then for each room the key of its occupancy, and its id, its channel, and who is there, which is empty for nobody.
local rooms = #KEYS - 1
local function room_at(n)
  local at = 3 + (n - 1) * 3
  return KEYS[1 + n], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
end

for n = 1, rooms do
  local occupancy_key, id, channel, who = room_at(n)
  if who == '' then
    redis.call('HDEL', occupancy_key, lease)
    redis.call('SREM', written_key, 'r:' .. id)
  else
    redis.call('HSET', occupancy_key, lease, who)
    redis.call('SADD', written_key, 'r:' .. id)
  end
  redis.call(PUBLISH, channel, signal)
end
return 1
