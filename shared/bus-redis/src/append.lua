-- Numbers one event, keeps it in the room's tail and the partition's log, and publishes it.
-- The caller passes keys and arguments in the order of these names.
local partition_key, room_key, tail_key, log_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
-- Results of appends of this bucket of time and of the one before.
local results_key, older_results_key = KEYS[5], KEYS[6]
local pace_key = KEYS[7]

local fence = ARGV[1]
-- Under which an append is remembered: user and client id.
local result_field = ARGV[2]
-- The event was allowed under this version of the room's rights ('at': refused when the room has a newer one), brings it
-- about ('raise'), or takes nothing away ('keep').
local rights, acl_text = ARGV[3], ARGV[4]
local event_id, event, room_id = ARGV[5], ARGV[6], ARGV[7]
local room_channel, wake_channel = ARGV[8], ARGV[9]
local tail_events_max, tail_life_s, results_life_s, log_entries_max = ARGV[10], ARGV[11], ARGV[12], ARGV[13]
-- 'text', 'reaction' or 'free'.
local cost = ARGV[14]
local interval_ms, credit_ms = ARGV[15], ARGV[16]
local is_moderator = ARGV[17] == '1'
-- New settings of the room; without a version there are none.
local settings_version, settings_slow_mode_ms, settings_frozen = ARGV[18], ARGV[19], ARGV[20]
local settings_posting, settings_archived = ARGV[21], ARGV[22]
-- The epoch it is for; empty for any.
local only_in_epoch = ARGV[23]
-- Whether it is the last event of the room.
local is_last = ARGV[24] == '1'

local partition = redis.call('HMGET', partition_key, 'fence', 'epoch', 'mark', 'lost')
local known_fence, partition_epoch, mark, lost_epoch = partition[1], partition[2], partition[3], partition[4]
if known_fence ~= fence then return {'not_open'} end
local room = redis.call(
  'HMGET', room_key, 'epoch', 'seq', 'acl', 'frozen', 'slow_mode_ms', 'posting', 'archived', 'gone')
local epoch, last_seq, room_acl, frozen, slow_mode_ms = room[1], room[2], room[3], room[4], room[5]
local posting, archived, gone = room[6], room[7], room[8]
if epoch ~= partition_epoch then return {'not_open'} end
if only_in_epoch ~= '' and only_in_epoch ~= epoch then return {'not_open'} end

-- A repeat is answered before any limit, so that a retry is never refused.
local first = redis.call('HGET', results_key, result_field) or redis.call('HGET', older_results_key, result_field)
-- Unless its epoch ended with events that were thrown away, and this may be one of them.
if first and lost_epoch and tonumber(string.match(first, '^%d+')) <= tonumber(lost_epoch)
  and not string.find(first, ' stored', 1, true) then first = nil end
-- Another event under the same name is no repeat.
if first and not string.find(first, ' ' .. event_id, 1, true) then return {'reused'} end
if first then return {'repeated', first, partition_epoch, mark or ''} end

-- Nothing follows the last event of a room.
if gone == '1' then return {'refused', 'unknown_room'} end
local acl = tonumber(acl_text)
if rights == 'at' and tonumber(room_acl) > acl then return {'stale_rights'} end
local waiting = redis.call('XLEN', log_key)
if waiting >= tonumber(log_entries_max) then return {'overloaded'} end

local time = redis.call('TIME')
local millis = time[1] .. string.format('%03d', math.floor(time[2] / 1000))

-- What a user says: not in a frozen room, no faster than the pace and slow mode allow. A refusal leaves no trace.
if cost ~= 'free' then
  if archived == '1' then return {'refused', 'archived'} end
  if frozen == '1' and not is_moderator then return {'refused', 'frozen'} end
  if posting == 'moderators' and cost == 'text' and not is_moderator then return {'refused', 'posting_restricted'} end
  local interval, credit, slow = tonumber(interval_ms), tonumber(credit_ms), 0
  if cost == 'text' and not is_moderator then slow = tonumber(slow_mode_ms or '0') end
  if interval > 0 or slow > 0 then
    local now = tonumber(millis)
    local trace = redis.call('GET', pace_key) or '0 0 0'
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
    redis.call('SET', pace_key, trace, 'PX', string.format('%.0f', math.max(ends - now, 1)))
  end
end
-- New settings hold from their own event on, unless newer ones came first.
if settings_version ~= '' then
  local known = redis.call('HGET', room_key, 'settings')
  if known and tonumber(known) > tonumber(settings_version) then return {'stale_rights'} end
  redis.call('HSET', room_key,
    'settings', settings_version, 'slow_mode_ms', settings_slow_mode_ms, 'frozen', settings_frozen,
    'posting', settings_posting, 'archived', settings_archived)
end
if is_last then redis.call('HSET', room_key, 'gone', '1') end

local seq = string.format('%.0f', last_seq + 1)
local entry = epoch .. ' ' .. seq .. ' ' .. millis .. ' ' .. event
redis.call('XADD', tail_key, 'MAXLEN', '=', tail_events_max, seq .. '-0', 'e', entry)
redis.call('EXPIRE', tail_key, tail_life_s)
local position = redis.call('XADD', log_key, '*', 'r', room_id, 'e', entry, 'd', results_key .. ' ' .. result_field)
if rights == 'raise' and tonumber(room_acl) < acl then
  redis.call('HSET', room_key, 'seq', seq, 'acl', acl_text)
else
  redis.call('HSET', room_key, 'seq', seq)
end
local place = epoch .. ' ' .. seq .. ' ' .. millis .. ' ' .. position .. ' ' .. event_id
redis.call('HSET', results_key, result_field, place)
redis.call('EXPIRE', results_key, results_life_s)
redis.call(PUBLISH, room_channel, entry)
-- Whoever stores this log sleeps while it is empty. This is all that is in it, so there is nothing to ask for.
if waiting == 0 then
  local wakeup = {position, fence, room_id, results_key, result_field, entry}
  redis.call(PUBLISH, wake_channel, table.concat(wakeup, ' '))
end
return {'appended', place, partition_epoch}
