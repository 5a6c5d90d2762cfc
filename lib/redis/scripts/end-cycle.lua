--[[
  Closes a cycle of the scheduler and says when the next one is due.

  KEYS     see prelude.lua
  ARGV[1]  number of the cycle
  ARGV[2]  ranges that are to be outstanding
  ARGV[3]  ms until the next cycle, unless fewer than half of them are or the config changed meanwhile
  ARGV[4]  ms until the next cycle then
  ARGV[5]  version of the config that the cycle went by

  Returns ms until the next cycle, or -1 when the cycle is not the run's current one or the run is over.
]]
local run = redis.call('HMGET', RUN, 'status', 'cycle', 'exhausted', 'configVersion')
if run[1] ~= 'running' or run[2] ~= ARGV[1] then
  return -1
end
redis.call('HSET', RUN, 'cycle', ARGV[1] + 1, 'target', ARGV[2], 'lastCycleAt', millis())
if run[3] == '1' then
  redis.call('HSET', RUN, 'nextCycleAt', '')
  return -1
end
local wait = tonumber(ARGV[3])
if redis.call('HLEN', WORK) * 2 < tonumber(ARGV[2]) or (run[4] and run[4] ~= ARGV[5]) then
  wait = math.min(wait, tonumber(ARGV[4]))
end
redis.call('HSET', RUN, 'nextCycleAt', millis() + wait)
return wait
