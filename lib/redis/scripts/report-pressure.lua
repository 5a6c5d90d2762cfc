--[[
  Stores the pressure that one reporter measured, and returns the highest of all reporters of the backfill.

  KEYS     see prelude.lua
    7      reports, see pressure.lua, which this script follows
    8      overrides of the throttles of the backfill, see override.lua
  ARGV
    1      reporter, see `throttle_of`
    2      pressure from 0 to 1; 0 deletes the report
    3      reason of the pressure
    4      ms for which the report counts: its reporter may die
    5      1 where the pressure says nothing about the load, as nothing has been measured yet, else 0

  Reply    { highest pressure, its reason, 1 where the run is running at another one, else 0, epoch ms, name of its throttle, ''
             for the quota, 1 where the pressure says nothing about the load, else 0 }
]]
local REPORTS = KEYS[7]
local reporter, pressure, reason, ttl, unknown = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local now = now_ms()
local throttle = throttle_of(reporter)
local override = throttle and redis.call('HGET', KEYS[8], throttle)
override = override and cjson.decode(override)
if override and override['until'] > now then
  pressure = math.min(1, pressure * override.factor)
  reason = string.format('%s (%s)', reason, override.text)
end
if pressure > 0 then
  redis.call('HSET', REPORTS, reporter, cjson.encode({ now, pressure, reason, ttl, unknown }))
  redis.call('PEXPIRE', REPORTS, math.max(redis.call('PTTL', REPORTS), ttl))
else
  redis.call('HDEL', REPORTS, reporter)
end

local highest, highest_reason, highest_throttle, highest_unknown = highest_pressure(REPORTS, now)
local status, in_force, reason_in_force, unknown_reason =
  unpack(redis.call('HMGET', RUN, 'status', 'pressure', 'pressureReason', 'pressureUnknown'))
local was_unknown = unknown_reason and unknown_reason ~= '' and unknown_reason == reason_in_force
local differs = math.abs(highest - (tonumber(in_force or '') or 0)) > 0.001
  or (highest_unknown == 1) ~= (was_unknown or false)
local changed = status == 'running' and differs and 1 or 0
return { tostring(highest), highest_reason, changed, now, highest_throttle, highest_unknown }
