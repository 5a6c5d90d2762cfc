--[[
  Put before every script of this folder.

  All scripts that touch a run take the same keys:
    KEYS[1] run       hash: status, counters, cursors, rate
    KEYS[2] work      hash: index -> entry, the ranges that are outstanding
    KEYS[3] failures  hash: id -> failure
    KEYS[4] order     zset: id of a failure, scored by its sequence
    KEYS[5] events    stream of all backfills
    KEYS[6] active    hash: backfill -> id of its active run

  An entry is `claims|returns|attempts|notBefore|job|rows|payload`:
    claims     how often a worker took it up; only ever grows, so it tells an overtaken worker from the last
    returns    how many of those claims came back with an outcome; what lacks died with its worker
    attempts   how often its handler failed
    notBefore  epoch ms before which it must not start, 0 for none
    job        what follows the run id in the id of the BullMQ job that carries it
    rows       rows it is worth, for the progress
    payload    JSON, opaque here
]]
local RUN, WORK, FAILURES, ORDER, EVENTS, ACTIVE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

-- Redis that is out of memory refuses the first write of a script that could grow, but no later one: what
-- stops a run, or gives memory back, begins with a write that cannot grow.
local function even_without_memory()
  redis.call('HDEL', RUN, '')
end

local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function millis()
  return math.floor(micros() / 1000)
end

-- What an operator wants to look up weeks later is kept beside the stream, which soon forgets.
local KEPT = { started = 1, paused = 1, resumed = 1, cancelled = 1, configured = 1, completed = 1, failed = 1 }

local function emit_for(name, id, kind, data)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', 10000, '*', 'type', kind, 'backfill', name, 'run', id, 'data', data)
  if KEPT[kind] then
    redis.call('XADD', string.gsub(EVENTS, 'events$', 'history:') .. name, 'MAXLEN', '~', 1000, '*',
      'type', kind, 'backfill', name, 'run', id, 'data', data)
  end
end

local function emit(kind, data)
  local run = redis.call('HMGET', RUN, 'name', 'id')
  emit_for(run[1], run[2], kind, data or '{}')
end

local function parse(entry)
  local claims, returns, attempts, not_before, job, rows, payload =
    string.match(entry, '^(%d+)|(%d+)|(%d+)|(%d+)|([^|]*)|(%d+)|(.*)$')
  return {
    claims = tonumber(claims),
    returns = tonumber(returns),
    attempts = tonumber(attempts),
    not_before = not_before,
    job = job,
    rows = tonumber(rows),
    payload = payload,
  }
end

local function format(entry)
  return string.format('%d|%d|%d|%s|%s|%d|%s',
    entry.claims, entry.returns, entry.attempts, entry.not_before, entry.job, entry.rows, entry.payload)
end

-- The run ends in the step that settles its last range, so that no crash can come between.
local function finish_if_drained()
  local run = redis.call('HMGET', RUN, 'status', 'exhausted', 'name')
  if run[1] ~= 'running' or run[2] ~= '1' or redis.call('HLEN', WORK) > 0 then
    return run[1]
  end
  local failures = redis.call('ZCARD', ORDER)
  local status = failures > 0 and 'failed' or 'completed'
  redis.call('HSET', RUN, 'status', status, 'finishedAt', millis(), 'reason', '')
  redis.call('HDEL', ACTIVE, run[3])
  emit(status, cjson.encode({ failures = failures }))
  return status
end

-- 1 once a cycle, when so little is outstanding that the next cycle should not be waited for.
local function low_water()
  local run = redis.call('HMGET', RUN, 'target', 'cycle', 'lowCycle', 'exhausted')
  if run[4] == '1' or run[2] == run[3] then
    return 0
  end
  if redis.call('HLEN', WORK) * 2 >= tonumber(run[1] or '0') then
    return 0
  end
  redis.call('HSET', RUN, 'lowCycle', run[2])
  return 1
end

local function quarantine(id, record)
  if redis.call('HSET', FAILURES, id, record) == 1 then
    redis.call('ZADD', ORDER, redis.call('HINCRBY', RUN, 'failureSequence', 1), id)
    return 1
  end
  return 0
end
