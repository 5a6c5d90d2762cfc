--[[
  Gives calls to a third party their moments, evenly spaced (generic cell rate algorithm, ITU-T I.371: one
  cell a call), never faster than the quota. After the third party asked to wait it gives them more slowly,
  and a little faster again each second (additive increase, multiplicative decrease).

  KEYS     see prelude.lua
  KEYS[7]  quota  hash: `moment` of the next call, microseconds; `rate` in calls a second and `since` when it
           holds, `step` by which it grows in a second: none of the three before the first cut
  ARGV[1]  calls a second that the quota allows, 0 for no quota
  ARGV[2]  calls wanted
  ARGV[3]  microseconds, how far off a moment may be
  ARGV[4]  microseconds before which the caller cannot make a call
  ARGV[5]  `until` of the caller's last answer, where it gives the rest of what it was granted back, or ''
  ARGV[6]  the moment from which on it gives back

  Returns { verdict, ms, interval, now, until, microseconds to wait of each call granted... }
    verdict  'go', 'free' (no limit is known), or 'wait': nothing was granted, ask again after ms (-1: the
             run is not running)
    interval microseconds between two calls
    now      epoch microseconds
    until    the moment of the first call that is not granted
]]
local run = redis.call('HMGET', RUN, 'status', 'holdUntil')
if run[1] ~= 'running' then
  return { 'wait', -1 }
end
local now = micros()
local hold = (tonumber(run[2] or '') or 0) * 1000
if hold > now then
  return { 'wait', math.ceil((hold - now) / 1000) }
end
local state = redis.call('HMGET', KEYS[7], 'moment', 'rate', 'since', 'step')
local rate = tonumber(ARGV[1])
if state[2] then
  local grown = tonumber(state[2]) + tonumber(state[4]) * math.max(0, now - tonumber(state[3])) / 1000000
  rate = rate > 0 and math.min(rate, grown) or grown
end
if rate <= 0 then
  return { 'free', 0 }
end

local interval = 1000000 / rate
-- A call that comes a little late does not make all others late.
local slack = math.min(interval / 2, 5000)
-- What is given back is shared out anew, unless somebody was granted what comes after it.
local free_from = state[1] == ARGV[5] and ARGV[6] or state[1]
local moment = math.max(tonumber(free_from or '') or 0, now - slack, now + tonumber(ARGV[4]))
local answer = { 'go', 0, math.floor(interval), now, 0 }
for _ = 1, tonumber(ARGV[2]) do
  local wait = math.max(0, moment - now)
  if wait > tonumber(ARGV[3]) then
    break
  end
  answer[#answer + 1] = math.floor(wait)
  moment = moment + interval
end
if #answer == 5 then
  return { 'wait', math.ceil((moment - now) / 1000) }
end
answer[5] = math.floor(moment)
redis.call('HSET', KEYS[7], 'moment', string.format('%.0f', answer[5]))
redis.call('PEXPIRE', KEYS[7], 3600000)
return answer
