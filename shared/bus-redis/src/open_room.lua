-- Builds a room's state in the partition's current epoch, unless it is there.
-- KEYS: partition, room, tail
-- ARGV: fence, stored seq, acl, version of the settings, slow mode (ms), frozen (1 or 0),
--       epoch of the stored event, epoch in which that was read (empty: any), epochs that are remembered
local partition = redis.call('HMGET', KEYS[1], 'fence', 'epoch', 'lost')
if partition[1] ~= ARGV[1] then return 'partition_not_open' end
-- What was read before this epoch began may be less than what is stored.
if ARGV[8] ~= '' and ARGV[8] ~= partition[2] then return 'partition_not_open' end
local room = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'acl', 'began')
-- Of two versions of the settings the newer one holds, whichever side has it.
local known = redis.call('HGET', KEYS[2], 'settings')
if not known or tonumber(known) < tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[2], 'settings', ARGV[4], 'slow_mode_ms', ARGV[5], 'frozen', ARGV[6])
end
local acl = math.max(tonumber(room[3] or '0'), tonumber(ARGV[3]))
if room[1] == partition[2] then
  redis.call('HSET', KEYS[2], 'acl', string.format('%.0f', acl))
  return 'open'
end
-- Numbers go on after the larger of what this server and the store know; old and new never share one. The partition got
-- its epoch when its log was empty: up to here the store has all that it will ever have, also where it leaves out the
-- number of a repeat.
local seq = string.format('%.0f', math.max(tonumber(room[2] or '0'), tonumber(ARGV[2])))
-- What the tail has of older epochs is stored, too, unless it was thrown away.
if not room[1] or (partition[3] and tonumber(room[1]) <= tonumber(partition[3])) then redis.call('DEL', KEYS[3]) end
-- How the epoch begins, and how those before it did, the newest first.
local began = partition[2] .. ' ' .. seq .. ' ' .. ARGV[7] .. ' ' .. ARGV[2]
local all, count = began, 1
for one in string.gmatch(room[4] or '', '[^;]+') do
  if count < tonumber(ARGV[9]) then all, count = all .. ';' .. one, count + 1 end
end
redis.call('HSET', KEYS[2], 'epoch', partition[2], 'seq', seq,
  'acl', string.format('%.0f', acl), 'stored', seq, 'began', all)
return 'opened'
