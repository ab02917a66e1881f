-- Shared by fence.lua and probe.lua: whoever knows of a later event than the log does has seen the log lose it.
-- The log is raised to it, never lowered, so that ids keep rising, and gets a new generation, so that all hear of it.
local function split(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

local function earlier(a, b)
  local a_ms, a_seq = split(a)
  local b_ms, b_seq = split(b)
  return a_ms < b_ms or (a_ms == b_ms and a_seq < b_seq)
end

-- Returns the log's last id and its generation. `nonce` is the next generation, should one be needed.
local function witness(log, head_key, generation_key, known, nonce)
  local head = redis.call('GET', head_key) or '0-0'
  local generation = redis.call('GET', generation_key)
  local behind = earlier(head, known)
  if behind then
    redis.call('XADD', log, known, 'p', head)
    redis.call('XDEL', log, known)
    redis.call('SET', head_key, known)
    head = known
  end
  if behind or not generation then
    generation = nonce
    redis.call('SET', generation_key, generation)
  end
  return head, generation
end
