--[[
  Puts a rate in force, and the one that follows it at a known time, so that a peak boundary is met to
  the microsecond whoever is alive.

  KEYS     see prelude.lua
  ARGV[1]  microseconds between two ranges; 0 unpaced, -1 held
  ARGV[2]  the same from the next change on, or empty
  ARGV[3]  epoch ms of that change, or empty
  ARGV[4]  why, for the status

  Returns 1 when the rate changed, else 0.
]]
local before = redis.call('HMGET', RUN, 'interval', 'moment', 'status')
if not before[3] then
  return 0
end
redis.call('HSET', RUN, 'interval', ARGV[1], 'next interval', ARGV[2], 'next interval at', ARGV[3],
  'rateReason', ARGV[4])
if before[1] == ARGV[1] then
  return 0
end
-- A long wait that the old rate imposed must not outlive it.
local interval = tonumber(ARGV[1])
if before[2] and interval >= 0 then
  local latest = micros() + interval
  if tonumber(before[2]) > latest then
    redis.call('HSET', RUN, 'moment', string.format('%.0f', latest))
  end
end
return 1
