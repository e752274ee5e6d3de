-- Reads where rooms of one partition stand, and how their epoch began; an empty text for a room that is not open.
-- KEYS: partition, then one room after the other
-- ARGV: fence
local partition = redis.call('HMGET', KEYS[1], 'fence', 'epoch')
local heads = {}
for i = 2, #KEYS do
  local room = redis.call('HMGET', KEYS[i], 'epoch', 'seq', 'stored', 'began')
  local open = partition[1] == ARGV[1] and room[1] == partition[2]
  local began = string.match(room[4] or '', '^[^;]+')
  heads[i - 1] = open and room[1] .. ' ' .. room[2] .. ' ' .. (room[3] or '0') .. (began and ' ' .. began or '') or ''
end
return heads
