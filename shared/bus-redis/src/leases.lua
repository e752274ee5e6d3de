-- Takes or renews a gateway's lease, tells of all leases, and hands out dead ones to clean up after.
-- The caller passes keys and arguments in the order of these names.
-- ARGV[1] is the fence, which the prelude has checked.
local leases_key = KEYS[1]
-- Empty for who only looks.
local own = ARGV[2]
local life_ms, is_new, claim_ms = ARGV[3], ARGV[4] == '1', ARGV[5]

-- A row of the answer is `<lease> <ms until it ends> <1 if claimed just now>`; the first says whether the lease holds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = '0'
if own ~= '' then
  local ends = redis.call('HGET', leases_key, own)
  if is_new or (ends and tonumber(ends) >= now) then
    redis.call('HSET', leases_key, own, string.format('%d', now + life_ms))
    held = '1'
  end
end
local fields = redis.call('HGETALL', leases_key)
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
    if rest < 0 and own ~= '' and (claims[lease] or 0) < now then
      redis.call('HSET', leases_key, 'c:' .. lease, string.format('%d', now + claim_ms))
      claimed = '1'
    end
    rows[#rows + 1] = string.format('%s %d %s', lease, rest, claimed)
  end
end
return rows
