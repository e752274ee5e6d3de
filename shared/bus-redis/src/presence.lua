-- Carries out what became of users of one partition, and tells of each who is seen otherwise by it.
-- The caller passes keys and arguments in the order of these names.
-- ARGV[1] is the fence, which the prelude has checked.
-- What the lease has written in this partition.
local written_key = KEYS[1]
local lease = ARGV[2]
-- By commas, and whether those are all there are.
local living_leases, is_complete = ARGV[3], ARGV[4] == '1'
-- So long a user is kept who is offline.
local kept_ms = ARGV[5]
-- Then for each user a key, and what became of it (`come`, `go`, `say`), its id, its channel, and its setting, which may be
-- empty.
local users = #KEYS - 1
local function user_at(n)
  local at = 5 + (n - 1) * 4
  return KEYS[1 + n], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
end

-- An answer is `<1 if online> <last seen> <setting>`, or `unknown` where a lease has to be asked about first.
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
local living = {}
for id in string.gmatch(living_leases, '[^,]+') do living[id] = true end

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
    redis.call('SADD', written_key, 'u:' .. id)
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
    redis.call('SREM', written_key, 'u:' .. id)
    user.here = false
  end
  local online = user.here or user.elsewhere
  if not online then
    if what == 'go' then
      redis.call('HSET', key, 'seen', now)
      user.seen = now
    end
    redis.call('PEXPIRE', key, kept_ms)
  end
  return online
end

local answers = {}
for n = 1, users do
  local key, what, id, channel, setting = user_at(n)
  local user = look(key)
  if #user.dead > 0 and not is_complete then
    answers[n] = 'unknown'
  else
    if #user.dead > 0 then redis.call('HDEL', key, unpack(user.dead)) end
    local before = user.here or user.elsewhere
    local online = apply(key, what, id, setting, user)
    local row = (online and '1' or '0') .. ' ' .. user.seen .. ' ' .. user.setting
    if online ~= before or what == 'say' then redis.call(PUBLISH, channel, 'presence ' .. row) end
    answers[n] = row
  end
end
return answers
