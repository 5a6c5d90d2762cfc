--[[
  Restores the config of a backfill, or the limits of a budget, that Redis lost, unless there is one.

  KEYS     see prelude.lua; 1 to 6 are not used
    7      config hash: field -> JSON, and `_version`; or budget hash, see configure-budget.lua
  ARGV
    1...   field and value of each

  Reply    1 when the config was restored, else 0
]]
local CONFIG = KEYS[7]
if redis.call('EXISTS', CONFIG) == 1 then
  return 0
end
redis.call('HSET', CONFIG, unpack(ARGV))
return 1
