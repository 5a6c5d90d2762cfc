--[[
  Holds a run for some time: no range starts, whatever the rate. A hold never shortens a longer one.
  The history has the beginning of the hold; apply-rate.lua, which is called once a second, records its end.

  KEYS     see prelude.lua
  ARGV
    1      ms from now
    2      reason, for the status
    3      error, JSON, or ''

  Reply    epoch ms until which the run is held; nil when the run is gone
]]
allow_writes_without_memory()
local hold_ms, reason, last_error = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local now = now_ms()
local hold_until = now + hold_ms
if redis.call('EXISTS', RUN) == 0 then
  return false
end
if last_error ~= '' then
  redis.call('HSET', RUN, 'lastError', last_error)
end
local stored_until, stored_reason, hold_since, active_at =
  unpack(redis.call('HMGET', RUN, 'holdUntil', 'holdReason', 'holdSince', 'activeAt'))
local held_until = tonumber(stored_until or '') or 0
if held_until >= hold_until then
  -- Of all runs: this one's own hold goes on where that ends earlier.
  if held_until > now and stored_until == redis.call('HGET', RUN, 'heldAllUntil') then
    redis.call('HSET', RUN, 'holdBefore', string.format('%.0f|%.0f|%s', hold_until, now, reason))
  end
  return held_until
end
-- An outage is met again after each hold: it goes on where nothing was done since the end of the last one.
local before, since = string.match(hold_since or '', '^(%d+)|(%d+)$')
local continues = stored_until and before == stored_until and stored_reason == reason
  and (held_until >= now or (tonumber(active_at or '') or 0) <= held_until)
redis.call('HSET', RUN, 'holdUntil', string.format('%.0f', hold_until), 'holdReason', reason,
  'holdSince', string.format('%.0f|%s', hold_until, continues and since or string.format('%.0f', now)))
if not continues then
  count_in_canary('canaryThrottles', 1)
end
emit('throttled', cjson.encode({ reason = reason, ['until'] = hold_until }))
if redis.call('HGET', RUN, 'status') == 'running' then
  record_held(reason)
end
return hold_until
