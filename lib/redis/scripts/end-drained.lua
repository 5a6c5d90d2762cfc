--[[
  Ends a run of which nothing is left to do, where the step that settled its last range could not: a retry was under
  way, whose process has died since.

  KEYS     see prelude.lua

  Reply    status of the run
]]
allow_writes_without_memory()
return finish_if_drained()
