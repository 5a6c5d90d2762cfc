--[[
  Reads what the statuses of backfills need, at one moment. A caller that remembers what it has read is given only what can
  have changed: the running runs, and the backfills of which the stream of events says something new.

  KEYS     see prelude.lua; of 1 to 6 only the stream of the events and the active runs are used
    7      prefix of the sorted sets of the runs, which the name of a backfill follows, as it follows the next three
    8      prefix of the configs
    9      prefix of the heartbeats of the workers
    10     prefix of the quotas
    11     prefix of the samples, which a run id follows, as it follows the next one
    12     prefix of the errors of the throttles
    13     prefix of the overrides of the throttles, which the name of a backfill follows
  ARGV
    1      id of the newest event at the last read; 'all' to read those of ARGV and all with an active run in full, 'named'
           to read those of ARGV only
    2      samples to read of a running run
    3...   names of backfills to read in full

  Reply    { epoch microseconds, id of the newest event, names of the active runs, backfills, JSON of the hold of all runs, ''
             without one }
           { epoch microseconds } when the events since ARGV[1] are not known: it is to be read in full
           Of each backfill { name } where Redis has nothing of it, as of most that have never been run, else
           { name, 1 when read in full, else 0, error or '', run id or '', run, samples, heartbeats, config,
           quota, errors of the throttles, overrides }. Hashes are flat lists, the samples come newest first. Run and samples are JSON,
           as a client reads one text in a fraction of the time that it takes for its values. Config, quota, errors of throttles
           and overrides are empty unless it is read in full; config, quota and errors of throttles are empty without a run, too;
           the config is an error where it cannot be read.
]]
local RUNS, CONFIG, WORKERS, QUOTA = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local SAMPLES, THROTTLE_ERRORS, OVERRIDES = KEYS[11], KEYS[12], KEYS[13]
local MOST_EVENTS = 500
-- They move counters and errors of the run, which are read of every running run.
local PROGRESS = { rangeCompleted = true, quarantined = true }
local last_event, sample_count = ARGV[1], tonumber(ARGV[2])
local now = string.format('%.0f', now_us())

local full, newest = {}, last_event
for i = 3, #ARGV do
  full[ARGV[i]] = true
end
if last_event == 'all' or last_event == 'named' then
  local entries = redis.call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)
  newest = entries[1] and entries[1][1] or '0-0'
else
  local entries = redis.call('XRANGE', EVENTS, last_event, '+', 'COUNT', MOST_EVENTS)
  local is_known = last_event == '0-0' or (entries[1] and entries[1][1] == last_event)
  if #entries == MOST_EVENTS or not is_known then
    return { now }
  end
  for _, entry in ipairs(entries) do
    local fields = {}
    for i = 1, #entry[2], 2 do
      fields[entry[2][i]] = entry[2][i + 1]
    end
    if entry[1] ~= last_event and fields.backfill and fields.backfill ~= '*' and not PROGRESS[fields.type] then
      full[fields.backfill] = true
    end
    newest = entry[1]
  end
end

-- A key of another type hides nothing of the others.
local problem
local function read(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    problem = problem or reply.err
    return {}
  end
  return reply
end

local function read_backfill(name, id)
  problem = nil
  local is_full = full[name]
  local run_id = id or read('ZREVRANGE', RUNS .. name, 0, 0)[1] or ''
  local run = run_id == '' and {} or read('HGETALL', RUN_PREFIX .. run_id)
  local is_running = false
  for i = 1, #run, 2 do
    is_running = is_running or (run[i] == 'status' and run[i + 1] == 'running')
  end
  local run_problem = problem
  if not is_full and not is_running and not problem then
    return nil
  end
  if run_id == '' and not problem and redis.call('EXISTS', WORKERS .. name, OVERRIDES .. name) == 0 then
    return { name }
  end
  local samples = is_running and read('LRANGE', SAMPLES .. run_id, 0, sample_count - 1) or {}
  -- A sample is stored as JSON; of an empty table cjson makes an object.
  local samples_json = '[' .. table.concat(samples, ',') .. ']'
  local run_json = #run == 0 and '[]' or cjson.encode(run)
  local workers = read('HGETALL', WORKERS .. name)
  local config, quota, throttle_errors, overrides = {}, {}, {}, {}
  if is_full then
    overrides = read('HVALS', OVERRIDES .. name)
    run_problem = problem
  end
  if is_full and run_id ~= '' then
    quota = read('HMGET', QUOTA .. name, 'rate', 'since', 'step')
    throttle_errors = read('HGETALL', THROTTLE_ERRORS .. run_id)
    run_problem = problem
    config = read('HGETALL', CONFIG .. name)
    -- A run whose config cannot be read can be read itself.
    config = problem == run_problem and config or problem
  end
  return { name, is_full and 1 or 0, run_problem or '', run_id, run_json, samples_json, workers, config, quota,
    throttle_errors, overrides }
end

local names, found = {}, {}
local active = redis.call('HGETALL', ACTIVE)
for i = 1, #active, 2 do
  local name = active[i]
  names[#names + 1] = name
  full[name] = full[name] or last_event == 'all'
  if full[name] or last_event ~= 'named' then
    found[#found + 1] = read_backfill(name, active[i + 1])
  end
  full[name] = nil
end
for name in pairs(full) do
  found[#found + 1] = read_backfill(name)
end
return { now, newest, names, found, global_hold_json(global_hold(now_ms())) }
