-- Everything in the log up to an entry is in the store: remember it, forget the entries, tell everybody.
-- KEYS: partition, log, then one room after the other
-- ARGV: fence (makes the script belong to this server), epoch of the last entry, its ms, its n, control channel,
--       number of entries, their ids, then epoch and seq for each room
local mark = ARGV[2] .. ' ' .. ARGV[3] .. '-' .. ARGV[4]
local count = tonumber(ARGV[6])
redis.call('XACK', KEYS[2], 'ingest', unpack(ARGV, 7, 6 + count))
redis.call('XTRIM', KEYS[2], 'MINID', '=', ARGV[3] .. '-' .. string.format('%.0f', ARGV[4] + 1))
for i = 3, #KEYS do
  local at = 7 + count + (i - 3) * 2
  local room = redis.call('HMGET', KEYS[i], 'epoch', 'stored')
  if room[1] == ARGV[at] and tonumber(room[2] or '0') < tonumber(ARGV[at + 1]) then
    redis.call('HSET', KEYS[i], 'stored', ARGV[at + 1])
  end
end
redis.call('HSET', KEYS[1], 'mark', mark)
redis.call(PUBLISH, ARGV[5], 'stored ' .. mark)
return mark
