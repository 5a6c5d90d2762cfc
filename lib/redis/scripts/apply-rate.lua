--[[
  Puts a rate in force, and the one that follows it at a known time, so that a peak boundary is met to
  the microsecond whoever is alive.

  KEYS     see prelude.lua
  ARGV[1]  microseconds between two ranges; 0 unpaced, -1 held
  ARGV[2]  the same from the next change on, or empty
  ARGV[3]  epoch ms of that change, or empty
  ARGV[4]  why, for the status
  ARGV[5]  pressure of the throttles from 0 to 1, or empty to leave it as it was
  ARGV[6]  what presses
  ARGV[7]  ranges a second that the workers reach where they are unpaced; 0: nobody knows

  Returns 1 when the rate changed, else 0.
]]
local before = redis.call('HMGET', RUN, 'interval', 'moment', 'status', 'pressure', 'pressureReason', 'pressureBase')
if not before[3] then
  return 0
end
local pressure, presses, base = tonumber(before[4] or '') or 0, before[5] or '', tonumber(before[6] or '') or 0
if ARGV[5] ~= '' then
  -- What the workers reach under pressure says nothing of what they would reach without.
  base = pressure > 0 and base > 0 and base or tonumber(ARGV[7])
  pressure, presses = tonumber(ARGV[5]), ARGV[6]
  if pressure > 0 or before[4] then
    redis.call('HSET', RUN, 'pressure', ARGV[5], 'pressureReason', presses, 'pressureBase', tostring(base))
  end
end
local function pressed(text)
  local interval = tonumber(text)
  if pressure <= 0 or not interval or interval < 0 then
    return text
  end
  if pressure >= 1 then
    return '-1'
  end
  if interval == 0 and base == 0 then
    return text
  end
  interval = interval > 0 and interval or 1000000 / base
  return string.format('%.0f', interval / (1 - pressure))
end
local wanted, reason = pressed(ARGV[1]), ARGV[4]
if pressure > 0 then
  reason = string.format('%s, %s by %s', reason,
    pressure >= 1 and 'held' or string.format('slowed to %.0f %%', 100 * (1 - pressure)), presses)
end
redis.call('HSET', RUN, 'interval', wanted, 'next interval', pressed(ARGV[2]), 'next interval at', ARGV[3],
  'rateReason', reason)
if before[1] == wanted then
  return 0
end
-- A long wait that the old rate imposed must not outlive it.
local interval = tonumber(wanted)
if before[2] and interval >= 0 then
  local latest = micros() + interval
  if tonumber(before[2]) > latest then
    redis.call('HSET', RUN, 'moment', string.format('%.0f', latest))
  end
end
return 1
