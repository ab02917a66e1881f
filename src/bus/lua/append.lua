-- Appends one event and hands it to every follower, once.
-- KEYS: log, head, writer, live[, once]   ARGV: epoch, mark, record, events at most, PUBLISH or SPUBLISH[, seconds for once]
-- The writer has begun a new epoch since: what it sent before may still arrive here, and must not count.
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return redis.error_reply('FENCED') end
if KEYS[5] then
  local first = redis.call('GET', KEYS[5])
  if first then return first end
end
local previous = redis.call('GET', KEYS[2]) or '0-0'
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '*', 'p', previous, 'w', ARGV[2], 'r', ARGV[3])
redis.call('SET', KEYS[2], id)
if KEYS[5] then redis.call('SET', KEYS[5], id, 'EX', ARGV[6]) end
redis.call(ARGV[5], KEYS[4], id .. ' ' .. previous .. ' ' .. ARGV[3])
return id
