--[[
  Sets fields of a run, unless it is gone: a hash with only these fields could not be read as a run.

  KEYS     see prelude.lua
  ARGV
    1...   field and value of each

  Reply    1 when the fields were set, else 0
]]
if redis.call('HEXISTS', RUN, 'status') == 0 then
  return 0
end
redis.call('HSET', RUN, unpack(ARGV))
return 1
