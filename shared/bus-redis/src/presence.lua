-- Carries out what became of users of one partition, and tells of each who is seen otherwise by it.
-- KEYS: what the lease has written here, then the users
-- ARGV: fence, lease, ids of living leases by commas, '1' if those are all there are, ms that a user who is offline
--       is kept, then for each user: what (`come`, `go`, `say`), id, channel, setting (may be empty)
-- An answer is `<1 if online> <last seen> <setting>`, or `unknown` where a lease has to be asked about first.
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
local lease, kept = ARGV[2], ARGV[5]
local living = {}
for id in string.gmatch(ARGV[3], '[^,]+') do living[id] = true end

local function look(key)
  local user = {here = false, elsewhere = false, setting = '', seen = '', dead = {}}
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if name == 's' then user.setting = value
    elseif name == 'seen' then user.seen = value
    elseif name == lease then user.here = true
    elseif living[name] then user.elsewhere = true
    else user.dead[#user.dead + 1] = name end
  end
  return user
end

local function apply(key, what, id, setting, user)
  if what == 'come' then
    redis.call('HSET', key, lease, '1')
    redis.call('SADD', KEYS[1], 'u:' .. id)
    redis.call('PERSIST', key)
    if user.setting == '' and setting ~= '' then
      redis.call('HSET', key, 's', setting)
      user.setting = setting
    end
    return true
  end
  if what == 'say' then
    redis.call('HSET', key, 's', setting)
    user.setting = setting
  else
    redis.call('HDEL', key, lease)
    redis.call('SREM', KEYS[1], 'u:' .. id)
    user.here = false
  end
  local online = user.here or user.elsewhere
  if not online then
    if what == 'go' then
      redis.call('HSET', key, 'seen', now)
      user.seen = now
    end
    redis.call('PEXPIRE', key, kept)
  end
  return online
end

local answers = {}
for i = 2, #KEYS do
  local at = 6 + (i - 2) * 4
  local what, id, channel, setting = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local user = look(KEYS[i])
  if #user.dead > 0 and ARGV[4] == '0' then
    answers[i - 1] = 'unknown'
  else
    if #user.dead > 0 then redis.call('HDEL', KEYS[i], unpack(user.dead)) end
    local before = user.here or user.elsewhere
    local online = apply(KEYS[i], what, id, setting, user)
    local row = (online and '1' or '0') .. ' ' .. user.seen .. ' ' .. user.setting
    if online ~= before or what == 'say' then redis.call(PUBLISH, channel, 'presence ' .. row) end
    answers[i - 1] = row
  end
end
return answers
