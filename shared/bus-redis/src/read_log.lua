-- Reads the next entries of a partition's log for the holder of its lease, and whose data they are.
-- KEYS: partition, lease, log
-- ARGV: fence (unused here, makes the script belong to this server), owner, from ("0" handed out before, ">" new), count
local function read(from)
  local streams = redis.call('XREADGROUP', 'GROUP', 'ingest', 'ingest', 'COUNT', ARGV[4], 'STREAMS', KEYS[3], from)
  -- One stream was asked for, which is one pair of name and entries.
  return streams and streams[1] and streams[1][2] or {}
end
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return {'no_lease'} end
local partition = redis.call('HMGET', KEYS[1], 'fence', 'epoch')
local entries = read(ARGV[3])
-- Nothing is new, and yet something is left: handed out by a server that has been replaced, and not stored as far as this
-- one knows. Nobody else will ask for it, and no epoch begins before it is stored.
if #entries == 0 and ARGV[3] == '>' and redis.call('XLEN', KEYS[3]) > 0 then entries = read('0') end
return {'entries', partition[1] or '', partition[2] or '0', entries}
