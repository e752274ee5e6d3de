-- Another server has begun a newer epoch: what this one numbered since, and nobody stored, is thrown away, and its
-- epoch ends. Nothing of it was acknowledged.
-- KEYS: partition, log, lease
-- ARGV: fence (makes the script belong to this server), owner, epoch of the batch, the ids of its entries
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return 'no_lease' end
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[3] then return 'over' end
redis.call('XACK', KEYS[2], 'ingest', unpack(ARGV, 4))
redis.call('XDEL', KEYS[2], unpack(ARGV, 4))
-- Results of appends up to this epoch are no longer true.
redis.call('HSET', KEYS[1], 'lost', ARGV[3])
redis.call('HDEL', KEYS[1], 'fence')
return 'discarded'
