--[[
  Sets fields of a run that no script depends on, unless the run is gone: half a run could not be read.

  KEYS     see prelude.lua
  ARGV     fields and values
]]
if redis.call('HEXISTS', RUN, 'status') == 1 then
  redis.call('HSET', RUN, unpack(ARGV))
end
return 1
