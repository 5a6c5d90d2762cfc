--[[
  Prepended to every script of this folder.

  KEYS
    1        run hash: status, counters, cursors, rate
    2        hash of the outstanding ranges: index -> entry
    3        hash of the failures: id -> record, JSON
    4        sorted set of the failures: id, scored by sequence
    5        stream of the events of all backfills
    6        hash of the active runs: backfill -> run id
    7...     further keys, in the header of the script that takes them
    last     hash of the hold of all runs: `since` and `until` as epoch ms, `until` empty where it has no end, `by`, `reason`
  ARGV
    1...     in the header of each script
    last 2   prefix of the run hashes, which a run id follows, and prefix of the history streams, which the name
             of a backfill follows. The prelude takes both off ARGV. All keys share one hash tag, so in a cluster
             the keys built from these prefixes are in the slot of KEYS.

  An outstanding range is stored as `claims|releases|attempts|notBefore|job|rows|payload`:
    claims     how many times workers claimed it. It never decreases: it is the fencing token of a claim.
    releases   how many of the claims ended with a release or a settlement. In the others the worker died.
    attempts   how many times its handler failed
    notBefore  epoch ms before which it must not start, 0 for none
    job        suffix of the id of the BullMQ job that carries it; the run id precedes it
    rows       rows that it counts for in the progress
    payload    JSON that the scripts do not read

  Processes of different versions share these keys, entries and fields, so their names stay as they are:
  `moment` and `debt` of a run hash are called tat and backlog in the scripts, `deaf` of a quota hash is called
  cooldown_until.
]]
local RUN, WORK, FAILURES, FAILURE_ORDER, EVENTS, ACTIVE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local GLOBAL_HOLD = KEYS[#KEYS]
local HISTORY_PREFIX, RUN_PREFIX = table.remove(ARGV), table.remove(ARGV)

-- Above maxmemory Redis refuses the first command of a script that could grow memory, unless the script has
-- written before. A script that stops a run or frees memory therefore begins with a write that cannot grow.
local function allow_writes_without_memory()
  redis.call('HDEL', RUN, '')
end

local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function now_ms()
  return math.floor(now_us() / 1000)
end

local function parse_entry(text)
  local claims, releases, attempts, not_before, job, rows, payload =
    string.match(text, '^(%d+)|(%d+)|(%d+)|(%d+)|([^|]*)|(%d+)|(.*)$')
  return {
    claims = tonumber(claims),
    releases = tonumber(releases),
    attempts = tonumber(attempts),
    not_before = not_before,
    job = job,
    rows = tonumber(rows),
    payload = payload,
  }
end

local function format_entry(entry)
  return string.format('%d|%d|%d|%s|%s|%d|%s',
    entry.claims, entry.releases, entry.attempts, entry.not_before, entry.job, entry.rows, entry.payload)
end

-- The entry of a new range. A reservation writes hundreds at once, and concatenation is faster than format_entry.
local function format_new_entry(job, rows, payload)
  return '0|0|0|0|' .. job .. '|' .. rows .. '|' .. payload
end

-- Suffix of a job id. `120x8`: the ranges 120 to 127. `125a2`: the range 125 after two claims; a range that is
-- queued again thus gets another job id, as BullMQ ignores a job whose id exists.
local function job_suffix(first, separator, number)
  return string.format('%d%s%d', first, separator, number)
end

-- Events that are also appended to the history of the backfill, which outlives the stream of all events.
local HISTORY_EVENTS = {
  started = true, paused = true, resumed = true, cancelled = true, configured = true, completed = true, failed = true,
  verifying = true, canaryEnded = true, held = true, released = true, deployed = true, heldAll = true, releasedAll = true,
  budgetConfigured = true, overridden = true, stalled = true, stallEnded = true, late = true, onTime = true,
}

-- Whether a process must leave the run alone: its handler has another version, and the handler or the run holds on
-- another version. `handler` is 'hold|' or 'warn|' and the version, which is empty for none. Default run: that of KEYS.
local function is_held_for_version(handler, run_key)
  local policy, version = string.match(handler, '^(%l+)|(.*)$')
  local run_version, run_policy = unpack(redis.call('HMGET', run_key or RUN, 'version', 'onOtherVersion'))
  return (run_version or '') ~= version and (policy == 'hold' or run_policy == 'hold')
end

-- From now on the run is for this version of the handler: what processes of another one still have claimed is refused.
local function adopt_version(version, policy)
  redis.call('HSET', RUN, 'version', version)
  if policy == 'hold' then
    redis.call('HSET', RUN, 'onOtherVersion', policy)
  end
end

-- Appends an entry to the history of a backfill; `data` is JSON.
local function append_history(backfill, run_id, event, data)
  redis.call('XADD', HISTORY_PREFIX .. backfill, 'MAXLEN', '~', 1000, '*',
    'type', event, 'backfill', backfill, 'run', run_id, 'data', data)
end

-- Appends an event; `data` is JSON.
local function emit_for(backfill, run_id, event, data)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', 10000, '*',
    'type', event, 'backfill', backfill, 'run', run_id, 'data', data)
  if HISTORY_EVENTS[event] then
    append_history(backfill, run_id, event, data)
  end
end

local function emit(event, data)
  local name, id = unpack(redis.call('HMGET', RUN, 'name', 'id'))
  emit_for(name, id, event, data)
end

-- The state of the run for people: a run that is through with its walk and is verified is `verifying`.
local function public_state()
  local status, verification = unpack(redis.call('HMGET', RUN, 'status', 'verification'))
  if status ~= 'running' or not verification then
    return status
  end
  local is_json, decoded = pcall(cjson.decode, verification)
  local phase = is_json and type(decoded) == 'table' and decoded.phase
  return phase and phase ~= 'walk' and phase ~= 'done' and 'verifying' or status
end

-- Records since when the state of a run that has not ended holds, as `state|resumes|epoch ms|ranges done by then`.
-- Processes of earlier versions change the state without this, so readers compare state and resumes with the run.
local function record_state(now)
  local resumes, done = unpack(redis.call('HMGET', RUN, 'resumes', 'done'))
  redis.call('HSET', RUN, 'stateSince',
    string.format('%s|%s|%.0f|%s', public_state(), resumes or '0', now or now_ms(), done or '0'))
end

-- Records that something of the run was done now.
local function record_activity(now)
  redis.call('HSET', RUN, 'activeAt', now or now_ms())
end

-- A hold that comes and goes, as that of a throttle at its limit, is one hold in the history: at most one pair of `held` and
-- `released` in so many ms, and in the later interval once a run has many.
local HOLD_EVENTS_MS, LATER_HOLD_EVENTS_MS, MANY_HOLDS = 30000, 600000, 50
-- Why a run is held that nothing holds but the lack of workers, after so many ms without any.
local NO_WORKERS, NO_WORKERS_MS = 'no process has workers for it', 10000
-- A process whose last heartbeat is older has no workers any more, as for `isAlive`.
local HEARTBEAT_MS = 10000

-- The hold that the history has begun with: `since|ended|reason`. `ended` is 0 while it holds.
local function recorded_hold()
  local stored, holds = unpack(redis.call('HMGET', RUN, 'heldFor', 'holds'))
  local since, ended, reason = string.match(stored or '', '^(%d+)|(%d+)|(.*)$')
  if not since then
    return nil
  end
  local shortest = (tonumber(holds or '') or 0) >= MANY_HOLDS and LATER_HOLD_EVENTS_MS or HOLD_EVENTS_MS
  return { since = tonumber(since), ended = tonumber(ended), reason = reason, shortest = shortest }
end

local function store_hold(since, ended, reason)
  redis.call('HSET', RUN, 'heldFor', string.format('%.0f|%.0f|%s', since, ended, reason))
end

-- Records that the run is held for a reason, in the step that holds it or in the one that notices it. Only another kind of
-- reason, and not other numbers in it, is another hold.
local function record_held(reason)
  local function kind_of(text)
    return (string.gsub(text, '%d[%d.,:]*', '#'))
  end
  local now, hold = now_ms(), recorded_hold()
  if hold and (kind_of(hold.reason) == kind_of(reason) or now - hold.since < hold.shortest) then
    if hold.ended > 0 then
      store_hold(hold.since, 0, hold.reason)
    end
    return
  end
  store_hold(now, 0, reason)
  redis.call('HINCRBY', RUN, 'holds', 1)
  emit('held', cjson.encode({ reason = reason }))
end

-- Records that nothing holds the run now. The event comes once something was done since, as an outage is met again after
-- each attempt.
local function record_released()
  local hold = recorded_hold()
  if not hold then
    return
  end
  local now = now_ms()
  local ended = hold.ended > 0 and hold.ended or now
  local active_at = tonumber(redis.call('HGET', RUN, 'activeAt') or '') or 0
  local goes_on = active_at > ended or now - ended >= HOLD_EVENTS_MS
  if now - hold.since >= hold.shortest and goes_on then
    redis.call('HDEL', RUN, 'heldFor')
    emit('released', cjson.encode({ reason = hold.reason, since = hold.since, ended = ended }))
  elseif hold.ended == 0 then
    store_hold(hold.since, ended, hold.reason)
  end
end

-- Ids of the processes with workers, from the hash of their heartbeats.
local function alive_processes(workers_key, now)
  local alive, heartbeats = {}, redis.call('HGETALL', workers_key)
  for i = 1, #heartbeats, 2 do
    if math.abs(now - (tonumber(heartbeats[i + 1]) or 0)) <= HEARTBEAT_MS then
      alive[#alive + 1] = heartbeats[i]
    end
  end
  return alive
end

-- Epoch ms since when a state holds, of what `record_state` has recorded; nil where that is not known.
local function since_of_state(state_since)
  return tonumber(string.match(state_since or '', '^%l+|%d+|(%d+)|') or '')
end

-- Epoch ms since when the run is running and no hold of all runs keeps it from that, as far as it is known.
local function running_since()
  local state_since, started_at, held_all_until =
    unpack(redis.call('HMGET', RUN, 'stateSince', 'startedAt', 'heldAllUntil'))
  local since = since_of_state(state_since) or tonumber(started_at or '') or 0
  return math.max(since, tonumber(held_all_until or '') or 0)
end

-- A hold without an end is mirrored into the runs for so many ms, and renewed once so many of them have passed.
local MIRRORED_MS, RENEWED_MS = 86400000, 3600000

local function text_or_null(text)
  return text and text ~= '' and text or cjson.null
end

-- The hold of all runs that is in force, nil where there is none. `ends` is infinite where it has no end.
local function global_hold(now)
  local since, ends, by, reason = unpack(redis.call('HMGET', GLOBAL_HOLD, 'since', 'until', 'by', 'reason'))
  local hold = since and
    { since = tonumber(since) or 0, ends = tonumber(ends or '') or math.huge, by = by or '', reason = reason or '' }
  return hold and hold.ends > now and hold or nil
end

-- JSON of a hold of all runs, '' of none.
local function global_hold_json(hold)
  return hold and cjson.encode({
    since = hold.since, ['until'] = hold.ends < math.huge and hold.ends or cjson.null,
    by = text_or_null(hold.by), reason = hold.reason,
  }) or ''
end

-- Mirrors the hold of all runs into a run that is active: processes of earlier versions only know the hold of a run.
-- `heldAllUntil` is the end of the mirrored hold, and, once that is over, when it was; `holdUntil` is mirrored where it is the
-- same. A hold of the run alone is kept in `holdBefore`, or stays where it is longer.
--   is_changed   whether this hold replaces another, so that the history of the run gets another entry
local function mirror_hold(run_key, hold, now, is_changed)
  local status, name, id, hold_until, hold_reason, hold_since, held_all_until, held_all_since = unpack(redis.call('HMGET',
    run_key, 'status', 'name', 'id', 'holdUntil', 'holdReason', 'holdSince', 'heldAllUntil', 'heldAllSince'))
  if not hold or (status ~= 'running' and status ~= 'paused') then
    return
  end
  local since = string.format('%.0f', hold.since)
  local mirrored_until = math.min(hold.ends, now + MIRRORED_MS)
  if held_all_since == since and not is_changed
    and (tonumber(held_all_until or '') or 0) > mirrored_until - RENEWED_MS then
    return
  end
  local own_until = hold_until ~= held_all_until and tonumber(hold_until or '') or 0
  if own_until > now then
    redis.call('HSET', run_key, 'holdBefore', string.format('%.0f|%s|%s', own_until,
      string.match(hold_since or '', '|(%d+)$') or since, hold_reason or ''))
  end
  local text = string.format('%.0f', mirrored_until)
  redis.call('HSET', run_key, 'heldAllUntil', text, 'heldAllSince', since)
  if own_until < mirrored_until then
    redis.call('HSET', run_key, 'holdUntil', text, 'holdReason', hold.reason, 'holdSince', text .. '|' .. since)
  end
  if held_all_since ~= since or is_changed then
    append_history(name, id, 'heldAll', global_hold_json(hold))
  end
end

-- Ends what a hold of all runs has mirrored into a run: its own hold, if it has one, is in force again.
local function unmirror_hold(run_key, ended, data)
  local name, id, hold_until, held_all_until, held_all_since, before = unpack(redis.call('HMGET', run_key,
    'name', 'id', 'holdUntil', 'heldAllUntil', 'heldAllSince', 'holdBefore'))
  if not held_all_since then
    return
  end
  local text = string.format('%.0f', ended)
  if hold_until == held_all_until then
    local before_until, before_since, before_reason = string.match(before or '', '^(%d+)|(%d+)|(.*)$')
    if before_until and tonumber(before_until) > ended then
      redis.call('HSET', run_key, 'holdUntil', before_until, 'holdReason', before_reason,
        'holdSince', before_until .. '|' .. before_since)
    else
      redis.call('HSET', run_key, 'holdUntil', text, 'holdSince', text .. '|' .. held_all_since)
    end
  end
  redis.call('HSET', run_key, 'heldAllUntil', text)
  redis.call('HDEL', run_key, 'heldAllSince', 'holdBefore')
  if data then
    append_history(name, id, 'releasedAll', data)
  end
end

-- Ends the hold of all runs, which is in force or has reached its end.
local function end_global_hold(hold, ended, by, reason)
  local data = cjson.encode({
    by = text_or_null(by), reason = text_or_null(reason), held = hold.reason, since = hold.since, ended = ended,
  })
  redis.call('DEL', GLOBAL_HOLD)
  local active = redis.call('HVALS', ACTIVE)
  for _, id in ipairs(active) do
    unmirror_hold(RUN_PREFIX .. id, ended, data)
  end
  emit_for('*', '', 'releasedAll', data)
end

-- Ends a hold of all runs that has reached its end. Whoever notices first does.
local function expire_global_hold(now)
  local hold = global_hold(-1)
  if hold and hold.ends <= now then
    end_global_hold(hold, hold.ends, 'nestjs-backfill', 'the hold has reached its end')
  end
end

-- Rows and ranges that have succeeded so far. A range of which every row failed counts as done, too, and is `fruitless`.
local function successes()
  local counts = redis.call('HMGET', RUN, 'done', 'rowsDone', 'fruitless')
  return (tonumber(counts[1] or '') or 0) + (tonumber(counts[2] or '') or 0) - (tonumber(counts[3] or '') or 0)
end

-- Counts a range whose first attempt failed, where nothing has succeeded since the run was last started, resumed or
-- configured. Returns their number, 0 where something has succeeded.
local function count_initial_failure()
  if successes() > (tonumber(redis.call('HGET', RUN, 'successesBefore') or '') or 0) then
    return 0
  end
  return redis.call('HINCRBY', RUN, 'initialFailures', 1)
end

-- Called when a run is resumed or configured: what succeeds and fails from now on tells whether it can succeed.
local function forget_initial_failures()
  redis.call('HSET', RUN, 'successesBefore', successes(), 'initialFailures', 0)
end

-- Counts rows of the progress, and those of the partition that they belong to. `partition` is '' where the source has none.
local function count_progress(rows, partition)
  redis.call('HINCRBY', RUN, 'progress', rows)
  if partition ~= '' then
    redis.call('HINCRBY', RUN, 'progress:' .. partition, rows)
  end
end

-- Counts rows that were planned, are there and were not loaded for the handler.
local function count_missing(rows)
  if rows > 0 then
    redis.call('HINCRBY', RUN, 'rowsMissing', rows)
  end
end

-- Counts rows that are given to the handler again because others wrote or locked them meanwhile.
local function count_rechecked(rows)
  if rows > 0 then
    redis.call('HINCRBY', RUN, 'rowsRechecked', rows)
  end
end

-- Stores a failure. Returns false when a failure of this id is stored already.
local function quarantine(id, record)
  if redis.call('HSET', FAILURES, id, record) == 0 then
    return false
  end
  redis.call('ZADD', FAILURE_ORDER, redis.call('HINCRBY', RUN, 'failureSequence', 1), id)
  return true
end

-- Ends the run, of which nothing is left to do, and returns its status. `verdict`: why its verification failed.
local function end_run()
  local name, stored_missing, verdict, verified =
    unpack(redis.call('HMGET', RUN, 'name', 'rowsMissing', 'verdict', 'verified'))
  local failures, missing = redis.call('ZCARD', FAILURE_ORDER), tonumber(stored_missing or '') or 0
  local reason = verdict or ''
  if reason == '' and missing > 0 then
    reason = missing == 1 and '1 row that was planned was not loaded'
      or string.format('%.0f rows that were planned were not loaded', missing)
  end
  local final_status = (failures > 0 or reason ~= '') and 'failed' or 'completed'
  redis.call('HSET', RUN, 'status', final_status, 'finishedAt', now_ms(), 'reason', reason)
  redis.call('HDEL', ACTIVE, name)
  redis.call('HDEL', RUN, 'heldFor', 'stalled')
  emit(final_status, cjson.encode({
    failures = failures, rowsMissing = missing, verified = verified and cjson.decode(verified) or nil,
  }))
  return final_status
end

-- Whether a retry has pages left that it moves back to the outstanding work, so that the run must not end. It expires,
-- as the process of the retry may die; the watchdog then ends the run.
local function is_being_retried()
  return (tonumber(redis.call('HGET', RUN, 'retryUntil') or '') or 0) > now_ms()
end

-- Counts something that happens to the rows of a canary, for its verdict.
local function count_in_canary(field, by)
  if redis.call('HGET', RUN, 'canary') == 'running' then
    redis.call('HINCRBY', RUN, field, by)
  end
end

-- Pauses the run on behalf of the library, as transition.lua does.
local function pause_run(reason)
  redis.call('HSET', RUN, 'status', 'paused', 'reason', reason, 'pausedBy', 'nestjs-backfill',
    'pausedResumes', redis.call('HGET', RUN, 'resumes') or 0)
  redis.call('HDEL', RUN, 'heldFor', 'stalled')
  record_state()
  emit('paused', cjson.encode({ by = 'nestjs-backfill', reason = reason }))
end

-- Why a canary with these counts fails, or passes.
local function canary_reason(handed_out, failures, max_failures, missing)
  local function count_of(number, noun)
    return string.format('%.0f %s%s', number, noun, number == 1 and '' or 's')
  end
  if failures > max_failures then
    return string.format('canary failed: %s %s its maxFailures (%.0f)',
      count_of(failures, 'failure'), failures == 1 and 'exceeds' or 'exceed', max_failures)
  end
  if missing > 0 then
    return string.format('canary failed: %s planned and not loaded', count_of(missing, 'row'))
  end
  return string.format('canary passed: %s handed out, %s', count_of(handed_out, 'row'),
    failures == 0 and 'no failures' or count_of(failures, 'failure'))
end

-- Gives the canary of a running run its verdict, once all of its rows are settled and verified, or once its failures
-- exceed its `maxFailures`, and pauses the run, unless the canary had all rows of the walk (`canaryWalked`). It is called in
-- the step that settles a range, so that a crash cannot come between. Returns the status of the run.
local function conclude_canary()
  local canary = redis.call('HMGET', RUN, 'canaryRows', 'canaryMaxFailures', 'canaryHandedOut', 'canaryPending',
    'canaryWalked', 'rowsMissing')
  local rows, max_failures, handed_out = tonumber(canary[1]), tonumber(canary[2]), tonumber(canary[3])
  local is_pending, is_walked, missing = canary[4] == '1', canary[5] == '1', tonumber(canary[6] or '') or 0
  local failures = redis.call('ZCARD', FAILURE_ORDER)
  local is_over = not is_pending and (is_walked or handed_out >= rows)
    and redis.call('HLEN', WORK) == 0 and not is_being_retried()
  if not is_over and failures <= max_failures then
    return 'running'
  end
  local passed = failures <= max_failures and missing == 0
  local reason = canary_reason(handed_out, failures, max_failures, missing)
  local counts = redis.call('HMGET', RUN, 'rowsDone', 'rowsFailed', 'canaryRepeated', 'rowsRechecked',
    'canaryThrottles', 'startedAt', 'canaryMicros', 'canaryTimedRows', 'canaryVerified')
  local timed_rows = tonumber(counts[8] or '') or 0
  local verdict = cjson.encode({
    passed = passed,
    reason = reason,
    rowsDone = tonumber(counts[1]),
    rowsFailed = tonumber(counts[2]),
    failures = failures,
    rowsMissing = missing,
    rowsRepeated = tonumber(counts[3] or '') or 0,
    rowsRechecked = tonumber(counts[4] or '') or 0,
    throttles = tonumber(counts[5] or '') or 0,
    durationMs = math.max(0, now_ms() - tonumber(counts[6])),
    msPerRow = timed_rows > 0 and math.floor(counts[7] / timed_rows + 0.5) / 1000 or cjson.null,
    verified = counts[9] and cjson.decode(counts[9]) or cjson.null,
  })
  redis.call('HSET', RUN, 'canary', passed and 'passed' or 'failed', 'canaryVerdict', verdict)
  emit('canaryEnded', verdict)
  if is_over and is_walked then
    return 'running'
  end
  pause_run(reason)
  return 'paused'
end

-- Ends the run, or its canary, if nothing is left to do. It is called in the step that settles the last range, so that a
-- crash cannot come between. A run that is verified is not `exhausted` before its verification has ended, and one with a
-- canary not before the canary has. Returns the status of the run.
local function finish_if_drained()
  local run = redis.call('HMGET', RUN, 'status', 'exhausted', 'canary')
  local status, exhausted = run[1], run[2]
  if run[3] == 'running' and status == 'running' then
    status = conclude_canary()
  end
  if status ~= 'running' or exhausted ~= '1' or redis.call('HLEN', WORK) > 0 or is_being_retried() then
    return status
  end
  return end_run()
end

-- 1 when less than half of the target is outstanding, so that the next cycle should come at once; once a cycle.
local function low_water()
  local run = redis.call('HMGET', RUN, 'target', 'cycle', 'lowCycle', 'exhausted')
  local target, cycle, low_cycle, exhausted = run[1], run[2], run[3], run[4]
  if exhausted == '1' or cycle == low_cycle then
    return 0
  end
  if redis.call('HLEN', WORK) * 2 >= tonumber(target or '0') then
    return 0
  end
  redis.call('HSET', RUN, 'lowCycle', cycle)
  return 1
end
