-- Reads whole hashes of one partition.
-- KEYS: the hashes
-- ARGV: fence (makes the script belong to this server)
local found = {}
for i = 1, #KEYS do found[i] = redis.call('HGETALL', KEYS[i]) end
return found
