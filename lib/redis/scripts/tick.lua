--[[
  Tick of the watchdog of a process: returns the time and the active runs, and gives one process in each interval
  the lease to supervise the run of a backfill. Only processes that have its handler ask for the lease.

  KEYS     see prelude.lua; of 1 to 6 only the active runs are used
    7      prefix of the leases of this interval, which the name of a backfill follows
  ARGV
    1      ms for which a lease is held
    2...   names of the backfills that this process has handlers for

  Reply    { epoch ms, then of each active run: backfill, run id, status ('' when the run is gone), how many times it
             was resumed, and 1 when this process got its lease, else 0... }
]]
local LEASE_PREFIX = KEYS[7]
local lease_ms = ARGV[1]
local handled = {}
for i = 2, #ARGV do
  handled[ARGV[i]] = true
end
local reply = { now_ms() }
local active = redis.call('HGETALL', ACTIVE)
for i = 1, #active, 2 do
  local name, id = active[i], active[i + 1]
  local has_lease = handled[name] and redis.call('SET', LEASE_PREFIX .. name, '1', 'NX', 'PX', lease_ms)
  reply[#reply + 1] = name
  reply[#reply + 1] = id
  local status, resumes = unpack(redis.call('HMGET', RUN_PREFIX .. id, 'status', 'resumes'))
  reply[#reply + 1] = status or ''
  reply[#reply + 1] = tonumber(resumes or 0)
  reply[#reply + 1] = has_lease and 1 or 0
end
return reply
