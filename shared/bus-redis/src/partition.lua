-- Whether a partition has an epoch, or could begin one.
-- KEYS: partition, log
-- ARGV: fence
local partition = redis.call('HMGET', KEYS[1], 'fence', 'epoch')
if partition[1] == ARGV[1] then return {'open', partition[2]} end
-- What survived of the epoch before is stored first; entries leave the log when they are stored.
if redis.call('XLEN', KEYS[2]) > 0 then return {'unstored'} end
return {'closed', ARGV[1]}
