-- Reads the next entries of a partition's log for the holder of its lease, and whose data they are.
-- The caller passes keys and arguments in the order of these names.
-- ARGV[1] is the fence, which the prelude has checked.
local partition_key, lease_key, log_key = KEYS[1], KEYS[2], KEYS[3]
local owner = ARGV[2]
-- '0' for what was handed out before, '>' for what is new.
local from = ARGV[3]
local count = ARGV[4]

local function read(start)
  local streams = redis.call('XREADGROUP', 'GROUP', 'ingest', 'ingest', 'COUNT', count, 'STREAMS', log_key, start)
  -- One stream was asked for, which is one pair of name and entries.
  return streams and streams[1] and streams[1][2] or {}
end
if redis.call('GET', lease_key) ~= owner then return {'no_lease'} end
local partition = redis.call('HMGET', partition_key, 'fence', 'epoch')
local entries = read(from)
-- Nothing is new, and yet something is left: handed out by a server that has been replaced, and not stored as far as this
-- one knows. Nobody else will ask for it, and no epoch begins before it is stored.
if #entries == 0 and from == '>' and redis.call('XLEN', log_key) > 0 then entries = read('0') end
return {'entries', partition[1] or '', partition[2] or '0', entries}
