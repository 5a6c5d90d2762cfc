--[[
  Asks to start ranges: gives each its moment by the rate of the run (generic cell rate algorithm, ITU-T
  I.371: one cell a range), or says why it must not start.

  KEYS     see prelude.lua
  ARGV[1]  longest wait for a moment, in microseconds
  ARGV[2]  microseconds by which starts of the worker came later than usual since it last asked
  ARGV[3..] indexes

  Returns { verdict, ms, answers... }
    verdict  'go', or the reason why nothing more may start: 'stopped' (the run is not running),
             'held' (rate 0 or a hold until a time; ms says for how long, -1 until told),
             'later' (the next moment is further off than the longest wait; ms until it)
    answers  one for each index that was settled, in order: '' (not outstanding) or
             'microseconds to wait|entry'
]]
local run = redis.call('HMGET', RUN, 'status', 'holdUntil', 'interval', 'next interval', 'next interval at', 'moment', 'debt')
if run[1] ~= 'running' then
  return { 'stopped', 0 }
end
local now = micros()
local hold = tonumber(run[2] or '') or 0
if hold * 1000 > now then
  return { 'held', math.ceil(hold - now / 1000) }
end

local interval = tonumber(run[3] or '') or 0
local following = tonumber(run[4] or '')
local change_at = following and tonumber(run[5] or '') and tonumber(run[5]) * 1000
if change_at and now >= change_at then
  interval, change_at = following, nil
end
if interval < 0 then
  return { 'held', -1 }
end

-- What workers come late they make up, or the rate would never be reached: a little at once (less than one
-- range, or 0.3 % of a second), the rest by going 0.6 % faster; less of both where more ranges would begin
-- in some second than the promise allows: one above the rate, or 2 %. More than a second is not made up.
local SECOND, MARGIN, ROUNDING = 1000000, 1000, 0.001
local function leeway(every)
  if every <= 0 then
    return 0, 0
  end
  local rate = SECOND / every
  local allowed = math.max(math.floor(rate + 1 + ROUNDING), math.floor(rate * 1.02 + ROUNDING))
  local fastest = math.max(0, math.min(every * 0.006, every - (SECOND + MARGIN) / allowed))
  return fastest, math.max(0, math.min(math.max(every / 2, 3000), allowed * (every - fastest) - SECOND - MARGIN))
end

local longest = tonumber(ARGV[1])
local fastest, slack = leeway(interval)
local moment, debt = tonumber(run[6] or '') or now, tonumber(run[7] or '') or 0
if moment < now - slack then
  debt = math.min(SECOND, debt + now - slack - moment)
  moment = now - slack
end
-- What began late began together with what follows: that comes later by as much, and makes it up as above.
local late = interval > 0 and math.max(0, math.min(SECOND, tonumber(ARGV[2]))) or 0
moment, debt = moment + late, math.min(SECOND, debt + late)
local answer = { 'go', 0 }
local moved = late > 0
for i = 3, #ARGV do
  local entry = redis.call('HGET', WORK, ARGV[i])
  if not entry then
    answer[#answer + 1] = ''
  else
    -- A moment after the next change of the rate is one of the rate that follows.
    if change_at and interval > 0 and moment >= change_at then
      if following <= 0 then
        answer[1], answer[2] = 'later', math.ceil((change_at - now) / 1000)
        break
      end
      interval, fastest = following, leeway(following)
    end
    local wait = interval > 0 and math.max(0, moment - now) or 0
    if wait > longest then
      answer[1] = 'later'
      answer[2] = math.ceil(wait / 1000)
      break
    end
    local work = parse(entry)
    work.claims = work.claims + 1
    redis.call('HSET', WORK, ARGV[i], format(work))
    answer[#answer + 1] = string.format('%d|%s', wait, format(work))
    if interval > 0 then
      local faster = math.min(debt, fastest)
      debt = debt - faster
      moment = moment + interval - faster
      moved = true
    end
  end
end
if moved then
  redis.call('HSET', RUN, 'moment', string.format('%.0f', moment), 'debt', string.format('%.0f', debt))
end
return answer
