--[[
  Holds a run for some time: no range starts, whatever the rate. A hold never shortens a longer one.

  KEYS     see prelude.lua
  ARGV
    1      ms from now
    2      reason, for the status
    3      error, JSON, or ''

  Reply    epoch ms until which the run is held; nil when the run is gone
]]
allow_writes_without_memory()
local hold_ms, reason, last_error = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local hold_until = now_ms() + hold_ms
if redis.call('EXISTS', RUN) == 0 then
  return false
end
if last_error ~= '' then
  redis.call('HSET', RUN, 'lastError', last_error)
end
local held_until = tonumber(redis.call('HGET', RUN, 'holdUntil') or '') or 0
if held_until >= hold_until then
  return held_until
end
redis.call('HSET', RUN, 'holdUntil', hold_until, 'holdReason', reason)
emit('throttled', cjson.encode({ reason = reason, ['until'] = hold_until }))
return hold_until
