-- Takes, renews or gives back the right to store a partition's log; whoever has it is told whether there is something.
-- KEYS: lease, log
-- ARGV: fence (makes the script belong to this server), owner, life in ms (0 gives it back)
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] then return 'foreign' end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
  return 'foreign'
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
-- In case a wake-up was lost.
return redis.call('XLEN', KEYS[2]) > 0 and 'waiting' or 'empty'
