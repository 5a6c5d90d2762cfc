--[[
  Ends a cycle of the scheduler and says when the next one is due.

  KEYS     see prelude.lua
  ARGV
    1      number of the cycle
    2      target: ranges that should be outstanding
    3      ms until the next cycle
    4      ms until the next cycle if fewer than half of the target are outstanding, or the config has changed
    5      version of the config that the cycle read

  Reply    ms until the next cycle; nil when the cycle is not the current one of the run, or none follows
]]
local ended_cycle, target, wait_ms, short_wait_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local config_version_read = ARGV[5]
local status, cycle, exhausted, config_version =
  unpack(redis.call('HMGET', RUN, 'status', 'cycle', 'exhausted', 'configVersion'))
if status ~= 'running' or cycle ~= ended_cycle then
  return false
end
redis.call('HSET', RUN, 'cycle', cycle + 1, 'target', target, 'lastCycleAt', now_ms())
if exhausted == '1' then
  redis.call('HSET', RUN, 'nextCycleAt', '')
  return false
end
if redis.call('HLEN', WORK) * 2 < target or (config_version and config_version ~= config_version_read) then
  wait_ms = math.min(wait_ms, short_wait_ms)
end
redis.call('HSET', RUN, 'nextCycleAt', now_ms() + wait_ms)
return wait_ms
