-- Another server has begun a newer epoch: what this one numbered since, and nobody stored, is thrown away, and its
-- epoch ends. Nothing of it was acknowledged.
-- The caller passes keys and arguments in the order of these names.
-- ARGV[1] is the fence, which the prelude has checked.
local partition_key, log_key, lease_key = KEYS[1], KEYS[2], KEYS[3]
local owner, batch_epoch = ARGV[2], ARGV[3]
-- Then the ids of its entries.
local first_entry = 4

if redis.call('GET', lease_key) ~= owner then return 'no_lease' end
if redis.call('HGET', partition_key, 'epoch') ~= batch_epoch then return 'over' end
redis.call('XACK', log_key, 'ingest', unpack(ARGV, first_entry))
redis.call('XDEL', log_key, unpack(ARGV, first_entry))
-- Results of appends up to this epoch are no longer true.
redis.call('HSET', partition_key, 'lost', batch_epoch)
redis.call('HDEL', partition_key, 'fence')
return 'discarded'
