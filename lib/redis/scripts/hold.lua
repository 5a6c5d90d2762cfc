--[[
  Lets nothing of a run start for a while, whatever its rate.

  KEYS     see prelude.lua
  ARGV[1]  ms from now
  ARGV[2]  why, for the status
  ARGV[3]  error, JSON, or empty

  A shorter hold never ends a longer one. Returns the epoch ms until which the run is held.
]]
even_without_memory()
local until_ms = millis() + tonumber(ARGV[1])
if redis.call('EXISTS', RUN) == 0 then
  return 0
end
if ARGV[3] ~= '' then
  redis.call('HSET', RUN, 'lastError', ARGV[3])
end
local before = tonumber(redis.call('HGET', RUN, 'holdUntil') or '') or 0
if before >= until_ms then
  return before
end
redis.call('HSET', RUN, 'holdUntil', until_ms, 'holdReason', ARGV[2])
emit('throttled', cjson.encode({ reason = ARGV[2], ['until'] = until_ms }))
return until_ms
