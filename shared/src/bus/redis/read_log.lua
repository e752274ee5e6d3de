-- Reads the next entries of a partition's log for the holder of its lease.
-- KEYS: lease, log
-- ARGV: fence (unused here, makes the script belong to this server), owner, from ("0" handed out before, ">" new), count
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 'no_lease' end
return redis.call('XREADGROUP', 'GROUP', 'ingest', 'ingest', 'COUNT', ARGV[4], 'STREAMS', KEYS[2], ARGV[3])
