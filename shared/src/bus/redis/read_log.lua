-- Reads the next entries of a partition's log for the holder of its lease, and whose data they are.
-- KEYS: partition, lease, log
-- ARGV: fence (unused here, makes the script belong to this server), owner, from ("0" handed out before, ">" new), count
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return {'no_lease'} end
local partition = redis.call('HMGET', KEYS[1], 'fence', 'epoch')
local read = redis.call('XREADGROUP', 'GROUP', 'ingest', 'ingest', 'COUNT', ARGV[4], 'STREAMS', KEYS[3], ARGV[3])
-- One stream was asked for, which is one pair of name and entries.
return {'entries', partition[1] or '', partition[2] or '0', read and read[1] and read[1][2] or {}}
