--[[
  Puts back the config of a backfill that Redis lost, unless there is one.

  KEYS     see prelude.lua; not used
  KEYS[7]  config  hash: field -> value, and `_version`
  ARGV     fields and values

  Returns 1 when it was put back, else 0.
]]
if redis.call('EXISTS', KEYS[7]) == 1 then
  return 0
end
redis.call('HSET', KEYS[7], unpack(ARGV))
return 1
