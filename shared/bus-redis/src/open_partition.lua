-- Gives a partition an epoch, unless the data of this server has one, and tells whoever waits for marks that it has begun.
-- KEYS: partition, log
-- ARGV: fence, epoch, marks channel
local partition = redis.call('HMGET', KEYS[1], 'fence', 'epoch')
if partition[1] == ARGV[1] then return 'open' end
-- A slow allocation may arrive after a faster one: epochs only grow.
if partition[2] and tonumber(partition[2]) >= tonumber(ARGV[2]) then return 'older' end
-- What survived of the epoch before is stored first; entries leave the log when they are stored.
if redis.call('XLEN', KEYS[2]) > 0 then return 'unstored' end
local mark = ARGV[2] .. ' 0-0'
redis.call('HDEL', KEYS[1], 'top')
redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'epoch', ARGV[2], 'mark', mark, 'moves', '0')
redis.call(PUBLISH, ARGV[3], mark .. ' 0')
return 'opened'
