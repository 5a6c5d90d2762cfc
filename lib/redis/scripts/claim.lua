--[[
  Claims ranges: gives each its start time by the rate of the run, or says why no more may start.
  Generic cell rate algorithm (GCRA, ITU-T I.371), a range being a cell: `tat` is the theoretical arrival time,
  the start time of the next range. Where a budget is in force, a range starts by that as well; see budget.lua, which this
  script follows.

  KEYS     see prelude.lua, and 7 to 11 in budget.lua
  ARGV
    1      longest wait until a start time, microseconds
    2      lateness of the starts of this process since its last claim, `excess|ranges|lateness`: microseconds by which they were
           later than usual, and how many ranges started later than they were due, and by how much at most
    3...   index of each, or `index job`: a range that has another job by now is not outstanding for this one. A job of
           several ranges is delivered again when the worker stops, while the one that was stopped has a job of its own.
           Without any, it only stores what the process holds of the budget
    then   the budget, JSON, see `open_budget`; absent: there is none
    last   version of the handler, see `is_held_for_version`

  Reply    { status, ms, answer of each index... }
    status   'granted'  each index has an answer; no ms
             'stopped'  the run is not running, or not with this version of the handler; no ms
             'held'     the rate is 0: no ms; or a hold is in force: ms until its end
             'later'    the next start time is beyond the longest wait: ms until it. Within a budget, it is of the rate of
                        the run, however soon it is
             'budget'   the budget has no place for it now: ms after which to ask again, `|`, and the run whose turn is next,
                        or ''
             Where a budget is in force, 'granted' has that run instead of ms: '' where none waits, or no place is free
    answer   '' when the range is not outstanding, else 'microseconds to wait|entry'. With another status than
             'granted' only the first indexes have an answer.
]]
local handler = table.remove(ARGV)
local budget_text = string.sub(ARGV[#ARGV], 1, 1) == '{' and table.remove(ARGV)
local longest_wait = tonumber(ARGV[1])
local excess, late_ranges, lateness = string.match(ARGV[2], '^(%d+)|(%d+)|(%d+)$')
local status, hold_until, current_interval, next_interval, next_interval_at, stored_tat, stored_backlog, stored_late =
  unpack(redis.call('HMGET', RUN,
    'status', 'holdUntil', 'interval', 'next interval', 'next interval at', 'moment', 'debt', 'lateStarts'))
local now = now_us()
local start_lateness = math.min(SECOND, tonumber(excess))
local budget = budget_text and open_budget(budget_text, now, start_lateness)

local function refuse(refusal, ms)
  if budget then
    leave_budget(budget)
  end
  return { refusal, ms }
end

if status ~= 'running' or is_held_for_version(handler) then
  return refuse('stopped', false)
end
local hold = global_hold(now / 1000)
if hold then
  return refuse('held', hold.ends < math.huge and math.ceil(hold.ends - now / 1000))
end
local hold_until_ms = tonumber(hold_until or '') or 0
if hold_until_ms * 1000 > now then
  return refuse('held', math.ceil(hold_until_ms - now / 1000))
end

-- Microseconds between two ranges, 0 unpaced, below 0 held; `interval_after` is in force from `change_at` on.
local interval, interval_after = tonumber(current_interval or '') or 0, tonumber(next_interval or '')
local change_at = interval_after and tonumber(next_interval_at or '') and tonumber(next_interval_at) * 1000
if change_at and now >= change_at then
  interval, change_at = interval_after, nil
end
if interval < 0 then
  return refuse('held', false)
end

local shortening, burst_tolerance = tolerances(interval)
local tat, backlog =
  caught_up(tonumber(stored_tat or '') or now, tonumber(stored_backlog or '') or 0, burst_tolerance, now, 0)
local late = note_late_starts(
  stored_late, interval, now, tonumber(late_ranges), math.min(SECOND, tonumber(lateness)))

local reply = { 'granted', false }
local changed, rows_repeated = interval > 0 and late_ranges ~= '0', 0
for i = 3, #ARGV do
  local index, job = string.match(ARGV[i], '^(%d+) ?(.*)$')
  local text = redis.call('HGET', WORK, index)
  local entry = text and parse_entry(text)
  if not entry or (job ~= '' and entry.job ~= job) then
    reply[#reply + 1] = ''
  else
    if interval > 0 and late.room > 0 and tat >= late.from then
      tat, backlog, late.room = tat + late.room, math.min(SECOND, backlog + late.room), 0
      changed = true
    end
    -- A start time after the next change of the rate is one of the next rate.
    if change_at and interval > 0 and tat >= change_at then
      if interval_after <= 0 then
        reply[1], reply[2] = 'later', math.ceil((change_at - now) / 1000)
        break
      end
      interval, shortening = interval_after, tolerances(interval_after)
    end
    local wait = interval > 0 and math.max(0, tat - now) or 0
    if wait > longest_wait then
      reply[1], reply[2] = 'later', math.ceil(wait / 1000)
      break
    end
    if budget then
      local refusal, ms
      wait, refusal, ms = place_in_budget(budget, entry.rows, wait, now)
      if refusal then
        reply[1], reply[2] = refusal, ms
        budget.want = #ARGV - i + 1
        break
      end
    end
    -- Of a range that was split, only the first part keeps the claims; the attempts are those of all parts.
    if entry.claims > 0 or entry.attempts > 0 then
      rows_repeated = rows_repeated + entry.rows
    end
    entry.claims = entry.claims + 1
    text = format_entry(entry)
    redis.call('HSET', WORK, index, text)
    reply[#reply + 1] = string.format('%d|%s', wait, text)
    if interval > 0 then
      local shortened_by = math.min(backlog, shortening)
      backlog = backlog - shortened_by
      tat = tat + interval - shortened_by
      changed = true
    end
  end
end
if changed then
  redis.call('HSET', RUN, 'moment', string.format('%.0f', tat), 'debt', string.format('%.0f', backlog),
    'lateStarts', format_late_starts(late))
end
if rows_repeated > 0 then
  count_in_canary('canaryRepeated', rows_repeated)
end
if budget then
  reply[2] = close_budget(budget, reply[1], reply[2], #ARGV > 2)
end
return reply
