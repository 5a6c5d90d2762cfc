--[[
  Part of scripts that share a budget by weight. Start-time fair queueing (Goyal, Vin and Cheng 1996): each run has a start
  tag, the greater of the virtual time and its finish tag; the smallest start tag is admitted next, and the finish tag is the
  start tag plus the cost divided by the weight. The virtual time is the start tag that was admitted last, or the smallest of
  those that wait for their turn. A run that has asked for nothing lately begins at the virtual time: idle time gives no credit.

  A queue is a hash: `virtual`, `seen` (epoch ms of the last request), and `run:` with the id of each run ->
  `tag|asks until|want|weight|cost|process`
    tag          its finish tag, in seconds of the whole budget
    asks until   epoch ms by which it asks again
    want         ranges or calls that it has asked for and not been given; 0: it waits for nothing
    cost         seconds of the whole budget that one of them takes
    process      that asks for them, '' where it is not known
]]
-- A run that is later than it said by so much waits no more: its processes died, or have nothing to claim.
local ASKS_AGAIN_MS = 300
-- For so long it keeps its tag, so that a process which stalls for a moment does not cost its run a part of its share.
local KEEPS_TAG_MS = 1000
-- How far behind the virtual time a run may be that asks all the time but does not use its share: so many times the largest cost
-- of those that ask, as others that were admitted before it are ahead by theirs.
local CREDIT = 4
local FORGOTTEN_MS = 60000
-- Where no run has asked for longer than this, and the one that asks now is later than it said by as much, all stood still, on a
-- busy machine or without Redis. None that waits is late for that: the first to ask again must not take the turns of the others.
-- Where it lasted longer than the most, they begin anew. A run that asks when it said has others that ask no more expire.
local QUIET_MS, MOST_QUIET_MS = 100, 10000

local function parse_turn(run, text)
  local tag, asks_until, want, weight, cost, process =
    string.match(text, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)$')
  return {
    run = run, tag = tonumber(tag), asks_until = tonumber(asks_until), want = tonumber(want), weight = tonumber(weight),
    cost = tonumber(cost), process = process,
  }
end

local function open_fair_queue(key, run, weight, now, process)
  local queue = {
    key = key, run = run, weight = weight, now = now, virtual = 0, recent = {}, old = {}, forgotten = {}, weights = weight,
    largest_cost = 0, process = process or '', postponed = {},
  }
  local stored_seen, own_text = unpack(redis.call('HMGET', key, 'seen', 'run:' .. run))
  local seen = tonumber(stored_seen or '') or now
  local own = own_text and parse_turn(run, own_text)
  local quiet = now - math.max(seen, own and own.want > 0 and own.asks_until or 0)
  if quiet < QUIET_MS or quiet > MOST_QUIET_MS then
    quiet = 0
  end
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local id = string.match(fields[i], '^run:(.*)$')
    if id then
      local entry = parse_turn(id, fields[i + 1])
      if quiet > 0 and entry.want > 0 and seen <= entry.asks_until + KEEPS_TAG_MS then
        entry.asks_until = entry.asks_until + quiet
        queue.postponed[#queue.postponed + 1] = entry
      end
      local is_recent = now <= entry.asks_until + ASKS_AGAIN_MS
      if id == run then
        queue.own, queue.is_recent = entry, is_recent
        queue.keeps_tag = now <= entry.asks_until + KEEPS_TAG_MS
      elseif is_recent then
        queue.recent[#queue.recent + 1] = entry
        queue.weights = queue.weights + entry.weight
        queue.largest_cost = math.max(queue.largest_cost, entry.cost)
      else
        queue.old[#queue.old + 1] = entry
      end
    elseif fields[i] == 'virtual' then
      queue.virtual = tonumber(fields[i + 1])
    end
  end
  for _, entry in ipairs(queue.old) do
    if entry.tag <= queue.virtual or now > entry.asks_until + FORGOTTEN_MS then
      queue.forgotten[#queue.forgotten + 1] = 'run:' .. entry.run
    end
  end
  return queue
end

-- The start tag of the next range of the run, or of its next call.
local function begin_turn(queue, cost)
  local own = queue.own
  if not own then
    queue.tag = queue.virtual
  elseif not queue.keeps_tag then
    queue.tag = math.max(own.tag, queue.virtual)
  elseif own.want > 0 then
    queue.tag = own.tag
  else
    queue.tag = math.max(own.tag, queue.virtual - CREDIT * math.max(cost, queue.largest_cost) / queue.weight)
  end
end

-- How many of the free places are those of runs whose turn comes before.
local function taken_before(queue)
  local taken = 0
  for _, other in ipairs(queue.recent) do
    if other.want > 0 and other.tag < queue.tag then
      local turns = math.ceil((queue.tag - other.tag) * other.weight / other.cost - 0.000001)
      taken = taken + math.min(other.want, turns)
    end
  end
  return taken
end

local function admit(queue, cost)
  local smallest = queue.tag
  for _, other in ipairs(queue.recent) do
    if other.want > 0 then
      smallest = math.min(smallest, other.tag)
    end
  end
  queue.virtual = math.max(queue.virtual, smallest)
  queue.tag = queue.tag + cost / queue.weight
end

-- Of the runs that wait, the one whose turn is next; '' where none waits.
local function next_turn(queue)
  local first
  for _, other in ipairs(queue.recent) do
    if other.want > 0 and (not first or other.tag < first.tag) then
      first = other
    end
  end
  return first and first.run or ''
end

-- Share of the run among those that asked lately, from 0 to 1.
local function share_of(queue)
  return queue.weight / queue.weights
end

-- Records for the status that the budget of a context is what the run waits for:
-- `epoch ms|asks again by|limit|share|run in its place|weight|context`.
local function record_budget_wait(queue, context, limit, poll_ms, run_in_place)
  redis.call('HSET', RUN, 'budgetWait', string.format('%.0f|%.0f|%s|%.4f|%s|%.9g|%s',
    queue.now, queue.now + poll_ms, limit, share_of(queue), run_in_place, queue.weight, context))
end

local function store_entry(queue, entry)
  redis.call('HSET', queue.key, 'run:' .. entry.run, string.format('%.9f|%.0f|%d|%.9f|%.9f|%s',
    entry.tag, entry.asks_until, entry.want, entry.weight, entry.cost, entry.process))
end

-- `want` ranges or calls are asked for again before `asks_until`.
local function end_turn(queue, want, asks_until, cost)
  local own, process = queue.own, queue.process
  if want == 0 and own and own.want > 0 and own.process ~= process and queue.now <= own.asks_until then
    -- What another process of the run waits for, it still waits for.
    want, asks_until, process = own.want, own.asks_until, own.process
  end
  for _, entry in ipairs(queue.postponed) do
    store_entry(queue, entry)
  end
  store_entry(queue, {
    run = queue.run, tag = queue.tag, asks_until = asks_until, want = want, weight = queue.weight, cost = cost, process = process,
  })
  redis.call('HSET', queue.key, 'virtual', string.format('%.9f', queue.virtual), 'seen', string.format('%.0f', queue.now))
  if #queue.forgotten > 0 then
    redis.call('HDEL', queue.key, unpack(queue.forgotten))
  end
end

-- The run asks for nothing: it is held, or its own rate is what it waits for. Others need not wait for it.
local function leave_queue(queue)
  if queue.own and (queue.own.want > 0 or queue.is_recent) then
    local own = queue.own
    redis.call('HSET', queue.key, 'run:' .. queue.run,
      string.format('%.9f|0|0|%.9f|%.9f|', own.tag, queue.weight, own.cost))
  end
end
