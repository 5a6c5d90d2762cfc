--[[
  Grants calls to a third party that all backfills share: evenly spaced (GCRA, as quota.lua), and to the runs that ask by their
  weights (see fair-queue.lua).

  KEYS     see prelude.lua
    7      quota hash of the third party, see quota.lua
    8      hash of the fair queue
  ARGV
    1-6    see quota.lua
    7      id of the run
    8      its weight
    9      name of the third party in the budget
    10     context of the budget

  Reply    see quota.lua. A rehearsal asks without a run, which is never stopped
]]
local QUOTA, QUEUE = KEYS[7], KEYS[8]
local limit, calls, longest_wait, ready_in = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local returned_until, returned_from, run, weight, name, context =
  ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8]), ARGV[9], ARGV[10]
-- Calls are granted so far ahead, in microseconds, so that their turns come by weight; see budget.lua.
local LEAST_AHEAD = 30000
local status, hold_until = unpack(redis.call('HMGET', RUN, 'status', 'holdUntil'))
if status and status ~= 'running' then
  return { 'stopped' }
end
local now = now_us()
local now_milliseconds = math.floor(now / 1000)
local hold_until_us = (tonumber(hold_until or '') or 0) * 1000
if hold_until_us > now then
  return { 'wait', math.ceil((hold_until_us - now) / 1000) }
end
local rate = call_rate(QUOTA, limit, now)
if rate <= 0 then
  return { 'unlimited' }
end

local interval, cost = 1000000 / rate, 1 / rate
local stored_tat = redis.call('HGET', QUOTA, 'moment')
local earliest = stored_tat == returned_until and returned_from or stored_tat
-- A call that is a little late must not delay all that follow.
local shared_tat = current_tat(QUOTA, tonumber(earliest or '') or 0, interval, longest_wait, now)
local tat = math.max(shared_tat, now - math.min(interval / 2, 5000), now + ready_in)
local ahead = math.min(longest_wait, math.max(LEAST_AHEAD, 2 * interval))
local queue = open_fair_queue(QUEUE, run, weight, now_milliseconds)
begin_turn(queue, cost)
local reply, wait, before = { 'granted', math.floor(interval), now, 0 }, 0, 0
for _ = 1, calls do
  before = taken_before(queue)
  local free = tat > now + ahead and 0 or math.floor((now + ahead - tat) / interval) + 1
  if free <= before then
    break
  end
  wait = math.max(0, tat - now)
  reply[#reply + 1] = math.floor(wait)
  tat = tat + interval
  admit(queue, cost)
end
local granted = #reply - 4
local asks_in_ms = granted > 0 and math.ceil(wait / 1000)
  or math.max(1, math.min(1000, math.ceil((tat + before * interval - now - ahead) / 1000)))
end_turn(queue, calls - granted, now_milliseconds + asks_in_ms, cost)
redis.call('PEXPIRE', QUEUE, 3600000)
if granted < calls and status then
  record_budget_wait(queue, context, 'callsPerSecond.' .. name, asks_in_ms, '')
end
if granted == 0 then
  return { 'wait', asks_in_ms }
end
reply[4] = math.floor(tat)
redis.call('HSET', QUOTA, 'moment', string.format('%.0f', reply[4]))
redis.call('PEXPIRE', QUOTA, 3600000)
return reply
