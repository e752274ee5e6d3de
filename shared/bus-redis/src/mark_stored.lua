-- The entries of a batch are in the store: forget them, remember how far everything is stored, tell whoever waits.
-- KEYS: partition, log, lease, then one room after the other, then dedupe results of events that were stored before
-- ARGV: fence (makes the script belong to this server), owner, epoch of the batch, marks channel,
--       number of entries, their ids,
--       number of rooms, number for each,
--       then for each event that was stored before: its entry, dedupe field, event id, and epoch, seq, ms of the first
local count = tonumber(ARGV[5])
local rooms = tonumber(ARGV[6 + count])
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return 'no_lease' end
local partition = redis.call('HMGET', KEYS[1], 'epoch', 'mark', 'top', 'moves')
if partition[1] ~= ARGV[3] then return 'over' end

local function is_less(a, b)
  local a_ms, a_n = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_n = string.match(b, '(%d+)-(%d+)')
  return tonumber(a_ms) < tonumber(b_ms) or (a_ms == b_ms and tonumber(a_n) < tonumber(b_n))
end

-- Exactly these, and they count only as far as they are here: another server may hold less.
redis.call('XACK', KEYS[2], 'ingest', unpack(ARGV, 6, 5 + count))
local top, last = partition[3], nil
for i = 5 + count, 6, -1 do
  if redis.call('XDEL', KEYS[2], ARGV[i]) == 1 then
    last = ARGV[i]
    if i > 6 then redis.call('XDEL', KEYS[2], unpack(ARGV, 6, i - 1)) end
    break
  end
end

local moves = tonumber(partition[4] or '0')
local told = ''
for i = 4 + rooms, #KEYS do
  local at = 7 + count + rooms + (i - 4 - rooms) * 6
  local place = ARGV[at + 3] .. ' ' .. ARGV[at + 4] .. ' ' .. ARGV[at + 5]
  moves = moves + 1
  told = told .. ' ' .. ARGV[at] .. ' ' .. place
  -- Later repeats are answered with the first place.
  local known = redis.call('HGET', KEYS[i], ARGV[at + 1])
  if known and string.find(known, ARGV[at + 2], 1, true) then
    redis.call('HSET', KEYS[i], ARGV[at + 1], place .. ' ' .. ARGV[at] .. ' ' .. ARGV[at + 2] .. ' stored')
  end
end
moves = string.format('%.0f', moves)
if not last then
  redis.call('HSET', KEYS[1], 'moves', moves)
  return 'over'
end
if not top or is_less(top, last) then top = last end

-- "Everything up to here" is not true while an older entry is left, such as one that was handed out to nobody.
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
if first and is_less(first[1], top) then
  redis.call('HSET', KEYS[1], 'moves', moves, 'top', top)
  return 'behind'
end
for i = 4, 3 + rooms do
  local seq = ARGV[7 + count + i - 4]
  local room = redis.call('HMGET', KEYS[i], 'epoch', 'stored')
  if room[1] == ARGV[3] and tonumber(room[2] or '0') < tonumber(seq) then
    redis.call('HSET', KEYS[i], 'stored', seq)
  end
end
local mark = ARGV[3] .. ' ' .. top
redis.call('HSET', KEYS[1], 'moves', moves, 'top', top, 'mark', mark)
redis.call(PUBLISH, ARGV[4], mark .. ' ' .. moves .. told)
return first and 'stored' or 'emptied'
