-- Takes tokens out of a bucket (GCRA), as shared/runtime/src/rate.rs has it.
-- The caller passes keys and arguments in the order of these names.
-- ARGV[1], the fence, is not checked: a bucket that was lost is a full one.
-- When everything is paid, in milliseconds.
local bucket_key = KEYS[1]
local interval, burst, most, asked_least = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local least = math.max(1, math.min(asked_least, burst))
local full = interval * burst
local paid = tonumber(redis.call('GET', bucket_key) or '0')
local owed = math.min(math.max(paid - now, 0), full)
local free = math.floor((full - owed) / interval)
if free < least then return {0, free, owed + least * interval - full, owed} end
local granted = math.max(least, math.min(most, math.floor(free / 2)))
owed = owed + granted * interval
redis.call('SET', bucket_key, string.format('%.0f', now + owed), 'PX', string.format('%.0f', owed))
return {granted, free - granted, 0, owed}
