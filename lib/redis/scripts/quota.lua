--[[
  Grants calls to a third party, evenly spaced, at most as fast as the quota. Generic cell rate algorithm (GCRA,
  ITU-T I.371), a call being a cell: `tat` is the theoretical arrival time, the time of the next call. It follows
  call-rate.lua.

  KEYS     see prelude.lua
    7      quota hash: `moment` (tat, epoch microseconds); from the first decrease on also `rate` (calls a second),
           `since` (epoch microseconds from which on the rate holds) and `step` (growth of the rate a second)
  ARGV
    1      calls a second that the quota allows, 0 for no quota
    2      calls wanted
    3      longest wait until a call, microseconds
    4      microseconds until the caller can make its next call
    5      to give back the rest of a grant: `until` of the reply that granted it, else ''
    6      epoch microseconds of the first call that is given back, else ''

  Reply    { 'stopped' } when the run is not running
           { 'unlimited' } when no limit is known
           { 'wait', ms after which to ask again } when no call is granted
           { 'granted', interval, now, until, microseconds to wait of each call granted... }
    interval microseconds between two calls
    now      epoch microseconds
    until    epoch microseconds of the first call that is not granted
]]
local QUOTA = KEYS[7]
local quota_rate, calls, longest_wait, ready_in = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local returned_until, returned_from = ARGV[5], ARGV[6]
local status, hold_until, run_calls, progress =
  unpack(redis.call('HMGET', RUN, 'status', 'holdUntil', 'quotaCalls', 'progress'))
if status ~= 'running' then
  return { 'stopped' }
end
local now = now_us()
local hold_until_us = (tonumber(hold_until or '') or 0) * 1000
if hold_until_us > now then
  return { 'wait', math.ceil((hold_until_us - now) / 1000) }
end
local stored_tat = redis.call('HGET', QUOTA, 'moment')
local rate = call_rate(QUOTA, quota_rate, now)
if rate <= 0 then
  return { 'unlimited' }
end

local interval = 1000000 / rate
-- A call that is a little late must not delay all that follow.
local burst_tolerance = math.min(interval / 2, 5000)
-- Calls that are given back are granted again, unless calls after them are granted already.
local are_given_back = stored_tat == returned_until
local earliest = are_given_back and returned_from or stored_tat
local shared_tat = current_tat(QUOTA, tonumber(earliest or '') or 0, interval, longest_wait, now)
local tat = math.max(shared_tat, now - burst_tolerance, now + ready_in)
local reply = { 'granted', math.floor(interval), now, 0 }
for _ = 1, calls do
  local wait = math.max(0, tat - now)
  if wait > longest_wait then
    break
  end
  reply[#reply + 1] = math.floor(wait)
  tat = tat + interval
end
if #reply == 4 then
  return { 'wait', math.ceil((tat - now) / 1000) }
end
reply[4] = math.floor(tat)
redis.call('HSET', QUOTA, 'moment', string.format('%.0f', reply[4]))
redis.call('PEXPIRE', QUOTA, 3600000)
-- How many calls the run makes for a row, for the estimate of its end: its calls, and its progress before the first.
if not run_calls then
  redis.call('HSET', RUN, 'quotaProgress', progress)
end
local given_back = are_given_back and math.floor((returned_until - returned_from) / interval + 0.5) or 0
redis.call('HINCRBY', RUN, 'quotaCalls', #reply - 4 - given_back)
return reply
