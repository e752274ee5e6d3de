-- The entries of a batch are in the store: forget them, remember how far everything is stored, tell whoever waits.
-- The caller passes keys and arguments in the order of these names.
-- ARGV[1] is the fence, which the prelude has checked.
local partition_key, log_key, lease_key = KEYS[1], KEYS[2], KEYS[3]
local owner, batch_epoch, marks_channel = ARGV[2], ARGV[3], ARGV[4]
-- Then the number of entries, and their ids.
local count = tonumber(ARGV[5])
local first_entry, last_entry = 6, 5 + count
-- Then the number of rooms, and a key and a stored number for each.
local rooms = tonumber(ARGV[last_entry + 1])
local function room_at(n) return KEYS[3 + n], ARGV[last_entry + 1 + n] end
-- Then for each event that was stored before the key of its result, and its entry, the result's field, the event's id,
-- and epoch, number and time of the first.
local relocations = #KEYS - 3 - rooms
local function relocation_at(n)
  local at = last_entry + 1 + rooms + (n - 1) * 6
  local entry, field, event_id = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local place = ARGV[at + 4] .. ' ' .. ARGV[at + 5] .. ' ' .. ARGV[at + 6]
  return KEYS[3 + rooms + n], entry, field, event_id, place
end

if redis.call('GET', lease_key) ~= owner then return 'no_lease' end
local partition = redis.call('HMGET', partition_key, 'epoch', 'top', 'moves')
local epoch, top, moves = partition[1], partition[2], tonumber(partition[3] or '0')
if epoch ~= batch_epoch then return 'over' end

local function is_less(a, b)
  local a_ms, a_n = string.match(a, '(%d+)-(%d+)')
  local b_ms, b_n = string.match(b, '(%d+)-(%d+)')
  return tonumber(a_ms) < tonumber(b_ms) or (a_ms == b_ms and tonumber(a_n) < tonumber(b_n))
end

-- Exactly these, and they count only as far as they are here: another server may hold less.
redis.call('XACK', log_key, 'ingest', unpack(ARGV, first_entry, last_entry))
local last
for i = last_entry, first_entry, -1 do
  if redis.call('XDEL', log_key, ARGV[i]) == 1 then
    last = ARGV[i]
    if i > first_entry then redis.call('XDEL', log_key, unpack(ARGV, first_entry, i - 1)) end
    break
  end
end

local told = ''
for n = 1, relocations do
  local results_key, entry, field, event_id, place = relocation_at(n)
  moves = moves + 1
  told = told .. ' ' .. entry .. ' ' .. place
  -- Later repeats are answered with the first place.
  local known = redis.call('HGET', results_key, field)
  if known and string.find(known, event_id, 1, true) then
    redis.call('HSET', results_key, field, place .. ' ' .. entry .. ' ' .. event_id .. ' stored')
  end
end
moves = string.format('%.0f', moves)
if not last then
  redis.call('HSET', partition_key, 'moves', moves)
  return 'over'
end
if not top or is_less(top, last) then top = last end

-- "Everything up to here" is not true while an older entry is left, such as one that was handed out to nobody.
local first = redis.call('XRANGE', log_key, '-', '+', 'COUNT', 1)[1]
if first and is_less(first[1], top) then
  redis.call('HSET', partition_key, 'moves', moves, 'top', top)
  return 'behind'
end
for n = 1, rooms do
  local room_key, seq = room_at(n)
  local room = redis.call('HMGET', room_key, 'epoch', 'stored')
  if room[1] == batch_epoch and tonumber(room[2] or '0') < tonumber(seq) then
    redis.call('HSET', room_key, 'stored', seq)
  end
end
local mark = batch_epoch .. ' ' .. top
redis.call('HSET', partition_key, 'moves', moves, 'top', top, 'mark', mark)
redis.call(PUBLISH, marks_channel, mark .. ' ' .. moves .. told)
return first and 'stored' or 'emptied'
