--[[
  Reads the hold of all runs.

  KEYS     see prelude.lua

  Reply    JSON of the hold in force, '' where there is none
]]
return global_hold_json(global_hold(now_ms()))
