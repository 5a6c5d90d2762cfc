--[[
  Moves a run from one status to another.

  KEYS     see prelude.lua
  ARGV
    1      new status
    2      type of the event
    3      reason, or ''
    4      data of the event, JSON
    5      how many times the run was resumed, where the transition is for that stretch of it only; else ''
    6      version of the handler that the run adopts, or '' where it keeps its own
    7      'hold' where the adopted handler holds on another version
    8...   statuses from which the transition is allowed

  Reply    { 'moved' | 'already' | 'refused', status before, status now }; both statuses are '' when the run is gone
]]
allow_writes_without_memory()
local new_status, event, reason, event_data, expected_resumes = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local adopted_version, adopted_policy = ARGV[6], ARGV[7]
local status, name, id, resumes, version =
  unpack(redis.call('HMGET', RUN, 'status', 'name', 'id', 'resumes', 'version'))
local adopts = adopted_version ~= '' and adopted_version ~= version
if not status then
  return { 'refused', '', '' }
end
if status == new_status then
  -- Its ranges are in flight with another version.
  return { adopts and 'refused' or 'already', status, status }
end
if expected_resumes ~= '' and expected_resumes ~= (resumes or '0') then
  return { 'refused', status, status }
end
local KNOWN = { running = true, paused = true, completed = true, failed = true, cancelled = true }
-- A run whose status is corrupt can at least be cancelled.
local allowed = new_status == 'cancelled' and not KNOWN[status]
for i = 8, #ARGV do
  allowed = allowed or ARGV[i] == status
end
if not allowed then
  return { 'refused', status, status }
end

redis.call('HSET', RUN, 'status', new_status, 'reason', reason)
redis.call('HDEL', RUN, 'heldFor', 'stalled')
if adopts then
  adopt_version(adopted_version, adopted_policy)
end
if new_status == 'running' then
  redis.call('HSET', RUN, 'nextCycleAt', now_ms(), 'finishedAt', '')
  forget_initial_failures()
  redis.call('HINCRBY', RUN, 'resumes', 1)
  redis.call('HSET', ACTIVE, name, id)
elseif new_status == 'paused' then
  local by = cjson.decode(event_data).by
  redis.call('HSET', RUN, 'pausedBy', type(by) == 'string' and by or '', 'pausedResumes', resumes or 0)
elseif new_status == 'cancelled' then
  redis.call('HSET', RUN, 'finishedAt', now_ms(), 'dropped', redis.call('HLEN', WORK))
  redis.call('HDEL', ACTIVE, name)
  redis.call('UNLINK', WORK)
end
if new_status ~= 'cancelled' then
  record_state()
end
emit(event, event_data)
return { 'moved', status, finish_if_drained() }
