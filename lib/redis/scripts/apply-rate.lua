--[[
  Sets the rate of a run, and the rate that follows it at a known time: a peak boundary then takes effect to the
  microsecond, whichever processes are alive. Records in the same step whether anything holds the run now.

  KEYS     see prelude.lua
    7      heartbeats of the processes with workers: process id -> epoch ms
  ARGV
    1      interval: microseconds between two ranges, 0 unpaced, -1 held
    2      interval after the next change of the rate, or ''
    3      epoch ms of that change, or ''
    4      reason, for the status
    5      pressure of the throttles from 0 to 1, or '' to keep the stored one
    6      reason of the pressure
    7      ranges a second that the workers reach without a rate, 0 when unknown
    8      why the configured rate is 0, or '' where it is not
    9      name of the throttle with that pressure, '' for the quota
   10      1 where the pressure says nothing about the load, as nothing has been measured yet, else 0

  Pressure p multiplies the rate by 1 - p. Where the concurrency of the run is being found, that follows the pressure instead,
  and a pressure of 1 alone changes the rate.

  Reply    1 when the interval changed, else 0
]]
local interval, next_interval, next_interval_at, reason = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local new_pressure, new_pressure_reason, unpaced_rate = ARGV[5], ARGV[6], tonumber(ARGV[7])
local zero_reason, throttle = ARGV[8], ARGV[9]
local interval_before, tat, status, stored_pressure, pressure_reason, base_rate =
  unpack(redis.call('HMGET', RUN, 'interval', 'moment', 'status', 'pressure', 'pressureReason', 'pressureBase'))
if not status then
  return 0
end
local pressure = tonumber(stored_pressure or '') or 0
pressure_reason = pressure_reason or ''
base_rate = tonumber(base_rate or '') or 0
if new_pressure ~= '' then
  if tonumber(new_pressure) > 0 and pressure == 0 then
    count_in_canary('canaryThrottles', 1)
  end
  -- The rate that workers reach under pressure says nothing about the rate that they would reach without it.
  base_rate = pressure > 0 and base_rate > 0 and base_rate or unpaced_rate
  pressure, pressure_reason = tonumber(new_pressure), new_pressure_reason
  if pressure > 0 or stored_pressure then
    -- As the reason, which processes of earlier versions replace without this field.
    local unknown = ARGV[10] == '1' and pressure_reason or ''
    redis.call('HSET', RUN, 'pressure', new_pressure, 'pressureReason', pressure_reason,
      'pressureBase', tostring(base_rate), 'pressureBy', throttle .. '|' .. pressure_reason, 'pressureUnknown', unknown)
  end
end

-- A controller stores its state several times a second; one that has not for this long is gone.
local CONTROLLER_MS = 5000
local concurrency_at = tonumber(redis.call('HGET', RUN, 'concurrencyAt') or '')
local rate_pressure = pressure
if pressure < 1 and concurrency_at and now_ms() - concurrency_at < CONTROLLER_MS then
  rate_pressure = 0
end

local function throttled(text)
  local unthrottled = tonumber(text)
  if rate_pressure <= 0 or not unthrottled or unthrottled < 0 then
    return text
  end
  if rate_pressure >= 1 then
    return '-1'
  end
  if unthrottled == 0 and base_rate == 0 then
    return text
  end
  unthrottled = unthrottled > 0 and unthrottled or 1000000 / base_rate
  return string.format('%.0f', unthrottled / (1 - rate_pressure))
end

local throttled_interval = throttled(interval)
if rate_pressure > 0 then
  reason = string.format('%s, %s by %s', reason,
    rate_pressure >= 1 and 'held' or string.format('slowed to %.0f %%', 100 * (1 - rate_pressure)), pressure_reason)
end
redis.call('HSET', RUN, 'interval', throttled_interval, 'next interval', throttled(next_interval),
  'next interval at', next_interval_at, 'rateReason', reason)

-- Why nothing starts now, in the words of the status; nil where something may.
local function reason_of_hold()
  local hold_until, hold_reason = unpack(redis.call('HMGET', RUN, 'holdUntil', 'holdReason'))
  local now = now_ms()
  if (tonumber(hold_until or '') or 0) > now then
    return hold_reason or 'held'
  end
  if tonumber(throttled_interval) < 0 then
    local reasons = {}
    if pressure >= 1 then
      reasons[1] = pressure_reason ~= '' and pressure_reason or 'a throttle'
    end
    if zero_reason ~= '' then
      reasons[#reasons + 1] = zero_reason
    end
    return #reasons > 0 and table.concat(reasons, '; ') or 'the rate is 0'
  end
  if now - running_since() >= NO_WORKERS_MS and #alive_processes(KEYS[7], now) == 0 then
    return NO_WORKERS
  end
end

-- The history has the hold of all runs by itself.
if status == 'running' and not global_hold(now_ms()) then
  local hold = reason_of_hold()
  if hold then
    record_held(hold)
  else
    record_released()
  end
end
if interval_before == throttled_interval then
  return 0
end
-- Processes of earlier versions change the interval without this, so readers compare it with the one of the run.
redis.call('HSET', RUN, 'rateSince', string.format('%s|%.0f', throttled_interval, now_ms()))
-- A start time that the old rate put far off must not delay the new rate.
local new_interval = tonumber(throttled_interval)
if tat and new_interval >= 0 then
  local latest_tat = now_us() + new_interval
  if tonumber(tat) > latest_tat then
    redis.call('HSET', RUN, 'moment', string.format('%.0f', latest_tat))
  end
end
return 1
