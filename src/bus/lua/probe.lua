-- Tells every follower, through the live channel, where the log stands.
-- KEYS: log, head, generation, live   ARGV: nonce, the prober's last id, PUBLISH or SPUBLISH
local head, generation = witness(KEYS[1], KEYS[2], KEYS[3], ARGV[2], ARGV[1])
redis.call(ARGV[3], KEYS[4], '? ' .. ARGV[1] .. ' ' .. head .. ' ' .. generation)
return head
