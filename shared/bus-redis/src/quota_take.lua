-- Takes tokens out of a bucket (GCRA), as shared/runtime/src/rate.rs has it.
-- KEYS: bucket (when everything is paid, in ms)
-- ARGV: fence (not asked: a bucket that was lost is a full one), interval (ms), burst, most, least
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local interval, burst, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local least = math.max(1, math.min(tonumber(ARGV[5]), burst))
local full = interval * burst
local paid = tonumber(redis.call('GET', KEYS[1]) or '0')
local owed = math.min(math.max(paid - now, 0), full)
local free = math.floor((full - owed) / interval)
if free < least then return {0, free, owed + least * interval - full, owed} end
local granted = math.max(least, math.min(most, math.floor(free / 2)))
owed = owed + granted * interval
redis.call('SET', KEYS[1], string.format('%.0f', now + owed), 'PX', string.format('%.0f', owed))
return {granted, free - granted, 0, owed}
