-- Keeps revocations until they expire and tells every gateway, as one step. What is held already is only ever widened.
-- KEYS: revocations, expiry, version, channel[, once]
-- ARGV: next version, revocations at most, PUBLISH or SPUBLISH, milliseconds for once, "new" or "back", mark of once, then
-- key, before, expiry of each. Of those that are given back some may be dead by now; a new one that is comes from a clock
-- that is wrong.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local taken = KEYS[5] and redis.call('GET', KEYS[5])
if taken and taken ~= ARGV[6] then return 'repeated' end

-- The dead go, a limited number at a time.
for _ = 1, 5 do
  local dead = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 1000)
  if #dead == 0 then break end
  redis.call('HDEL', KEYS[1], unpack(dead))
  redis.call('ZREM', KEYS[2], unpack(dead))
end

local changes, added = {}, 0
for i = 7, #ARGV, 3 do
  local key, before, expiry = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local held = redis.call('HGET', KEYS[1], key)
  local held_before, held_expiry = string.match(held or '', '^(%d+) (%d+)$')
  held_before, held_expiry = tonumber(held_before or 0), tonumber(held_expiry or 0)
  if expiry <= now and ARGV[5] == 'new' then return 'dead' end
  if expiry > now and (not held or before > held_before or expiry > held_expiry) then
    if not held then added = added + 1 end
    changes[#changes + 1] = { key, math.max(before, held_before), math.max(expiry, held_expiry) }
  end
end
if added > 0 and redis.call('HLEN', KEYS[1]) + added > tonumber(ARGV[2]) then return 'full' end

-- Last of all: what fails half-way, as for the want of a right, has not been taken.
local function stored()
  if KEYS[5] then redis.call('SET', KEYS[5], ARGV[6], 'PX', ARGV[4]) end
  return 'stored'
end
if #changes == 0 then return stored() end

local previous = redis.call('GET', KEYS[3]) or '-'
local message = { previous, ARGV[1] }
for _, change in ipairs(changes) do
  local before, expiry = string.format('%.0f', change[2]), string.format('%.0f', change[3])
  redis.call('HSET', KEYS[1], change[1], before .. ' ' .. expiry)
  redis.call('ZADD', KEYS[2], expiry, change[1])
  message[#message + 1] = change[1] .. ':' .. before .. ':' .. expiry
end
redis.call('SET', KEYS[3], ARGV[1])
-- Nothing is left when the last one is dead, also when no gateway is.
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
for i = 1, 3 do redis.call('PEXPIREAT', KEYS[i], string.format('%.0f', tonumber(last) + 1)) end
redis.call(ARGV[3], KEYS[4], table.concat(message, ' '))
return stored()
