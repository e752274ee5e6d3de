-- Takes tokens out of a bucket (GCRA), as shared/src/quota.rs has it.
-- KEYS: bucket (when everything is paid, in ms)
-- ARGV: fence (not asked: a bucket that was lost is a full one), interval (ms), burst, want
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local interval, want = tonumber(ARGV[2]), tonumber(ARGV[4])
local full = interval * tonumber(ARGV[3])
local paid = tonumber(redis.call('GET', KEYS[1]) or '0')
local owed = math.min(math.max(paid - now, 0), full)
local free = math.floor((full - owed) / interval)
if free == 0 then return {0, 0, owed + interval - full, owed} end
local granted = math.min(want, math.max(1, math.floor(free / 2)))
owed = owed + granted * interval
redis.call('SET', KEYS[1], string.format('%.0f', now + owed), 'PX', string.format('%.0f', owed))
return {granted, free - granted, 0, owed}
