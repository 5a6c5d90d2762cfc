--[[
  Tick of the watchdog of a process: returns the time and the active runs, and gives one process in each interval
  the lease to supervise the run of a backfill: one that has its handler, in the version of the run where that matters. Ends
  a hold of all runs that has reached its end, and mirrors one that is in force into the runs. Reads what the supervision of
  a running run begins with.

  KEYS     see prelude.lua; of 1 to 6 only the active runs are used
    7      prefix of the leases of this interval, which the name of a backfill follows, as it follows the next three
    8      prefix of the configs
    9      prefix of the quotas
    10     prefix of the reports of the throttles, see pressure.lua, which this script follows
    11     prefix of the outstanding ranges of a run, which the run id follows
    12     the same of hidden runs, whose ids have an underscore
    13     prefix of the heartbeats of the processes with workers, which the name of a backfill follows
  ARGV
    1      ms for which a lease is held
    2...   name and version of each handler of this process, see `is_held_for_version`

  Reply    { epoch ms, JSON of the hold of all runs, '' without one, then of each active run: backfill, run id, status ('' when
             the run is gone), how many times it was resumed, 1 when this process got its lease, else 0, 1 when this
             process may supervise it, else 0, ms for which nothing was done, 1 when it is recorded as stalled, else 0, 1
             when it should end by a time, else 0, interval that is in force, microseconds as text, '' where none was applied yet,
             and what supervision begins with... }
             That is {} where this process did not get the lease, the run is not running or all runs are held, else { error or '',
             run, number of outstanding ranges, config, `rate`, `since` and `step` of the quota, highest pressure, its reason, name
             of its throttle, '' for the quota, 1 where the pressure says nothing about the load, else 0, 1 where the quota has
             reported one, else 0, 1 where a process with workers is alive, else 0 }. Hashes are flat lists; the config is an error where it cannot be read.
]]
local LEASE_PREFIX, CONFIG_PREFIX, QUOTA_PREFIX, REPORTS_PREFIX = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local WORK_PREFIX, HIDDEN_WORK_PREFIX, WORKERS_PREFIX = KEYS[11], KEYS[12], KEYS[13]
local lease_ms = ARGV[1]
local handled = {}
for i = 2, #ARGV, 2 do
  handled[ARGV[i]] = ARGV[i + 1]
end
local now = now_ms()

local function read_supervised(name, id, run_key)
  -- A key of another type hides nothing of the other runs.
  local problem = ''
  local function read(...)
    local reply = redis.pcall(...)
    if type(reply) == 'table' and reply.err then
      problem = reply.err
      return nil
    end
    return reply
  end
  local config = read('HGETALL', CONFIG_PREFIX .. name) or problem
  problem = ''
  local work_prefix = string.find(id, '_', 1, true) and HIDDEN_WORK_PREFIX or WORK_PREFIX
  local outstanding = read('HLEN', work_prefix .. id) or 0
  local quota = read('HMGET', QUOTA_PREFIX .. name, 'rate', 'since', 'step') or {}
  local reports_key = REPORTS_PREFIX .. name
  local by_quota = read('HEXISTS', reports_key, 'quota')
  local pressure, reason, throttle, unknown = 0, '', '', 0
  if by_quota then
    pressure, reason, throttle, unknown = highest_pressure(reports_key, now)
  end
  local heartbeats = read('HLEN', WORKERS_PREFIX .. name) or 0
  local is_worked_on = heartbeats > 0 and #alive_processes(WORKERS_PREFIX .. name, now) > 0
  return { problem, redis.call('HGETALL', run_key), outstanding, config, quota, tostring(pressure), reason, throttle, unknown,
    by_quota or 0, is_worked_on and 1 or 0 }
end

expire_global_hold(now)
local hold = global_hold(now)
local reply = { now, global_hold_json(hold) }
local active = redis.call('HGETALL', ACTIVE)
for i = 1, #active, 2 do
  local name, id = active[i], active[i + 1]
  local run_key = RUN_PREFIX .. id
  local may_supervise = handled[name] and not is_held_for_version(handled[name], run_key)
  local has_lease = may_supervise and redis.call('SET', LEASE_PREFIX .. name, '1', 'NX', 'PX', lease_ms)
  reply[#reply + 1] = name
  reply[#reply + 1] = id
  local status, resumes, held_all_since, active_at, state_since, stalled, finish_by, interval, next_interval, next_interval_at =
    unpack(redis.call('HMGET', run_key, 'status', 'resumes', 'heldAllSince', 'activeAt', 'stateSince', 'stalled', 'finishBy',
      'interval', 'next interval', 'next interval at'))
  if hold then
    mirror_hold(run_key, hold, now)
  elseif held_all_since then
    -- The hold was deleted from outside.
    unmirror_hold(run_key, now)
  end
  reply[#reply + 1] = status or ''
  reply[#reply + 1] = tonumber(resumes or 0)
  reply[#reply + 1] = has_lease and 1 or 0
  reply[#reply + 1] = may_supervise and 1 or 0
  reply[#reply + 1] = now - math.max(tonumber(active_at or '') or 0, since_of_state(state_since) or 0)
  reply[#reply + 1] = stalled and 1 or 0
  reply[#reply + 1] = finish_by and finish_by ~= '' and 1 or 0
  local change_at = tonumber(next_interval_at or '')
  reply[#reply + 1] = change_at and now >= change_at and next_interval or interval or ''
  reply[#reply + 1] = has_lease and status == 'running' and not hold and read_supervised(name, id, run_key) or {}
end
return reply
