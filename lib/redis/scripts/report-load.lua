--[[
  Reports what a process has measured of its work on a run, and returns what the controller of the concurrency needs: the
  reports of all processes, and which of them decides. The one that decides renews its lease with each report; when it
  dies, the next report of another takes the lease over.

  KEYS     see prelude.lua
    7      hash of the reports: process id -> `epoch ms|latency|used slots`, and the counts `_ended` and `_errors`
    8      string: id of the process that decides
  ARGV
    1      id of the process
    2      ms that a row takes, or '' while that is not known
    3      slots that it uses
    4      ranges that ended since its last report
    5      errors since then
    6      ms after which a report no longer counts
    7      ms for which the process decides without a further report

  Reply    { 'running', epoch ms, 1 when the process decides, else 0, state of the controller or '', pressure, its reason,
             1 where the pressure says nothing about the load, else 0, count of ended, count of errors, reports of all processes... }
           { 'stopped' } when the run is not running
]]
local LOADS, LEASE = KEYS[7], KEYS[8]
local process, latency, used, ended, errors = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local stale_ms, lease_ms = tonumber(ARGV[6]), ARGV[7]
local status, state, pressure, pressure_reason, unknown_reason =
  unpack(redis.call('HMGET', RUN, 'status', 'concurrency', 'pressure', 'pressureReason', 'pressureUnknown'))
if status ~= 'running' then
  return { 'stopped' }
end
local is_unknown = unknown_reason and unknown_reason ~= '' and unknown_reason == pressure_reason
local now = now_ms()
redis.call('HSET', LOADS, process, string.format('%.0f|%s|%s', now, latency, used))
local all_ended = redis.call('HINCRBY', LOADS, '_ended', ended)
local all_errors = redis.call('HINCRBY', LOADS, '_errors', errors)
redis.call('PEXPIRE', LOADS, 10 * stale_ms)

local holder = redis.call('GET', LEASE)
local decides = not holder or holder == process
if decides then
  redis.call('SET', LEASE, process, 'PX', lease_ms)
end

local reply = { 'running', now, decides and 1 or 0, state or '', pressure or '0', pressure_reason or '',
  is_unknown and 1 or 0,
  all_ended, all_errors }
local reports = redis.call('HGETALL', LOADS)
for i = 1, #reports, 2 do
  local at = tonumber(string.match(reports[i + 1], '^(%d+)|'))
  if at and now - at <= stale_ms then
    reply[#reply + 1] = reports[i + 1]
  elseif at then
    redis.call('HDEL', LOADS, reports[i])
  end
end
return reply
