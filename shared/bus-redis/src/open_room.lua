-- Builds a room's state in the partition's current epoch, unless it is there.
-- The caller passes keys and arguments in the order of these names.
local partition_key, room_key, tail_key = KEYS[1], KEYS[2], KEYS[3]

local fence = ARGV[1]
-- What the store knows of the room.
local stored_seq, stored_acl = ARGV[2], ARGV[3]
local settings_version, settings_slow_mode_ms, settings_frozen = ARGV[4], ARGV[5], ARGV[6]
local settings_posting, settings_archived = ARGV[7], ARGV[8]
local stored_epoch = ARGV[9]
-- The epoch in which that was read; empty for any.
local read_in_epoch = ARGV[10]
-- So many epochs of the room are remembered.
local epochs_max = ARGV[11]

local partition = redis.call('HMGET', partition_key, 'fence', 'epoch', 'lost')
local known_fence, partition_epoch, lost_epoch = partition[1], partition[2], partition[3]
if known_fence ~= fence then return 'partition_not_open' end
-- What was read before this epoch began may be less than what is stored.
if read_in_epoch ~= '' and read_in_epoch ~= partition_epoch then return 'partition_not_open' end
local room = redis.call('HMGET', room_key, 'epoch', 'seq', 'acl', 'began')
local room_epoch, room_seq, room_acl, room_began = room[1], room[2], room[3], room[4]
-- Of two versions of the settings the newer one holds, whichever side has it.
local known = redis.call('HGET', room_key, 'settings')
if not known or tonumber(known) < tonumber(settings_version) then
  redis.call('HSET', room_key,
    'settings', settings_version, 'slow_mode_ms', settings_slow_mode_ms, 'frozen', settings_frozen,
    'posting', settings_posting, 'archived', settings_archived)
end
local acl = string.format('%.0f', math.max(tonumber(room_acl or '0'), tonumber(stored_acl)))
if room_epoch == partition_epoch then
  redis.call('HSET', room_key, 'acl', acl)
  return 'open'
end
-- Numbers go on after the larger of what this server and the store know; old and new never share one. The partition got
-- its epoch when its log was empty: up to here the store has all that it will ever have, also where it leaves out the
-- number of a repeat.
local seq = string.format('%.0f', math.max(tonumber(room_seq or '0'), tonumber(stored_seq)))
-- What the tail has of older epochs is stored, too, unless it was thrown away.
if not room_epoch or (lost_epoch and tonumber(room_epoch) <= tonumber(lost_epoch)) then redis.call('DEL', tail_key) end
-- How the epoch begins, and how those before it did, the newest first.
local began = partition_epoch .. ' ' .. seq .. ' ' .. stored_epoch .. ' ' .. stored_seq
local all, count = began, 1
for one in string.gmatch(room_began or '', '[^;]+') do
  if count < tonumber(epochs_max) then all, count = all .. ';' .. one, count + 1 end
end
redis.call('HSET', room_key, 'epoch', partition_epoch, 'seq', seq, 'acl', acl, 'stored', seq, 'began', all)
return 'opened'
