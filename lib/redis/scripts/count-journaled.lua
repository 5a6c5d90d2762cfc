--[[
  Counts rows that a run has written to its journal, or conflicts that its undo has met, unless the run is gone.

  KEYS     see prelude.lua
  ARGV
    1      field of the run that counts them
    2      how many more

  Reply    how many there are by now; null where the run is gone
]]
if redis.call('HEXISTS', RUN, 'status') == 0 then
  return nil
end
return redis.call('HINCRBY', RUN, ARGV[1], ARGV[2])
