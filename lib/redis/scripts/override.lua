--[[
  Overrides a throttle of a backfill until a time, or ends its override.

  KEYS     see prelude.lua
    7      hash of the overrides: name of the throttle -> JSON
  ARGV
    1      name of the backfill
    2      name of the throttle
    3      factor; 1 ends the override
    4      epoch ms of its end, or '' where it is ended
    5      the override, JSON
    6      by whom, or ''
    7      reason, or ''

  Reply    'set' | 'already' | 'past'
           'past'  the end is not in the future, by the clock of Redis: nothing was changed
]]
local OVERRIDES = KEYS[7]
local backfill, throttle, factor, ends, override, by, reason = unpack(ARGV, 1, 7)
local now = now_ms()
if ends ~= '' and tonumber(ends) <= now then
  return 'past'
end
local before = redis.call('HGET', OVERRIDES, throttle)
if before == override or (not before and ends == '') then
  return 'already'
end
if ends == '' then
  redis.call('HDEL', OVERRIDES, throttle)
else
  redis.call('HSET', OVERRIDES, throttle, override)
  -- What has ended is left out by whoever reads it, and goes with the last one that ends.
  if redis.call('PTTL', OVERRIDES) < tonumber(ends) - now then
    redis.call('PEXPIREAT', OVERRIDES, ends)
  end
end
emit_for(backfill, redis.call('HGET', ACTIVE, backfill) or '', 'overridden', cjson.encode({
  throttle = throttle, factor = tonumber(factor), ['until'] = tonumber(ends) or cjson.null,
  by = text_or_null(by), reason = text_or_null(reason),
}))
return 'set'
