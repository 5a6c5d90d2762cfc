--[[
  Releases the hold of all runs.

  KEYS     see prelude.lua
  ARGV
    1      by whom, or ''
    2      reason, or ''

  Reply    1 when a hold was released, 0 where none was in force
]]
allow_writes_without_memory()
local now = now_ms()
expire_global_hold(now)
local hold = global_hold(now)
if not hold then
  return 0
end
end_global_hold(hold, now, ARGV[1], ARGV[2])
return 1
