-- Takes or renews a gateway's lease, tells of all leases, and hands out dead ones to clean up after.
-- KEYS: leases
-- ARGV: fence (makes the script belong to this server), lease (empty: only look), life in ms, '1' if it is new,
--       life of a claim in ms
-- A row of the answer is `<lease> <ms until it ends> <1 if claimed just now>`; the first says whether the lease holds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = '0'
if ARGV[2] ~= '' then
  local ends = redis.call('HGET', KEYS[1], ARGV[2])
  if ARGV[4] == '1' or (ends and tonumber(ends) >= now) then
    redis.call('HSET', KEYS[1], ARGV[2], string.format('%d', now + ARGV[3]))
    held = '1'
  end
end
local fields = redis.call('HGETALL', KEYS[1])
local claims = {}
for i = 1, #fields, 2 do
  local lease = string.match(fields[i], '^c:(.*)$')
  if lease then claims[lease] = tonumber(fields[i + 1]) end
end
local rows = {held}
for i = 1, #fields, 2 do
  local lease = fields[i]
  if string.sub(lease, 1, 2) ~= 'c:' then
    local rest = tonumber(fields[i + 1]) - now
    local claimed = '0'
    if rest < 0 and ARGV[2] ~= '' and (claims[lease] or 0) < now then
      redis.call('HSET', KEYS[1], 'c:' .. lease, string.format('%d', now + ARGV[5]))
      claimed = '1'
    end
    rows[#rows + 1] = string.format('%s %d %s', lease, rest, claimed)
  end
end
return rows
