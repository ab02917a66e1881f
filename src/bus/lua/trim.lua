-- Lets go of what is older or more than wanted; whole nodes of the stream only, so never too much. Keeps the writer's
-- epoch from expiring.
-- KEYS: log, writer   ARGV: age in ms, bytes, seconds
redis.call('EXPIRE', KEYS[2], ARGV[3])
local time = redis.call('TIME')
local oldest = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - tonumber(ARGV[1])
if oldest > 0 then redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', oldest)) end
local bytes = redis.call('MEMORY', 'USAGE', KEYS[1]) or 0
if bytes > tonumber(ARGV[2]) then
  local kept = math.floor(redis.call('XLEN', KEYS[1]) * tonumber(ARGV[2]) / bytes)
  redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', kept)
end
return bytes
