-- Begins a new epoch of a writer. From here on nothing that it sent before is appended any more, so what it finds of
-- its own in the log is all there will be of it.
-- KEYS: log, head, generation, writer   ARGV: epoch, last id it knows of, nonce, seconds
redis.call('SET', KEYS[4], ARGV[1], 'EX', ARGV[4])
local head = witness(KEYS[1], KEYS[2], KEYS[3], ARGV[2], ARGV[3])
return head
