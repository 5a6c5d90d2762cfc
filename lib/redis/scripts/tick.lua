--[[
  The heartbeat of a process: answers the time that all go by and the active runs, and lets one process
  in each interval do the duties of the watchdog.

  KEYS     see prelude.lua; only the active runs are used
  KEYS[7]  lock of this interval
  ARGV[1]  ms for which the lock is held
  ARGV[2]  what stands before the id in the key of a run

  Returns { 1 when this process has the duty, epoch ms, then backfill, run id and status of each active run }
]]
local duty = redis.call('SET', KEYS[7], '1', 'NX', 'PX', ARGV[1]) and 1 or 0
local answer = { duty, millis() }
local active = redis.call('HGETALL', ACTIVE)
for i = 1, #active, 2 do
  answer[#answer + 1] = active[i]
  answer[#answer + 1] = active[i + 1]
  answer[#answer + 1] = redis.call('HGET', ARGV[2] .. active[i + 1], 'status') or ''
end
return answer
