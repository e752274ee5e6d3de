-- Takes, renews or gives back the right to store a partition's log.
-- KEYS: lease
-- ARGV: fence (makes the script belong to this server), owner, life in ms (0 gives it back)
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] then return 0 end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
