-- Keeps what a node says, its card or where it stands in a room, forgets what was not renewed, and tells what all have said.
-- KEYS: where they say it
-- ARGV: fence (not asked), node (empty for who only looks), card, life (ms)
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[2], string.format('%.0f ', now + tonumber(ARGV[4])) .. ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
local cards = {}
local rows = redis.call('HGETALL', KEYS[1])
for i = 1, #rows, 2 do
  local ends, card = string.match(rows[i + 1], '^(%d+) (.*)$')
  if ends and tonumber(ends) >= now then
    cards[#cards + 1] = card
  else
    redis.call('HDEL', KEYS[1], rows[i])
  end
end
return cards
