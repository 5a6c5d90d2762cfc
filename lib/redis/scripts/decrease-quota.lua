--[[
  Decreases the rate of calls after the third party asked to wait (multiplicative decrease). Requests to wait that
  answer calls of about the same time decrease it once.

  KEYS     see prelude.lua
    7      quota hash, see quota.lua
  ARGV
    1      calls a second that the quota allows, 0 for no quota
    2      calls a second that were made lately, the rate to decrease where no other is known
    3      ms that the third party asked to wait
    4      factor of a rate that is below the quota, or has no quota
    5      share of the rate by which it grows a second afterwards (additive increase)
    6      cooldown: ms after the wait in which another request to wait decreases nothing
    7      factor of a rate that is the quota itself: it was right so far, and only one call came too close
    8      1 where no call is to be granted before the end of the wait: the runs of other backfills are not held

  Reply    calls a second from now on, as text
]]
local QUOTA = KEYS[7]
local quota_rate, measured_rate, wait_ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local factor_below_quota, increase_per_s, cooldown_ms = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local factor_at_quota = tonumber(ARGV[7])
local stored_rate, since, step, cooldown_until =
  unpack(redis.call('HMGET', QUOTA, 'rate', 'since', 'step', 'deaf'))

local now = now_us()
local wait_until = now + wait_ms * 1000
if ARGV[8] == '1' then
  -- Another call may have been asked to wait for longer.
  wait_until = math.max(wait_until, tonumber(since or '') or 0)
  local tat = tonumber(redis.call('HGET', QUOTA, 'moment') or '') or 0
  redis.call('HSET', QUOTA, 'moment', string.format('%.0f', math.max(tat, wait_until)))
end
local kept_ms = 3600000 + math.min(wait_ms, 31536000000)
local rate = quota_rate
if stored_rate then
  if cooldown_until and now < tonumber(cooldown_until) then
    if ARGV[8] == '1' then
      redis.call('HSET', QUOTA, 'since', string.format('%.0f', wait_until))
      redis.call('PEXPIRE', QUOTA, kept_ms)
    end
    return stored_rate
  end
  local increased = tonumber(stored_rate) + tonumber(step) * math.max(0, now - tonumber(since)) / 1000000
  rate = rate > 0 and math.min(rate, increased) or increased
end
if rate <= 0 then
  rate = measured_rate
end
local factor = quota_rate > 0 and rate >= quota_rate and factor_at_quota or factor_below_quota
local full_rate = quota_rate > 0 and quota_rate or rate
local decreased = string.format('%.6f', math.max(rate * factor, full_rate / 100, 0.01))
redis.call('HSET', QUOTA, 'rate', decreased, 'since', string.format('%.0f', wait_until),
  'step', string.format('%.6f', full_rate * increase_per_s),
  'deaf', string.format('%.0f', wait_until + cooldown_ms * 1000))
redis.call('PEXPIRE', QUOTA, kept_ms)
return decreased
