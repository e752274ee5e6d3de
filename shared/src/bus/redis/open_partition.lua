-- Gives a partition an epoch, unless the data of this server has one.
-- KEYS: partition
-- ARGV: fence, epoch
local partition = redis.call('HMGET', KEYS[1], 'fence', 'epoch')
if partition[1] == ARGV[1] then return 'open' end
-- A slow allocation may arrive after a faster one: epochs only grow.
if partition[2] and tonumber(partition[2]) >= tonumber(ARGV[2]) then return 'older' end
redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'epoch', ARGV[2])
return 'opened'
