--[[
  Counts the time that a range of a canary took, for its verdict.

  KEYS     see prelude.lua
  ARGV
    1      microseconds
    2      rows

  Reply    nil
]]
count_in_canary('canaryMicros', ARGV[1])
count_in_canary('canaryTimedRows', ARGV[2])
return false
