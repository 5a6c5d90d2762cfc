--[[
  Part of claim.lua: what all runs of all processes may use together. It follows gcra.lua and fair-queue.lua.

  KEYS
    7      hash of the fair queue (see fair-queue.lua), with the GCRA of the whole budget: `tat` and `backlog` of its ranges,
           `row tat` and `row backlog` of its rows, in microseconds; `every` and `row every` are the microseconds between two of
           them by the limits that these are by, and `limits` are those that the tags are by
    8      hash of the permits: `run|process` -> ranges in process, `total` of all
    9      sorted set of the leases of the permits: `run|process`, scored by the epoch ms at which they expire
    10     sorted set of the runs that work on the table: run id, scored by the epoch ms at which that expires
    11     sorted set of the runs that wait for the table: run id, scored by the epoch ms by which they ask again
]]
local BUDGET_QUEUE, PERMITS, LEASES, TABLE_RUNS, TABLE_WAITING = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
-- Ms after which a run asks again that waits for a permit, for its table; the least and the most for any.
local PERMIT_POLL_MS, TABLE_POLL_MS, LEAST_POLL_MS, LONGEST_POLL_MS = 100, 1000, 5, 1000
-- Start times are given so far ahead, in microseconds: two ranges, within these bounds. Any further, and the workers of a run
-- would all wait for theirs: a run would be given its part by the number of its workers, and not by its weight.
local LEAST_AHEAD, MOST_AHEAD = 30000, 250000
-- The time of a range is not known before the first has ended.
local UNKNOWN_RANGE_MS = 50
local KEPT_MS = 86400000

-- Permits of processes that died are free once their lease expires.
local function expire_permits(now)
  local total = tonumber(redis.call('HGET', PERMITS, 'total') or '') or 0
  local expired = redis.call('ZRANGEBYSCORE', LEASES, '-inf', string.format('%.0f', now))
  for _, member in ipairs(expired) do
    total = math.max(0, total - (tonumber(redis.call('HGET', PERMITS, member) or '') or 0))
    redis.call('HDEL', PERMITS, member)
    redis.call('ZREM', LEASES, member)
  end
  if #expired > 0 then
    -- Here, as the claim may store no permits itself.
    redis.call('HSET', PERMITS, 'total', total)
  end
  return total
end

-- A start time that another limit put far off comes sooner or later by as much as the limit is higher or lower.
local function rescaled(tat, every, stored_every, now)
  local before = tonumber(stored_every or '')
  if every == 0 or not before or before == every or tat <= now then
    return tat
  end
  return now + (before > 0 and (tat - now) * every / before or 0)
end

-- Under other limits a range takes another part of the budget, and tags that are by the former ones could have a run wait for as
-- long as its last range took of those: the runs then begin anew.
local function forget_turns_by_other_limits(limits, stored)
  if limits == stored then
    return
  end
  for _, field in ipairs(stored and redis.call('HKEYS', BUDGET_QUEUE) or {}) do
    if string.match(field, '^run:') then
      redis.call('HDEL', BUDGET_QUEUE, field)
    end
  end
  redis.call('HSET', BUDGET_QUEUE, 'limits', limits)
  redis.call('PEXPIRE', BUDGET_QUEUE, KEPT_MS)
end

--[[
  `text` is JSON: the limits `concurrency`, `rangesPerSecond`, `rowsPerSecond`, `perTable`, 0 for none; `context`, `run`, `process`,
  `weight`, `table` ('' where it is not known), `lease` (ms), `held` (permits that the process has for the run) and `rangeMs`
  (how long its ranges take, 0 where it is not known); of ranges that have ended since the last claim `ended` (how many),
  `chargedMs` and `endedMs` (how long they were expected to take, and took); `waiting` (ranges for which the process waits for
  the budget beside those of this claim). Earlier versions tell none of the last four.

  The number of permits is what the process says it holds, plus those of this claim: a repeated or lost claim leaves none over.
]]
local function open_budget(text, now, lateness)
  local budget = cjson.decode(text)
  budget.now = math.floor(now / 1000)
  budget.member = budget.run .. '|' .. budget.process
  budget.others = expire_permits(budget.now)
    - (tonumber(redis.call('HGET', PERMITS, budget.member) or '') or 0)
  budget.granted = 0
  local pacing = redis.call('HMGET', BUDGET_QUEUE,
    'tat', 'backlog', 'row tat', 'row backlog', 'every', 'row every', 'limits')
  forget_turns_by_other_limits(
    string.format('%.17g|%.17g|%.17g', budget.concurrency, budget.rangesPerSecond, budget.rowsPerSecond), pacing[7])
  budget.queue = open_fair_queue(BUDGET_QUEUE, budget.run, budget.weight, budget.now, budget.process)
  budget.tat, budget.backlog = tonumber(pacing[1] or '') or 0, tonumber(pacing[2] or '') or 0
  budget.row_tat, budget.row_backlog = tonumber(pacing[3] or '') or 0, tonumber(pacing[4] or '') or 0
  budget.interval = budget.rangesPerSecond > 0 and SECOND / budget.rangesPerSecond or 0
  budget.row_interval = budget.rowsPerSecond > 0 and SECOND / budget.rowsPerSecond or 0
  budget.tat = rescaled(budget.tat, budget.interval, pacing[5], now)
  budget.row_tat = rescaled(budget.row_tat, budget.row_interval, pacing[6], now)
  if budget.interval > 0 then
    local _, burst_tolerance = tolerances(budget.interval)
    if budget.tat == 0 then
      budget.tat = now
    end
    budget.tat, budget.backlog = caught_up(budget.tat, budget.backlog, burst_tolerance, now, lateness)
  end
  if budget.row_tat == 0 then
    budget.row_tat = now
  end
  return budget
end

-- Seconds of the whole budget that a range of so many ms takes: of the limit of which it takes most (dominant resource).
local function cost_of_range(budget, rows, ms)
  local cost = 0
  if budget.concurrency > 0 then
    cost = ms / 1000 / budget.concurrency
  end
  if budget.rangesPerSecond > 0 then
    cost = math.max(cost, 1 / budget.rangesPerSecond)
  end
  if budget.rowsPerSecond > 0 then
    cost = math.max(cost, rows / budget.rowsPerSecond)
  end
  return math.max(cost, 0.000001)
end

-- What ranges that have ended took of the whole budget beyond what the run was charged for them, in seconds. A run whose ranges
-- take longer or shorter than before is given its part all the same.
local function owed_for_ended(budget, rows)
  local ended = budget.ended or 0
  if ended == 0 then
    return 0
  end
  return ended * (cost_of_range(budget, rows, budget.endedMs / ended) - cost_of_range(budget, rows, budget.chargedMs / ended))
end

-- Whether the run may work on its table; if not, the run that it waits for. Of those that wait the oldest run goes first.
local function enter_table(budget)
  if budget.perTable == 0 or budget.table == '' then
    return true
  end
  local now, expires = string.format('%.0f', budget.now), string.format('%.0f', budget.now + budget.lease)
  redis.call('ZREMRANGEBYSCORE', TABLE_RUNS, '-inf', now)
  if redis.call('ZSCORE', TABLE_RUNS, budget.run) then
    redis.call('ZADD', TABLE_RUNS, expires, budget.run)
    redis.call('PEXPIRE', TABLE_RUNS, KEPT_MS)
    return true
  end
  local free, first = budget.perTable, ''
  for _, holder in ipairs(redis.call('ZRANGE', TABLE_RUNS, 0, -1)) do
    if redis.call('HGET', RUN_PREFIX .. holder, 'status') == 'running' then
      free, first = free - 1, holder
    else
      redis.call('ZREM', TABLE_RUNS, holder)
    end
  end
  redis.call('ZREMRANGEBYSCORE', TABLE_WAITING, '-inf', now)
  for _, waiting in ipairs(redis.call('ZRANGE', TABLE_WAITING, 0, -1)) do
    if waiting < budget.run and free > 0 then
      free, first = free - 1, waiting
    end
  end
  if free <= 0 then
    redis.call('ZADD', TABLE_WAITING, string.format('%.0f', budget.now + 2 * TABLE_POLL_MS), budget.run)
    redis.call('PEXPIRE', TABLE_WAITING, KEPT_MS)
    return false, first
  end
  redis.call('ZADD', TABLE_RUNS, expires, budget.run)
  redis.call('PEXPIRE', TABLE_RUNS, KEPT_MS)
  redis.call('ZREM', TABLE_WAITING, budget.run)
  return true
end

-- How many ranges the limits have free now, which limit has fewest, and ms after which to ask again where so many ranges of
-- other runs come before.
local function free_places(budget, rows, now, before)
  local free, limit, poll_ms = math.huge, '', PERMIT_POLL_MS
  if budget.concurrency > 0 then
    free, limit = budget.concurrency - budget.others - budget.held - budget.granted, 'concurrency'
  end
  local function slots(tat, interval, name)
    local ahead = now + math.max(LEAST_AHEAD, math.min(MOST_AHEAD, 2 * interval)) - tat
    local places = ahead < 0 and 0 or math.floor(ahead / interval) + 1
    if places < free then
      free, limit = places, name
      poll_ms = math.min(LONGEST_POLL_MS, math.max(LEAST_POLL_MS, math.ceil((before * interval - ahead) / 1000)))
    end
  end
  if budget.interval > 0 then
    slots(budget.tat, budget.interval, 'rangesPerSecond')
  end
  if budget.row_interval > 0 then
    slots(budget.row_tat, math.max(1, rows) * budget.row_interval, 'rowsPerSecond')
  end
  return free, limit, poll_ms
end

-- Start time of a range that is admitted, in microseconds from now. `own_wait`: until the run may start it by its own rate.
local function start_range(budget, rows, own_wait, now)
  local wait = 0
  if budget.interval > 0 then
    wait = math.max(wait, budget.tat - now)
  end
  if budget.row_interval > 0 then
    local _, burst_tolerance = row_tolerances(budget.row_interval, math.max(1, rows))
    budget.row_tat, budget.row_backlog = caught_up(budget.row_tat, budget.row_backlog, burst_tolerance, now, 0)
    wait = math.max(wait, budget.row_tat - now)
  end
  return math.max(wait, own_wait)
end

-- Counts a range that starts after `wait` microseconds.
local function count_range(budget, rows, wait, now)
  local function advanced(tat, backlog, every, shortening)
    local shortened_by = math.min(backlog, shortening)
    return (wait > 0 and math.max(tat, now + wait) or tat) + every - shortened_by, backlog - shortened_by
  end
  if budget.interval > 0 then
    local shortening = tolerances(budget.interval)
    budget.tat, budget.backlog = advanced(budget.tat, budget.backlog, budget.interval, shortening)
  end
  if budget.row_interval > 0 then
    local counted = math.max(1, rows)
    local shortening = row_tolerances(budget.row_interval, counted)
    budget.row_tat, budget.row_backlog =
      advanced(budget.row_tat, budget.row_backlog, counted * budget.row_interval, shortening)
  end
  budget.granted = budget.granted + 1
end

-- Stores the permits that the process holds for the run now, and renews their lease, and that of its table.
local function store_permits(budget)
  local count = budget.held + budget.granted
  if count > 0 then
    if budget.perTable > 0 and budget.table ~= '' then
      redis.call('ZADD', TABLE_RUNS, 'XX', string.format('%.0f', budget.now + budget.lease), budget.run)
      redis.call('PEXPIRE', TABLE_RUNS, KEPT_MS)
    end
    redis.call('HSET', PERMITS, budget.member, count, 'total', budget.others + count)
    redis.call('ZADD', LEASES, string.format('%.0f', budget.now + budget.lease), budget.member)
  elseif redis.call('ZREM', LEASES, budget.member) == 1 then
    redis.call('HDEL', PERMITS, budget.member)
    redis.call('HSET', PERMITS, 'total', budget.others)
  end
end

local function store_pacing(budget)
  redis.call('HSET', BUDGET_QUEUE,
    'tat', string.format('%.0f', budget.tat), 'backlog', string.format('%.0f', budget.backlog),
    'row tat', string.format('%.0f', budget.row_tat), 'row backlog', string.format('%.0f', budget.row_backlog),
    'every', string.format('%.17g', budget.interval), 'row every', string.format('%.17g', budget.row_interval))
  for _, key in ipairs({ BUDGET_QUEUE, PERMITS, LEASES }) do
    redis.call('PEXPIRE', key, KEPT_MS)
  end
end

-- Whether any process holds permits for the run.
local function is_in_process(run)
  for _, member in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    if string.match(member, '^[^|]*') == run then
      return true
    end
  end
  return false
end

-- The run starts nothing for reasons of its own: others need not wait for it, nor for its table once its ranges have ended.
local function leave_budget(budget)
  leave_queue(budget.queue)
  store_permits(budget)
  if budget.table ~= '' then
    redis.call('ZREM', TABLE_WAITING, budget.run)
    if not is_in_process(budget.run) then
      redis.call('ZREM', TABLE_RUNS, budget.run)
    end
  end
end

-- Records for the status that the budget is what the run waits for, see fair-queue.lua. `first`: the run in its place.
local function record_wait_for_budget(budget, limit, poll_ms, first)
  record_budget_wait(budget.queue, budget.context, limit, poll_ms, first or '')
end

-- Places a range in the budget. Returns microseconds until its start, or nil, 'later' or 'budget', and ms after which to ask
-- again. A run whose own rate makes it wait takes no place meanwhile.
local function place_in_budget(budget, rows, own_wait, now)
  local is_in_table, first = enter_table(budget)
  if not is_in_table then
    record_wait_for_budget(budget, 'perTable', TABLE_POLL_MS, first)
    budget.is_left = true
    return nil, 'budget', TABLE_POLL_MS
  end
  local wait = start_range(budget, rows, own_wait, now)
  if own_wait > 0 and wait == own_wait and own_wait > MARGIN then
    budget.is_left = true
    return nil, 'later', math.ceil(own_wait / 1000)
  end
  budget.cost = cost_of_range(budget, rows, budget.rangeMs > 0 and budget.rangeMs or UNKNOWN_RANGE_MS)
  if not budget.queue.tag then
    if budget.queue.own then
      budget.queue.own.tag = budget.queue.own.tag + owed_for_ended(budget, rows) / budget.weight
    end
    begin_turn(budget.queue, budget.cost)
  end
  local before = taken_before(budget.queue)
  local free, limit, poll_ms = free_places(budget, rows, now, before)
  if free <= before then
    record_wait_for_budget(budget, limit, poll_ms)
    budget.has_free, budget.poll_ms = free > 0, poll_ms
    return nil, 'budget', poll_ms
  end
  admit(budget.queue, budget.cost)
  count_range(budget, rows, wait, now)
  return wait
end

-- Stores what a claim has changed. Returns what the reply has as its ms.
local function close_budget(budget, status, ms, has_claimed)
  local queue, next_run = budget.queue, ''
  store_permits(budget)
  if has_claimed and budget.granted == 0 and (status == 'later' or budget.is_left) then
    leave_queue(queue)
  elseif queue.tag then
    -- Where the run may start no more by its own rate, nothing waits for the budget.
    local waiting = (budget.is_left or status == 'later') and 0 or budget.waiting or 0
    local is_refused = status == 'budget' and not budget.is_left
    end_turn(queue, waiting + (is_refused and budget.want or 0),
      budget.now + (is_refused and budget.poll_ms or waiting > 0 and PERMIT_POLL_MS or 0), budget.cost)
  end
  if budget.granted > 0 or not has_claimed then
    store_pacing(budget)
  end
  local places = budget.concurrency - budget.others - budget.held - budget.granted
  if budget.has_free or (status == 'granted' and budget.concurrency > 0 and places > 0) then
    next_run = next_turn(queue)
  end
  if status == 'granted' then
    return next_run
  end
  return status == 'budget' and string.format('%d|%s', ms, next_run) or ms
end
