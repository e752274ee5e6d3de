-- Numbers one event, keeps it in the room's tail and the partition's log, and publishes it.
-- KEYS: partition, room, tail, log, dedupe (current), dedupe (previous), pace of the user
-- ARGV: fence, dedupe field, rights ("at", "raise" or "keep"), acl, event id, event, room id,
--       room channel, wake channel, tail length, tail life (s), dedupe life (s), log length,
--       load ("text", "reaction" or "free"), interval (ms), credit (ms), keeps order (1 or 0),
--       settings: version (or nothing), slow mode (ms), frozen (1 or 0),
--       epoch it is for (or nothing)
local partition = redis.call('HMGET', KEYS[1], 'fence', 'epoch', 'mark', 'lost')
if partition[1] ~= ARGV[1] then return {'not_open'} end
local room = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'acl', 'frozen', 'slow_mode_ms')
if room[1] ~= partition[2] then return {'not_open'} end
if ARGV[21] ~= '' and ARGV[21] ~= room[1] then return {'not_open'} end

-- A repeat is answered before any limit, so that a retry is never refused.
local first = redis.call('HGET', KEYS[5], ARGV[2]) or redis.call('HGET', KEYS[6], ARGV[2])
-- Unless its epoch ended with events that were thrown away, and this may be one of them.
if first and partition[4] and tonumber(string.match(first, '^%d+')) <= tonumber(partition[4])
  and not string.find(first, ' stored', 1, true) then first = nil end
-- Another event under the same name is no repeat.
if first and not string.find(first, ' ' .. ARGV[5], 1, true) then return {'reused'} end
if first then return {'repeated', first, partition[2], partition[3] or ''} end

local acl = tonumber(ARGV[4])
if ARGV[3] == 'at' and tonumber(room[3]) > acl then return {'stale_rights'} end
local waiting = redis.call('XLEN', KEYS[4])
if waiting >= tonumber(ARGV[13]) then return {'overloaded'} end

local time = redis.call('TIME')
local millis = time[1] .. string.format('%03d', math.floor(time[2] / 1000))

-- What a user says: not in a frozen room, no faster than the pace and slow mode allow. A refusal leaves no trace.
if ARGV[14] ~= 'free' then
  if room[4] == '1' and ARGV[17] == '0' then return {'frozen'} end
  local interval, credit, slow = tonumber(ARGV[15]), tonumber(ARGV[16]), 0
  if ARGV[14] == 'text' and ARGV[17] == '0' then slow = tonumber(room[5] or '0') end
  if interval > 0 or slow > 0 then
    local now = tonumber(millis)
    local trace = redis.call('GET', KEYS[7]) or '0 0 0'
    local paid, said, ends = string.match(trace, '^(%d+) (%d+) (%d+)$')
    paid = math.min(math.max(tonumber(paid), now), now + credit + interval)
    if interval > 0 and paid - credit > now then
      return {'rate_limited', string.format('%.0f', paid - credit - now)}
    end
    local rest = math.min(tonumber(said), now) + slow - now
    if slow > 0 and rest > 0 then return {'slow_mode', string.format('%.0f', rest)} end
    paid = paid + interval
    if slow > 0 then said = millis end
    ends = math.max(tonumber(ends), paid, now + slow)
    trace = string.format('%.0f %s %.0f', paid, said, ends)
    redis.call('SET', KEYS[7], trace, 'PX', string.format('%.0f', math.max(ends - now, 1)))
  end
end
-- New settings hold from their own event on, unless newer ones came first.
if ARGV[18] ~= '' then
  local known = redis.call('HGET', KEYS[2], 'settings')
  if known and tonumber(known) > tonumber(ARGV[18]) then return {'stale_rights'} end
  redis.call('HSET', KEYS[2], 'settings', ARGV[18], 'slow_mode_ms', ARGV[19], 'frozen', ARGV[20])
end

local seq = string.format('%.0f', room[2] + 1)
local entry = room[1] .. ' ' .. seq .. ' ' .. millis .. ' ' .. ARGV[6]
redis.call('XADD', KEYS[3], 'MAXLEN', '=', ARGV[10], seq .. '-0', 'e', entry)
redis.call('EXPIRE', KEYS[3], ARGV[11])
local position = redis.call('XADD', KEYS[4], '*', 'r', ARGV[7], 'e', entry, 'd', KEYS[5] .. ' ' .. ARGV[2])
if ARGV[3] == 'raise' and tonumber(room[3]) < acl then
  redis.call('HSET', KEYS[2], 'seq', seq, 'acl', ARGV[4])
else
  redis.call('HSET', KEYS[2], 'seq', seq)
end
local place = room[1] .. ' ' .. seq .. ' ' .. millis .. ' ' .. position .. ' ' .. ARGV[5]
redis.call('HSET', KEYS[5], ARGV[2], place)
redis.call('EXPIRE', KEYS[5], ARGV[12])
redis.call(PUBLISH, ARGV[8], entry)
-- Whoever stores this log sleeps while it is empty. This is all that is in it, so there is nothing to ask for.
if waiting == 0 then
  local first = {position, ARGV[1], ARGV[7], KEYS[5], ARGV[2], entry}
  redis.call(PUBLISH, ARGV[9], table.concat(first, ' '))
end
return {'appended', place, partition[2]}
