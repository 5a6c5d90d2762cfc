--[[
  Tick of the watchdog of a process: returns the time and the active runs, and gives one process in each interval
  the lease to supervise them.

  KEYS     see prelude.lua; of 1 to 6 only the active runs are used
    7      lease of this interval
  ARGV
    1      ms for which the lease is held

  Reply    { 1 when this process got the lease, else 0, epoch ms, then backfill, run id and status ('' when the run
             is gone) of each active run... }
]]
local LEASE = KEYS[7]
local lease_ms = ARGV[1]
local got_lease = redis.call('SET', LEASE, '1', 'NX', 'PX', lease_ms) and 1 or 0
local reply = { got_lease, now_ms() }
local active = redis.call('HGETALL', ACTIVE)
for i = 1, #active, 2 do
  local name, id = active[i], active[i + 1]
  reply[#reply + 1] = name
  reply[#reply + 1] = id
  reply[#reply + 1] = redis.call('HGET', RUN_PREFIX .. id, 'status') or ''
end
return reply
