-- Whether a partition has an epoch, or could begin one.
-- KEYS: partition, log
-- ARGV: fence
if redis.call('HGET', KEYS[1], 'fence') == ARGV[1] then return {'open'} end
-- What survived of the epoch before is stored first; entries leave the log when they are stored.
if redis.call('XLEN', KEYS[2]) > 0 then return {'unstored'} end
return {'closed', ARGV[1]}
