--[[
  Lowers the rate of calls after the third party asked to wait; once for all that ask it at about the same
  time.

  KEYS     see prelude.lua
  KEYS[7]  quota, see quota.lua
  ARGV[1]  calls a second that the quota allows, 0 for no quota
  ARGV[2]  calls a second that were made lately, counted where no other rate is known
  ARGV[3]  ms for which the third party asked
  ARGV[4]  what the rate is multiplied by where it is below the quota, or no quota is set
  ARGV[5]  share of the rate before by which it grows again in a second
  ARGV[6]  ms after the wait in which a further wish lowers nothing
  ARGV[7]  what the quota itself is multiplied by: one that was kept so far is right, and a call came too close

  Returns calls a second from now on, as text.
]]
local now, wait = micros(), tonumber(ARGV[3]) * 1000
local state = redis.call('HMGET', KEYS[7], 'rate', 'since', 'step', 'deaf')
local rate = tonumber(ARGV[1])
if state[1] then
  if state[4] and now < tonumber(state[4]) then
    return state[1]
  end
  local grown = tonumber(state[1]) + tonumber(state[3]) * math.max(0, now - tonumber(state[2])) / 1000000
  rate = rate > 0 and math.min(rate, grown) or grown
end
if rate <= 0 then
  rate = tonumber(ARGV[2])
end
local factor = tonumber(ARGV[1]) > 0 and rate >= tonumber(ARGV[1]) and ARGV[7] or ARGV[4]
local base = tonumber(ARGV[1]) > 0 and tonumber(ARGV[1]) or rate
local lowered = string.format('%.6f', math.max(rate * tonumber(factor), base / 100, 0.01))
redis.call('HSET', KEYS[7], 'rate', lowered, 'since', string.format('%.0f', now + wait),
  'step', string.format('%.6f', base * tonumber(ARGV[5])),
  'deaf', string.format('%.0f', now + wait + tonumber(ARGV[6]) * 1000))
redis.call('PEXPIRE', KEYS[7], 3600000)
return lowered
